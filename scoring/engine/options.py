"""The options of each kind of signal, as values with every default filled in."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

RISKS: Mapping[str, float] = {"high": 3, "medium": 2, "low": 1, "informational": 0}
SEVERITIES: Mapping[str, float] = {"critical": 20, "high": 12, "medium": 6, "low": 2}


class Variant(StrEnum):
    """What growth is measured against."""

    AVG12 = "avg12"
    YOY = "yoy"
    QUARTER = "quarter"


class Form(StrEnum):
    """What an indicator looks at: whether, how often, or how long ago."""

    BINARY = "binary"
    TERNARY = "ternary"
    RECENCY = "recency"


class Curve(StrEnum):
    """What turns an average into points."""

    LOGNORMAL = "lognormal"
    LINEAR = "linear"
    STEPS = "steps"


class Compare(StrEnum):
    """On which side of its edge a step applies."""

    AT_LEAST = "at_least"
    MORE_THAN = "more_than"
    AT_MOST = "at_most"
    LESS_THAN = "less_than"
    ELSE = "else"


TAKES: Mapping[Compare, Callable[[Any, float], Any]] = {
    Compare.AT_LEAST: operator.ge,
    Compare.MORE_THAN: operator.gt,
    Compare.AT_MOST: operator.le,
    Compare.LESS_THAN: operator.lt,
    Compare.ELSE: lambda value, edge: value == value,  # every number; NaN is not equal to itself
}


@dataclass(frozen=True)
class Step:
    """Points for values on one side of an edge; the last of a list has no edge."""

    points: float
    compare: Compare = Compare.ELSE
    edge: float = 0.0

    def takes(self, value: float) -> bool:
        return bool(TAKES[self.compare](value, self.edge))


@dataclass(frozen=True)
class RatioOptions:
    """A share of two metrics."""

    numerator: str
    denominator: str
    months: int | None  # None: two stocks, newest values
    inverse: bool
    target: float


@dataclass(frozen=True)
class GrowthOptions:
    """A metric against its own past."""

    metric: str
    variant: Variant
    per: str | None
    base_shift: float


@dataclass(frozen=True)
class IndicatorOptions:
    """Whether, how often or how long ago."""

    form: Form
    metric: str
    days: int  # window of an event; 0 for a stock
    steps: tuple[Step, ...]  # of the count, the days since, or the stock
    absence_is_zero: bool


@dataclass(frozen=True)
class ErrorOptions:
    """Days without errors; clean is up to `tolerance`, or up to `rate` x `per`."""

    metric: str
    tolerance: float
    rate: float | None
    per: str | None
    streak: bool
    days: int
    min_days: int


@dataclass(frozen=True)
class PerformanceOptions:
    """A monthly average through a curve."""

    metric: str
    curve: Curve
    low: float  # p10 or good
    high: float  # median or poor
    steps: tuple[Step, ...]
    min_days: int


@dataclass(frozen=True)
class Setting:
    """One setting of a baseline; worst and best are None where the value itself is 0 to 1."""

    metric: str
    risk: str
    worst: float | None
    best: float | None
    preview: bool

    @property
    def weight(self) -> float:
        return 0.0 if self.preview else RISKS[self.risk]


@dataclass(frozen=True)
class ConfigOptions:
    """Settings against a baseline."""

    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Deduction:
    """Points taken for each of what a metric counts, up to a cap."""

    metric: str
    severity: str
    points: float
    cap: float


@dataclass(frozen=True)
class DeductionOptions:
    """100 less what was counted in the last `days`."""

    deductions: tuple[Deduction, ...]
    days: int
    min_days: int


@dataclass(frozen=True)
class StepsOptions:
    """A number by steps."""

    metric: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class LinearOptions:
    """A number on a line from poor to good."""

    metric: str
    good: float
    poor: float


type Options = (
    RatioOptions
    | GrowthOptions
    | IndicatorOptions
    | ErrorOptions
    | PerformanceOptions
    | ConfigOptions
    | DeductionOptions
    | StepsOptions
    | LinearOptions
)


def metrics_named(options: Options) -> tuple[str, ...]:
    """Every metric that options name, in their order."""
    names: list[str | None]
    match options:
        case RatioOptions(numerator=numerator, denominator=denominator):
            names = [numerator, denominator]
        case GrowthOptions(metric=metric, per=per) | ErrorOptions(metric=metric, per=per):
            names = [metric, per]
        case ConfigOptions(settings=settings):
            names = [setting.metric for setting in settings]
        case DeductionOptions(deductions=deductions):
            names = [deduction.metric for deduction in deductions]
        case _:
            names = [options.metric]
    return tuple(dict.fromkeys(name for name in names if name))
