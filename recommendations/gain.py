"""Exact points to gain: the same engine over the same numbers, with what an action would change.

An action is a signal and the points it is to reach. For one organization the inputs themselves are changed
and the whole night is scored again, so that what else reads them moves as well; for many at once the signal's
points are replaced and the tree above is rolled up. Both give the same hundredths wherever the points reached
are those asked for and no other signal reads the inputs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from accounts.models import Organization
from recommendations import inputs
from recommendations.inputs import Asked, Changes, Need, Numbers, Unreachable
from scoring import engine, history, pack, replay
from scoring.engine import Declaration, Panel, Scorecard, Scores, State
from scoring.engine.options import IndicatorOptions
from scoring.engine.rollup import roll_up
from scoring.replay import Night

NOT_ESTIMABLE = -1  # among gains in hundredths: nobody knows
KEPT = 31  # days back that an organization's last sheet still counts, where newer nights have none
HAS_POINTS = (State.OK, State.STALE_GRACE)


class Lack(StrEnum):
    """Why an action has no gain that could be told."""

    NO_SIGNAL = "The scorecard has no such signal."
    NO_SCORE = "There is no overall score to add to yet."
    NOT_APPLICABLE = "The signal does not apply to you."
    EXEMPT = "The signal is exempt."
    TOO_NEW = "There is not enough history yet."
    NO_FEED = "Nothing is known about the signal now: what feeds it is missing."
    PREVIEW = "The signal is a preview and does not count yet."
    THERE = "The signal is there already."


BY_STATE: Mapping[State, Lack] = {
    State.MISSING: Lack.NO_FEED,
    State.INVALID: Lack.NO_FEED,
    State.INSUFFICIENT_HISTORY: Lack.TOO_NEW,
    State.NOT_APPLICABLE: Lack.NOT_APPLICABLE,
    State.EXEMPT: Lack.EXEMPT,
}


@dataclass(frozen=True)
class Aim:
    """A signal and the points it is to reach, 0 to 100."""

    signal: str
    points: float


@dataclass(frozen=True, eq=False)
class Ground:
    """What one night knew of one organization, ready to be changed and scored again."""

    organization: Organization
    night: Night
    panel: Panel
    scores: Scores
    numbers: Numbers
    places: pack.Layout

    @property
    def card(self) -> Scorecard:
        return self.night.card

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Where each node stands in the arrays."""
        return {node.id: at for at, node in enumerate(self.card.nodes)}

    @cached_property
    def hundredths(self) -> Mapping[str, int | None]:
        """The points of every node as they are stored."""
        return _by_node(self.card, engine.canonical(self.scores.points[0]))

    def state(self, node: str) -> State:
        return State(int(self.scores.state[0, self.place[node]]))

    def points(self, node: str) -> float:
        """Full precision; NaN without a number."""
        return float(self.scores.points[0, self.place[node]])


@dataclass(frozen=True)
class Estimate:
    """What an action would bring, in hundredths of points; without `lack` all of it is known."""

    aim: Aim
    lack: str | None = None
    before: Mapping[str, int | None] | None = None  # node -> points, all that change and those above
    after: Mapping[str, int | None] | None = None
    reached: float = float("nan")  # full precision
    changes: Changes | None = None
    needs: tuple[Need, ...] = ()
    sides: Mapping[str, float] | None = None  # other signals that read the same inputs -> points after

    @property
    def words(self) -> list[str]:
        """What must change, a line each."""
        return [inputs.sentence(need) for need in self.needs]

    @property
    def overall(self) -> int | None:
        """The gain of the overall score."""
        return self.of("overall")

    def of(self, node: str) -> int | None:
        """The gain of a node: of the signal, its subcategory or its category; None where it is not known."""
        if self.before is None or self.after is None:
            return None
        before, after = self.before.get(node), self.after.get(node)
        return None if before is None or after is None else after - before


@dataclass(frozen=True, eq=False)
class Projection:
    """Several actions at once: every node before and after, and what has to change for it."""

    estimates: tuple[Estimate, ...]  # in the order asked, each as a step after those before it in `order`
    order: tuple[str, ...]  # signals, in the order their inputs were found
    before: Mapping[str, int | None]
    after: Mapping[str, int | None]
    points: Mapping[str, float]  # node -> full precision after
    changes: Changes

    @property
    def overall(self) -> int | None:
        return self.after["overall"]


# ---------- one organization ----------


