"""What moved between two published sheets of one organization, and whose doing it was, to the hundredth.

The way is fixed: the scorecard version, then which signals count, then what the feeds brought, then the
values (SCORING §5). Where versions changed, each stretch under one version goes that way, and the older one's
last night, scored under both, tells what the version did. Both ends are always the published numbers; a step
at which a node would have no number changes nothing for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

import numpy as np

from accounts.models import Organization
from scoring import pack
from scoring.engine import Scorecard, State, moves
from scoring.history import History, Sheet
from scoring.read import SLACK, apportion
from scoring.way import Span, Stop, pairs, routes, stacked

USUAL = 90 + SLACK  # days of history that the usual comparisons read
FEWEST = 2  # sheets that a comparison takes
TRIFLE = 5  # hundredths: less that no signal explains is rounding


class Cause(StrEnum):
    """Whose doing a part of a change was."""

    US = "us"  # the scorecard version
    SCOPE = "scope"  # which signals count
    FEED = "feed"  # what arrived, or did not
    YOU = "you"  # the values


STEPS = (Cause.SCOPE, Cause.FEED, Cause.YOU)  # within one version


@dataclass(frozen=True)
class Move:
    """One node on both days, in hundredths; parts add up to the change, None without a number on a side."""

    node: str
    name: str
    level: str
    before: int | None
    after: int | None
    state_before: State | None  # None: that version did not have the node
    state_after: State | None
    parts: Mapping[Cause, int] | None

    @property
    def change(self) -> int | None:
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class Effect:
    """What one node did to another, in hundredths of the other's points."""

    node: str
    by_cause: Mapping[Cause, float]

    @property
    def total(self) -> float:
        return sum(self.by_cause.values())


@dataclass(frozen=True, eq=False)
class Leg:
    """From one stop to the next: within a version by three steps, or across to another one by one."""

    first: Stop
    last: Stop
    points: np.ndarray | None  # (4, nodes) at the stations of moves.stations; None across versions


@dataclass(frozen=True, eq=False)
class Moved:
    """Everything that moved between two sheets."""

    first: Sheet
    last: Sheet
    legs: tuple[Leg, ...]
    moves: Mapping[str, Move]  # in the order of the newer version; then what it no longer has

    @property
    def card(self) -> Scorecard:
        return self.last.card

    @property
    def versions(self) -> list[Stop]:
        """Where other versions came into force: the older one's last night under the newer one."""
        return [leg.last for leg in self.legs if leg.points is None]


# ---------- which sheets ----------


def nearest(past: History, day: date) -> date | None:
    """The newest sheet's day on or before this one; the oldest of all where there is none."""
    return max((each for each in past.sheets if each <= day), default=min(past.sheets, default=None))


def usual(past: History) -> dict[str, date]:
    """The days that the newest sheet is usually compared with: of 30 and 90 days ago, and the last close."""
    if len(past.sheets) < FEWEST:
        return {}
    newest = max(past.sheets)
    found: dict[str, date] = {}
    for back in (30, 90):
        near = [day for day in past.sheets if back <= (newest - day).days <= back + SLACK]
        if near:
            found[str(back)] = max(near)
    closes = [day for day in past.sheets if day < newest and pack.month_end(day) == day]
    if closes:
        found["close"] = max(closes)
    return found


# ---------- the change ----------


def between(organization: Organization, past: History, spans: Sequence[Span]) -> list[Moved]:
    """How every node came from one sheet's points to another's, for several spans of days at once.

    raises  KeyError for a day that has no sheet in `past`
    """
    return split(past, spans, pairs(organization, past, spans))


def split(past: History, spans: Sequence[Span], under: Mapping[date, bytes]) -> list[Moved]:
    """The same, given the older versions' last nights under the newer ones, by day."""
    ways = routes(past, spans, under)
    legs: dict[tuple[Stop, Stop], Leg] = {}
    for card in {stop.card for route in ways for stop in route}:
        within = [
            (one, other)
            for route in ways
            for one, other in pairwise(route)
            if one.card is card and other.card is card
        ]
        if within:
            points = moves.stations(
                card, stacked([one for one, _ in within]), stacked([other for _, other in within])
            )
            legs |= {stops: Leg(*stops, points[:, case]) for case, stops in enumerate(within)}
    result = []
    for (first, last), route in zip(spans, ways, strict=True):
        mine = tuple(legs.get((one, other)) or Leg(one, other, None) for one, other in pairwise(route))
        result.append(Moved(past.sheets[first], past.sheets[last], mine, _moves(mine)))
    return result


