"""What a change was made of, in words and geometry: for the page of it and for the panels that lead there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.urls import reverse

from portal.pages.words import STATES
from portal.templatetags.scores import add_up, change, day, whole
from scoring import moves
from scoring.engine import State
from scoring.history import History
from scoring.moves import Cause, Effect, Move, Moved
from scoring.read import CardReading

NAMES = {
    Cause.US: "Scorecard",
    Cause.SCOPE: "Scope",
    Cause.FEED: "Data feed",
    Cause.YOU: "You",
}
SHORT = NAMES | {Cause.US: "Us", Cause.FEED: "Feed"}  # under a narrow column
WHOSE = {
    Cause.US: "Us: the scorecard",
    Cause.SCOPE: "Scope: what counts",
    Cause.FEED: "Data feed: what arrived",
    Cause.YOU: "You: the values",
}
CALLED = {"30": "30 days", "90": "90 days", "close": "Since last close"}
MOST = 6  # signals a list
COUNTED = frozenset({State.OK, State.STALE_GRACE, State.MISSING, State.INVALID})


def tenths(parts: Sequence[float], total: int) -> list[int]:
    """Parts as they are shown, in hundredths, that add up to the shown total (largest remainder)."""
    return [10 * part for part in add_up([part / 10 for part in parts], round(total / 10))]


def shown(move: Move) -> Mapping[Cause, int]:
    """The parts of a move, rounded so that what is printed adds up."""
    if move.parts is None or move.change is None:
        return {}
    return dict(zip(move.parts, tenths(list(move.parts.values()), move.change), strict=True))


def address(moved: Moved, slug: str, node: str) -> str:
    """The page of a change for one node."""
    asked = {"from": moved.first.day, "to": moved.last.day} | ({} if node == "overall" else {"node": node})
    return f"{reverse('moved', args=[slug])}?{urlencode(asked)}"


def why_none(moved: Moved, move: Move) -> str:
    """Why a node has no change to explain; empty when it has one."""
    if move.state_before is None:
        return f"New with scorecard version {moved.last.version.number}"
    if move.state_after is None:
        return f"No longer in scorecard version {moved.last.version.number}"
    if move.before is None and move.after is None:
        return f"No number on either day: {STATES[move.state_after].lower()}"
    if move.before is None:
        return f"No number on {day(moved.first.day)}: {STATES[move.state_before].lower()}"
    if move.after is None:
        return f"No number on {day(moved.last.day)}: {STATES[move.state_after].lower()}"
    return ""


# ---------- the panel ----------


@dataclass(frozen=True)
class Compared:
    """One usual comparison in a row; the cells stand in the order of ORDER."""

    name: str
    href: str
    change: str
    cells: list[tuple[str, str]]  # column, text
    none: str = ""


ORDER = (Cause.YOU, Cause.FEED, Cause.SCOPE, Cause.US)
HEADS = ["You", "Data feed", "Scope", "Us"]


@dataclass(frozen=True)
class Panel:
    """Why a node changed, in short."""

    name: str
    heads: list[str]
    rows: list[Compared]
    list: "Effects | None"
    href: str


def panel(card: CardReading, past: History, node: str = "overall") -> Panel:
    """The usual comparisons of a node, and what moved it most in the first of them."""
    slug = card.organization.slug
    usual = moves.usual(past) if card.day in past.sheets else {}
    spans = [(then, card.day) for then in usual.values()]
    found = moves.between(card.organization, past, spans) if spans else []
    rows = [
        compared(called(key, usual[key], card.day), moved, node, slug)
        for key, moved in zip(usual, found, strict=True)
    ]
    newest = found[0] if found else None
    return Panel(
        name=card.by_node[node].name if node != "overall" else "The score",
        heads=HEADS,
        rows=rows,
        list=told(newest, node, slug, most=MOST) if newest else None,
        href=address(newest, slug, node) if newest else "",
    )


def called(key: str, then: date, newest: date) -> str:
    """30 days; or the day it really goes back to, where no sheet of that very day is kept."""
    is_exact = key == "close" or (newest - then).days == int(key)
    return CALLED[key] if is_exact else f"Since {day(then)}"


def compared(name: str, moved: Moved, node: str, slug: str) -> Compared:
    """One comparison as a row."""
    move = moved.moves[node]
    parts = shown(move)
    return Compared(
        name=name,
        href=address(moved, slug, node),
        change=change(move.change),
        cells=cells(parts),
        none=why_none(moved, move),
    )


def cells(parts: Mapping[Cause, int]) -> list[tuple[str, str]]:
    """The parts as columns of a row; none where there is nothing to split."""
    return [(head, change(parts[cause])) for head, cause in zip(HEADS, ORDER, strict=True) if parts]


# ---------- what each signal did ----------


@dataclass(frozen=True)
class Row:
    """What one node did, with the reason."""

    name: str
    href: str
    reason: str
    whose: str
    tone: str
    x: str
    width: str
    points: str


@dataclass(frozen=True)
class Effects:
    """What pulled a node down and what lifted it; with the rest they add up to the total."""

    total: str
    period: str
    lost: list[Row]
    gained: list[Row]
    rest: str  # empty: nothing is left out

    @property
    def rows(self) -> list[Row]:
        return [*self.lost, *self.gained]


def told(moved: Moved, node: str, slug: str, most: int = 100) -> Effects | None:
    """Each node's effect on the one in view, most lost first; None while that has no number on a day."""
    move = moved.moves[node]
    if move.change is None:
        return None
    found = moves.effects(moved, node)
    given = tenths([effect.total for effect in found], move.change)
    widest = max((abs(part) for part in given), default=0) or 1
    told = [(effect, part) for effect, part in zip(found, given, strict=True) if part]
    kept = sorted(told, key=lambda each: -abs(each[1]))[:most]
    rows = [
        (part, _row(moved, node, slug, effect, part, widest))
        for effect, part in told
        if (effect, part) in kept
    ]
    others, left = len(told) - len(rows), move_tenths(move.change) - sum(part for part, _ in rows)
    rest = (
        f"{others} other signal{'s' if others != 1 else ''} moved it by {change(left)} together."
        if others
        else ""
    )
    return Effects(
        total=change(move.change),
        period=f"{day(moved.first.day)} to {day(moved.last.day)}",
        lost=[row for part, row in rows if part < 0],
        gained=[row for part, row in reversed(rows) if part > 0],
        rest=rest,
    )


