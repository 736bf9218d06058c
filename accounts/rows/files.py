"""Files into lines of text: plain or gzipped, as a stream of bounded memory."""

import csv
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from accounts.rows.faults import LONGEST_LINE, Code, Fault, FileRefused, readable
from accounts.rows.lines import Block, CsvLines, JsonLines

BLOCK = 1 << 18  # bytes read at a time: what bounds the memory

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
# Beginnings that no UTF-8 table has, and what to tell the person who sent one.
FOREIGN = {
    b"\xff\xfe": "is UTF-16; save it as UTF-8",
    b"\xfe\xff": "is UTF-16; save it as UTF-8",
    b"PK\x03\x04": "is a zip archive or a workbook; send CSV or JSON Lines, plain or gzipped",
    b"[": "holds a JSON array; send JSON Lines, one object a line",
}


def open_table(path: str | Path, *, delimiter: str = ",", most_bytes: int | None = None) -> "Table":
    """The table in a file, its columns read and nothing else.

    most_bytes   of the unpacked file; FileRefused as soon as there are more
    What a file is shows in its first bytes, whatever its name says.
    raises  FileRefused when it is none
    """
    path = Path(path)
    try:
        size, file = path.stat().st_size, path.open("rb")
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}.") from error
    try:
        return Table(path, size, file, delimiter, most_bytes)
    except FileRefused:
        file.close()
        raise
    except (EOFError, zlib.error, OSError) as error:
        file.close()
        raise FileRefused(f"{path} cannot be read: {error}.") from error


