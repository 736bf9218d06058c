"""A form that refuses what it does not know: a key that is none of its fields, or one of them given twice."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render

from portal.pages.asking import Asking

OURS = "csrfmiddlewaretoken"  # what every form of ours carries besides


class KnownForm(forms.Form):
    """Every key is a field of it; nothing is ignored without a word."""

    def clean(self) -> dict[str, Any]:
        for name in self.data:
            if name not in self.fields and name != OURS:
                raise forms.ValidationError(f"“{name[:40]}” is not a field of this form.")
            is_many = isinstance(self.fields.get(name), forms.MultipleChoiceField)
            if not is_many and hasattr(self.data, "getlist") and len(self.data.getlist(name)) > 1:
                raise forms.ValidationError(f"“{name[:40]}” was sent twice.")
        return self.cleaned_data


def answer(request: Asking, template: str, context: dict[str, Any], form: forms.Form) -> HttpResponse:
    """The page with its form; 422 when what was sent cannot be."""
    return render(request, template, context | {"form": form}, status=422 if form.errors else 200)
