"""The few recommendations that matter most, beside the score: on the overview and the page of each node."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.http import urlencode

from portal.pages.actions.rows import effort, gained, reason, worked
from portal.templatetags.scores import plural
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
class Panel:
    """The first few, and the way to all of them."""

    rows: list[Brief]
    open_ones: int  # of the organization
    more: str
    href: str
    name: str


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
    found, open_ones, mine = finding.first(
        card.organization,
        category=category,
        signals=signals or NOBODY if query and not category else (),
        most=MOST,
    )
    hub = reverse("actions", args=[slug])
    return Panel(
        [brief(each, card, slug) for each in found],
        open_ones,
        f"See all {plural(mine, 'open action')}" if mine > len(found) else "See it among all actions",
        f"{hub}?{urlencode(query)}" if query else hub,
        node.name if node is not None and query else "",
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
