"""The score report of one organization, as data for paper: what it says, the pages say too."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from accounts import installation
from portal import charts
from portal.pages import moving, peer_panel
from portal.pages.dashboard import bar_label, sums
from portal.pages.gaps import certainty, losses
from portal.pages.headline import changes, gauge, gauge_label, to_next_band
from portal.pages.trend import USUAL, trend
from portal.pages.words import SILENT, STATES
from portal.reports import drawing
from portal.templatetags.scores import change, day, exact, moment, percent, points, whole
from scoring import history, read
from scoring.read import CardReading, Reading

if TYPE_CHECKING:
    from accounts.models import Organization

WIDTH = 500.0  # of a drawing across the page
MOST_SILENT = 8  # signals named on paper; the others are counted
# FEATURES O8: what nobody should read into the number.
LIMITS = (
    "What the products are worth to you. It counts use, knowledge and reliability, not revenue or savings.",
    "Why something is as it is. It shows where points are missing; the reason you know best.",
    "The work of any one person. Signals are counted for the whole organization.",
    "What is not reported to us: whatever happens outside of the products and of our services.",
)


@dataclass(frozen=True)
class Report:
    """What the template is given, and the day that the numbers are of."""

    data: dict[str, Any]
    day: date


def report(organization: "Organization") -> Report | None:
    """The report of the newest published night; None while there is none."""
    past = history.of(organization, days=history.YEAR)
    card = read.latest(organization, known=past)
    return Report(data_of(card, past), card.day) if card else None


def data_of(card: CardReading, past: history.History) -> dict[str, Any]:
    """Everything on the two pages; see portal/reports/score_report.typ."""
    overall, house = card.overall, installation.current()
    line = trend(card, read.trend(card.organization, known=past), USUAL)
    return {
        "title": f"{card.scorecard.name} of {card.organization.name}, {day(card.day)}",
        "vendor": house.vendor_name,
        "keywords": [card.organization.name, card.scorecard.name, f"version {card.number}", str(card.day)],
        "scorecard": card.scorecard.name,
        "organization": card.organization.name,
        "about": f"Score of {day(card.day)}, with everything known by {moment(card.made_at)}.",
        "footer": f"{card.organization.name}. Scorecard version {card.number}, data of {day(card.day)}.",
        "summary": summary(card),
        "score": whole(overall.points) if overall.points is not None else "–",
        "of": "of 100" if overall.points is not None else STATES[overall.state],
        "band": band(overall),
        "changes": [f"{change(moved)} {since}" for moved, since in changes(card, overall)],
        "gauge": drawn_gauge(card),
        "bar": drawn_bar(overall),
        "categories": list(categories(card)),
        "total": total(overall),
        "trend": {
            "title": line.title,
            "finding": line.finding,
            "alt": line.label,
            "svg": drawing.plot(line.plot, width=WIDTH, height=250, band_text=line.band_text)
            if line.plot
            else None,
            "legend": [{"key": drawing.key(mark), "name": name} for mark, name in line.legend],
        },
        "losses": lost(card),
        "panels": [panel for panel in (moved(card, past), peers(card)) if panel],
        "certainty": sure(card),
        "silent": silent(card),
        "limits": list(LIMITS),
        "method": method(card),
        "verify": (
            f"Made by {settings.PRODUCT_NAME} for {house.vendor_name} on {day(timezone.localdate())}. "
            "Every number can be recomputed from its inputs; the portal shows how."
        ),
    }


# ---------- seams: other parts of the portal say here what they know ----------


def moved(card: CardReading, past: history.History) -> dict[str, Any] | None:
    """What changed the score, as a panel: title, text, columns, rows; None before the second night."""
    found = moving.panel(card, past)
    rows = [[row.name, row.change, *(text for _, text in row.cells)] for row in found.rows if not row.none]
    if not rows:
        return None
    return {
        "title": "Why did it change?",
        "text": "Split exactly: your values, the data feed, what counts, and us (the scorecard).",
        "columns": ["Compared with", "Change", *found.heads],
        "rows": rows,
    }


def peers(card: CardReading) -> dict[str, Any] | None:
    """How similar organizations stand, as a panel of the same form; None while no figures are shown."""
    found = peer_panel.panel(card.organization, card.overall)
    if found.title:
        return None
    return {
        "title": "Peers",
        "text": f"{found.text} Compared with {found.group}, {found.size_range} of them, at the close of "
        f"{found.closed}.",
        "columns": ["Score", "You", "Lower quartile", "Median", "Upper quartile"],
        "rows": [[row.name, row.own, row.lower, row.median, row.upper] for row in found.rows],
    }


# ---------- page one ----------


def summary(card: CardReading) -> str:
    """What a reader with half a minute should know."""
    overall = card.overall
    if overall.points is None:
        return (
            f"There is no overall score on {day(card.day)}: {STATES[overall.state].lower()}. "
            "No number is shown while it would mislead; the categories show what is known."
        )
    said = [f"The score is {exact(overall.points)}, shown as {whole(overall.points)} of 100."]
    said += [f"{change(by)} points {since}." for by, since in changes(card, overall)[:1]]
    said.append(to_next_band(card, overall))
    if overall.coverage is not None:
        said.append(f"{percent(overall.coverage)} of the weight is backed by data.")
    return " ".join(text for text in said if text)


def band(reading: Reading) -> dict[str, str]:
    """Its word and the shape that says the same."""
    tone = reading.band.tone if reading.band else "none"
    word = reading.band.name if reading.band else STATES[reading.state]
    return {"tone": tone, "word": word, "shape": drawing.shape(tone)}


def drawn_gauge(card: CardReading) -> dict[str, str] | None:
    scale = gauge(card, card.overall)
    if scale is None:
        return None
    return {"svg": drawing.gauge(scale, width=330), "alt": gauge_label(card, card.overall)}


def drawn_bar(overall: Reading) -> dict[str, str] | None:
    if overall.points is None:
        return None
    parts = charts.stack(
        [
            (each.mark or "peer", 100 * (each.share or 0), (each.contribution or 0) / 100)
            for each in overall.children
            if each.share
        ]
    )
    return {"svg": drawing.bar(parts, width=WIDTH), "alt": bar_label(overall)}


def categories(card: CardReading) -> Iterable[dict[str, Any]]:
    """The rows that add up to the score."""
    by_name = {each.name: each for each in card.overall.children}
    for row in sums(card):
        reading = by_name[row.name]
        weight = f"{row.weight} {row.note}".strip()
        yield {
            "name": row.name,
            "key": drawing.key(row.mark) if row.mark else "",
            "score": row.score,
            "weight": weight,
            "points": row.points,
            "change": change(reading.change_30),
            "band": band(reading),
        }


def total(overall: Reading) -> dict[str, str] | None:
    if overall.points is None:
        return None
    name = f"Overall {exact(overall.points)}, rounded to {whole(overall.points)}"
    return {"name": name, "weight": "100%", "points": points(overall.points)}


# ---------- page two ----------


def lost(card: CardReading) -> dict[str, Any]:
    """The signals that cost most."""
    found: Any = losses(card)
    if found is None:
        return {"lead": "This is said as soon as there is an overall score.", "rows": [], "rest": ""}
    scored = {each.name: each.points for each in read.walk(card.overall) if each.signal}
    rows = [
        {
            "name": loss.name,
            "category": loss.category,
            "score": points(scored[loss.name]),
            "points": loss.points,
        }
        for loss in found["rows"]
    ]
    rest = f"{found['others']} other signals cost {found['rest']} points together." if found["others"] else ""
    lead = f"{found['total']} points are missing to 100. These signals cost the most."
    return {
        "lead": lead if rows else "Nothing: every signal with data scores 100.",
        "rows": rows,
        "rest": rest,
    }


def sure(card: CardReading) -> dict[str, Any]:
    """Coverage, overall and by category."""
    found: Any = certainty(card)
    if found is None:
        return {"text": "Nothing is measured yet.", "rows": []}
    text = f"{found['percent']} of the weight is backed by data. "
    text += (
        f"With what is missing counted as 0 or as 100, the score would lie between {found['span']}."
        if found["span"]
        else "Every signal that counts has data."
    )
    rows = [
        {"name": name, "percent": share, "signals": signals} for name, _, share, _, signals in found["rows"]
    ]
    return {"text": text, "rows": rows}


def silent(card: CardReading) -> list[str]:
    """Signals that should report and do not."""
    found = [each.name for each in read.walk(card.overall) if each.signal and each.state in SILENT]
    others = len(found) - MOST_SILENT
    return found[:MOST_SILENT] + ([f"and {others} more"] if others > 0 else [])


def method(card: CardReading) -> str:
    """How the number comes about, from which version and which data."""
    weights = " + ".join(
        f"{percent(each.weight)} {each.name}" for each in card.overall.children if each.weight
    )
    bands = ", ".join(f"{each.name} from {each.at_least}" for each in card.scorecard.bands[:-1])
    last = card.scorecard.bands[-1].name
    return (
        f"{card.scorecard.name}, scorecard version {card.number}, in force on {day(card.day)}. "
        f"Overall = {weights}. {bands}, {last} below. Missing signals are left out and their weight is "
        f"shared among the others. Scored on {moment(card.made_at)} from measurements up to {day(card.day)}."
    )
