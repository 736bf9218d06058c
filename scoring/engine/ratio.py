"""The ratio kind: a share of two stocks at their newest values, or of sums and means over the same months."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scoring.engine import curves
from scoring.engine.arrays import Array, Bytes, Mask, added
from scoring.engine.dates import month_of, period_of
from scoring.engine.freshness import late_by_day, reach
from scoring.engine.options import RatioOptions
from scoring.engine.panel import Panel, carried_stock, newest_stock, period_values
from scoring.engine.periods import freshness, month_at, newest_common, step_of
from scoring.engine.scorecard import Metric, Nature
from scoring.engine.states import Flag, Outcome, settled

YOUNGEST_CONTRACT = 28  # days until a window that the contract cut says anything

type Pair = tuple[Metric, Metric]


@dataclass(frozen=True, eq=False)
class _Sides:
    """Both sides of a ratio, (orgs,), and what is known about them."""

    part: Array
    whole: Array
    lateness: Bytes
    as_of: Array
    negative: Mask
    changed: Mask  # the whole, a stock, was not the same in all months
    too_new: Mask  # the contract, for the window it cut
    known: Array  # months
    window: Array
    month: Array


def ratio(options: RatioOptions, metrics: Mapping[str, Metric], panel: Panel) -> Outcome:
    """The share of what is there that is used, as points.

    returns points 0-100; OVER_100 where more is used than there is, DENOMINATOR_CHANGED where the whole moved
    source  SCORING §1
    """
    pair = metrics[options.numerator], metrics[options.denominator]
    sides = _newest(pair, panel) if options.months is None else _over_months(pair, options.months, panel)
    share = curves.share(sides.part, sides.whole)
    raw = 100 - share if options.inverse else share / options.target
    over = np.zeros(panel.size, np.bool_) if options.inverse else raw > 100
    empty = sides.whole == 0
    return settled(
        np.clip(raw, 0, 100),
        sides.lateness,
        {
            "numerator": sides.part,
            "denominator": sides.whole,
            "raw": raw,
            "months_known": sides.known,
            "months_window": sides.window,
            "month": sides.month,
            "as_of": sides.as_of,
        },
        missing=2 * sides.known < sides.window,
        invalid=sides.negative | (empty & (sides.part > 0)),
        short=sides.too_new,
        nothing=empty & (sides.part == 0),
        flags=(over * Flag.OVER_100 + sides.changed * Flag.DENOMINATOR_CHANGED).astype(np.uint8),
    )


def _newest(pair: Pair, panel: Panel) -> _Sides:
    """Two stocks at their newest values."""
    (part, part_day), (whole, whole_day) = (newest_stock(panel, metric) for metric in pair)
    late = [
        late_by_day(panel.today, metric, day) for metric, day in zip(pair, (part_day, whole_day), strict=True)
    ]
    none, no = np.full(panel.size, np.nan), np.zeros(panel.size, np.bool_)
    return _Sides(
        part,
        whole,
        lateness=np.maximum(*late),
        as_of=np.minimum(part_day, whole_day),
        negative=(part < 0) | (whole < 0),
        changed=no,
        too_new=no,
        known=none,
        window=none,
        month=none,
    )


def _over_months(pair: Pair, months: int, panel: Panel) -> _Sides:
    """Sums of flows and means of stocks over the same months, up to the newest with all flows known."""
    step = step_of(pair)
    by_month = [_by_month(panel, metric, step) for metric in pair]
    values = [np.fmax.reduce(value, axis=1) for value in by_month]  # a period is known from any month of it
    last = newest_common(pair, values)
    month = month_at(panel.ended(step), last)
    first, cut = _window_start(panel, month - months + step, step)
    rows = panel.ended(step)[:, None]
    counted = (rows >= first) & (rows <= month) & ~np.isnan(values[0]) & ~np.isnan(values[1])
    known = counted.sum(axis=0).astype(np.float64)
    part, whole = [_in_rows(np.where(counted[:, None], value, np.nan)) for value in by_month]
    window = np.maximum((month - first) / step + 1, 0)
    lateness, as_of = freshness(panel, pair, values, last, step)
    return _Sides(
        _total(part, pair[0]),
        _total(whole, pair[1]),
        lateness=lateness,
        as_of=as_of,
        negative=(part < 0).any(axis=0) | (whole < 0).any(axis=0),
        changed=_differs(whole) & (pair[1].nature == Nature.STOCK),
        too_new=cut & ((panel.today - panel.contract_started < YOUNGEST_CONTRACT) | (window == 0)),
        known=known * step,
        window=window * step,
        month=month,
    )


def _window_start(panel: Panel, first: Array, step: int) -> tuple[Array, Mask]:
    """The first month of a window, never before the contract; and whether the contract cut it."""
    contract = period_of(month_of(panel.contract_started), step)
    cut = contract > first
    return np.where(cut, contract, first), cut


def _by_month(panel: Panel, metric: Metric, step: int) -> Array:
    """The sum of each ended period, or a stock at the end of all its months; (periods, 1 or step, orgs)."""
    if metric.nature != Nature.STOCK:
        return period_values(panel, metric, step)[:, None]
    months = panel.ended(step)[:, None] + np.arange(1 - step, 1)
    return carried_stock(panel, metric, months, reach(metric))


def _in_rows(values: Array) -> Array:
    """The months of all periods below each other, (periods x months, orgs)."""
    periods, months, orgs = values.shape
    return values.reshape(periods * months, orgs)


def _total(values: Array, metric: Metric) -> Array:
    """The sum of a flow, the mean of a stock over its months; NaN where none is known."""
    known = (~np.isnan(values)).sum(axis=0)
    total = np.where(known > 0, added(values), np.nan)
    return total / np.maximum(known, 1) if metric.nature == Nature.STOCK else total


def _differs(values: Array) -> Mask:
    highest = np.fmax.reduce(values, axis=0, initial=-np.inf)
    return np.asarray(highest > np.fmin.reduce(values, axis=0, initial=np.inf), np.bool_)
