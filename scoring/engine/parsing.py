"""Turns the text of a scorecard file into a Scorecard, or says everything that is wrong with it."""

import re
import tomllib
from typing import Any

from scoring.engine.errors import ScorecardInvalid
from scoring.engine.leaves import read_metrics, read_signals
from scoring.engine.reader import Section, unique
from scoring.engine.scorecard import Band, Category, Product, Scorecard, Signal, Subcategory

AUDIENCES = ("customer", "internal")
TONES = ("healthy", "watch", "act")
MARKS = ("pa", "ce", "th")
BANDS = {
    "standard": (
        Band("healthy", "Healthy", 80, "healthy"),
        Band("watch", "Watch", 70, "watch"),
        Band("act-now", "Act now", 0, "act"),
    ),
    "maturity": (
        Band("leading", "Leading", 75, "healthy"),
        Band("established", "Established", 60, "healthy"),
        Band("developing", "Developing", 40, "watch"),
        Band("foundational", "Foundational", 0, "act"),
    ),
    "security": (
        Band("excellent", "Excellent", 90, "healthy"),
        Band("very-good", "Very good", 80, "healthy"),
        Band("good", "Good", 70, "watch"),
        Band("poor", "Poor", 55, "act"),
        Band("very-poor", "Very poor", 0, "act"),
    ),
    "lighthouse": (
        Band("good", "Good", 90, "healthy"),
        Band("needs-improvement", "Needs improvement", 50, "watch"),
        Band("poor", "Poor", 0, "act"),
    ),
}


def parse(text: str) -> Scorecard:
    """The scorecard that a file describes.

    raises  ScorecardInvalid with every problem and its path in the file; places in lists count from 1
    source  scoring/README.md, "The file"
    """
    problems: list[tuple[str, str]] = []
    root = Section(_tables(text), "", problems)
    scorecard = _scorecard(root)
    root.finish()
    if problems:
        raise ScorecardInvalid(problems)
    return scorecard


def _tables(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError is one; a number of thousands of digits another
        line = re.search(r"at line (\d+)", str(error))
        place = f"line {line[1]}" if line else f"line {text.count('\n') + 1}"
        raise ScorecardInvalid([(place, f"not TOML: {error}")]) from error


def _scorecard(root: Section) -> Scorecard:
    head = _head(root)
    products = _products(root)
    categories = _categories(root)
    metrics = read_metrics(root, products)
    signals = read_signals(root, categories, metrics, products)
    _check_no_group_is_empty(root, categories, signals)
    scorecard = Scorecard(
        key=head.key(),
        name=head.text("name"),
        audience=head.one_of("audience", AUDIENCES),
        bands=_bands(root, head),
        floor_subcategory=head.number("floor_subcategory", 0.5, at_least=0, at_most=1),
        floor_category=head.number("floor_category", 0.5, at_least=0, at_most=1),
        floor_overall=head.number("floor_overall", 0.6, at_least=0, at_most=1),
        min_categories=head.whole("min_categories", 2, at_least=1),
        provisional_below=head.number("provisional_below", 0.8, at_least=0, at_most=1),
        products=products,
        categories=categories,
        metrics=tuple(metric for metric in metrics.values() if metric),
        signals=signals,
    )
    if categories and scorecard.min_categories > len(categories):
        head.problem("min_categories", f"is {scorecard.min_categories} of {len(categories)} categories")
    head.finish()
    return scorecard


def _head(root: Section) -> Section:
    table = root.table.get("scorecard")
    root.skip("scorecard")
    if not isinstance(table, dict):
        root.problem("scorecard", "must be a table" if root.has("scorecard") else "is missing")
        table = {"key": "none", "name": "none", "audience": "customer", "min_categories": 1}
    return Section(table, "scorecard", root.problems)


def _bands(root: Section, head: Section) -> tuple[Band, ...]:
    if not root.has("band"):
        return BANDS[head.one_of("bands", BANDS, "standard")]
    if head.has("bands"):
        head.problem("bands", "give either a preset or [[band]], not both")
        head.skip("bands")
    sections = root.sections("band")
    unique(sections)
    bands = [_band(section) for section in sections]
    edges = [band.at_least for band in bands]
    if len(set(edges)) < len(edges):
        root.problem("band", "two bands begin at the same points")
    if 0 not in edges:
        root.problem("band", "one band must begin at 0, so that every number has a band")
    return tuple(sorted(bands, key=lambda band: -band.at_least))


def _band(section: Section) -> Band:
    band = Band(
        section.key(),
        section.text("name"),
        section.whole("at_least", at_least=0, at_most=100),
        section.one_of("tone", TONES),
    )
    section.finish()
    return band


def _products(root: Section) -> tuple[Product, ...]:
    sections = root.sections("product")
    unique(sections)
    products = []
    for section in sections:
        products.append(Product(section.key(), section.text("name")))
        section.finish()
    return tuple(products)


def _categories(root: Section) -> tuple[Category, ...]:
    sections = root.sections("category")
    unique(sections)
    if not sections:
        root.problem("category", "there must be at least one category")
    return tuple(_category(section) for section in sections)


def _category(section: Section) -> Category:
    key, name = section.key(), section.text("name")
    if key == "overall":
        section.problem("key", "'overall' is the root of the tree")
    subsections = section.sections("subcategory")
    unique(subsections)
    if not subsections:
        section.problem("subcategory", "there must be at least one subcategory")
    category = Category(
        key=key,
        name=name,
        short=section.text("short", name),
        mark=section.one_of("mark", MARKS) if section.has("mark") else "",
        weight=section.number("weight", more_than=0),
        definition=section.text("definition", ""),
        subcategories=tuple(_subcategory(subsection) for subsection in subsections),
    )
    section.finish()
    return category


def _subcategory(section: Section) -> Subcategory:
    sub = Subcategory(
        section.key(),
        section.text("name"),
        section.number("weight", 1, more_than=0),
        section.text("definition", ""),
    )
    section.finish()
    return sub


def _check_no_group_is_empty(
    root: Section, categories: tuple[Category, ...], signals: tuple[Signal, ...]
) -> None:
    used = {(signal.category, signal.subcategory) for signal in signals}
    for place, category in enumerate(categories, start=1):
        for number, sub in enumerate(category.subcategories, start=1):
            if (category.key, sub.key) not in used:
                path = f'category[{place}] "{category.key}".subcategory[{number}] "{sub.key}"'
                root.problem(path, "has no signal")
