"""How late a number is: 0 in time, 1 in grace, 2 beyond grace or never seen.

A newer value may be absent without doubt up to the day it is due; a period after that (three days for a
daily metric) the old one counts no more. SCORING §6.
"""

import numpy as np

from scoring.engine.arrays import Array, Bytes
from scoring.engine.dates import month_end, month_of, period_of
from scoring.engine.scorecard import Cadence, Metric

PERIOD = {Cadence.DAILY: 1, Cadence.WEEKLY: 7, Cadence.MONTHLY: 31, Cadence.QUARTERLY: 92}
GRACE = {**PERIOD, Cadence.DAILY: 3}
STEP = {Cadence.MONTHLY: 1, Cadence.QUARTERLY: 3}  # months a calendar period has

type Due = tuple[Array, Array]


def late_by_day(today: int, metric: Metric, newest: Array) -> Bytes:
    """Lateness of a stock or of day-grain numbers, from the ordinal of the newest day."""
    return _lateness(today, *due_by_day(metric, newest))


def late_by_period(today: int, metric: Metric, newest: Array, step: int) -> Bytes:
    """Lateness of a month-grain flow or gauge, from the last month of its newest period of `step` months."""
    return _lateness(today, *due_by_period(metric, newest, step))


def late_by_declaration(today: int, metric: Metric, newest: Array) -> Bytes:
    """Lateness of events, from the ordinal of the newest declared day."""
    return _lateness(today, *due_by_declaration(metric, newest))


def due_by_day(metric: Metric, newest: Array) -> Due:
    """When the next value is due and when its grace ends, as ordinals, from the newest day."""
    due = newest + PERIOD[metric.cadence] + metric.lag
    return due, due + GRACE[metric.cadence]


def due_by_period(metric: Metric, newest: Array, step: int) -> Due:
    """The same, from the last month of the newest period of `step` months."""
    return month_end(newest + step) + metric.lag, month_end(newest + 2 * step) + metric.lag


def due_by_declaration(metric: Metric, newest: Array) -> Due:
    """The same, from the newest declared day."""
    if metric.cadence not in STEP:
        return due_by_day(metric, newest)
    step = STEP[metric.cadence]
    return due_by_period(metric, period_of(month_of(newest + 1), step) - step, step)


def reach(metric: Metric) -> int:
    """For how many days a stock's value stands in for the newer ones."""
    return PERIOD[metric.cadence] + metric.lag + GRACE[metric.cadence]


def _lateness(today: int, due: Array, due_late: Array) -> Bytes:
    return np.where(today <= due, 0, np.where(today <= due_late, 1, 2)).astype(np.uint8)
