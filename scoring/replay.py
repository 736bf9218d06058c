"""A published night of one organization made again: what its run knew, and what the engine makes of that.

Read from the observations and the log of corrections as they stood at the run's watermark, never from the
packed months nor from the sheet, so that whoever looks later sees what the night saw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
from django.db.models import Min, Q

from accounts.models import Organization
from scoring import engine, pack, publish, sheets
from scoring.engine import Panel, Scorecard, Scores, State
from scoring.models import Batch, Correction, Metric, Observation, Pointer, ScorecardVersion, ScoringRun


@dataclass(frozen=True)
class Night:
    """A published run of one day, version and revision."""

    day: date
    version: ScorecardVersion
    revision: int
    run_id: int
    watermark: int
    made_at: datetime
    reason: str  # of a later revision

    @property
    def card(self) -> Scorecard:
        return publish.card_of(self.version)


@dataclass(frozen=True)
class Measurement:
    """One observation as it stood at a watermark."""

    metric: str
    day: date
    value: float
    batch: int
    is_correction: bool  # it had replaced an earlier value by then


@dataclass(frozen=True)
class Replay:
    """A night of one organization made again."""

    organization: Organization
    night: Night
    panel: Panel
    scores: Scores
    measurements: Sequence[Measurement]  # all that the panel was made from, by metric and day
    declarations: Sequence[Batch]  # what its run knew to be complete, for all or for this organization
    batches: Mapping[int, Batch]  # of the measurements, with their sources
    sheet: Mapping[
        str, sheets.Figure
    ]  # what was published, by node: to compare with, nothing is read from it
    sheet_products: frozenset[str] | None  # owned as the sheet shows, where the list of today is another

    @property
    def card(self) -> Scorecard:
        return self.night.card


# ---------- which night ----------


def night_of(key: str, day: date, *, number: int | None = None, revision: int | None = None) -> Night | None:
    """The published night of a day: the one the pages show, or that of a version or an earlier revision."""
    pointers = Pointer.objects.filter(version__key=key, day=day)
    if number is not None:
        pointers = pointers.filter(version__number=number)
    pointer = pointers.select_related("run__version").order_by("-version__number").first()
    if pointer is None:
        return None
    run = pointer.run
    nights = nights_of(key, day, version=run.version)
    wanted = run.revision if revision is None else revision
    return next((night for night in nights if night.revision == wanted), None)


def nights_of(key: str, day: date, *, version: ScorecardVersion | None = None) -> list[Night]:
    """Every published night of a day, of all versions or one, newest first: those that were replaced, too.

    Not those that were made beside one, to compare: nobody was ever shown them as the score.
    """
    runs = ScoringRun.objects.filter(version__key=key, day=day, beside=False, published_at__isnull=False)
    if version is not None:
        runs = runs.filter(version=version)
    return [
        Night(run.day, run.version, run.revision, run.pk, run.watermark, run.published_at, run.reason)
        for run in runs.select_related("version").order_by("-version__number", "-revision")
        if run.published_at
    ]


def of_night(organization: Organization, night: Night) -> Replay | None:
    """The organization's part of a night, made again; None where the night has no sheet of it."""
    row = organization.score_sheets.filter(day=night.day, version=night.version, revision=night.revision)
    nodes = row.values_list("nodes", flat=True).first()
    if nodes is None:
        return None
    card = night.card
    sheet = sheets.unpack(bytes(nodes), card)
    found = measurements(organization, card, night.day, watermark=night.watermark)
    panel = panel_of(organization, card, night.day, watermark=night.watermark, found=found)
    scores = engine.score(card, panel, explain=True)
    owned = _products_then(card, panel, scores, sheet)
    if owned is not None:
        has = np.array([[key in owned for key in panel.products]])
        panel = replace(panel, owned=has)
        scores = engine.score(card, panel, explain=True)
    declared = declarations(organization, card, night.day, watermark=night.watermark)
    batches = Batch.objects.select_related("source").in_bulk({each.batch for each in found})
    return Replay(organization, night, panel, scores, found, declared, batches, sheet, owned)


def _products_then(
    card: Scorecard, panel: Panel, scores: Scores, sheet: Mapping[str, sheets.Figure]
) -> frozenset[str] | None:
    """The products owned that night where the sheet shows others than today's list; None where it does not.

    Who owned what is not kept over time. Yet a signal that applied that night says that its product was
    owned, and a product all whose signals did not apply, while they would now, was not.
    """
    owned = {key for key, has in zip(panel.products, panel.owned[0].tolist(), strict=True) if has}
    then = set(owned)
    for product in panel.products:
        mine = [at for at, node in enumerate(card.nodes) if node.signal and node.signal.product == product]
        applied = any(sheet[card.nodes[at].id].state is not State.NOT_APPLICABLE for at in mine)
        applies = any(scores.state[0, at] != State.NOT_APPLICABLE for at in mine)
        if applied and product not in owned:
            then.add(product)
        if applies and not applied:
            then.discard(product)
    return None if then == owned else frozenset(then)


