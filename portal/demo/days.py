"""The days of the demo, all counted back from its last one."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from portal.demo.shapes import Array

MONTHS, DAILY_MONTHS = 27, 14
WEEKS = 17  # so long stocks are sent weekly; before that, at month ends
NIGHTS, CLOSES = 60, 13


@dataclass(frozen=True)
class Calendar:
    """The days of the demo, counted back from its last one."""

    last: date  # yesterday

    @property
    def end(self) -> int:
        return self.last.toordinal()

    @cached_property
    def closes(self) -> Array:
        """Ordinals of the last days of the 27 newest complete months."""
        following = (self.last + timedelta(days=1)).replace(day=1)
        ends = []
        for _ in range(MONTHS):
            ends.append(following - timedelta(days=1))
            following = ends[-1].replace(day=1)
        return np.array([day.toordinal() for day in reversed(ends)])

    @property
    def first(self) -> int:
        """The first day of the first month."""
        return date.fromordinal(int(self.closes[0])).replace(day=1).toordinal()

    @cached_property
    def readings(self) -> Array:
        """Days on which a weekly stock is read: month ends, and weekly in the newest months."""
        weekly = self.end - 7 * np.arange(WEEKS)[::-1]
        return np.concatenate([self.closes[self.closes < weekly[0]], weekly])

    @cached_property
    def days(self) -> Array:
        """Every day of the 14 newest complete months and of the running one."""
        return np.arange(self.closes[-DAILY_MONTHS - 1] + 1, self.end + 1)

    def nights(self, count: int = NIGHTS, closes: int = CLOSES) -> list[date]:
        """The newest nights and the newest closes, in order."""
        ends = {date.fromordinal(int(day)) for day in self.closes[len(self.closes) - closes :]}
        return sorted(ends | {self.last - timedelta(days=back) for back in range(count)})

    @cached_property
    def deliveries(self) -> list[date]:
        """Days before whose nights a new inventory arrives: a week later it would hide the one before."""
        return [self.last - timedelta(days=7 * back) for back in range((NIGHTS - 1) // 7, -1, -1)]
