"""Months and quarters that arrived: the newest with all flows of a signal, and how late it is."""

from collections.abc import Iterable, Sequence

import numpy as np

from scoring.engine.arrays import Array, Bytes, Whole, at_row, newest_row, unbroken_to
from scoring.engine.dates import month_end
from scoring.engine.freshness import late_by_day, late_by_period
from scoring.engine.panel import Panel, newest_stock
from scoring.engine.scorecard import Cadence, Metric, Nature

QUARTER = 3


def step_of(metrics: Iterable[Metric]) -> int:
    """Months a period of a signal has: a quarter as soon as one of its flows or gauges is quarterly."""
    quarterly = (each.nature != Nature.STOCK and each.cadence == Cadence.QUARTERLY for each in metrics)
    return QUARTER if any(quarterly) else 1


def newest_common(metrics: Sequence[Metric], values: Sequence[Array]) -> Whole:
    """The row of the newest period in which everything but stocks is known, (orgs,); -1 without any."""
    pairs = zip(metrics, values, strict=True)
    known = [~np.isnan(value) for metric, value in pairs if metric.nature != Nature.STOCK]
    return newest_row(np.logical_and.reduce(known))


def month_at(months: Whole, row: Whole) -> Array:
    """The month number at a row, (orgs,); NaN where the row is outside."""
    return at_row(np.broadcast_to(months[:, None].astype(np.float64), (len(months), len(row))), row)


def freshness(
    panel: Panel, metrics: Sequence[Metric], values: Sequence[Array], last: Whole, step: int
) -> tuple[Bytes, Array]:
    """Lateness of the stalest input, and the newest day of the oldest one; both (orgs,).

    shapes  values: (periods, orgs) each; last: (orgs,), the row read
    source  SCORING §6

    A flow that has already arrived for later periods is judged by those, up to its next gap.
    """
    ended = panel.ended(step)
    month = month_at(ended, last)
    lateness, as_of = np.zeros(panel.size, np.uint8), np.full(panel.size, np.inf)
    for metric, value in zip(metrics, values, strict=True):
        if metric.nature == Nature.STOCK:
            _, newest = newest_stock(panel, metric)
            late = late_by_day(panel.today, metric, newest)
        else:
            newest = month_end(month)
            until = month_at(ended, unbroken_to(~np.isnan(value), last))
            late = late_by_period(panel.today, metric, until, step)
        lateness, as_of = np.maximum(lateness, late), np.minimum(as_of, newest)
    return lateness, as_of
