"""The kinds that read days: error and performance."""

from collections.abc import Callable, Mapping

import numpy as np

from scoring.engine import curves
from scoring.engine.arrays import Array, Bytes, Mask, Whole, added, newest_row, quotient, unbroken_to
from scoring.engine.dates import month_end, month_start
from scoring.engine.freshness import late_by_day
from scoring.engine.options import Curve, ErrorOptions, PerformanceOptions
from scoring.engine.panel import Panel, day_values
from scoring.engine.scorecard import Metric
from scoring.engine.states import Outcome, settled

TOLERANCE = 1e-9  # 29 errors are within 0.29 x 100 requests, whatever the float product says

CURVES: Mapping[Curve, Callable[[Array, PerformanceOptions], Array]] = {
    Curve.LOGNORMAL: lambda mean, options: curves.lognormal(mean, options.low, options.high),
    Curve.LINEAR: lambda mean, options: curves.linear(mean, options.low, options.high),
    Curve.STEPS: lambda mean, options: curves.stepped(mean, options.steps),
}


def error(options: ErrorOptions, metrics: Mapping[str, Metric], panel: Panel) -> Outcome:
    """The share of observed days without errors, or the clean days since the last one, as points.

    returns points 0-100; a day that was not observed is left out, never clean
    source  SCORING §4
    """
    first = panel.today - options.days + 1
    metric = metrics[options.metric]
    errors = day_values(panel, metric, first, panel.today)
    allowed, known = _allowed(options, metrics, panel, first)
    known = {metric.key: ~np.isnan(errors), **known}
    observed = np.logical_and.reduce(list(known.values()))
    clean = observed & (errors <= allowed)
    last = newest_row(observed)
    observed_days = observed.sum(axis=0).astype(np.float64)
    clean_days = (_streak(clean, observed) if options.streak else clean).sum(axis=0).astype(np.float64)
    whole = options.days if options.streak else np.maximum(observed_days, 1)
    return settled(
        100 * clean_days / whole,
        _lateness(panel, metrics, known, first, last),
        {
            "clean_days": clean_days,
            "observed_days": observed_days,
            "window_start": np.full(panel.size, float(first)),
            "window_end": np.full(panel.size, float(panel.today)),
            "as_of": _day_at(first, last),
        },
        missing=observed_days < options.min_days,
        invalid=(observed & ((errors < 0) | (allowed < 0))).any(axis=0),
    )


def _allowed(
    options: ErrorOptions, metrics: Mapping[str, Metric], panel: Panel, first: int
) -> tuple[Array, dict[str, Mask]]:
    """Errors a clean day may have, (days, orgs), and where what they are counted per is known."""
    if options.per is None or options.rate is None:
        return np.full((panel.today - first + 1, 1), options.tolerance), {}
    requests = day_values(panel, metrics[options.per], first, panel.today)
    # With a rate of 0 fewer requests than none must still show as negative.
    allowed = np.where(requests < 0, -1.0, options.rate * requests * (1 + TOLERANCE))
    return allowed, {options.per: ~np.isnan(requests)}


def _lateness(
    panel: Panel, metrics: Mapping[str, Metric], known: Mapping[str, Mask], first: int, last: Whole
) -> Bytes:
    """Lateness of the stalest input, each by its own lag and known up to its next gap after the row read."""
    ends = {key: _day_at(first, unbroken_to(there, last)) for key, there in known.items()}
    late = [late_by_day(panel.today, metrics[key], day) for key, day in ends.items()]
    return np.asarray(np.maximum.reduce(late), np.uint8)


def _streak(clean: Mask, observed: Mask) -> Mask:
    """Clean days after the last day that is known to have an error."""
    last_error = newest_row(observed & ~clean)
    return np.asarray(clean & (np.arange(len(clean))[:, None] > last_error), np.bool_)


def performance(options: PerformanceOptions, metrics: Mapping[str, Metric], panel: Panel) -> Outcome:
    """The average of the last complete month, weighted by the companion, as points of a curve.

    returns points 0-100; nothing to measure in a month without requests
    source  SCORING §4
    """
    metric = metrics[options.metric]
    month = np.array([panel.newest_ended(1)])
    first, length = int(month_start(month)[0]), int(month_end(month)[0] - month_start(month)[0]) + 1
    values, weights = _weighted(metric, metrics, panel, first)
    known = {metric.key: ~np.isnan(values)}
    if metric.companion is not None:
        known[metric.companion] = ~np.isnan(weights)
    observed = ~np.isnan(weights) & (~np.isnan(values) | (weights == 0))
    last = newest_row(observed)
    counted = observed[:length]
    values, weights = np.where(counted, values[:length], np.nan), np.where(counted, weights[:length], np.nan)
    weight, days = added(weights), counted.sum(axis=0).astype(np.float64)
    mean = quotient(added(values * weights), weight, weight > 0)
    return settled(
        CURVES[options.curve](mean, options),
        _lateness(panel, metrics, known, first, last),
        {
            "average": mean,
            "weight": weight,
            "observed_days": days,
            "month": np.full(panel.size, float(month[0])),
            "as_of": _day_at(first, last),
        },
        missing=days < options.min_days,
        invalid=((values < 0) | (weights < 0)).any(axis=0) | (mean <= 0),
        nothing=weight == 0,
    )


def _weighted(metric: Metric, metrics: Mapping[str, Metric], panel: Panel, first: int) -> tuple[Array, Array]:
    """A gauge and its weights from a first day up to the panel's; without a companion every day weighs 1."""
    values = day_values(panel, metric, first, panel.today)
    if metric.companion is None:
        return values, np.where(np.isnan(values), np.nan, 1.0)
    return values, day_values(panel, metrics[metric.companion], first, panel.today)


def _day_at(first: int, row: Whole) -> Array:
    return np.where(row >= 0, first + row, np.nan)
