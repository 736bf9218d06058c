"""Where a score would go: the past, a plan step by step, and nothing done. Geometry only, as charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal import charts

BEFORE = timedelta(days=120)  # of the past that is drawn
AFTER = timedelta(days=21)  # room behind the last day for the label of the line


@dataclass(frozen=True)
class Pin:
    """A numbered step on the line of the plan."""

    number: int
    x: str
    y: str


@dataclass(frozen=True)
class Upright:
    """A day that stands across the whole plot."""

    x: str
    text: str
    anchor: str
    is_dashed: bool


@dataclass(frozen=True)
class Figure:
    """The plot, and what stands on it."""

    plot: charts.Plot
    pins: tuple[Pin, ...]
    uprights: tuple[Upright, ...]


def figure(
    past: Sequence[tuple[date, float | None]],
    steps: Sequence[tuple[date, float]],
    today: date,
    by: date | None,
    *,
    by_text: str = "",
) -> Figure | None:
    """The past, the plan as stairs from today on, and the level of today.

    shapes  past: (day, points), oldest first; steps: (day, points after it), in order
    returns None without a number today
    """
    now = next((value for _, value in reversed(past) if value is not None), None)
    if now is None:
        return None
    first = today - BEFORE
    last = max([today + timedelta(days=60), *[day for day, _ in steps], *([by] if by else [])]) + AFTER
    stairs: list[tuple[date, float | None]] = [(today, now)]
    for day, points in steps:
        stairs += [(day, stairs[-1][1]), (day, points)]
    stairs.append((last, stairs[-1][1]))
    series: list[tuple[str, Sequence[tuple[date, float | None]]]] = [
        ("plan", stairs),
        ("all", [(day, value) for day, value in past if day >= first]),
        ("none", [(today, now), (last, now)]),
    ]
    plot = charts.trend(series, first, last, text=lambda value: f"{round(value)}")
    scale = charts.scale_of([value for _, line in series for _, value in line if value is not None])
    days = (last - first).days

    def across(day: date) -> str:
        return f"{100 * (day - first).days / days:.2f}%"

    pins = tuple(
        Pin(number, across(day), f"{scale.down(points):.2f}%")
        for number, (day, points) in enumerate(steps, start=1)
    )
    uprights = [Upright(across(today), "Today", "end", is_dashed=False)]
    if by:
        uprights.append(Upright(across(by), by_text, "end", is_dashed=True))
    return Figure(plot, pins, tuple(uprights))
