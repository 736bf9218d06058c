"""Why a line is refused: the codes that reports, the quarantine and the API speak in."""

from enum import StrEnum


class Reason(StrEnum):
    """A code of the quarantine; docs/data-in.md says what to do about each."""

    # The line cannot be read (the codes of accounts.rows).
    BAD_ENCODING = "bad_encoding"
    LINE_TOO_LONG = "line_too_long"
    RAGGED = "ragged"
    BAD_JSON = "bad_json"
    UNKNOWN_FIELD = "unknown_field"
    TRUNCATED = "truncated"
    # A cell is not what it should be.
    MISSING_FIELD = "missing_field"
    UNKNOWN_ORGANIZATION = "unknown_organization"
    UNKNOWN_METRIC = "unknown_metric"
    BAD_DAY = "bad_day"
    DAY_IN_FUTURE = "day_in_future"
    DAY_TOO_OLD = "day_too_old"
    BAD_NUMBER = "bad_number"
    NON_FINITE = "non_finite"
    NEGATIVE = "negative"
    OUT_OF_RANGE = "out_of_range"
    NOT_AN_EVENT = "not_an_event"
    BAD_CORRECTION = "bad_correction"
    # The line is sound, and another value stands already.
    CONFLICT = "conflict"


class IngestRefused(Exception):
    """The delivery as a whole is refused, with nothing written; says why in one sentence."""
