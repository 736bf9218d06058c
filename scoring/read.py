"""A score as a person sees it: the tree of one published sheet, its trend, and what went into each signal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import QuerySet

from accounts.models import Organization
from scoring import engine, history, pack, sheets
from scoring.engine import Band, Flag, Node, Panel, Scorecard, Signal, State
from scoring.history import YEAR, History, Published, Sheet
from scoring.models import Chunk, ScoreSheet

COMPARED = (30, 90)  # days back that changes are shown over
SLACK = 31  # a change may begin at a sheet so much older: a past night may be there as its close only
NO_FLAGS = Flag(0)
BASE_PERIODS = {"avg12": 12, "yoy": 1, "quarter": 4}  # base periods of a growth signal with full history
FRESH = {State.OK: 1.0, State.STALE_GRACE: 0.5, State.MISSING: 0.0, State.INVALID: 0.0}  # SCORING §5


@dataclass(frozen=True)
class Reading:
    """A node prepared for a person; points, bounds and changes in hundredths, None is no number."""

    node: str
    level: str
    name: str
    definition: str
    mark: str
    points: int | None
    whole: int | None
    band: Band | None
    state: State
    coverage: float | None
    lower: int | None
    upper: int | None
    weight: float  # share of its parent's weight among the siblings that apply, 0 to 1
    share: float | None  # the same once the weight of siblings without a number is shared out
    contribution: int | None  # what it gives its parent; siblings add up to it
    change_30: int | None = None
    change_90: int | None = None
    children: tuple["Reading", ...] = ()
    signal: Signal | None = None
    inputs: Mapping[str, float | None] = field(default_factory=dict)
    flags: Flag = NO_FLAGS

    @property
    def is_preview(self) -> bool:
        return self.signal is not None and self.signal.preview


@dataclass(frozen=True)
class CardReading:
    """One organization's whole card of one night."""

    organization: Organization
    scorecard: Scorecard
    key: str
    number: int  # of the scorecard version
    day: date
    revision: int
    made_at: datetime
    overall: Reading
    compared: Mapping[int, date | None]  # the days that changes really go back to, by 30 and 90
    newest_day: (
        date  # the newest published night; later than `day` when this organization could not be scored
    )
    kept_because: str = ""  # then: why
    watermark: int = 0
    panel: Panel | None = None  # only when explained

    @cached_property
    def by_node(self) -> Mapping[str, Reading]:
        return {reading.node: reading for reading in walk(self.overall)}

    @cached_property
    def age_days(self) -> int | None:
        first = first_day(self.organization)
        return (self.day - first).days if first else None


@dataclass(frozen=True)
class TrendPoint:
    """Points in hundredths of the overall score and each category on one day."""

    day: date
    points: Mapping[str, int | None]
    number: int  # of the scorecard version


# ---------- the newest card ----------


def latest(
    organization: Organization,
    key: str | None = None,
    *,
    day: date | None = None,
    known: History | None = None,
) -> CardReading | None:
    """The organization's newest published card, or that of a day; None while there is none.

    `known` is a history that was read already: a page that shows a trend as well reads it once.
    """
    past = known or history.of(organization, key, until=day, days=max(COMPARED) + SLACK)
    if not past.sheets:
        return None
    at, newest = max(past.sheets), max(past.nights)
    sheet, night = past.sheets[at], past.nights[at]
    compared = {back: _nearest(past.sheets, at - timedelta(days=back)) for back in COMPARED}
    before = {back: _figures(past.sheets[then]) if then else {} for back, then in compared.items()}
    return CardReading(
        organization=organization,
        scorecard=sheet.card,
        key=past.key,
        number=sheet.version.number,
        day=at,
        revision=sheet.revision,
        made_at=night.made_at,
        overall=_tree(sheet.card, _figures(sheet), before),
        compared=compared,
        newest_day=newest,
        kept_because=_failure(organization, past.nights[newest].run_id) if newest > at else "",
        watermark=night.watermark,
    )


def _figures(sheet: Sheet) -> dict[str, sheets.Figure]:
    return sheets.unpack(sheet.nodes, sheet.card)


