"""Reads the tables of a file and notes every problem with its path; knows values, not scorecards."""

import math
import re
import sys
from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise
from typing import Any

from scoring.engine.options import Compare, Step

KEY = re.compile(r"[a-z0-9][a-z0-9._-]*")
EDGES = tuple(compare for compare in Compare if compare != Compare.ELSE)


class Section:
    """One table of the file, read key by key.

    Every reading method returns a value of its type even after a problem, so that the rest is still checked;
    the value is never used, because a file with a problem gives no scorecard.
    """

    def __init__(self, table: dict[str, Any], path: str, problems: list[tuple[str, str]]) -> None:
        self.table = table
        self.path = path
        self.problems = problems
        self.broken = False
        self.unread = set(table)

    def problem(self, key: str, message: str) -> None:
        self.broken = True
        self.problems.append((".".join(filter(None, (self.path, key))), message))

    def has(self, key: str) -> bool:
        return key in self.table

    def skip(self, *keys: str) -> None:
        """Leave keys alone that cannot be judged."""
        self.unread.difference_update(keys)

    def finish(self) -> None:
        """Note every key that nobody asked for."""
        for key in self.table:
            if key in self.unread:
                self.problem(key, "unknown key")

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default)
        if isinstance(value, str) and (value.strip() or value == default):
            return value
        return self._refuse(key, value, "must be a text", "")

    def optional(self, key: str) -> str | None:
        return self.text(key) if self.has(key) else None

    def key(self, default: str | None = None) -> str:
        value = self.text("key", default)
        if value and not KEY.fullmatch(value):
            self.problem("key", f"must be of lower-case letters, digits and . _ -, not {value!r}")
        return value

    def number(
        self,
        key: str,
        default: float | None = None,
        *,
        more_than: float = -math.inf,
        at_least: float = -math.inf,
        at_most: float = math.inf,
    ) -> float:
        value = self._take(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not abs(value) <= sys.float_info.max
        ):
            return self._refuse(key, value, "must be a finite number", math.nan)
        if value <= more_than:
            return self._refuse(key, value, f"must be greater than {more_than:g}", math.nan)
        if value < at_least:
            return self._refuse(key, value, f"must be at least {at_least:g}", math.nan)
        if value > at_most:
            return self._refuse(key, value, f"must be at most {at_most:g}", math.nan)
        return float(value)

    def whole(
        self, key: str, default: int | None = None, *, at_least: float = -math.inf, at_most: float = math.inf
    ) -> int:
        value = self.number(key, default, at_least=at_least, at_most=at_most)
        if math.isnan(value):
            return 0
        if not value.is_integer():
            return self._refuse(key, value, "must be a whole number", 0)
        return int(value)

    def flag(self, key: str) -> bool:
        value = self._take(key, False)
        return value if isinstance(value, bool) else self._refuse(key, value, "must be true or false", False)

    def one_of(self, key: str, names: Iterable[str], default: str | None = None) -> str:
        value, names = self._take(key, default), list(names)
        if isinstance(value, str) and value in names:
            return value
        return self._refuse(key, value, f"must be one of {', '.join(names)}", names[0])

    def choice[E: StrEnum](self, key: str, choices: type[E]) -> E:
        return choices(self.one_of(key, [choice.value for choice in choices]))

    def sections(self, key: str, name: str = "key") -> list["Section"]:
        """The tables of a list; `name` is the key whose text names one of them in a path."""
        tables = self._take(key, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            return self._refuse(key, tables, "must be a list of tables", [])
        return [
            Section(table, self._path_of(f"{key}[{place}]", table.get(name)), self.problems)
            for place, table in enumerate(tables, start=1)
        ]

    def steps(self, key: str = "steps", default: tuple[Step, ...] | None = None) -> tuple[Step, ...]:
        """Points by value, tried in order; the last entry, and only it, has no edge."""
        if default is not None and not self.has(key):
            return default
        if not self.has(key):
            return self._refuse(key, None, "is missing", ())
        entries = self.sections(key)
        steps = tuple(_step(entry, is_last=entry is entries[-1]) for entry in entries)
        if not steps:
            self.problem(key, "must hold at least one step")
        if steps and not any(entry.broken for entry in entries):
            for place in sorted(set(range(len(steps))) - _reachable(steps)):
                entries[place].problem("", "can never be reached: the steps before it take every such value")
        self.broken = self.broken or any(entry.broken for entry in entries)
        return steps

    def _path_of(self, place: str, name: object) -> str:
        named = f'{place} "{name}"' if isinstance(name, str) else place
        return f"{self.path}.{named}" if self.path else named

    def _take(self, key: str, default: object) -> Any:
        self.unread.discard(key)
        return self.table.get(key, default)

    def _refuse[T](self, key: str, value: object, rule: str, fallback: T) -> T:
        missing = key not in self.table
        self.problem(key, "is missing" if missing else f"{rule}, not {value!r}")
        return fallback


def unique(sections: list[Section], key: str = "key") -> None:
    """Note every section whose key an earlier one has."""
    seen: set[object] = set()
    for section in sections:
        value = section.table.get(key)
        if not isinstance(value, str):
            continue
        if value in seen:
            section.problem(key, f"{value!r} is there twice")
        seen.add(value)


def _step(entry: Section, *, is_last: bool) -> Step:
    points = entry.number("points", at_least=0, at_most=100)
    edges = [compare for compare in EDGES if entry.has(compare)]
    if is_last and edges:
        entry.problem(edges[0], "the last step must have no edge, so that every value has points")
    elif not is_last and len(edges) != 1:
        entry.problem("", f"needs exactly one edge of {', '.join(EDGES)}")
    values = [entry.number(edge) for edge in edges]
    entry.finish()
    return Step(points, edges[0], values[0]) if edges else Step(points)


def _reachable(steps: tuple[Step, ...]) -> set[int]:
    """The places of steps that some number reaches: tried on every edge and between all of them."""
    edges = sorted({step.edge for step in steps[:-1]})
    between = [(low + high) / 2 for low, high in pairwise(edges)]
    tries = [-math.inf, *edges, *between, math.inf]
    return {next(place for place, step in enumerate(steps) if step.takes(value)) for value in tries}
