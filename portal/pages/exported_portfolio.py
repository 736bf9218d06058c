"""The portfolio as a table that can leave the house: one row an organization, with its newest score."""

from typing import TYPE_CHECKING

from django.utils import timezone

from accounts import portfolios
from accounts.rows.cells import Cell
from portal.pages.words import STATES
from portal.reports.tables import Column, Kind, Table, points
from scoring import portfolio as scored
from scoring import publish, read

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import Organization, User

MOST = 5_000  # organizations of one file: somebody waits for it
COLUMNS = (
    Column("Organization", Kind.NAME),
    Column("Org ID"),
    Column("Scorecard"),
    Column("Scorecard version", Kind.COUNT),
    Column("Data date", Kind.DAY),
    Column("Points", Kind.POINTS, "0–100"),
    Column("Band"),
    Column("State"),
    Column("Change in 30 days", Kind.POINTS, "points"),
    Column("Success manager", Kind.NAME),
    Column("Plan"),
    Column("Plan ends", Kind.DAY),
    Column("Last sign-in of a contact", Kind.DAY),
)
FACTS: list[tuple[str, Cell]] = [
    ("Points", "0 to 100, to the hundredth. An empty cell means that there is no number; it is not 0."),
    ("Times", "UTC"),
]


def portfolio(reader: "User", organizations: "QuerySet[Organization]") -> Table:
    """The organizations by name; as many queries for all as for one."""
    shown = list(organizations.order_by("name", "pk")[:MOST])
    scores = scored.scores_of(organizations)
    sheets = read.picker(shown)
    nights = {(each.scorecard, sheets[each.pk][0]) for each in shown if each.pk in sheets}
    versions = {night: publish.in_force(*night) for night in nights}
    ids = [each.pk for each in shown]
    facts = portfolios.facts_of(ids, reader, at=timezone.now())
    changes = scores.changes(ids)
    rows: list[tuple[Cell, ...]] = []
    for each in shown:
        at, hundredths, state = sheets.get(each.pk, (None, None, None))
        version = versions[each.scorecard, at] if at else None
        card = publish.card_of(version) if version else None
        about = facts[each.pk]
        plan = about.plan
        rows.append(
            (
                each.name,
                each.external_id,
                card.name if card else each.scorecard,
                version.number if version else None,
                at,
                points(hundredths),
                card.band(hundredths).name if card and hundredths is not None else None,
                STATES[state] if state is not None else "No score yet",
                points(changes.get(each.pk)),
                ", ".join(str(user) for user in about.managers) or None,
                plan.get_plan_display() if plan else None,
                plan.ends_at.date() if plan and plan.ends_at else None,
                about.signed_in_at.date() if about.signed_in_at else None,
            )
        )
    return Table("Portfolio", COLUMNS, rows)
