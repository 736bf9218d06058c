"""Reads the [[metric]] and [[signal]] tables of a scorecard file."""

from collections.abc import Mapping, Sequence

from scoring.engine.kind_options import READERS, Metrics
from scoring.engine.options import ConfigOptions, Options, PerformanceOptions, metrics_named
from scoring.engine.reader import Section, unique
from scoring.engine.scorecard import Cadence, Category, Grain, Metric, Nature, Product, Signal

LAGS = {Cadence.DAILY: 1, Cadence.WEEKLY: 3, Cadence.MONTHLY: 7, Cadence.QUARTERLY: 7}
LONGEST_LAG = 92
LARGEST = 1e15  # whole numbers up to here are exact in a float64

type Declarations = Mapping[str, Metric | None]  # None: declared, but with problems


def read_metrics(root: Section, products: Sequence[Product]) -> Declarations:
    """The metrics by key; None for one with problems, so that nobody is blamed for naming it."""
    sections = root.sections("metric")
    unique(sections)
    metrics: dict[str, Metric | None] = {}
    for section in sections:
        metric = _metric(section, products)
        metrics[metric.key] = None if section.broken else metric
    for section in sections:
        _check_companion(section, metrics)
    return metrics


def _metric(section: Section, products: Sequence[Product]) -> Metric:
    key, cadence = section.key(), section.choice("cadence", Cadence)
    metric = Metric(
        key=key,
        name=section.text("name", key),
        product=_product(section, products),
        unit=section.text("unit"),
        nature=section.choice("nature", Nature),
        grain=section.choice("grain", Grain),
        cadence=cadence,
        lag=section.whole("lag", LAGS[cadence], at_least=0, at_most=LONGEST_LAG),
        minimum=section.number("minimum", 0),
        maximum=section.number("maximum", LARGEST),
        companion=section.optional("companion"),
    )
    section.finish()
    if not section.broken:
        _check_fit(section, metric)
    return metric


def _check_fit(section: Section, metric: Metric) -> None:
    """Note what is right alone but wrong together."""
    if (metric.nature == Nature.EVENT) != (metric.grain == Grain.EVENT):
        section.problem("grain", f"events, and only they, are of event grain; this is a {_described(metric)}")
    if metric.grain == Grain.DAY and metric.cadence != Cadence.DAILY:
        section.problem("cadence", f"a metric of day grain must be daily, not {metric.cadence}")
    if metric.minimum >= metric.maximum:
        section.problem("minimum", f"must be below the maximum: {metric.minimum:g} and {metric.maximum:g}")


def _check_companion(section: Section, metrics: Declarations) -> None:
    metric = metrics.get(str(section.table.get("key")))
    if metric is None or metric.companion is None:
        return
    companion = metrics.get(metric.companion)
    if metric.nature != Nature.GAUGE:
        section.problem("companion", f"only a gauge is weighted by a flow; this is a {_described(metric)}")
    elif metric.companion not in metrics:
        section.problem("companion", f"names {metric.companion!r}, which no [[metric]] declares")
    elif companion and (companion.nature, companion.grain) != (Nature.FLOW, metric.grain):
        section.problem(
            "companion",
            f"must be a flow of {metric.grain} grain; {companion.key!r} is a {_described(companion)}",
        )


def _described(metric: Metric) -> str:
    return f"{metric.nature} of {metric.grain} grain"


def _product(section: Section, products: Sequence[Product]) -> str | None:
    key = section.optional("product")
    if key and key not in [product.key for product in products]:
        section.problem("product", f"names {key!r}, which no [[product]] declares")
    return key


def read_signals(
    root: Section, categories: Sequence[Category], metrics: Declarations, products: Sequence[Product]
) -> tuple[Signal, ...]:
    """The signals in the order of the file."""
    sections = root.sections("signal")
    unique(sections)
    if not sections:
        root.problem("signal", "there must be at least one signal")
    taken = {"overall", *(category.key for category in categories)}
    for section in sections:
        if section.table.get("key") in taken:
            section.problem("key", "a category or the root of the tree has this key")
    return tuple(_signal(section, categories, metrics, products) for section in sections)


def _signal(
    section: Section, categories: Sequence[Category], metrics: Declarations, products: Sequence[Product]
) -> Signal:
    category, subcategory = _place(section, categories)
    key, name, product = section.key(), section.text("name"), _product(section, products)
    texts = {text: section.text(text) for text in ("definition", "formula", "reading")}
    weight, preview = section.number("weight", 1, more_than=0), section.flag("preview")
    kind = section.one_of("kind", READERS, "")
    if section.table.get("kind") in READERS:
        options = READERS[kind](section, Metrics(metrics))
        section.finish()
    else:
        options = ConfigOptions(())  # which options it should have cannot be known
    return Signal(
        key=key,
        name=name,
        product=product,
        category=category,
        subcategory=subcategory,
        weight=weight,
        preview=preview,
        **texts,
        kind=kind,
        options=options,
        metrics=_metrics_read(options, metrics),
    )


def _place(section: Section, categories: Sequence[Category]) -> tuple[str, str]:
    """The category and subcategory a signal is in."""
    key, sub = section.text("category"), section.text("subcategory")
    category = next((category for category in categories if category.key == key), None)
    if key and not category:
        section.problem("category", f"names {key!r}, which no [[category]] declares")
    if sub and category and sub not in [subcategory.key for subcategory in category.subcategories]:
        section.problem("subcategory", f"names {sub!r}, which {key!r} does not have")
    return key, sub


def _metrics_read(options: Options, metrics: Declarations) -> tuple[str, ...]:
    """Every metric a signal reads, companions of an average too."""
    names = metrics_named(options)
    gauge = metrics.get(names[0]) if isinstance(options, PerformanceOptions) and names else None
    return (*names, gauge.companion) if gauge and gauge.companion else names
