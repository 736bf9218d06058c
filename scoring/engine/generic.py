"""The kinds that fit any metric: config, deduction, steps and linear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.engine import curves
from scoring.engine.arrays import Array, Bytes, Mask, added, at_row, newest_row, quotient
from scoring.engine.freshness import late_by_day
from scoring.engine.options import ConfigOptions, DeductionOptions, LinearOptions, Setting, StepsOptions
from scoring.engine.panel import Panel, day_values, newest_stock, period_values
from scoring.engine.periods import freshness, newest_common, step_of
from scoring.engine.scorecard import Grain, Metric, Nature
from scoring.engine.states import Outcome, settled


def config(options: ConfigOptions, metrics: Mapping[str, Metric], panel: Panel) -> Outcome:
    """The risk-weighted share of settings that comply, as points.

    returns points 0-100; settings without a value in time are left out, previews never count
    source  SCORING §4
    """
    inputs: dict[str, Array] = {}
    passed, total = np.zeros(panel.size), np.zeros(panel.size)
    lateness, as_of = np.zeros(panel.size, np.uint8), np.full(panel.size, np.nan)
    invalid = np.zeros(panel.size, np.bool_)
    for setting in options.settings:
        metric = metrics[setting.metric]
        value, day = newest_stock(panel, metric)
        late = late_by_day(panel.today, metric, day)
        compliance = inputs[f"setting:{metric.key}"] = np.where(late < 2, _compliance(value, setting), np.nan)
        used = (late < 2) & (setting.weight > 0)
        passed += np.where(used, setting.weight * compliance, 0)
        total += np.where(used, setting.weight, 0)
        lateness = np.where(used, np.maximum(lateness, late), lateness)
        as_of = np.where(used, np.fmin(as_of, day), as_of)
        invalid |= used & _is_impossible(value, setting, metric)
    any_scored = any(setting.weight > 0 for setting in options.settings)
    return settled(
        quotient(100 * passed, total, total > 0),
        lateness,
        {"passed": passed, "total": total, "as_of": as_of, **inputs},
        missing=(total == 0) & any_scored,
        invalid=invalid,
        nothing=total == 0,
    )


def _compliance(value: Array, setting: Setting) -> Array:
    """How far a setting complies, 0-1."""
    if setting.worst is None or setting.best is None:
        return value
    return curves.linear(value, setting.best, setting.worst) / 100


def _is_impossible(value: Array, setting: Setting, metric: Metric) -> Mask:
    is_share = setting.worst is None
    return (value < min(0, metric.minimum)) | (is_share & ((value < 0) | (value > 1)))


@dataclass(frozen=True, eq=False)
class _Newest:
    """What a metric last said, (orgs,)."""

    value: Array
    lateness: Bytes
    as_of: Array
    negative: Mask


def deduction(options: DeductionOptions, metrics: Mapping[str, Metric], panel: Panel) -> Outcome:
    """100 less the points of everything that was counted, each up to its cap.

    returns points 0-100; nothing unless all counts are known
    source  SCORING §4
    """
    named = [metrics[each.metric] for each in options.deductions]
    counts = {
        **_of_periods([each for each in named if _is_periodic(each)], panel),
        **{each.key: _of_stock(each, panel) for each in named if each.nature == Nature.STOCK},
        **{each.key: _of_days(each, options, panel) for each in named if each.grain == Grain.DAY},
    }
    deducted = np.zeros(panel.size)
    for each in options.deductions:
        deducted += np.minimum(each.cap, counts[each.metric].value * each.points)
    ordered = [counts[each.key] for each in named]
    return settled(
        np.maximum(100 - deducted, 0),
        np.maximum.reduce([count.lateness for count in ordered]),
        {
            "deducted": deducted,
            **{f"count:{each.key}": counts[each.key].value for each in named},
            "as_of": np.minimum.reduce([count.as_of for count in ordered]),
        },
        invalid=np.logical_or.reduce([count.negative | (count.value < 0) for count in ordered]),
    )


def steps(options: StepsOptions, metrics: Mapping[str, Metric], panel: Panel) -> Outcome:
    """The newest number of a metric, as points by steps.

    source  SCORING §9 and §11
    """
    newest = _newest(metrics[options.metric], panel)
    return _settled(curves.stepped(newest.value, options.steps), newest)


def linear(options: LinearOptions, metrics: Mapping[str, Metric], panel: Panel) -> Outcome:
    """The newest number of a metric, as points on a line from poor to good.

    source  SCORING §11
    """
    newest = _newest(metrics[options.metric], panel)
    return _settled(curves.linear(newest.value, options.good, options.poor), newest)


def _settled(points: Array, newest: _Newest) -> Outcome:
    inputs = {"value": newest.value, "as_of": newest.as_of}
    return settled(points, newest.lateness, inputs, invalid=newest.negative)


def _is_periodic(metric: Metric) -> bool:
    return metric.grain == Grain.MONTH and metric.nature != Nature.STOCK


def _newest(metric: Metric, panel: Panel) -> _Newest:
    """A number of any nature but events: of the newest day, month or quarter that arrived."""
    if _is_periodic(metric):
        return _of_periods([metric], panel)[metric.key]
    return _of_stock(metric, panel) if metric.grain == Grain.MONTH else _of_newest_day(metric, panel)


def _of_stock(metric: Metric, panel: Panel) -> _Newest:
    value, day = newest_stock(panel, metric)
    return _Newest(value, late_by_day(panel.today, metric, day), day, value < min(0, metric.minimum))


def _of_periods(metrics: Sequence[Metric], panel: Panel) -> dict[str, _Newest]:
    """Flows and gauges of month grain, all of the newest period in which all are known."""
    if not metrics:
        return {}
    step = step_of(metrics)
    values = [period_values(panel, metric, step) for metric in metrics]
    last = newest_common(metrics, values)
    late, as_of = freshness(panel, metrics, values, last, step)
    read = {metric.key: (metric, at_row(value, last)) for metric, value in zip(metrics, values, strict=True)}
    return {
        key: _Newest(value, late, as_of, value < min(0, metric.minimum))
        for key, (metric, value) in read.items()
    }


def _of_newest_day(metric: Metric, panel: Panel) -> _Newest:
    first = panel.first_day
    values = day_values(panel, metric, first, panel.today)
    row = newest_row(~np.isnan(values))
    value, day = at_row(values, row), np.where(row >= 0, first + row, np.nan)
    return _Newest(value, late_by_day(panel.today, metric, day), day, value < min(0, metric.minimum))


def _of_days(metric: Metric, options: DeductionOptions, panel: Panel) -> _Newest:
    """The sum of a trailing window; beyond grace unless enough of its days were observed."""
    first = panel.today - options.days + 1
    values = day_values(panel, metric, first, panel.today)
    observed = ~np.isnan(values)
    row = newest_row(observed)
    day = np.where(row >= 0, first + row, np.nan)
    enough = observed.sum(axis=0) >= options.min_days
    late = np.where(enough, late_by_day(panel.today, metric, day), 2).astype(np.uint8)
    return _Newest(added(values), late, day, (values < 0).any(axis=0))
