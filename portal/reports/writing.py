"""The one writer of tables: CSV and XLSX with the same cells, neither of which a spreadsheet computes."""

import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.rows.cells import Cell, as_csv, safe
from portal.reports.tables import FIRST_DAY, Book, Column, Kind, Table

type Format = Any  # of xlsxwriter, which is loaded only where a file is written
type Worksheet = Any

CSV, XLSX, PDF = "csv", "xlsx", "pdf"
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    PDF: "application/pdf",
}
LONGEST_SHEET = 31  # characters of a sheet's name, and none of those it may not have
LONGEST_CELL = 32_767
ABOUT = Table("About", (Column("What", Kind.NAME), Column("Value", Kind.NAME)), ())


def csv_of(table: Table) -> bytes:
    """The table as CSV, in UTF-8."""
    return as_csv([column.heading for column in table.columns], table.rows).encode()


def xlsx_of(book: Book) -> bytes:
    """The book as XLSX: a sheet that says what it is, then a sheet for each table."""
    import xlsxwriter  # late: a night and a page that write none are spared its memory

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as workbook:
        workbook.set_properties({"title": safe(book.title)})
        head = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        forms = {kind: workbook.add_format({"num_format": kind.form}) for kind in Kind if kind.form}
        for table in (*book.tables, Table(ABOUT.name, ABOUT.columns, book.about)):
            _write(workbook.add_worksheet(_sheet_name(table.name)), table, head, forms)
    return out.getvalue()


def _write(sheet: Worksheet, table: Table, head: Format, forms: dict[Kind, Format]) -> None:
    """The heading stays where it is; every cell by the method of its own type, never by a guess."""
    for at, column in enumerate(table.columns):
        sheet.set_column(at, at, column.kind.width)
        sheet.write_string(0, at, safe(column.heading), head)
    sheet.freeze_panes(1, 0)
    if table.rows:
        sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
    kinds = [column.kind for column in table.columns]
    for line, row in enumerate(table.rows, start=1):
        for at, (cell, kind) in enumerate(zip(row, kinds, strict=True)):
            _cell(sheet, line, at, cell, forms.get(kind), forms[Kind.DAY])


def _cell(sheet: Worksheet, line: int, at: int, cell: Cell, form: Format | None, day: Format) -> None:
    if cell is None:
        return
    if isinstance(cell, str):
        sheet.write_string(line, at, safe(cell)[:LONGEST_CELL], None)
    elif isinstance(cell, date):
        if cell < FIRST_DAY:
            sheet.write_string(line, at, cell.isoformat())
        else:
            sheet.write_datetime(line, at, cell, day)
    elif isinstance(cell, Decimal | int):
        sheet.write_number(line, at, float(cell), form)


def _sheet_name(name: str) -> str:
    return "".join(each for each in name if each not in "[]:*?/\\'")[:LONGEST_SHEET]


def about(table: Table, facts: Iterable[tuple[str, Cell]]) -> Book:
    """A book of one table."""
    return Book(table.name, tuple(facts), (table,))
