"""The page of one signal: its score, why it is so, the numbers it reads, and everything written about it."""

from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import Capability, open_organization
from portal.pages import receipt
from portal.pages.actions.panels import panel
from portal.pages.asking import Asking
from portal.pages.category import table
from portal.pages.filtering import EVERY
from portal.pages.headline import changes, gauge, gauge_label
from portal.pages.kinds import rule_of
from portal.pages.resources import help_about
from portal.pages.shell import Link, shell
from portal.pages.why import parents, product_name, why
from portal.pages.words import KINDS, NATURES, NOTHING_YET, STATES
from portal.templatetags.scores import plural
from scoring import cards, history, read
from scoring.cards import Card
from scoring.read import CardReading, Reading

# The twelve parts by what a reader is after: what the number says, and what to do about it.
UNDERSTAND = {
    "definition": "Definition",
    "insight": "Insight",
    "measurement": "Measurement",
    "formula": "Formula",
    "trend": "Trend reading",
    "chart": "Chart advice",
}
WORK = {
    "diagnostics": "Diagnostics",
    "tips": "Tips",
    "risk": "Risk warning",
    "tools": "Tools",
    "integration": "Integration points",
    "change": "Change impact",
}
BESIDE = {"gaming": "If it is gamed", "owner": "Data owner", "history": "History needed"}


@require_safe
def signal(request: Asking, slug: str, signal: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    past = history.of(organization)
    card = read.explained(organization, known=past)
    node = card.by_node.get(signal) if card else None
    if card is None or node is None or node.signal is None:
        raise Http404("No such signal.")
    if card.overall.state in NOTHING_YET:
        return redirect("dashboard", slug)
    page = _page(card, node, past)
    page["actions"] = next_ones = panel(card, node)
    page["shell"] = shell(request, organization, card, request.path, actions=next_ones.open_ones)
    return render(request, "portal/signal.html", page)


def _page(card: CardReading, node: Reading, past: history.History) -> dict[str, object]:
    rule = rule_of(node)
    category, sub = parents(card, node)
    line = read.signal_trends(card.organization, known=past).get(node.node, [])
    row = next(each for group in table(card, sub, {}, node.node, EVERY) for each in group.rows if each.is_on)
    return {
        "card": card,
        "organization": card.organization,
        "node": node,
        "word": STATES[node.state],
        "above": [
            Link(category.name, reverse("category", args=[card.organization.slug, category.node])),
            Link(sub.name, reverse("subcategory", args=[card.organization.slug, *sub.node.split("/")])),
        ],
        "changes": changes(card, node),
        "gauge": gauge(card, node),
        "gauge_label": gauge_label(card, node) if node.points is not None else "",
        "product_of": product_name(card.scorecard, rule.product) if rule.product else "",
        "kind": KINDS[str(rule.kind)],
        "check": receipt.address(card.organization, node.node, card.day),
        "why": why(card, sub, node, line, row.points),
        "inputs": inputs(card, node),
        "about": about(card, node),
        "links": links(card, node),
    }


# ---------- what it reads ----------


@dataclass(frozen=True)
class Input:
    """One metric a signal reads."""

    name: str
    unit: str
    nature: str
    arrives: str


def inputs(card: CardReading, node: Reading) -> list[Input]:
    """Every metric the signal reads: what it is, and when its values are due."""
    metrics = [card.scorecard.metric(key) for key in rule_of(node).metrics]
    return [
        Input(
            metric.name,
            metric.unit,
            NATURES[str(metric.nature)],
            f"{str(metric.cadence).capitalize()}, due {plural(metric.lag, 'day')} after",
        )
        for metric in metrics
    ]


# ---------- what is written about it ----------


@dataclass(frozen=True)
class About:
    """The card of a signal, ready to be shown; without one, what the scorecard itself says."""

    understand: list[tuple[str, str]]
    work: list[tuple[str, str]]
    beside: list[tuple[str, str]]
    related: list[Link]
    is_as_written: bool


def about(card: CardReading, node: Reading) -> About:
    """The twelve parts, what stands beside them, and the signals worth reading with this one."""
    rule = rule_of(node)
    written = cards.of(rule)
    if written is None:
        own = [("Definition", rule.definition), ("Formula", rule.formula), ("Trend reading", rule.reading)]
        return About(own, [], [], [], True)
    fits = cards.is_as_written(rule)
    understand = [(title, getattr(written.parts, name)) for name, title in UNDERSTAND.items()]
    if not fits:  # the version in force has the last word on how it is computed
        understand = [(title, rule.formula if title == "Formula" else text) for title, text in understand]
    return About(
        understand=understand,
        work=[(title, getattr(written.parts, name)) for name, title in WORK.items()],
        beside=[(title, getattr(written, name)) for name, title in BESIDE.items()],
        related=related(card, written),
        is_as_written=fits,
    )


def related(card: CardReading, written: Card) -> list[Link]:
    """The related signals that this scorecard has."""
    slug = card.organization.slug
    return [
        Link(card.by_node[key].name, reverse("signal", args=[slug, key]))
        for key in written.related
        if key in card.by_node
    ]


def links(card: CardReading, node: Reading) -> list[Link]:
    """Where to read on: the arithmetic of its kind, its neighbors, the vendor's help site if there is one."""
    rule = rule_of(node)
    found = [
        Link(
            f"How scoring works: {KINDS[str(rule.kind)].lower()}",
            f"{reverse('how-scoring-works')}#{rule.kind}",
        )
    ]
    about_it = help_about(rule)
    return [*found, about_it] if about_it else found
