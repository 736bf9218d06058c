"""Where to read on: what a signal says and what to do about it, the vendor's help, an introduction."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.urls import reverse

from accounts import installation
from portal.pages.insights import counting
from portal.pages.shell import Link
from portal.templatetags.scores import whole
from scoring import cards
from scoring.engine import Signal, State
from scoring.read import CardReading, Reading

ON_OVERVIEW = 2  # signals a category
ON_CATEGORY = 4


@dataclass(frozen=True)
class Topic:
    """One signal and where to read about it."""

    name: str
    why: str  # it is worth reading about
    links: Sequence[Link]


@dataclass(frozen=True)
class Topics:
    """The topics of one category; none where nothing is to be gained."""

    name: str
    mark: str
    rows: Sequence[Topic]


def by_category(card: CardReading) -> list[Topics]:
    """For the overview: the weakest topics of each category that applies."""
    return [
        Topics(each.name, each.mark, topics(card, each, ON_OVERVIEW))
        for each in card.overall.children
        if each.state is not State.NOT_APPLICABLE
    ]


def topics(card: CardReading, node: Reading, most: int = ON_CATEGORY) -> list[Topic]:
    """The signals that cost the node most, dearest first; those at 100 cost nothing."""
    lost = [(part * (10_000 - (signal.points or 0)), signal) for signal, part in counting(node)]
    dearest = sorted((each for each in lost if each[0]), key=lambda each: -each[0])[:most]
    return [
        Topic(signal.name, f"scores {whole(signal.points)}", read_on(card, signal)) for _, signal in dearest
    ]


def read_on(card: CardReading, signal: Reading) -> list[Link]:
    """The page of the signal, and the vendor's help about it."""
    own = Link("What it says, what to do", reverse("signal", args=[card.organization.slug, signal.node]))
    found = help_about(signal.signal) if signal.signal else None
    return [own, found] if found else [own]


def help_about(signal: Signal) -> Link | None:
    """A search of the vendor's help site for what a signal is about; None where there is no such site."""
    written = cards.of(signal)
    if not settings.HELP_SITE or written is None:
        return None
    text = f"Help of {installation.current().vendor_name}: {written.search}"
    return Link(text, settings.HELP_SITE.replace("{words}", quote(written.search)))


def introduction() -> Link | None:
    """The vendor's introduction to the score, a video or a page; nothing of it is loaded here."""
    if not settings.INTRODUCTION:
        return None
    host = urlsplit(settings.INTRODUCTION).hostname
    return Link(f"Watch the introduction (opens {host})", settings.INTRODUCTION)
