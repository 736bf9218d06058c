"""Reads and checks the options of each kind of signal; what they mean is in kinds.py."""

from collections.abc import Callable, Iterable, Mapping

from scoring.engine.options import (
    RISKS,
    SEVERITIES,
    Compare,
    ConfigOptions,
    Curve,
    Deduction,
    DeductionOptions,
    ErrorOptions,
    Form,
    GrowthOptions,
    IndicatorOptions,
    LinearOptions,
    Options,
    PerformanceOptions,
    RatioOptions,
    Setting,
    Step,
    StepsOptions,
    Variant,
)
from scoring.engine.reader import Section, unique
from scoring.engine.scorecard import Cadence, Grain, Metric, Nature

DAYS_KEPT = 30  # days of day grain a panel holds before D at least
DAYS_A_YEAR = 365
MONTHS_A_YEAR = 12

TERNARY = (Step(100, Compare.AT_LEAST, 2), Step(50, Compare.AT_LEAST, 1), Step(0))
RECENCY = (Step(100, Compare.AT_MOST, 90), Step(50, Compare.AT_MOST, 180), Step(0))

STOCKS = ((Nature.STOCK, Grain.MONTH),)
MONTHLY = (*STOCKS, (Nature.FLOW, Grain.MONTH))
DAILY = ((Nature.FLOW, Grain.DAY), (Nature.GAUGE, Grain.DAY))
NUMBERS = (*MONTHLY, (Nature.GAUGE, Grain.MONTH), *DAILY, (Nature.STOCK, Grain.DAY))


class Metrics:
    """The declared metrics by key; None for one whose declaration has problems of its own."""

    def __init__(self, by_key: Mapping[str, Metric | None]) -> None:
        self.by_key = by_key

    def named(self, section: Section, key: str, allowed: Iterable[tuple[Nature, Grain]]) -> str:
        """The metric that a key of a section names, checked to be of an allowed nature and grain."""
        name = section.text(key)
        if not name:
            return name
        if name not in self.by_key:
            section.problem(key, f"names {name!r}, which no [[metric]] declares")
        metric = self.by_key.get(name)
        if metric and (metric.nature, metric.grain) not in allowed:
            wanted = " or ".join(f"{nature} of {grain} grain" for nature, grain in allowed)
            section.problem(key, f"must be: {wanted}; {name!r} is: {metric.nature} of {metric.grain} grain")
        return name

    def is_unclear(self, name: str) -> bool:
        """Whether what may be said about a metric cannot be judged, because its own table is wrong."""
        return self.by_key.get(name) is None

    def is_nature(self, name: str, nature: Nature) -> bool:
        metric = self.by_key.get(name)
        return metric is not None and metric.nature == nature

    def is_quarterly_flow(self, name: str) -> bool:
        metric = self.by_key.get(name)
        return metric is not None and metric.nature == Nature.FLOW and metric.cadence == Cadence.QUARTERLY


def _ratio(section: Section, metrics: Metrics) -> RatioOptions:
    names = [metrics.named(section, key, MONTHLY) for key in ("numerator", "denominator")]
    months = None
    if any(metrics.is_unclear(name) for name in names):
        section.skip("months")
    elif any(metrics.is_nature(name, Nature.FLOW) for name in names):
        months = section.whole("months", at_least=1, at_most=MONTHS_A_YEAR)
        if months % 3 and any(metrics.is_quarterly_flow(name) for name in names):
            section.problem("months", f"must be whole quarters for a quarterly flow, not {months}")
    elif section.has("months"):
        section.skip("months")
        section.problem("months", "two stocks are read at their newest values, not over months")
    inverse = section.flag("inverse")
    if inverse and section.has("target"):
        section.problem("target", "inverse and target cannot go together")
    target = section.number("target", 1, more_than=0)
    return RatioOptions(names[0], names[1], months, inverse, target)


def _growth(section: Section, metrics: Metrics) -> GrowthOptions:
    metric = metrics.named(section, "metric", MONTHLY)
    variant = section.choice("variant", Variant)
    if variant != Variant.QUARTER and metrics.is_quarterly_flow(metric):
        section.problem("variant", f"must be quarter for a quarterly flow, not {variant}")
    per = metrics.named(section, "per", STOCKS) if section.has("per") else None
    if per is not None and variant == Variant.QUARTER:
        section.problem("per", "per goes with avg12 or yoy, not with quarter")
    if section.has("base_shift") and per is None:
        section.problem("base_shift", "has no meaning without per")
    return GrowthOptions(metric, variant, per, section.number("base_shift", 0.2, more_than=0))


def _indicator(section: Section, metrics: Metrics) -> IndicatorOptions:
    form = section.choice("form", Form)
    events = ((Nature.EVENT, Grain.EVENT),)
    metric = metrics.named(section, "metric", events if form == Form.RECENCY else (*events, *STOCKS))
    is_event = form == Form.RECENCY or metrics.is_nature(metric, Nature.EVENT)
    if metrics.is_unclear(metric):
        section.skip("days", "at_least", "at_most", "absence_is_zero")
    steps = {Form.BINARY: _binary_steps, Form.TERNARY: _ternary_steps, Form.RECENCY: _recency_steps}[form](
        section, is_event
    )
    days = 0
    if form == Form.RECENCY:
        days = 0 if section.broken else int(max(step.edge for step in steps))
    elif is_event:
        days = section.whole("days", at_least=1, at_most=DAYS_A_YEAR)
    absence = section.flag("absence_is_zero")
    if absence and metrics.is_nature(metric, Nature.STOCK):
        section.problem("absence_is_zero", "only the absence of an event can be zero")
    return IndicatorOptions(form, metric, days, steps, absence)


