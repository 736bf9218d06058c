"""Effort against expected gain, as geometry and text: quick wins above on the left, larger work beyond."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portal.pages.actions.rows import worked
from portal.templatetags.scores import change, plural, points
from recommendations.finding import QUICK_DAYS, QUICK_GAIN

LEAST, MOST = 0.5, 40.0  # days of work, as far as the scale goes
DAYS = (1, 2, 5, 10, 20, 40)
EVERY = (0.1, 0.2, 0.5, 1, 2, 5)  # points between two lines
MOST_LINES = 5
LABELED = 6
CUT = 26  # characters of a label
WIDE, LINE = 32.0, 4.5  # percent of the figure that a label takes
HALF = 60.0  # from here on labels stand to the left


@dataclass(frozen=True)
class Dot:
    """One open action; its label stands beside it, if it has one."""

    x: str
    y: str
    mark: str
    label: str
    anchor: str
    dx: int


@dataclass(frozen=True)
class Tick:
    """A line or a number of an axis."""

    at: str
    text: str


@dataclass(frozen=True)
class Quadrant:
    """The figure and what it says."""

    dots: list[Dot]
    up: list[Tick]
    across: list[Tick]
    zone_x: str
    zone_y: str
    label: str
    finding: str
    columns: tuple[str, ...]
    rows: list[tuple[str, list[str]]]


@dataclass(frozen=True)
class Placed:
    """What the figure is made of: title, category mark, days of work, gain in hundredths of a point."""

    title: str
    mark: str
    days: Decimal
    gain: int


def quadrant(found: Sequence[Placed]) -> Quadrant | None:
    """The figure of these; None without any."""
    if not found:
        return None
    top = max(1.0, *(each.gain / 100 for each in found)) * 1.15
    step = next((each for each in EVERY if top / each <= MOST_LINES), EVERY[-1])
    ranked = sorted(found, key=lambda each: (-each.gain, each.days))
    places = [(across(float(each.days)), up(each.gain / 100, top)) for each in ranked]
    boxes: list[tuple[float, float, float]] = []  # left, right and height of the labels
    dots = []
    for each, (x, y) in zip(ranked, places, strict=True):
        is_left = x > HALF
        box = (x - WIDE, x - 1, y) if is_left else (x + 1, x + WIDE, y)
        is_free = len(boxes) < LABELED and not any(_overlaps(box, other) for other in boxes)
        is_free = is_free and not any(box[0] < a < box[1] and abs(b - y) < LINE for a, b in places)
        label = ""
        if is_free:
            boxes.append(box)
            label = each.title if len(each.title) <= CUT else f"{each.title[: CUT - 1].rstrip()}…"
        anchor, dx = ("end", -10) if is_left else ("start", 10)
        dots.append(Dot(percent(x), percent(y), each.mark, label, anchor, dx))
    quick = [each for each in found if each.days <= QUICK_DAYS and each.gain >= QUICK_GAIN]
    return Quadrant(
        dots=dots,
        up=[Tick(percent(up(n * step, top)), f"{n * step:g}") for n in range(math.floor(top / step) + 1)],
        across=[Tick(percent(across(each)), str(each)) for each in DAYS if each < MOST],
        zone_x=percent(across(QUICK_DAYS)),
        zone_y=percent(up(QUICK_GAIN / 100, top)),
        label=f"Effort against expected gain of {plural(len(found), 'open action')}. {said(quick, ranked)}",
        finding=said(quick, ranked),
        columns=("Days of work", "Points"),
        rows=[(each.title, [f"{each.days.normalize():f}", change(each.gain)]) for each in ranked],
    )


def _overlaps(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and abs(one[2] - other[2]) < LINE


def said(quick: Sequence[Placed], ranked: Sequence[Placed]) -> str:
    """What the figure shows, in one sentence."""
    if quick:
        days = sum(each.days for each in quick)
        number = plural(len(quick), "quick win")
        verb = "gains" if len(quick) == 1 else "gain"
        brought = points(sum(each.gain for each in quick))
        return f"{number} {verb} {brought} points in {worked(Decimal(days))}, each taken by itself."
    first = ranked[0]
    return f"{first.title} gains most, {points(first.gain)} points for {worked(first.days)}."


def across(days: float) -> float:
    """Percent of the width, on a logarithmic scale."""
    held = min(max(days, LEAST), MOST)
    return 100 * math.log(held / LEAST) / math.log(MOST / LEAST)


def up(points_: float, top: float) -> float:
    """Percent of the height, from above; what loses stands on the line."""
    return 100 - 100 * max(points_, 0) / top


def percent(value: float) -> str:
    return f"{value:.1f}%"