def ground(organization: Organization, day: date | None = None) -> Ground | None:
    """The newest published night of an organization (or that of a day), made again; None if it has none."""
    key = organization.scorecard
    at = day or max(history.of(organization, key, days=KEPT).sheets, default=None)
    night = replay.night_of(key, at) if at else None
    made = replay.of_night(organization, night) if night else None
    if night is None or made is None:
        return None
    return _ground(organization, night, made)


def _ground(organization: Organization, night: Night, made: replay.Replay) -> Ground:
    numbers: dict[str, dict[date, float]] = {}
    for each in made.measurements:
        numbers.setdefault(each.metric, {})[each.day] = each.value
    return Ground(organization, night, made.panel, made.scores, numbers, pack.layout())


def estimate(at: Ground, aim: Aim) -> Estimate:
    """What one action would bring."""
    return estimates(at, [aim])[0]


def estimates(at: Ground, aims: Sequence[Aim]) -> list[Estimate]:
    """What each of these actions would bring on its own; the engine is asked once for all."""
    found = [_way(at, aim) for aim in aims]
    cases = [each for each in found if each.changes is not None]
    if not cases:
        return found
    panels = [changed(at, each.changes or {}) for each in cases]
    scores = engine.score(at.card, side_by_side(panels))
    filled = iter([_estimated(at, each, scores, row) for row, each in enumerate(cases)])
    return [each if each.changes is None else next(filled) for each in found]


def lack_of(at: Ground, signal: str) -> Lack | None:
    """Why nothing can be said about a signal; None where something can."""
    node = at.place.get(signal)
    if node is None or at.card.nodes[node].signal is None:
        return Lack.NO_SIGNAL
    if at.card.nodes[node].signal.preview:  # type: ignore[union-attr]
        return Lack.PREVIEW
    state = at.state(signal)
    if state not in HAS_POINTS:
        return BY_STATE[state]
    return None if at.hundredths["overall"] is not None else Lack.NO_SCORE


def _way(at: Ground, aim: Aim) -> Estimate:
    """The changes that an action takes, not scored yet."""
    lack = lack_of(at, aim.signal)
    if lack:
        return Estimate(aim, lack)
    if is_there(at.points(aim.signal), aim.points):
        return Estimate(aim, Lack.THERE)
    signal = at.card.nodes[at.place[aim.signal]].signal
    if signal is None:
        return Estimate(aim, Lack.NO_SIGNAL)
    try:
        found = inputs.way(Asked(at.card, signal, at.panel, at.numbers, aim.points))
    except Unreachable as why:
        return Estimate(aim, str(why))
    return Estimate(aim, changes=found.changes, needs=found.needs)


def is_there(points: float, target: float) -> bool:
    """Whether points are at a target as they are stored: in hundredths."""
    both = engine.canonical(np.array([points, target]))
    return bool(both[0] >= both[1])


def _estimated(at: Ground, asked: Estimate, scores: Scores, row: int) -> Estimate:
    reached = float(scores.points[row, at.place[asked.aim.signal]])
    if not is_there(reached, min(asked.aim.points, inputs.ALMOST_ALL)):
        return Estimate(asked.aim, f"With all that can be changed it reaches {reached:.0f} points only.")
    after = _by_node(at.card, engine.canonical(scores.points[row]))
    kept = set(_above(at.card, asked.aim.signal)) | {
        id for id, points in after.items() if points != at.hundredths[id]
    }
    sides = {
        node.id: float(scores.points[row, place])
        for place, node in enumerate(at.card.nodes)
        if node.signal
        and not node.signal.preview
        and node.id != asked.aim.signal
        and not _same(scores.points[row, place], at.scores.points[0, place])
    }
    return replace(
        asked,
        before={id: at.hundredths[id] for id in after if id in kept},
        after={id: points for id, points in after.items() if id in kept},
        reached=reached,
        sides=sides,
    )


def _same(one: float, other: float) -> bool:
    return bool(one == other or (np.isnan(one) and np.isnan(other)))


def _above(card: Scorecard, node: str) -> Iterable[str]:
    """A node and those above it."""
    at = next(place for place, each in enumerate(card.nodes) if each.id == node)
    while at >= 0:
        yield card.nodes[at].id
        at = card.nodes[at].parent


# ---------- several at once ----------


