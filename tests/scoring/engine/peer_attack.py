"""An attacker on the peer figures, written from SCORING §8 alone and without the engine.

He knows every list behind every figure, and the scores of his own organization and its affiliates. The others
stand still, which helps him most: then every movement of a figure has a cause that he can name. A finding is
something certain about one organization that he could not know otherwise: bounds closer than half the scale.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, product
from math import ceil, floor
from statistics import fmean

HALF = 50  # points: closer bounds than this are a finding


@dataclass(frozen=True)
class Seen:
    """Figures that somebody was shown, and the names behind them."""

    month: int
    group: object
    names: frozenset[int]
    figures: tuple[int, int, int]

    @cached_property
    def mask(self) -> int:
        return mask(self.names)


@dataclass(frozen=True)
class Finding:
    """The score of this organization lies between these two."""

    name: int
    low: float
    high: float
    how: str


def attack(seen: Sequence[Seen], viewers: Iterable[Mapping[int, Mapping[int, float]]]) -> list[Finding]:
    """Everything certain about a single other; a viewer is the scores he knows, by name and month."""
    known = list(viewers)
    most = 1 + max(map(len, known))
    near = [pair for pair in combinations(seen, 2) if (pair[0].mask ^ pair[1].mask).bit_count() <= most]
    return [each for own in known for each in (*solve(seen, own), *compare(near, own))]


# ---------- few unknowns: try every score ----------


def solve(seen: Iterable[Seen], own: Mapping[int, Mapping[int, float]]) -> list[Finding]:
    """Lists with one or two strangers: which scores of theirs give these figures, month after month."""
    by_strangers: dict[tuple[int, ...], list[Seen]] = defaultdict(list)
    for each in seen:
        strangers = tuple(sorted(each.names - own.keys()))
        if 1 <= len(strangers) <= 2:
            by_strangers[strangers].append(each)
    found = []
    for strangers, months in by_strangers.items():
        fits = [
            guess
            for guess in product(range(0, 101, 4), repeat=len(strangers))
            if all(_fits(guess, each, own) for each in months)
        ]
        for at, name in enumerate(strangers):
            found += _finding(name, [guess[at] for guess in fits], "solved")
    return found


def _fits(guess: Sequence[float], each: Seen, own: Mapping[int, Mapping[int, float]]) -> bool:
    scores = [*guess, *(own[name][each.month] for name in each.names if name in own)]
    # Guesses are four points apart, figures rounded: a figure may be off by half of both.
    return all(abs(a - b) <= 2.5 for a, b in zip(figures(scores), each.figures, strict=True))


def _finding(name: int, fitting: Sequence[float], how: str) -> list[Finding]:
    if not fitting or max(fitting) - min(fitting) > HALF:
        return []
    return [Finding(name, min(fitting) - 2, max(fitting) + 2, how)]


def figures(scores: Sequence[float]) -> tuple[float, float, float]:
    """Quartiles by the book, each the mean of the three scores around it."""
    ordered = sorted(scores)
    last = len(ordered) - 1
    places = [Fraction(last * quarter, 4) for quarter in (1, 2, 3)]
    nearest = [_nearest(place, upwards=up) for place, up in zip(places, (True, False, False), strict=True)]

    def around(at: int) -> float:
        at = max(1, min(at, last - 1)) if last >= 2 else 1
        return fmean(ordered[at - 1 : at + 2])

    lower, median, upper = (around(at) for at in nearest)
    return lower, median, upper


def _nearest(place: Fraction, *, upwards: bool) -> int:
    if place - floor(place) == Fraction(1, 2):
        return ceil(place) if upwards else floor(place)
    return round(place)


# ---------- lists that differ by one stranger: which way did the figures go ----------


def compare(pairs: Iterable[tuple[Seen, Seen]], own: Mapping[int, Mapping[int, float]]) -> list[Finding]:
    """Pairs of figures, of any two months and groups, whose lists differ by one stranger."""
    mine, found = mask(own), []
    for one, other in pairs:
        apart = one.mask ^ other.mask
        only = apart & ~mine
        if not only or only & (only - 1) or min(len(one.names), len(other.names)) < 11:
            continue  # none, or several, or too few for the bounds below to hold
        if apart & mine or any(_moved(own[name], one, other) for name in own if name in one.names):
            continue  # then the figures may have moved because of himself
        name = only.bit_length() - 1
        without, within = (one, other) if name in other.names else (other, one)
        low, high = _direction(without.figures, within.figures)
        if high - low <= HALF:
            found.append(Finding(name, low, high, "compared"))
    return found


def mask(names: Iterable[int]) -> int:
    """Names as bits: many pairs are looked at."""
    return sum(1 << name for name in names)


def _moved(scores: Mapping[int, float], one: Seen, other: Seen) -> bool:
    return scores[one.month] != scores[other.month]


def _direction(without: tuple[int, int, int], within: tuple[int, int, int]) -> tuple[float, float]:
    """A figure that rises with one more says it is above the figure before; one that falls, below the next.

    Of two neighboring figures the windows of three touch at most: the edge of one is beyond the other.
    """
    low, high = 0.0, 100.0
    before, after = (0.0, without[0] - 0.5, without[1] - 0.5), (without[1] + 0.5, without[2] + 0.5, 100.0)
    for was, is_, least, most in zip(without, within, before, after, strict=True):
        if is_ > was:
            low = max(low, least)
        if is_ < was:
            high = min(high, most)
    return low, high
