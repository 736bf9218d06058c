"""The tree of criteria as a value: what a scorecard file says once it was read and found good."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from scoring.engine.errors import ScoringError
from scoring.engine.options import GrowthOptions, Options, Variant
from scoring.engine.states import shown


class Nature(StrEnum):
    """How a metric behaves in time."""

    STOCK = "stock"
    FLOW = "flow"
    EVENT = "event"
    GAUGE = "gauge"


class Grain(StrEnum):
    """What is kept of a metric."""

    MONTH = "month"
    EVENT = "event"
    DAY = "day"


class Cadence(StrEnum):
    """How often a metric is sent."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


class Level(StrEnum):
    """Where in the tree a node stands."""

    OVERALL = "overall"
    CATEGORY = "category"
    SUBCATEGORY = "subcategory"
    SIGNAL = "signal"


@dataclass(frozen=True)
class Band:
    """A name for a range of shown points, from `at_least` up to the next band."""

    key: str
    name: str
    at_least: int
    tone: str  # healthy | watch | act


@dataclass(frozen=True)
class Product:
    """What an organization may own; signals of other products do not apply to it."""

    key: str
    name: str


@dataclass(frozen=True)
class Subcategory:
    """A group of signals."""

    key: str
    name: str
    weight: float
    definition: str


@dataclass(frozen=True)
class Category:
    """A group of subcategories; `mark` names the look it has in charts."""

    key: str
    name: str
    short: str
    mark: str
    weight: float
    definition: str
    subcategories: tuple[Subcategory, ...]


@dataclass(frozen=True)
class Metric:
    """A raw measured quantity that signals read."""

    key: str
    name: str
    product: str | None
    unit: str
    nature: Nature
    grain: Grain
    cadence: Cadence
    lag: int  # days after the end of its period until it is due
    minimum: float
    maximum: float
    companion: str | None  # the flow that weights a gauge


@dataclass(frozen=True)
class Signal:
    """A leaf of the tree: how it is computed, and what people read about it."""

    key: str
    name: str
    product: str | None
    category: str
    subcategory: str
    weight: float
    preview: bool
    definition: str
    formula: str
    reading: str
    kind: str
    options: Options
    metrics: tuple[str, ...]  # all it reads, companions too


@dataclass(frozen=True)
class Node:
    """A place in the tree; `parent` is its index in Scorecard.nodes, -1 for overall."""

    id: str
    level: Level
    parent: int
    name: str
    weight: float
    definition: str
    signal: Signal | None = None


# Compared by identity: versions are parsed once, and hashing the whole tree costs a quarter of a page.
@dataclass(frozen=True, eq=False)
class Scorecard:
    """One version of a scorecard; never changed once published."""

    key: str
    name: str
    audience: str
    bands: tuple[Band, ...]  # highest first
    floor_subcategory: float
    floor_category: float
    floor_overall: float
    min_categories: int
    provisional_below: float
    products: tuple[Product, ...]
    categories: tuple[Category, ...]
    metrics: tuple[Metric, ...]
    signals: tuple[Signal, ...]

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Depth first: overall, then each category, its subcategories, and their signals in file order."""
        nodes = [Node("overall", Level.OVERALL, -1, self.name, 1.0, "")]
        for category in self.categories:
            above = len(nodes)
            nodes.append(
                Node(category.key, Level.CATEGORY, 0, category.name, category.weight, category.definition)
            )
            for sub in category.subcategories:
                place = len(nodes)
                id = f"{category.key}/{sub.key}"
                nodes.append(Node(id, Level.SUBCATEGORY, above, sub.name, sub.weight, sub.definition))
                nodes.extend(
                    Node(leaf.key, Level.SIGNAL, place, leaf.name, leaf.weight, leaf.definition, leaf)
                    for leaf in self.signals
                    if (leaf.category, leaf.subcategory) == (category.key, sub.key)
                )
        return tuple(nodes)

    @cached_property
    def metrics_by_key(self) -> Mapping[str, Metric]:
        return {metric.key: metric for metric in self.metrics}

    @cached_property
    def months(self) -> int:
        """How many months of the past a panel needs: quarters reach further back."""
        quarterly = (signal for signal in self.signals if self._reads_quarters(signal))
        return 22 if any(quarterly) else 16

    def _reads_quarters(self, signal: Signal) -> bool:
        if isinstance(signal.options, GrowthOptions) and signal.options.variant == Variant.QUARTER:
            return True
        return any(self.metric(key).cadence == Cadence.QUARTERLY for key in signal.metrics)

    def metric(self, key: str) -> Metric:
        return self.metrics_by_key[key]

    def band(self, points_hundredths: int) -> Band:
        """The band of a stored number, decided on the whole number that is shown (SCORING §7)."""
        if points_hundredths < 0:
            raise ScoringError("without a number there is no band")
        points = shown(points_hundredths)
        return next(band for band in self.bands if points >= band.at_least)
