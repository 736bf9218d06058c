"""Lines of text into rows of cells: CSV and JSON Lines."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from accounts.rows.faults import LONGEST_LINE, Code, Fault, readable

DEEPEST = 16  # levels of nesting in a JSON line

Cell = Any  # text of CSV and of JSON numbers; None, a bool or a container only from JSON


@dataclass(slots=True)
class Block:
    """Some rows in the order of the file; `lines` and `texts` run beside `rows`."""

    lines: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    rows: list[Sequence[Cell]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def keep(self, line: int, text: str, row: Sequence[Cell]) -> None:
        self.lines.append(line)
        self.texts.append(text)
        self.rows.append(row)

    def refuse(self, line: int, text: str, code: Code, name: str = "") -> None:
        self.faults.append(Fault(line, code, name[:80], readable(text)))


class CsvLines:
    """Rows of CSV, with the cells of the wanted columns."""

    def __init__(self, columns: Sequence[str], wanted: Sequence[str], delimiter: str) -> None:
        self.width, self.delimiter = len(columns), delimiter
        at = [columns.index(name) for name in wanted]
        # None: all columns as they stand; picking costs time.
        self.pick: Callable[[Sequence[Cell]], Sequence[Cell]] | None = None
        if at != list(range(self.width)):
            self.pick = itemgetter(*at) if len(at) > 1 else lambda row: (row[at[0]],)
        self.held: tuple[list[int], list[str]] = ([], [])  # a record whose end is still to come

    def take(self, lines: list[int], texts: list[str], is_last: bool) -> Block:
        lines, texts = self.held[0] + lines, self.held[1] + texts
        self.held = ([], [])
        rows = self._quick(texts)
        if rows is None:
            block = self._careful(lines, texts, is_last)
        elif set(map(len, rows)) <= {self.width}:
            block = Block(lines, texts, rows)
        else:
            block = Block()
            for line, text, row in zip(lines, texts, rows, strict=True):
                if len(row) == self.width:
                    block.keep(line, text, row)
                elif row:  # an empty line is no line
                    block.refuse(line, text, Code.RAGGED)
        if self.pick:
            block.rows = list(map(self.pick, block.rows))
        return block

    def _quick(self, texts: list[str]) -> list[Sequence[Cell]] | None:
        """One row a line, at the speed of the csv module; None if a quote is broken or runs over lines."""
        try:
            rows: list[Sequence[Cell]] = list(csv.reader(texts, delimiter=self.delimiter, strict=True))
        except csv.Error:
            return None
        # A quoted line break makes fewer rows than lines, and nothing makes more.
        return rows if len(rows) == len(texts) else None

    def _careful(self, lines: list[int], texts: list[str], is_last: bool) -> Block:
        """Line by line: a quoted cell may run over lines, and a stray quote costs only its own line."""
        block, at = Block(), 0
        while at < len(texts):
            rows, text, end = self._quick(texts[at : at + 1]), texts[at], at + 1
            if rows is None:
                text, end, is_closed = _closed(texts, at)
                if not is_closed and not is_last and len(text) <= LONGEST_LINE:
                    self.held = (lines[at:], texts[at:])
                    return block
                rows = self._joined(text)
            if rows and len(rows[0]) == self.width:
                block.keep(lines[at], text, rows[0])
                at = end
                continue
            if not rows or rows[0]:
                block.refuse(lines[at], texts[at], Code.RAGGED)
            at += 1
        return block

    def _joined(self, text: str) -> list[Sequence[Cell]] | None:
        """The one row that several lines make, if they make one."""
        parts = (part + "\n" for part in text.split("\n"))
        try:
            rows: list[Sequence[Cell]] = list(csv.reader(parts, delimiter=self.delimiter, strict=True))
        except csv.Error:
            return None
        return rows if len(rows) == 1 else None


def _closed(texts: list[str], at: int) -> tuple[str, int, bool]:
    """The lines from `at` on until every quote is closed, or until they are too long for one record."""
    parts, quotes, length = [texts[at]], texts[at].count('"'), len(texts[at])
    end = at + 1
    while quotes % 2 and end < len(texts) and length <= LONGEST_LINE:
        parts.append(texts[end])
        quotes += texts[end].count('"')
        length += len(texts[end]) + 1
        end += 1
    return "\n".join(parts), end, quotes % 2 == 0


class JsonLines:
    """Rows of JSON Lines, with the cells of the wanted fields; a field that a line has not is None."""

    def __init__(self, wanted: Sequence[str], *, only_these: bool) -> None:
        self.wanted = wanted
        self.known = frozenset(wanted) if only_these else None

    def take(self, lines: list[int], texts: list[str], is_last: bool) -> Block:
        block = Block()
        for line, text in zip(lines, texts, strict=True):
            if not text or text.isspace():
                continue
            try:
                record = _record(text)
                if self.known is not None and not self.known.issuperset(record):
                    raise _LineRefused(Code.UNKNOWN_FIELD, min(set(record) - self.known))
            except _LineRefused as refused:
                block.refuse(line, text, refused.code, refused.field)
            else:
                block.keep(line, text, [record.get(name) for name in self.wanted])
        return block


class _LineRefused(Exception):
    def __init__(self, code: Code, name: str = "") -> None:
        self.code, self.field = code, name


def _record(text: str) -> dict[str, Cell]:
    """The object of a JSON line; its numbers stay as they are written, for the check to read."""
    try:
        record = json.loads(
            text, parse_int=str, parse_float=str, parse_constant=_no_constant, object_pairs_hook=_no_doubles
        )
    except (ValueError, RecursionError) as error:
        raise _LineRefused(Code.BAD_JSON) from error
    if not isinstance(record, dict) or _is_deep(text, record):
        raise _LineRefused(Code.BAD_JSON)
    return record


def _no_constant(name: str) -> None:
    """NaN and the infinities are no JSON, though the parser takes them."""
    raise _LineRefused(Code.NON_FINITE)


def _no_doubles(pairs: list[tuple[str, Cell]]) -> dict[str, Cell]:
    """Two values for one key: whichever we took would be a guess."""
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise _LineRefused(Code.BAD_JSON, next(name for name in names if names.count(name) > 1))
    return record


def _is_deep(text: str, record: Cell) -> bool:
    """Whether the line nests deeper than allowed; most lines are too plain to be asked."""
    if text.count("{") + text.count("[") <= DEEPEST:
        return False
    level: list[Cell] = [record]
    for _ in range(DEEPEST):
        inner: list[Cell] = []
        for value in level:
            inner.extend(
                value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            )
        level = inner
    return any(isinstance(value, dict | list) for value in level)
