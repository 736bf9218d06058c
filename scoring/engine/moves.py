"""The way from one filled-in scorecard to a later one under the same version, in steps that say whose it was.

The order is fixed and part of every answer: applicability, then freshness, then values (SCORING §5). What a
new version changes comes before them and is told by a pair of sheets of one night, not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scoring.engine.arrays import Array, Bytes
from scoring.engine.rollup import roll_up
from scoring.engine.scorecard import Scorecard, Signal
from scoring.engine.states import State


@dataclass(frozen=True, eq=False)
class Results:
    """What the signals came to; only their columns are read.

    shapes  (cases, nodes) in the order of Scorecard.nodes
    units   points 0-100, NaN without a number; share 0-1
    """

    points: Array
    state: Bytes
    share: Array


def stations(scorecard: Scorecard, before: Results, after: Results) -> Array:
    """Points of every node before, with the scope of after, with its freshness too, and with its values too.

    shapes  (4, cases, nodes)
    returns points 0-100, NaN without a number; a signal that begins to count or to report does so with the
            number it then has, since there is none before it
    source  SCORING §5, exact decomposition of change
    """
    way = (before, _scoped(before, after), _fed(before, after), after)
    arrays = (np.concatenate([getattr(at, name) for at in way]) for name in ("points", "state", "share"))
    scores = roll_up(scorecard, *arrays)
    return scores.points.reshape(len(way), *before.points.shape)


def _scoped(before: Results, after: Results) -> Results:
    """As before, but what counts is what counts after."""
    stays = (before.state <= State.INVALID) & (after.state <= State.INVALID)
    return _chosen(stays, before, after)


def _fed(before: Results, after: Results) -> Results:
    """As after, but with the points of before wherever both have some."""
    both = ~np.isnan(before.points) & ~np.isnan(after.points)
    stays = both & (before.state <= State.INVALID) & (after.state <= State.INVALID)
    return Results(np.where(stays, before.points, after.points), after.state, after.share)


def _chosen(first: np.ndarray, one: Results, other: Results) -> Results:
    return Results(
        np.where(first, one.points, other.points),
        np.where(first, one.state, other.state),
        np.where(first, one.share, other.share),
    )


def effects(scorecard: Scorecard, top: int, before: Array, after: Array) -> Mapping[int, float]:
    """What each signal did to a node within one step of the way, by its place; together the node's change.

    shapes  before, after: (nodes,), one case at two stations
    returns a branch in the place of its signals where it gained or lost its number as a whole; empty where
            the node itself has no number
    """
    if np.isnan(before[top]) or np.isnan(after[top]):
        return {}
    children: dict[int, list[int]] = {}
    for place, node in enumerate(scorecard.nodes):
        if not (node.signal and node.signal.preview):
            children.setdefault(node.parent, []).append(place)
    found: dict[int, float] = {}

    def spread(place: int, factor: float) -> None:
        """M1 - M0 = sum w (s1 - s0) + sum of newcomers w (s1 - M0) - sum of leavers w (s0 - M0), over W1."""
        mine = children.get(place)
        if not mine:
            found[place] = factor * float(after[place] - before[place])
            return
        weight = sum(scorecard.nodes[child].weight for child in mine if not np.isnan(after[child]))
        for child in mine:
            part = factor * scorecard.nodes[child].weight / weight
            was, now = before[child], after[child]
            if not np.isnan(was) and not np.isnan(now):
                spread(child, part)
            elif not np.isnan(now):
                found[child] = part * float(now - before[place])
            elif not np.isnan(was):
                found[child] = -part * float(was - before[place])

    spread(top, 1.0)
    return {place: effect for place, effect in found.items() if effect}


def same_rule(one: Scorecard, other: Scorecard, key: str) -> bool:
    """Whether a signal comes to the same result under two versions, whatever is measured."""
    mine, theirs = _signals(one).get(key), _signals(other).get(key)
    if mine is None or theirs is None:
        return False
    rule = (mine.kind, mine.options, mine.product, mine.metrics)
    if rule != (theirs.kind, theirs.options, theirs.product, theirs.metrics):
        return False
    return all(one.metric(metric) == other.metric(metric) for metric in mine.metrics)


def _signals(card: Scorecard) -> Mapping[str, Signal]:
    return {signal.key: signal for signal in card.signals}
