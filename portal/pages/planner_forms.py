"""What a person asks of the planner. Everything stands in the address: a plan can be sent as a link."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.pages.days import DayField
from portal.pages.strict import Strict

FARTHEST = timedelta(days=5 * 366)
LONGEST = 2000  # days of work


class WishForm(Strict):
    """A target, a day and a budget; the actions that are ticked, and the inputs that are moved."""

    also = frozenset({"pick", "move", "find", "show"})

    target = forms.IntegerField(required=False, label="Target score")
    by = DayField(required=False, label="By")
    days = forms.DecimalField(required=False, label="Days we can spend", max_digits=6, decimal_places=1)
    less = forms.BooleanField(required=False, label="Also what matters less to us")
    metric = forms.CharField(required=False, label="Input")
    value = forms.FloatField(required=False, label="Value")

    def __init__(self, *args: Any, today: date, **options: Any) -> None:
        super().__init__(*args, **options)
        self.today = today

    def clean_target(self) -> int | None:
        target: int | None = self.cleaned_data["target"]
        if target is not None and not 0 <= target <= 100:
            raise ValidationError(f"{target} is not from 0 to 100.")
        return target

    def clean_by(self) -> date | None:
        by: date | None = self.cleaned_data["by"]
        if by is not None and by <= self.today:
            raise ValidationError(f"{by} is not in the future. Choose a day from tomorrow on.")
        if by is not None and by > self.today + FARTHEST:
            raise ValidationError(f"{by} is more than five years away. Choose an earlier day.")
        return by

    def clean_days(self) -> Decimal | None:
        return _days(self.cleaned_data["days"])


def _days(days: Decimal | None) -> Decimal | None:
    if days is not None and not 0 <= days <= LONGEST:
        raise ValidationError(f"{days} is not a number of days from 0 to {LONGEST}.")
    return days


class SaveForm(Strict):
    """A name for a plan, and what it was made for."""

    also = frozenset({"pick"})

    name = forms.CharField(
        max_length=120,
        label="Name",
        error_messages={
            "required": "Give the plan a name.",
            "max_length": "A name has 120 characters at most; this one has %(show_value)s.",
        },
    )
    target = forms.IntegerField(required=False, min_value=0, max_value=100, label="Target score")
    by = DayField(required=False, label="By")
    days = forms.DecimalField(required=False, label="Days", max_digits=6, decimal_places=1)

    def clean_days(self) -> Decimal | None:
        return _days(self.cleaned_data["days"])


class ItemForm(Strict):
    """Who does an action of a plan, and by when."""

    owner = forms.ChoiceField(
        required=False, label="Owner", error_messages={"invalid_choice": "“%(value)s” is not in the list."}
    )
    due_on = DayField(required=False, label="By")
    edition = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, people: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["owner"]
        field.choices = [("", "Nobody yet"), *people]


class ShareForm(Strict):
    """What to say to the success manager."""

    note = forms.CharField(
        required=False,
        max_length=500,
        label="Note",
        error_messages={"max_length": "Say it in 500 characters at most; there are %(show_value)s."},
    )
