"""Three simulated worlds with known effects, to measure whoever claims to know which play helps.

Written before the estimator and knowing nothing of it: each organization lives its months through, one after
the other, and what a play really brings is read from the world, never from its data.

What makes it hard to learn here, as it is out there:
  low signals and recent dips make people act, and dips recover by themselves   regression to the mean
  some organizations are on their way up anyway, and those act more often       a hidden confounder
  some plays are liked whatever they bring                                       popularity is no proof
  seasons move a signal for all, or for one segment                              before/after is no proof
  what a play brings differs by play and segment, a third of plays brings nothing, two do harm
  a deed takes or it does not: what does not take fades within the 90 days
  near the top there is less to gain; every close is measured with noise
  several plays move one signal, and one organization does several plays
"""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]
type Bools = npt.NDArray[np.bool_]

SIGNALS = 10
PLAYS = 30
SEGMENTS = 6
MONTHS = 24
TARGET = 80.0  # points at which nobody needs a play any more
LATER = 4  # closes after the one before the deed, of which the last is at least 90 days after it
REST = 12  # months before the same organization does the same play again


class World(Enum):
    """What is true about the plays."""

    CONFOUNDED = "confounded"
    NO_EFFECT = "no effect"
    DRIFTING = "drifting"


@dataclass(frozen=True)
class Deeds:
    """Completed plays: who, what, and the last close before."""

    organization: Ints
    play: Ints
    month: Ints


@dataclass(frozen=True)
class Simulated:
    """A world's data as a portal would hold it, and below the line what only the world knows."""

    levels: Floats  # (orgs, signals, months) measured points at the closes
    segment: Ints  # (orgs,)
    deeds: Deeds
    signal: Ints  # (plays,) the signal a play is meant to move
    effort: Floats  # (plays,) days
    weight: Floats  # (signals,) share of the overall score
    prior: Floats  # (plays, 2) the playbook's Beta; here every expert shrugs
    open: Bools  # (orgs, plays) may be suggested after the last close
    # ---
    truth: Floats  # (orgs, plays) points on the signal 90 days after a deed now, on average
    taking: Floats  # (plays, segments) chance that a deed takes


@dataclass(frozen=True)
class _Plays:
    """How the plays work: in the first month, in the last one, and when the one becomes the other."""

    first: Floats  # (plays, segments) points when it takes and there is room
    last: Floats
    turn: Floats  # (plays,) month around which it changes
    taking: Floats

    def size(self, month: int) -> Floats:
        share = 1 / (1 + np.exp(-(month - self.turn[:, None]) / 2.0))
        return self.first + share * (self.last - self.first)


FADES = 0.5  # of what did not take, so much is left a month later


def simulate(world: World, organizations: int, seed: int) -> Simulated:
    """One world, lived through from its first month to its last."""
    rng = np.random.default_rng([seed, organizations, list(World).index(world)])
    segment = rng.integers(0, SEGMENTS, organizations)
    signal = rng.permutation(np.arange(PLAYS) % SIGNALS)
    effort = np.clip(np.exp(rng.normal(np.log(3.0), 0.8, PLAYS)), 0.5, 15.0)
    weight = rng.dirichlet(np.full(SIGNALS, 4.0))
    plays = _plays(rng, effort, world)
    levels, deeds = _live(rng, segment, signal, effort, plays)
    last = levels[:, signal, -1]
    resting = np.zeros((organizations, PLAYS), bool)
    lately = deeds.month >= MONTHS - 1 - REST
    resting[deeds.organization[lately], deeds.play[lately]] = True
    return Simulated(
        levels=levels,
        segment=segment,
        deeds=deeds,
        signal=signal,
        effort=effort,
        weight=weight,
        prior=np.full((PLAYS, 2), 2.0),
        open=(last < TARGET) & ~resting,
        truth=_truth(plays, segment, last),
        taking=plays.taking,
    )


