"""The goal-weighted index: the same engine over the same numbers, with what an organization de-emphasizes.

It is no score: it is worked out when somebody looks, kept nowhere, and nothing else reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from accounts.models import Matters
from scoring import engine, pack
from scoring.engine import Scorecard, Scores
from scoring.read import CardReading, walk

# What is left of the weight of a signal.
FACTORS: Mapping[str, float] = {Matters.LESS: 0.5, Matters.NOT: 0.0}


MOST_KNOWN = 2000  # a few kB each


class Lack(Enum):
    """Why there is no index."""

    TOO_LITTLE = "too little"  # what still matters does not make a score
    CHANGED = "changed"  # the numbers are not those of the sheet any more


@dataclass(frozen=True)
class Index:
    """The index of one card, in hundredths, and how much of it each signal is, 0 to 1."""

    points: int | None
    whole: int | None
    shares: Mapping[str, float]
    lack: Lack | None = None


_known: dict[tuple[object, ...], Index | None] = {}


def index(card: CardReading, said: Mapping[str, str]) -> Index | None:
    """The goal-weighted index of a card; None where nothing in it is de-emphasized.

    said    signal -> how much it matters, where that is less than the scorecard says
    """
    # Of one sheet and the same wishes it is always the same: the overview need not score again each time.
    asked = (card.organization.pk, card.key, card.number, card.day, card.revision, card.made_at)
    key = (*asked, card.watermark, *sorted(said.items()))
    if key in _known:
        return _known[key]
    found = _index(card, said)
    if found is None or found.lack is not Lack.CHANGED:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[key] = found
    return found


def _index(card: CardReading, said: Mapping[str, str]) -> Index | None:
    factors = {node: FACTORS[how] for node, how in said.items() if card.by_node.get(node)}
    if not factors:
        return None
    panel = card.panel or pack.panel_of(card.scorecard, card.organization, card.day, watermark=card.watermark)
    official = engine.score(card.scorecard, panel)
    now = engine.canonical(official.points[0]).tolist()
    shown = [card.by_node[node.id].points for node in card.scorecard.nodes]
    if now != [-1 if each is None else each for each in shown]:
        return Index(None, None, {}, Lack.CHANGED)
    scores = engine.score(tilted(card.scorecard, factors, official), panel)
    points = int(engine.canonical(scores.points[0, :1])[0])
    if points < 0:
        return Index(None, None, {}, Lack.TOO_LITTLE)
    return Index(points, engine.shown(points), _shares(card, factors))


def tilted(card: Scorecard, factors: Mapping[str, float], scores: Scores) -> Scorecard:
    """The scorecard in which each signal's share of the whole is its own times its factor.

    Weights are relative to siblings: for half of a signal to be half of it in the whole, the nodes above
    give up as much of their weight as those below them that have a number. What does not matter at all is
    computed and not counted, as a preview is.
    """
    has_number = dict(zip((node.id for node in card.nodes), ~np.isnan(scores.points[0]), strict=True))
    signals = tuple(_lighter(each, factors.get(each.key, 1.0)) for each in card.signals)
    categories = []
    for category in card.categories:
        subs, weights = [], []
        for sub in category.subcategories:
            below = [
                (each.key, each.weight)
                for each in card.signals
                if (each.category, each.subcategory) == (category.key, sub.key) and not each.preview
            ]
            left = _left(below, factors, has_number)
            subs.append(replace(sub, weight=sub.weight * left))
            weights.append((f"{category.key}/{sub.key}", sub.weight, left))
        left = _left([(id, weight) for id, weight, _ in weights], {id: f for id, _, f in weights}, has_number)
        categories.append(replace(category, weight=category.weight * left, subcategories=tuple(subs)))
    return replace(card, categories=tuple(categories), signals=signals)


def _lighter(signal: engine.Signal, factor: float) -> engine.Signal:
    return replace(signal, weight=signal.weight * factor) if factor else replace(signal, preview=True)


def _left(
    below: list[tuple[str, float]], factors: Mapping[str, float], has_number: Mapping[str, bool]
) -> float:
    """What is left of the weight of those with a number, or of all if none has one; all of nothing."""
    counted = [each for each in below if has_number[each[0]]] or below
    all_of_it = sum(weight for _, weight in counted)
    left = sum(weight * factors.get(id, 1.0) for id, weight in counted)
    return left / all_of_it if below else 1.0


def _shares(card: CardReading, factors: Mapping[str, float]) -> dict[str, float]:
    """How much of the index each signal with a number is."""
    found = {
        signal.node: (category.share or 0)
        * (sub.share or 0)
        * (signal.share or 0)
        * factors.get(signal.node, 1)
        for category in card.overall.children
        for sub in category.children
        for signal in walk(sub)
        if signal.signal
    }
    total = sum(found.values())
    return {node: share / total for node, share in found.items()} if total else {}
