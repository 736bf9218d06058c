"""How scoring works: the whole arithmetic on one page, its examples scored by the engine as it is made."""

from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.access import visible_organizations
from portal.pages.asking import Asking
from portal.pages.kinds import told
from portal.pages.resources import introduction
from portal.pages.shell import Link
from portal.pages.words import KINDS, STATES
from portal.templatetags.scores import cut, in_full, percent, points, share, whole
from scoring import examples, publish
from scoring.engine import Scorecard, State
from scoring.read import Reading

# What each kind does, in words; the examples below them are scored, not typed.
RULES = {
    "ratio": "A part divided by a whole, times 100. Where less is better the share is turned round first, so "
    "that 100 is always good. With nothing bought there is no number; more in use than bought counts as 100.",
    "growth": "The last complete month divided by what it is compared with, times 50. Standing still is 50, "
    "double or more is 100. It is compared with the average of the 12 months before, or with the same month "
    "a year ago where seasons matter. A month that is still running is never used.",
    "indicator": "Did something happen, how often, or how long ago. Each answer has its points, in steps.",
    "error": "The share of the last 30 days without errors. A day we heard nothing of is left out: it is "
    "neither good nor bad. With fewer than 20 days heard of there is no number.",
    "performance": "The average of the last complete month, weighted by how much was going on each day, read "
    "off a curve or a line. Without any requests there is no number.",
    "config": "Settings that are as they should be, weighed by risk: high counts 3, medium 2, low 1. A "
    "warning counts half.",
    "deduction": "It starts at 100, and each incident takes points by how severe it was.",
    "steps": "A number read off a staircase: the first step that fits gives its points.",
    "linear": "A number on a straight line between poor, which gives 0, and good, which gives 100.",
}

# What becomes of a signal that has no fresh number: its state, in the score, in the coverage, why.
COUNTS = (
    (State.OK, "yes", "in full", "A valid value that is not overdue."),
    (State.STALE_GRACE, "yes, its last value", "half", "A newer value is overdue, and not for long."),
    (State.MISSING, "no", "as nothing", "Expected, but never came or came too long ago."),
    (State.INVALID, "no", "as nothing", "Impossible, such as use of something that was never bought."),
    (State.INSUFFICIENT_HISTORY, "no", "left out", "Too new to tell."),
    (State.NOT_APPLICABLE, "no", "left out", "The product is not yours, or there is nothing to measure."),
    (State.EXEMPT, "no", "left out", "An exemption was approved."),
)


@require_safe
def how_scoring_works(request: Asking) -> HttpResponse:
    published = scorecards(request)
    asked = request.GET.get("scorecard", "")
    if asked and asked not in published:
        raise Http404("No such scorecard.")
    key = asked or next(iter(published), "")
    return render(request, "portal/how_scoring_works.html", page(published.get(key), published))


@dataclass(frozen=True)
class Published:
    """The version of a scorecard that is in force."""

    card: Scorecard
    number: int


def scorecards(request: Asking) -> dict[str, Published]:
    """Those by which the organizations of this person are scored, as they are in force today."""
    keys = visible_organizations(request.user).values_list("scorecard", flat=True).distinct()
    found = {}
    for key in sorted(keys):
        version = publish.in_force(key, timezone.now().date())
        if version and publish.card_of(version).audience == "customer":
            found[key] = Published(publish.card_of(version), version.number)
    return found


def page(now: Published | None, published: dict[str, Published]) -> dict[str, object]:
    """Everything the page shows, as ready text."""
    card = now.card if now else None
    scored = examples.kinds()
    used = {str(signal.kind) for signal in card.signals} if card else set(RULES)
    links = [Link(each.card.name, f"?scorecard={key}", each is now) for key, each in published.items()]
    return {
        "now": now,
        "others": links if len(links) > 1 else [],
        "kinds": [
            Kind(kind, KINDS[kind], rule, [example(reading) for reading in scored[kind]])
            for kind, rule in RULES.items()
            if kind in used
        ],
        "weights": weights(card) if card else [],
        "bands": bands(card) if card else [],
        "floors": floors(card) if card else {},
        "roll_up": roll_up(examples.roll_up()),
        "rounding": rounding(scored["growth"]),
        "counts": [(STATES[state], *words) for state, *words in COUNTS],
        "introduction": introduction(),
        "close_day": settings.CLOSE_DAY,
    }


