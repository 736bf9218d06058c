"""What a signal of any kind was measured by, month by month: the numbers under its score, not the score.

Each month is read as the signal's own kind reads it on the month's last day, from the observations as they
stood when the sheet was made. Complete months alone: half a month beside whole ones would look like a fall.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from scoring import pack
from scoring.engine import Metric, Nature, Panel, Signal, State
from scoring.engine.kinds import KINDS
from scoring.engine.options import ErrorOptions, IndicatorOptions
from scoring.engine.panel import declared_months, event_days, month_slot, newest_event
from scoring.read import CardReading

MONTHS = 13
MEASURED = (State.OK, State.STALE_GRACE)

type Numbers = dict[str, float | None]


@dataclass(frozen=True)
class Month:
    """One complete month of a signal; a number that is not known is None, or not there."""

    month: date
    numbers: Numbers

    @property
    def is_known(self) -> bool:
        return any(value is not None for value in self.numbers.values())


def months(card: CardReading, signal: Signal) -> list[Month]:
    """The newest thirteen complete months of what a signal reads, oldest first.

    The names of the numbers are those of the kind's inputs (scoring.engine), and for events `days`, on how
    many days of the month it happened, and `since`, how many days before its end the last one was.
    """
    metrics = card.scorecard.metrics_by_key
    named = [*signal.metrics, *(metrics[key].companion or "" for key in signal.metrics)]
    panel = pack.panel_of(
        card.scorecard,
        card.organization,
        card.day,
        watermark=card.watermark,
        only=[key for key in named if key],
        further=MONTHS,
    )
    read = READ.get(str(signal.kind), _value)
    if isinstance(signal.options, IndicatorOptions) and metrics[signal.options.metric].nature == Nature.EVENT:
        read = _events
    ends = list(_ends(panel))[-MONTHS:]
    return [Month(pack.month_start(each.day), read(signal.options, metrics, each)) for each in ends]


def _ends(panel: Panel) -> Iterator[Panel]:
    """The panel as of the last day of each complete month."""
    count = panel.slots.shape[1]
    for place in range(count):
        end = date.fromordinal(int(panel.month_ends[place]))
        later = count - 1 - place
        if end <= panel.day and later < panel.days.shape[1]:
            yield replace(
                panel,
                day=end,
                slots=panel.slots[:, : place + 1],
                days=panel.days[:, : panel.days.shape[1] - later],
            )


def _inputs(kind: str, options: Any, metrics: Mapping[str, Metric], panel: Panel) -> tuple[State, Numbers]:
    outcome = KINDS[kind](options, metrics, panel)
    inputs = {name: float(value[0]) for name, value in outcome.inputs.items()}
    return State(int(outcome.state[0])), {
        name: None if np.isnan(value) else value for name, value in inputs.items()
    }


def _of_kind(kind: str) -> Callable[..., Numbers]:
    """What was in time on the month's last day."""

    def read(options: Any, metrics: Mapping[str, Metric], panel: Panel) -> Numbers:
        state, inputs = _inputs(kind, options, metrics, panel)
        return inputs if state in MEASURED else {}

    return read


def _errors(options: ErrorOptions, metrics: Mapping[str, Metric], panel: Panel) -> Numbers:
    """Clean days of the month itself, whatever the window of the score, and the days that were observed."""
    of_month = replace(options, days=panel.day.day, streak=False, min_days=1)
    _, inputs = _inputs("error", of_month, metrics, panel)
    return inputs if inputs["observed_days"] else {}


def _average(options: Any, metrics: Mapping[str, Metric], panel: Panel) -> Numbers:
    _, inputs = _inputs("performance", options, metrics, panel)
    return inputs if inputs["observed_days"] else {}


def _events(options: IndicatorOptions, metrics: Mapping[str, Metric], panel: Panel) -> Numbers:
    """Days on which it happened; none is a number only where something was reported, or all was declared."""
    metric = metrics[options.metric]
    masks = event_days(panel, metric)
    reported = not np.isnan(month_slot(panel, metric)[-1, 0])
    newest = newest_event(panel, masks)[0]
    found: Numbers = {"since": None if np.isnan(newest) else float(panel.today - newest)}
    if reported or declared_months(panel, metric)[-1].all():
        found["days"] = float(np.bitwise_count(masks[-1, 0]))
    return found


def _value(options: Any, metrics: Mapping[str, Metric], panel: Panel) -> Numbers:
    return {}


READ: Mapping[str, Callable[..., Numbers]] = {
    "indicator": _of_kind("indicator"),
    "error": _errors,
    "performance": _average,
    "config": _of_kind("config"),
    "deduction": _of_kind("deduction"),
    "steps": _of_kind("steps"),
    "linear": _of_kind("linear"),
}
