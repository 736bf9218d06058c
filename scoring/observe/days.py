"""Days of a foreign table: stamps in any format and zone, or periods, as UTC calendar days."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from scoring.observe.checking import DAY, REMEMBERED, Check, Refused
from scoring.observe.maps import MapDay
from scoring.observe.reasons import Reason


class DayReader:
    """Reads the day of a line; the same spelling is worked out once."""

    def __init__(self, spec: MapDay, at: Mapping[str, int], check: Check) -> None:
        self.spec, self.check = spec, check
        self.places = [at[name] for name in spec.columns]
        self.name = spec.columns[0]
        self._known: dict[Any, tuple[str, str]] = {}

    def read(self, row: Sequence[Any]) -> tuple[str, str]:
        """The day as YYYY-MM-DD, and a stamp that sorts by time; raises Refused."""
        cells = tuple([row[place] for place in self.places])
        try:
            return self._known[cells]
        except (KeyError, TypeError):
            found = self._read(cells)
        if len(self._known) < REMEMBERED:
            self._known[cells] = found
        return found

    def _read(self, cells: Sequence[Any]) -> tuple[str, str]:
        words = [cell.strip() if isinstance(cell, str) else cell for cell in cells]
        if any(word is None or word == "" for word in words):
            raise Refused(Reason.MISSING_FIELD, self.name)
        # strptime and int read digits of every script; a machine wrote these, in ASCII.
        if not all(isinstance(word, str) and word.isascii() for word in words):
            raise Refused(Reason.BAD_DAY, self.name)
        try:
            if self.spec.year:
                day, stamp = self._period(words), ""
            else:
                day, stamp = self._stamp(words[0])
            return self.check.in_time(last_day(day, self.spec.per), self.name), stamp
        except (ValueError, OverflowError) as error:
            raise Refused(Reason.BAD_DAY, self.name) from error

    def _period(self, words: Sequence[str]) -> date:
        """The last day of a year, quarter or month that stands in columns of its own."""
        year = int(words[0])
        if self.spec.quarter:
            quarter = int(words[1].upper().removeprefix("Q"))
            if not 1 <= quarter <= 4:
                raise ValueError(quarter)
            return last_day(date(year, 3 * quarter, 1), "month")
        return last_day(date(year, int(words[1]), 1), "month") if self.spec.month else date(year, 12, 31)

    def _stamp(self, word: str) -> tuple[date, str]:
        spelled = self.spec.format
        if spelled is None and DAY.fullmatch(word):
            return date.fromisoformat(word), word
        # Without a zone of its own it is placed in that of the map, three lines on.
        moment = datetime.strptime(word, spelled) if spelled else datetime.fromisoformat(word)  # noqa: DTZ007
        if moment.tzinfo is None and self.spec.has_time:
            moment = self._placed(moment)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
        return last_day(moment.date(), self.spec.shortest), moment.isoformat(timespec="microseconds")

    def _placed(self, moment: datetime) -> datetime:
        """A time without a zone in the zone of the map; one that no clock there showed is refused."""
        if self.spec.zone is None:
            raise ValueError("no zone")
        placed = moment.replace(tzinfo=self.spec.zone)
        if placed.astimezone(UTC).astimezone(self.spec.zone).replace(tzinfo=None) != moment:
            raise ValueError("skipped when the clocks went forward")
        return placed


def last_day(day: date, period: str) -> date:
    """The last day of the period that the day is in: what a period counts as."""
    if period == "week":
        return day + timedelta(days=6 - day.weekday())
    if period == "day":
        return day
    month = {"month": day.month, "quarter": (day.month + 2) // 3 * 3, "year": 12}[period]
    return date(day.year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
