"""A table that can leave the house: named columns of one kind each, and where its numbers come from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum

from accounts.rows.cells import Cell

FIRST_DAY = date(1900, 3, 1)  # a spreadsheet counts the days before it wrongly


class Kind(Enum):
    """What a column holds; a spreadsheet's number format and the width of the column."""

    TEXT = ("", 18)
    NAME = ("", 36)
    DAY = ("yyyy-mm-dd", 12)
    COUNT = ("0", 10)
    POINTS = ("0.00", 11)  # 0 to 100
    SHARE = ("0.0000", 11)  # 0 to 1
    NUMBER = ("General", 14)  # in the unit that the row or the heading names

    def __init__(self, form: str, width: int) -> None:
        self.form = form
        self.width = width


@dataclass(frozen=True)
class Column:
    """A heading, what stands below it and in which unit."""

    name: str
    kind: Kind = Kind.TEXT
    unit: str = ""

    @property
    def heading(self) -> str:
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True)
class Table:
    """Rows below columns; the same as a CSV file and as a sheet."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Book:
    """Tables of one origin, and what a reader must know of it: organization, scorecard version, data date."""

    title: str
    about: Sequence[tuple[str, Cell]]
    tables: Sequence[Table] = field(default_factory=tuple)


def points(hundredths: int | None) -> Decimal | None:
    """61.44: points as receipts and JSON carry them, not as a page rounds them."""
    return None if hundredths is None else Decimal(hundredths).scaleb(-2)


def ratio(fraction: float | None) -> Decimal | None:
    """0.9714: to four places."""
    return None if fraction is None else Decimal(f"{fraction:.4f}")


def number(value: float | None) -> Decimal | None:
    """A measured number, whole where it is."""
    if value is None:
        return None
    return Decimal(int(value)) if float(value).is_integer() else Decimal(repr(float(value)))


def month_day(index: float) -> date:
    """The last day of a month, from the engine's count of months (year × 12 + month − 1)."""
    following = int(index) + 1
    return date(following // 12, following % 12 + 1, 1) - timedelta(days=1)
