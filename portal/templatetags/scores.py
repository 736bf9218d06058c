"""The only formatting of numbers and days: points, changes, shares, quantities, dates.

Points come in as hundredths (SCORING §0). Every filter is also a plain function: pages use the same ones
where a long table wants ready text (RECIPES §6).
"""

import math
from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction

from django import template
from django.utils import timezone

register = template.Library()

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"  # stands where a number would, never a 0
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
ARROW_FROM = 200  # hundredths: below it a change is "steady" (SCORING §6)
LARGE = ((1e9, "bn"), (1e6, "M"))


@register.filter
def points(hundredths: int | None) -> str:
    """73.6: one decimal, for sums and lines."""
    return NOTHING if hundredths is None else f"{_half_even(hundredths, 10) / 10:.1f}"


@register.filter
def exact(hundredths: int | None) -> str:
    """73.62: the canonical value, where rounding itself is shown."""
    return NOTHING if hundredths is None else f"{hundredths / 100:.2f}"


@register.filter
def whole(hundredths: int | None) -> str:
    """74: headlines and signals; half to even from hundredths, as the band is."""
    return NOTHING if hundredths is None else f"{_half_even(hundredths, 100)}"


@register.filter
def change(hundredths: int | None) -> str:
    """+2.6 or −1.3, with a real minus sign; no change is 0.0."""
    if hundredths is None:
        return NOTHING
    tenths = _half_even(hundredths, 10)
    sign = "+" if tenths > 0 else MINUS if tenths < 0 else ""
    return f"{sign}{abs(tenths) / 10:.1f}"


@register.filter
def direction(hundredths: int | None) -> str:
    """up, down, or flat: an arrow only from two points on."""
    if hundredths is None or abs(hundredths) < ARROW_FROM:
        return "flat"
    return "up" if hundredths > 0 else "down"


@register.filter
def percent(fraction: float | None) -> str:
    """40%: a whole percent, never 100% while something is missing nor 0% while something is there."""
    if fraction is None:
        return NOTHING
    number = round(100 * fraction)
    if number == 100 and fraction < 1 - 1e-9:
        number = 99
    if number == 0 and fraction > 1e-9:
        number = 1
    return f"{number}%"


@register.filter
def share(fraction: float | None) -> str:
    """16.3%: a weight to one decimal."""
    return NOTHING if fraction is None else f"{100 * fraction:.1f}%"


@register.filter
def quantity(value: float | None) -> str:
    """1,072 · 563.6 · 4.10 M: a measured number as a table shows it."""
    if value is None or math.isnan(value):
        return NOTHING
    for size, unit in LARGE:
        if abs(value) >= size:
            return f"{_signed(value / size, 2)} {unit}"
    return in_full(value)


@register.filter
def brief(value: float | None) -> str:
    """315 k: at most seven characters, for a label beside a line."""
    if value is not None and 1e5 <= abs(value) < 1e6:
        return f"{_signed(value / 1e3, 0)} k"
    return quantity(value)


@register.filter
def in_full(value: float | None) -> str:
    """4,100,000 · 563.6 · 0.85: the whole number, for details; decimals only where there are some."""
    if value is None or math.isnan(value):
        return NOTHING
    if float(value).is_integer():
        return _signed(value, 0)
    return _signed(value, 1 if abs(value) >= 100 else 2)


@register.filter
def day(when: date | None) -> str:
    """20 Nov 2026."""
    return NOTHING if when is None else f"{when.day} {MONTHS[when.month - 1][:3]} {when.year}"


@register.filter
def moment(when: datetime | None) -> str:
    """20 Nov 2026, 06:00 UTC; in the time zone of whoever reads."""
    if when is None:
        return NOTHING
    local = timezone.localtime(when)
    return f"{day(local)}, {local:%H:%M %Z}"


@register.filter
def month(when: date) -> str:
    """October 2026."""
    return f"{MONTHS[when.month - 1]} {when.year}"


def file_size(size: int) -> str:
    """20 KB, 1.4 MB: how much there is to fetch."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} KB"


def month_of(index: float) -> str:
    """October 2026, from the engine's count of months (year × 12 + month − 1)."""
    return f"{MONTHS[int(index) % 12]} {int(index) // 12}"


def day_of(ordinal: float) -> str:
    """20 Nov 2026, from the engine's ordinal of a day."""
    return day(date.fromordinal(int(ordinal)))


def cut(part: float, of: float) -> str:
    """1.22: a ratio cut to two places, not rounded, so that nobody rounds twice (SCORING §2)."""
    hundredths = math.floor(Fraction(part) * 100 / Fraction(of))
    return f"{hundredths / 100:.2f}"


def plural(number: float, one: str, many: str = "") -> str:
    """1 day, 2 days."""
    return f"{in_full(number)} {one if number == 1 else many or one + 's'}"


def add_up(parts: Sequence[float], total: int) -> list[int]:
    """Whole numbers that add up to the total exactly: largest remainder, earlier parts first on a tie."""
    floors = [math.floor(part + 1e-9) for part in parts]
    missing = total - sum(floors)
    by_remainder = sorted(range(len(parts)), key=lambda i: (floors[i] - parts[i], i))
    for i in by_remainder[: max(missing, 0)]:
        floors[i] += 1
    return floors


def add_up_tenths(hundredths: Sequence[float], total: int) -> list[str]:
    """Parts as they are shown, 25.0 and 18.8, so that what is printed adds up to the printed total."""
    tenths = add_up([part / 10 for part in hundredths], _half_even(total, 10))
    return [f"{part / 10:.1f}" for part in tenths]


def _half_even(number: int, step: int) -> int:
    """Steps in a whole number, half to even, without a float in between."""
    return round(Fraction(number, step))


def _signed(value: float, decimals: int) -> str:
    text = f"{abs(value):,.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 and float(text.replace(",", "")) != 0 else text
