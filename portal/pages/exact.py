"""A form that takes its own fields and nothing else: what nobody asked for is named, never dropped."""

from django import forms

PASSED = frozenset({"csrfmiddlewaretoken", "next"})


class Exact(forms.Form):
    """Refuses keys that are not fields; `also` are names that its page reads by itself."""

    also: frozenset[str] = frozenset()

    def clean(self) -> dict[str, object] | None:
        cleaned = super().clean()
        for key in sorted(set(self.data) - set(self.fields) - PASSED - self.also):
            self.add_error(None, f"“{key[:40]}” is not asked for here.")
        return cleaned
