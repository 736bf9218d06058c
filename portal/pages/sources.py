"""How fresh every source is: when it sent last, when it is due, what is late; metric by metric on a page."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import Capability, open_organization
from portal.pages.asking import Asking
from portal.pages.gaps import why_href
from portal.pages.shell import shell
from portal.templatetags.scores import NOTHING, day, moment, plural, share
from scoring import feeds, read
from scoring.completing import gaps
from scoring.feeds import Feed, Lateness
from scoring.read import CardReading

NEVER = "Nothing has arrived yet"
TONES = {Lateness.IN_TIME: "healthy", Lateness.IN_GRACE: "watch", Lateness.MISSING: "act"}


@dataclass(frozen=True)
class Line:
    """One metric: what is measured, how fresh it is, which signals read it."""

    name: str
    cadence: str
    tone: str
    word: str
    newest: str
    received: str
    due: str
    signals: list[tuple[str, str]]


@dataclass(frozen=True)
class Source:
    """Where some of the metrics come from."""

    name: str
    tone: str
    word: str
    received: str
    lines: list[Line]
    adds: str  # what the overall score's coverage would gain, if all of it reported; empty for nothing


@require_safe
def sources(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    card = read.latest(organization)
    found = by_source(card) if card else []
    page = {
        "shell": shell(request, organization, card, request.path),
        "organization": organization,
        "card": card,
        "sources": found,
        "summary": summary(found) if found else "No score yet",
    }
    return render(request, "portal/sources.html", page)


def by_source(card: CardReading) -> list[Source]:
    """The metrics of the score by the source that sends them, the latest sources first."""
    missing = {gap.signal.node: gap.adds for gap in gaps(card.overall)}
    grouped: dict[str, list[Feed]] = {}
    for feed in feeds.feeds(card):
        grouped.setdefault(feed.source, []).append(feed)
    found = []
    for name, mine in grouped.items():
        late = [feed for feed in mine if feed.lateness is not Lateness.IN_TIME]
        behind = {signal.node for feed in late for signal in feed.signals}
        adds = sum(missing.get(node, 0) for node in behind)
        worst = max(feed.lateness for feed in mine)
        received = max((feed.received_at for feed in mine if feed.received_at), default=None)
        source = Source(
            called(name),
            TONES[worst],
            word(mine, late),
            moment(received) if received else NEVER,
            [line(card, feed) for feed in mine],
            share(adds) if adds else "",
        )
        found.append((worst, source))
    return [source for _, source in sorted(found, key=lambda each: (-each[0], each[1].name))]


def line(card: CardReading, feed: Feed) -> Line:
    metric = feed.metric
    return Line(
        metric.name[:1].upper() + metric.name[1:],
        str(metric.cadence).capitalize(),
        TONES[feed.lateness],
        state(card, feed),
        day(feed.newest) if feed.newest else NOTHING,
        moment(feed.received_at) if feed.received_at else NEVER,
        day(feed.due) if feed.due else NOTHING,
        [(signal.name, why_href(card, signal)) for signal in feed.signals],
    )


def state(card: CardReading, feed: Feed) -> str:
    """How late a metric is, in words."""
    if feed.due is None or feed.grace_until is None:
        return "Never arrived"
    days = plural((card.day - feed.due).days, "day")
    if feed.lateness is Lateness.IN_GRACE:
        return f"{days} late, counts until {day(feed.grace_until)}"
    return f"Missing, {days} late" if feed.lateness is Lateness.MISSING else "Up to date"


def word(mine: list[Feed], late: list[Feed]) -> str:
    """How a source is, in a few words."""
    if not any(feed.source for feed in mine):
        return "Never arrived"
    if not late:
        return "Up to date"
    missing = sum(feed.lateness is Lateness.MISSING for feed in late)
    parts = [(missing, "missing"), (len(late) - missing, "late")]
    said = ", ".join(f"{number} {what}" for number, what in parts if number)
    return f"{said} of {len(mine)}"


def summary(found: list[Source]) -> str:
    """Three of four sources are up to date."""
    fresh = sum(source.tone == "healthy" for source in found)
    if fresh == len(found):
        return "All sources are up to date"
    return f"{fresh} of {plural(len(found), 'source')} up to date"


def called(key: str) -> str:
    """The name of a source, from its key."""
    return key.replace("-", " ").replace("_", " ").capitalize() if key else "Not connected"
