"""Rows from files that other systems send: CSV or JSON Lines, plain or gzipped, read as a stream.

It knows files and lines, nothing of what the cells mean and nothing of the database. A bad line never stops
a file: it comes out as a Fault, beside the good ones.
"""

from accounts.rows.faults import Code, Fault, FileRefused, readable
from accounts.rows.files import Table, open_table
from accounts.rows.lines import Block

__all__ = ["Block", "Code", "Fault", "FileRefused", "Table", "open_table", "readable"]
