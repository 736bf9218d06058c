"""One category or subcategory: its score, its signals as sums, and why a signal has its score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Capability, open_organization
from portal import charts
from portal.pages import moving, notices, peer_panel, receipt
from portal.pages.actions.panels import panel
from portal.pages.asking import Asking
from portal.pages.backing import backed, completion, in_words, sentence
from portal.pages.feedback import say_href
from portal.pages.filtering import Asked, asked_filter, chips, is_shown
from portal.pages.headline import changes, gauge, gauge_label
from portal.pages.insights import insights
from portal.pages.kinds import rule_of, told
from portal.pages.products import product_chips
from portal.pages.resources import topics
from portal.pages.shell import shell
from portal.pages.unchanged import conditional
from portal.pages.why import Why, silent_line, why
from portal.pages.words import COUNTED, HELP, KINDS, NOTHING_YET, STATES
from portal.templatetags.scores import NOTHING, add_up_tenths, percent, plural, points, share, whole
from scoring import history, peers, read
from scoring.engine import State
from scoring.peers import Comparison
from scoring.read import CardReading, Reading

NONE_RELEASED: Mapping[str, str] = MappingProxyType({})

type History = Mapping[str, Sequence[tuple[date, int | None]]]


@require_safe
@conditional
def category(request: Asking, slug: str, category: str, subcategory: str = "") -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    past = history.of(organization)
    card = read.explained(organization, known=past)
    node = card.by_node.get(f"{category}/{subcategory}" if subcategory else category) if card else None
    if card is None or node is None or node.level not in ("category", "subcategory"):
        raise Http404("No such category.")
    if card.overall.state in NOTHING_YET:
        return redirect("dashboard", slug)
    lines = read.signal_trends(organization, known=past)
    found = peers.newest(organization, known=past)
    page = _page(card, node, lines, request, found)
    page["moved"] = moving.panel(card, past, node.node)
    page["actions"] = next_ones = panel(card, node)
    here = reverse("category", args=[slug, category])
    page["shell"] = shell(request, organization, card, here, actions=next_ones.open_ones)
    return render(request, "portal/category.html", page)


def _page(
    card: CardReading, node: Reading, history: History, request: Asking, found: Comparison | None
) -> dict[str, object]:
    above = card.by_node[node.node.partition("/")[0]]
    asked = request.GET.get("signal", "")
    medians = peer_panel.medians(found, [each for each in read.walk(node) if each.signal])
    only = asked_filter(request, card, medians.below)
    groups = table(card, node, history, asked, only, medians.texts)
    middle = peer_panel.bracket(found, node)
    marked = next((row for group in groups for row in group.rows if row.is_on), None)
    if asked and marked is None:
        raise Http404("No such signal here.")
    return {
        "card": card,
        "organization": card.organization,
        "node": node,
        "word": STATES[node.state],
        "above": above if above is not node else None,
        "above_href": _href(card, above),
        "changes": changes(card, node),
        "gauge": gauge(card, node, middle),
        "gauge_label": gauge_label(card, node, middle) if node.points is not None else "",
        "bracket": peer_panel.bracket_text(found, node),
        "medians": medians,
        "panel": peer_panel.drawn(card.organization, found, node) if node.level == "category" else None,
        "gives": gives(card, node),
        "children": [
            Child(each, _href(card, each), STATES[each.state], in_words(each))
            for each in node.children
            if each.level == "subcategory"
        ],
        "notices": [
            notice
            for notice in (
                notices.late(card, timezone.now()),
                notices.thin(card, node),
                notices.silent(card, node),
                notices.grace(node),
            )
            if notice
        ],
        "check": receipt.address(card.organization, node.node, card.day),
        "check_signal": receipt.address(card.organization, asked, card.day) if asked else "",
        "groups": shown(groups),
        "footer": footer(node, medians.texts) if only.is_all else None,
        "chips": chips(node, only, with_peers=not medians.why_not),
        "products": product_chips(card, node, only.product, show=only.show),
        "only": only_text(groups, node) if not only.is_all else "",
        "backed": sentence(node),
        "completion": completion(card, node),
        "insights": insights(card, node),
        "sources_href": reverse("sources", args=[card.organization.slug]),
        "topics": topics(card, node),
        "feedback": say_href(card, card.by_node[asked] if marked else node),
        "help": HELP,
        "why": explained(card, node, history, marked, found) if marked else None,
    }


def explained(
    card: CardReading, node: Reading, history: History, row: "Row", found: Comparison | None
) -> Why:
    """Why the signal of a row has its score, and how it stands among the peers."""
    about = reverse("signal", args=[card.organization.slug, row.node])
    told = why(card, node, card.by_node[row.node], history.get(row.node, ()), row.points, about)
    peer_panel.explain(told, found, row.node)
    return told


@dataclass(frozen=True)
class Child:
    """A subcategory and its page."""

    reading: Reading
    href: str
    word: str
    backed: str


def _href(card: CardReading, node: Reading) -> str:
    name = "subcategory" if "/" in node.node else "category"
    return reverse(name, args=[card.organization.slug, *node.node.split("/")])


def gives(card: CardReading, node: Reading) -> str:
    """What the node weighs above it and gives there."""
    parent = card.overall if node.level == "category" else card.by_node[node.node.partition("/")[0]]
    name = "the overall score" if node.level == "category" else parent.name
    if not node.weight:
        return f"Not part of {name} now."
    if node.points is None:
        return f"Weighs {percent(node.weight)} of {name}; without a number, that is shared among the others."
    room = percent(node.share).rstrip("%")
    if parent.points is None:
        return f"Weighs {percent(node.weight)} of {name}, which has no number now."
    return (
        f"Weighs {percent(node.share)} of {name} and gives it {points(node.contribution)} of {room} points."
    )


# ---------- the table ----------


@dataclass(frozen=True)
class Row:
    """One signal, as ready text: the table is long."""

    node: str
    name: str
    href: str
    inputs: str
    kind: str
    score: str
    tone: str
    band: str
    backed: str
    weight: str
    weight_note: str
    points: str
    spark: charts.Spark
    spark_label: str
    is_on: bool
    is_shown: bool
    median: str = ""  # of the peers; empty where none is released


@dataclass(frozen=True)
class Group:
    """A subcategory and its signals."""

    name: str
    href: str
    summary: str
    rows: list[Row]


def table(
    card: CardReading,
    node: Reading,
    history: History,
    asked: str,
    only: Asked,
    medians: Mapping[str, str] = NONE_RELEASED,
) -> list[Group]:
    """The signals by subcategory; what they give adds up to the node's score."""
    subs = node.children if node.level == "category" else (node,)
    weighed = [(sub, signal, _share(node, sub, signal)) for sub in subs for signal in sub.children]
    if node.points is None:
        given = [NOTHING] * len(weighed)
    else:
        given = add_up_tenths(
            [(part or 0) * (signal.points or 0) for _, signal, part in weighed], node.points
        )
    texts = iter(given)
    return [
        Group(
            sub.name,
            _href(card, sub),
            summary(sub, node),
            [
                replace(
                    _row(card, node, sub, signal, history.get(signal.node, ()), next(texts), asked, only),
                    median=medians.get(signal.node, ""),
                )
                for signal in sub.children
            ],
        )
        for sub in subs
        if sub.children
    ]


