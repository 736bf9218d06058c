"""The weakest pillar beside the mean: a strong category cannot make up for it, and what it would take."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from portal.pages.gaps import HELD_BACK_FROM, why_href
from portal.pages.words import listed
from portal.templatetags.scores import add_up_tenths, points
from scoring import read
from scoring.engine import State
from scoring.read import CardReading, Reading

MOST_SIGNALS = 2
BESIDE_THE_MEAN = (
    "The overall score is a mean, in which strong categories make up for a weak one. Here they do not."
)


@dataclass(frozen=True)
class Pillar:
    """A weak node, and the way to it."""

    reading: Reading
    href: str
    of: str  # the category of a subcategory


@dataclass(frozen=True)
class Weakest:
    """What the view says; without a pillar only why there is none."""

    sentence: str
    category: Pillar | None = None
    subcategory: Pillar | None = None
    takes: str = ""
    signals: tuple[tuple[str, str, str], ...] = ()  # name, address, points it does not bring its category


def weakest(card: CardReading) -> Weakest:
    """The lowest category and subcategory of a card, and what it would take to lift them."""
    applying = [each for each in card.overall.children if each.state is not State.NOT_APPLICABLE]
    known = [each for each in applying if each.points is not None]
    silent = [each.name for each in applying if each.points is None]
    unknown = (
        f" {listed(silent)} {'has' if len(silent) == 1 else 'have'} no number and may be weaker."
        if silent
        else ""
    )
    if not known:
        return Weakest("No category has a number yet, so none can be called the weakest.")
    if len(known) == 1:
        return Weakest(f"Only {known[0].name} has a number, so there is nothing to compare it with.{unknown}")
    low = min(each.points or 0 for each in known)
    lowest = [each for each in known if each.points == low]
    subs = _subcategory(card, known)
    if len(lowest) == len(known):
        both = "Both" if len(known) == 2 else f"All {len(known)}"
        return Weakest(
            f"{both} categories stand at {points(low)}: none is weaker.{unknown}", subcategory=subs
        )
    if len(lowest) > 1:
        named = listed([each.name for each in lowest])
        return Weakest(f"{named} are level at {points(low)}, below the others.{unknown}", subcategory=subs)
    category = lowest[0]
    return Weakest(
        f"{BESIDE_THE_MEAN}{unknown}",
        Pillar(category, _href(card, category), ""),
        subs,
        _takes(card, category, known),
        tuple(_signals(card, category)),
    )


def _subcategory(card: CardReading, categories: Sequence[Reading]) -> Pillar | None:
    """The one lowest subcategory; None where several are level or only one has a number."""
    below = [(sub, each) for each in categories for sub in each.children if sub.points is not None]
    low = min((sub.points or 0 for sub, _ in below), default=0)
    lowest = [each for each in below if each[0].points == low]
    if len(below) < 2 or len(lowest) > 1:
        return None
    sub, category = lowest[0]
    return Pillar(sub, _href(card, sub), category.name)


def _takes(card: CardReading, category: Reading, known: Sequence[Reading]) -> str:
    """How far the next better band is, or the next category, and what that gives the overall score."""
    better = [band for band in card.scorecard.bands if band.at_least > (category.whole or 0)]
    now = category.points or 0
    if better:
        aim, at = better[-1].name, better[-1].at_least * 100
    else:
        at = min(each.points or 0 for each in known if each is not category)
        aim = next(each.name for each in known if each is not category and each.points == at)
        if at == now:
            return ""
    gain = round((category.share or 0) * (at - now))
    overall = (
        f" That alone gives the overall score {points(gain)}." if card.overall.points is not None else ""
    )
    step = f"reach {aim} at {at // 100}" if better else f"stand level with {aim}"
    return f"It takes {points(at - now)} points more to {step}.{overall}"


def _signals(card: CardReading, category: Reading) -> list[tuple[str, str, str]]:
    """The signals that cost the category most."""
    lost = [
        ((sub.share or 0) * (signal.share or 0) * (10_000 - signal.points), signal)
        for sub in category.children
        for signal in read.walk(sub)
        if signal.signal and signal.points is not None
    ]
    texts = add_up_tenths([cost for cost, _ in lost], 10_000 - (category.points or 0))
    dearest = sorted(zip(lost, texts, strict=True), key=lambda each: -each[0][0])[:MOST_SIGNALS]
    return [
        (signal.name, why_href(card, signal), text)
        for (cost, signal), text in dearest
        if cost >= HELD_BACK_FROM
    ]


def _href(card: CardReading, node: Reading) -> str:
    name = "subcategory" if "/" in node.node else "category"
    return reverse(name, args=[card.organization.slug, *node.node.split("/")])
