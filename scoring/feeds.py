"""How fresh the data behind a score is: each metric, where it comes from, when it came and is due again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from functools import lru_cache

import numpy as np
from django.db.models import OuterRef, Q, Subquery

from scoring.completing import weighed
from scoring.engine.dates import month_end, month_number
from scoring.engine.freshness import (
    STEP,
    Due,
    due_by_day,
    due_by_declaration,
    due_by_period,
)
from scoring.engine.scorecard import Cadence, Grain, Metric, Nature
from scoring.models import Batch, Observation
from scoring.models import Metric as MetricRow
from scoring.read import CardReading, Reading

DECLARED = timedelta(days=400)  # how far back it matters that a source said a window is complete


class Lateness(IntEnum):
    """How late a metric is on the day of the score; the same three steps as in the engine."""

    IN_TIME = 0
    IN_GRACE = 1
    MISSING = 2


@dataclass(frozen=True)
class Feed:
    """One metric of one organization, as it stood for a score."""

    metric: Metric
    signals: tuple[Reading, ...]  # that read it
    source: str  # that sent the newest value; empty if none ever came
    received_at: datetime | None
    newest: date | None  # the day the newest value is of, or up to which a source vouches for none
    due: date | None
    grace_until: date | None
    lateness: Lateness


def feeds(card: CardReading) -> list[Feed]:
    """Every metric that the signals of this card read, in the order of the scorecard.

    It is told as of the score: what came after its night counts in the next one, there and here.
    """
    readers: dict[str, list[Reading]] = {}
    for signal, _ in weighed(card.overall):
        for key in signal.signal.metrics if signal.signal else ():
            readers.setdefault(key, []).append(signal)
    arrived, declared = _known(card.organization.pk, card.day, card.watermark, card.made_at, tuple(readers))
    return [
        _feed(metric, readers[metric.key], arrived.get(metric.key), declared.get(metric.key), card.day)
        for metric in card.scorecard.metrics
        if metric.key in readers
    ]


@dataclass(frozen=True)
class _Arrival:
    """A metric's newest observation: the day it is of, who sent it, when."""

    day: date
    source: str
    received_at: datetime


def _feed(
    metric: Metric,
    readers: list[Reading],
    arrival: _Arrival | None,
    declared: date | None,
    today: date,
) -> Feed:
    newest = _known_up_to(metric, arrival.day if arrival else None, declared, today)
    due, grace_until = _dates(_due(metric, newest)) if newest else (None, None)
    late = Lateness.MISSING
    if due and grace_until and today <= grace_until:
        late = Lateness.IN_TIME if today <= due else Lateness.IN_GRACE
    return Feed(
        metric,
        tuple(readers),
        arrival.source if arrival else "",
        arrival.received_at if arrival else None,
        newest,
        due,
        grace_until,
        late,
    )


def _known_up_to(metric: Metric, observed: date | None, declared: date | None, today: date) -> date | None:
    """The newest day the metric is known on: of a month, or a quarter, once it has ended."""
    if metric.nature == Nature.EVENT:
        return declared
    if metric.grain == Grain.DAY or metric.nature == Nature.STOCK:
        known = [day for day in (observed, declared if metric.nature == Nature.FLOW else None) if day]
        return max(known, default=None)
    step = _step(metric)
    ends = [_period_end(observed, step)] if observed else []
    if declared and metric.nature == Nature.FLOW:
        end = _period_end(declared, step)
        ends.append(end if end == declared else _period_end(declared, step, before=1))
    # The running period counts when it is over.
    return max((end if end <= today else _period_end(end, step, before=1) for end in ends), default=None)


def _due(metric: Metric, newest: date) -> Due:
    day = np.array([float(newest.toordinal())])
    if metric.nature == Nature.EVENT:
        return due_by_declaration(metric, day)
    if metric.grain == Grain.DAY or metric.nature == Nature.STOCK:
        return due_by_day(metric, day)
    return due_by_period(metric, np.array([float(month_number(newest))]), _step(metric))


def _step(metric: Metric) -> int:
    return STEP[Cadence.QUARTERLY] if metric.cadence == Cadence.QUARTERLY else 1


def _period_end(day: date, step: int, before: int = 0) -> date:
    """The last day of the month or quarter of a day, or of one so many before."""
    month = month_number(day)
    last = month + -(month + 1) % step - before * step
    return date.fromordinal(int(month_end(np.array([float(last)]))[0]))


def _dates(due: Due) -> tuple[date, date]:
    first, last = (date.fromordinal(int(each[0])) for each in due)
    return first, last


@lru_cache(maxsize=256)  # what a night has seen is the same all day
def _known(
    organization: int, day: date, watermark: int, made_at: datetime | None, keys: tuple[str, ...]
) -> tuple[dict[str, _Arrival], dict[str, date]]:
    """What had arrived for the score that was made then, and up to when sources vouch for it."""
    return _newest(organization, day, watermark, keys), _declared(organization, day, watermark)


def _newest(organization: int, day: date, watermark: int, keys: Iterable[str]) -> dict[str, _Arrival]:
    """Each metric's newest observation that the score has seen; none for one that never came."""
    mine = Observation.objects.filter(
        organization=organization, metric=OuterRef("pk"), day__lte=day, batch__packing__lte=watermark
    ).order_by("-day")
    columns = ("day", "batch__source__key", "batch__received_at")
    named = {f"newest_{column}": Subquery(mine.values(column)[:1]) for column in columns}
    rows = MetricRow.objects.filter(key__in=list(keys)).annotate(**named)
    return {key: _Arrival(*found) for key, *found in rows.values_list("key", *named) if found[0]}


def _declared(organization: int, day: date, watermark: int) -> dict[str, date]:
    """Up to which day a source vouches for each metric: nothing there means nothing happened."""
    windows = Batch.objects.filter(
        Q(organization=None) | Q(organization=organization),
        packing__lte=watermark,
        complete_from__lte=day,
        complete_to__gte=day - DECLARED,
    )
    found: dict[str, date] = {}
    for metrics, until in windows.order_by("complete_to").values_list("metrics", "complete_to"):
        if until:
            found |= dict.fromkeys(metrics, min(until, day))
    return found
