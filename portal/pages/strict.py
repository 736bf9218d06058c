"""The forms of our pages: what is no field of them, or is sent twice, is named and never dropped."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render

from portal.pages.asking import Asking

TOKEN = "csrfmiddlewaretoken"  # noqa: S105  Django's own field


class Strict(forms.Form):
    """A form in which every key that is sent is one of its fields, once.

    also    names that its page reads by itself
    many    fields that take several values, besides those that choose several
    """

    also: frozenset[str] = frozenset()
    many: frozenset[str] = frozenset()

    def clean(self) -> dict[str, Any]:
        super().clean()
        for name in self.unknown:
            self.add_error(None, f"“{name[:40]}” is not a field of this form.")
        for name in self.repeated:
            self.add_error(None, f"“{name[:40]}” was sent twice.")
        return self.cleaned_data

    @property
    def unknown(self) -> list[str]:
        """What was sent and is no field of the form."""
        return sorted(set(self.data) - set(self.fields) - self.also - {TOKEN})

    @property
    def repeated(self) -> list[str]:
        """The fields that were sent more than once and take one value."""
        if not hasattr(self.data, "getlist"):
            return []
        one = [
            name
            for name, field in self.fields.items()
            if name not in self.many and not isinstance(field, forms.MultipleChoiceField)
        ]
        return sorted(name for name in one if len(self.data.getlist(name)) > 1)

    @property
    def problems(self) -> list[str]:
        """Every message, with the field it is about."""
        return [
            f"{self.fields[name].label}: {message}" if name in self.fields else str(message)
            for name, messages in self.errors.items()
            for message in messages
        ]


def answer(request: Asking, template: str, context: dict[str, Any], form: forms.Form) -> HttpResponse:
    """The page with its form; 422 when what was sent cannot be."""
    return render(request, template, context | {"form": form}, status=422 if form.errors else 200)