def move_tenths(hundredths: int) -> int:
    """A change as it is shown, in hundredths."""
    return 10 * round(hundredths / 10)


def _row(moved: Moved, node: str, slug: str, effect: Effect, part: int, widest: int) -> Row:
    width = 48 * abs(part) / widest
    move = moved.moves.get(effect.node)
    main = max(effect.by_cause, key=lambda cause: abs(effect.by_cause[cause]))
    mine = effect.node == node
    return Row(
        name=(move.name if move else effect.node) if not mine else WHOSE[main],
        href=why_href(moved, slug, effect.node) if not mine else "",
        reason=reason(moved, move, main) if move and not mine else _own(moved, main),
        whose="" if mine else NAMES[main],
        tone="healthy" if part > 0 else "act",
        x=f"{50 if part > 0 else 50 - width:.1f}%",
        width=f"{width:.1f}%",
        points=change(part),
    )


def _own(moved: Moved, main: Cause) -> str:
    if main is Cause.US:
        return versions(moved).rstrip(".")
    return "What no signal did alone"


def versions(moved: Moved) -> str:
    """Which scorecard versions came into force in between."""
    found = [f"version {stop.number} after {day(stop.day)}" for stop in moved.versions]
    if not found:
        return f"Scorecard version {moved.last.version.number} on both days."
    return f"Scorecard {', then '.join(found)}."


def reason(moved: Moved, move: Move, main: Cause) -> str:
    """Why a node did what it did, in words."""
    was = "" if move.before is None else whole(move.before)
    now = "" if move.after is None else whole(move.after)
    if main is Cause.SCOPE and move.state_after is not None and move.state_before is not None:
        if move.state_after not in COUNTED and move.level == "signal":
            return f"counts no longer, {STATES[move.state_after].lower()}"
        if move.state_before not in COUNTED and move.level == "signal":
            return f"counts now, with {now}" if now else "counts now"
    if main is Cause.FEED and move.level == "signal":
        if not now and move.state_after is not None:
            return f"was {was}, now {STATES[move.state_after].lower()}"
        if not was:
            return f"reports again, with {now}"
    if was and now:
        return f"{was} to {now}"
    if now:
        return f"has a number now, {now}"
    return f"was {was}, has no number now" if was else why_none(moved, move)


def why_href(moved: Moved, slug: str, node: str) -> str:
    """Where a node explains itself; empty for one that is no longer in the scorecard."""
    for each in moved.card.nodes:
        if each.id == node:
            if each.signal:
                return f"{reverse('category', args=[slug, each.signal.category])}?signal={node}#why"
            return address(moved, slug, node)
    return ""
