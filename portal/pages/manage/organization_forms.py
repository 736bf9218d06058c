"""What an administrator fills in about an organization; what may be, the stories decide."""

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from django import forms

from accounts.access import Plan
from accounts.organizations import products, staff
from portal.pages.strict import Strict
from scoring import publish

if TYPE_CHECKING:
    from accounts.models import Organization, User

NO_DAY = "“%(value)s” is not a day; write it as 2026-11-20."
NOT_LISTED = {"required": "Choose one.", "invalid_choice": "“%(value)s” is not in the list."}
USUAL = "customer-success"
NOBODY = "nobody"  # said, never left out: an empty choice must not take an organization from its manager


def beginning(day: date) -> datetime:
    """The first instant of a day, UTC."""
    return datetime.combine(day, time(), UTC)


def instant(day: date, now: datetime) -> datetime:
    """Now for today, the first instant of any other day."""
    return now if day == now.astimezone(UTC).date() else beginning(day)


def people() -> list[tuple[str, str]]:
    """Address and name of everybody who can look after an organization, and nobody."""
    named = ((each.email, f"{each} ({each.email})") for each in staff())
    return [("", "Choose …"), (NOBODY, "Nobody"), *named]


def scorecards() -> list[tuple[str, str]]:
    """Key twice, of every published scorecard."""
    return [(key, key) for key in publish.scorecard_keys()]


def staff_with(email: str) -> "User | None":
    """The member of staff with this address; None for nobody."""
    return next((each for each in staff() if each.email == email), None)


class DayField(forms.DateField):
    """A day as browsers send it; the complaint names what was given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            input_formats=["%Y-%m-%d"],
            error_messages={"required": "Choose a day."},
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            **options,
        )

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except forms.ValidationError as error:
            raise forms.ValidationError(NO_DAY, params={"value": str(value)[:40]}) from error


class PlanField(forms.ChoiceField):
    def __init__(self, **options: Any) -> None:
        super().__init__(choices=Plan.choices, error_messages=NOT_LISTED, **options)


class ScorecardField(forms.ChoiceField):
    """The published scorecards."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=scorecards, error_messages=NOT_LISTED, **options)


class StaffField(forms.ChoiceField):
    """Somebody who works here, or nobody."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=people, error_messages=NOT_LISTED, **options)


class FactsForm(Strict):
    """What is known of an organization. Its slug is no field: it never changes."""

    name = forms.CharField(max_length=200, label="Name", error_messages={"required": "Enter its name."})
    external_id = forms.CharField(
        max_length=120,
        label="External ID",
        help_text="Its name in your own systems: files and measurements come under it.",
        error_messages={"required": "Enter the id it has in your own systems."},
    )
    industry = forms.CharField(max_length=80, required=False, label="Industry")
    region = forms.CharField(max_length=80, required=False, label="Region")
    seats = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2_147_483_647,
        label="Seats",
        help_text="Purchased, over all products; decides the size of its peer group.",
        error_messages={"invalid": "Enter a whole number of seats."},
    )
    scorecard = ScorecardField(
        label="Scorecard", help_text="What its people see; counts from the next night."
    )
    parent = forms.CharField(
        max_length=200, required=False, label="Parent", help_text="External ID or name of the one above it."
    )
    products = forms.MultipleChoiceField(
        required=False,
        choices=products,
        widget=forms.CheckboxSelectMultiple,
        label="Products",
        error_messages={"invalid_choice": "“%(value)s” is not in the list."},
    )

    def __init__(self, *args: Any, standing: str = USUAL, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["scorecard"]
        # The one it has stays choosable, published or not: saving a name must not change the scorecard.
        if standing not in dict(field.choices):
            field.choices = [*field.choices, (standing, standing)]


def facts_of(organization: "Organization") -> dict[str, Any]:
    """The organization as the form shows it."""
    return {
        "name": organization.name,
        "external_id": organization.external_id,
        "industry": organization.industry,
        "region": organization.region,
        "seats": organization.seats,
        "scorecard": organization.scorecard,
        "parent": organization.parent.external_id if organization.parent else "",
        "products": [product.key for product in organization.products.all()],
    }


class PlanForm(Strict):
    """One plan and its time; `standing` says which one it changes, empty for one more."""

    plan = PlanField(label="Plan")
    starts_on = DayField(label="From", help_text="From 00:00 UTC.")
    ends_on = DayField(required=False, label="Until", help_text="The first day without it. Empty: no end.")
    ends_other = forms.BooleanField(
        required=False, label="End the plan that is in force on that day, if there is one"
    )
    standing = forms.CharField(required=False, widget=forms.HiddenInput, max_length=40)

    def clean(self) -> dict[str, Any]:
        super().clean()
        starts_on, ends_on = self.cleaned_data.get("starts_on"), self.cleaned_data.get("ends_on")
        if starts_on and ends_on and ends_on <= starts_on:
            self.add_error("ends_on", f"{ends_on} is not after {starts_on}, where it begins.")
        return self.cleaned_data


class WithdrawForm(Strict):
    """Which plan is taken away."""

    standing = forms.CharField(max_length=40)


class AssignForm(Strict):
    """Who follows, and from when."""

    role = forms.ChoiceField(
        choices=[("csm", "csm"), ("guide", "guide")], widget=forms.HiddenInput, error_messages=NOT_LISTED
    )
    to = StaffField(label="To")
    on = DayField(label="From", help_text="Today is at once; a later day begins at 00:00 UTC.")


class MergeForm(Strict):
    """The other one, that it is meant, and what was seen of it."""

    other = forms.CharField(max_length=80, widget=forms.HiddenInput)
    seen = forms.CharField(max_length=32, widget=forms.HiddenInput)
    name = forms.CharField(max_length=200, strip=False, error_messages={"required": "Type the name."})
