"""The portfolio: everything somebody who works for the vendor looks after, searched, sorted, counted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts import feedback, portfolios
from accounts.access import looked_after
from accounts.cover import absences_of, covering, last_day
from accounts.portfolios import SOON, Facts
from portal.pages.asking import Asking
from portal.pages.house import house
from portal.pages.sorting import Column, Sort, asked_sort, head
from portal.pages.standing import cards as cards_of
from portal.pages.unchanged import conditional
from portal.pages.words import STATES
from portal.templatetags.scores import day, plural, whole
from scoring import portfolio as scored
from scoring import read
from scoring.portfolio import Scores

if TYPE_CHECKING:
    from accounts.models import Organization, User

    Organizations = QuerySet[Organization]

A_PAGE = 50


@dataclass(frozen=True)
class Row:
    """One organization in the list, as ready text."""

    slug: str
    name: str
    href: str
    about: tuple[str, ...]
    managers: str
    plan: str
    plan_ends: str
    signed_in: str
    tone: str
    word: str  # the band, or why there is no number
    score: str
    as_of: str  # if that is not the newest night
    change: int | None


# By what the list can be sorted: what to fetch for it, and the fields in order.
SORTS: dict[str, tuple[Callable[["Organizations", Scores], "Organizations"], tuple[str, ...]]] = {
    "name": (lambda found, scores: found, ("name",)),
    "score": (lambda found, scores: scores.with_points(found), ("points",)),
    "change": (lambda found, scores: scores.with_change(found), ("change",)),
    "plan": (lambda found, scores: portfolios.with_plan(found), ("plan", "plan_ends_at")),
    "signed-in": (lambda found, scores: portfolios.with_sign_in(found), ("signed_in_at",)),
    "manager": (lambda found, scores: portfolios.with_manager(found), ("manager",)),
}


@require_safe
@conditional
def portfolio(request: Asking) -> HttpResponse:
    everything = looked_after(request.user)
    team = portfolios.team_of(request.user)
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "csm", "sort")}
    sort = asked_sort(asked["sort"], SORTS, "name")
    manager = next((user for user in team if str(user.pk) == asked["csm"]), None)
    problems = problems_of(asked, sort, manager)
    found = everything.none() if problems else everything
    if asked["q"]:
        found = portfolios.found(found, asked["q"])
    if manager:
        found = portfolios.managed_by(found, manager)
    scores = scored.scores_of(everything)
    page = Paginator(sorted_by(found, sort, scores), A_PAGE).get_page(request.GET.get("page"))
    kept = {name: text for name, text in asked.items() if text}
    context = {
        "house": house(request),
        "rows": rows(request.user, list(page), scores),
        "totals": scores.totals(found),
        "columns": columns(sort, kept, has_team=bool(team)),
        "team": [(str(user.pk), str(user), user == manager) for user in team],
        "has_team": bool(team),
        "problems": problems,
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "query": f"{urlencode(kept)}&" if kept else "",
        "asked": asked,
        "is_filtered": bool(asked["q"] or asked["csm"]),
        "newest": max((max(nights) for nights in scores.nights.values()), default=None),
        "covers": [(str(cover.absent), day(last_day(cover))) for cover in covering(request.user)],
        "may_arrange": absences_of(request.user).exists(),
    }
    return render(request, "portal/portfolio.html", context)


def problems_of(asked: dict[str, str], sort: Sort | None, manager: "User | None") -> list[str]:
    """Every field of the address that cannot be read, with what was given."""
    problems = []
    if sort is None:
        problems.append(f"Sort: “{asked['sort'][:40]}” is not a column; known are {', '.join(SORTS)}.")
    if asked["csm"] and manager is None:
        problems.append(f"Success manager: “{asked['csm'][:40]}” is not in your team.")
    return problems


def sorted_by(found: "Organizations", sort: Sort | None, scores: Scores) -> "Organizations":
    """In this order; what has no value comes last, whichever way."""
    if sort is None:
        return found
    fetch, fields = SORTS[sort.key]
    order: list[Any] = [
        F(field).desc(nulls_last=True) if sort.is_down else F(field).asc(nulls_last=True) for field in fields
    ]
    return fetch(found, scores).order_by(*order, "name", "pk")


def columns(sort: Sort | None, kept: dict[str, str], *, has_team: bool) -> list[Column]:
    kept = {name: text for name, text in kept.items() if name != "sort"}
    found = [
        head("Org", "name", sort, kept),
        head("Score", "score", sort, kept, is_number=True),
        head("30 days", "change", sort, kept, is_number=True),
        head("Plan", "plan", sort, kept),
        head("Last sign-in of a contact", "signed-in", sort, kept),
        Column("See what the customer sees", is_hidden=True),
    ]
    if has_team:
        found.insert(1, head("Success manager", "manager", sort, kept))
    return found


def rows(reader: "User", organizations: "list[Organization]", scores: Scores) -> list[Row]:
    """The rows of one page; as many queries for all as for one."""
    sheets = read.picker(organizations)
    cards = cards_of({(each.scorecard, sheets[each.pk][0]) for each in organizations if each.pk in sheets})
    ids = [each.pk for each in organizations]
    facts = portfolios.facts_of(ids, reader)
    changes = scores.changes(ids)
    open_ones = feedback.waiting(ids)
    found = []
    for each in organizations:
        at, points, state = sheets.get(each.pk, (None, None, None))
        band = cards[each.scorecard].band(points) if points is not None else None
        nights = scores.nights.get(each.scorecard)
        about = facts[each.pk]
        found.append(
            Row(
                slug=each.slug,
                name=each.name,
                href=reverse("dashboard", args=[each.slug]),
                about=(each.external_id, *said(about, reader), *asked_of_us(open_ones.get(each.pk, 0))),
                managers=", ".join(str(user) for user in about.managers),
                plan=about.plan.get_plan_display() if about.plan else "",
                plan_ends=soon(about, timezone.now()),
                signed_in=day(timezone.localtime(about.signed_in_at)) if about.signed_in_at else "Never",
                tone=band.tone if band else "none",
                word=band.name if band else STATES[state] if state is not None else "No score yet",
                score=whole(points) if band else "",
                as_of=day(at) if at and nights and at < max(nights) else "",
                change=changes.get(each.pk),
            )
        )
    return found


def said(facts: Facts, reader: "User") -> list[str]:
    """What the reader is to the organization, where it is not simply its success manager."""
    words = ["you are its success guide"] if facts.is_guided else []
    for cover in facts.covers:
        who = "you cover" if cover.covering_id == reader.pk else f"{cover.covering} covers"
        words.append(f"{who} for {cover.absent} until {day(last_day(cover))}")
    return words


def asked_of_us(number: int) -> list[str]:
    """How much of what they say is wrong with the score waits for an answer."""
    return [f"{plural(number, 'question')} about the score open"] if number else []


def soon(facts: Facts, now: datetime) -> str:
    """The end of the plan, if it is near."""
    ends = facts.plan.ends_at if facts.plan else None
    return f"ends {day(timezone.localtime(ends))}" if ends and ends - now <= SOON else ""
