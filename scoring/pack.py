"""Observations packed into one wide row a month, and months unpacked into the Panel of a night.

Nothing running is kept: a day-grain cell is assigned, a month- or event-grain cell is built again from every
packed observation of its month. So a replay changes nothing, a correction is a plain update and the order of
batches does not matter (RECIPES §2).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import batched, chain
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from accounts.isolation import settle
from accounts.models import Organization
from scoring.engine import Declaration, Panel, Scorecard
from scoring.models import Batch, Correction, Metric, MetricMonth, Observation, ScoringRun, Turn

DAYS = 31  # places of a day-grain metric in a month
SLICE = 100  # organizations merged at a time: memory, not speed, decides it
EPOCH = date(1970, 1, 1).toordinal()

Row = tuple[int, int, date, float]  # organization, metric, day, value
Window = tuple[date, date]  # first and last day
ROW = ("organization_id", "metric_id", "day", "value")


@dataclass(frozen=True)
class Layout:
    """Which number stands where in a packed month, as of now."""

    width: int  # numbers in `slots`
    daily: int  # day-grain metrics, 31 numbers each in `days`
    metrics: dict[int, Metric]

    @property
    def month_slots(self) -> dict[str, int]:
        return {metric.key: metric.slot for metric in self.metrics.values() if not metric.daily}

    @property
    def day_slots(self) -> dict[str, int]:
        return {metric.key: metric.slot for metric in self.metrics.values() if metric.daily}


def layout() -> Layout:
    """The places of all metrics known now; the length of a stored array is its version."""
    metrics = {metric.pk: metric for metric in Metric.objects.all()}
    monthly = [metric for metric in metrics.values() if not metric.daily]
    width = max((metric.slot + places(metric.nature) for metric in monthly), default=0)
    daily = max((metric.slot + 1 for metric in metrics.values() if metric.daily), default=0)
    return Layout(width, daily, metrics)


def places(nature: str) -> int:
    """Neighboring slots a month- or event-grain metric takes: a stock keeps its day beside its number."""
    return 2 if nature == "stock" else 1


def month_start(day: date) -> date:
    return day.replace(day=1)


def month_end(day: date) -> date:
    return add_months(day, 1) - timedelta(days=1)


def add_months(day: date, months: int) -> date:
    """The first day of the month so many months on."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


# ---------- packing ----------


def take_turn() -> Turn:
    """The packer's turn, held to the end of the transaction: packing, opening and giving out slots wait."""
    return Turn.objects.select_for_update().get_or_create(name="pack")[0]


def pack_due(batches_at_once: int = 20) -> int:
    """How many committed batches were packed just now; none while a run is open.

    One worker at a time holds the turn, so an open run's inputs never change under it.
    """
    packed = 0
    while True:
        with transaction.atomic():
            turn = take_turn()
            due = list(Batch.objects.filter(packed_at=None).order_by("pk").values_list("pk", flat=True))
            batches = due[:batches_at_once]
            if not batches or run_reads():
                return packed
            turn.number += 1
            turn.save(update_fields=["number"])
            Batch.objects.filter(pk__in=batches).update(packed_at=Now(), packing=turn.number)
            merge(batches, watermark=turn.number)
        packed += len(batches)


def run_reads() -> bool:
    """Whether a run still has organizations to score; one that is done or blocked reads nothing more."""
    runs = ScoringRun.objects.filter(published_at=None, abandoned_at=None)
    return runs.filter(chunks__done_at=None, chunks__isnull=False).exists()


def merge(batches: Sequence[int], *, watermark: int) -> None:
    """Write into MetricMonth every cell that these batches touch."""
    places_now = layout()
    # A value corrected before it came here is in the log only, and counts until its correction is packed.
    delivered = Observation.objects.filter(batch_id__in=batches)
    corrected = Correction.objects.filter(batch_id__in=batches)
    ids = set(delivered.values_list("organization_id", flat=True).distinct())
    waiting = set(corrected.values_list("organization_id", flat=True).distinct())
    for some in batched(sorted(ids | waiting), SLICE):
        here = {"organization_id__gte": some[0], "organization_id__lte": some[-1]}
        rows = list(delivered.filter(**here).values_list(*ROW))
        if waiting.intersection(some):
            rows += outlived(watermark).filter(**here).values_list(*ROW)
        _merge_slice(rows, places_now, watermark)