def _binary_steps(section: Section, is_event: bool) -> tuple[Step, ...]:
    if is_event:
        return (Step(100, Compare.AT_LEAST, 1), Step(0))
    if section.has("at_most"):
        if section.has("at_least"):
            section.problem("at_most", "at_least and at_most cannot go together")
            section.number("at_least")
        return (Step(100, Compare.AT_MOST, section.number("at_most")), Step(0))
    return (Step(100, Compare.AT_LEAST, section.number("at_least", 1)), Step(0))


def _ternary_steps(section: Section, is_event: bool) -> tuple[Step, ...]:
    return section.steps(default=TERNARY)


def _recency_steps(section: Section, is_event: bool) -> tuple[Step, ...]:
    steps = section.steps(default=RECENCY)
    edges = [step.edge for step in steps if step.compare != Compare.ELSE]
    if not section.broken and not edges:
        section.problem("steps", "recency needs an edge: the last one is its window")
    if any(not (1 <= edge <= DAYS_A_YEAR and edge == int(edge)) for edge in edges if edge == edge):
        section.problem("steps", f"edges of recency must be whole days from 1 to {DAYS_A_YEAR}")
    return steps


def _window(section: Section) -> tuple[int, int]:
    """Days of a trailing window of day grain, and how many of them must be observed."""
    days = section.whole("days", DAYS_KEPT, at_least=1, at_most=DAYS_KEPT)
    min_days = section.whole("min_days", 20, at_least=1)
    if days and min_days > days:
        section.problem("min_days", f"may not exceed days: {min_days} of {days}")
    return days, min_days


def _error(section: Section, metrics: Metrics) -> ErrorOptions:
    metric = metrics.named(section, "metric", DAILY)
    rate = section.number("rate", at_least=0) if section.has("rate") else None
    per = metrics.named(section, "per", DAILY[:1]) if section.has("per") else None
    if (rate is None) != (per is None):
        section.problem("rate" if rate is None else "per", "rate and per go together")
    if rate is not None and section.has("tolerance"):
        section.problem("tolerance", "tolerance and rate cannot go together")
    tolerance = section.number("tolerance", 0, at_least=0)
    days, min_days = _window(section)
    return ErrorOptions(metric, tolerance, rate, per, section.flag("streak"), days, min_days)


def _performance(section: Section, metrics: Metrics) -> PerformanceOptions:
    metric = metrics.named(section, "metric", DAILY[1:])
    curve = section.choice("curve", Curve)
    low, high = 0.0, 0.0
    steps: tuple[Step, ...] = ()
    if curve == Curve.LOGNORMAL:
        low, high = section.number("p10", more_than=0), section.number("median", more_than=0)
        if low >= high:
            section.problem("p10", f"must be less than the median: {low:g} and {high:g}")
    elif curve == Curve.LINEAR:
        low, high = _line(section)
    else:
        steps = section.steps()
    return PerformanceOptions(
        metric, curve, low, high, steps, section.whole("min_days", 10, at_least=1, at_most=28)
    )


def _line(section: Section) -> tuple[float, float]:
    good, poor = section.number("good"), section.number("poor")
    if good == poor:
        section.problem("good", f"good and poor must differ: both are {good:g}")
    return good, poor


def _config(section: Section, metrics: Metrics) -> ConfigOptions:
    entries = section.sections("settings", "metric")
    unique(entries, "metric")
    if not entries:
        section.problem("settings", "must hold at least one setting")
    return ConfigOptions(tuple(_setting(entry, metrics) for entry in entries))


def _setting(entry: Section, metrics: Metrics) -> Setting:
    metric, risk = metrics.named(entry, "metric", STOCKS), entry.one_of("risk", RISKS)
    worst = entry.number("worst") if entry.has("worst") else None
    best = entry.number("best") if entry.has("best") else None
    if (worst is None) != (best is None):
        entry.problem("worst" if worst is None else "best", "worst and best go together")
    elif worst is not None and worst == best:
        entry.problem("best", f"worst and best must differ: both are {worst:g}")
    preview = entry.flag("preview")
    entry.finish()
    return Setting(metric, risk, worst, best, preview)


def _deduction(section: Section, metrics: Metrics) -> DeductionOptions:
    entries = section.sections("deductions", "metric")
    unique(entries, "metric")
    if not entries:
        section.problem("deductions", "must hold at least one deduction")
    deductions = tuple(_one_deduction(entry, metrics) for entry in entries)
    return DeductionOptions(deductions, *_window(section))


def _one_deduction(entry: Section, metrics: Metrics) -> Deduction:
    metric = metrics.named(entry, "metric", (*MONTHLY, DAILY[0]))
    severity = entry.one_of("severity", SEVERITIES) if entry.has("severity") else ""
    points = entry.number("points", SEVERITIES.get(severity), more_than=0, at_most=100)
    cap = entry.number("cap", 100, more_than=0, at_most=100)
    entry.finish()
    return Deduction(metric, severity, points, cap)


def _steps(section: Section, metrics: Metrics) -> StepsOptions:
    return StepsOptions(metrics.named(section, "metric", NUMBERS), section.steps())


def _linear(section: Section, metrics: Metrics) -> LinearOptions:
    return LinearOptions(metrics.named(section, "metric", NUMBERS), *_line(section))


READERS: Mapping[str, Callable[[Section, Metrics], Options]] = {
    "ratio": _ratio,
    "growth": _growth,
    "indicator": _indicator,
    "error": _error,
    "performance": _performance,
    "config": _config,
    "deduction": _deduction,
    "steps": _steps,
    "linear": _linear,
}
