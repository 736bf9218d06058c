"""Select an org: everything someone may know of, with plan, role and last score."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import (
    Capability,
    Needs,
    Opened,
    called,
    conditions,
    is_open,
    look_up,
    opened_by,
    visible_organizations,
)
from accounts.reviews import open_requests
from portal import mailbox
from portal.pages import standing
from portal.pages.asking import Asking
from portal.pages.words import STATES
from portal.templatetags.scores import day, whole
from scoring import read

if TYPE_CHECKING:
    from accounts.models import Organization

A_PAGE = 20
SHARED = "Score shared in a success review"
CLOSED = {Needs.PRODUCT: "No scorecard", Needs.LANGUAGE: "Score in English only"}
SEARCH_FROM = 8  # organizations: fewer fit on the screen


@dataclass(frozen=True)
class Choice:
    """One organization in the list, as ready text."""

    name: str
    href: str
    facts: tuple[str, ...]
    tone: str = "none"
    word: str = ""
    score: str = ""
    asks: str = ""  # where a success review is requested, if that is what the plan opens to this person


@require_safe
def orgs(request: Asking) -> HttpResponse:
    everything = visible_organizations(request.user)
    query = request.GET.get("q", "").strip()
    found = (
        everything.filter(Q(name__icontains=query) | Q(external_id__icontains=query)) if query else everything
    )
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    count = everything.count()
    before = request.user.last_organization_id
    last = everything.filter(pk=before).first() if before else None
    context = {
        "choices": choices(request, list(page)),
        "last": last,
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "query": query,
        "kept": f"{urlencode({'q': query})}&" if query else "",
        "count": count,
        "is_mail_kept": request.user.is_admin and mailbox.is_kept(),
        "has_search": count >= SEARCH_FROM,
    }
    return render(request, "portal/orgs.html", context)


def choices(request: Asking, organizations: "list[Organization]") -> list[Choice]:
    """The rows of the list; a score only where this person may open it."""
    sheets = read.picker(organizations)
    cards = standing.cards(
        {(each.scorecard, sheets[each.pk][0]) for each in organizations if each.pk in sheets}
    )
    doors = look_up(request.user, organizations)
    asking = [each for each in organizations if may_ask(request, doors[each.pk])]
    waiting = open_requests(asking) if asking else set()
    rows = []
    for organization in organizations:
        opened = doors[organization.pk]
        facts = [
            opened.plan.get_plan_display() if opened.plan else "No plan in force",
            called(opened.roles),
            *(["Last used"] if organization.pk == request.user.last_organization_id else []),
        ]
        if not is_open(request.user, opened):
            href = reverse("plan", args=[organization.slug])
            why = closed(request, opened)
            asks = ""
            if organization in asking:
                if organization.pk in waiting:
                    facts.append("Review requested")
                else:
                    asks = reverse("request-review", args=[organization.slug])
            rows.append(Choice(organization.name, href, (*facts, why), asks=asks))
            continue
        href = reverse("dashboard", args=[organization.slug])
        if organization.pk not in sheets:
            rows.append(Choice(organization.name, href, (*facts, "No score yet")))
            continue
        at, points, state = sheets[organization.pk]
        facts.append(f"{'Scored' if points is not None else 'As of'} {day(at)}")
        band = cards[organization.scorecard].band(points) if points is not None else None
        rows.append(
            Choice(
                organization.name,
                href,
                tuple(facts),
                band.tone if band else "none",
                band.name if band else standing.WORDS.get(state, STATES[state]),
                whole(points) if band else "",
            )
        )
    return rows


def may_ask(request: Asking, opened: Opened) -> bool:
    """Whether this person may request a success review there now."""
    return is_open(request.user, opened, Capability.REQUEST_REVIEW)


def closed(request: Asking, opened: Opened) -> str:
    """Why there is no score on this row, in a few words."""
    unmet = [each.needs for each in conditions(request.user, opened) if not each.is_met]
    if unmet[0] is Needs.PLAN and opened.plan and Capability.REQUEST_REVIEW in opened_by(opened.plan.plan):
        return SHARED
    return CLOSED.get(unmet[0], "Score not open")