def shown(groups: Sequence[Group]) -> list[Group]:
    """The groups with the rows that the filter leaves, and none without any."""
    left = [replace(group, rows=[row for row in group.rows if row.is_shown]) for group in groups]
    return [group for group in left if group.rows]


def only_text(groups: Sequence[Group], node: Reading) -> str:
    """3 of 12 signals are shown. They give 20.1 of the 62.6 points; the score above counts all."""
    rows = [row for group in groups for row in group.rows]
    mine = [row for row in rows if row.is_shown]
    text = f"{len(mine)} of {plural(len(rows), 'signal')} shown."
    if node.points is None:
        return text
    tenths = sum(round(float(row.points) * 10) for row in mine if row.points != NOTHING)
    return f"{text} They give {tenths / 10:.1f} of {points(node.points)} points; the score above counts all."


def _share(node: Reading, sub: Reading, signal: Reading) -> float | None:
    """The signal's share of the node now; None while it has no part in it."""
    if signal.share is None or (sub is not node and sub.share is None):
        return None
    return signal.share if sub is node else (sub.share or 0) * signal.share


def summary(sub: Reading, node: Reading) -> str:
    """Scores 76.6, weight 27.2%."""
    if sub is node:
        return ""
    if sub.points is None:
        return STATES[sub.state]
    return f"Scores {points(sub.points)}, weight {share(sub.share)}"


def _row(
    card: CardReading,
    node: Reading,
    sub: Reading,
    signal: Reading,
    history: Sequence[tuple[date, int | None]],
    given: str,
    asked: str,
    only: Asked,
) -> Row:
    words = told(card.scorecard, signal)
    part = _share(node, sub, signal)
    nominal = signal.weight if sub is node else sub.weight * signal.weight
    has_number = signal.points is not None and signal.band is not None
    return Row(
        node=signal.node,
        name=signal.name,
        href=f"?signal={signal.node}{only.kept}#why",
        inputs=_inputs_line(signal, words.short),
        kind=KINDS[str(rule_of(signal).kind)],
        score=whole(signal.points),
        tone=signal.band.tone if signal.band else "none",
        band=signal.band.name if signal.band else STATES[signal.state],
        backed=backed(signal) if signal.state in COUNTED else "",
        weight=share(part) if part is not None and has_number else NOTHING,
        weight_note=f"{share(nominal)} shared out"
        if signal.state in COUNTED and not has_number and nominal
        else "",
        points=given if part is not None and has_number else NOTHING,
        spark=charts.spark(_monthly(history)),
        spark_label=_spark_label(history),
        is_on=signal.node == asked,
        is_shown=is_shown(signal, only),
    )


def _inputs_line(signal: Reading, short: str) -> str:
    if signal.is_preview:
        return f"Preview, not counted. {short}".strip()
    if signal.points is None:
        return silent_line(signal)
    if signal.state is State.STALE_GRACE:
        return f"{short}, late".lstrip(", ")
    return short


def _monthly(history: Sequence[tuple[date, int | None]]) -> list[charts.Point]:
    if not history:
        return []
    first, days = history[0][0], max((history[-1][0] - history[0][0]).days, 1)
    return [((when - first).days / days, None if value is None else value / 100) for when, value in history]


def _spark_label(history: Sequence[tuple[date, int | None]]) -> str:
    known = [value for _, value in history if value is not None]
    if not known:
        return "No score in 12 months"
    return f"12 months: from {whole(known[0])} to {whole(known[-1])}"


def footer(node: Reading, medians: Mapping[str, str]) -> dict[str, str] | None:
    """The total and how it is rounded."""
    if node.points is None:
        return None
    text = f"{node.name}, rounded to {whole(node.points)}"
    return {"text": text, "points": points(node.points), "median": medians.get(node.node, "")}
