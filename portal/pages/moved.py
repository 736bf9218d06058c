"""Why a score changed between two days: whose doing it was, node by node, down to the signals."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Capability, open_organization
from portal.pages import moving
from portal.pages.asking import Asking
from portal.pages.nights import day_of
from portal.pages.shell import Link, shell
from portal.pages.words import NOTHING_YET
from portal.templatetags.scores import change, day, exact, points
from portal.waterfall import Waterfall, waterfall
from scoring import history, moves, read
from scoring.moves import Cause, Move, Moved

MEANS = {
    Cause.US: "The scorecard changed: its weights, rules or signals.",
    Cause.SCOPE: "Signals began or ceased to count: a product bought, nothing left to measure, an exemption.",
    Cause.FEED: "Data stopped, came late or came back, so a signal lost or gained its number.",
    Cause.YOU: "What was measured at your organization changed.",
}
REACH = 2 * history.YEAR  # days back that can be compared


@require_safe
def moved(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    asked_from, asked_to = (day_of(request.GET.get(name, "")) for name in ("from", "to"))
    past = history.of(organization, days=_reach(asked_from))
    card = read.latest(organization, known=past)
    if card is None or card.overall.state in NOTHING_YET:
        return redirect("dashboard", slug)
    page: dict[str, object] = {
        "organization": organization,
        "card": card,
        "shell": shell(request, organization, card, request.path),
    }
    node = request.GET.get("node", "") or "overall"
    span = _span(past, asked_from, asked_to)
    if span is None:
        if node not in card.by_node:
            raise Http404("No such node.")
        return render(request, "portal/moved.html", page | {"only": card.day})
    found = moves.between(organization, past, [span])[0]
    if node not in found.moves:
        raise Http404("No such node.")
    days = {"first_kept": min(past.sheets), "last_kept": max(past.sheets)}
    return render(
        request,
        "portal/moved.html",
        page
        | days
        | {"notes": _nearest_notes(span, asked_from, asked_to), "periods": _periods(past, span, node)}
        | _page(found, slug, node),
    )


def _reach(asked: date | None) -> int:
    """How many days of history to read."""
    if asked is None:
        return moves.USUAL
    return min(max((timezone.now().date() - asked).days, 0) + read.SLACK, REACH)


def _span(past: history.History, asked_from: date | None, asked_to: date | None) -> tuple[date, date] | None:
    """The kept days nearest to those asked for, the older one first; None while there is only one."""
    if len(past.sheets) < moves.FEWEST:
        return None
    last = moves.nearest(past, asked_to) if asked_to else max(past.sheets)
    first = moves.nearest(past, asked_from) if asked_from else None
    if first is None and last is not None:
        usual = moves.usual(past)
        first = usual.get("30") if last == max(past.sheets) else None
        first = first or moves.nearest(past, last - timedelta(days=30))
    if first is None or last is None:
        return None
    return (first, last) if first <= last else (last, first)


def _nearest_notes(span: tuple[date, date], *asked: date | None) -> list[str]:
    """Which days were asked for and are not kept."""
    return [
        f"No score of {day(wanted)} is kept; the nearest before it is shown."
        for wanted in asked
        if wanted is not None and wanted not in span
    ]


def _periods(past: history.History, span: tuple[date, date], node: str) -> list[Link]:
    """The usual comparisons as links."""
    newest = max(past.sheets)
    tail = "" if node == "overall" else f"&node={node}"
    return [
        Link(moving.called(key, then, newest), f"?from={then}&to={newest}{tail}", (then, newest) == span)
        for key, then in moves.usual(past).items()
    ]


# ---------- one node ----------


@dataclass(frozen=True)
class Part:
    """One cause with its meaning and its part."""

    name: str
    means: str
    points: str


@dataclass(frozen=True)
class Below:
    """One node below, with its own change and parts."""

    name: str
    href: str
    before: str
    after: str
    change: str
    cells: list[tuple[str, str]]  # column, text
    none: str


def _page(found: Moved, slug: str, node: str) -> dict[str, object]:
    move = found.moves[node]
    effects = moving.told(found, node, slug)
    return {
        "node": node,
        "move": move,
        "name": "the score" if node == "overall" else move.name,
        "first": found.first.day,
        "last": found.last.day,
        "crumbs": _crumbs(found, slug, move),
        "none": moving.why_none(found, move),
        "before": points(move.before),
        "after": points(move.after),
        "exact": (exact(move.before), exact(move.after)),
        "change": change(move.change),
        "finding": finding(found, move),
        "parts": _parts(found, move),
        "figure": _figure(found, move),
        "label": _label(found, move),
        "heads": moving.HEADS,
        "below": _below(found, slug, node),
        "effects": effects,
        "why": moving.why_href(found, slug, node) if move.level == "signal" else "",
    }


def finding(found: Moved, move: Move) -> str:
    """The largest part, in a sentence."""
    parts = moving.shown(move)
    if not parts:
        return ""
    main = max(parts, key=lambda cause: abs(parts[cause]))
    if not parts[main]:
        return "Nothing moved it."
    whose = {
        Cause.US: "a new version of the scorecard",
        Cause.SCOPE: "signals that began or ceased to count",
        Cause.FEED: "data that stopped or came back",
        Cause.YOU: "what was measured at your organization",
    }
    return f"Most of it, {change(parts[main])}, is {whose[main]}."


def _parts(found: Moved, move: Move) -> list[Part]:
    """Every cause, in the order of the way."""
    parts = moving.shown(move)
    return [
        Part(
            moving.WHOSE[cause],
            f"{MEANS[cause]} {moving.versions(found)}" if cause is Cause.US else MEANS[cause],
            change(parts[cause]),
        )
        for cause in Cause
        if parts
    ]


def _figure(found: Moved, move: Move) -> Waterfall | None:
    parts = moving.shown(move)
    if not parts or move.before is None or move.after is None:
        return None
    # Drawn from what is printed, so that no bar contradicts its label.
    first = move.after - sum(parts.values())
    return waterfall(
        (_short(found.first.day), first / 100, points(move.before)),
        [(moving.SHORT[cause], parts[cause] / 100, change(parts[cause])) for cause in Cause],
        (_short(found.last.day), move.after / 100, points(move.after)),
    )


def _label(found: Moved, move: Move) -> str:
    """The figure in one sentence; the table beside it has the same numbers."""
    parts = moving.shown(move)
    steps = ", ".join(f"{moving.NAMES[cause]} {change(parts[cause])}" for cause in Cause if parts)
    return (
        f"From {points(move.before)} on {day(found.first.day)} to {points(move.after)} on "
        f"{day(found.last.day)}: {steps}."
    )


def _short(when: date) -> str:
    """20 Nov: a label under a column."""
    return day(when).rpartition(" ")[0]


def _crumbs(found: Moved, slug: str, move: Move) -> list[Link]:
    """The nodes above, each with its own page of the same days."""
    card = found.card
    ids = [node.id for node in card.nodes]
    if move.node == "overall" or move.node not in ids:
        return []
    above, at = [], card.nodes[ids.index(move.node)].parent
    while at >= 0:
        node = card.nodes[at]
        above.append(Link("What moved" if at == 0 else node.name, moving.address(found, slug, node.id)))
        at = node.parent
    return above[::-1]


def _below(found: Moved, slug: str, node: str) -> list[Below]:
    """The children of a node in the newer version, and those that only the older one had."""
    children: list[str] = []
    for card in (found.card, found.first.card):
        ids = [each.id for each in card.nodes]
        children += [
            each.id
            for each in card.nodes
            if each.parent >= 0 and ids[each.parent] == node and each.id not in children
        ]
    return [_row(found, slug, found.moves[child]) for child in children]


def _row(found: Moved, slug: str, move: Move) -> Below:
    return Below(
        name=move.name,
        href=moving.address(found, slug, move.node),
        before=points(move.before),
        after=points(move.after),
        change=change(move.change),
        cells=moving.cells(moving.shown(move)),
        none=moving.why_none(found, move),
    )
