"""What was published about one organization: its sheets of many nights, read once and in two queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from accounts.models import Organization
from scoring import publish
from scoring.engine import Scorecard
from scoring.models import Pointer, ScorecardVersion

YEAR = 366
# A published version is never edited, so a process asks for each of them once.
VERSIONS: dict[tuple[int, datetime], ScorecardVersion] = {}


@dataclass(frozen=True)
class Published:
    """What the pointers say of one day."""

    day: date
    version_id: int
    revision: int
    run_id: int
    made_at: datetime
    watermark: int
    version_at: datetime | None = None  # when that version was published


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
    nights = published(key, until=until, days=days)
    if not nights:
        return History(key, {}, {})
    used = {night.version_id for night in nights.values()}
    rows = organization.score_sheets.filter(day__gte=min(nights), day__lte=max(nights), version__in=used)
    mine = [
        row
        for row in rows.order_by("day").values_list("day", "version_id", "revision", "nodes")
        if row[0] in nights and (row[1], row[2]) == (nights[row[0]].version_id, nights[row[0]].revision)
    ]
    versions = _versions({row[1]: nights[row[0]].version_at for row in mine})
    sheets = {day: Sheet(day, versions[pk], revision, bytes(nodes)) for day, pk, revision, nodes in mine}
    return History(key, nights, sheets)


def _versions(wanted: Mapping[int, datetime | None]) -> dict[int, ScorecardVersion]:
    """The versions with these ids; asked for only where this process has not seen them."""
    known = {pk: VERSIONS.get((pk, at)) if at else None for pk, at in wanted.items()}
    found = {pk: version for pk, version in known.items() if version is not None}
    if missing := set(wanted) - set(found):
        # The text of a version is long and parsed once a process: it is fetched only when it is needed.
        fresh = ScorecardVersion.objects.defer("text").in_bulk(missing)
        VERSIONS.update({(pk, version.published_at): version for pk, version in fresh.items()})
        found |= fresh
    return found


def published(key: str, *, until: date | None = None, days: int = YEAR) -> dict[date, Published]:
    """The published nights of a scorecard over so many days up to the newest, by day, oldest first."""
    pointers = Pointer.objects.filter(version__key=key)
    if until:
        pointers = pointers.filter(day__lte=until)
    run = ("run__revision", "run_id", "run__published_at", "run__watermark")
    columns = ("day", "version_id", *run, "version__published_at")
    # A night a day at most: so many rows reach back far enough, and the newest day needs no query of its own.
    rows = pointers.order_by("-day", "-version__number").values_list(*columns)[: days + 1]
    newest_first = [Published(*row) for row in rows]
    nights: dict[date, Published] = {}
    for night in newest_first:
        if night.day >= newest_first[0].day - timedelta(days=days):
            nights.setdefault(night.day, night)
    return dict(sorted(nights.items()))
