"""What the address of the trends asks for: which node, how far back, every night or the closes."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import Http404
from django.utils.http import urlencode

from portal.pages.asking import Asking
from portal.pages.shell import Link
from scoring import history
from scoring.read import CardReading, Reading


@dataclass(frozen=True)
class Period:
    """How far back a reader looks."""

    key: str
    name: str
    days: int
    is_weekly: bool = False


PERIODS = (
    Period("3", "3 months", 92, is_weekly=True),
    Period("12", "12 months", history.YEAR),
    Period("all", "All", 10 * history.YEAR),
)
USUAL = PERIODS[1]
OVERALL = "overall"


@dataclass(frozen=True)
class Asked:
    """One way to look at the trends."""

    node: str = OVERALL
    period: Period = USUAL
    closes: bool = False  # the last days of months alone, and the newest night
    every: bool = False  # every night in the table, not one a month or week

    def query(self, **changes: str) -> str:
        """The address of this way with something changed; what is usual is not said."""
        asked = {
            "node": self.node,
            "period": self.period.key,
            "by": "close" if self.closes else "day",
            "rows": "all" if self.every else "",
        } | changes
        usual = {"node": OVERALL, "period": USUAL.key, "by": "day", "rows": ""}
        said = {name: value for name, value in asked.items() if value != usual[name]}
        return f"?{urlencode(said)}" if said else "?"


def asked_of(request: Asking) -> Asked:
    """What the address asks; what it does not know is the usual."""
    given = request.GET
    return Asked(
        node=given.get("node") or OVERALL,
        period=next((each for each in PERIODS if each.key == given.get("period")), USUAL),
        closes=given.get("by") == "close",
        every=given.get("rows") == "all",
    )


def node_of(card: CardReading, asked: Asked) -> Reading:
    """The node that is asked for, as it is now; Http404 for one that the scorecard does not have."""
    if asked.node not in card.by_node:
        raise Http404("No such node.")
    return card.by_node[asked.node]


def parent_of(card: CardReading, node: Reading) -> Reading | None:
    """The node above; None above the overall score."""
    return next((each for each in card.by_node.values() if node in each.children), None)


def periods(asked: Asked) -> list[Link]:
    return [Link(each.name, asked.query(period=each.key, rows=""), each is asked.period) for each in PERIODS]


def steps(asked: Asked) -> list[Link]:
    """Every night, or the last one of each month."""
    ways = (("day", "Every night"), ("close", "Month ends"))
    return [Link(text, asked.query(by=key, rows=""), (key == "close") is asked.closes) for key, text in ways]


@dataclass(frozen=True)
class Choice:
    """One node that can be chosen."""

    node: str
    name: str
    is_on: bool


def choices(card: CardReading, asked: Asked) -> Iterator[tuple[str, list[Choice]]]:
    """Every node of the scorecard by category, each below the name of its group."""

    def choice(reading: Reading, name: str = "") -> Choice:
        return Choice(reading.node, name or reading.name, reading.node == asked.node)

    yield "", [choice(card.overall, "Overall")]
    for category in card.overall.children:
        found = [choice(category)]
        for sub in category.children:
            found.append(choice(sub, f"– {sub.name}"))
            found += [choice(signal, f"– – {signal.name}") for signal in sub.children]
        yield category.name, found
