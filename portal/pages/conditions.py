"""Why can I see the score, or why not: every condition in order, met or not, and whom to ask."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import installation
from accounts.access import (
    Capability,
    Condition,
    Needs,
    called,
    explain,
    last_plan,
    open_organization,
    plans_that_open,
)
from accounts.contacts import ours
from accounts.preferences import language_of
from portal.pages.asking import Asking
from portal.pages.shell import shell
from portal.pages.words import listed
from portal.templatetags.scores import day, moment

if TYPE_CHECKING:
    from accounts.models import Organization

YOURSELF, MANAGER, ADMINISTRATOR = "yourself", "manager", "administrator"


@dataclass(frozen=True)
class Line:
    """One condition, in words for this person."""

    title: str
    text: str
    is_met: bool
    binds: bool
    ask: str  # whom, if it is not met

    @property
    def says(self) -> str:
        return "Met" if self.is_met else "Not met" if self.binds else "Not needed"


@require_safe
def conditions(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug)
    lines = [line(request, organization, each) for each in explain(request.user, organization)]
    page = {
        "shell": shell(request, organization, here=request.path),
        "organization": organization,
        "lines": lines,
        "is_open": all(each.is_met or not each.binds for each in lines),
        "unmet": sum(each.binds and not each.is_met for each in lines),
        "managers": [member.user for member in ours(organization)],
        "support": installation.current().support_email,
    }
    return render(request, "portal/conditions.html", page)


def line(request: Asking, organization: "Organization", condition: Condition) -> Line:
    """The condition as a sentence; binding nobody of us, it says so."""
    title, words, ask = WORDS[condition.needs]
    text = words(request, organization, condition.is_met)
    if not condition.binds:
        text += " It binds the customer, not you."
    is_at_fault = condition.binds and not condition.is_met
    return Line(title, text, condition.is_met, condition.binds, ask if is_at_fault else "")


def role(request: Asking, organization: "Organization", is_met: bool) -> str:
    roles = organization.opened.roles
    if not is_met:
        return f"Your role is {called(roles).lower()}. It does not include the score."
    ends = request.user.memberships.filter(organization=organization, ends_at__isnull=False)
    until = ends.order_by("-ends_at").values_list("ends_at", flat=True).first()
    held = f"Your role at {organization.name} is {called(roles).lower()}"
    return f"{held}, until {moment(until)}." if until and len(roles) == 1 else f"{held}."


def plan(request: Asking, organization: "Organization", is_met: bool) -> str:
    now = organization.opened.plan
    opening = listed(plans_that_open(Capability.SEE_SCORE)) or "No plan"
    if now:
        until = f" until {moment(now.ends_at)}" if now.ends_at else ""
        said = f"{organization.name} is on the {now.get_plan_display()} plan{until}."
    elif last := last_plan(organization):
        said = f"The {last.get_plan_display()} plan ended on {day(last.ends_at)}."
    else:
        said = f"{organization.name} has no plan."
    return said if is_met else f"{said} The plan that opens the score: {opening}."


def product(request: Asking, organization: "Organization", is_met: bool) -> str:
    names = [each.name for each in organization.products.order_by("name")]
    if names:
        return f"{organization.name} owns {listed(names)}."
    if is_met:
        return "Owning a product is not asked for here."
    return f"None of the products of {organization.name} is scored, or they are not entered yet."


def language(request: Asking, organization: "Organization", is_met: bool) -> str:
    _, name = language_of(request.user)
    if request.user.is_viewing_in_english:
        return f"Your language is {name}; you view the score in English for this visit."
    if not is_met:
        return f"Your language is {name}. The score is written in English for now."
    return f"Your language is {name}."


# What each is called, how it is said, and who can change it.
WORDS: dict[Needs, tuple[str, Callable[[Asking, "Organization", bool], str], str]] = {
    Needs.ROLE: ("Your role includes the score", role, ADMINISTRATOR),
    Needs.PLAN: ("The plan opens the score", plan, MANAGER),
    Needs.PRODUCT: ("A product is owned that is scored", product, MANAGER),
    Needs.LANGUAGE: ("Your language is English", language, YOURSELF),
}
