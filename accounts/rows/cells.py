"""Rows as CSV that is safe to open: no cell of ours runs as a formula in somebody's spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

type Cell = str | int | Decimal | date | None  # None: nothing is known, an empty cell

# What a spreadsheet may take for the beginning of a formula, also in its full-width form.
STARTS = frozenset("=+-@\t\r\n＝＋－＠")


def safe(text: str) -> str:
    """The text; behind a ' if a spreadsheet might compute it, or if it looks as if it stood behind one."""
    return f"'{text}" if _computes(text.lstrip("'")) else text


def bare(text: str) -> str:
    """The text that `safe` was given."""
    return text[1:] if text.startswith("'") and _computes(text.lstrip("'")) else text


def _computes(text: str) -> bool:
    inner = text.lstrip(" \u00a0\u3000\ufeff")
    return bool(text) and (text[0] in STARTS or inner[:1] in STARTS)


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The rows as RFC 4180 writes them; numbers and days plain, as 61.44 and 2026-11-20."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([safe(column) for column in columns])
    writer.writerows([plain(cell) for cell in row] for row in rows)
    return out.getvalue()


def plain(cell: Cell) -> str:
    """The cell as text: only what somebody wrote can be a formula, a number of ours cannot."""
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return safe(cell) if isinstance(cell, str) else str(cell)
