"""How far an organization is on the way to its targets: the straight path, and where the score stands on it.

Nothing here makes a score: a target is read beside the sheets that the night has published.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction

from accounts import goals
from accounts.models import Organization, Target
from scoring import sheets
from scoring.engine import Level
from scoring.history import History
from scoring.read import CardReading, Reading

ON_PATH = 100  # hundredths to either side that count as on the path

type Pairs = list[tuple[date, int]]  # day, points in hundredths


class Verdict(Enum):
    """Where a score stands on its path."""

    AHEAD = "ahead"
    ON_PATH = "on path"
    BEHIND = "behind"
    REACHED = "reached"
    MISSED = "missed"  # its day has come
    UNKNOWN = "unknown"  # there is no number now
    GONE = "gone"  # the scorecard knows the node no more


@dataclass(frozen=True)
class Progress:
    """One target beside the score of a day; points in hundredths, None is no number."""

    target: Target
    reading: Reading | None
    day: date
    now: int | None
    expected: int
    verdict: Verdict

    @property
    def ahead(self) -> int | None:
        """How far above its path the score is; below, if negative."""
        return None if self.now is None else self.now - self.expected


def path(target: Target) -> Pairs:
    """The straight path of a target as its ends: from where it was set to its value on its day.

    A target at or below its start is a level to hold: its path is flat.
    """
    first = target.value * 100 if is_to_hold(target) else target.start_points
    return [(target.start_on, first), (target.due_on, target.value * 100)]


def is_to_hold(target: Target) -> bool:
    """Whether the target was reached when it was set, so that it is to be kept, not reached."""
    return target.value * 100 <= target.start_points


def expected(target: Target, day: date) -> int:
    """Where the path is on a day: before its start and after its end it goes on level. Half to even."""
    (first, low), (last, high) = path(target)
    gone = min(max((day - first).days, 0), (last - first).days)
    return low + round(Fraction((high - low) * gone, (last - first).days))


def path_of(organization: Organization, node: str, *, scorecard: str | None = None) -> Pairs:
    """The path of the target that stands for a node, as plain (day, points in hundredths); empty for none."""
    target = goals.target_of(organization, scorecard or organization.scorecard, node)
    return path(target) if target else []


def progress(card: CardReading, target: Target) -> Progress:
    """Where a card's node stands on the path of its target."""
    reading = card.by_node.get(target.node)
    now = reading.points if reading else None
    at = expected(target, card.day)
    return Progress(target, reading, card.day, now, at, _verdict(target, reading, card.day, at))


def _verdict(target: Target, reading: Reading | None, day: date, at: int) -> Verdict:
    if reading is None:
        return Verdict.GONE
    if reading.points is None or reading.whole is None:
        return Verdict.UNKNOWN
    # Reached is decided on the whole number that is shown, as bands are.
    is_there = reading.whole >= target.value
    if day >= target.due_on:
        return Verdict.REACHED if is_there else Verdict.MISSED
    if is_there:
        return Verdict.ON_PATH if is_to_hold(target) else Verdict.REACHED
    if abs(reading.points - at) < ON_PATH:
        return Verdict.ON_PATH
    return Verdict.AHEAD if reading.points > at else Verdict.BEHIND


def lines(past: History, nodes: Iterable[str]) -> dict[str, list[tuple[date, int | None]]]:
    """What was published of each of these nodes, oldest first."""
    found: dict[str, list[tuple[date, int | None]]] = {node: [] for node in nodes}
    for day, sheet in past.sheets.items():
        known: dict[str, int | None] = sheets.tops(sheet.nodes, sheet.card)
        if not found.keys() <= known.keys():  # the whole sheet takes longer to unpack
            known = {node: figure.points for node, figure in sheets.unpack(sheet.nodes, sheet.card).items()}
        for node in found:
            if node in known:
                found[node].append((day, known[node]))
    return found


def choices(card: CardReading) -> Sequence[Reading]:
    """What a target can be set on: the overall score, the categories, and the signals that count."""
    return [
        each
        for each in card.by_node.values()
        if each.level in (Level.OVERALL, Level.CATEGORY) or (each.signal and each.weight)
    ]
