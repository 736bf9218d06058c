"""The same trend as if the version in force had held all along: to compare, beside what was scored then."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from portal.pages.trend import told
from portal.templatetags.scores import day
from scoring import course
from scoring.course import Night
from scoring.sheets import Figure

MARK = "under"


@dataclass(frozen=True)
class Under:
    """The nights of older versions that were recomputed, among those that a trend shows."""

    number: int  # of the version in force
    nights: Sequence[Night]  # shown, as they were scored
    again: Sequence[Night] = field(default=())  # recomputed, oldest first

    def __bool__(self) -> bool:
        return bool(self.again)

    @cached_property
    def by_day(self) -> dict[date, Night]:
        return {night.day: night for night in self.again}

    @property
    def name(self) -> str:
        return f"Under version {self.number}"

    def at(self, night: Night, node: str) -> Figure | None:
        """A node on a night under the version: as it was scored where that is the version."""
        same = night if night.number == self.number else self.by_day.get(night.day)
        return same.figures.get(node) if same else None

    def points(self, night: Night, node: str) -> int | None:
        figure = self.at(night, node)
        return figure.points if figure else None

    def line(self, node: str) -> list[tuple[date, int | None]]:
        """The recomputed points up to where they meet the official line."""
        meets = next((night for night in self.nights if night.number == self.number), None)
        return course.line([*self.again, meets] if meets else self.again, node)

    def finding(self, name: str, node: str, newest: date) -> str:
        """How the node went by one and the same rules, in one sentence."""
        whole = [(night.day, self.points(night, node)) for night in self.nights]
        return told(f"{self.name} throughout, {name}", whole, newest)

    def note(self, name: str) -> str:
        """What the second line is, and what it is not."""
        meets = next((night.day for night in self.nights if night.number == self.number), None)
        before = f" before {day(meets)}, and the last night before it," if meets else ""
        some = " Not every month end is recomputed: the newest come first." if self.is_incomplete else ""
        return (
            f"{self.titled(name)}: the month ends{before} as that version scores them, with all numbers that "
            f"have arrived since.{some} It is for comparing only: what was scored then stays the score."
        )

    def titled(self, name: str) -> str:
        """The name of a node's line under the version."""
        return f"{name} under version {self.number}"

    @property
    def is_incomplete(self) -> bool:
        """Whether a month end in the time shown has its old version alone."""
        scored = (night for night in self.nights if night.is_close and night.number)
        return any(night.number != self.number and night.day not in self.by_day for night in scored)


def under(number: int, nights: Sequence[Night], again: Sequence[Night]) -> Under:
    """What was recomputed of the nights that are shown."""
    days = {night.day for night in nights}
    return Under(number, nights, [night for night in again if night.day in days])
