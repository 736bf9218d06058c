"""How an organization stands among its peers: what was released for it, close by close. Reads nobody else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from accounts.models import Organization
from scoring import engine, publish, sheets
from scoring.engine import Scorecard
from scoring.engine.peers import SIZES, Quarter, Rung, quarter
from scoring.history import History
from scoring.models import PeerPlace

YEAR = 13  # closes: a year and the one it is compared with
Why = PeerPlace.Why


@dataclass(frozen=True)
class Standing:
    """One node among the peers: whole numbers; of a signal the median alone."""

    node: str
    own: int | None  # as shown, of the same close
    median: int
    lower: int | None = None
    upper: int | None = None

    @property
    def quarter(self) -> Quarter | None:
        if self.own is None or self.lower is None or self.upper is None:
            return None
        return quarter(self.own, self.lower, self.median, self.upper)


@dataclass(frozen=True)
class Comparison:
    """What an organization is shown of one close, or why nothing."""

    day: date
    why: str  # PeerPlace.Why
    card: Scorecard
    number: int  # of the scorecard version
    rung: Rung | None = None
    sizes: tuple[int, int] = (0, 0)  # fewest and most seats of the group; 0 is no upper end
    industry: str = ""
    size_range: str = ""
    standings: Mapping[str, Standing] = ()  # type: ignore[assignment]

    @property
    def is_shown(self) -> bool:
        return self.why == Why.SHOWN


def comparisons(
    organization: Organization, *, closes: int = YEAR, known: History | None = None
) -> list[Comparison]:
    """What this organization was shown, newest close first; nothing before its first close.

    `known` is a history that was read already: its sheets of the closes are not asked for again.
    """
    places = organization.peer_places.filter(close__key=organization.scorecard)
    both = places.select_related("close__version", "release").defer("close__version__text")
    rows = list(both.order_by("-close__day")[:closes])
    wanted = {(row.close.day, row.close.version_id, row.close.revision) for row in rows if row.release}
    past = known.sheets.values() if known else ()
    own = {(each.day, each.version.pk, each.revision): each.nodes for each in past}
    if missing := wanted - own.keys():
        mine = organization.score_sheets.filter(day__in=[day for day, _, _ in missing])
        for day, version, revision, nodes in mine.values_list("day", "version_id", "revision", "nodes"):
            own[day, version, revision] = bytes(nodes)
    return [
        _comparison(row, own.get((row.close.day, row.close.version_id, row.close.revision))) for row in rows
    ]


def newest(organization: Organization, *, known: History | None = None) -> Comparison | None:
    """What this organization is shown now; None before its first close."""
    return next(iter(comparisons(organization, closes=1, known=known)), None)


def _comparison(row: PeerPlace, nodes: bytes | None) -> Comparison:
    card, release = publish.card_of(row.close.version), row.release
    common = (row.close.day, row.why, card, row.close.version.number)
    if release is None:
        return Comparison(*common, standings={})
    figures = sheets.unpack(nodes, card) if nodes else {}

    def own(node: str) -> int | None:
        points = figures[node].points if node in figures else None
        return None if points is None else engine.shown(points)

    def standing(node: str, told: list[int]) -> Standing:
        if len(told) == 1:
            return Standing(node, own(node), told[0])
        lower, median, upper = told
        return Standing(node, own(node), median, lower, upper)

    return Comparison(
        *common,
        rung=Rung(release.rung),
        sizes=_seats(release.low, release.high),
        industry=release.industry,
        size_range=release.size_range,
        standings={node: standing(node, told) for node, told in release.figures.items()},
    )


def _seats(low: int, high: int) -> tuple[int, int]:
    """The fewest and the most seats of a stretch of sizes; 0 where it has no upper end."""
    return (SIZES[low - 1] + 1 if low else 1), (SIZES[high] if high < len(SIZES) else 0)
