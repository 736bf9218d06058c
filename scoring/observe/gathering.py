"""Lines of a foreign table gathered into observations, as its map says.

They are collected in a private temporary file of SQLite and read back in order, so that the memory stays flat
however the file is sorted, and so that the same lines in another order give the same numbers to the last bit.
"""

import math
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import batched, groupby
from operator import itemgetter
from typing import Any

from accounts.rows import Block, Fault, Table, readable
from scoring.observe.checking import Arrivals, Check, Range, Refused, fitting, to_number
from scoring.observe.days import DayReader
from scoring.observe.maps import Filter, Map, MapMetric, spelling
from scoring.observe.report import Report

# organization, metric (its place in the map), day, stamp, line, what stood there
Part = tuple[int, int, str, str, int, Any]
Test = tuple[int, frozenset[str], bool]  # place of the column, values, whether those are the ones to keep

GATHERED_AT_ONCE = 10_000


def gathered(
    table: Table,
    columns: Sequence[str],
    mapping: Map,
    check: Check,
    report: Report,
    are_corrections: bool,
    progress: Callable[[int, float], None],
) -> Iterator[Arrivals]:
    """First the refused lines, as they are met; then, with the file read, its observations."""
    lines = _Lines(mapping, columns, check)
    with closing(
        sqlite3.connect("", isolation_level=None)
    ) as shelf:  # no name: a file of its own, gone when closed
        shelf.execute("PRAGMA cache_size = -32000")  # kB kept in memory, the rest on disk
        shelf.execute("PRAGMA synchronous = OFF")
        shelf.execute("CREATE TABLE part (organization, metric, day, stamp, line, value)")
        shelf.execute("BEGIN")
        for block in table.blocks(columns):
            parts, faults = lines.read(block, report)
            shelf.executemany("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", parts)
            progress(report.lines, table.share_read)
            yield Arrivals(faults=faults)
        for some in batched(_observations(shelf, lines.metrics, check, report), GATHERED_AT_ONCE):
            arrivals = Arrivals(faults=[one for one in some if isinstance(one, Fault)])
            sound = [one for one in some if not isinstance(one, Fault)]
            (arrivals.corrections if are_corrections else arrivals.plain).extend(sound)
            yield arrivals


class _Lines:
    """Turns lines of the table into parts of observations; a line goes in whole or not at all."""

    def __init__(self, mapping: Map, columns: Sequence[str], check: Check) -> None:
        self.check = check
        self.at = {name: place for place, name in enumerate(columns)}
        self.organization_at = self.at[mapping.organization_column] if mapping.organization_column else None
        self.organization_name = mapping.organization_column or "organization"
        self.organization_value = mapping.organization_value
        self.day = DayReader(mapping.day, self.at, check)
        self.tests = self._tests(mapping.filters)
        self.metrics: list[tuple[MapMetric, Range]] = [
            (metric, check.metrics[metric.key]) for metric in mapping.metrics
        ]
        self.wanted = [
            (
                number,
                metric,
                known,
                self.at[metric.column] if metric.column else None,
                self._tests(metric.filters),
            )
            for number, (metric, known) in enumerate(self.metrics)
        ]

    def _tests(self, filters: Sequence[Filter]) -> list[Test]:
        return [(self.at[column], values, is_kept) for column, values, is_kept in filters]

    def read(self, block: Block, report: Report) -> tuple[list[Part], list[Fault]]:
        """The parts in a block and its refused lines; every line is counted."""
        parts: list[Part] = []
        faults = block.faults
        report.lines += len(block.rows) + len(block.faults)
        for line, text, row in zip(block.lines, block.texts, block.rows, strict=True):
            try:
                found = self._parts(line, row) if passes(row, self.tests) else ()
            except Refused as refused:
                faults.append(Fault(line, refused.reason, refused.field, readable(text)))
                continue
            parts.extend(found)
            if found:
                report.used += 1
            else:
                report.filtered += 1
        report.quarantined += len(faults)
        return parts, faults

    def _parts(self, line: int, row: Sequence[Any]) -> list[Part]:
        name = self.organization_value if self.organization_at is None else row[self.organization_at]
        organization = self.check.organization(name, self.organization_name)
        day, stamp = self.day.read(row)
        parts: list[Part] = []
        for number, metric, known, place, tests in self.wanted:
            cell = row[place] if place is not None else "1"
            # An empty cell says nothing: unknown, not zero.
            if cell is None or cell == "" or not passes(row, tests):
                continue
            if metric.aggregate in ("count", "distinct"):
                parts.append((organization, number, day, stamp, line, spelling(cell)))
            else:
                value = fitting(to_number(cell, metric.column or ""), known, metric.column or "")
                parts.append((organization, number, day, stamp, line, value))
        return parts