def together(at: Ground, aims: Sequence[Aim], moves: Changes | None = None) -> Projection:
    """Where the score lands once all of these are done, and after each step of the way there.

    moves   measurements somebody changed by hand; they are put in first

    Of several aims at one signal the highest counts. A number that another signal is a share of is changed
    first, so that both reach what was asked.
    """
    highest: dict[str, Aim] = {}
    for aim in aims:
        if aim.signal not in highest or aim.points > highest[aim.signal].points:
            highest[aim.signal] = aim
    order = _ordered(at.card, [key for key in highest if key in at.place])
    now = moved(at, moves or {})
    made: dict[str, Estimate] = {}
    changes: Changes = dict(moves or {})
    stages = [now]
    for key in order:
        found = _way(now, highest[key])
        if found.changes:
            changes |= found.changes
            now = _renumbered(now, found.changes)
            stages.append(now)
            made[key] = found
        else:
            made[key] = found if found.lack else replace(found, lack=Lack.THERE)
    scores = engine.score(at.card, side_by_side([stage.panel for stage in stages]))
    row = 0
    for key in order:
        if made[key].changes and not made[key].lack:
            before = replace(now, scores=_row(scores, row))
            row += 1
            made[key] = _estimated(before, made[key], scores, row)
    last = engine.canonical(scores.points[row])
    return Projection(
        estimates=tuple(made.get(aim.signal, Estimate(aim, Lack.NO_SIGNAL)) for aim in aims),
        order=tuple(order),
        before=at.hundredths,
        after=_by_node(at.card, last),
        points={node.id: float(scores.points[row, place]) for place, node in enumerate(at.card.nodes)},
        changes=changes,
    )


def _ordered(card: Scorecard, signals: Sequence[str]) -> list[str]:
    """Signals whose changed numbers others are a share of come before those others; else as asked."""
    by_key = {signal.key: signal for signal in card.signals}
    left, order = list(signals), []
    while left:
        first = next(
            (
                key
                for key in left
                if not any(
                    other != key and by_key[other].metrics[0] in by_key[key].metrics[1:] for other in left
                )
            ),
            left[0],  # a circle: any of them
        )
        left.remove(first)
        order.append(first)
    return order


def moved(at: Ground, changes: Changes) -> Ground:
    """The ground with some measurements changed and scored again."""
    if not changes:
        return at
    now = _renumbered(at, changes)
    return replace(now, scores=engine.score(at.card, now.panel))


def _renumbered(at: Ground, changes: Changes) -> Ground:
    """The same with the numbers changed; its scores are still the old ones, but for the signals that read
    them: those the caller scores."""
    panel = changed(at, changes)
    numbers = {key: dict(days) for key, days in at.numbers.items()}
    for (metric, day), value in changes.items():
        numbers.setdefault(metric, {})[day] = value
    now = replace(at, panel=panel, numbers=numbers)
    touched = {metric for metric, _ in changes}
    points, state = at.scores.points.copy(), at.scores.state.copy()
    for place, node in enumerate(at.card.nodes):
        if node.signal and touched.intersection(node.signal.metrics) and at.state(node.id) in HAS_POINTS:
            outcome = Asked(at.card, node.signal, panel, numbers, 0).outcome
            points[0, place], state[0, place] = outcome.points[0], outcome.state[0]
    return replace(now, scores=replace(at.scores, points=points, state=state))


def _row(scores: Scores, row: int) -> Scores:
    arrays = ("points", "state", "coverage", "lower", "upper", "flags", "history")
    return replace(scores, **{name: getattr(scores, name)[row : row + 1] for name in arrays})


def changed(at: Ground, changes: Changes) -> Panel:
    """The panel as the packer would have made it, had these been the measurements."""
    if not changes:
        return at.panel
    ids = {metric.key: pk for pk, metric in at.places.metrics.items()}
    cells = {(metric, pack.month_start(day)) for metric, day in changes}
    rows = [
        (at.organization.pk, ids[metric], day, changes.get((metric, day), value))
        for metric, month in cells
        for day, value in at.numbers.get(metric, {}).items()
        if pack.month_start(day) == month and (metric, day) not in changes
    ]
    rows += [(at.organization.pk, ids[metric], day, value) for (metric, day), value in changes.items()]
    rows.sort(key=lambda row: row[2])
    keys, numbers = pack.build(rows, at.places)
    slots, days = at.panel.slots.copy(), at.panel.days.copy()
    last = pack.month_start(at.panel.day)
    for (_, month), row in zip(keys, numbers, strict=True):
        back = pack.months_between(month, last)
        for array, packed in ((slots, row[: at.places.width]), (days, row[at.places.width :])):
            here = array.shape[1] - 1 - back
            if 0 <= here < array.shape[1]:
                array[0, here] = np.where(np.isnan(packed), array[0, here], packed)
    return replace(at.panel, slots=slots, days=days)


