"""What stands beside the lines of a plot over days: pins of events, provisional stretches, rings.

Plain days in, places in percent out, as in portal.charts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from string import ascii_uppercase

from portal.charts import Scale

SHARED = 3.5  # percent of the width: pins closer than that are one
LEVELS = 2  # neighbors stand one above the other
HIGH, LOW = -16, 4


@dataclass(frozen=True)
class Pin:
    """A letter above the plot with a line down to its day."""

    letter: str
    x: str
    y: int
    top: int  # where its line begins


@dataclass(frozen=True)
class Ring:
    """A circle around a point of the main line."""

    x: str
    y: str


@dataclass(frozen=True)
class Beside:
    """Everything beside the lines."""

    pins: tuple[Pin, ...] = ()
    spans: tuple[tuple[str, str], ...] = ()  # x, width
    rings: tuple[Ring, ...] = ()


def letter(number: int) -> str:
    """A to Z, then AA, AB …: the name of a pin."""
    rest, last = divmod(number, len(ascii_uppercase))
    return (letter(rest - 1) if rest else "") + ascii_uppercase[last]


def pinned(days: Sequence[date], first: date, last: date) -> tuple[list[str], tuple[Pin, ...]]:
    """The letter of each of these days, which come in order, and the pins that carry the letters."""
    letters: list[str] = []
    pins: list[Pin] = []
    at: float | None = None
    for day in days:
        x = _across(day, first, last)
        if at is None or x - at >= SHARED:
            at = x
            y = LOW if len(pins) % LEVELS == 0 else HIGH
            pins.append(Pin(letter(len(pins)), _percent(x), y, y + 9))
        letters.append(pins[-1].letter)
    return letters, tuple(pins)


def spans(stretches: Iterable[tuple[date, date]], first: date, last: date) -> tuple[tuple[str, str], ...]:
    """Where stretches of days lie; one of a single day is still seen."""
    found = []
    for begins, ends in stretches:
        x, end = _across(begins, first, last), _across(ends, first, last)
        found.append((_percent(min(x, 99.5)), _percent(max(end - x, 0.5))))
    return tuple(found)


def rings(
    points: Iterable[tuple[date, float | None]], scale: Scale, first: date, last: date
) -> tuple[Ring, ...]:
    """Circles around these points."""
    return tuple(
        Ring(_percent(_across(day, first, last)), _percent(scale.down(value)))
        for day, value in points
        if value is not None
    )


def _across(day: date, first: date, last: date) -> float:
    return 100 * (day - first).days / max((last - first).days, 1)


def _percent(value: float) -> str:
    return f"{value:.2f}%"
