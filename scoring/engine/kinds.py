"""How each kind of signal becomes points: the table of kinds. A new kind is a function and a line here."""

from collections.abc import Callable, Mapping
from typing import Any

from scoring.engine.daily import error, performance
from scoring.engine.generic import config, deduction, linear, steps
from scoring.engine.growth import growth
from scoring.engine.indicator import indicator
from scoring.engine.panel import Panel
from scoring.engine.ratio import ratio
from scoring.engine.scorecard import Metric
from scoring.engine.states import Outcome

KINDS: Mapping[str, Callable[[Any, Mapping[str, Metric], Panel], Outcome]] = {
    "ratio": ratio,
    "growth": growth,
    "indicator": indicator,
    "error": error,
    "performance": performance,
    "config": config,
    "deduction": deduction,
    "steps": steps,
    "linear": linear,
}
