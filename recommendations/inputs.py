"""What must be measured for a signal to reach some points: numbers of one organization in, numbers out.

The engine says how good a number is; here it is asked the other way round. Every answer is checked by the
caller with the engine itself. Only what is cheapest to say is changed: a stock on the day it is of, a flow in
the newest months that count, events on the newest free days.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from scoring.engine import Metric, Nature, Panel, Scorecard, Signal, curves
from scoring.engine.daily import CURVES
from scoring.engine.kinds import KINDS
from scoring.engine.options import (
    ConfigOptions,
    ErrorOptions,
    Form,
    GrowthOptions,
    IndicatorOptions,
    LinearOptions,
    PerformanceOptions,
    RatioOptions,
    Step,
    StepsOptions,
)
from scoring.engine.panel import newest_stock, period_values
from scoring.engine.periods import step_of
from scoring.engine.states import Outcome

NOISE = 1e-9  # what float arithmetic may be off by: 60.000000000001 of 60 licenses is 60
ALMOST_ALL = 99.99  # a curve that only comes near 100 is asked for this much

type Numbers = Mapping[str, Mapping[date, float]]  # metric -> day -> what was measured
type Changes = dict[tuple[str, date], float]  # metric and day -> what would have been measured


class Unreachable(Exception):
    """No change of the inputs that we can name brings the signal there; says why."""


@dataclass(frozen=True)
class Need:
    """One number that has to become another, for people."""

    metric: str  # or what it is called where no one metric stands for it
    name: str
    unit: str
    now: float
    then: float
    whole: float | None = None  # of how many, for a share
    span: str = ""  # "in a month", "within 365 days"
    at_most: bool = False


@dataclass(frozen=True)
class Way:
    """How a signal gets there: what would have been measured, and what to say."""

    changes: Changes = field(default_factory=dict)
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True)
class Asked:
    """One signal of one organization on one night, and the points it is to reach."""

    card: Scorecard
    signal: Signal
    panel: Panel  # of this organization alone
    numbers: Numbers
    target: float

    @property
    def outcome(self) -> Outcome:
        return KINDS[self.signal.kind](self.signal.options, self.card.metrics_by_key, self.panel)

    def metric(self, key: str) -> Metric:
        return self.card.metric(key)

    def days_of(self, key: str) -> Mapping[date, float]:
        return self.numbers.get(key, {})

    def is_count(self, key: str) -> bool:
        """Whether the metric counts things: then there are no halves of them."""
        whole = all(value == int(value) for value in self.days_of(key).values())
        return self.metric(key).nature != Nature.GAUGE and whole

    def enough(self, key: str, wanted: float, *, up: bool) -> float:
        """The number that is at least (or at most) what is wanted: a whole one where the metric counts."""
        if not self.is_count(key):
            return max(wanted, 0.0)
        return float(max(math.ceil(wanted - NOISE) if up else math.floor(wanted + NOISE), 0))


def way(asked: Asked) -> Way:
    """What must be measured instead for the signal to reach its target.

    raises  Unreachable where nothing that we can name does it
    """
    find = WAYS.get(type(asked.signal.options))
    if find is None:
        raise Unreachable("What it takes cannot be worked out for a signal of this kind.")
    return find(asked)


def said(outcome: Outcome) -> dict[str, float]:
    """What a signal was made from, of the one organization."""
    return {name: float(values[0]) for name, values in outcome.inputs.items()}


def sentence(need: Need) -> str:
    """What has to change, in one line: “Activated Sales licenses: 836 of 1,116 instead of 668 (+168)”."""
    span = f" {need.span}" if need.span else ""
    if need.unit == "days since":
        ago = "longer ago than counts" if math.isinf(need.now) else f"{need.now:,.0f} days ago"
        return f"{need.name}: once more; the last one was {ago}"
    if need.unit == "compliance":
        return f"{need.name}: as the baseline asks"
    whole = "" if need.whole is None else f" of {_shown(need.whole)}"
    unit = " ms" if need.unit == "ms" else ""
    then = f"at most {_shown(need.then, down=True)}{unit}" if need.at_most else _shown(need.then)
    by = need.then - need.now
    more = f" ({'+' if by > 0 else '−'}{_shown(abs(by))})" if not need.at_most and by == int(by) else ""
    return f"{need.name}: {then}{whole}{span} instead of {_shown(need.now)}{unit}{more}"


def _shown(value: float, *, down: bool = False) -> str:
    """A number for people: whole where it is, else with as many digits as tell something."""
    if value == int(value):
        return f"{value:,.0f}"
    digits = 0 if abs(value) >= 100 else 2
    held = math.floor(value * 10**digits) / 10**digits if down else value
    return f"{held:,.{digits}f}"


# ---------- inputs moved by hand ----------

YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Input:
    """A number that can be moved, as it stands on the night."""

    metric: str
    name: str
    unit: str
    what: str  # "now", "in Sep 2026", "times in 365 days"
    value: float


def movable(card: Scorecard, panel: Panel, numbers: Numbers) -> list[Input]:
    """Every input that is known, in the order of the scorecard."""
    asked = Asked(card, card.signals[0], panel, numbers, 0)
    read = {key for signal in card.signals if not signal.preview for key in signal.metrics}
    return [found for metric in card.metrics if metric.key in read and (found := _as_it_is(asked, metric))]


def moved(card: Scorecard, panel: Panel, numbers: Numbers, key: str, value: float) -> Changes:
    """What would have been measured, had this input been that number.

    raises  Unreachable for an input that is not known now, or a number that it cannot be
    """
    asked = Asked(card, card.signals[0], panel, numbers, 0)
    metric = card.metrics_by_key.get(key)
    now = _as_it_is(asked, metric) if metric else None
    if metric is None or now is None:
        raise Unreachable(f"“{key[:80]}” is not an input that is known now.")
    if metric.nature == Nature.EVENT:
        if value != int(value) or not 0 <= value <= YEAR.days:
            raise Unreachable(f"{value:g} is not how often something can happen in {YEAR.days} days.")
        return _happened(asked, key, int(value))
    if not metric.minimum <= value <= metric.maximum:
        raise Unreachable(
            f"{value:g} is not from {metric.minimum:g} to {metric.maximum:g}, as “{metric.name}” has to be."
        )
    if metric.nature == Nature.STOCK:
        return {(key, _stock_day(asked, metric)): value}
    if metric.grain == "month" and metric.nature == Nature.FLOW:
        step = step_of((metric,))
        month = _newest_period(asked, metric)
        return _shifted(asked, key, month - step + 1, month, value - now.value)
    return dict.fromkeys(((key, day) for day in _averaged(asked, metric)), value)


def _as_it_is(asked: Asked, metric: Metric) -> Input | None:
    days = {day: value for day, value in asked.days_of(metric.key).items() if day <= asked.panel.day}
    if not days:
        return None
    if metric.nature == Nature.EVENT:
        since = [day for day, value in days.items() if value > 0 and day >= asked.panel.day - YEAR]
        return Input(metric.key, metric.name, metric.unit, f"times in {YEAR.days} days", float(len(since)))
    if metric.nature == Nature.STOCK:
        return Input(metric.key, metric.name, metric.unit, "now", days[max(days)])
    if metric.grain == "month" and metric.nature == Nature.FLOW:
        month = _newest_period(asked, metric)
        if month < 0:
            return None
        step = step_of((metric,))
        row = list(asked.panel.ended(step)).index(month)
        value = float(period_values(asked.panel, metric, step)[row, 0])
        return Input(metric.key, metric.name, metric.unit, f"in {_month_first(month):%b %Y}", value)
    counted = _averaged(asked, metric)
    if not counted:
        return None
    mean = sum(days[day] for day in counted) / len(counted)
    return Input(metric.key, metric.name, metric.unit, "a day, on average", mean)


def _newest_period(asked: Asked, metric: Metric) -> int:
    step = step_of((metric,))
    known = np.flatnonzero(~np.isnan(period_values(asked.panel, metric, step)[:, 0]))
    return int(asked.panel.ended(step)[known[-1]]) if len(known) else -1


def _averaged(asked: Asked, metric: Metric) -> list[date]:
    """The days that a number a day stands for: the last 30 and the last complete month."""
    ended = _month_first(asked.panel.newest_ended(1))
    first = min(ended, asked.panel.day - timedelta(days=29))
    return [day for day in asked.days_of(metric.key) if first <= day <= asked.panel.day]


def _happened(asked: Asked, key: str, times: int) -> Changes:
    first = asked.panel.day - YEAR
    inside = sorted(
        day for day, value in asked.days_of(key).items() if value > 0 and first <= day <= asked.panel.day
    )
    if times <= len(inside):
        return {(key, day): 0.0 for day in inside[: len(inside) - times]}
    free = _free_days(asked.panel.day, first, set(inside))
    return {(key, day): 1.0 for day, _ in zip(free, range(times - len(inside)), strict=False)}


# ---------- ratio ----------


def _ratio(asked: Asked) -> Way:
    options: RatioOptions = asked.signal.options  # type: ignore[assignment]
    inputs = said(asked.outcome)
    now, whole = inputs["numerator"], inputs["denominator"]
    share = 1 - asked.target / 100 if options.inverse else asked.target / 100 * options.target
    then = asked.enough(options.numerator, share * whole, up=not options.inverse)
    if (then >= now) if options.inverse else (then <= now):
        return Way()
    metric = asked.metric(options.numerator)
    if metric.nature == Nature.STOCK:
        if options.months is not None:
            raise Unreachable("It is the mean of several months, which one number today does not change.")
        changes = {(metric.key, _stock_day(asked, metric)): then}
        span = ""
    else:
        changes = _over_months(asked, options, inputs, then - now)
        months = int(inputs["months_known"])
        span = "in a month" if months == 1 else f"in {months} months"
    return Way(
        changes,
        (Need(metric.key, metric.name, metric.unit, now, then, whole, span, at_most=options.inverse),),
    )


def _over_months(asked: Asked, options: RatioOptions, inputs: Mapping[str, float], more: float) -> Changes:
    """A flow raised (or lowered) by so much, newest month first, never above a flow it is a share of."""
    part, whole = asked.metric(options.numerator), asked.metric(options.denominator)
    step = step_of((part, whole))
    ended = asked.panel.ended(step)
    values = period_values(asked.panel, part, step)[:, 0]
    limits = np.full(len(ended), np.inf)
    if whole.nature == Nature.FLOW and options.target <= 1:
        limits = period_values(asked.panel, whole, step)[:, 0]
    newest = int(inputs["month"])
    oldest = newest - int(inputs["months_window"]) + step
    changes: Changes = {}
    left = more
    for row in range(len(ended) - 1, -1, -1):
        month = int(ended[row])
        if not oldest <= month <= newest or np.isnan(values[row]) or np.isnan(limits[row]):
            continue
        room = -values[row] if left < 0 else max(limits[row] - values[row], 0.0)
        by = max(left, float(room)) if left < 0 else min(left, float(room))
        changes |= _shifted(asked, part.key, month - step + 1, month, by)
        left -= by
        if abs(left) < NOISE:
            return changes
    raise Unreachable("There is not room enough in the months that count.")


# ---------- growth ----------


def _growth(asked: Asked) -> Way:
    options: GrowthOptions = asked.signal.options  # type: ignore[assignment]
    metric = asked.metric(options.metric)
    inputs = said(asked.outcome)
    now, base, month = inputs["numerator"], inputs["denominator"], int(inputs["month"])
    if not base > 0:
        raise Unreachable("There is nothing to grow from yet.")
    step = 3 if options.variant == "quarter" else 1
    if metric.nature == Nature.STOCK:
        day = _newest_day(asked, metric, until=_month_last(month))
        number = asked.days_of(metric.key)[day]
    else:
        rows = period_values(asked.panel, metric, step)[:, 0]
        number = float(rows[list(asked.panel.ended(step)).index(month)])
    # Counted per seat, the number moves as its quotient does.
    seats = 1.0 if options.per is None else (number / now if now else math.nan)
    if math.isnan(seats):
        raise Unreachable("Nothing was counted per seat last month, so what it takes is not known.")
    then = asked.enough(metric.key, asked.target / 50 * base * seats, up=True)
    if then <= number:
        return Way()
    if metric.nature == Nature.STOCK:
        changes: Changes = {(metric.key, day): then}
    else:
        changes = _shifted(asked, metric.key, month - step + 1, month, then - number)
    span = "in a quarter" if step == 3 else ("" if metric.nature == Nature.STOCK else "in a month")
    return Way(changes, (Need(metric.key, metric.name, metric.unit, number, then, span=span),))


# ---------- indicators ----------


def _indicator(asked: Asked) -> Way:
    options: IndicatorOptions = asked.signal.options  # type: ignore[assignment]
    metric = asked.metric(options.metric)
    inputs = said(asked.outcome)
    if metric.nature == Nature.STOCK:
        return _stock_step(asked, metric, options.steps, inputs["value"])
    first = date.fromordinal(int(inputs["window_start"]))
    happened = [day for day, value in asked.days_of(metric.key).items() if value > 0]
    span = f"within {options.days} days"
    if options.form == Form.RECENCY:
        reached = curves.stepped(np.array([0.0]), options.steps)[0]
        if reached < asked.target:
            raise Unreachable("Even on the day it happens it has fewer points.")
        days = inputs["value"]
        ago = math.inf if math.isnan(days) else days
        need = Need(metric.key, metric.name, "days since", ago, 0.0, at_most=True)
        return Way({(metric.key, asked.panel.day): 1.0}, (need,))
    count = int(inputs["value"])
    wanted = _nearest_count(asked, options, count)
    inside = sorted(day for day in happened if first <= day <= asked.panel.day)
    if wanted < count:
        changes: Changes = {(metric.key, day): 0.0 for day in inside[: count - wanted]}
    else:
        free = _free_days(asked.panel.day, first, set(inside))
        changes = {(metric.key, day): 1.0 for day, _ in zip(free, range(wanted - count), strict=False)}
        if len(changes) < wanted - count:
            raise Unreachable("There are not as many days in its window.")
    return Way(
        changes,
        (
            Need(
                metric.key,
                metric.name,
                metric.unit,
                float(count),
                float(wanted),
                span=span,
                at_most=wanted < count,
            ),
        ),
    )


def _nearest_count(asked: Asked, options: IndicatorOptions, count: int) -> int:
    points = curves.stepped(np.arange(options.days + 2, dtype=np.float64), options.steps)
    good = np.flatnonzero(points >= asked.target)
    if not len(good):
        raise Unreachable("No number of times gives as many points.")
    return int(good[np.argmin(np.abs(good - count))])


def _free_days(last: date, first: date, taken: set[date]) -> Iterable[date]:
    day = last
    while day >= first:
        if day not in taken:
            yield day
        day -= timedelta(days=1)


def _stock_step(asked: Asked, metric: Metric, steps: tuple[Step, ...], now: float) -> Way:
    then = _nearest_value(asked, metric, steps, now)
    changes = {(metric.key, _stock_day(asked, metric)): then}
    return Way(changes, (Need(metric.key, metric.name, metric.unit, now, then, at_most=then < now),))


def _nearest_value(asked: Asked, metric: Metric, steps: tuple[Step, ...], now: float) -> float:
    """The value nearest to that of now that has the points: on an edge, or next to it."""
    beside = 1.0 if asked.is_count(metric.key) else max(abs(now), 1.0) * 1e-6
    edges = [step.edge + by for step in steps for by in (-beside, 0.0, beside)]
    within = np.array([each for each in edges if metric.minimum <= each <= metric.maximum])
    good = within[curves.stepped(within, steps) >= asked.target] if len(within) else within
    if not len(good):
        raise Unreachable("No value gives as many points.")
    return float(good[np.argmin(np.abs(good - now))])


# ---------- days ----------


def _error(asked: Asked) -> Way:
    options: ErrorOptions = asked.signal.options  # type: ignore[assignment]
    metric = asked.metric(options.metric)
    inputs = said(asked.outcome)
    clean, observed = int(inputs["clean_days"]), int(inputs["observed_days"])
    whole = options.days if options.streak else observed
    wanted = math.ceil(asked.target / 100 * whole - NOISE)
    if wanted <= clean:
        return Way()
    if wanted > observed:
        raise Unreachable("It has not been observed on as many days yet.")
    first = asked.panel.day - timedelta(days=options.days - 1)
    days = asked.days_of(metric.key)
    known = [day for day in sorted(days, reverse=True) if first <= day <= asked.panel.day]
    changes: Changes = {}
    done = 0 if options.streak else clean
    for day in known:
        if done >= wanted:
            break
        dirty = days[day] > 0 and not _is_clean(asked, options, day)
        if dirty:
            changes[metric.key, day] = 0.0
        done += dirty or options.streak
    name = "Days in a row without errors" if options.streak else "Days without errors"
    span = f"in {options.days} days"
    need = Need(metric.key, f"{name} ({metric.name.lower()})", "days", clean, wanted, float(whole), span)
    return Way(changes, (need,))


def _is_clean(asked: Asked, options: ErrorOptions, day: date) -> bool:
    errors = asked.days_of(options.metric)[day]
    if options.rate is None or options.per is None:
        return errors <= options.tolerance
    requests = asked.days_of(options.per).get(day, 0.0)
    return errors <= options.rate * requests * (1 + NOISE)


def _performance(asked: Asked) -> Way:
    options: PerformanceOptions = asked.signal.options  # type: ignore[assignment]
    metric = asked.metric(options.metric)
    inputs = said(asked.outcome)
    now = inputs["average"]
    then = _inverted(options, now, asked.target)
    month = int(inputs["month"])
    first, last = _month_first(month), _month_last(month)
    days = {day: value for day, value in asked.days_of(metric.key).items() if first <= day <= last}
    changes: Changes = {(metric.key, day): value * (then / now) for day, value in days.items()}
    need = Need(metric.key, metric.name, metric.unit, now, then, span="in a month", at_most=then < now)
    return Way(changes, (need,))


def _inverted(options: PerformanceOptions, now: float, target: float) -> float:
    """The mean nearest to that of now whose points reach the target, to the last bits of a float."""
    target = min(target, ALMOST_ALL) if options.curve == "lognormal" else target

    def is_enough(value: float) -> bool:
        return bool(CURVES[options.curve](np.array([value]), options)[0] >= target)

    if is_enough(now):
        return now
    good = next((each for each in _outward(now) if is_enough(each)), None)
    if good is None:
        raise Unreachable("No average gives as many points.")
    poor = now
    for _ in range(200):
        middle = (good + poor) / 2
        if middle in (good, poor):
            break
        good, poor = (middle, poor) if is_enough(middle) else (good, middle)
    return good


def _outward(now: float) -> Iterable[float]:
    """Ever lower and ever higher values, from one near by on."""
    for power in range(1, 400):
        factor = 1.05**power
        yield now / factor
        yield now * factor


# ---------- settings and plain numbers ----------


def _config(asked: Asked) -> Way:
    options: ConfigOptions = asked.signal.options  # type: ignore[assignment]
    inputs = said(asked.outcome)
    passed, total = inputs["passed"], inputs["total"]
    open_ones = [
        (setting, value)
        for setting in options.settings
        if not math.isnan(value := inputs[f"setting:{setting.metric}"]) and setting.weight > 0 and value < 1
    ]
    open_ones.sort(key=lambda each: -each[0].weight * (1 - each[1]))  # fewest settings first
    changes: Changes = {}
    needs = []
    for setting, value in open_ones:
        if 100 * passed / total >= asked.target - NOISE:
            break
        metric = asked.metric(setting.metric)
        best = 1.0 if setting.best is None else setting.best
        day = _stock_day(asked, metric)
        changes[metric.key, day] = best
        now = asked.days_of(metric.key).get(day, math.nan)
        needs.append(Need(metric.key, metric.name, metric.unit, now, best, at_most=best < now))
        passed += setting.weight * (1 - value)
    return Way(changes, tuple(needs))


def _steps(asked: Asked) -> Way:
    options: StepsOptions = asked.signal.options  # type: ignore[assignment]
    metric, now = asked.metric(options.metric), said(asked.outcome)["value"]
    return _newest_to(asked, metric, now, _nearest_value(asked, metric, options.steps, now))


def _linear(asked: Asked) -> Way:
    options: LinearOptions = asked.signal.options  # type: ignore[assignment]
    metric, now = asked.metric(options.metric), said(asked.outcome)["value"]
    exact = options.poor + asked.target / 100 * (options.good - options.poor)
    then = asked.enough(metric.key, exact, up=options.good > options.poor)
    return _newest_to(asked, metric, now, then)


def _newest_to(asked: Asked, metric: Metric, now: float, then: float) -> Way:
    if metric.nature not in (Nature.STOCK, Nature.FLOW) or metric.grain != "month":
        raise Unreachable("What it takes cannot be worked out for a signal of this kind.")
    if metric.nature == Nature.STOCK:
        changes: Changes = {(metric.key, _stock_day(asked, metric)): then}
    else:
        month = date.fromordinal(int(said(asked.outcome)["as_of"]))
        number = month.year * 12 + month.month - 1
        changes = _shifted(asked, metric.key, number - step_of((metric,)) + 1, number, then - now)
    return Way(changes, (Need(metric.key, metric.name, metric.unit, now, then, at_most=then < now),))


# ---------- where a number stands ----------


def _stock_day(asked: Asked, metric: Metric) -> date:
    """The day a stock's newest value is of: it is changed there, so that it is as fresh as it was."""
    _, day = newest_stock(asked.panel, metric)
    if np.isnan(day[0]):
        raise Unreachable(f"“{metric.name}” has not arrived yet.")
    return date.fromordinal(int(day[0]))