# ---------- what it read ----------


def measurements(
    organization: Organization, card: Scorecard, day: date, *, watermark: int
) -> list[Measurement]:
    """The observations that a sheet of this day reads, as they stood at the watermark; by metric and day.

    Of a stock also the days of the running month after `day`: of one month only its newest number is kept,
    and one that is of a later day makes the month unknown (SCORING §13).
    """
    by_id = {metric.pk: metric for metric in Metric.objects.filter(key__in=[m.key for m in card.metrics])}
    first = pack.add_months(pack.month_start(day), 1 - card.months)
    first_day = pack.add_months(pack.month_start(day), 1 - pack.day_months(day))
    columns = ("metric_id", "day", "value", "batch_id")
    window = {"organization": organization, "metric_id__in": by_id, "day__gte": first}
    window["day__lte"] = pack.month_end(day)
    newest = Observation.objects.filter(**window, batch__packing__lte=watermark)
    rows = {
        (metric, when): (value, batch)
        for found in (newest, pack.outlived(watermark).filter(**window))
        for metric, when, value, batch in found.values_list(*columns)
    }
    corrected = set(
        Correction.objects.filter(**window, replaced_by__packing__lte=watermark).values_list(
            "metric_id", "day", "replaced_by_id"
        )
    )
    found = [
        Measurement(by_id[metric].key, when, value, batch, (metric, when, batch) in corrected)
        for (metric, when), (value, batch) in rows.items()
        if when >= (first_day if by_id[metric].daily else first)
        and (when <= day or by_id[metric].nature == "stock")
    ]
    return sorted(found, key=lambda each: (each.metric, each.day))


def declarations(organization: Organization, card: Scorecard, day: date, *, watermark: int) -> list[Batch]:
    """The batches known at the watermark that declared days complete, for all or for this organization."""
    first = pack.add_months(pack.month_start(day), 1 - card.months)
    known = Batch.objects.filter(packing__lte=watermark, complete_to__gte=first, complete_from__lte=day)
    mine = known.filter(Q(organization=None) | Q(organization=organization))
    return list(mine.select_related("source").order_by("complete_from", "pk"))


def panel_of(
    organization: Organization,
    card: Scorecard,
    day: date,
    *,
    watermark: int,
    found: Sequence[Measurement] | None = None,
) -> Panel:
    """The panel of one organization as a run with this watermark saw it; its products are those of today."""
    if found is None:
        found = measurements(organization, card, day, watermark=watermark)
    places = pack.layout()
    ids = {metric.key: pk for pk, metric in places.metrics.items()}
    rows = [(organization.pk, ids[each.metric], each.day, each.value) for each in found]
    rows.sort(key=lambda row: row[2])
    contract = _contract(organization)
    known = [each for each in (contract, first_observed(organization, watermark=watermark)) if each]
    people = pack.Population(
        np.array([organization.pk], dtype=np.int64), _ordinal(min(known, default=None)), _ordinal(contract)
    )
    return pack.panel_from(card, people, day, rows, watermark=watermark, places_now=places)


def _ordinal(day: date | None) -> np.ndarray:
    return np.array([day.toordinal() if day else np.nan], dtype=np.float64)


def _contract(organization: Organization) -> date | None:
    starts = organization.plan_intervals.aggregate(first=Min("starts_at"))["first"]
    return starts.date() if starts else None


def first_observed(organization: Organization, *, watermark: int) -> date | None:
    """The day of the first measurement that was known at the watermark.

    What is older than we keep is gone: then the day that the packer remembers stands.
    """
    mine = Observation.objects.filter(organization=organization)
    there = mine.aggregate(first=Min("day"))["first"]
    remembered = organization.first_observed_on
    if remembered and (there is None or remembered < there):
        return remembered
    known = mine.filter(batch__packing__lte=watermark).aggregate(first=Min("day"))["first"]
    before = pack.outlived(watermark).filter(organization=organization).aggregate(first=Min("day"))["first"]
    return min((each for each in (known, before) if each), default=None)


__all__ = [
    "Measurement",
    "Night",
    "Replay",
    "declarations",
    "first_observed",
    "measurements",
    "night_of",
    "nights_of",
    "of_night",
    "panel_of",
]
