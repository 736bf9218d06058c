"""Receipts: what a node of a published sheet was made of, in a document that a stranger can work out again.

Computed on request from the observations as they stood at the run's watermark and the scorecard version,
never from the sheet; then compared with the sheet, and what differs is said. Nothing is changed or kept.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date
from functools import cached_property
from typing import Any

import numpy as np

from accounts.models import Organization
from scoring import engine, pack, replay, sheets
from scoring.engine import Flag, Metric, Node, Scorecard, Signal, State
from scoring.models import Batch
from scoring.read import BASE_PERIODS, FRESH, points_text
from scoring.replay import Night, Replay

FORMAT = "cairn-receipt/1"
ROUNDING = (
    "Points are rounded once, from full precision to hundredths, half to even (a tie is decided at a"
    " millionth of a hundredth); the whole number shown is rounded from those hundredths, half to even."
    " Roll-ups use children in full precision, so a sum by hand of shown numbers may differ by 1."
)
# The numbers behind the points of each kind, by the names the engine gives them.
FIGURES: Mapping[str, tuple[str, ...]] = {
    "ratio": ("numerator", "denominator", "raw", "month"),
    "growth": ("numerator", "denominator", "raw", "month"),
    "error": ("clean_days", "observed_days", "window_start", "window_end"),
    "performance": ("average", "weight", "observed_days", "month"),
    "config": ("passed", "total"),
    "deduction": ("deducted",),
    "steps": ("value",),
    "linear": ("value",),
}
OF_EVENTS = ("value", "window_start", "window_end")
OF_STOCKS = ("value",)

type Document = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """A node whose number in the published sheet is not what came out again."""

    node: str
    name: str
    published: str
    receipt: str


@dataclass(frozen=True)
class Receipt:
    """The receipt of one node of one published sheet."""

    organization: Organization
    night: Night
    node: Node
    document: Document
    differences: tuple[Difference, ...]  # to the sheet, in this node and below it

    @cached_property
    def raw(self) -> bytes:
        """The bytes that are handed out and verified."""
        return canonical_bytes(self.document)

    @property
    def digest(self) -> str:
        return str(self.document["sha256"])


def of(
    organization: Organization,
    node: str,
    day: date,
    *,
    key: str | None = None,
    number: int | None = None,
    revision: int | None = None,
) -> Receipt | None:
    """The receipt of a node on a day; None where there is no such node, or no sheet was published.

    number, revision  of the scorecard version and of the sheet; without them the one that the pages show
    """
    night = replay.night_of(key or organization.scorecard, day, number=number, revision=revision)
    if night is None or node not in {each.id for each in night.card.nodes}:
        return None
    made = replay.of_night(organization, night)
    return None if made is None else of_replay(made, node)


def of_replay(made: Replay, node: str) -> Receipt:
    """The receipt of a node of a night made again."""
    card = made.card
    at = next(place for place, each in enumerate(card.nodes) if each.id == node)
    below = [at, *_below(card, at)]
    return Receipt(
        made.organization,
        made.night,
        card.nodes[at],
        signed(_document(made, at)),
        tuple(_differences(made, below)),
    )


def canonical_bytes(document: Document) -> bytes:
    """The one way to write a document down: keys in order, no spaces, plain ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def signed(document: Document) -> Document:
    """The document with the SHA-256 of everything else in it."""
    return {**document, "sha256": hashlib.sha256(canonical_bytes(document)).hexdigest()}


def others(found: Receipt) -> list[Night]:
    """The other published scores of the same day: earlier revisions, other versions of the scorecard."""
    nights = replay.nights_of(found.night.card.key, found.night.day)
    return [night for night in nights if night.run_id != found.night.run_id]


# ---------- the document ----------


