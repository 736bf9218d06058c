"""Days as an iCalendar file (RFC 5545), to be read into any calendar."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

TYPE = "text/calendar; charset=utf-8"
LONGEST = 75  # octets of a line, its end not counted
MARKS = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": ""})


@dataclass(frozen=True)
class Entry:
    """Something that is due on a day."""

    uid: str
    on: date
    title: str
    text: str = ""
    href: str = ""


def calendar_of(name: str, entries: Iterable[Entry], made_at: datetime) -> bytes:
    """The entries as days without an hour, in UTF-8."""
    stamp = f"{made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Cairn//Planner//EN", "CALSCALE:GREGORIAN"]
    lines.append(f"X-WR-CALNAME:{_text(name)}")
    for entry in entries:
        lines += _event(entry, stamp)
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines).encode()


def _event(entry: Entry, stamp: str) -> Sequence[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{_text(entry.uid)}",
        f"DTSTAMP:{stamp}",
        f"DTSTART;VALUE=DATE:{entry.on:%Y%m%d}",
        f"DTEND;VALUE=DATE:{entry.on + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_text(entry.title)}",
    ]
    if entry.text:
        lines.append(f"DESCRIPTION:{_text(entry.text)}")
    if entry.href:
        lines.append(f"URL:{entry.href}")
    return [*lines, "TRANSP:TRANSPARENT", "END:VEVENT"]


def _text(value: str) -> str:
    """The text with what means something in the format taken back; no other control characters."""
    marked = value.translate(MARKS)
    return "".join(each for each in marked if each.isprintable())


def _folded(line: str) -> str:
    """Lines of at most 75 octets, never cut within a character."""
    parts, now, size = [], "", 0
    for each in line:
        octets = len(each.encode())
        if size + octets > LONGEST:
            parts.append(now)
            now, size = " ", 1
        now, size = now + each, size + octets
    return "\r\n".join([*parts, now])
