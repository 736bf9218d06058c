"""What is typed on the trends: a note, and two days to compare."""

from typing import Any

from django import forms

from portal.pages.days import DayField
from portal.pages.strict import Strict


class NoteForm(Strict):
    """A day and what happened then; the story says what can be kept."""

    day = DayField(label="Day", error_messages={"required": "Say on which day it happened."})
    text = forms.CharField(
        label="What happened", max_length=2000, error_messages={"required": "Write what happened."}
    )


class Days(forms.Form):
    """Two days; either may be left to us."""

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["from"] = DayField(label="From", required=False)
        self.fields["to"] = DayField(label="To", required=False)
