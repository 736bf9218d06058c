"""The score over time: lines of the overall score and its categories, what they say, their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal import charts
from portal.pages.asking import Asking
from portal.pages.shell import Link
from portal.templatetags.scores import change, day, points, whole
from scoring.read import CardReading, TrendPoint

STILL = 50  # hundredths: less over the whole line is no movement


@dataclass(frozen=True)
class Period:
    """How far back a reader looks."""

    key: str
    name: str
    title: str
    days: int
    is_weekly: bool = False


PERIODS = (
    Period("90", "90 days", "Score over 90 days", 90, is_weekly=True),
    Period("365", "12 months", "Score over 12 months", 366),
    Period("all", "All", "Score since the beginning", 10 * 366),
)
USUAL = PERIODS[1]


def asked_period(request: Asking) -> Period:
    """The period of the address, or the usual one."""
    return next((period for period in PERIODS if period.key == request.GET.get("period")), USUAL)


def links(chosen: Period) -> list[Link]:
    """The way to each period."""
    return [Link(period.name, f"?period={period.key}#trend", period is chosen) for period in PERIODS]


@dataclass(frozen=True)
class Trend:
    """The lines, what they say, and the same as a table."""

    title: str
    finding: str
    plot: charts.Plot | None
    label: str
    legend: list[tuple[str, str]]
    band_text: str
    columns: list[str]
    rows: list[tuple[str, list[str]]]


def trend(card: CardReading, history: Sequence[TrendPoint], period: Period) -> Trend:
    """Overall and categories over the chosen period."""
    nodes = [
        ("overall", "all", "Overall"),
        *((c.node, c.mark or "peer", c.name) for c in card.overall.children),
    ]
    known = [point for point in history if any(point.points.get(node) is not None for node, _, _ in nodes)]
    middle = card.scorecard.bands[1] if len(card.scorecard.bands) == 3 else None
    top = card.scorecard.bands[0]
    said = finding(card, history)
    plot = None
    if len(known) > 1:
        plot = charts.trend(
            [
                (mark, [(point.day, score(point.points.get(node))) for point in history])
                for node, mark, _ in nodes
            ],
            known[0].day,
            known[-1].day,
            text=lambda value: whole(round(value * 100)),
            band=(middle.tone, middle.at_least, top.at_least) if middle else None,
        )
    short = {category.key: category.short for category in card.scorecard.categories}
    return Trend(
        title=period.title,
        finding=said,
        plot=plot,
        label=f"Line chart from {day(known[0].day)} to {day(known[-1].day)}. {said}" if known else "",
        legend=[(mark, name) for _, mark, name in nodes],
        band_text=f"{middle.name} {middle.at_least}–{top.at_least - 1}" if middle else "",
        columns=["Overall", *(short[c.node] for c in card.overall.children)],
        rows=[
            (day(point.day), [points(point.points.get(node)) for node, _, _ in nodes])
            for point in picked(history, weekly=period.is_weekly)
        ],
    )


def finding(card: CardReading, history: Sequence[TrendPoint]) -> str:
    """What the line shows, in one sentence."""
    overall = [(point.day, point.points.get("overall")) for point in history]
    return told("Overall", overall, card.day, none="There was no overall score in this time.")


def told(name: str, line: Sequence[tuple[date, int | None]], newest: date, none: str = "") -> str:
    """What one line shows, in one sentence; `none` where it has no number."""
    known = [(when, value) for when, value in line if value is not None]
    if not known:
        return none or f"{name} had no number in this time."
    (first, before), (last, now) = known[0], known[-1]
    if first == last:
        return "One score so far; the line begins with the second."
    at = "" if last == newest else f" on {day(last)}, the last day with a number"
    start = f"from {points(before)} on {day(first)} to {points(now)}{at}"
    if abs(now - before) < STILL:
        return f"{name} is where it was: {start}."
    return f"{name} {'rose' if now > before else 'fell'} {change(abs(now - before))[1:]} points, {start}."


def picked(history: Sequence[TrendPoint], *, weekly: bool) -> list[TrendPoint]:
    """The newest point of each month, or of each week, newest first: few enough to read."""
    newest: dict[tuple[int, int], TrendPoint] = {}
    for point in history:
        newest[point.day.isocalendar()[:2] if weekly else (point.day.year, point.day.month)] = point
    return list(newest.values())[::-1]


def placed(history: Sequence[TrendPoint], node: str) -> list[charts.Point]:
    """One node's points, placed in time from 0 to 1."""
    first, last = history[0].day, history[-1].day
    days = max((last - first).days, 1)
    return [((point.day - first).days / days, score(point.points.get(node))) for point in history]


def score(hundredths: int | None) -> float | None:
    """Points from hundredths, for drawing."""
    return None if hundredths is None else hundredths / 100