def _newest_day(asked: Asked, metric: Metric, *, until: date) -> date:
    days = sorted(asked.days_of(metric.key))
    at = bisect_right(days, min(until, asked.panel.day))
    if not at:
        raise Unreachable(f"“{metric.name}” has not arrived yet.")
    return days[at - 1]


def _shifted(asked: Asked, key: str, first: int, last: int, by: float) -> Changes:
    """A flow of some months changed by so much: on its newest days, none of them below nothing."""
    start, end = _month_first(first), min(_month_last(last), asked.panel.day)
    days = sorted((day for day in asked.days_of(key) if start <= day <= end), reverse=True)
    if not days:  # declared complete, and nothing there
        return {(key, end): max(by, 0.0)}
    numbers = asked.days_of(key)
    if by >= 0:
        return {(key, days[0]): numbers[days[0]] + by}
    changes: Changes = {}
    for day in days:
        less = min(numbers[day], -by)
        changes[key, day] = numbers[day] - less
        by += less
        if by > -NOISE:
            break
    return changes


def _month_first(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def _month_last(month: int) -> date:
    return _month_first(month + 1) - timedelta(days=1)


WAYS: Mapping[type, Callable[[Asked], Way]] = {
    RatioOptions: _ratio,
    GrowthOptions: _growth,
    IndicatorOptions: _indicator,
    ErrorOptions: _error,
    PerformanceOptions: _performance,
    ConfigOptions: _config,
    StepsOptions: _steps,
    LinearOptions: _linear,
}

__all__ = [
    "Asked",
    "Changes",
    "Input",
    "Need",
    "Numbers",
    "Unreachable",
    "Way",
    "movable",
    "moved",
    "said",
    "sentence",
    "way",
]
