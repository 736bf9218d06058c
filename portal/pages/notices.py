"""What is said above the numbers: late nights, provisional scores, missing data. Facts only."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.urls import reverse

from portal.pages.words import SILENT, listed
from portal.templatetags.scores import day, percent, plural, whole
from scoring import read
from scoring.engine import State
from scoring.read import CardReading, Reading

NAMED = 4  # signals named in a sentence; the others are counted


@dataclass(frozen=True)
class Notice:
    """A fact about the data of a page."""

    title: str
    text: str
    href: str = ""
    link: str = ""


def notices(card: CardReading, now: datetime) -> list[Notice]:
    """The notices of an overview, most general first."""
    found = [late(card, now), thin(card, card.overall), silent(card, card.overall), grace(card.overall)]
    return [notice for notice in found if notice]


def late(card: CardReading, now: datetime) -> Notice | None:
    """The page shows an older night than it should."""
    if card.newest_day > card.day:
        # The reason is an error of ours in words for us: customers read that it failed, not how.
        is_ours = not card.organization.opened.is_customers
        because = f" {card.kept_because}" if is_ours and card.kept_because else ""
        return Notice(
            f"This is the score of {day(card.day)}",
            f"Newer nights could not score this organization, so its last score stands.{because}",
        )
    if card.day < expected_day(now):
        return Notice(
            f"This is the score of {day(card.day)}",
            "Last night's score is not out yet. Nothing is lost: the missing nights are made up in order.",
        )
    return None


def expected_day(now: datetime) -> date:
    """The day whose score should be out by now: yesterday's, once the night has had time to run."""
    return (now - timedelta(hours=settings.NIGHT_HOUR + 3)).date() - timedelta(days=1)


def thin(card: CardReading, reading: Reading) -> Notice | None:
    """A provisional number, or none for want of data."""
    coverage = f"{percent(reading.coverage)} of the weight is backed by data"
    if reading.state is State.PROVISIONAL:
        young = card.age_days is not None and card.age_days <= 90
        reason = (
            f"Your first 90 days are not over: growth is read from day 91 on, and {coverage}."
            if young
            else f"{coverage}; from {percent(card.scorecard.provisional_below)} on the score is firm."
        )
        return Notice("This score is provisional", f"{reason}{_range(reading)}")
    if reading.state is State.INSUFFICIENT_DATA:
        if reading.level == "overall" and (few := _too_few(card, reading)):
            return few
        floor = percent(getattr(card.scorecard, f"floor_{reading.level}"))
        return Notice(
            "Not enough data for a score",
            f"Only {coverage}. Below {floor} a number would mislead, so we show none.",
        )
    return None


def _too_few(card: CardReading, overall: Reading) -> Notice | None:
    """Why the categories do not make an overall score; None if they would."""
    need = card.scorecard.min_categories
    applying = [child for child in overall.children if child.weight]
    scored = [child for child in applying if child.points is not None]
    if len(scored) >= need:
        return None
    rule = f"An overall score needs {plural(need, 'category', 'categories')} with a number."
    if len(applying) < need:
        only = listed([child.name for child in applying])
        return Notice("No overall score", f"{rule} Only {only} applies to the products you own.")
    now = listed([child.name for child in scored]) or "none"
    return Notice(
        "Not enough data for a score", f"{rule} Now there is {now}: too little has arrived for the others."
    )


def _range(reading: Reading) -> str:
    if reading.lower is None or reading.upper is None or reading.lower == reading.upper:
        return ""
    return (
        f" It would be {whole(reading.lower)} if everything missing counted as 0,"
        f" and {whole(reading.upper)} if it counted as 100."
    )


def silent(card: CardReading, reading: Reading) -> Notice | None:
    """Which signals are left out because nothing usable arrived."""
    missing = [each for each in read.walk(reading) if each.signal and each.weight and each.state in SILENT]
    if not missing:
        return None
    names = [each.name for each in missing[:NAMED]]
    if len(missing) > NAMED:
        names.append(plural(len(missing) - NAMED, "other"))
    one = len(missing) == 1
    title = "One signal has no data" if one else f"{len(missing)} signals have no data"
    text = (
        f"{listed(names)}: left out of the score until {'it reports' if one else 'they report'} again. "
        "The weight is shared among the other signals, so a missing feed neither helps nor hurts."
    )
    first = missing[0].signal
    href = reverse("category", args=[card.organization.slug, first.category]) if first else ""
    return Notice(
        title, text, f"{href}?signal={missing[0].node}#why", "What is missing" if one else "The first of them"
    )


def grace(reading: Reading) -> Notice | None:
    """Which signals still count with an old value."""
    late = [each for each in read.walk(reading) if each.signal and each.state is State.STALE_GRACE]
    if not late:
        return None
    names = [each.name for each in late[:NAMED]]
    if len(late) > NAMED:
        names.append(plural(len(late) - NAMED, "other"))
    title = "One signal is late" if len(late) == 1 else f"{len(late)} signals are late"
    return Notice(
        title, f"{listed(names)}: the last value still counts, for now, and counts half in how sure we are."
    )
