"""What happened on the days of a trend: plan changes, scorecard versions, completed actions, own notes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from itertools import pairwise
from typing import TYPE_CHECKING

from django.urls import reverse

from accounts import notes
from portal import pins
from recommendations import finding
from scoring import course
from scoring.course import Night

if TYPE_CHECKING:
    from accounts.models import Organization


@dataclass(frozen=True)
class Event:
    """Something that happened on a day; its letter stands above the chart."""

    day: date
    kind: str
    text: str
    who: str = ""
    href: str = ""  # where it can be changed
    link: str = ""  # where it is shown in full
    letter: str = ""


def events(organization: "Organization", nights: Sequence[Night], *, may_write: bool) -> list[Event]:
    """Everything that happened between the first and the last of these nights, oldest first."""
    if not nights:
        return []
    first, last = nights[0].day, nights[-1].day
    found = [
        *plans(organization, first, last),
        *versions(nights),
        *actions(completed(organization, first, last), first, last),
        *own(organization, first, last, may_write=may_write),
    ]
    return sorted(found, key=lambda event: event.day)


def pinned(found: Sequence[Event], first: date, last: date) -> tuple[list[Event], tuple[pins.Pin, ...]]:
    """The same events with their letters, and the pins."""
    letters, shown = pins.pinned([event.day for event in found], first, last)
    return [replace(event, letter=letter) for event, letter in zip(found, letters, strict=True)], shown


def plans(organization: "Organization", first: date, last: date) -> list[Event]:
    """Which plan began or ended when; one that follows at once is a change."""
    held = sorted(organization.plan_intervals.all(), key=lambda each: each.starts_at)
    found = []
    for before, now in pairwise([None, *held, None]):
        if now is None:
            if before is not None and before.ends_at is not None:
                found.append((before.ends_at, f"{before.get_plan_display()} plan ended"))
        elif before is None or before.ends_at is None or before.ends_at < now.starts_at:
            if before is not None and before.ends_at is not None:
                found.append((before.ends_at, f"{before.get_plan_display()} plan ended"))
            found.append((now.starts_at, f"{now.get_plan_display()} plan began"))
        elif before.plan != now.plan:
            text = f"Plan changed from {before.get_plan_display()} to {now.get_plan_display()}"
            found.append((now.starts_at, text))
    events = [Event(at.astimezone(UTC).date(), "Plan", text) for at, text in found]
    return [event for event in events if first <= event.day <= last]


def versions(nights: Sequence[Night]) -> list[Event]:
    """Which scorecard version the score was made with from when on."""
    return [
        Event(day, "Scorecard", f"Scored with version {number} of the scorecard from here on")
        for day, number in course.versions(nights)
    ]


def completed(organization: "Organization", first: date, last: date) -> Iterable[tuple[date, str, str]]:
    """Completed actions as (day, text, address): what was done, and who said so."""
    for each in finding.completed(organization, first, last):
        if each.completed_on:
            who = f", by {each.completed_by}" if each.completed_by_id else ""
            address = reverse("action", args=[organization.slug, each.public_id])
            yield each.completed_on, f"Completed: {each.title}{who}", address


def actions(found: Iterable[tuple[date, str, str]], first: date, last: date) -> list[Event]:
    """What was completed on the days shown, each with the way to it."""
    return [Event(day, "Action", text, link=link) for day, text, link in found if first <= day <= last]


def own(organization: "Organization", first: date, last: date, *, may_write: bool) -> list[Event]:
    """The organization's own notes."""
    return [
        Event(
            note.day,
            "Note",
            note.text,
            who=str(note.written_by or "Someone who has left"),
            href=reverse("trends-note", args=[organization.slug, note.public_id]) if may_write else "",
        )
        for note in notes.between(organization, first, last)
    ]
