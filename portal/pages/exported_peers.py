"""The comparison with peers, close by close, as a table to take away: what was released, no more."""

from typing import TYPE_CHECKING

from accounts.rows.cells import Cell
from portal.pages.exported import LEVELS, NODE
from portal.pages.peer_panel import group
from portal.reports.tables import Column, Kind, Table
from scoring import peers
from scoring.peers import Comparison

if TYPE_CHECKING:
    from accounts.models import Organization

PEERS = (
    Column("Organization", Kind.NAME),
    Column("Scorecard", Kind.TEXT),
    Column("Scorecard version", Kind.COUNT),
    Column("Close", Kind.DAY),
    Column("Compared with", Kind.NAME),
    Column("Organizations"),
    *NODE,
    Column("Own score", Kind.COUNT, "0–100"),
    Column("Lower quartile", Kind.COUNT, "0–100"),
    Column("Median", Kind.COUNT, "0–100"),
    Column("Upper quartile", Kind.COUNT, "0–100"),
)


def comparison(organization: "Organization") -> Table:
    """One row a close and node that was released for this organization, newest close first."""
    found = [each for each in peers.comparisons(organization) if each.is_shown]
    return Table("Peers", PEERS, [row for each in found for row in _rows(organization.name, each)])


def _rows(name: str, found: Comparison) -> list[tuple[Cell, ...]]:
    head = (name, found.card.name, found.number, found.day, group(found), found.size_range)
    told = [(node, found.standings[node.id]) for node in found.card.nodes if node.id in found.standings]
    return [
        (*head, node.id, LEVELS[node.level], node.name, each.own, each.lower, each.median, each.upper)
        for node, each in told
    ]
