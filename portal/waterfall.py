"""From one level to another in steps: geometry of a server-drawn waterfall. Plain numbers in, no words."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.charts import Tick, axis_text

ROOM = 0.62  # of a column: the rest keeps neighbors apart
MARGIN = 0.18  # of the range above and below: labels stand there
LEAST = 2.0  # points that the range spans: below that a trifle would look like a fall


@dataclass(frozen=True)
class Bar:
    """One column: a level at an end, or a step from where the one before ended. All but tone in percent."""

    tone: str  # healthy up, act down, none for an end or for no change
    x: str
    width: str
    y: str
    height: str
    middle: str
    text: str
    text_y: str
    label: str


@dataclass(frozen=True)
class Join:
    """A dashed line that carries a level over to the next column."""

    x1: str
    x2: str
    y: str


@dataclass(frozen=True)
class Waterfall:
    """Columns from left to right, what joins them, and the axis."""

    bars: tuple[Bar, ...]
    joins: tuple[Join, ...]
    up: tuple[Tick, ...]


def waterfall(
    first: tuple[str, float, str], steps: Sequence[tuple[str, float, str]], last: tuple[str, float, str]
) -> Waterfall:
    """The columns of a change.

    shapes  first, steps, last: (label, points, text); the steps lead from the first to the last
    """
    levels = [first[1]]
    for _, change, _ in steps:
        levels.append(levels[-1] + change)
    low, high = min(*levels, last[1]), max(*levels, last[1])
    spread = max(high - low, LEAST)
    middle = (low + high) / 2
    bottom, top = middle - spread * (0.5 + MARGIN), middle + spread * (0.5 + MARGIN)
    count = len(steps) + 2

    def down(value: float) -> float:
        return 100 * (top - value) / (top - bottom)

    def column(at: int, label: str, one: float, other: float, text: str, tone: str) -> Bar:
        centre = 100 * (at + 0.5) / count
        upper, lower = down(max(one, other)), down(min(one, other))
        return Bar(
            tone=tone,
            x=_percent(centre - 50 * ROOM / count),
            width=_percent(100 * ROOM / count),
            y=_percent(upper),
            height=_percent(max(lower - upper, 0)),
            middle=_percent(centre),
            text=text,
            text_y=_percent(upper),
            label=label,
        )

    bars = [column(0, first[0], first[1], first[1], first[2], "end")]
    for at, (label, change, text) in enumerate(steps):
        tone = "healthy" if change > 0 else "act" if change < 0 else "none"
        bars.append(column(at + 1, label, levels[at], levels[at + 1], text, tone))
    bars.append(column(count - 1, last[0], last[1], last[1], last[2], "end"))
    joins = tuple(
        Join(
            _percent(100 * (at + 0.5 + ROOM / 2) / count),
            _percent(100 * (at + 1.5 - ROOM / 2) / count),
            _percent(down(level)),
        )
        for at, level in enumerate(levels)
    )
    return Waterfall(
        tuple(bars), joins, tuple(Tick(_percent(down(at)), axis_text(at)) for at in _round(bottom, top))
    )


def _round(low: float, high: float) -> list[float]:
    """A few round numbers inside a range."""
    for step in (0.5, 1, 2, 5, 10, 20, 50):
        first = -(-low // step)
        found = [step * (first + count) for count in range(int((high - step * first) // step) + 1)]
        if len(found) <= 5:
            return found
    return []


def _percent(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"
