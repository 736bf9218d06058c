"""How figures went from night to night: the course of some nodes, with its gaps and what breaks it.

A number that is not there is no point: a night that could not score the organization, a node without a
number, and a stretch for which nothing is kept all end the line.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from accounts.models import Organization
from scoring import history, pack, sheets
from scoring.engine import State
from scoring.history import YEAR, History
from scoring.sheets import Figure

BRIDGED = timedelta(days=31)  # between two closes; what lies further apart is not joined by a line


@dataclass(frozen=True)
class Night:
    """One published night of the organization; without figures if it could not be scored."""

    day: date
    number: int  # of the scorecard version; 0 without figures
    revision: int
    figures: Mapping[str, Figure]

    @property
    def is_close(self) -> bool:
        """Whether it is the last day of a month."""
        return pack.month_end(self.day) == self.day

    @property
    def is_restated(self) -> bool:
        """Whether it was made again with data that came later."""
        return self.revision > 0

    def points(self, node: str) -> int | None:
        """Hundredths; None is no number."""
        figure = self.figures.get(node)
        return figure.points if figure else None

    def is_provisional(self, node: str) -> bool:
        figure = self.figures.get(node)
        return figure is not None and figure.state is State.PROVISIONAL


def of(
    organization: Organization,
    nodes: Sequence[str],
    *,
    until: date | None = None,
    days: int = YEAR,
    known: History | None = None,
) -> list[Night]:
    """These nodes on every published night since the organization's first, oldest first; in three queries."""
    past = known or history.of(organization, until=until, days=days)
    if not past.sheets:
        return []
    first = min(past.sheets)
    return [_night(past, day, nodes) for day in past.nights if day >= first]


def _night(past: History, day: date, nodes: Sequence[str]) -> Night:
    sheet = past.sheets.get(day)
    if sheet is None:
        return Night(day, 0, 0, {})
    found = {node: sheets.figure(sheet.nodes, sheet.card, node) for node in nodes}
    figures = {node: figure for node, figure in found.items() if figure is not None}
    return Night(day, sheet.version.number, sheet.revision, figures)


def closes(nights: Sequence[Night]) -> list[Night]:
    """The last nights of months, and the newest."""
    return [night for night in nights if night.is_close or night is nights[-1]]


def line(nights: Sequence[Night], node: str) -> list[tuple[date, int | None]]:
    """One node's points with a None wherever the line must end."""
    result: list[tuple[date, int | None]] = []
    for night in nights:
        if result and night.day - result[-1][0] > BRIDGED:
            result.append((result[-1][0] + timedelta(days=1), None))
        result.append((night.day, night.points(node)))
    return result


def provisional(nights: Sequence[Night], node: str) -> Iterator[tuple[date, date]]:
    """The stretches, first and last day, over which the node's number was provisional."""
    first = last = None
    for night in nights:
        if night.is_provisional(node):
            first, last = first or night.day, night.day
        elif first and last:
            yield first, last
            first = last = None
    if first and last:
        yield first, last


def versions(nights: Sequence[Night]) -> list[tuple[date, int]]:
    """The first night of each scorecard version but the first one, and its number."""
    scored = [night for night in nights if night.number]
    return [
        (later.day, later.number) for earlier, later in pairwise(scored) if later.number != earlier.number
    ]