def _merge_slice(rows: list[Row], places_now: Layout, watermark: int) -> None:
    daily = [row for row in rows if places_now.metrics[row[1]].daily]
    monthly = [row for row in rows if not places_now.metrics[row[1]].daily]
    everything = daily + list(_cells_of(monthly, watermark))
    keys, numbers = build(everything, places_now, known=_known_months(everything, places_now))
    _write_months(keys, numbers, places_now)
    _remember_first_days(rows)


def _cells_of(rows: list[Row], watermark: int) -> Iterator[Row]:
    """Every packed observation of the month- and event-grain cells that these rows touch."""
    if not rows:
        return
    months = sorted({month_start(day) for _, _, day, _ in rows})
    # A file of two years is read in one go; a stray late day does not drag the months between along.
    spans = [(month, month) for month in months] if len(months) <= 3 else [(months[0], months[-1])]
    for first, last in spans:
        inside = [row for row in rows if first <= month_start(row[2]) <= last]
        ids = [row[0] for row in inside]
        yield from observed(
            min(ids),
            max(ids),
            {row[1] for row in inside},
            first,
            month_end(last),
            watermark=watermark,
            only=set(ids),
        )


def observed(
    first_id: int,
    last_id: int,
    metrics: Iterable[int],
    first: date,
    last: date,
    *,
    watermark: int,
    only: set[int] | None = None,
) -> Iterator[Row]:
    """Observations as they stood when `watermark` packings were done, in order of the day.

    A value that was corrected by a batch packed later is given as it was before.
    """
    keys = Q(
        organization_id__gte=first_id,
        organization_id__lte=last_id,
        metric_id__in=list(metrics),
        day__gte=first,
        day__lte=last,
    )
    return _as_they_stood(keys, watermark, only)


def _as_they_stood(keys: Q, watermark: int, only: set[int] | None = None) -> Iterator[Row]:
    newest = Observation.objects.filter(keys, batch__packing__lte=watermark)
    rows: dict[tuple[int, int, date], float] = {}
    for *key, value in chain(newest.values_list(*ROW), outlived(watermark).filter(keys).values_list(*ROW)):
        if only is None or key[0] in only:
            rows[tuple(key)] = value
    for key, value in sorted(rows.items(), key=lambda item: item[0][2]):
        yield (*key, value)


def outlived(watermark: int) -> QuerySet[Correction]:
    """Replaced values that still counted at the watermark, oldest first: packed, while nothing newer was."""
    newest = Observation.objects.filter(
        organization_id=OuterRef("organization_id"),
        metric_id=OuterRef("metric_id"),
        day=OuterRef("day"),
        batch__packing__lte=watermark,
    )
    packed = Correction.objects.filter(batch__packing__lte=watermark)
    return packed.exclude(replaced_by__packing__lte=watermark).exclude(Exists(newest)).order_by("pk")


