"""Small scorecards and panels for tests of the engine: written by metric and day, packed as a night does."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from scoring.engine import Declaration, Grain, Metric, Nature, Panel, Scorecard, Scores, State, parse, score

DAY = date(2026, 11, 21)
COMPLETE = date(2000, 1, 1)

Numbers = Mapping[str, Mapping[date, float]]


def metric(key: str, nature: str, grain: str = "month", cadence: str = "monthly", **more: object) -> str:
    """A [[metric]] table; events and days get the grain and cadence they must have."""
    if nature == "event":
        grain = "event"
    if grain == "day":
        cadence = "daily"
    return table("metric", key=key, unit="things", nature=nature, grain=grain, cadence=cadence, **more)


def signal(key: str, kind: str, *, place: str = "use/breadth", **more: object) -> str:
    """A [[signal]] table in a category/subcategory."""
    category, subcategory = place.split("/")
    texts = {"name": key, "definition": "d", "formula": "f", "reading": "r"}
    head = {"key": key, **texts, "category": category, "subcategory": subcategory, "kind": kind}
    return table("signal", **(head | more))


def category(key: str, *subcategories: str, weight: float = 1, weights: Sequence[float] = ()) -> str:
    """A [[category]] table with its subcategories."""
    subs = subcategories or ("breadth",)
    heavy = weights or [1] * len(subs)
    return table("category", key=key, name=key, weight=weight) + "".join(
        table("category.subcategory", key=sub, name=sub, weight=weight)
        for sub, weight in zip(subs, heavy, strict=True)
    )


def card(*tables: str, categories: str | None = None, **head: object) -> str:
    """The text of a scorecard file with one category and one subcategory, unless told otherwise."""
    names = {"key": "small", "name": "Small", "audience": "customer", "bands": "standard"}
    if categories is None:
        head = {"min_categories": 1} | head
        categories = category("use")
    text = "[scorecard]\n" + _lines(names | head) + categories
    return text + "".join(tables)


def table(_name: str, **values: object) -> str:
    return f"[[{_name}]]\n" + _lines(values)


def _lines(values: Mapping[str, object]) -> str:
    return "".join(f"{key} = {toml(value)}\n" for key, value in values.items() if value is not None)


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return f'"{value}"' if isinstance(value, str) else str(value)


def panel(
    scorecard: Scorecard,
    *organizations: Numbers,
    day: date = DAY,
    declared: Mapping[str, Sequence[Declaration]] | None = None,
    owned: Sequence[Sequence[bool]] | None = None,
    age_days: float | Sequence[float] = 1000,
    contract_started: date | None = None,
    exempt: Sequence[Sequence[bool]] | None = None,
    months: int | None = None,
) -> Panel:
    """The packed numbers of organizations, each given as metric -> day -> number."""
    months = months or scorecard.months
    slots, places = _month_places(scorecard)
    daily = [metric.key for metric in scorecard.metrics if metric.grain == Grain.DAY]
    orgs = len(organizations)
    monthly = np.full((orgs, months, slots), np.nan)
    days = np.full((orgs, 3, 31 * len(daily)), np.nan)
    for place, numbers in enumerate(organizations):
        for key, by_day in numbers.items():
            for when, number in sorted(by_day.items()):
                back = (day.year - when.year) * 12 + day.month - when.month
                if key in daily and 0 <= back < 3:
                    days[place, 2 - back, 31 * daily.index(key) + when.day - 1] = number
                elif key not in daily and 0 <= back < months:
                    _pack(monthly[place, months - 1 - back], places[key], scorecard.metric(key), when, number)
    started = np.nan if contract_started is None else contract_started.toordinal()
    return Panel(
        day=day,
        organizations=np.arange(orgs),
        slots=monthly,
        month_slots=places,
        days=days,
        day_slots={key: slot for slot, key in enumerate(daily)},
        declared={key: tuple(windows) for key, windows in (declared or {}).items()},
        products=tuple(product.key for product in scorecard.products),
        owned=np.ones((orgs, len(scorecard.products)), bool) if owned is None else np.array(owned, bool),
        age_days=np.broadcast_to(np.array(age_days, float), (orgs,)).copy(),
        contract_started=np.full(orgs, started),
        exempt=None if exempt is None else np.array(exempt, bool),
    )


def _month_places(scorecard: Scorecard) -> tuple[int, dict[str, int]]:
    width, places = 0, {}
    for each in scorecard.metrics:
        if each.grain != Grain.DAY:
            places[each.key] = width
            width += 2 if each.nature == Nature.STOCK else 1
    return width, places


def _pack(cells: np.ndarray, slot: int, of: Metric, when: date, number: float) -> None:
    if of.nature == Nature.STOCK:
        cells[slot], cells[slot + 1] = number, when.day
    elif of.nature == Nature.EVENT:
        cells[slot] = np.nan_to_num(cells[slot]) + number * 2.0 ** (when.day - 1)
    elif of.nature == Nature.FLOW:
        cells[slot] = np.nan_to_num(cells[slot]) + number
    else:
        cells[slot] = number


def scored(text: str, *organizations: Numbers, explain: bool = True, exemptions: bool = True, **more: object):
    """The Scores of a scorecard text for some organizations."""
    scorecard = parse(text)
    return score(scorecard, panel(scorecard, *organizations, **more), explain=explain, exemptions=exemptions)


def at(text: str, node: str) -> int:
    """The column of a node."""
    return [node.id for node in parse(text).nodes].index(node)


def result(scores: Scores, column: int = 3, organization: int = 0) -> tuple[float, State]:
    """Points to two places and the state of one node; column 3 is the only signal of a small card."""
    points = round(float(scores.points[organization, column]), 2)
    return points, State(scores.state[organization, column])


def month(back: int, day: date = DAY) -> date:
    """The first day of a month some months before that of a day."""
    number = day.year * 12 + day.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def monthly(values: Sequence[float | None], *, newest: int = 1, day: date = DAY) -> dict[date, float]:
    """Numbers of months in a row, the last one `newest` months before the day; None is unknown."""
    start = newest + len(values) - 1
    return {month(start - at, day): value for at, value in enumerate(values) if value is not None}


def daily(values: Sequence[float | None], *, until: date = DAY) -> dict[date, float]:
    """Numbers of days in a row up to a day; None is unknown."""
    start = until - timedelta(len(values) - 1)
    return {start + timedelta(at): value for at, value in enumerate(values) if value is not None}
