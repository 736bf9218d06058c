"""The lines of a trend as a drawing, as a sentence and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from portal import charts, pins
from portal.pages.trend import score, told
from portal.pages.trends.asked import Asked, parent_of
from portal.pages.trends.events import Event, pinned
from portal.pages.trends.under import MARK, Under
from portal.templatetags.scores import day, plural, points, whole
from scoring import course, targets
from scoring.course import Night
from scoring.read import CardReading, Reading

if TYPE_CHECKING:
    from accounts.models import Organization


@dataclass(frozen=True)
class Line:
    """A node with the look of its line; the first of several is the main one."""

    node: str
    mark: str
    name: str
    short: str


def lines(card: CardReading, node: Reading) -> list[Line]:
    """The overall score with its categories, or a node with the one above it."""
    short = {category.key: category.short for category in card.scorecard.categories}
    if node is card.overall:
        below = [Line(c.node, c.mark or "peer", c.name, short[c.node]) for c in node.children]
        return [Line(node.node, "all", "Overall", "Overall"), *below]
    own = Line(node.node, node.mark or "all", node.name, node.name)
    above = parent_of(card, node)
    if above is None:
        return [own]
    name = "Overall" if above is card.overall else above.name
    return [own, Line(above.node, "peer", name, name)]


def target(organization: "Organization", node: str) -> list[tuple[date, float | None]]:
    """The path to an agreed target, in points; it is drawn dashed and may lead beyond the last night."""
    return [(day, points / 100) for day, points in targets.path_of(organization, node)]


@dataclass(frozen=True)
class Drawn:
    """The lines, what they say, and the same as a table."""

    title: str
    finding: str
    label: str
    legend: list[tuple[str, str]]
    plot: charts.Plot | None
    beside: pins.Beside
    band_text: str
    events: list[Event]  # newest first, with the letters of their pins
    restated: str
    columns: list[str]
    rows: list[tuple[str, list[str]]]
    first: date | None = None
    last: date | None = None
    path: Sequence[tuple[date, float | None]] = ()  # to the target, if there is one
    throughout: str = ""  # how it went under one version, if an older one scored a part
    recomputed: str = ""  # what the line of that version is


def drawn(
    card: CardReading,
    node: Reading,
    nights: Sequence[Night],
    asked: Asked,
    found: Sequence[Event],
    under: Under,
) -> Drawn:
    """The trend of a node over these nights, with the events of the same days."""
    shown = lines(card, node)
    main = shown[0]
    known = [n for n in nights if any(n.points(line.node) is not None for line in shown)]
    said = told(
        main.name, [(night.day, night.points(main.node)) for night in nights if night.figures], card.day
    )
    title = f"{main.name} over {asked.period.name}" if asked.period.key != "all" else f"{main.name} over time"
    table = nights if asked.every or asked.closes else picked(nights, weekly=asked.period.is_weekly)
    path = target(card.organization, node.node)
    result = Drawn(
        title=title,
        finding=said,
        label=said,
        legend=[
            *((line.mark, line.name) for line in shown),
            *([(MARK, under.titled(main.name))] if under else []),
            *([("target", "Target")] if path else []),
        ],
        path=path,
        plot=None,
        beside=pins.Beside(),
        band_text="",
        events=list(found)[::-1],
        restated=restated(nights),
        columns=[*(line.short for line in shown), *([under.name] if under else []), "Version", "Remark"],
        rows=[(day(night.day), cells(night, shown, under)) for night in reversed(table)],
        throughout=under.finding(main.name, main.node, card.day) if under else "",
        recomputed=under.note(main.name) if under else "",
    )
    if len(known) < 2:
        return result
    first, last = known[0].day, known[-1].day
    bands = card.scorecard.bands
    middle = bands[1] if len(bands) == 3 else None
    series = [(line.mark, _placed(course.line(nights, line.node))) for line in shown]
    if under:
        series.append((MARK, _placed(under.line(main.node))))
    if path:
        series.append(("target", path))
        last = max(last, *(when for when, _ in path))
    plot = charts.trend(
        series,
        first,
        last,
        text=lambda value: whole(round(value * 100)),
        band=(middle.tone, middle.at_least, bands[0].at_least) if middle else None,
        unlabelled=(MARK,),
    )
    inside = [event for event in found if first <= event.day <= last]
    lettered, shown_pins = pinned(inside, first, last)
    scale = charts.scale_of([value for _, line in series for _, value in line if value is not None])
    made_again = [(n.day, score(n.points(main.node))) for n in nights if n.is_restated]
    return replace(
        result,
        label=f"Line chart from {day(first)} to {day(last)}. {said}",
        plot=plot,
        beside=pins.Beside(
            shown_pins,
            pins.spans(course.provisional(nights, main.node), first, last),
            pins.rings([each for each in made_again if first <= each[0] <= last], scale, first, last),
        ),
        band_text=f"{middle.name} {middle.at_least}–{bands[0].at_least - 1}" if middle else "",
        events=[*(event for event in found if event.day < first), *lettered][::-1],
        first=first,
        last=last,
    )


def _placed(line: Sequence[tuple[date, int | None]]) -> list[tuple[date, float | None]]:
    return [(when, score(value)) for when, value in line]


def picked(nights: Sequence[Night], *, weekly: bool) -> list[Night]:
    """The newest night of each month, or of each week: few enough to read."""
    newest: dict[tuple[int, int], Night] = {}
    for night in nights:
        newest[night.day.isocalendar()[:2] if weekly else (night.day.year, night.day.month)] = night
    return list(newest.values())


def cells(night: Night, shown: Sequence[Line], under: Under) -> list[str]:
    """A row of the table: the points of each line, the version, and what should be known of them."""
    numbers = [points(night.points(line.node)) for line in shown]
    if under:
        numbers.append(points(under.points(night, shown[0].node)))
    return [*numbers, f"{night.number}" if night.number else "", remark(night, shown[0].node)]


def remark(night: Night, node: str) -> str:
    """What should be known of the number of a night."""
    if not night.figures:
        return "Not scored"
    said = ["provisional"] if night.is_provisional(node) else []
    said += ["restated"] if night.is_restated else []
    return ", ".join(said).capitalize()


def restated(nights: Sequence[Night]) -> str:
    """How many closes were made again, in a sentence; empty if none was."""
    count = sum(night.is_restated for night in nights)
    if not count:
        return ""
    return (
        f"{plural(count, 'month end')} {'was' if count == 1 else 'were'} restated with data that came later: "
        "ringed in the chart."
    )