def build(
    rows: Sequence[Row], places_now: Layout, known: dict[tuple[int, date], Any] | None = None
) -> tuple[list[tuple[int, date]], np.ndarray]:
    """Packed numbers of these observations.

    shapes  rows in order of the day within a cell; returns keys (organization, month) and numbers
            (keys, width + 31 × daily), NaN where nothing is known; `known` gives rows to start from
    """
    metrics, width = places_now.metrics, places_now.width
    total = width + DAYS * places_now.daily
    if not rows:
        return [], np.empty((0, total))
    organizations, ids, days, values = zip(*rows, strict=True)
    organization = np.array(organizations, dtype=np.int64)
    ordinal = np.fromiter((day.toordinal() for day in days), dtype=np.int64, count=len(rows)) - EPOCH
    stamps = ordinal.astype("datetime64[D]")
    month = stamps.astype("datetime64[M]")
    of_month = (stamps - month.astype("datetime64[D]")).astype(np.int64)  # 0 for the first
    value = np.array(values, dtype=np.float64)
    metric = np.array(ids, dtype=np.int64)

    cell, row = np.unique(organization * 100_000 + month.astype(np.int64), return_inverse=True)
    keys = [
        (int(key // 100_000), date(1970 + int(key % 100_000) // 12, int(key % 100_000) % 12 + 1, 1))
        for key in cell
    ]
    numbers = np.full((len(keys), total), np.nan)
    for at, key in enumerate(keys):
        if known and key in known:
            # One way to write unknown, whether it was padded or never there: equal months have equal bytes.
            numbers[at] = np.where(np.isnan(known[key]), np.nan, known[key])
    order = np.lexsort((ordinal, metric))
    starts = np.flatnonzero(np.r_[True, np.diff(metric[order]) != 0])
    for mine in np.split(order, starts[1:]):
        fill(numbers, metrics[int(metric[mine[0]])], width, row[mine], of_month[mine], value[mine])
    return keys, numbers


def fill(
    numbers: np.ndarray, metric: Metric, width: int, row: np.ndarray, of_month: np.ndarray, value: np.ndarray
) -> None:
    """Put one metric's observations, in order of the day, where they belong."""
    slot = metric.slot
    if metric.daily:
        numbers[row, width + DAYS * slot + of_month] = value
    elif metric.nature == "stock":
        numbers[row, slot] = value  # of several the last, the newest day, stays
        numbers[row, slot + 1] = of_month + 1
    else:
        numbers[row, slot] = 0
        np.add.at(numbers[:, slot], row, (value > 0) * 2.0**of_month if metric.nature == "event" else value)
        if metric.nature == "gauge":
            touched, count = np.unique(row, return_counts=True)
            numbers[touched, slot] /= count


def _known_months(rows: Sequence[Row], places_now: Layout) -> dict[tuple[int, date], np.ndarray]:
    if not rows:
        return {}
    ids, days = [row[0] for row in rows], [row[2] for row in rows]
    stored = MetricMonth.objects.filter(
        organization_id__gte=min(ids),
        organization_id__lte=max(ids),
        month__gte=month_start(min(days)),
        month__lte=max(days),
    )
    return {
        (organization, month): np.r_[
            unpack([slots], places_now.width)[0], unpack([days_], DAYS * places_now.daily)[0]
        ]
        for organization, month, slots, days_ in stored.values_list(
            "organization_id", "month", "slots", "days"
        )
    }


def _write_months(keys: list[tuple[int, date]], numbers: np.ndarray, places_now: Layout) -> None:
    slots, days = numbers[:, : places_now.width], numbers[:, places_now.width :]
    MetricMonth.objects.bulk_create(
        [
            MetricMonth(organization_id=organization, month=month, slots=a, days=b)
            for (organization, month), a, b in zip(keys, trimmed(slots), trimmed(days), strict=True)
        ],
        update_conflicts=True,
        unique_fields=["organization", "month"],
        update_fields=["slots", "days"],
        batch_size=2000,
    )


def trimmed(numbers: np.ndarray) -> list[bytes]:
    """Each row's bytes without the NaN at its end: unpack() fills them in again."""
    if not numbers.shape[1]:
        return [b""] * len(numbers)
    known = ~np.isnan(numbers)
    ends = np.where(known.any(axis=1), numbers.shape[1] - known[:, ::-1].argmax(axis=1), 0).tolist()
    return [row[:end].tobytes() for row, end in zip(numbers, ends, strict=True)]


def unpack(rows: Sequence[bytes | memoryview], width: int) -> np.ndarray:
    """Month arrays of any age, padded to today's width with NaN; shape (rows, width)."""
    filled = b"".join(bytes(row).ljust(8 * width, b"\xff") for row in rows)
    return np.frombuffer(filled).reshape(len(rows), width)


def _remember_first_days(rows: list[Row]) -> None:
    first: dict[int, date] = {}
    for organization, _, day, _ in rows:
        if organization not in first or day < first[organization]:
            first[organization] = day
    known = Organization.objects.filter(pk__in=first).only("pk", "first_observed_on")
    earlier = [
        each for each in known if each.first_observed_on is None or each.first_observed_on > first[each.pk]
    ]
    for each in earlier:
        each.first_observed_on = first[each.pk]
    Organization.objects.bulk_update(earlier, ["first_observed_on"], batch_size=500)


# ---------- the Panel of a night ----------


@dataclass(frozen=True)
class Population:
    """Who is scored, and what scoring must know about them besides their measurements."""

    ids: np.ndarray  # (orgs,) int64, ascending
    started: np.ndarray  # (orgs,) ordinal of the earlier of first plan and first observation; NaN unknown
    contract: np.ndarray  # (orgs,) ordinal of the first day of the first plan; NaN without one


def population(organizations: QuerySet[Organization]) -> Population:
    """The organizations of a queryset with the days their age counts from."""
    rows = list(
        organizations.order_by("pk")
        .annotate(plan_from=Min("plan_intervals__starts_at"))
        .values_list("pk", "first_observed_on", "plan_from")
    )
    nan = float("nan")
    contract = np.array([plan.date().toordinal() if plan else nan for _, _, plan in rows], dtype=np.float64)
    observed_on = np.array([day.toordinal() if day else nan for _, day, _ in rows], dtype=np.float64)
    return Population(
        np.array([pk for pk, _, _ in rows], dtype=np.int64), np.fmin(contract, observed_on), contract
    )


def panel(
    scorecard: Scorecard, people: Population, day: date, *, watermark: int, places_now: Layout
) -> Panel:
    """The numbers of the night of `day` for these organizations, from the packed months."""
    months = scorecard.months
    first = add_months(month_start(day), 1 - months)
    stored = MetricMonth.objects.filter(
        organization_id__gte=int(people.ids[0]),
        organization_id__lte=int(people.ids[-1]),
        month__gte=first,
        month__lte=day,
    )
    slots = _placed(
        stored.values_list("organization_id", "month", "slots"), people.ids, first, months, places_now.width
    )
    back = day_months(day)
    first_day = add_months(month_start(day), 1 - back)
    days = _placed(
        stored.filter(month__gte=first_day).values_list("organization_id", "month", "days"),
        people.ids,
        first_day,
        back,
        DAYS * places_now.daily,
    )
    return _panel(scorecard, people, day, slots, days, watermark=watermark, places_now=places_now)


def panel_of(
    scorecard: Scorecard,
    organization: Organization,
    day: date,
    *,
    watermark: int,
    only: Collection[str] | None = None,
    further: int = 0,
) -> Panel:
    """The same numbers for one organization, from the observations themselves as they stood at the watermark.

    What a person is shown beside a score is read this way, so that later data cannot change an explanation.

    only     these metrics alone
    further  so many months more of the past than a score of the day needs
    """
    places_now = layout()
    people = population(Organization.objects.filter(pk=organization.pk))
    first = add_months(month_start(day), 1 - scorecard.months - further)
    first_day = add_months(month_start(day), 1 - day_months(day) - further)
    wanted = {metric.key for metric in scorecard.metrics} if only is None else set(only)
    mine = [(pk, metric.daily) for pk, metric in places_now.metrics.items() if metric.key in wanted]
    monthly = Q(metric_id__in=[pk for pk, daily in mine if not daily], day__gte=first)
    daily = Q(metric_id__in=[pk for pk, daily in mine if daily], day__gte=first_day)
    keys = Q(organization_id=organization.pk, day__lte=month_end(day)) & (monthly | daily)
    rows = list(_as_they_stood(keys, watermark))
    panel = panel_from(
        scorecard, people, day, rows, watermark=watermark, places_now=places_now, further=further
    )
    if not further:
        return panel
    months = scorecard.months + further
    return replace(panel, declared=declared(scorecard, people.ids, day, watermark=watermark, months=months))


def panel_from(
    scorecard: Scorecard,
    people: Population,
    day: date,
    rows: Sequence[Row],
    *,
    watermark: int,
    places_now: Layout,
    further: int = 0,
) -> Panel:
    """The panel of one organization out of its observations, which stand in order of the day."""
    months, back = scorecard.months + further, day_months(day) + further
    first = add_months(month_start(day), 1 - months)
    width = places_now.width
    slots = np.full((1, months, width), np.nan)
    days = np.full((1, back, DAYS * places_now.daily), np.nan)
    keys, numbers = build(rows, places_now)
    for (_, month), row in zip(keys, numbers, strict=True):
        at = months_between(first, month)
        slots[0, at] = row[:width]
        if at >= months - back:
            days[0, at - months + back] = row[width:]
    return _panel(scorecard, people, day, slots, days, watermark=watermark, places_now=places_now)


def day_months(day: date) -> int:
    """Months of day-grain numbers a sheet reads: the running one and those its windows reach into."""
    reach = min(day - timedelta(days=30), month_start(day) - timedelta(days=1))
    return months_between(month_start(reach), day) + 1


def months_between(first: date, later: date) -> int:
    return (later.year - first.year) * 12 + later.month - first.month


def _placed(
    stored: QuerySet[MetricMonth, Any], ids: np.ndarray, first: date, months: int, width: int
) -> np.ndarray:
    """Stored month rows as (orgs, months, width)."""
    numbers = np.full((len(ids), months, width), np.nan)
    at_month = {add_months(first, at): at for at in range(months)}
    for rows in in_slices(stored):
        organization = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        month = np.fromiter((at_month[row[1]] for row in rows), np.int64, len(rows))
        at = np.minimum(np.searchsorted(ids, organization), len(ids) - 1)
        mine = ids[at] == organization
        numbers[at[mine], month[mine]] = unpack([row[2] for row in rows], width)[mine]
    return numbers


def in_slices(queryset: QuerySet[Any, Any], size: int = 1000) -> Iterator[Sequence[Any]]:
    """The rows of a query, some thousand at a time; from PostgreSQL in binary: hex text is twice as much."""
    if connection.vendor != "postgresql":
        yield from batched(queryset.iterator(chunk_size=size), size)
        return
    # A cursor of the server, inside a transaction of its own: the whole answer never stands in memory.
    with transaction.atomic():
        settle()  # this cursor goes past Django's, which would have said for whom
        yield from _fetched(queryset, size)


def _fetched(queryset: QuerySet[Any, Any], size: int) -> Iterator[Sequence[Any]]:
    from psycopg import ServerCursor

    with ServerCursor(connection.connection, "months") as cursor:
        cursor.execute(*queryset.query.sql_with_params(), binary=True)
        while rows := cursor.fetchmany(size):
            yield rows


def _panel(
    scorecard: Scorecard,
    people: Population,
    day: date,
    slots: np.ndarray,
    days: np.ndarray,
    *,
    watermark: int,
    places_now: Layout,
) -> Panel:
    products = tuple(product.key for product in scorecard.products)
    return Panel(
        day=day,
        organizations=people.ids,
        slots=slots,
        month_slots=places_now.month_slots,
        days=days,
        day_slots=places_now.day_slots,
        declared=declared(scorecard, people.ids, day, watermark=watermark),
        products=products,
        owned=owned(products, people.ids),
        age_days=day.toordinal() - people.started,
        contract_started=people.contract,
        exempt=None,
    )


def owned(products: Sequence[str], ids: np.ndarray) -> np.ndarray:
    """Which organization owns which product; shape (orgs, products)."""
    has = np.zeros((len(ids), len(products)), dtype=bool)
    column = {key: at for at, key in enumerate(products)}
    links = Organization.products.through.objects.filter(
        organization_id__gte=int(ids[0]), organization_id__lte=int(ids[-1]), product__key__in=products
    )
    rows = np.array(list(links.values_list("organization_id", "product__key")), dtype=object).reshape(-1, 2)
    organization = rows[:, 0].astype(np.int64)
    at = np.minimum(np.searchsorted(ids, organization), len(ids) - 1)
    mine = ids[at] == organization
    has[at[mine], np.fromiter((column[key] for key in rows[mine, 1]), np.int64, int(mine.sum()))] = True
    return has


def declared(
    scorecard: Scorecard, ids: np.ndarray, day: date, *, watermark: int, months: int | None = None
) -> dict[str, tuple[Declaration, ...]]:
    """Windows that sources said are complete, per metric; overlapping and touching ones joined.

    months  so many, the day's own among them, instead of those that a score needs
    """
    first = add_months(month_start(day), 1 - (months or scorecard.months))
    batches = Batch.objects.filter(packing__lte=watermark, complete_to__gte=first, complete_from__lte=day)
    wanted = {metric.key for metric in scorecard.metrics}
    for_all: dict[str, list[Window]] = {}
    for_some: dict[str, dict[Window, list[int]]] = {}
    columns = ("organization_id", "metrics", "complete_from", "complete_to")
    for organization, metrics, start, end in batches.order_by("complete_from", "pk").values_list(*columns):
        for key in wanted.intersection(metrics):
            if organization is None:
                for_all.setdefault(key, []).append((start, end))
            else:
                for_some.setdefault(key, {}).setdefault((start, end), []).append(organization)
    result = {key: [Declaration(*window, None) for window in joined(all_)] for key, all_ in for_all.items()}
    for key, windows in for_some.items():
        result.setdefault(key, []).extend(
            Declaration(*window, np.isin(ids, some)) for window, some in windows.items()
        )
    return {key: tuple(declarations) for key, declarations in result.items()}


def joined(windows: list[Window]) -> list[Window]:
    """Windows in order, those that overlap or touch made one."""
    result: list[Window] = []
    for start, end in sorted(windows):
        if result and start <= result[-1][1] + timedelta(days=1):
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def started_by(people: Population, day: date) -> Population:
    """Those whose first day is known and has come."""
    here = people.started <= day.toordinal()
    return Population(people.ids[here], people.started[here], people.contract[here])


__all__ = [
    "Layout",
    "Population",
    "add_months",
    "build",
    "day_months",
    "declared",
    "layout",
    "merge",
    "month_end",
    "month_start",
    "observed",
    "pack_due",
    "panel",
    "panel_from",
    "panel_of",
    "places",
    "population",
    "started_by",
    "unpack",
]
