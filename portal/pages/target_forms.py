"""What an organization fills in about its goals; what may be, the story decides."""

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.goals import Matters
from portal.pages.days import DayField
from portal.pages.strict import Strict
from scoring.read import Reading

NOT_LISTED = {"required": "Choose one.", "invalid_choice": "“%(value)s” is not in the list."}


class GoalForm(Strict):
    """What it is about, and what stood there when the page was read."""

    is_conflict = False  # somebody else was quicker

    node = forms.ChoiceField(error_messages=NOT_LISTED)
    seen = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, nodes: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["node"]
        field.choices = list(nodes)


class TargetForm(GoalForm):
    """A value, and the day on which it is to be there."""

    value = forms.IntegerField(
        min_value=0,
        max_value=100,
        error_messages={
            "required": "Enter a target from 0 to 100.",
            "invalid": "Enter a target from 0 to 100, without decimals.",
            "min_value": "Enter a target from 0 to 100.",
            "max_value": "Enter a target from 0 to 100.",
        },
    )
    due_on = DayField(error_messages={"required": "Choose the day it is to be reached by."})


class EmphasisForm(GoalForm):
    """How much less a signal matters, and why."""

    matters = forms.ChoiceField(choices=Matters.choices, error_messages=NOT_LISTED)
    reason = forms.CharField(
        max_length=300,
        error_messages={
            "required": "Say why, in a few words: others will ask.",
            "max_length": "Say it in 300 characters at most; there are %(show_value)s.",
        },
    )


def named(readings: Sequence[Reading], overall: str) -> list[tuple[str, str]]:
    """Nodes to choose from; the overall score by what it is."""
    return [(each.node, overall if each.node == "overall" else each.name) for each in readings]