def _plays(rng: np.random.Generator, effort: Floats, world: World) -> _Plays:
    """Sizes by play and segment; greater effort brings more, though less than in proportion."""

    def sizes() -> Floats:
        size = (5 + rng.gamma(2.0, 5.0, PLAYS)) * (effort / 3.0) ** 0.35
        kind = rng.permutation(PLAYS)
        size[kind[: PLAYS // 3]] = 0.0
        size[kind[-2:]] = -5.0
        by_segment = size[:, None] * np.exp(rng.normal(0, 0.35, (PLAYS, SEGMENTS)))
        by_segment[rng.random(by_segment.shape) < 0.1] = 0.0
        return by_segment

    first = sizes()
    # A product changes under a play: for some it matters more now, for some no longer, most stay near.
    last = 0.3 * first + 0.7 * sizes() if world is World.DRIFTING else first
    turn = rng.uniform(0, MONTHS, PLAYS)
    logit = rng.normal(0.5, 0.8, PLAYS)[:, None] + rng.normal(0, 0.4, (PLAYS, SEGMENTS))
    made = _Plays(first, last, turn, 1 / (1 + np.exp(-logit)))
    if world is World.NO_EFFECT:
        return replace(made, first=np.zeros_like(first), last=np.zeros_like(last))
    return made


def _room(level: Floats) -> Floats:
    """The share of its full size that a play can bring from here: little near the top."""
    return 1 - np.exp(-np.clip(100 - level, 0, None) / 25.0)


def _truth(plays: _Plays, segment: Ints, last: Floats) -> Floats:
    size = plays.size(MONTHS - 1)[:, segment].T
    taking = plays.taking[:, segment].T
    return size * _room(last) * (taking + (1 - taking) * FADES ** (LATER - 1))


def _live(
    rng: np.random.Generator, segment: Ints, signal: Ints, effort: Floats, plays: _Plays
) -> tuple[Floats, Deeds]:
    """Month by month: the seasons, the dips, what people do, what it brings, and what is measured."""
    count = len(segment)
    shape = (count, SIGNALS)
    usual = 55 + rng.normal(0, 6, (SEGMENTS, SIGNALS))[segment] + rng.normal(0, 9, (count, 1))
    usual = np.clip(usual + rng.normal(0, 12, shape), 8, 95)
    rising = rng.random(count) < 0.2
    active = rng.normal(0, 0.6, count) + 0.5 * rising
    liked = rng.normal(0, 0.8, PLAYS)
    wander, dip, fading = rng.normal(0, 5, shape), np.zeros(shape), np.zeros(shape)
    season, local = np.zeros(SIGNALS), np.zeros((SEGMENTS, SIGNALS))
    rested = np.full((count, PLAYS), REST)
    levels = np.empty((count, SIGNALS, MONTHS))
    done: list[tuple[Ints, Ints, Ints]] = []
    for month in range(-12, MONTHS):  # a year nobody recorded, so that no one starts at rest
        season = 0.8 * season + rng.normal(0, 1.2, SIGNALS)
        local = 0.8 * local + rng.normal(0, 0.8, (SEGMENTS, SIGNALS))
        wander = 0.6 * wander + rng.normal(0, 4, shape)
        falls = rng.random(shape) < 0.04
        dip = 0.55 * dip + np.where(falls, rng.gamma(3.0, 7.0, shape), 0.0)
        fading = FADES * fading
        usual = usual + np.where(rising, 0.4, 0.0)[:, None]
        real = usual + season + local[segment] + wander - dip
        if month < 0:
            continue
        if month > 0:
            _act(rng, month, (rested, usual, fading), done, (segment, signal, plays, real + fading))
        real = np.clip(usual + season + local[segment] + wander - dip + fading, 0, 100)
        levels[:, :, month] = np.clip(real + rng.normal(0, 2, shape), 0, 100)
        recent = levels[:, :, max(0, month - 3) : month + 1].mean(axis=2)
        low = (60 - levels[:, :, month]) / 20 + 0.08 * np.clip(recent - levels[:, :, month], 0, 25)
        urge = -5.2 + liked - 0.2 * np.log(effort) + low[:, signal] + active[:, None]
        wants = (rng.random((count, PLAYS)) < 1 / (1 + np.exp(-urge))) & (levels[:, signal, month] < TARGET)
        rested += 1
        wants &= rested > REST
        rested[wants] = 0
    who, what, when = (np.concatenate(part) for part in zip(*done, strict=True))
    return levels, Deeds(who.astype(np.int64), what.astype(np.int64), when.astype(np.int64))


def _act(
    rng: np.random.Generator,
    month: int,
    state: tuple[Ints, Floats, Floats],
    done: list[tuple[Ints, Ints, Ints]],
    given: tuple[Ints, Ints, _Plays, Floats],
) -> None:
    """What was decided after the last close is done before this one: it takes for good, or it fades."""
    rested, usual, fading = state
    segment, signal, plays, level = given
    who, what = np.nonzero(rested == 0)
    done.append((who, what, np.full(len(who), month - 1)))
    size = plays.size(month - 1)[what, segment[who]] * _room(level[who, signal[what]])
    takes = rng.random(len(who)) < plays.taking[what, segment[who]]
    np.add.at(usual, (who, signal[what]), np.where(takes, size, 0.0))
    np.add.at(fading, (who, signal[what]), np.where(takes, 0.0, size))
