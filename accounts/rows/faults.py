"""What can be wrong with a file, or with one line of it."""

from dataclasses import dataclass
from enum import StrEnum

LONGEST_LINE = 64 * 1024  # bytes
LONGEST_RAW = 8 * 1024  # bytes of a refused line that are kept


class FileRefused(Exception):
    """The file as a whole cannot be read; says why in one sentence."""


class Code(StrEnum):
    """Why a line could not be read at all."""

    BAD_ENCODING = "bad_encoding"
    LINE_TOO_LONG = "line_too_long"
    RAGGED = "ragged"
    BAD_JSON = "bad_json"
    NON_FINITE = "non_finite"
    UNKNOWN_FIELD = "unknown_field"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that is refused: where it stands, why, because of which field, and what it was."""

    line: int
    code: str
    field: str
    raw: str


def readable(raw: bytes | str) -> str:
    """A refused line as text that any database can keep: at most 8 kB, no NUL, nothing undecodable."""
    if isinstance(raw, bytes):
        text = raw[:LONGEST_RAW].decode("utf-8", "backslashreplace")
    else:
        text = raw[:LONGEST_RAW]
    kept = text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace")[:LONGEST_RAW]
    return kept.decode("utf-8", "ignore")
