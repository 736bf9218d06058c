"""Two days side by side: every node then and now, and the difference."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import Capability, open_organization
from portal.pages.asking import Asking
from portal.pages.shell import shell
from portal.pages.trends.asked import OVERALL
from portal.pages.trends.forms import Days
from portal.pages.words import STATES
from portal.templatetags.scores import change, day, points
from scoring import read
from scoring.read import CardReading, Reading

MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Row:
    """One node on both days, as ready text."""

    level: str
    name: str
    mark: str
    href: str
    then: str
    now: str
    change: int | None
    text: str


@require_safe
def compare(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    form = Days(request.GET)
    form.is_valid()
    now = read.latest(organization, day=form.cleaned_data.get("to"))
    newest = now or read.latest(organization)
    if newest is None:
        return redirect("dashboard", slug)
    asked_from = form.cleaned_data.get("from") or newest.day - MONTH
    asked_to = form.cleaned_data.get("to") or newest.day
    then = read.latest(organization, day=asked_from)
    problems = [
        f"{form.fields[name].label}: {each}" for name, errors in form.errors.items() for each in errors
    ]
    if asked_from >= asked_to and not problems:
        problems.append(f"From: {day(asked_from)} is not before {day(asked_to)}.")
    if not problems:
        problems += [
            f"There is no score of {day(when)} or shortly before."
            for when in missing((asked_from, then), (asked_to, now))
        ]
    both = (then, now) if then and now and not problems else None
    page = {
        "shell": shell(request, organization, newest, request.path),
        "organization": organization,
        "asked": {"from": asked_from, "to": asked_to},
        "problems": problems,
        "both": both,
    }
    if both:
        page |= side_by_side(*both)
    return render(request, "portal/trends_compare.html", page)


def missing(*asked: tuple[date, CardReading | None]) -> list[date]:
    return [when for when, card in asked if card is None]


def side_by_side(then: CardReading, now: CardReading) -> dict[str, object]:
    """The table, and where the difference is taken apart."""
    slug = now.organization.slug
    days = urlencode({"from": f"{then.day}", "to": f"{now.day}"})
    return {
        "then": then,
        "now": now,
        "rows": list(rows(then, now)),
        "gone": [node.name for node in then.by_node.values() if node.node not in now.by_node],
        "moved": f"{reverse('dashboard', args=[slug])}moved/?{days}",
        "is_other_version": then.number != now.number,
    }


def rows(then: CardReading, now: CardReading) -> Iterator[Row]:
    """Every node of the later card, from the top down."""
    slug = now.organization.slug
    for node in read.walk(now.overall):
        before = then.by_node.get(node.node)
        moved = (
            None
            if before is None or before.points is None or node.points is None
            else node.points - before.points
        )
        yield Row(
            level=node.level,
            name="Overall" if node.node == OVERALL else node.name,
            mark=node.mark,
            href=f"{reverse('trends', args=[slug])}?{urlencode({'node': node.node})}",
            then=told(before),
            now=told(node),
            change=moved,
            text=change(moved),
        )


def told(node: Reading | None) -> str:
    """The points, or why there are none."""
    if node is None:
        return "Not in the scorecard"
    return points(node.points) if node.points is not None else STATES[node.state]