def passes(row: Sequence[Any], tests: Sequence[Test]) -> bool:
    """Whether the filters keep this line."""
    return all((spelling(row[place]) in values) is is_kept for place, values, is_kept in tests)


def _observations(
    shelf: sqlite3.Connection, metrics: Sequence[tuple[MapMetric, Range]], check: Check, report: Report
) -> Iterator[Any]:
    """One arrival for each organization, metric and day; a fault for those that cannot be."""
    for number, (metric, known) in enumerate(metrics):
        gather, query = GATHER[metric.aggregate]
        rows = shelf.execute(query, [number])
        for (organization, day), group in groupby(rows, key=itemgetter(0, 1)):
            line, value = gather(group)
            if known.nature == "event" and metric.aggregate == "count":
                value = 1.0  # it happened; how often on that day does not matter
            report.observations += 1
            try:
                value = fitting(value, known, metric.column or "")
            except Refused as refused:
                report.refused_observations += 1
                raw = f"{metric.aggregate} for {metric.key} on {day}: {value!r}"
                yield Fault(line, refused.reason, refused.field, raw)
            else:
                yield organization, known.id, day, line, value


def _sum(group: Iterator[Any]) -> tuple[int, float]:
    line, total, _ = _added(group)
    return line, total


def _mean(group: Iterator[Any]) -> tuple[int, float]:
    line, total, count = _added(group)
    return line, total / count


def _added(group: Iterator[Any]) -> tuple[int, float, int]:
    """First line, sum and count; the sum is exact, whatever the order."""
    first, count = next(group), 1

    def values() -> Iterator[float]:
        nonlocal count
        yield first[3]
        for row in group:
            count += 1
            yield row[3]

    total = math.fsum(values())
    return first[2], total, count


def _count(group: Iterator[Any]) -> tuple[int, float]:
    line = next(group)[2]
    return line, float(1 + sum(1 for _ in group))


def _distinct(group: Iterator[Any]) -> tuple[int, float]:
    """The rows come sorted by what is counted."""
    line, last, count = math.inf, None, 0
    for row in group:
        line = min(line, row[2])
        if row[3] != last:
            last, count = row[3], count + 1
    return int(line), float(count)


def _last(group: Iterator[Any]) -> tuple[int, float]:
    row = deque(group, maxlen=1).pop()
    return row[2], row[3]


IN_ORDER = "SELECT organization, day, line, value FROM part WHERE metric = ? ORDER BY organization, day, line"
BY_VALUE = (
    "SELECT organization, day, line, value FROM part WHERE metric = ? ORDER BY organization, day, value"
)
BY_TIME = (
    "SELECT organization, day, line, value FROM part WHERE metric = ? ORDER BY organization, day, stamp, line"
)

# What gathers, and the order in which it needs the rows.
GATHER: dict[str, tuple[Callable[[Iterator[Any]], tuple[int, float]], str]] = {
    "sum": (_sum, IN_ORDER),
    "mean": (_mean, IN_ORDER),
    "count": (_count, IN_ORDER),
    "distinct": (_distinct, BY_VALUE),
    "last": (_last, BY_TIME),
}