class Table:
    """An opened file: its columns, and its rows once."""

    def __init__(
        self, path: Path, size: int, file: BinaryIO, delimiter: str, most_bytes: int | None = None
    ) -> None:
        self.name, self.size, self.delimiter = path.name, size, delimiter
        self.is_truncated = False  # known once the rows are read
        self._file = file
        start = file.read(len(GZIP))
        file.seek(0)
        self._chunks = _gunzip(file) if start == GZIP else iter(lambda: file.read(BLOCK), b"")
        if most_bytes is not None:
            self._chunks = _bounded(self._chunks, most_bytes, path.name)
        self._rest = self._first_bytes(path)
        self._line = 0  # last line taken
        # None: JSON Lines, where every line names its own fields.
        self.columns = None if self._rest.lstrip().startswith(b"{") else self._header(path)

    def close(self) -> None:
        self._file.close()

    @property
    def share_read(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return self._file.tell() / self.size if self.size else 1.0

    def lacks(self, wanted: Iterable[str]) -> list[str]:
        """Those of the wanted columns that a CSV file has not; JSON Lines are asked line by line."""
        return [] if self.columns is None else [name for name in wanted if name not in self.columns]

    def blocks(self, wanted: Sequence[str], *, only_these: bool = False) -> Iterator[Block]:
        """The rows of the file, a block at a time, as cells in the order of `wanted`.

        only_these   a JSON line that names another field is a fault (CSV tells in its header)
        raises       FileRefused if the file turns out to be damaged
        """
        if self.columns is None:
            parser: CsvLines | JsonLines = JsonLines(wanted, only_these=only_these)
        else:
            parser = CsvLines(self.columns, wanted, self.delimiter)
        for lines, texts, faults, is_last in self._lines():
            block = parser.take(lines, texts, is_last)
            block.faults += faults
            yield block

    def _first_bytes(self, path: Path) -> bytes:
        head = next(self._chunks, b"")
        while b"\n" not in head and len(head) <= LONGEST_LINE and (more := next(self._chunks, b"")):
            head += more
        head = head.removeprefix(BYTE_ORDER_MARK)
        for beginning, complaint in FOREIGN.items():
            if head.startswith(beginning):
                raise FileRefused(f"{path} {complaint}.")
        if not head.strip():
            raise FileRefused(f"{path} is empty: the first line must name the columns.")
        return head

    def _header(self, path: Path) -> tuple[str, ...]:
        """The columns that the first line names; it is taken off what is still to be read."""
        first = b""
        while not first.strip():  # empty lines before it are passed over
            first, _, self._rest = self._rest.partition(b"\n")
            self._line += 1
        if len(first) > LONGEST_LINE:
            raise FileRefused(f"{path}: the first line must name the columns; it is longer than 64 kB.")
        try:
            line = first.decode().rstrip("\r")
            cells = next(csv.reader([line], delimiter=self.delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise FileRefused(f"{path}: the first line must name the columns, in UTF-8; {error}.") from error
        columns = tuple(cell.strip() for cell in cells)
        if doubled := [name for name in columns if columns.count(name) > 1]:
            raise FileRefused(f"{path} names the column {doubled[0]!r} twice.")
        return columns

    def _lines(self) -> Iterator[tuple[list[int], list[str], list[Fault], bool]]:
        """Whole decoded lines with their numbers, a block at a time; the last block says that it is."""
        rest, skipping, is_last = self._rest, False, False
        while not is_last:
            faults: list[Fault] = []
            try:
                chunk = next(self._chunks, b"")
                is_last = not chunk
            except EOFError:
                chunk, self.is_truncated, is_last = b"", True, True
            except zlib.error as error:
                # Unlike one that is cut off, a damaged file may be wrong anywhere: no line can be trusted.
                raise FileRefused(f"{self.name} is damaged ({error}): send it again.") from error
            if skipping:  # inside a line that was already refused for its length
                _, newline, chunk = chunk.partition(b"\n")
                skipping = not newline
            data = rest + chunk
            # The end of a whole file ends its last line; where a file was cut, the last line was cut too.
            cut = len(data) if is_last and not self.is_truncated else data.rfind(b"\n") + 1
            rest = data[cut:]
            lines, texts = self._decoded(data[:cut], faults)
            if self.is_truncated:
                faults.append(Fault(self._line + 1, Code.TRUNCATED, "", readable(rest)))
            elif len(rest) > LONGEST_LINE:
                self._line += 1
                faults.append(Fault(self._line, Code.LINE_TOO_LONG, "", readable(rest)))
                rest, skipping = b"", True
            yield lines, texts, faults, is_last

    def _decoded(self, data: bytes, faults: list[Fault]) -> tuple[list[int], list[str]]:
        """The lines in these bytes; those too long or not UTF-8 become faults."""
        raw = data.split(b"\n")
        if not raw[-1]:
            raw.pop()
        first = self._line + 1
        self._line += len(raw)
        if not any(len(part) > LONGEST_LINE for part in raw):
            try:
                return list(range(first, first + len(raw))), data.decode().split("\n")[: len(raw)]
            except UnicodeDecodeError:
                pass  # line by line, to know which
        lines, texts = [], []
        for line, part in enumerate(raw, first):
            if len(part) > LONGEST_LINE:
                faults.append(Fault(line, Code.LINE_TOO_LONG, "", readable(part)))
                continue
            try:
                texts.append(part.decode())
                lines.append(line)
            except UnicodeDecodeError:
                faults.append(Fault(line, Code.BAD_ENCODING, "", readable(part)))
        return lines, texts


def _bounded(chunks: Iterator[bytes], most: int, name: str) -> Iterator[bytes]:
    """The pieces, until there are more bytes than may be."""
    for chunk in chunks:
        most -= len(chunk)
        if most < 0:
            raise FileRefused(f"{name} is too large, unpacked.")
        yield chunk


def _gunzip(file: BinaryIO) -> Iterator[bytes]:
    """The contents in pieces of bounded size: a bomb is only a long file. Raises where it is cut off."""
    machine, is_inside = zlib.decompressobj(wbits=31), False
    while data := file.read(1 << 16):
        while data:
            if piece := machine.decompress(data, BLOCK):
                yield piece
            data, is_inside = machine.unconsumed_tail, True
            if machine.eof:  # another member may follow, or zeros that fill a block
                data, is_inside = machine.unused_data.lstrip(b"\0"), False
                machine = zlib.decompressobj(wbits=31)
    if is_inside:
        raise EOFError("the file ends in the middle of its compressed data")
