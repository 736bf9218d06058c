"""The same for many organizations at once: chosen in the list, filled in, tried and shown, then confirmed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import ADMIN, admit
from accounts.organizations import bulk, listing
from accounts.organizations.bulk import Act
from accounts.organizations.listing import Wanted
from portal.pages.asking import Asking
from portal.pages.house import house
from portal.pages.manage.organization_forms import (
    DayField,
    PlanField,
    ScorecardField,
    StaffField,
    beginning,
    instant,
    staff_with,
)
from portal.pages.strict import Strict

TRY, DO = "try", "do"


class BulkForm(Strict):
    """What is done to which organizations, and whether it was seen before."""

    act = forms.CharField(widget=forms.HiddenInput)
    organizations = forms.CharField(widget=forms.HiddenInput, max_length=bulk.MOST * 81)
    step = forms.ChoiceField(choices=[(TRY, TRY), (DO, DO)], widget=forms.HiddenInput)


class ManagerForm(BulkForm):
    to = StaffField(label="Customer success manager")
    on = DayField(
        label="From", help_text="The one before keeps the organizations until then. Today is at once."
    )


class PlanForm(BulkForm):
    plan = PlanField(label="Plan")
    starts_on = DayField(
        label="From", help_text="A plan that holds on that day ends there. Days begin at 00:00 UTC."
    )
    ends_on = DayField(required=False, label="Until", help_text="The first day without it. Empty: no end.")


class EndForm(BulkForm):
    ends_on = DayField(label="Ends on", help_text="The first day without it, from 00:00 UTC.")


class ScorecardForm(BulkForm):
    scorecard = ScorecardField(label="Scorecard")


def _manager(given: dict[str, Any], request: Asking, now: datetime) -> Act:
    to = staff_with(given["to"])
    return bulk.assigning(to, instant(given["on"], now), by=request.user, now=now)


def _plan(given: dict[str, Any], request: Asking, now: datetime) -> Act:
    starts_at, ends_on = beginning(given["starts_on"]), given["ends_on"]
    ends_at = beginning(ends_on) if ends_on else None
    return bulk.moving(given["plan"], starts_at, ends_at, by=request.user, source="administrator")


def _end(given: dict[str, Any], request: Asking, now: datetime) -> Act:
    return bulk.ending(beginning(given["ends_on"]), by=request.user)


def _scorecard(given: dict[str, Any], request: Asking, now: datetime) -> Act:
    return bulk.scoring_by(given["scorecard"], by=request.user)


@dataclass(frozen=True)
class BulkAct:
    """One thing that can be done to many."""

    text: str
    form: type[BulkForm]
    act: Callable[[dict[str, Any], Asking, datetime], Act]


ACTS = {
    "csm": BulkAct("Assign a success manager", ManagerForm, _manager),
    "plan": BulkAct("Put on a plan", PlanForm, _plan),
    "end": BulkAct("End the plan", EndForm, _end),
    "scorecard": BulkAct("Set the scorecard", ScorecardForm, _scorecard),
}


class Chosen(Strict):
    """What was ticked in the list; `all` takes everything that the filter finds."""

    act = forms.ChoiceField(
        choices=[(key, act.text) for key, act in ACTS.items()],
        error_messages={
            "required": "Choose what to do.",
            "invalid_choice": "“%(value)s” is not in the list.",
        },
    )
    o = forms.MultipleChoiceField(required=False)
    all = forms.ChoiceField(required=False, choices=[("1", "all")])
    q = forms.CharField(required=False, max_length=200)
    show = forms.ChoiceField(required=False, choices=list(listing.SHOWN.items()))

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        given: Any = self.fields["o"]
        given.choices = [(slug, slug) for slug in data.getlist("o")]  # asked of the database below

    def slugs(self) -> list[str]:
        given = self.cleaned_data
        if not given["all"]:
            return list(given["o"])
        found = listing.find(Wanted(given["q"], given["show"]))
        return list(found.values_list("slug", flat=True)[: bulk.MOST + 1])


@require_http_methods(["GET", "HEAD", "POST"])
def organizations_bulk(request: Asking) -> HttpResponse:
    """GET: the form for what was ticked; POST: what it would do, or, confirmed, what it did."""
    admit(request.user, ADMIN)
    if request.method == "POST":
        return _posted(request)
    chosen = Chosen(request.GET)
    if not chosen.is_valid():
        return _refused(request, [str(text) for texts in chosen.errors.values() for text in texts])
    found, problems = _found(chosen.slugs())
    if problems:
        return _refused(request, problems)
    act = chosen.cleaned_data["act"]
    form = ACTS[act].form(
        initial={"act": act, "organizations": " ".join(each.slug for each in found), "step": TRY}
    )
    return _page(request, ACTS[act], {"form": form, "stage": "fill", "found": found})


def _posted(request: Asking) -> HttpResponse:
    act = ACTS.get(request.POST.get("act", ""))
    if act is None:
        return _refused(request, [f"“{request.POST.get('act', '')[:40]}” is nothing that can be done."])
    found, problems = _found(request.POST.get("organizations", "").split())
    if problems:
        return _refused(request, problems)
    form = act.form(request.POST)
    if not form.is_valid():
        return _page(request, act, {"form": form, "stage": "fill", "found": found}, status=422)
    now = timezone.now()
    is_dry_run = form.cleaned_data["step"] == TRY
    outcomes = bulk.for_each(found, act.act(form.cleaned_data, request, now), is_dry_run=is_dry_run)
    good = [each for each in outcomes if not each.refused]
    context = {
        "form": form,
        "stage": "look" if is_dry_run else "done",
        "outcomes": outcomes,
        "good": len(good),
        "bad": len(outcomes) - len(good),
        "kept": [(name, DO if name == "step" else form.data.get(name, "")) for name in form.fields],
    }
    return _page(request, act, context)


def _found(slugs: list[str]) -> tuple[list[Any], list[str]]:
    """The organizations, or why they cannot be taken: nobody is left out without a word."""
    if not slugs:
        return [], ["No organization is ticked."]
    if len(slugs) > bulk.MOST:
        return [], [f"More than {bulk.MOST} organizations are too many at once; narrow the list down."]
    found, unknown = bulk.select(slugs)
    return found, [f"No organization has the slug “{slug[:80]}”." for slug in unknown]


def _refused(request: Asking, problems: list[str]) -> HttpResponse:
    context = {
        "house": house(request),
        "stage": "refused",
        "problems": problems,
        "title": "Many organizations",
    }
    return render(request, "portal/manage/organizations_bulk.html", context, status=422)


def _page(request: Asking, act: BulkAct, more: dict[str, Any], status: int = 200) -> HttpResponse:
    context = {"house": house(request), "title": act.text} | more
    return render(request, "portal/manage/organizations_bulk.html", context, status=status)
