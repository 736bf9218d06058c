"""What would complete a score: the signals without full data, and how much each would add."""

from dataclasses import dataclass

from scoring.read import Reading, walk

LEAST = 1e-9  # of the weight: what float noise leaves is nothing


@dataclass(frozen=True)
class Gap:
    """A signal that would add coverage to a node, and how much of it: 0 to 1."""

    signal: Reading
    adds: float


def gaps(node: Reading) -> list[Gap]:
    """What keeps the node from full coverage, largest first; all of it and the coverage add up to 1.

    source  SCORING §5: coverage is the weighted mean over what applies, so each signal adds its own part
    """
    found = [Gap(signal, part * (1 - (signal.coverage or 0))) for signal, part in weighed(node)]
    return sorted((gap for gap in found if gap.adds > LEAST), key=lambda gap: -gap.adds)


def weighed(node: Reading) -> list[tuple[Reading, float]]:
    """Every signal of the node that applies, with its part of the node's whole weight."""
    parts = {node.node: 1.0 if node.coverage is not None else 0.0}
    found: list[tuple[Reading, float]] = []
    for each in walk(node):
        part = parts[each.node]
        if each.signal is not None and part:
            found.append((each, part))
        parts |= {child.node: part * child.weight for child in each.children}
    return found
