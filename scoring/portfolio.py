"""The newest scores of many organizations at once: sorted by, counted, and how they moved.

As scoring.read.picker, the newest published night counts; who could not be scored in it keeps the number of
a night before. All of it in SQL on the plain columns of the sheets, through the pointers: a lead may look at
thousands.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Case, Exists, OuterRef, QuerySet, SmallIntegerField, Subquery, Value, When
from django.db.models.functions import Coalesce, NullIf

from accounts.models import Organization
from scoring import history, publish
from scoring.history import Published
from scoring.models import Pointer, ScoreSheet
from scoring.read import SLACK

BACK = 30  # days that the change goes back
NO_POINTS = Value(-1)  # as a sheet says that there is no number

Nights = Mapping[date, Published]
Pick = Callable[[Nights], QuerySet[ScoreSheet] | None]  # the outer organization's sheets, the best first


@dataclass(frozen=True)
class Counted:
    """How many organizations stand in one band."""

    tone: str
    name: str
    number: int


@dataclass(frozen=True)
class Totals:
    """All the organizations together."""

    number: int
    scored: int  # those with a number
    mean: int | None  # of these, in hundredths
    bands: tuple[Counted, ...]  # best first


@dataclass(frozen=True)
class Scores:
    """The published nights by scorecard; what makes the newest scores of organizations findable."""

    nights: Mapping[str, Nights]

    def with_points(self, organizations: QuerySet[Organization]) -> QuerySet[Any]:
        """The same, each with `points` in hundredths; none without a number."""
        newest = self._choose(_newest)
        kept = self._choose(_kept)
        return organizations.annotate(points=NullIf(Coalesce(newest, kept, NO_POINTS), NO_POINTS))

    def with_change(self, organizations: QuerySet[Organization]) -> QuerySet[Any]:
        """The same, each with `change`: from 30 days before the newest night to it, in hundredths.

        None for who has no number in the newest night itself: an older number has no honest "30 days".
        """
        newest = self._choose(_newest)
        before = Coalesce(self._choose(_then), self._choose(_before_then), NO_POINTS)
        return organizations.annotate(change=NullIf(newest, NO_POINTS) - NullIf(before, NO_POINTS))

    def changes(self, ids: Iterable[int]) -> dict[int, int | None]:
        """The changes of these organizations."""
        asked = self.with_change(Organization.objects.filter(pk__in=ids).order_by())
        return dict(asked.values_list("pk", "change"))

    def totals(self, organizations: QuerySet[Organization]) -> Totals:
        """Counts and mean over exactly these organizations."""
        every = Counter(self.with_points(organizations).order_by().values_list("scorecard", "points"))
        cards = {key: publish.in_force(key, max(nights)) for key, nights in self.nights.items()}
        # Scorecards share the names of their bands, not always where these begin.
        known = [band for version in cards.values() if version for band in publish.card_of(version).bands]
        best_first = sorted(known, key=lambda band: -band.at_least)
        bands = dict.fromkeys([(band.tone, band.name) for band in best_first], 0)
        scored = total = 0
        for (key, points), number in every.items():
            version = cards.get(key)
            if points is None or version is None:
                continue
            scored, total = scored + number, total + number * points
            band = publish.card_of(version).band(points)
            bands[band.tone, band.name] += number
        return Totals(
            number=sum(every.values()),
            scored=scored,
            mean=round(total / scored) if scored else None,
            bands=tuple(Counted(tone, name, number) for (tone, name), number in bands.items()),
        )

    def _choose(self, pick: Pick) -> Case:
        """For each scorecard its own sub-query: the nights of one are not those of another."""
        whens = [
            When(scorecard=key, then=Subquery(sheets.values("points")[:1]))
            for key, nights in self.nights.items()
            if (sheets := pick(nights)) is not None
        ]
        return Case(*whens, output_field=SmallIntegerField(null=True))


def scores_of(organizations: QuerySet[Organization]) -> Scores:
    """What is published of the scorecards of these organizations."""
    keys = sorted(set(organizations.order_by().values_list("scorecard", flat=True).distinct()))
    published = {key: history.published(key, days=BACK + SLACK) for key in keys}
    return Scores({key: nights for key, nights in published.items() if nights})


# ---------- which sheets ----------


def _newest(nights: Nights) -> QuerySet[ScoreSheet]:
    """Of the newest night."""
    return _of(nights[max(nights)])


def _kept(nights: Nights) -> QuerySet[ScoreSheet] | None:
    """Of a night before it, for who could not be scored in it."""
    newest = max(nights)
    return _between(nights, newest - timedelta(days=SLACK), newest - timedelta(days=1))


def _then(nights: Nights) -> QuerySet[ScoreSheet] | None:
    """Of the night that changes go back to."""
    day = max(nights) - timedelta(days=BACK)
    nearest = max((each for each in nights if day - timedelta(days=SLACK) <= each <= day), default=None)
    return None if nearest is None else _of(nights[nearest])


def _before_then(nights: Nights) -> QuerySet[ScoreSheet] | None:
    """Of a night before that, for who could not be scored in it."""
    day = max(nights) - timedelta(days=BACK)
    return _between(nights, day - timedelta(days=SLACK), day)


def _of(night: Published) -> QuerySet[ScoreSheet]:
    return _sheets().filter(version=night.version_id, day=night.day, revision=night.revision)


def _between(nights: Nights, first: date, last: date) -> QuerySet[ScoreSheet] | None:
    """Published between two days, newest first."""
    versions = {night.version_id for day, night in nights.items() if first <= day <= last}
    if not versions:
        return None
    pointed = Pointer.objects.filter(
        version=OuterRef("version_id"), day=OuterRef("day"), run__revision=OuterRef("revision")
    )
    among = _sheets().filter(Exists(pointed), version__in=versions, day__gte=first, day__lte=last)
    return among.order_by("-day", "-version_id")


def _sheets() -> QuerySet[ScoreSheet]:
    return ScoreSheet.objects.filter(organization=OuterRef("pk"))
