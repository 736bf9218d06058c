"""The few recommendations that matter most, beside the score: on the overview and the page of each node."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.http import urlencode

from portal.pages.actions.rows import effort, gained, reason, worked
from portal.templatetags.scores import plural, points
from recommendations import finding
from scoring import read
from scoring.read import CardReading, Reading

if TYPE_CHECKING:
    from recommendations.models import Recommendation

MOST = 3


@dataclass(frozen=True)
class Brief:
    """One recommendation in short."""

    title: str
    href: str
    about: str
    facts: str
    gain: str
    unit: str
    is_commercial: bool


@dataclass(frozen=True)
class Underway:
    """A saved plan of actions in short."""

    name: str
    href: str
    about: str


@dataclass(frozen=True)
class Panel:
    """The first few, and the way to all of them."""

    rows: list[Brief]
    open_ones: int  # of the organization
    more: str
    href: str
    name: str
    plan: Underway | None = None  # on the overview alone


def panel(card: CardReading, node: Reading | None = None) -> Panel:
    """The first open recommendations of a node, of everything without one; one query."""
    slug = card.organization.slug
    query: dict[str, str] = {}
    category, signals = "", list[str]()
    if node is not None and node.level != "overall":
        query[node.level] = node.node
        if node.level == "category":
            category = node.node
        else:
            signals = [each.node for each in read.walk(node) if each.signal]
    found = finding.first(
        card.organization,
        category=category,
        signals=signals or NOBODY if query and not category else (),
        most=MOST,
    )
    hub = reverse("actions", args=[slug])
    is_all = found.of_mine <= len(found.rows)
    return Panel(
        [brief(each, card, slug) for each in found.rows],
        found.open_ones,
        "See it among all actions" if is_all else f"See all {plural(found.of_mine, 'open action')}",
        f"{hub}?{urlencode(query)}" if query else hub,
        node.name if node is not None and query else "",
        None if query or found.plan is None else underway(found.plan, card),
    )


def underway(plan: finding.InForce, card: CardReading) -> Underway:
    """How far a saved plan is."""
    now = card.overall.points
    way = f"from {points(plan.start)} to {points(plan.projected)}"
    at = "" if now is None else f", {points(now)} now"
    return Underway(
        plan.name,
        reverse("roadmap", args=[card.organization.slug, plan.public_id]),
        f"{plan.done} of {plural(plan.actions, 'action')} complete; {way}{at}.",
    )


NOBODY: Collection[str] = ("",)  # a node without signals has no recommendations


def brief(each: "Recommendation", card: CardReading, slug: str) -> Brief:
    """One of them, as ready text."""
    gain, unit = gained(each)
    return Brief(
        each.title,
        reverse("action", args=[slug, each.public_id]),
        reason(each, card.scorecard),
        f"{effort(each.effort_days)[0]} effort, {worked(each.effort_days)}, {each.get_status_display()}",
        gain,
        unit,
        finding.costs_money(each),
    )