def explained(
    organization: Organization,
    key: str | None = None,
    *,
    day: date | None = None,
    known: History | None = None,
) -> CardReading | None:
    """The same card with every signal's real inputs and exact bounds, scored again from the observations.

    A signal whose recomputed points or state are not the sheet's (a product was added since, say) gets no
    inputs: an explanation that does not lead to what is shown would be worse than none.
    """
    card = latest(organization, key, day=day, known=known)
    if card is None:
        return None
    panel = pack.panel_of(card.scorecard, organization, card.day, watermark=card.watermark)
    scores = engine.score(card.scorecard, panel, explain=True)
    points = engine.canonical(scores.points[0])
    lower, upper = engine.canonical(scores.lower[0]), engine.canonical(scores.upper[0])
    exact: dict[str, dict[str, Any]] = {}
    for at, node in enumerate(card.scorecard.nodes):
        now = (sheets.known(int(points[at])), State(int(scores.state[0, at])))
        if now != (card.by_node[node.id].points, card.by_node[node.id].state):
            continue
        coverage = float(scores.coverage[0, at])
        exact[node.id] = {
            "lower": sheets.known(int(lower[at])),
            "upper": sheets.known(int(upper[at])),
            "coverage": None if np.isnan(coverage) else coverage,
            "flags": Flag(int(scores.flags[0, at])),
        }
        if node.signal is not None and scores.inputs is not None:
            exact[node.id]["inputs"] = {
                name: None if np.isnan(value[0]) else float(value[0])
                for name, value in scores.inputs[node.id].items()
            }
    return replace(card, overall=_with(card.overall, exact), panel=panel)


def _with(reading: Reading, exact: Mapping[str, dict[str, Any]]) -> Reading:
    children = tuple(_with(child, exact) for child in reading.children)
    return replace(reading, children=children, **exact.get(reading.node, {}))


def walk(reading: Reading) -> Iterable[Reading]:
    """A reading and everything below it, depth first."""
    yield reading
    for child in reading.children:
        yield from walk(child)


# ---------- history ----------


def _nearest(stored: Mapping[date, Any], day: date) -> date | None:
    """The newest day on or before this one, if it is not much older."""
    return max((each for each in stored if day - timedelta(days=SLACK) <= each <= day), default=None)


def _failure(organization: Organization, run_id: int) -> str:
    """Why the organization could not be scored in a run; empty if nothing is known."""
    failed = Chunk.objects.filter(run_id=run_id, first__lte=organization.pk, last__gte=organization.pk)
    return failed.exclude(failure="").values_list("failure", flat=True).first() or ""


def trend(
    organization: Organization,
    key: str | None = None,
    *,
    until: date | None = None,
    days: int = YEAR,
    known: History | None = None,
) -> list[TrendPoint]:
    """Overall and category points over so many days, oldest first."""
    past = known or history.of(organization, key, until=until, days=days)
    return [
        TrendPoint(sheet.day, sheets.tops(sheet.nodes, sheet.card), sheet.version.number)
        for sheet in past.sheets.values()
    ]


def signal_trends(
    organization: Organization,
    key: str | None = None,
    *,
    until: date | None = None,
    known: History | None = None,
) -> dict[str, list[tuple[date, int | None]]]:
    """Every node's points at the closes of a year and on the newest night, oldest first, by node."""
    past = known or history.of(organization, key, until=until)
    newest = max(past.sheets, default=None)
    result: dict[str, list[tuple[date, int | None]]] = {}
    for day, sheet in past.sheets.items():
        if day == newest or pack.month_end(day) == day:
            for node, figure in _figures(sheet).items():
                result.setdefault(node, []).append((day, figure.points))
    return result


