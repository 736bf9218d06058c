"""What was published about one organization: its sheets of many nights, read once and in two queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from accounts.models import Organization
from scoring import publish
from scoring.engine import Scorecard
from scoring.models import Pointer, ScorecardVersion

YEAR = 366
# The text of a version is long and parsed once a process: it is fetched only when it is needed.
VERSION = ("id", "key", "number", "name", "digest", "effective_on", "published_at")


@dataclass(frozen=True)
class Published:
    """What the pointers say of one day."""

    day: date
    version_id: int
    revision: int
    run_id: int
    made_at: datetime
    watermark: int


@dataclass(frozen=True)
class Sheet:
    """One published sheet of the organization."""

    day: date
    version: ScorecardVersion
    revision: int
    nodes: bytes

    @property
    def card(self) -> Scorecard:
        return publish.card_of(self.version)


@dataclass(frozen=True)
class History:
    """The published nights of a scorecard and this organization's sheets among them, by day."""

    key: str
    nights: Mapping[date, Published]
    sheets: Mapping[date, Sheet]  # oldest first


def of(
    organization: Organization, key: str | None = None, *, until: date | None = None, days: int = YEAR
) -> History:
    """The organization's sheets over so many days up to the newest published night."""
    key = key or organization.scorecard
    nights, versions = _nights(key, until, days)
    if not nights:
        return History(key, {}, {})
    used = {night.version_id for night in nights.values()}
    rows = organization.score_sheets.filter(day__gte=min(nights), day__lte=max(nights), version__in=used)
    mine = [
        row
        for row in rows.order_by("day").values_list("day", "version_id", "revision", "nodes")
        if row[0] in nights and (row[1], row[2]) == (nights[row[0]].version_id, nights[row[0]].revision)
    ]
    sheets = {day: Sheet(day, versions[pk], revision, bytes(nodes)) for day, pk, revision, nodes in mine}
    return History(key, nights, sheets)


def published(key: str, *, until: date | None = None, days: int = YEAR) -> dict[date, Published]:
    """The published nights of a scorecard over so many days up to the newest, by day, oldest first."""
    return _nights(key, until, days)[0]


def _nights(
    key: str, until: date | None, days: int
) -> tuple[dict[date, Published], dict[int, ScorecardVersion]]:
    """The nights, and the versions that they are of, in one query."""
    pointers = Pointer.objects.filter(version__key=key)
    if until:
        pointers = pointers.filter(day__lte=until)
    columns = ("day", "version_id", "run__revision", "run_id", "run__published_at", "run__watermark")
    of_version = [f"version__{name}" for name in VERSION]
    # A night a day at most: so many rows reach back far enough, and the newest day needs no query of its own.
    rows = list(pointers.order_by("-day", "-version__number").values_list(*columns, *of_version)[: days + 1])
    versions = {row[1]: row[len(columns) :] for row in rows}
    newest_first = [Published(*row[: len(columns)]) for row in rows]
    nights: dict[date, Published] = {}
    for night in newest_first:
        if night.day >= newest_first[0].day - timedelta(days=days):
            nights.setdefault(night.day, night)
    known = {pk: ScorecardVersion.from_db(pointers.db, VERSION, told) for pk, told in versions.items()}
    return dict(sorted(nights.items())), known
