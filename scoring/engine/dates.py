"""Days and months as numbers: a day is its ordinal, a month is year x 12 + month - 1; NaN is none."""

from datetime import date

import numpy as np
import numpy.typing as npt

from scoring.engine.arrays import Array

EPOCH_DAY = date(1970, 1, 1).toordinal()
EPOCH_MONTH = 1970 * 12


def month_number(day: date) -> int:
    """The month of a day, as a number."""
    return day.year * 12 + day.month - 1


def month_of(days: Array) -> Array:
    """The months of days, as numbers; NaN stays NaN."""
    known = np.isfinite(days)
    since = np.where(known, days, EPOCH_DAY).astype(np.int64) - EPOCH_DAY
    months = since.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + EPOCH_MONTH
    return np.where(known, months, np.nan)


def month_start(months: Array | npt.NDArray[np.int64]) -> Array:
    """The first days of months, as ordinals; NaN stays NaN."""
    known = np.isfinite(months)
    since = np.where(known, months, EPOCH_MONTH).astype(np.int64) - EPOCH_MONTH
    days = since.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + EPOCH_DAY
    return np.where(known, days, np.nan)


def month_end(months: Array | npt.NDArray[np.int64]) -> Array:
    """The last days of months, as ordinals; NaN stays NaN."""
    return month_start(months + 1) - 1


def period_of(months: Array, step: int) -> Array:
    """The last month of the period that holds each month: itself for step 1, the quarter's end for step 3."""
    return months + np.mod(-(months + 1), step)
