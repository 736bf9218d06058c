"""How one organization stands among its peers, as ready text and geometry: on its own page and on others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from accounts import installation
from portal import charts
from portal.pages.why import Why as Explained
from portal.templatetags.scores import day, in_full
from scoring import peers
from scoring.engine import State
from scoring.engine.peers import Quarter, Rung
from scoring.peers import Comparison, Standing, Why
from scoring.read import Reading

if TYPE_CHECKING:
    from accounts.models import Organization

QUARTERS: dict[Quarter, str] = {
    Quarter.LOWEST: "in the lowest quarter",
    Quarter.SECOND: "in the second quarter from below, below the median",
    Quarter.THIRD: "in the third quarter from below, at or above the median",
    Quarter.TOP: "in the top quarter",
}
SHORT: dict[Quarter, str] = {
    Quarter.LOWEST: "Lowest",
    Quarter.SECOND: "Second",
    Quarter.THIRD: "Third",
    Quarter.TOP: "Top",
}
WHY_NOT: dict[str, tuple[str, str]] = {
    Why.OPTED_OUT: (
        "You do not contribute",
        "Your organization stays out of the comparison, so it is not shown to you either.",
    ),
    Why.NOT_CERTAIN: (
        "Nothing to compare yet",
        "Your overall score was provisional, or there was none. Only certain scores are compared.",
    ),
    Why.TOO_FEW: (
        "Not enough peers",
        "No group you belong to is large enough, or different enough from one that was shown, to keep "
        "everyone in it unknown. We look again at every close.",
    ),
}
NO_CLOSE = (
    "The first comparison is on its way",
    "Peers are compared once a month, when its data is complete. Nothing has been released for you so far.",
)


@dataclass(frozen=True)
class Row:
    """One node beside its peers, as text."""

    name: str
    mark: str
    own: str
    lower: str
    median: str
    upper: str
    quarter: str


@dataclass(frozen=True)
class Panel:
    """What a page shows of the peers, or the reason why nothing."""

    href: str
    title: str  # the reason in short; empty when figures are shown
    text: str
    size_range: str = ""
    group: str = ""
    closed: str = ""
    strip: charts.Strip | None = None
    label: str = ""
    rows: Sequence[Row] = ()
    references: str = ""


def panel(organization: "Organization", node: Reading) -> Panel:
    """The peers of the overall score with its categories, or of one category."""
    return drawn(organization, peers.newest(organization), node)


def drawn(organization: "Organization", found: Comparison | None, node: Reading) -> Panel:
    """The same of a close that was read already."""
    href = reverse("peers", args=[organization.slug])
    if found is None:
        return Panel(href, *NO_CLOSE)
    standing = found.standings.get(node.node)
    if not found.is_shown:
        return Panel(href, *WHY_NOT[found.why], closed=day(found.day))
    if standing is None:
        text = f"Too few of your peers have a certain score for {node.name}."
        return Panel(href, "Not enough peers", text, closed=day(found.day))
    lines = installation.reference_lines() if node.level == "overall" else None
    return Panel(
        href,
        "",
        sentence(standing, node.name),
        found.size_range,
        group(found),
        day(found.day),
        charts.strip(
            standing.own, (standing.lower, standing.median, standing.upper), lines.values if lines else ()
        ),
        label(standing, node.name),
        rows(found, [node, *(each for each in node.children if each.level == "category")]),
        lines.text if lines else "",
    )


def rows(found: Comparison, nodes: Sequence[Reading]) -> list[Row]:
    """A line a node; one that is withheld says so by dashes."""
    return [_row(found.standings.get(node.node), node) for node in nodes]


def _row(standing: Standing | None, node: Reading) -> Row:
    def text(value: int | None) -> str:
        return "–" if value is None else str(value)

    if standing is None:
        return Row(node.name, node.mark, "–", "–", "–", "–", "Not enough peers")
    quarter = f"{SHORT[standing.quarter]} quarter" if standing.quarter else "Not compared"
    figures = (text(standing.own), text(standing.lower), str(standing.median), text(standing.upper))
    return Row(node.name, node.mark, *figures, quarter)


def sentence(standing: Standing, name: str) -> str:
    """Where the score stands, in words."""
    if standing.own is None or standing.quarter is None:
        return f"You had no number for {name} at this close."
    return f"{name}: with {standing.own} you are {QUARTERS[standing.quarter]}."


def label(standing: Standing, name: str) -> str:
    """The strip in one sentence."""
    you = f"{name}: you score {standing.own}. " if standing.own is not None else f"{name}. "
    return (
        f"{you}Among your peers the lower quartile is {standing.lower}, the median {standing.median}, "
        f"the upper quartile {standing.upper}."
    )


def group(found: Comparison) -> str:
    """Whom the organization is compared with."""
    fewest, most = found.sizes
    seats = f"{in_full(fewest)}–{in_full(most)} seats" if most else f"more than {in_full(fewest - 1)} seats"
    match found.rung:
        case Rung.INDUSTRY:
            return f"organizations of your size ({seats}) in your industry ({found.industry})"
        case Rung.SIZE:
            return f"organizations of your size ({seats})"
        case Rung.NEIGHBORS:
            return f"organizations of your size and the sizes next to it ({seats})"
    return "organizations of all sizes and industries"


@dataclass(frozen=True)
class Medians:
    """The column of peer medians beside the signals of a table, or in words why there is none."""

    texts: Mapping[str, str]  # by node
    closed: str
    why_not: str
    below: frozenset[str]  # signals that stood below the median at that close
    has_gaps: bool = False  # of some signals none is released


def medians(found: Comparison | None, signals: Sequence[Reading]) -> Medians:
    """What the table of these signals says of the peers: released whole numbers and nothing else."""
    shown = {
        each.node: found.standings[each.node] for each in signals if found and each.node in found.standings
    }
    if found is None or not shown:
        title = NO_CLOSE[0] if found is None else WHY_NOT.get(found.why, WHY_NOT[Why.TOO_FEW])[0]
        return Medians({}, "", f"No column of peer medians: {title[0].lower()}{title[1:]}.", frozenset())
    texts = {node: str(each.median) for node, each in found.standings.items()}
    below = {node for node, each in shown.items() if each.own is not None and each.own < each.median}
    return Medians(texts, day(found.day), "", frozenset(below), len(shown) < len(signals))


def bracket(found: Comparison | None, node: Reading) -> tuple[int, int, int] | None:
    """Lower quartile, median and upper quartile of the peers, for the gauge of a node; None without them."""
    standing = found.standings.get(node.node) if found else None
    if node.state is State.PROVISIONAL:  # its own range stands in the gauge, and only certain scores compare
        return None
    if standing is None or standing.lower is None or standing.upper is None:
        return None
    return standing.lower, standing.median, standing.upper


def bracket_text(found: Comparison | None, node: Reading) -> str:
    """What the bracket in the gauge is, in a sentence; empty without one."""
    three = bracket(found, node)
    if found is None or three is None:
        return ""
    closed = day(found.day)
    return (
        f"The bracket is the middle half of your peers at the close of {closed}; their median is {three[1]}."
    )


def beside_median(found: Comparison | None, node: Reading) -> str:
    """At the last close: peer median 66, you 3 below; empty where none is released."""
    standing = found.standings.get(node.node) if found else None
    if standing is None:
        return ""
    text = f"At the last close: peer median {standing.median}"
    if standing.own is None:
        return text
    apart = standing.own - standing.median
    return f"{text}, you {f'{abs(apart)} {"below" if apart < 0 else "above"}' if apart else 'level'}"


def explain(why: Explained, found: Comparison | None, signal: str) -> None:
    """The explanation of a signal gets the median of the peers."""
    if text := compared(found, signal):
        why.steps.append(("Compared", text))


def compared(found: Comparison | None, signal: str) -> str:
    """The median of one signal among the peers, in a sentence; empty when none is shown."""
    standing = found.standings.get(signal) if found else None
    if found is None or standing is None:
        return ""
    own = f", yours was {standing.own}" if standing.own is not None else ""
    return f"Peer median {standing.median} at the close of {day(found.day)}{own}. Your peers: {group(found)}."
