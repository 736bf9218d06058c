"""Pure arithmetic: numbers in, points out. What to read, and when it counts, is in the kinds."""

import math

import numpy as np

from scoring.engine.arrays import Array, first_fitting, quotient
from scoring.engine.options import TAKES, Step

ERFC_INVERSE_OF_A_FIFTH = 0.9061938024368232
# numpy has no erfc; this applies the C library's to every element.
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def share(part: Array, whole: Array) -> Array:
    """What part of the whole there is, in percent; not clamped, NaN where the whole is not positive.

    shapes  any, the same
    units   both in one unit, e.g. seats
    source  SCORING §1
    """
    return quotient(100 * part, whole, whole > 0)


def growth(current: Array, base: Array) -> Array:
    """Points of growth: 50 is steady, 100 is double; not clamped, NaN where the base is not positive.

    shapes  any, the same
    source  SCORING §2
    """
    return quotient(50 * current, base, base > 0)


def stepped(values: Array, steps: tuple[Step, ...]) -> Array:
    """The points of the first step that takes each value; NaN stays NaN.

    shapes  any
    source  SCORING §9, "Value exactly on an edge"
    """
    cases = [(TAKES[step.compare](values, step.edge), step.points) for step in steps]
    return first_fitting(cases, otherwise=np.full(values.shape, np.nan))


def linear(values: Array, good: float, poor: float) -> Array:
    """100 from `good` on, 0 from `poor` on, a straight line between; works in either direction.

    source  SCORING §4
    """
    return 100 * np.clip((poor - values) / (poor - good), 0, 1)


def lognormal(values: Array, p10: float, median: float) -> Array:
    """Points of something like a latency: 90 at `p10`, 50 at `median`; lower is better.

    units   values, p10, median in one unit, all positive; NaN where a value is not
    source  SCORING §4; the scoring curve of Lighthouse
    """
    positive = np.where(values > 0, values, np.nan)
    z = np.log(positive / median) * (ERFC_INVERSE_OF_A_FIFTH / -math.log(p10 / median))
    return np.asarray(50 * _erfc(z), np.float64)
