"""Cells checked: from words of a file to an organization, a metric, a day and a number, or a Reason."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from accounts.models import Organization
from accounts.rows import Block, Fault, readable
from scoring.models import Metric
from scoring.observe.reasons import Reason

OLDEST = date(2000, 1, 1)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
WORDS = {
    "true": True,
    "1": True,
    "yes": True,
    "false": False,
    "0": False,
    "no": False,
    "": False,
    None: False,
}
REFUSED_AT_ONCE = 5_000  # each may hold 8 kB of its line
REMEMBERED = 50_000  # spellings of days kept; more would be an attack

# organization, metric, day as YYYY-MM-DD, line, value: sorts by key, then as the file has it
Arrival = tuple[int, int, str, int, float]


class Refused(Exception):
    """This line, for this reason, because of this field."""

    def __init__(self, reason: Reason, name: str) -> None:
        self.reason, self.field = reason, name


@dataclass(frozen=True, slots=True)
class Range:
    """What a metric's number may be."""

    id: int
    key: str
    lowest: float
    highest: float
    nature: str


@dataclass
class Arrivals:
    """Checked lines of a slice, on their way into the table."""

    plain: list[Arrival] = field(default_factory=list)
    corrections: list[Arrival] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.plain) + len(self.corrections)


class Check:
    """Everything a line is checked against, looked up once for a delivery."""

    def __init__(self, today: date) -> None:
        self.organizations: dict[str, int] = dict(
            Organization.objects.order_by().values_list("external_id", "pk").iterator(chunk_size=20_000)
        )
        self.metrics = {
            metric.key: Range(metric.pk, metric.key, metric.minimum, metric.maximum, metric.nature)
            for metric in Metric.objects.all()
        }
        self.latest = today + timedelta(days=1)  # somewhere it is tomorrow already
        self.seen: set[str] = set()  # keys of metrics of which something was sound
        self._days: dict[str, str] = {}

    def organization(self, name: Any, field_name: str = "organization") -> int:
        found = self.organizations.get(name) if isinstance(name, str) else None
        if found is None:
            stripped = name.strip() if isinstance(name, str) else name
            if stripped is None or stripped == "":
                raise Refused(Reason.MISSING_FIELD, field_name)
            found = self.organizations.get(stripped) if isinstance(stripped, str) else None
            if found is None:
                raise Refused(Reason.UNKNOWN_ORGANIZATION, field_name)
        return found

    def metric(self, key: Any) -> Range:
        found = self.metrics.get(key) if isinstance(key, str) else None
        if found is None:
            stripped = key.strip() if isinstance(key, str) else key
            if stripped is None or stripped == "":
                raise Refused(Reason.MISSING_FIELD, "metric")
            found = self.metrics.get(stripped) if isinstance(stripped, str) else None
            if found is None:
                raise Refused(Reason.UNKNOWN_METRIC, "metric")
        return found

    def day(self, text: Any) -> str:
        """The day as YYYY-MM-DD, the same object for the same spelling."""
        known = self._days.get(text) if isinstance(text, str) else None
        if known is not None:
            return known
        stripped = text.strip() if isinstance(text, str) else text
        if stripped is None or stripped == "":
            raise Refused(Reason.MISSING_FIELD, "day")
        if not isinstance(stripped, str) or not DAY.fullmatch(stripped):
            raise Refused(Reason.BAD_DAY, "day")
        try:
            day = date.fromisoformat(stripped)
        except ValueError as error:
            raise Refused(Reason.BAD_DAY, "day") from error
        known = self.in_time(day)
        if len(self._days) < REMEMBERED:
            self._days[text] = known
        return known

    def in_time(self, day: date, field_name: str = "day") -> str:
        """The day as text, if it is one that may have been measured."""
        if day > self.latest:
            raise Refused(Reason.DAY_IN_FUTURE, field_name)
        if day < OLDEST:
            raise Refused(Reason.DAY_TOO_OLD, field_name)
        return day.isoformat()

    def rows(self, block: Block, arrivals: Arrivals, *, are_corrections: bool = False) -> None:
        """Sort rows of the long form into arrivals: organization, metric, day, value[, correction]."""
        add, correct = arrivals.plain.append, arrivals.corrections.append
        organizations, metrics, days = self.organizations, self.metrics, self._days
        for line, text, row in zip(block.lines, block.texts, block.rows, strict=True):
            name, key, when, number, *flag = row
            try:
                # The look-ups of almost every line stand here; the methods know what else there is.
                try:
                    organization, metric, day = organizations[name], metrics[key], days[when]
                except (KeyError, TypeError):
                    organization, metric, day = self.organization(name), self.metric(key), self.day(when)
                value = to_number(number)
                if not metric.lowest <= value <= metric.highest or not value or metric.nature == "event":
                    value = fitting(value, metric)
                arrival = (organization, metric.id, day, line, value)
                if are_corrections or (flag and is_correction(flag[0])):
                    correct(arrival)
                else:
                    add(arrival)
                self.seen.add(metric.key)
            except Refused as refused:
                arrivals.faults.append(Fault(line, refused.reason, refused.field, readable(text)))


def to_number(text: Any, name: str = "value") -> float:
    """The number that is written; only in digits that everybody reads the same way."""
    if type(text) is not str:  # JSON: null, true, a container; its numbers come as they are written
        raise Refused(Reason.MISSING_FIELD if text is None else Reason.BAD_NUMBER, name)
    if "_" in text or not text.isascii():
        raise Refused(Reason.BAD_NUMBER, name)
    try:
        return float(text)
    except ValueError:
        raise Refused(Reason.BAD_NUMBER if text.strip() else Reason.MISSING_FIELD, name) from None


def fitting(value: float, metric: Range, name: str = "value") -> float:
    """The number, if it is one that this metric can have."""
    if not math.isfinite(value):
        raise Refused(Reason.NON_FINITE, name)
    if math.copysign(1, value) < 0 <= metric.lowest:  # -0 too: a count has no sign
        raise Refused(Reason.NEGATIVE, name)
    if metric.nature == "event" and value not in (0, 1):
        raise Refused(Reason.NOT_AN_EVENT, name)
    if not metric.lowest <= value <= metric.highest:
        raise Refused(Reason.OUT_OF_RANGE, name)
    return value + 0.0  # where a sign is allowed, -0 is 0


def is_correction(word: Any) -> bool:
    if isinstance(word, bool):
        return word
    try:
        return WORDS[word.strip().lower() if isinstance(word, str) else word]
    except (KeyError, TypeError):
        raise Refused(Reason.BAD_CORRECTION, "correction") from None


def slices(blocks: Iterator[Arrivals], size: int) -> Iterator[Arrivals]:
    """The same arrivals in portions that fit into memory."""
    kept = Arrivals()
    for arrivals in blocks:
        kept.plain += arrivals.plain
        kept.corrections += arrivals.corrections
        kept.faults += arrivals.faults
        if len(kept) >= size or len(kept.faults) >= REFUSED_AT_ONCE:
            yield kept
            kept = Arrivals()
    yield kept
