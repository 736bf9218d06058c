"""What can be exported, by whom, as which kind of file, and by whom it is made: at once or by a worker."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from accounts.access import Capability
from portal.pages import exported
from portal.pages.exported_peers import comparison
from portal.pages.report import report
from portal.reports import pdf
from portal.reports.jobs import Made, Nothing, Order, Told
from portal.reports.tables import Book
from portal.reports.writing import CSV, PDF, XLSX, about, csv_of, xlsx_of
from scoring import history, read

if TYPE_CHECKING:
    from accounts.models import Organization, User


@dataclass(frozen=True)
class Small:
    """A table that is answered at once."""

    name: str
    says: str
    to: Capability
    # For a node, where `is_of_nodes`; raises KeyError for one that the scorecard does not have.
    make: "Callable[[Organization, str], tuple[Book, date | None] | None]"
    is_of_nodes: bool = False
    forms: tuple[str, ...] = (XLSX, CSV)


@dataclass(frozen=True)
class Long:
    """A file that a worker makes."""

    name: str
    says: str
    form: str
    order: Order


def file_name(organization: "Organization", what: str, day: date | None, form: str) -> str:
    """orchard-score-2026-11-20.xlsx: slugs and days hold nothing that a header could not."""
    parts = [organization.slug, what, day.isoformat() if day else ""]
    return "-".join(part for part in parts if part) + f".{form}"


# ---------- at once ----------


def _score(organization: "Organization", node: str) -> tuple[Book, date | None] | None:
    card = read.latest(organization)
    return (about(exported.score(card, node), exported.facts(card)), card.day) if card else None


def _inputs(organization: "Organization", node: str) -> tuple[Book, date | None] | None:
    card = read.explained(organization)
    return (about(exported.inputs(card, node), exported.facts(card)), card.day) if card else None


def _peers(organization: "Organization", _: str) -> tuple[Book, date | None] | None:
    card = read.latest(organization)
    return (about(comparison(organization), exported.facts(card)), card.day) if card else None


def _history(organization: "Organization", _: str) -> tuple[Book, date | None] | None:
    past = history.of(organization, days=exported.ALL)
    card = read.latest(organization, known=past)
    return (about(exported.course(organization, past), exported.facts(card)), card.day) if card else None


def _contacts(organization: "Organization", _: str) -> tuple[Book, date | None]:
    return about(exported.contacts(organization), [("Organization", organization.name)]), None


SMALL: dict[str, Small] = {
    "score": Small(
        "Score of the newest day",
        "Every category and signal: points, coverage, bounds, state, weight, contribution.",
        Capability.SEE_SCORE,
        _score,
        is_of_nodes=True,
    ),
    "inputs": Small(
        "What was measured",
        "The numbers behind every signal, with their metric, unit and day.",
        Capability.SEE_SCORE,
        _inputs,
        is_of_nodes=True,
    ),
    "history": Small(
        "History",
        "The overall score and its categories, one row a day.",
        Capability.SEE_SCORE,
        _history,
    ),
    "peers": Small(
        "Peers",
        "What was released for you, close by close: quartiles and medians beside your own numbers.",
        Capability.SEE_SCORE,
        _peers,
    ),
    "contacts": Small(
        "Contacts",
        "Who has access or is invited, with role and last sign-in.",
        Capability.SEE_CONTACTS,
        _contacts,
    ),
}


# ---------- by a worker ----------


def _report(organization: "Organization", _: "User", tell: Told) -> Made:
    told = report(organization)
    if told is None:
        raise Nothing
    tell(0.4)
    content = pdf.typeset(told.data)
    return Made(file_name(organization, "score-report", told.day, PDF), content, told.day)


def _workbook(organization: "Organization", _: "User", tell: Told) -> Made:
    book = exported.workbook(organization, tell)
    if book is None:
        raise Nothing
    day = dict(book.about)["Data date"]
    assert isinstance(day, date)  # noqa: S101 - as exported.facts says it
    return Made(file_name(organization, "workbook", day, XLSX), xlsx_of(book), day)


def _every_node(organization: "Organization", _: "User", tell: Told) -> Made:
    past = history.of(organization, days=exported.ALL)
    if not past.sheets:
        raise Nothing
    table = exported.course_of_every_node(organization, past, lambda part: tell(0.9 * part))
    day = max(past.sheets)
    return Made(file_name(organization, "history-of-every-signal", day, CSV), csv_of(table), day)


LONG: dict[str, Long] = {
    "report": Long(
        "Score report",
        "Two pages to hand over: the score, what holds it back, its course, how sure it is.",
        PDF,
        Order(Capability.SEE_SCORE, _report),
    ),
    "workbook": Long(
        "Everything in one workbook",
        "Score, inputs, history and the history of every signal, as sheets.",
        XLSX,
        Order(Capability.SEE_SCORE, _workbook),
    ),
    "every-signal": Long(
        "History of every signal",
        "One row a day and signal.",
        CSV,
        Order(Capability.SEE_SCORE, _every_node),
    ),
}
ORDERS = {what: each.order for what, each in LONG.items()}
