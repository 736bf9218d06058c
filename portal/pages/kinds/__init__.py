"""Each kind of signal in plain words: what it compares, with which inputs, and how they became its points."""

from collections.abc import Callable

from portal.pages.kinds.days import error, indicator, performance
from portal.pages.kinds.months import growth, ratio
from portal.pages.kinds.said import Case, Told
from portal.pages.kinds.values import config, deduction, linear, steps
from scoring.engine import Scorecard, Signal
from scoring.read import Reading

KINDS: dict[str, Callable[..., Told]] = {
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


def rule_of(reading: Reading) -> Signal:
    """The rule of a reading that is known to be a signal's."""
    if reading.signal is None:
        raise ValueError(f"{reading.node} is no signal")
    return reading.signal


def told(card: Scorecard, reading: Reading) -> Told:
    """A signal in words."""
    signal = rule_of(reading)
    case = Case(reading, reading.inputs, card.metric)
    return KINDS[str(signal.kind)](case, signal.options)
