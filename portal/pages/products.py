"""A score through one product: its own signals and what they bring. The official number stays."""

from dataclasses import dataclass

from django.http import Http404
from django.utils.http import urlencode

from portal.pages.asking import Asking
from portal.pages.backing import backed
from portal.pages.gaps import why_href
from portal.pages.insights import counting
from portal.pages.words import COUNTED, STATES
from portal.templatetags.scores import NOTHING, add_up_tenths, plural, points, share, whole
from scoring import read
from scoring.engine import Product
from scoring.read import CardReading, Reading

ALL = "All products"


@dataclass(frozen=True)
class Chip:
    """One choice of a filter, with how many signals it leaves."""

    text: str
    href: str
    count: int
    is_here: bool


@dataclass(frozen=True)
class Row:
    """One signal of the product, as ready text."""

    name: str
    href: str
    where: str
    tone: str
    word: str
    score: str
    backed: str
    weight: str
    points: str


@dataclass(frozen=True)
class View:
    """The signals of one product and what they bring."""

    name: str
    rows: list[Row]
    total: str


def asked_product(request: Asking, card: CardReading) -> Product | None:
    """The product of the address; raise Http404 for one that the scorecard does not know."""
    key = request.GET.get("product", "")
    if not key:
        return None
    product = next((each for each in card.scorecard.products if each.key == key), None)
    if product is None:
        raise Http404("No such product.")
    return product


def applying(node: Reading) -> list[Reading]:
    """The signals of a node that apply to the organization, previews left out."""
    return [each for each in read.walk(node) if each.signal and each.weight]


def product_chips(card: CardReading, node: Reading, asked: Product | None, **kept: str) -> list[Chip]:
    """A choice for each product that has signals here; none where there is nothing to choose."""
    mine = applying(node)
    names = {product.key: product.name for product in card.scorecard.products}
    counts = {key: sum(each.signal.product == key for each in mine if each.signal) for key in names}
    there = [(names[key], key, count) for key, count in counts.items() if count]
    if len(there) < 2:
        return []
    chosen = asked.key if asked else ""
    return [
        Chip(name, query(**kept, product=key), count, key == chosen)
        for name, key, count in [(ALL, "", len(mine)), *there]
    ]


def query(**parts: str) -> str:
    """The address of this page with these parts, empty ones left out."""
    given = {name: text for name, text in parts.items() if text}
    return f"?{urlencode(given)}" if given else "?"


def view(card: CardReading, product: Product | None) -> View | None:
    """What one product's signals bring to the overall score; each part as it counts there."""
    if product is None:
        return None
    overall = card.overall
    mine = [each for each in applying(overall) if each.signal and each.signal.product == product.key]
    shares = {each.node: part for each, part in counting(overall)} if overall.points is not None else {}
    given = [shares.get(each.node, 0) * (each.points or 0) for each in mine]
    room = [shares.get(each.node, 0) * 10_000 for each in mine]
    texts = add_up_tenths(given, round(sum(given)))
    rows = [_row(card, each, shares.get(each.node), text) for each, text in zip(mine, texts, strict=True)]
    total = ""
    if shares:
        total = f"bring {points(round(sum(given)))} of {points(round(sum(room)))} possible points"
    return View(product.name, rows, f"{plural(len(mine), 'signal')} {total}".strip())


def _row(card: CardReading, signal: Reading, part: float | None, text: str) -> Row:
    category = card.by_node[signal.signal.category].name if signal.signal else ""
    return Row(
        name=signal.name,
        href=why_href(card, signal),
        where=category,
        tone=signal.band.tone if signal.band else "none",
        word=signal.band.name if signal.band else STATES[signal.state],
        score=whole(signal.points) if signal.band else "",
        backed=backed(signal) if signal.state in COUNTED else "",
        weight=share(part) if part else NOTHING,
        points=text if part else NOTHING,
    )
