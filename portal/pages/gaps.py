"""What a score lacks: points that signals do not bring, signals that do not report, weight without data."""

from dataclasses import dataclass

from django.urls import reverse

from portal.pages.words import STATES
from portal.templatetags.scores import add_up_tenths, percent, plural, points, whole
from scoring import read
from scoring.read import CardReading, Reading

MOST_LOSSES = 7
HELD_BACK_FROM = 5  # hundredths of an overall point: less is shown as 0.0


@dataclass(frozen=True)
class Loss:
    """Overall points a signal does not bring."""

    name: str
    href: str
    category: str
    mark: str
    facts: str
    width: str
    points: str


def losses(card: CardReading) -> dict[str, object] | None:
    """The signals that cost most: 100 minus their score, times what they weigh in the overall score."""
    if card.overall.points is None:
        return None
    lost = [
        (signal, category, share * (10_000 - (signal.points or 0)))
        for signal, category, share in weighed(card)
        if signal.points is not None
    ]
    total = 10_000 - card.overall.points
    texts = add_up_tenths([each[2] for each in lost], total)
    ranked = sorted(zip(lost, texts, strict=True), key=lambda each: -each[0][2])
    top = [each for each in ranked[:MOST_LOSSES] if each[0][2] >= HELD_BACK_FROM]
    widest = top[0][0][2] if top else 1
    rows = [
        Loss(
            signal.name,
            why_href(card, signal),
            category.name,
            category.mark,
            f"scores {whole(signal.points)}",
            f"{100 * cost / widest:.1f}%",
            text,
        )
        for (signal, category, cost), text in top
    ]
    rest = sum(round(float(text) * 10) for _, text in ranked[len(top) :])
    others = sum(signal.points != 10_000 for (signal, _, _), _ in ranked[len(top) :])
    return {"rows": rows, "total": points(total), "rest": points(rest * 10), "others": others}


@dataclass(frozen=True)
class Missing:
    """A signal that would help to make a number, if it reported."""

    name: str
    href: str
    facts: str


def missing(card: CardReading) -> list[Missing]:
    """What keeps the overall score from having a number; nothing while it has one."""
    if card.overall.points is not None:
        return []
    return [
        Missing(
            each.name,
            why_href(card, each),
            f"{STATES[each.state]}, {card.by_node[each.signal.category].name}",
        )
        for each in read.walk(card.overall)
        if each.signal and each.weight and each.points is None
    ]


def weighed(card: CardReading) -> list[tuple[Reading, Reading, float]]:
    """Every signal with its category and its share of the overall score now."""
    return [
        (signal, category, (category.share or 0) * (sub.share or 0) * (signal.share or 0))
        for category in card.overall.children
        for sub in category.children
        for signal in sub.children
    ]


def why_href(card: CardReading, signal: Reading) -> str:
    """The address of a signal's explanation."""
    category = signal.signal.category if signal.signal else ""
    return f"{reverse('category', args=[card.organization.slug, category])}?signal={signal.node}#why"


def certainty(card: CardReading) -> dict[str, object] | None:
    """How much of the weight is backed by data, overall and by category."""
    overall = card.overall
    if overall.coverage is None:
        return None
    rows = [
        (
            each.name,
            each.mark,
            percent(each.coverage),
            f"{100 * (each.coverage or 0):.1f}%",
            signal_count(each),
        )
        for each in overall.children
        if each.coverage is not None
    ]
    span = ""
    if overall.lower is not None and overall.upper is not None and overall.lower != overall.upper:
        span = f"{whole(overall.lower)} and {whole(overall.upper)}"
    return {"percent": percent(overall.coverage), "rows": rows, "span": span}


def signal_count(reading: Reading) -> str:
    """How many signals the node has that apply, and how many of them are silent."""
    mine = [each for each in read.walk(reading) if each.signal and each.weight]
    silent = sum(each.points is None for each in mine)
    if not mine:
        return "No signal applies"
    count = plural(len(mine), "signal")
    return f"{count}, {silent} without data" if silent else f"{count}, all with data"