def side_by_side(panels: Sequence[Panel]) -> Panel:
    """Variants of one organization's panel as if they were as many organizations."""
    first, count = panels[0], len(panels)

    def stacked(name: str) -> Any:
        return np.concatenate([getattr(panel, name) for panel in panels])

    declared = {
        key: tuple(
            Declaration(each.first, each.last, None if each.who is None else np.repeat(each.who, count))
            for each in windows
        )
        for key, windows in first.declared.items()
    }
    return replace(
        first,
        **{name: stacked(name) for name in ("organizations", "slots", "days", "owned", "age_days")},
        contract_started=stacked("contract_started"),
        declared=declared,
        exempt=None if first.exempt is None else stacked("exempt"),
    )


def _by_node(card: Scorecard, hundredths: npt.NDArray[np.int16]) -> dict[str, int | None]:
    return {
        node.id: None if points < 0 else points
        for node, points in zip(card.nodes, hundredths.tolist(), strict=True)
    }


# ---------- many organizations ----------


def gains(card: Scorecard, scores: Scores, aims: Sequence[Aim]) -> npt.NDArray[np.int32]:
    """What each action would bring the overall score of each organization, in hundredths.

    shapes  scores: of a night or a chunk of it, as engine.score gives them; returns (orgs, aims)
    returns NOT_ESTIMABLE where the organization has no score, or the signal no points; 0 where it is there
    """
    before = engine.canonical(scores.points[:, 0]).astype(np.int32)
    found = np.full((len(before), len(aims)), NOT_ESTIMABLE, np.int32)
    places = {node.id: at for at, node in enumerate(card.nodes)}
    share = _share(scores)
    for column, aim in enumerate(aims):
        at = places.get(aim.signal)
        signal = None if at is None else card.nodes[at].signal
        if at is None or signal is None or signal.preview:
            continue
        here = np.flatnonzero((before >= 0) & ~np.isnan(scores.points[:, at]))
        points, state = scores.points[here], scores.state[here]
        more = engine.canonical(points[:, at]) < engine.canonical(np.array([aim.points]))[0]
        points[:, at] = np.where(more, aim.points, points[:, at])
        if isinstance(signal.options, IndicatorOptions) and card.metric(signal.metrics[0]).nature == "event":
            state[:, at] = np.where(more, State.OK, state[:, at])  # what happened is known at once
        after = engine.canonical(roll_up(card, points, state, share[here]).points[:, 0])
        found[here, column] = np.where(more, after - before[here], 0)
    return found


def weights(card: Scorecard, scores: Scores) -> dict[str, float]:
    """What one point of each signal is to the overall score of one organization, in points.

    shapes  scores: (1, nodes)
    returns only signals that have points and count; nothing without an overall score
    """
    if np.isnan(scores.points[0, 0]):
        return {}
    places = [
        at
        for at, node in enumerate(card.nodes)
        if node.signal and not node.signal.preview and not np.isnan(scores.points[0, at])
    ]
    cases = 2 * len(places)
    points, state = np.repeat(scores.points, cases, axis=0), np.repeat(scores.state, cases, axis=0)
    share = np.repeat(_share(scores), cases, axis=0)
    for row, at in enumerate(places):
        points[2 * row, at], points[2 * row + 1, at] = 0.0, 100.0
    overall = roll_up(card, points, state, share).points[:, 0].reshape(len(places), 2)
    return {
        card.nodes[at].id: float(high - low) / 100 for at, (low, high) in zip(places, overall, strict=True)
    }


def _share(scores: Scores) -> npt.NDArray[np.float64]:
    """How much of a growth signal's base was observed: its coverage, less what its freshness took."""
    fresh = np.where(scores.state == State.STALE_GRACE, 2.0, 1.0)
    return np.where(np.isnan(scores.coverage), 1.0, np.minimum(fresh * scores.coverage, 1.0))


__all__ = [
    "NOT_ESTIMABLE",
    "Aim",
    "Estimate",
    "Ground",
    "Lack",
    "Projection",
    "estimate",
    "estimates",
    "gains",
    "ground",
    "is_there",
    "lack_of",
    "moved",
    "together",
    "weights",
]
