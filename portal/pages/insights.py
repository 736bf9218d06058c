"""What stands out in a score, in short sentences that the sheet proves: costs, rises, falls, silence."""

from dataclasses import dataclass

from portal.pages.gaps import why_href
from portal.pages.headline import since
from portal.templatetags.scores import add_up_tenths, plural, points, share, whole
from scoring import read
from scoring.completing import gaps
from scoring.engine import State
from scoring.read import CardReading, Reading

MOVED_FROM = 100  # hundredths: less than a point is no news


@dataclass(frozen=True)
class Insight:
    """One sentence about one signal, and where it is explained."""

    label: str
    name: str
    href: str
    text: str


def insights(card: CardReading, node: Reading) -> list[Insight]:
    """What costs the node most, what rose and fell most, what is not known."""
    found = [costs(card, node), moved(card, node, "Rose most", 1), moved(card, node, "Fell most", -1)]
    return [each for each in (*found, silence(card, node)) if each]


def costs(card: CardReading, node: Reading) -> Insight | None:
    """The signal without which the node would gain most."""
    if node.points is None:
        return None
    signals = counting(node)
    lost = [part * (10_000 - (signal.points or 0)) for signal, part in signals]
    if not lost or max(lost) < MOVED_FROM / 2:
        return None
    worst = lost.index(max(lost))
    texts = add_up_tenths(lost, 10_000 - node.points)
    signal = signals[worst][0]
    return Insight(
        "Costs most",
        signal.name,
        why_href(card, signal),
        f"scores {whole(signal.points)} and costs {texts[worst]} of the {points(10_000 - node.points)} points"
        " to 100",
    )


def moved(card: CardReading, node: Reading, label: str, way: int) -> Insight | None:
    """The signal that rose most, or fell most."""
    changed = [each for each in read.walk(node) if each.signal and each.weight and each.change_30 is not None]
    if not changed:
        return None
    most = max(changed, key=lambda each: way * (each.change_30 or 0))
    change = most.change_30 or 0
    if way * change < MOVED_FROM:
        return None
    before = (most.points or 0) - change
    text = f"from {whole(before)} to {whole(most.points)} {since(card, 30)}"
    return Insight(label, most.name, why_href(card, most), text)


def silence(card: CardReading, node: Reading) -> Insight | None:
    """What is late or missing, by its largest part."""
    found = [gap for gap in gaps(node) if gap.signal.state is not State.OK]
    if not found:
        return None
    first, others = found[0].signal, len(found) - 1
    late = "is late" if first.state is State.STALE_GRACE else "has no data"
    more = f", {plural(others, 'other')} with it" if others else ""
    part = share(sum(gap.adds for gap in found))
    return Insight(
        "Not known", first.name, why_href(card, first), f"{late}{more}: {part} of the weight is open"
    )


def counting(node: Reading) -> list[tuple[Reading, float]]:
    """Every signal with a number and its share of the node now."""
    parts = {node.node: 1.0}
    found = []
    for each in read.walk(node):
        parts |= {child.node: parts[each.node] * (child.share or 0) for child in each.children}
        if each.signal and each.points is not None and parts[each.node]:
            found.append((each, parts[each.node]))
    return found
