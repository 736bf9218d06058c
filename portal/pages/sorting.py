"""The columns of a list that can be sorted: as links, kept in the address, by the server."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.http import urlencode


@dataclass(frozen=True)
class Column:
    """The head of one column; without an address it cannot be sorted by."""

    text: str
    href: str = ""
    sorted: str = ""  # ascending, descending, or nothing
    is_number: bool = False
    is_hidden: bool = False  # there for who cannot see that the column holds buttons


@dataclass(frozen=True)
class Sort:
    """By what, and whether the largest comes first."""

    key: str
    is_down: bool

    @property
    def text(self) -> str:
        return f"-{self.key}" if self.is_down else self.key


def asked_sort(text: str, known: Mapping[str, object], default: str) -> Sort | None:
    """What the address asks for, the default if nothing; None for a column that is not there."""
    text = text or default
    key = text.removeprefix("-")
    return Sort(key, text.startswith("-")) if key in known else None


def head(
    text: str, key: str, now: Sort | None, kept: Mapping[str, str], *, is_number: bool = False
) -> Column:
    """The head of a column: sorts by it, the other way round if it does already; numbers begin large."""
    is_here = now is not None and now.key == key
    is_down = not now.is_down if now and is_here else is_number
    href = "?" + urlencode({**kept, "sort": f"-{key}" if is_down else key})
    way = ("descending" if now.is_down else "ascending") if now and is_here else ""
    return Column(text, href, way, is_number)
