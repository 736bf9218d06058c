"""The tables that a reader sees, as tables that can leave the house: the score of a day, its history, inputs.

Every row says of which organization, scorecard version and day it is: a file is read without its page.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING

from accounts import roster
from accounts.rows.cells import Cell
from portal.pages.words import STATES
from portal.reports.tables import Book, Column, Kind, Table, month_day, number, points, ratio
from scoring import history, read, sheets
from scoring.engine import Signal, State
from scoring.history import History
from scoring.read import INPUT_DAYS, CardReading, Reading

if TYPE_CHECKING:
    from accounts.models import Organization

Told = Callable[[float], None]  # how much is done, 0 to 1

OVERALL = "overall"
ALL = 10 * 366  # days: since the beginning
LEVELS = {"overall": "Overall", "category": "Category", "subcategory": "Subcategory", "signal": "Signal"}
OF = (
    Column("Organization", Kind.NAME),
    Column("Scorecard", Kind.TEXT),
    Column("Scorecard version", Kind.COUNT),
    Column("Data date", Kind.DAY),
)
NODE = (Column("Node", Kind.NAME), Column("Level"), Column("Name", Kind.NAME))


def of(card: CardReading) -> tuple[Cell, ...]:
    """What each row of this card begins with."""
    return card.organization.name, card.scorecard.name, card.number, card.day


def facts(card: CardReading) -> list[tuple[str, Cell]]:
    """What a reader must know of the numbers."""
    return [
        ("Organization", card.organization.name),
        ("Scorecard", card.scorecard.name),
        ("Scorecard version", card.number),
        ("Data date", card.day),
        ("Made at (UTC)", f"{card.made_at:%Y-%m-%d %H:%M}"),
        ("Points", "0 to 100, to the hundredth. An empty cell means that there is no number; it is not 0."),
        ("Shares, weights, coverage", "0 to 1, where 1 is 100%."),
    ]


# ---------- the score of one day ----------

SCORE = (
    *OF,
    *NODE,
    Column("Points", Kind.POINTS, "0–100"),
    Column("Band"),
    Column("State"),
    Column("Coverage", Kind.SHARE, "0–1"),
    Column("Lower bound", Kind.POINTS, "0–100"),
    Column("Upper bound", Kind.POINTS, "0–100"),
    Column("Weight", Kind.SHARE, "0–1"),
    Column("Weight now", Kind.SHARE, "0–1"),
    Column("Contribution", Kind.POINTS, "points of the level above"),
    Column("Change in 30 days", Kind.POINTS, "points"),
    Column("Change in 90 days", Kind.POINTS, "points"),
)


def score(card: CardReading, below: str = OVERALL) -> Table:
    """A node and every one below it: its points, how sure they are, what it weighs and gives."""
    return Table("Score", SCORE, [_scored(card, each) for each in read.walk(card.by_node[below])])


def _scored(card: CardReading, each: Reading) -> tuple[Cell, ...]:
    return (
        *of(card),
        *node(each),
        points(each.points),
        each.band.name if each.band else None,
        STATES[each.state],
        ratio(each.coverage),
        points(each.lower),
        points(each.upper),
        ratio(each.weight),
        ratio(each.share),
        points(each.contribution),
        points(each.change_30),
        points(each.change_90),
    )


def node(each: Reading) -> tuple[str, str, str]:
    return each.node, LEVELS[each.level], each.name


# ---------- what went into its signals ----------

INPUTS = (
    *OF,
    Column("Signal", Kind.NAME),
    Column("Name", Kind.NAME),
    Column("Kind"),
    Column("Points", Kind.POINTS, "0–100"),
    Column("State"),
    Column("Input"),
    Column("Metric", Kind.NAME),
    Column("Unit"),
    Column("Value", Kind.NUMBER),
    Column("Day or last day of the month", Kind.DAY),
)

MEASURED = frozenset({"numerator", "denominator", "value"})  # inputs in the unit of the signal's metric


def inputs(card: CardReading, below: str = OVERALL) -> Table:
    """What was measured for each signal of a node, one row an input; the card must be an explained one."""
    signals = [each for each in read.walk(card.by_node[below]) if each.signal]
    rows = [row for each in signals for row in _measured(card, each)]
    return Table("Inputs", INPUTS, rows)


def _measured(card: CardReading, each: Reading) -> Iterable[tuple[Cell, ...]]:
    signal = each.signal
    assert signal is not None  # noqa: S101 - `inputs` passes signals alone
    head = (
        *of(card),
        each.node,
        each.name,
        str(signal.kind),
        points(each.points),
        STATES[each.state],
    )
    known: list[tuple[str, float | None]] = [
        (name, value) for name, value in each.inputs.items() if value is not None
    ]
    for name, value in known or [("", None)]:
        metric, unit = _of_metric(card, signal, name)
        when = _when(name, value)
        yield (
            *head,
            name,
            metric,
            unit,
            number(value) if when is None else None,
            when,
        )


def _of_metric(card: CardReading, signal: Signal, name: str) -> tuple[str | None, str | None]:
    """The metric an input was read from, and its unit; nothing for what only says how it was computed."""
    key = getattr(signal.options, name, None)
    if key is None and name in MEASURED:
        key = getattr(signal.options, "metric", None)
    if not isinstance(key, str):
        return None, None
    if getattr(signal.options, "form", None) == "recency":
        return card.scorecard.metric(key).name, "days since"
    metric, per = card.scorecard.metric(key), getattr(signal.options, "per", None)
    unit = f"{metric.unit} per {card.scorecard.metric(per).unit}" if per else metric.unit
    return metric.name, unit


def _when(name: str, value: float | None) -> date | None:
    """The day, where the input is one."""
    if value is None:
        return None
    if name in INPUT_DAYS:
        return date.fromordinal(int(value))
    return month_day(value) if name == "month" else None


# ---------- the history ----------


def course(organization: "Organization", past: History) -> Table:
    """The overall score and its categories, one row a day."""
    trend = read.trend(organization, known=past)
    names = _tops(past)
    columns = (
        *OF[:2],
        Column("Scorecard version", Kind.COUNT),
        Column("Day", Kind.DAY),
        *(Column(name, Kind.POINTS, "0–100") for name in names.values()),
    )
    key = next((sheet.card.name for sheet in past.sheets.values()), past.key)
    rows = [
        (
            organization.name,
            key,
            point.number,
            point.day,
            *(points(point.points.get(each)) for each in names),
        )
        for point in trend
    ]
    return Table("History", columns, rows)


def _tops(past: History) -> dict[str, str]:
    """The overall score and every category that ever was, by node, with the newest names."""
    names: dict[str, str] = {}
    cards = {sheet.version.pk: sheet.card for sheet in reversed(list(past.sheets.values()))}
    for card in cards.values():
        for each in card.nodes:
            if each.level in ("overall", "category"):
                names.setdefault(each.id, each.name)
    return names


EVERY_NODE = (
    *OF[:2],
    Column("Scorecard version", Kind.COUNT),
    Column("Day", Kind.DAY),
    *NODE,
    Column("Points", Kind.POINTS, "0–100"),
    Column("State"),
    Column("Coverage", Kind.SHARE, "0–1"),
    Column("Lower bound", Kind.POINTS, "0–100"),
    Column("Upper bound", Kind.POINTS, "0–100"),
)


def course_of_every_node(organization: "Organization", past: History, tell: Told) -> Table:
    """Every node of every day, one row each, oldest first."""
    rows: list[tuple[Cell, ...]] = []
    for done, sheet in enumerate(past.sheets.values()):
        card = sheet.card
        figures = sheets.unpack(sheet.nodes, card)
        for each in card.nodes:
            figure = figures[each.id]
            if figure.state is State.NOT_APPLICABLE:
                continue
            rows.append(
                (
                    organization.name,
                    card.name,
                    sheet.version.number,
                    sheet.day,
                    each.id,
                    LEVELS[each.level],
                    each.name,
                    points(figure.points),
                    STATES[figure.state],
                    ratio(figure.coverage),
                    points(figure.lower),
                    points(figure.upper),
                )
            )
        tell(done / len(past.sheets))
    return Table("History of every signal", EVERY_NODE, rows)


# ---------- people ----------

CONTACTS = (
    Column("Organization", Kind.NAME),
    Column("Name", Kind.NAME),
    Column("E-mail", Kind.NAME),
    Column("Role"),
    Column("State"),
    Column("Last sign-in", Kind.DAY),
    Column("Access ends", Kind.DAY),
)


def contacts(organization: "Organization") -> Table:
    """Who is let in and who is invited."""
    found = roster.of_organization(organization)
    lines = roster.lines(found, list(roster.find(found, roster.Wanted())))
    rows = [
        (
            organization.name,
            line.name or None,
            line.email,
            line.role_name,
            line.state.value.capitalize(),
            line.seen_at.date() if line.seen_at else None,
            line.last_day or (line.ends_at.date() if line.ends_at else None),
        )
        for line in lines
    ]
    return Table("Contacts", CONTACTS, rows)


# ---------- all of it ----------


def workbook(organization: "Organization", tell: Told) -> Book | None:
    """The score with its inputs, its history, and that of every node, as far as it goes back."""
    card = read.explained(organization)
    if card is None:
        return None
    tell(0.1)
    past = history.of(organization, days=ALL)
    tables = (
        score(card),
        inputs(card),
        course(organization, past),
        course_of_every_node(organization, past, lambda part: tell(0.1 + 0.6 * part)),
    )
    tell(0.7)
    return Book(f"{card.scorecard.name} of {organization.name}", facts(card), tables)
