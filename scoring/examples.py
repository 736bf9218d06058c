"""Worked examples: made-up numbers of one organization, scored by the engine itself whenever they are shown.

Nothing here is typed that the engine can say: only the numbers that go in. Never published, never stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from scoring import engine, sheets
from scoring.engine import Flag, Grain, Nature, Panel, Scorecard, State
from scoring.engine.panel import DAYS_A_MONTH
from scoring.read import Reading

DAY = date(2026, 11, 21)
KINDS = Path(__file__).resolve().parent / "examples.toml"

type Numbers = Mapping[str, Mapping[date, float]]


@dataclass(frozen=True)
class RollUp:
    """Three equal categories, one of them below its floor, and the overall score they make."""

    parts: tuple[Reading, ...]
    overall: Reading


# ---------- the kinds ----------


def kinds() -> Mapping[str, tuple[Reading, ...]]:
    """The examples of each kind, scored now, with what went into them."""
    card = scorecard()
    readings = _scored(card, numbers())
    found: dict[str, list[Reading]] = {}
    for signal in card.signals:
        found.setdefault(str(signal.kind), []).append(readings[signal.key])
    return {kind: tuple(examples) for kind, examples in found.items()}


@cache
def scorecard() -> Scorecard:
    """The made-up scorecard of the examples."""
    return engine.parse(KINDS.read_text(encoding="utf-8"))


def numbers() -> Numbers:
    """What goes in: the figures of SCORING §1 to §4 where it has any."""
    month, ago = date(2026, 10, 31), date(2025, 10, 31)
    before = [_months_back(month, back) for back in range(1, 13)]
    last_30 = [DAY - timedelta(days=back) for back in range(30)]
    autumn = [date(2026, 10, 1) + timedelta(days=day) for day in range((DAY - date(2026, 10, 1)).days + 1)]
    silent = last_30[:22]
    now = {
        "activated": 67,
        "purchased": 100,
        "used": 120,
        "entitled": 100,
        "high_met": 1,
        "high_warning": 0.5,
        "medium_met": 1,
        "medium_critical": 0,
        "low_met": 1,
        "informational": 0,
        "utilization": 62,
    }
    return {
        **{key: {DAY: value} for key, value in now.items()},
        "tickets_how_to": {_months_back(month, back): 20 for back in range(3)},
        "tickets": {_months_back(month, back): 100 for back in range(3)},
        "work_orders": {month: 693, **dict.fromkeys(before, 564)},
        "work_orders_weak": {month: 499, **dict.fromkeys(before, 564)},
        "learners": {month: 15, ago: 12},
        "learners_fewer": {month: 13, ago: 15},
        "swarm": {DAY - timedelta(days=9): 1},
        "review": {DAY - timedelta(days=40): 1},
        "meeting": {DAY - timedelta(days=91): 1},
        "errors": {day: float(place in (4, 5, 17)) for place, day in enumerate(last_30)},
        "errors_silent": {day: float(place in (4, 5)) for place, day in enumerate(silent)},
        "requests": dict.fromkeys(autumn, 1000),
        "page_time": dict.fromkeys(autumn, 2000),
        "window": dict.fromkeys(autumn, 0.75),
        "incidents": {day: float(place == 3) for place, day in enumerate(last_30)},
        "answer": {month: 4.25},
    }


def _months_back(month_end: date, back: int) -> date:
    """The last day of the month so many before."""
    index = month_end.year * 12 + month_end.month - back
    return date(index // 12, index % 12 + 1, 1) - timedelta(days=1)


# ---------- the roll-up ----------

ROLL_UP = """
[scorecard]
key = "roll-up"
name = "Overall"
audience = "customer"
"""
# Name, what its known part scores, and the share of its weight that has data (SCORING §5).
CATEGORIES = (
    ("Product Adoption", 72.4, 1.0),
    ("Customer Expertise", 50.0, 0.3),
    ("Technical Health", 81.0, 0.8),
)


def roll_up() -> RollUp:
    """The worked roll-up of SCORING §5: three equal thirds, the second one below its floor."""
    card = _roll_up_card()
    readings = _scored(card, {f"known-{at}": {DAY: points} for at, (_, points, _) in enumerate(CATEGORIES)})
    return RollUp(tuple(readings[category.key] for category in card.categories), readings["overall"])


@cache
def _roll_up_card() -> Scorecard:
    text = ROLL_UP
    for at, (name, _, share) in enumerate(CATEGORIES):
        key = f"c{at}"
        text += f'[[category]]\nkey = "{key}"\nname = "{name}"\nweight = 1\n'
        text += f'[[category.subcategory]]\nkey = "all"\nname = "{name}"\n'
        text += _part(f"known-{at}", key, share) + (
            _part(f"silent-{at}", key, 1 - share) if share < 1 else ""
        )
    return engine.parse(text)


def _part(key: str, category: str, weight: float) -> str:
    """A signal that scores the number it is given."""
    return (
        f'[[metric]]\nkey = "{key}"\nunit = "points"\n'
        f'nature = "stock"\ngrain = "month"\ncadence = "monthly"\n'
        f'[[signal]]\nkey = "{key}"\nname = "{key}"\ncategory = "{category}"\nsubcategory = "all"\n'
        f'weight = {weight:.1f}\ndefinition = "d"\nformula = "f"\nreading = "r"\n'
        f'kind = "linear"\nmetric = "{key}"\ngood = 100\npoor = 0\n'
    )


# ---------- scored as a night would ----------


def _scored(card: Scorecard, given: Numbers) -> Mapping[str, Reading]:
    scores = engine.score(card, _panel(card, given), explain=True)
    points, lower, upper = (engine.canonical(each[0]) for each in (scores.points, scores.lower, scores.upper))
    readings = {}
    for at, node in enumerate(card.nodes):
        known, coverage = sheets.known(int(points[at])), float(scores.coverage[0, at])
        inputs = (scores.inputs or {}).get(node.id, {})
        readings[node.id] = Reading(
            node=node.id,
            level=node.level,
            name=node.name,
            definition=node.definition,
            mark="",
            points=known,
            whole=None if known is None else engine.shown(known),
            band=None if known is None else card.band(known),
            state=State(int(scores.state[0, at])),
            coverage=None if np.isnan(coverage) else coverage,
            lower=sheets.known(int(lower[at])),
            upper=sheets.known(int(upper[at])),
            weight=node.weight,
            share=None,
            contribution=None,
            signal=node.signal,
            inputs={name: None if np.isnan(value[0]) else float(value[0]) for name, value in inputs.items()},
            flags=Flag(int(scores.flags[0, at])),
        )
    return readings


def _panel(card: Scorecard, given: Numbers) -> Panel:
    """The numbers as a night packs them."""
    daily = [metric.key for metric in card.metrics if metric.grain == Grain.DAY]
    monthly = [metric for metric in card.metrics if metric.grain != Grain.DAY]
    places = {metric.key: 2 * at for at, metric in enumerate(monthly)}
    slots = np.full((1, card.months, 2 * len(monthly)), np.nan)
    days = np.full((1, 2, DAYS_A_MONTH * len(daily)), np.nan)
    for key, by_day in given.items():
        for when, number in by_day.items():
            back = (DAY.year - when.year) * 12 + DAY.month - when.month
            if key in daily:
                days[0, -1 - back, DAYS_A_MONTH * daily.index(key) + when.day - 1] = number
                continue
            row, slot = slots[0, -1 - back], places[key]
            nature = card.metric(key).nature
            row[slot] = 2.0 ** (when.day - 1) if nature == Nature.EVENT else number
            if nature == Nature.STOCK:
                row[slot + 1] = when.day
    return Panel(
        day=DAY,
        organizations=np.arange(1),
        slots=slots,
        month_slots=places,
        days=days,
        day_slots={key: at for at, key in enumerate(daily)},
        products=(),
        owned=np.ones((1, 0), bool),
        age_days=np.array([1000.0]),
        contract_started=np.array([np.nan]),
    )
