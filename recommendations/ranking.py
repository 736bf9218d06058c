"""What a play really brings, learned from those who did it: arrays in, arrays out, numpy only.

Two questions, one after the other. *What did each completed play bring its organization?* Its signal 90 days
later, less the same difference of organizations that were alike before and did not do it. *What will it bring
the next one?* The mean of those answers, pulled toward the play, the segment and the playbook in the measure
in which they are few or scattered. Nothing here knows Django, tenants or clocks.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]
type Bools = npt.NDArray[np.bool_]

LATER: Final = 4  # closes from the one before a completion to the first that is 90 days after it
CONTROLS: Final = 20  # organizations that one completion is compared with, at most
FEWEST: Final = 3  # below so many there is no comparison
KEPT: Final = 5.0  # points above its controls from which a gain counts as kept: the house's "it moved"
ROUNDS: Final = 3  # of taking what other plays brought out of the numbers
STEPS: Final = 40  # of finding how far effects are scattered
HALF_LIVES: Final = (np.inf, 24.0, 12.0, 6.0, 3.0)  # closes after which an outcome counts half
ELSEWHERE: Final = 1.5  # how far apart two segments are, in the units of a standardized feature


@dataclass(frozen=True)
class Outcomes:
    """What happened.

    shapes  levels: (orgs, signals, closes), NaN unknown · segment: (orgs,), from 0
            organization, play, close: (completions,); close is the last one before the completion
            signal: (plays,) · prior: (plays, 2), the playbook's Beta
    units   levels and target in points
    """

    levels: Floats
    segment: Ints
    organization: Ints
    play: Ints
    close: Ints
    signal: Ints
    prior: Floats
    target: float


@dataclass(frozen=True)
class Realized:
    """What each completion brought that can be compared: the difference in differences.

    shapes  all (comparable completions,)
    units   gain and gap in points on the signal; gap is what was missing to the target
    """

    organization: Ints
    play: Ints
    segment: Ints
    close: Ints
    gap: Floats
    gain: Floats
    alone: Floats  # share of its controls that rose as far as "kept" by themselves


@dataclass(frozen=True)
class Fitted:
    """What was learned; everything `predict` needs.

    shapes  prior: (plays, 2) · play, slope: (plays,) · segment: (segments,) · cell: (plays, segments)
            count, kept: (plays, segments), completions and those whose gain was kept, weighted by recency
    """

    prior: Floats
    common: float  # points that any play brings
    promise: float  # share of what the playbook promises that comes true
    play: Floats
    slope: Floats  # by 20 points that are missing more or less than usual
    segment: Floats
    cell: Floats
    middle: float  # gap, the usual one
    count: Floats
    kept: Floats
    alone: float  # share that rises as far without the play
    half_life: float  # closes; infinite when old outcomes are as good as new ones
    noise: float  # points, of one outcome


@dataclass(frozen=True)
class Prediction:
    """What to expect of candidates.

    shapes  (candidates,)
    units   probability 0-1 that the gain is kept · gain in points on the signal, if it is kept
    """

    probability: Floats
    gain: Floats

    @property
    def expected(self) -> Floats:
        return self.probability * self.gain


def fit(outcomes: Outcomes) -> Fitted:
    """What the plays brought, as far as the outcomes say; without outcomes what the playbook says."""
    return learn(realized(outcomes), outcomes.prior, int(outcomes.segment.max(initial=-1)) + 1)


# ---------- what a completed play brought ----------


def realized(outcomes: Outcomes) -> Realized:
    """Each completion against organizations that were alike at the close before and did not do it.

    What other plays brought meanwhile is taken out of both sides by its own estimate, again and again:
    leaving out whoever acted later would leave those who had no reason to.
    """
    pairs = [_pairs(outcomes, signal) for signal in np.unique(outcomes.signal[outcomes.play])]
    effect = np.zeros(len(outcomes.signal))
    for _ in range(ROUNDS):
        found = _joined([_compared(outcomes, each, effect) for each in pairs])
        effect = _means(found, len(effect))
    return found


def _joined(parts: list[Realized]) -> Realized:
    if not parts:
        none, nobody = np.empty(0), np.empty(0, np.int64)
        return Realized(nobody, nobody, nobody, nobody, none, none, none)
    return Realized(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def _means(found: Realized, plays: int) -> Floats:
    """What each play brings on average, pulled to nothing as far as it is uncertain."""
    count = np.bincount(found.play, minlength=plays).astype(np.float64)
    mean = np.bincount(found.play, found.gain, plays) / np.maximum(count, 1)
    noise = float(np.var(found.gain)) if len(found.gain) else 1.0
    spread = max(float(np.mean(mean[count > 0] ** 2 - noise / count[count > 0])), 1.0) if count.any() else 1.0
    return np.asarray(mean * spread / (spread + noise / np.maximum(count, 1e-9)))


@dataclass(frozen=True)
class _Pairs:
    """The completions of all plays that move one signal, and the organizations each is compared with.

    shapes  at: (comparable completions,), into the outcomes · near: the same by CONTROLS; -1 is nobody
    """

    signal: int
    at: Ints
    near: Ints
    features: Floats
    acts: Floats


def _pairs(outcomes: Outcomes, signal: int) -> _Pairs:
    levels = outcomes.levels[:, signal]
    mine = np.flatnonzero(outcomes.signal[outcomes.play] == signal)
    who, when = outcomes.organization[mine], outcomes.close[mine]
    acts = np.zeros(levels.shape)
    np.add.at(acts, (who, when), 1.0)
    features = _features(levels, acts)
    usable = np.isfinite(features).all(axis=2)
    closes = max(levels.shape[1] - LATER, 0)
    usable[:, :closes] &= np.isfinite(levels[:, LATER:])
    usable[:, closes:] = False
    all_at, all_near = [np.empty(0, np.int64)], [np.empty((0, CONTROLS), np.int64)]
    for close in np.unique(when):
        at = np.flatnonzero((when == close) & usable[who, close])
        others = np.flatnonzero(usable[:, close] & (acts[:, close] == 0))
        if len(at) and len(others) >= FEWEST:
            all_at.append(mine[at])
            all_near.append(_nearest(features[:, close], outcomes.segment, who[at], others))
    return _Pairs(signal, np.concatenate(all_at), np.concatenate(all_near), features, acts)


def _compared(outcomes: Outcomes, pairs: _Pairs, effect: Floats) -> Realized:
    """The gain of each, what other plays brought taken out."""
    levels = outcomes.levels[:, pairs.signal]
    mine = outcomes.signal[outcomes.play] == pairs.signal
    lift = np.zeros(levels.shape)
    np.add.at(lift, (outcomes.organization[mine], outcomes.close[mine]), effect[outcomes.play[mine]])
    surprise = _surprise(_change(levels, lift), pairs.features, pairs.acts == 0)
    who, what = outcomes.organization[pairs.at], outcomes.play[pairs.at]
    when = outcomes.close[pairs.at]
    there = pairs.near >= 0
    theirs = np.where(there, surprise[pairs.near, when[:, None]], 0.0)
    several = there.sum(axis=1)
    middle = theirs.sum(axis=1) / several
    # A control is compared with the other controls: a mean that holds itself would be too near.
    beyond = (theirs - middle[:, None]) * (several / (several - 1))[:, None]
    return Realized(
        organization=who,
        play=what,
        segment=outcomes.segment[who],
        close=when,
        gap=np.clip(outcomes.target - levels[who, when], 0, None),
        gain=surprise[who, when] + effect[what] - middle,
        alone=((beyond >= KEPT) & there).sum(axis=1) / several,
    )


def _change(levels: Floats, lift: Floats) -> Floats:
    """The change from each close to 90 days later, less what was done in between; NaN where unknown."""
    closes = max(levels.shape[1] - LATER, 0)
    change = np.full(levels.shape, np.nan)
    change[:, :closes] = levels[:, LATER:] - levels[:, :closes]
    for each in range(LATER):
        change[:, :closes] -= lift[:, each : each + closes]
    return change


def _features(levels: Floats, acts: Floats) -> Floats:
    """What an organization looked like at each close: level, the last quarter, the year, what it just did.

    shapes  (orgs, closes, 4); NaN where the level or everything before it is unknown
    """
    quarter, year = _mean_before(levels, 1, 3), _mean_before(levels, 1, 12)
    long = _mean_before(levels, 4, 12)
    just = np.nan_to_num(_mean_before(acts, 1, 3))
    quarter = np.where(np.isnan(quarter), year, quarter)
    long = np.where(np.isnan(long), quarter, long)
    return np.stack([levels, levels - quarter, levels - long, 10 * just], axis=2)


def _mean_before(values: Floats, first: int, last: int) -> Floats:
    """The mean of the values so many closes before, unknown ones left out; NaN when there is none."""
    total, count = np.zeros(values.shape), np.zeros(values.shape)
    for back in range(first, min(last + 1, values.shape[1])):
        known = np.isfinite(values[:, :-back])
        total[:, back:] += np.where(known, values[:, :-back], 0.0)
        count[:, back:] += known
    return np.divide(total, count, out=np.full(values.shape, np.nan), where=count > 0)


def _surprise(change: Floats, features: Floats, quiet: Bools) -> Floats:
    """The change beyond what the past of those who did nothing explains: dips recover, heights are lost."""
    result = np.full(change.shape, np.nan)
    design = _bent(features)
    usable = np.isfinite(change) & np.isfinite(features).all(axis=2)
    taught = usable & quiet
    rows = design[taught]
    if len(rows) < 3 * design.shape[2]:  # too few to learn a course from: the controls alone must do
        result[usable] = change[usable]
        return result
    gram = rows.T @ rows + 0.1 * np.eye(rows.shape[1])
    weights = np.linalg.solve(gram, rows.T @ change[taught])
    result[usable] = change[usable] - design[usable] @ weights
    return result


def _bent(features: Floats) -> Floats:
    """The features and their bends: a deep dip recovers by more than its share, and differently from below.

    Straight lines alone leave the lowest, who act most, with two points that no play brought them.
    """
    level, quarter, year = (features[:, :, at] / 10 for at in range(3))
    level = level - 5
    hinges = [np.maximum(0, -fall - depth) for fall in (quarter, year) for depth in (0.5, 1.5)]
    bends = [np.ones(level.shape), level**2, level**3 / 10, level * quarter, level * year, *hinges]
    return np.concatenate([features / 10, np.stack(bends, axis=2)], axis=2)


def _nearest(features: Floats, segment: Ints, who: Ints, others: Ints) -> Ints:
    """The organizations most like each, of the others at the same close.

    shapes  (who, CONTROLS), -1 where there are not so many
    """
    spread = np.maximum(features[others].std(axis=0), 1e-6)
    away = (features[who, None] - features[None, others]) / spread
    distance = (away**2).sum(axis=2) + ELSEWHERE**2 * (segment[who, None] != segment[None, others])
    take = min(CONTROLS, max(FEWEST, len(others) // 3))
    near = np.full((len(who), CONTROLS), -1, np.int64)
    near[:, :take] = others[np.argsort(distance, axis=1, kind="stable")[:, :take]]
    return near


# ---------- what it will bring ----------


def learn(found: Realized, prior: Floats, segments: int) -> Fitted:
    """The estimates under the half-life that foretold later outcomes best."""
    segments = max(segments, 1)
    return _estimate(found, prior, segments, _half_life(found, prior, segments))


def _half_life(found: Realized, prior: Floats, segments: int) -> float:
    """How fast outcomes grow old, judged by foretelling the newest third; never, unless that is clearly worse."""
    if len(found.gain) < 60:
        return float(np.inf)
    cut = float(np.quantile(found.close, 2 / 3))
    known, later = _those(found, found.close <= cut), _those(found, found.close > cut)
    if len(known.gain) < 30 or len(later.gain) < 15:
        return float(np.inf)
    misses = []
    for half_life in HALF_LIVES:
        fitted = _estimate(known, prior, segments, half_life, steps=STEPS // 4)
        guess = _expected(fitted, later.play, later.segment, later.gap)
        misses.append((later.gain - guess) ** 2)
    loss = np.array([miss.mean() for miss in misses])
    best = int(np.argmin(loss))
    gap = misses[0] - misses[best]
    doubt = float(gap.std() / np.sqrt(len(gap)))
    return float(HALF_LIVES[best]) if gap.mean() > doubt else float(np.inf)


def _those(found: Realized, which: Bools) -> Realized:
    return Realized(**{name: values[which] for name, values in vars(found).items()})


def _estimate(
    found: Realized, prior: Floats, segments: int, half_life: float, *, steps: int = STEPS
) -> Fitted:
    """Empirical Bayes: every effect is scattered around the next larger one, as widely as the data say."""
    plays = len(prior)
    middle = float(found.gap.mean()) if len(found.gap) else 0.0
    newest = found.close.max(initial=0)
    weight = 0.5 ** ((newest - found.close) / half_life)
    design, group, start, spread = _design(found, prior, segments, middle)
    posterior, noise = _scattered(design, found.gain, weight, group, start, spread, steps)
    at = np.cumsum([2, plays, plays, segments])
    count, kept = np.zeros((plays, segments)), np.zeros((plays, segments))
    np.add.at(count, (found.play, found.segment), weight)
    np.add.at(kept, (found.play, found.segment), weight * (found.gain >= KEPT))
    return Fitted(
        prior=prior,
        common=float(posterior[0]),
        promise=float(posterior[1]),
        play=posterior[at[0] : at[1]],
        slope=posterior[at[1] : at[2]],
        segment=posterior[at[2] : at[3]],
        cell=posterior[at[3] :].reshape(plays, segments),
        middle=middle,
        count=count,
        kept=kept,
        alone=float(np.average(found.alone, weights=weight)) if len(weight) else 0.0,
        half_life=half_life,
        noise=noise,
    )


def _design(
    found: Realized, prior: Floats, segments: int, middle: float
) -> tuple[Floats, Ints, Floats, Floats]:
    """One column an effect: common, promise, by play, by play and gap, by segment, by play and segment.

    shapes  design: (completions, effects) · group: (effects,) · start, spread: by group
    """
    plays, rows = len(prior), np.arange(len(found.gain))
    sizes = [1, 1, plays, plays, segments, plays * segments]
    group = np.repeat(np.arange(len(sizes)), sizes)
    at = np.cumsum([0, *sizes])
    design = np.zeros((len(rows), at[-1]))
    design[:, 0] = 1.0
    design[:, 1] = _chance(prior)[found.play] * found.gap
    design[rows, at[2] + found.play] = 1.0
    design[rows, at[3] + found.play] = (found.gap - middle) / 20
    design[rows, at[4] + found.segment] = 1.0
    design[rows, at[5] + found.play * segments + found.segment] = 1.0
    # The playbook is believed until the data say otherwise: all it promises comes true, and nothing else.
    return design, group, np.array([0.0, 1.0, 0, 0, 0, 0]), np.array([3.0, 0.5, 4.0, 2.0, 1.0, 2.0])


def _chance(prior: Floats) -> Floats:
    return np.asarray(prior[:, 0] / prior.sum(axis=1))


def _scattered(
    design: Floats, gain: Floats, weight: Floats, group: Ints, start: Floats, spread: Floats, steps: int
) -> tuple[Floats, float]:
    """Effects and the noise of one outcome; how far each group is scattered is learned (EM), but the first two.

    returns effects: (effects,), noise in points
    """
    mean = start[group]
    if not len(gain):
        return mean, 0.0
    spread, noise = spread**2, float(np.var(gain)) + 1.0
    first = spread.copy()
    gram = design.T @ (weight[:, None] * design)
    rest = gain - design @ mean
    cross = design.T @ (weight * rest)
    power = float((weight * rest**2).sum())
    size = np.bincount(group).astype(np.float64)
    away = np.zeros(len(group))
    for _ in range(steps):
        inverse = np.linalg.inv(gram / noise + np.diag(1 / spread[group]))
        away = inverse @ cross / noise
        lost = np.diagonal(inverse)
        # Two outcomes' worth of the starting guess, so that a group of few is not thought alike too soon.
        spread = (np.bincount(group, away**2 + lost) + 2 * first) / (size + 2)
        spread[:2] = first[:2]
        left = power - 2 * away @ cross + away @ gram @ away + float((inverse * gram).sum())
        noise = max(left / float(weight.sum()), 1.0)
    return np.asarray(mean + away), float(np.sqrt(noise))


def predict(fitted: Fitted, play: Ints, segment: Ints, gap: Floats) -> Prediction:
    """The chance that a gain is kept, and how large it is then.

    shapes  play, segment, gap: (candidates,); a segment that was not learned from is -1
    units   gap in points to the target
    """
    expected = np.clip(_expected(fitted, play, segment, gap), 0, gap)
    chance = probability(fitted, play, segment)
    # Of the same gain on average, the chance may not be so small that it would have to exceed what is missing.
    least = np.divide(expected, gap, out=np.zeros(len(gap)), where=gap > 0)
    chance = np.maximum(chance, least)
    return Prediction(chance, np.divide(expected, chance, out=np.zeros(len(gap)), where=chance > 0))


def _expected(fitted: Fitted, play: Ints, segment: Ints, gap: Floats) -> Floats:
    known = (segment >= 0) & (segment < len(fitted.segment))
    at = np.where(known, segment, 0)
    by_segment = np.where(known, fitted.segment[at] + fitted.cell[play, at], 0.0)
    promised = fitted.promise * _chance(fitted.prior)[play] * gap
    slope = fitted.slope[play] * (gap - fitted.middle) / 20
    return np.asarray(fitted.common + promised + fitted.play[play] + slope + by_segment)


def probability(fitted: Fitted, play: Ints, segment: Ints) -> Floats:
    """The chance that a gain is kept, less what rises as far by itself.

    shapes  (candidates,)
    """
    count, kept = fitted.count.sum(axis=1), fitted.kept.sum(axis=1)
    strength = fitted.prior.sum(axis=1)
    # What is counted holds those who would have risen anyway: so does the prior that it is added to.
    among = _chance(fitted.prior) * (1 - fitted.alone) + fitted.alone
    by_play = (among * strength + kept) / (strength + count)
    known = (segment >= 0) & (segment < len(fitted.segment))
    at = np.where(known, segment, 0)
    there = np.where(known, fitted.count[play, at], 0.0)
    share = (10 * by_play[play] + np.where(known, fitted.kept[play, at], 0.0)) / (10 + there)
    return np.asarray(np.clip((share - fitted.alone) / (1 - fitted.alone), 0, 1))