# ---------- the kinds ----------


@dataclass(frozen=True)
class Example:
    """One worked example: what went in, and what came of it."""

    name: str
    inputs: str
    score: SafeString
    points: str


@dataclass(frozen=True)
class Kind:
    """How one kind of signal is computed."""

    key: str
    name: str
    rule: str
    examples: list[Example]


def example(reading: Reading) -> Example:
    words = told(examples.scorecard(), reading)
    return Example(reading.name, words.inputs, words.score, whole(reading.points))


def rounding(growth: tuple[Reading, ...]) -> dict[str, str]:
    """The published example, and what it would be if its ratio were rounded on the way."""
    by_name = {reading.node: reading for reading in growth}
    steady, tie = by_name["growth"], by_name["growth.yoy"]
    now, base = steady.inputs["numerator"] or 0, steady.inputs["denominator"] or 1
    early = round(now / base, 2)
    return {
        "now": in_full(now),
        "base": in_full(base),
        "ratio": cut(now, base),
        "kept": in_full((steady.points or 0) / 100),
        "shown": whole(steady.points),
        "early": in_full(early),
        "wrong": in_full(early * 50),
        "wrong_shown": in_full(round(early * 50)),
        "tie": points(tie.points),
        "tie_shown": whole(tie.points),
    }


# ---------- the way up ----------


@dataclass(frozen=True)
class Part:
    """A category of the worked roll-up."""

    name: str
    score: str
    coverage: str
    bounds: str
    word: str


def roll_up(worked: examples.RollUp) -> dict[str, object]:
    """Three equal categories and what they make."""
    scored = [part for part in worked.parts if part.points is not None]
    return {
        "parts": [part(each) for each in (*worked.parts, worked.overall)],
        "sum": " + ".join(points(each.points) for each in scored),
        "count": len(scored),
        "overall": part(worked.overall),
        "shown": whole(worked.overall.points),
    }


def part(reading: Reading) -> Part:
    return Part(
        name=reading.name,
        score=points(reading.points),
        coverage=percent(reading.coverage),
        bounds=f"{points(reading.lower)} to {points(reading.upper)}",
        word=STATES[reading.state] if reading.state is not State.OK else "",
    )


@dataclass(frozen=True)
class Weight:
    """What one category weighs, and how its subcategories share that."""

    name: str
    mark: str
    share: str
    parts: list[tuple[str, str, int]]


def weights(card: Scorecard) -> list[Weight]:
    """The weights as they were published, when everything reports."""
    total = sum(category.weight for category in card.categories)
    return [
        Weight(
            category.name,
            category.mark,
            percent(category.weight / total),
            [
                (sub.name, share(sub.weight / sum(each.weight for each in category.subcategories)), count)
                for sub in category.subcategories
                if (count := signals_in(card, category.key, sub.key))
            ],
        )
        for category in card.categories
    ]


def signals_in(card: Scorecard, category: str, subcategory: str) -> int:
    """How many signals count there."""
    return sum(
        (signal.category, signal.subcategory) == (category, subcategory)
        for signal in card.signals
        if not signal.preview
    )


def bands(card: Scorecard) -> list[tuple[str, str, str]]:
    """Tone, name and range of each band, highest first."""
    tops = [100, *(band.at_least - 1 for band in card.bands[:-1])]
    return [
        (band.tone, band.name, f"{band.at_least} to {top}")
        for band, top in zip(card.bands, tops, strict=True)
    ]


def floors(card: Scorecard) -> dict[str, object]:
    """The shares of data below which there is no number, or a provisional one."""
    return {
        "subcategory": percent(card.floor_subcategory),
        "category": percent(card.floor_category),
        "overall": percent(card.floor_overall),
        "provisional": percent(card.provisional_below),
        "least": card.min_categories,
        "categories": len(card.categories),
    }