def _document(made: Replay, at: int) -> Document:
    card, night, day = made.card, made.night, made.night.day
    signals = [card.nodes[place].signal for place in [at, *_below(card, at)]]
    # What is not owned, exempt or too young is settled before anything is read, yet the reader may see it.
    wanted = list(dict.fromkeys(key for signal in signals if signal for key in signal.metrics))
    metrics, batches = _metrics(made, wanted)
    contract = made.panel.contract_started[0]
    return {
        "format": FORMAT,
        "organization": {
            "id": made.organization.slug,
            "name": made.organization.name,
            "age_days": number_text(made.panel.age_days[0]),
            "contract_started": None if np.isnan(contract) else date.fromordinal(int(contract)).isoformat(),
        },
        "sheet": {
            "day": day.isoformat(),
            "revision": str(night.revision),
            "reason": night.reason,
            "run": str(night.run_id),
            "watermark": str(night.watermark),
            "made_at": night.made_at.astimezone(UTC).isoformat(timespec="seconds"),
        },
        "scorecard": {
            "key": card.key,
            "name": card.name,
            "version": str(night.version.number),
            "sha256": night.version.digest,
            **{
                name: number_text(getattr(card, name))
                for name in (
                    "floor_subcategory",
                    "floor_category",
                    "floor_overall",
                    "min_categories",
                    "provisional_below",
                )
            },
            "bands": [
                {"key": band.key, "name": band.name, "at_least": str(band.at_least)} for band in card.bands
            ],
        },
        "reads": {
            "months_from": pack.add_months(pack.month_start(day), 1 - card.months).isoformat(),
            "days_from": pack.add_months(pack.month_start(day), 1 - pack.day_months(day)).isoformat(),
            "to": day.isoformat(),
            "products": "as the sheet shows" if made.sheet_products is not None else "as owned now",
        },
        "rounding": ROUNDING,
        "batches": batches,
        "metrics": metrics,
        "root": _node(made, at, share=None),
    }


def _metrics(made: Replay, wanted: Iterable[str]) -> tuple[Document, Document]:
    """What was measured and what was declared complete, by metric; and the batches it came with."""
    values: dict[str, list[Document]] = {key: [] for key in wanted}
    used: dict[int, Batch] = {}
    for each in made.measurements:
        if each.metric in values:
            batch = used[each.batch] = made.batches[each.batch]
            row = {
                "day": each.day.isoformat(),
                "value": number_text(each.value),
                "batch": str(batch.pk),
                "correction": each.is_correction,
            }
            values[each.metric].append(row)
    complete: dict[str, list[Document]] = {key: [] for key in values}
    for batch in made.declarations:
        for key in dict.fromkeys(batch.metrics):
            if key in complete:
                used[batch.pk] = batch
                complete[key].append(
                    {
                        "from": str(batch.complete_from),
                        "to": str(batch.complete_to),
                        "batch": str(batch.pk),
                    }
                )
    metrics = {
        key: {**_metric(made.card.metric(key)), "values": values[key], "complete": complete[key]}
        for key in values
    }
    batches = {
        str(batch.pk): {
            "source": batch.source.key,
            "arrived": batch.received_at.astimezone(UTC).isoformat(timespec="seconds"),
        }
        for batch in used.values()
    }
    return metrics, batches


def _metric(metric: Metric) -> Document:
    return {
        "name": metric.name,
        "unit": metric.unit,
        "nature": str(metric.nature),
        "grain": str(metric.grain),
        "cadence": str(metric.cadence),
        "lag": str(metric.lag),
        "minimum": number_text(metric.minimum),
        "companion": metric.companion,
    }


# ---------- a node and what is below it ----------


def _node(made: Replay, at: int, *, share: float | None) -> Document:
    node, scores = made.card.nodes[at], made.scores
    exact = _known(scores.points[0, at])
    points = sheets.known(int(engine.canonical(scores.points[0, at])))
    told: Document = {
        "node": node.id,
        "name": node.name,
        "level": str(node.level),
        "weight": number_text(node.weight),
        "share": number_text(share),
        "state": State(int(scores.state[0, at])).name,
        "exact": number_text(exact),
        "points": points_text(points),
        "shown": None if points is None else str(engine.shown(points)),
        "band": None if points is None else made.card.band(points).key,
        "coverage": number_text(_known(scores.coverage[0, at])),
        "lower": number_text(_known(scores.lower[0, at])),
        "upper": number_text(_known(scores.upper[0, at])),
    }
    if node.signal is not None:
        return told | _signal(made, at, node.signal)
    return told | {"children": _children(made, at)}


