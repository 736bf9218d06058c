"""Signals up to subcategories, categories and the overall score: points, coverage, bounds and states."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scoring.engine.arrays import Array, Bytes, Mask, first_fitting, quotient
from scoring.engine.errors import PanelInvalid
from scoring.engine.kinds import KINDS
from scoring.engine.options import GrowthOptions
from scoring.engine.panel import Panel
from scoring.engine.scorecard import Level, Node, Scorecard, Signal
from scoring.engine.states import Flag, Outcome, State

DAYS_SETTING_UP = 30
DAYS_YOUNG = 90
TOLERANCE = 1e-9  # a coverage of exactly its floor must not fail on float noise
FRESHNESS = np.array([1.0, 0.5, 0.0, 0.0])  # by state; what is beyond does not apply


@dataclass(frozen=True, eq=False)
class Scores:
    """The filled-in scorecards of one night; arrays (orgs, nodes) in the order of Scorecard.nodes."""

    points: Array  # full precision, NaN without a number
    state: Bytes
    coverage: Array  # 0-1, NaN where a node does not apply
    lower: Array
    upper: Array
    flags: Bytes
    history: Bytes
    inputs: Mapping[str, Mapping[str, Array]] | None = None


@dataclass(frozen=True, eq=False)
class _Filling:
    """Scores while they are being worked out: (nodes, orgs), so that every node is one contiguous row."""

    points: Array
    state: Bytes
    coverage: Array
    lower: Array
    upper: Array
    flags: Bytes
    history: Bytes


def score(scorecard: Scorecard, panel: Panel, *, explain: bool = False, exemptions: bool = True) -> Scores:
    """The points of every node for every organization of a panel.

    shapes  Scores: (orgs, nodes) in the order of scorecard.nodes
    units   points and bounds 0-100, coverage 0-1; NaN where there is no number
    returns with `explain` also the numbers each signal was made from; without `exemptions` the second score,
            in which exempt signals count like all others
    raises  PanelInvalid where the exemptions are not those of this scorecard
    source  SCORING §0 to §6
    """
    nodes = scorecard.nodes
    if panel.exempt is not None and panel.exempt.shape[1] != len(scorecard.signals):
        raise PanelInvalid(f"exempt is {panel.exempt.shape}, but there are {len(scorecard.signals)} signals")
    filling = _empty(len(nodes), panel.size)
    inputs: dict[str, Mapping[str, Array]] = {}
    for place, node in enumerate(nodes):
        if node.signal:
            outcome = _outcome(scorecard, node.signal, panel, exemptions)
            _fill_signal(filling, place, node.signal, outcome)
            if explain:
                inputs[node.id] = outcome.inputs
    return _rolled_up(filling, scorecard, panel.age_days, inputs if explain else None)


def roll_up(scorecard: Scorecard, points: Array, state: Bytes, share: Array) -> Scores:
    """The tree above signals that have their results already, as if everyone were old enough.

    shapes  points, state, share and Scores: (cases, nodes) in the order of scorecard.nodes; only the signals'
            columns are read
    units   share: of a growth signal's base that was observed, 0-1; 1 elsewhere
    source  SCORING §5
    """
    filling = _empty(len(scorecard.nodes), len(points))
    none = np.zeros(len(points), np.uint8)
    for place, node in enumerate(scorecard.nodes):
        if node.signal:
            mine = Outcome(points[:, place], state[:, place], none, none, share[:, place])
            _fill_signal(filling, place, node.signal, mine)
    return _rolled_up(filling, scorecard, np.full(len(points), np.inf))


def _rolled_up(
    filling: _Filling,
    scorecard: Scorecard,
    age_days: Array,
    inputs: Mapping[str, Mapping[str, Array]] | None = None,
) -> Scores:
    """The filling with every branch worked out, from the signals up."""
    for place in range(len(scorecard.nodes) - 1, -1, -1):
        if scorecard.nodes[place].signal is None:
            _fill_branch(filling, scorecard, place, age_days)
    arrays = {name: np.ascontiguousarray(array.T) for name, array in vars(filling).items()}
    return Scores(**arrays, inputs=inputs)


def _empty(nodes: int, orgs: int) -> _Filling:
    numbers = [np.full((nodes, orgs), np.nan) for _ in range(4)]
    small = [np.zeros((nodes, orgs), np.uint8) for _ in range(3)]
    return _Filling(numbers[0], small[0], *numbers[1:], *small[1:])


def _outcome(scorecard: Scorecard, signal: Signal, panel: Panel, exemptions: bool) -> Outcome:
    """What the kind says, unless the signal is not theirs, is excused, or they are too young for growth."""
    outcome = KINDS[signal.kind](signal.options, scorecard.metrics_by_key, panel)
    foreign = ~_owners(signal, panel)
    exempt = np.zeros(panel.size, np.bool_)
    if exemptions and panel.exempt is not None:
        exempt = panel.exempt[:, scorecard.signals.index(signal)]
    too_young = isinstance(signal.options, GrowthOptions) & (panel.age_days <= DAYS_YOUNG)
    counts = ~(foreign | exempt | too_young)
    reasons = [
        (foreign, State.NOT_APPLICABLE),
        (exempt, State.EXEMPT),
        (too_young, State.INSUFFICIENT_HISTORY),
    ]
    return Outcome(
        points=np.where(counts, outcome.points, np.nan),
        state=first_fitting(reasons, otherwise=outcome.state),
        flags=outcome.flags * counts,
        history=outcome.history * counts,
        share=outcome.share,
        inputs=outcome.inputs,
    )


def _owners(signal: Signal, panel: Panel) -> Mask:
    if signal.product is None:
        return np.ones(panel.size, np.bool_)
    if signal.product not in panel.products:
        return np.zeros(panel.size, np.bool_)
    return panel.owned[:, panel.products.index(signal.product)]


def _fill_signal(filling: _Filling, place: int, signal: Signal, outcome: Outcome) -> None:
    filling.points[place] = outcome.points
    filling.state[place] = outcome.state
    filling.history[place] = outcome.history
    filling.flags[place] = outcome.flags | (Flag.PREVIEW if signal.preview else 0)
    if signal.preview:
        return
    applies = outcome.state <= State.INVALID
    freshness = FRESHNESS[np.where(applies, outcome.state, State.INVALID)]
    coverage = np.where(applies, freshness * np.where(freshness > 0, outcome.share, 0), np.nan)
    known = np.where(coverage > 0, coverage * outcome.points, 0)
    filling.coverage[place] = coverage
    filling.lower[place] = np.where(applies, known, np.nan)
    filling.upper[place] = np.where(applies, known + 100 * (1 - coverage), np.nan)


def _fill_branch(filling: _Filling, scorecard: Scorecard, place: int, age_days: Array) -> None:
    """A subcategory, category or the overall score, from children that are already filled."""
    node = scorecard.nodes[place]
    children = [
        (at, child.weight)
        for at, child in enumerate(scorecard.nodes)
        if child.parent == place and not (child.signal and child.signal.preview)
    ]
    coverage = filling.coverage[place] = _mean(filling.coverage, children)
    filling.lower[place] = _mean(filling.lower, children)
    filling.upper[place] = _mean(filling.upper, children)
    points = _mean(filling.points, children)
    enough = ~np.isnan(points) & (coverage + TOLERANCE >= _floor(scorecard, node))
    if node.level == Level.OVERALL:
        scored = sum((~np.isnan(filling.points[at])).astype(int) for at, _ in children)
        enough &= scored >= scorecard.min_categories
    provisional = (coverage < scorecard.provisional_below - TOLERANCE) | (age_days <= DAYS_YOUNG)
    setting_up = (node.level == Level.OVERALL) & (age_days <= DAYS_SETTING_UP)
    state = filling.state[place] = first_fitting(
        [
            (np.isnan(coverage), State.NOT_APPLICABLE),
            (setting_up, State.SETTING_UP),
            (~enough, State.INSUFFICIENT_DATA),
            (provisional, State.PROVISIONAL),
        ],
        otherwise=np.full(age_days.shape, State.OK, np.uint8),
    )
    filling.points[place] = np.where((state == State.OK) | (state == State.PROVISIONAL), points, np.nan)


def _floor(scorecard: Scorecard, node: Node) -> float:
    return {
        Level.SUBCATEGORY: scorecard.floor_subcategory,
        Level.CATEGORY: scorecard.floor_category,
        Level.OVERALL: scorecard.floor_overall,
    }[node.level]


def _mean(values: Array, children: list[tuple[int, float]]) -> Array:
    """The weighted mean of the children that have a value; NaN where none has.

    Added child after child, so that the number of organizations never changes a rounding; held between the
    lowest and the highest child, so that no rounding makes 100.00000000000001 of hundreds.
    """
    total, weights = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    lowest, highest = np.full(values.shape[1], np.inf), np.full(values.shape[1], -np.inf)
    for at, weight in children:
        known = ~np.isnan(values[at])
        total += np.where(known, weight * values[at], 0)
        weights += np.where(known, weight, 0)
        lowest, highest = np.fmin(lowest, values[at]), np.fmax(highest, values[at])
    return np.clip(quotient(total, weights, weights > 0), lowest, highest)
