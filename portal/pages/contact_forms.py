"""What may be said about contacts: whom to invite, as what, until when, and what to do with several."""

from datetime import date, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict

from accounts import memberships
from accounts.access import Role
from accounts.memberships import EndRefused
from portal.pages.strict import Strict

MOST_AT_ONCE = 200
A_DAY = "%Y-%m-%d"

type Acts = list[tuple[str, str]]


class DayField(forms.DateField):
    """A day that, unreadable, is refused with what was given."""

    def to_python(self, value: Any) -> date | None:
        try:
            return super().to_python(value)
        except forms.ValidationError:
            text = f"“{str(value)[:40]}” is not a day; write it as 2026-12-31."
            raise forms.ValidationError(text) from None


class InRole(Strict):
    """A role, and a partner until when."""

    role = forms.CharField(
        label="Role", max_length=40, error_messages={"required": "Choose what they may do."}
    )
    until = DayField(label="Last day of a partner", required=False, input_formats=[A_DAY])

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        role, last_day = data.get("role"), data.pop("until", None)
        data["until"] = None
        if last_day and role and role != Role.PARTNER:
            self.add_error("until", "Only a partner's access has a last day; leave it empty.")
        elif last_day:
            try:
                data["until"] = memberships.end_of(last_day)
            except EndRefused as refused:
                self.add_error("until", str(refused))
        elif role == Role.PARTNER and "until" not in self.errors:
            self.add_error("until", "A partner's access ends: say the last day.")
        return data


class Offer(InRole):
    """Whom to invite, and as what."""

    email = forms.EmailField(
        label="Work email",
        max_length=254,
        error_messages={"required": "Enter the address to invite.", "invalid": "Enter one e-mail address."},
    )


class NewRole(InRole):
    """Another role, and that it may leave nobody to manage contacts."""

    confirmed = forms.BooleanField(required=False)
    last = forms.BooleanField(required=False)


class NewEnd(Strict):
    """The last day of a partner's access."""

    until = DayField(
        label="Last day", input_formats=[A_DAY], error_messages={"required": "Say the last day."}
    )

    def clean_until(self) -> datetime:
        try:
            return memberships.end_of(self.cleaned_data["until"])
        except EndRefused as refused:
            raise forms.ValidationError(str(refused)) from refused


class Confirm(Strict):
    """A step that has been read: what it does, and that nobody may be left to manage contacts."""

    confirmed = forms.BooleanField(required=False)
    last = forms.BooleanField(required=False)


class Successor(Strict):
    """Who becomes designated contact, and what becomes of whoever was."""

    to = forms.UUIDField(
        label="New designated contact",
        error_messages={"required": "Choose who takes it over.", "invalid": "Choose one of the list."},
    )
    becomes = forms.ChoiceField(
        label="What becomes of them",
        required=False,
        choices=[
            ("", "Their access ends"),
            *((role.value, role.label) for role in (Role.TRAINING_ADMIN, Role.VIEWER)),
        ],
        error_messages={"invalid_choice": "“%(value)s” is not in the list."},
    )


class Together(Strict):
    """Who was picked, and what to do with all of them."""

    many = frozenset({"who"})

    who = forms.CharField(required=False)
    act = forms.ChoiceField(
        choices=[],
        error_messages={
            "required": "Choose what to do with them.",
            "invalid_choice": "“%(value)s” is not in the list.",
        },
    )
    confirmed = forms.BooleanField(required=False)
    last = forms.BooleanField(required=False)

    def __init__(self, data: QueryDict, acts: Acts) -> None:
        super().__init__(data)
        self.people = data.getlist("who")
        self.fields["act"].choices = acts  # type: ignore[attr-defined]
        self.picked: list[UUID] = []

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for text in dict.fromkeys(self.people):
            try:
                self.picked.append(UUID(text))
            except ValueError:
                self.add_error("who", f"“{text[:40]}” is nobody here.")
        if not self.picked and "who" not in self.errors:
            self.add_error("who", "Pick somebody first.")
        if len(self.picked) > MOST_AT_ONCE:
            self.add_error("who", f"Pick at most {MOST_AT_ONCE}; these are {len(self.picked)}.")
        return data


def status_of(form: forms.Form) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound and form.errors else HTTPStatus.OK