def _children(made: Replay, at: int) -> list[Document]:
    card, points = made.card, made.scores.points[0]
    mine = [place for place, node in enumerate(card.nodes) if node.parent == at]
    scored = {
        place: card.nodes[place].weight
        for place in mine
        if not np.isnan(points[place]) and not _is_preview(card.nodes[place])
    }
    total = sum(scored.values())
    return [_node(made, place, share=scored[place] / total if place in scored else None) for place in mine]


def _is_preview(node: Node) -> bool:
    return node.signal is not None and node.signal.preview


def _signal(made: Replay, at: int, signal: Signal) -> Document:
    panel, scores = made.panel, made.scores
    state, flags = State(int(scores.state[0, at])), Flag(int(scores.flags[0, at]))
    variant = getattr(signal.options, "variant", None)
    owned = signal.product is None or bool(panel.owned[0, panel.products.index(signal.product)])
    known = int(scores.history[0, at])
    return {
        "kind": signal.kind,
        "product": signal.product,
        "owned": owned,
        "exempt": state is State.EXEMPT,
        "preview": signal.preview,
        "definition": signal.definition,
        "formula": signal.formula,
        "parameters": _plain(asdict(signal.options)),
        "reads": list(signal.metrics),
        "freshness": number_text(FRESH.get(state)),
        "history": None if variant is None else f"{known}/{BASE_PERIODS[str(variant)]}",
        "flags": sorted(str(flag.name) for flag in Flag if flag in flags),
        "figures": _figures(made, signal) if not np.isnan(scores.points[0, at]) else {},
    }


def _figures(made: Replay, signal: Signal) -> Document:
    """The numbers that led to the points, days and months as text."""
    given = (made.scores.inputs or {})[signal.key]
    names = FIGURES.get(signal.kind)
    if names is None:
        is_stock = str(made.card.metric(signal.metrics[0]).nature) == "stock"
        names = OF_STOCKS if is_stock else OF_EVENTS
    return {name: _figure(name, _known(given[name][0])) for name in names}


def _figure(name: str, value: float | None) -> str | None:
    if value is None:
        return None
    if name == "month":
        return f"{int(value) // 12}-{int(value) % 12 + 1:02d}"
    if name.startswith("window_"):
        return date.fromordinal(int(value)).isoformat()
    return number_text(value)


def _plain(value: Any) -> Any:
    """Options as plain data: numbers as text, names as they are."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return number_text(value)
    return str(value)


def number_text(value: float | None) -> str | None:
    """The shortest text that gives this very number again; whole numbers without a point."""
    if value is None:
        return None
    number = float(value)
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def _below(card: Scorecard, at: int) -> list[int]:
    """The places of everything below a node."""
    mine = [place for place, node in enumerate(card.nodes) if node.parent == at]
    return [each for place in mine for each in (place, *_below(card, place))]


# ---------- beside the sheet ----------


def _differences(made: Replay, places: Sequence[int]) -> Iterable[Difference]:
    """Every figure of the sheet that is not what came out again; None of them, if all is well."""
    again = sheets.unpack(sheets.pack(made.card, made.scores)[0], made.card)
    for at in places:
        node = made.card.nodes[at]
        published, now = made.sheet[node.id], again[node.id]
        if published != now:
            yield Difference(node.id, node.name, _told(published), _told(now))


def _told(figure: sheets.Figure) -> str:
    number = points_text(figure.points) or "no number"
    return f"{number}, {figure.state.name}"


__all__ = ["Difference", "Receipt", "canonical_bytes", "number_text", "of", "of_replay", "others", "signed"]
