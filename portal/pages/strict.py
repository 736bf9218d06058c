"""Forms that take the fields they have, and say so of any other: nothing is stored that was not asked for."""

from typing import Any

from django import forms

TOKEN = "csrfmiddlewaretoken"  # noqa: S105  Django's own field


class Strict(forms.Form):
    """A form in which an unknown field is an error of its own."""

    def clean(self) -> dict[str, Any]:
        for name in self.unknown:
            self.add_error(None, f"There is no field “{name[:40]}” in this form.")
        return self.cleaned_data

    @property
    def unknown(self) -> list[str]:
        """What was sent and is no field of the form."""
        return sorted(set(self.data) - set(self.fields) - {TOKEN})

    @property
    def problems(self) -> list[str]:
        """Every message, with the field it is about."""
        return [
            f"{self.fields[name].label}: {message}" if name in self.fields else str(message)
            for name, messages in self.errors.items()
            for message in messages
        ]