def series(
    card: CardReading, metric: str, *, until: float | None, months: int = 13
) -> list[tuple[date, float | None]]:
    """A month-grain metric's numbers over so many months up to one of them (year × 12 + month − 1)."""
    panel = card.panel
    if panel is None or until is None or metric not in panel.month_slots:
        return []
    last = panel.day.year * 12 + panel.day.month - 1
    column = panel.slots[0, :, panel.month_slots[metric]]
    wanted = range(int(until) - months + 1, int(until) + 1)
    result: list[tuple[date, float | None]] = []
    for month in wanted:
        at = len(column) - 1 - (last - month)
        value = column[at] if 0 <= at < len(column) else np.nan
        result.append((date(month // 12, month % 12 + 1, 1), None if np.isnan(value) else float(value)))
    return result


def picker(
    organizations: QuerySet[Organization] | Sequence[Organization],
) -> dict[int, tuple[date, int | None, State]]:
    """The newest published day, points and state of each organization that has a sheet."""
    by_key: dict[str, list[int]] = {}
    for organization in organizations:
        by_key.setdefault(organization.scorecard, []).append(organization.pk)
    result: dict[int, tuple[date, int | None, State]] = {}
    for key, ids in by_key.items():
        nights = history.published(key, days=SLACK)
        if not nights:
            continue
        result |= _newest(ids, [nights[max(nights)]])
        if kept := [pk for pk in ids if pk not in result]:  # who could not be scored keeps the last number
            result |= _newest(kept, nights.values())
    return result


def _newest(ids: Sequence[int], nights: Iterable[Published]) -> dict[int, tuple[date, int | None, State]]:
    """Day, points and state of these organizations' newest sheets among published nights."""
    of_night = {(night.day, night.version_id, night.revision) for night in nights}
    rows = ScoreSheet.objects.filter(organization__in=ids, day__in={day for day, _, _ in of_night})
    columns = ("organization_id", "points", "state", "day", "version_id", "revision")
    return {
        pk: (night[0], sheets.known(points), State(state))
        for pk, points, state, *night in rows.order_by("day").values_list(*columns)
        if tuple(night) in of_night
    }


def first_day(organization: Organization) -> date | None:
    """The day an organization's age counts from: the earlier of its first plan and its first measurement."""
    plan = organization.plan_intervals.order_by("starts_at").values_list("starts_at", flat=True).first()
    days = [day for day in (organization.first_observed_on, plan.date() if plan else None) if day]
    return min(days, default=None)


# ---------- the tree ----------


def _tree(
    card: Scorecard, figures: Mapping[str, sheets.Figure], before: Mapping[int, Mapping[str, sheets.Figure]]
) -> Reading:
    below: dict[int, list[int]] = {}
    for at, node in enumerate(card.nodes):
        below.setdefault(node.parent, []).append(at)
    marks = {category.key: category.mark or "" for category in card.categories}

    def reading(at: int, mark: str, weight: float, share: float | None, contribution: int | None) -> Reading:
        node = card.nodes[at]
        figure = figures[node.id]
        if node.level == "category":
            mark = marks[node.id]
        children = tuple(
            reading(child, mark, *given) for child, given in zip(below.get(at, []), _given(at), strict=True)
        )
        coverage, lower, upper = _certainty(node, figure)
        if node.level == "subcategory":
            lower, upper = _bounds(children)
        return Reading(
            node=node.id,
            level=node.level,
            name=node.name,
            definition=node.definition,
            mark=mark,
            points=figure.points,
            whole=None if figure.points is None else engine.shown(figure.points),
            band=None if figure.points is None else card.band(figure.points),
            state=figure.state,
            coverage=coverage,
            lower=lower,
            upper=upper,
            weight=weight,
            share=share,
            contribution=contribution,
            change_30=_change(figure, before[30].get(node.id)),
            change_90=_change(figure, before[90].get(node.id)),
            children=children,
            signal=node.signal,
        )

    def _given(at: int) -> list[tuple[float, float | None, int | None]]:
        """Weight, share and contribution of each child of a node."""
        children = [card.nodes[child] for child in below.get(at, [])]
        mine = [figures[child.id] for child in children]
        counts = [_applies(child, figure) for child, figure in zip(children, mine, strict=True)]
        scored = [applies and figure.points is not None for applies, figure in zip(counts, mine, strict=True)]
        all_weight = sum(child.weight for child, ok in zip(children, counts, strict=True) if ok)
        weight_now = sum(child.weight for child, ok in zip(children, scored, strict=True) if ok)
        shares = [
            child.weight / weight_now if ok else None for child, ok in zip(children, scored, strict=True)
        ]
        total = figures[card.nodes[at].id].points
        parts = [(share or 0) * (figure.points or 0) for share, figure in zip(shares, mine, strict=True)]
        gives = apportion(parts, total) if parts and total is not None else [None] * len(parts)
        return [
            (child.weight / all_weight if ok else 0.0, share, part if share is not None else None)
            for child, ok, share, part in zip(children, counts, shares, gives, strict=True)
        ]

    return reading(0, "", 1.0, 1.0, None)


def _applies(node: Node, figure: sheets.Figure) -> bool:
    """Whether a node counts in its parent's weight at all."""
    if node.signal is not None:
        return not node.signal.preview and figure.state in FRESH
    return figure.state is not State.NOT_APPLICABLE


def _certainty(node: Node, figure: sheets.Figure) -> tuple[float | None, int | None, int | None]:
    """Coverage and bounds: stored for branches, worked out for signals (SCORING §5)."""
    if node.signal is None:
        return figure.coverage, figure.lower, figure.upper
    if not _applies(node, figure):
        return None, None, None
    variant = getattr(node.signal.options, "variant", None)
    history = (
        figure.history / BASE_PERIODS[str(variant)]
        if variant is not None and figure.points is not None
        else 1
    )
    coverage = FRESH[figure.state] * history
    lower = coverage * (figure.points or 0)
    return coverage, round(lower), round(lower + 10_000 * (1 - coverage))


def _bounds(children: Sequence[Reading]) -> tuple[int | None, int | None]:
    """Bounds of a subcategory from its signals'; exact ones come with explained()."""
    known = [
        child for child in children if child.weight and child.lower is not None and child.upper is not None
    ]
    if not known:
        return None, None
    return (
        round(sum(child.weight * (child.lower or 0) for child in known)),
        round(sum(child.weight * (child.upper or 0) for child in known)),
    )


def _change(now: sheets.Figure, then: sheets.Figure | None) -> int | None:
    if then is None or now.points is None or then.points is None:
        return None
    return now.points - then.points


def apportion(parts: Sequence[float], total: int) -> list[int]:
    """Whole numbers near the parts that add up to the total exactly (largest remainder)."""
    whole = [int(np.floor(part)) for part in parts]
    order = sorted(range(len(parts)), key=lambda at: parts[at] - whole[at], reverse=True)
    missing = total - sum(whole)
    places = [at for at in order if parts[at]] or order
    for turn in range(abs(missing)):
        if missing > 0:
            whole[places[turn % len(places)]] += 1
        else:
            whole[places[-1 - turn % len(places)]] -= 1
    return whole


# ---------- as JSON ----------


def as_json(card: CardReading) -> dict[str, Any]:
    """The whole tree as plain data: what `manage.py score --json` prints and the API answers.

    source  docs/score-json.md says what each field means; fields are added, never renamed
    """
    return {
        "organization": card.organization.slug,
        "scorecard": card.key,
        "version": card.number,
        "day": card.day.isoformat(),
        "revision": card.revision,
        "made_at": card.made_at.isoformat(),
        "watermark": card.watermark,
        "score": _node_json(card.overall),
    }


def _node_json(reading: Reading) -> dict[str, Any]:
    node: dict[str, Any] = {
        "id": reading.node,
        "level": reading.level,
        "name": reading.name,
        "points": points_text(reading.points),
        "shown": reading.whole,
        "band": reading.band.key if reading.band else None,
        "state": reading.state.name,
        "coverage": None if reading.coverage is None else round(reading.coverage, 4),
        "lower": points_text(reading.lower),
        "upper": points_text(reading.upper),
        "weight": round(reading.weight, 6),
        "share": None if reading.share is None else round(reading.share, 6),
        "contribution": points_text(reading.contribution),
    }
    if reading.signal is not None:
        node |= {
            "kind": str(reading.signal.kind),
            "product": reading.signal.product,
            "preview": reading.signal.preview,
            "flags": [flag.name for flag in Flag if flag in reading.flags],
            "inputs": plain_inputs(reading.inputs),
        }
    else:
        node["children"] = [_node_json(child) for child in reading.children]
    return node


INPUT_DAYS = {"as_of", "last_event", "window_start", "window_end", "declared_until"}


def plain_inputs(inputs: Mapping[str, float | None]) -> dict[str, float | str | None]:
    """Inputs as a stranger reads them: days as 2026-10-31, months as 2026-10."""
    return {name: _plain(name, value) for name, value in inputs.items()}


def _plain(name: str, value: float | None) -> float | str | None:
    if value is None:
        return None
    if name in INPUT_DAYS:
        return date.fromordinal(int(value)).isoformat()
    if name == "month":
        return f"{int(value) // 12}-{int(value) % 12 + 1:02d}"
    return value


def points_text(hundredths: int | None) -> str | None:
    """Points as the decimal text that receipts and JSON carry: "61.44"."""
    return None if hundredths is None else f"{hundredths // 100}.{hundredths % 100:02d}"
