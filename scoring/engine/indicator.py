"""The indicator kind: whether, how often or how long ago something happened, or what a stock stands at."""

from collections.abc import Mapping

import numpy as np

from scoring.engine import curves
from scoring.engine.freshness import late_by_day, late_by_declaration
from scoring.engine.options import Form, IndicatorOptions
from scoring.engine.panel import Panel, count_events, declared_run, event_days, newest_event, newest_stock
from scoring.engine.scorecard import Metric, Nature
from scoring.engine.states import Outcome, settled


def indicator(options: IndicatorOptions, metrics: Mapping[str, Metric], panel: Panel) -> Outcome:
    """Points of a condition, a count or the days since, by steps.

    source  SCORING §3
    """
    metric = metrics[options.metric]
    if metric.nature == Nature.STOCK:
        return _of_stock(options, metric, panel)
    return _of_events(options, metric, panel)


def _of_stock(options: IndicatorOptions, metric: Metric, panel: Panel) -> Outcome:
    value, day = newest_stock(panel, metric)
    unknown = np.full(panel.size, np.nan)
    inputs = dict.fromkeys(("last_event", "window_start", "window_end", "declared_until"), unknown)
    return settled(
        curves.stepped(value, options.steps),
        late_by_day(panel.today, metric, day),
        {"value": value, **inputs, "as_of": day},
        invalid=value < min(0, metric.minimum),
    )


def _of_events(options: IndicatorOptions, metric: Metric, panel: Panel) -> Outcome:
    earliest, start, until = declared_run(panel, metric)
    late = late_by_declaration(panel.today, metric, until)
    end = np.where(late < 2, until, panel.today)
    first = end - options.days
    masks = event_days(panel, metric)
    count, newest = count_events(panel, masks, first), newest_event(panel, masks)

    happened = count > 0
    throughout = (start <= first) & (until >= end) & (first >= panel.month_starts[0])
    newer = (start == earliest) & (start > first) & (until >= end)
    absent = throughout | (options.absence_is_zero & (late < 2))

    is_recency = options.form == Form.RECENCY
    since = np.where(happened, np.maximum(end - newest, 0), np.nan)
    # A known absence is a count of nothing, or longer ago than the last edge.
    value = np.where(happened, since, np.inf) if is_recency else count
    return settled(
        curves.stepped(value, options.steps),
        np.where(happened, 0, np.where(absent | newer, late, 2)).astype(np.uint8),
        {
            "value": since if is_recency else count,
            "last_event": newest,
            "window_start": first,
            "window_end": end,
            "declared_until": until,
            "as_of": np.fmax(until, newest),
        },
        short=~happened & ~throughout & newer,
    )