def _moves(legs: Sequence[Leg]) -> dict[str, Move]:
    """Every node of either version."""
    first, last = legs[0].first, legs[-1].last
    nodes = {node.id: node for node in (*last.card.nodes, *first.card.nodes)}
    newer = {node.id: node for node in last.card.nodes}
    waypoints = [_waypoints(leg) for leg in legs]
    result = {}
    for id in nodes:
        node = newer.get(id, nodes[id])
        was, now = first.figures.get(id), last.figures.get(id)
        before, after = (was.points if was else None), (now.points if now else None)
        result[id] = Move(
            node=id,
            name=node.name,
            level=str(node.level),
            before=before,
            after=after,
            state_before=was.state if was else None,
            state_after=now.state if now else None,
            parts=None
            if before is None or after is None
            else _parts(before, [way[id] for way in waypoints if id in way]),
        )
    return result


def _parts(before: int, waypoints: Sequence[Sequence[tuple[Cause, int | None]]]) -> dict[Cause, int]:
    """What every step added; one that leaves the node without a number adds nothing."""
    parts, now = dict.fromkeys(Cause, 0), before
    for cause, points in (step for way in waypoints for step in way):
        if points is not None:
            parts[cause] += points - now
            now = points
    return parts


def _waypoints(leg: Leg) -> dict[str, list[tuple[Cause, int | None]]]:
    """Every node's points in hundredths after each step of a leg; the last are those of its end."""
    end = {id: figure.points for id, figure in leg.last.figures.items()}
    if leg.points is None:
        return {id: [(Cause.US, points)] for id, points in end.items()}
    result = {}
    for place, node in enumerate(leg.first.card.nodes):
        before = leg.first.figures[node.id].points
        result[node.id] = list(
            zip(STEPS, _settled(100 * leg.points[:, place], before, end[node.id]), strict=True)
        )
    return result


def _settled(stations: np.ndarray, before: int | None, after: int | None) -> list[int | None]:
    """Hundredths after each step, such that the ends are the published ones.

    The stations come from signals in hundredths, so their ends may be a hundredth off the published ones:
    a step that changed something takes it up. If none did, the values did, by less than a hundredth.
    """
    known = [float(each) for each in stations if not np.isnan(each)]
    if not known or (before is None and after is None):
        return [None, None, after]
    if before is None or after is None:
        anchor, at = (before, known[0]) if before is not None else (after, known[-1])
        middle = [None if np.isnan(each) else round((anchor or 0) + float(each) - at) for each in stations]
        return [*middle[1:-1], after]
    level, steps = known[0], []
    for each in stations[1:]:
        steps.append(0.0 if np.isnan(each) else float(each) - level)
        level += steps[-1]
    given = apportion(steps, after - before) if any(steps) else [0, 0, after - before]
    return [before + sum(given[: count + 1]) for count in range(len(given))]


# ---------- what each signal did ----------


def effects(moved: Moved, node: str) -> list[Effect]:
    """What the nodes below did to a node, most lost first; together its change, up to rounding.

    What no signal did alone stands under the node itself: the version's part above all.
    """
    parts = moved.moves[node].parts
    if parts is None:
        return []
    found: dict[str, dict[Cause, float]] = {}
    for leg in moved.legs:
        for place, cause, effect in _steps(leg, node):
            mine = found.setdefault(leg.first.card.nodes[place].id, {})
            mine[cause] = mine.get(cause, 0.0) + effect
    told = {cause: sum(mine.get(cause, 0.0) for mine in found.values()) for cause in Cause}
    rest = {cause: part - told[cause] for cause, part in parts.items()}
    own = {cause: left for cause, left in rest.items() if abs(left) >= TRIFLE or (cause is Cause.US and left)}
    if own:
        found[node] = {cause: found.get(node, {}).get(cause, 0.0) + left for cause, left in own.items()}
    return sorted((Effect(id, mine) for id, mine in found.items()), key=lambda each: (each.total, each.node))


def _steps(leg: Leg, node: str) -> Iterator[tuple[int, Cause, float]]:
    """Place of a node below, the cause and what it did, for each step of a leg within a version."""
    places = {each.id: place for place, each in enumerate(leg.first.card.nodes)}
    if leg.points is None or node not in places:
        return
    at = leg.points[0]
    for cause, then in zip(STEPS, leg.points[1:], strict=True):
        if np.isnan(then[places[node]]):
            continue
        for place, effect in moves.effects(leg.first.card, places[node], at, then).items():
            yield place, cause, 100 * effect
        at = then


__all__ = [
    "STEPS",
    "Cause",
    "Effect",
    "Leg",
    "Move",
    "Moved",
    "Stop",
    "between",
    "effects",
    "nearest",
    "split",
    "usual",
]
