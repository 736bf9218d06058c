"""The packed part of a ScoreSheet: every node's points, state and coverage in few bytes.

Numbers in the order of the scorecard's nodes, little-endian:
  overall and categories  points, lower, upper (hundredths, -1 none), coverage (%, 255 none), state: 8 bytes
  subcategories           points, coverage, state: 4 bytes
  signals                 points, state + 16 × observed base periods: 3 bytes
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from struct import unpack_from

import numpy as np

from scoring.engine import Scorecard, Scores, State, canonical

TOP = np.dtype([("points", "<i2"), ("lower", "<i2"), ("upper", "<i2"), ("coverage", "u1"), ("state", "u1")])
MIDDLE = np.dtype([("points", "<i2"), ("coverage", "u1"), ("state", "u1")])
LEAF = np.dtype([("points", "<i2"), ("state", "u1")])
NONE = 255


@dataclass(frozen=True)
class Figure:
    """One node of one sheet: points and bounds in hundredths (None is no number), coverage 0 to 1."""

    points: int | None
    state: State
    coverage: float | None
    lower: int | None = None
    upper: int | None = None
    history: int = 0  # observed base periods of a growth signal


@lru_cache(maxsize=64)
def columns(scorecard: Scorecard) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions of top, middle and leaf nodes in the scorecard's order."""
    level = np.array([node.level for node in scorecard.nodes])
    return (
        np.flatnonzero((level == "overall") | (level == "category")),
        np.flatnonzero(level == "subcategory"),
        np.flatnonzero(level == "signal"),
    )


def pack(scorecard: Scorecard, scores: Scores) -> list[bytes]:
    """One byte string an organization, in the order of the scores."""
    top, middle, leaf = columns(scorecard)
    count = len(scores.points)
    points = canonical(scores.points)
    percent = np.where(np.isnan(scores.coverage), NONE, np.rint(np.nan_to_num(scores.coverage) * 100)).astype(
        "u1"
    )

    tops = np.empty((count, len(top)), TOP)
    tops["points"], tops["coverage"], tops["state"] = points[:, top], percent[:, top], scores.state[:, top]
    tops["lower"], tops["upper"] = canonical(scores.lower[:, top]), canonical(scores.upper[:, top])
    middles = np.empty((count, len(middle)), MIDDLE)
    middles["points"], middles["coverage"] = points[:, middle], percent[:, middle]
    middles["state"] = scores.state[:, middle]
    leaves = np.empty((count, len(leaf)), LEAF)
    leaves["points"], leaves["state"] = points[:, leaf], scores.state[:, leaf] + 16 * scores.history[:, leaf]
    return [b"".join(parts) for parts in zip(_rows(tops), _rows(middles), _rows(leaves), strict=True)]


def _rows(table: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in table]


def unpack(nodes: bytes, scorecard: Scorecard) -> dict[str, Figure]:
    """Every node's figure, by node id."""
    top, middle, leaf = columns(scorecard)
    data, edges = bytes(nodes), np.cumsum([len(top) * TOP.itemsize, len(middle) * MIDDLE.itemsize])
    figures: dict[str, Figure] = {}
    for at, row in zip(top, np.frombuffer(data[: edges[0]], TOP).tolist(), strict=True):
        points, lower, upper, percent, state = row
        figures[scorecard.nodes[at].id] = Figure(
            known(points), State(state), share(percent), known(lower), known(upper)
        )
    for at, row in zip(middle, np.frombuffer(data[edges[0] : edges[1]], MIDDLE).tolist(), strict=True):
        points, percent, state = row
        figures[scorecard.nodes[at].id] = Figure(known(points), State(state), share(percent))
    for at, row in zip(leaf, np.frombuffer(data[edges[1] :], LEAF).tolist(), strict=True):
        points, packed = row
        figures[scorecard.nodes[at].id] = Figure(
            known(points), State(packed % 16), None, history=packed // 16
        )
    return figures


def table(rows: Sequence[bytes], scorecard: Scorecard) -> tuple[np.ndarray, np.ndarray]:
    """Points in hundredths (-1 none) and states of many sheets at once, both (sheets, nodes)."""
    points = np.full((len(rows), len(scorecard.nodes)), -1, np.int16)
    states = np.zeros((len(rows), len(scorecard.nodes)), np.uint8)
    data = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
    start = 0
    for at, kind in zip(columns(scorecard), (TOP, MIDDLE, LEAF), strict=True):
        end = start + len(at) * kind.itemsize
        block = np.frombuffer(data[:, start:end].tobytes(), kind).reshape(len(rows), len(at))
        points[:, at], states[:, at] = block["points"], block["state"] % 16
        start = end
    return points, states


def tops(nodes: bytes, scorecard: Scorecard) -> dict[str, int | None]:
    """Points of the overall score and the categories alone: what a trend line needs."""
    top = columns(scorecard)[0]
    points = np.frombuffer(bytes(nodes), TOP, count=len(top))["points"].tolist()
    return {scorecard.nodes[at].id: known(value) for at, value in zip(top, points, strict=True)}


@lru_cache(maxsize=64)
def places(scorecard: Scorecard) -> dict[str, tuple[str, int]]:
    """Where each node stands in the packed bytes: the form of its numbers, and its first byte."""
    top, middle, leaf = columns(scorecard)
    found: dict[str, tuple[str, int]] = {}
    start = 0
    for form, kind, at in (("<hhhBB", TOP, top), ("<hBB", MIDDLE, middle), ("<hB", LEAF, leaf)):
        for place in at:
            found[scorecard.nodes[place].id] = (form, start)
            start += kind.itemsize
    return found


def figure(nodes: bytes, scorecard: Scorecard, node: str) -> Figure | None:
    """One node's figure alone; None for a node that this version does not have."""
    if node not in (where := places(scorecard)):
        return None
    form, start = where[node]
    numbers = unpack_from(form, nodes, start)
    if form == "<hB":
        return Figure(known(numbers[0]), State(numbers[1] % 16), None, history=numbers[1] // 16)
    points, *bounds, percent, state = numbers
    lower, upper = map(known, bounds) if bounds else (None, None)
    return Figure(known(points), State(state), share(percent), lower, upper)


def known(hundredths: int) -> int | None:
    return None if hundredths < 0 else hundredths


def share(percent: int) -> float | None:
    return None if percent == NONE else percent / 100
