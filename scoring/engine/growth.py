"""The growth kind: the newest period against those before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.engine import curves
from scoring.engine.arrays import Array, Bytes, Mask, Whole, added, at_row, newest_row, quotient
from scoring.engine.dates import month_end
from scoring.engine.freshness import late_by_day, late_by_period, reach
from scoring.engine.options import GrowthOptions, Variant
from scoring.engine.panel import Panel, carried_stock, newest_stock, period_values, stock_values
from scoring.engine.periods import QUARTER, month_at
from scoring.engine.scorecard import Metric, Nature
from scoring.engine.states import Flag, Outcome, settled

TOLERANCE = 1e-9  # a shift of exactly the limit must not be lost to float noise


@dataclass(frozen=True)
class _Base:
    """Which periods growth is measured against."""

    back: int  # periods from the current one to the first of the base
    size: int
    fewest: int  # that must be known
    step: int  # months a period has


BASES: Mapping[Variant, _Base] = {
    Variant.AVG12: _Base(back=12, size=12, fewest=3, step=1),
    Variant.YOY: _Base(back=12, size=1, fewest=1, step=1),
    Variant.QUARTER: _Base(back=4, size=4, fewest=1, step=QUARTER),
}


def growth(options: GrowthOptions, metrics: Mapping[str, Metric], panel: Panel) -> Outcome:
    """The newest period against those before it, as points: 50 is steady, 100 is double or more.

    returns points 0-100, with the number of base periods observed and their share; FROM_ZERO or DORMANT where
            the base is zero, BASE_SHIFT where the seats it is counted per have changed
    source  SCORING §2
    """
    metric, base = metrics[options.metric], BASES[options.variant]
    months, numbers = _series(panel, metric, base.step)
    seats = _seats(options, metrics, panel, months)
    values = numbers if seats is None else quotient(numbers, seats, seats != 0)
    last = newest_row(~np.isnan(numbers if metric.nature == Nature.STOCK else values))
    base_rows = _base_rows(len(values), last, base)
    in_base = base_rows & ~np.isnan(values)
    count = in_base.sum(axis=0)
    now, before = at_row(values, last), _mean(values, in_base)
    raw = curves.growth(now, before)
    from_zero = (before == 0) & (count == base.size)
    rose = from_zero & (now > 0)
    dormant = from_zero & (now == 0)
    lateness, as_of = _freshness(panel, options, metrics, months, last)
    flags = rose * Flag.FROM_ZERO + dormant * Flag.DORMANT
    if seats is not None:
        flags = flags + _shifted(seats, last, in_base, options.base_shift) * Flag.BASE_SHIFT
    return settled(
        np.where(rose, 100, np.clip(raw, 0, 100)),
        lateness,
        {
            "numerator": now,
            "denominator": before,
            "raw": raw,
            "months_known": (count * base.step).astype(np.float64),
            "months_base": np.full(panel.size, float(base.size * base.step)),
            "month": month_at(months, last),
            "as_of": as_of,
        },
        missing=np.isnan(now),
        invalid=_is_negative([numbers, *([] if seats is None else [seats])], last, base_rows),
        short=(count < base.fewest) | ((before == 0) & ~from_zero),
        nothing=dormant,
        flags=flags.astype(np.uint8),
        history=count.astype(np.uint8),
        share=(count / base.size).astype(np.float64),
    )


def _series(panel: Panel, metric: Metric, step: int) -> tuple[Whole, Array]:
    """Months and values by period; of a stock the newest in each, also of the month that still runs."""
    if metric.nature == Nature.FLOW:
        return panel.ended(step), period_values(panel, metric, step)
    values, _ = stock_values(panel, metric)
    if step == 1:
        return panel.months, values
    months = panel.ended(step)
    newest = np.full((len(months), panel.size), np.nan)
    for back in range(step - 1, -1, -1):
        row = values[months - back - panel.months[0]]
        newest = np.where(np.isnan(row), newest, row)
    return months, newest


def _seats(
    options: GrowthOptions, metrics: Mapping[str, Metric], panel: Panel, months: Whole
) -> Array | None:
    if options.per is None:
        return None
    return carried_stock(panel, metrics[options.per], months, reach(metrics[options.per]))


def _base_rows(size: int, last: Whole, base: _Base) -> Mask:
    """Which periods are the base of the one at `last`, known or not, (periods, orgs)."""
    rows = np.arange(size)[:, None]
    first = last - base.back
    return (rows >= first) & (rows < first + base.size) & (last >= 0)


def _is_negative(read: Sequence[Array], last: Whole, base_rows: Mask) -> Mask:
    """Whether a number or its seats are below zero, now or in the base; what was sent later is not read."""
    is_read = base_rows | (np.arange(len(base_rows))[:, None] == last)
    below = [(is_read & (values < 0)).any(axis=0) for values in read]
    return np.asarray(np.logical_or.reduce(below), np.bool_)


def _mean(values: Array, counted: Mask) -> Array:
    count = counted.sum(axis=0)
    return np.where(count > 0, added(np.where(counted, values, np.nan)) / np.maximum(count, 1), np.nan)


def _shifted(seats: Array, last: Whole, in_base: Mask, share: float) -> Mask:
    """Whether the seats now differ from their mean over the base by at least a share of that mean."""
    mean = _mean(seats, in_base)
    return np.abs(at_row(seats, last) - mean) >= share * mean * (1 - TOLERANCE)


def _freshness(
    panel: Panel, options: GrowthOptions, metrics: Mapping[str, Metric], months: Whole, last: Whole
) -> tuple[Bytes, Array]:
    """Lateness of the stalest input, and the newest day of the oldest one."""
    metric, step = metrics[options.metric], BASES[options.variant].step
    month = month_at(months, last)
    late, day = late_by_period(panel.today, metric, month, step), month_end(month)
    if metric.nature == Nature.STOCK:
        _, day = newest_stock(panel, metric)
        by_day = late_by_day(panel.today, metric, day)
        # A stock that was silent for a whole quarter must not be read from before it as if that were new.
        late = np.maximum(late, by_day) if step == QUARTER else by_day
    if options.per:
        _, seats_day = newest_stock(panel, metrics[options.per])
        late = np.maximum(late, late_by_day(panel.today, metrics[options.per], seats_day))
        day = np.minimum(day, seats_day)
    return late, day
