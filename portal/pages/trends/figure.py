"""The same trend for machines: the figure that a script draws for exploring, and a file of its numbers."""

from collections.abc import Iterator, Sequence
from typing import Any

from accounts.rows.cells import as_csv, safe
from portal import charts
from portal.pages.trend import score
from portal.pages.trends.drawn import Drawn, Line, remark
from portal.pages.trends.under import Under
from portal.pages.words import STATES
from portal.templatetags.scores import exact
from scoring import course
from scoring.course import Night
from scoring.read import CardReading


def figure(
    card: CardReading, shown: Sequence[Line], nights: Sequence[Night], seen: Drawn, under: Under
) -> dict[str, Any]:
    """Plain data: days, each line's numbers with null where it must end, and what stands beside them."""
    days = [when.isoformat() for when, _ in course.line(nights, shown[0].node)]
    values = [score(night.points(line.node)) for line in shown for night in nights]
    scale = charts.scale_of([value for value in values if value is not None])
    made_again = [night.day.isoformat() for night in nights if night.is_restated]
    band = card.scorecard.bands[1] if len(card.scorecard.bands) == 3 else None
    return {
        "title": seen.title,
        "label": seen.label,
        "scorecard": card.key,
        "version": card.number,
        "day": card.day.isoformat(),
        "days": days,
        "lines": [
            {
                "node": line.node,
                "name": line.name,
                "mark": line.mark,
                "points": [score(value) for _, value in course.line(nights, line.node)],
            }
            for line in shown
        ],
        "recomputed": {
            "version": under.number,
            "node": shown[0].node,
            "name": under.titled(shown[0].name),
            "points": [[when.isoformat(), score(value)] for when, value in under.line(shown[0].node)],
        }
        if under
        else None,
        "target": [[when.isoformat(), value] for when, value in seen.path],
        "provisional": [
            [first.isoformat(), last.isoformat()] for first, last in course.provisional(nights, shown[0].node)
        ],
        "restated": made_again,
        "events": [
            {"letter": event.letter, "day": event.day.isoformat(), "kind": event.kind, "text": event.text}
            for event in reversed(seen.events)
            if event.letter
        ],
        "band": {"low": band.at_least, "high": card.scorecard.bands[0].at_least, "name": seen.band_text}
        if band
        else None,
        "range": [scale.low, scale.high],
    }


def as_file(card: CardReading, shown: Sequence[Line], nights: Sequence[Night], under: Under) -> str:
    """Every night as a row: data date, scorecard version, the points and state of each line; safe to open.

    Where an older version scored a part, the same under the newest one follows, empty where nothing is known.
    """
    names = [line.name for line in shown]
    names += [under.titled(line.name) for line in shown] if under else []
    heads = [safe(head) for name in names for head in (name, f"{name}: state")]
    columns = ["Data date", "Scorecard", "Version", "Revision", *heads, "Remark"]
    return as_csv(columns, _rows(card, shown, nights, under))


def _rows(
    card: CardReading, shown: Sequence[Line], nights: Sequence[Night], under: Under
) -> Iterator[list[str]]:
    for night in nights:
        row = [night.day.isoformat(), card.key, f"{night.number or ''}"]
        row.append(f"{night.revision}" if night.figures else "")
        known = [night.figures.get(line.node) for line in shown]
        known += [under.at(night, line.node) for line in shown] if under else []
        for each in known:
            points = each.points if each else None
            row += ["" if points is None else exact(points), STATES[each.state] if each else ""]
        yield [*row, remark(night, shown[0].node)]
