"""A second roll-up of a score, in plain Python, which knows nothing of the engine: to check what moved.

It reads the bytes of a sheet and the text of a version, and goes the way of SCORING §5 step by step.
"""

import re
import struct
import tomllib
from itertools import pairwise

COUNTS = (0, 1, 2, 3)  # OK, STALE_GRACE, MISSING, INVALID
FRESH = {0: 1.0, 1: 0.5, 2: 0.0, 3: 0.0}
BASES = {"avg12": 12, "yoy": 1, "quarter": 4}
Signal = tuple[float | None, int, float]  # points, state, share of its base that was observed


def tree(text: str) -> tuple[dict, list[tuple[str, str, float]], dict[str, list[dict]]]:
    """The scorecard's own table, its subcategories in order, and the signals of each."""
    card = tomllib.loads(text)
    subs = [
        (category["key"], f"{category['key']}/{sub['key']}", float(sub["weight"]))
        for category in card["category"]
        for sub in category["subcategory"]
    ]
    below: dict[str, list[dict]] = {}
    for signal in card["signal"]:
        below.setdefault(f"{signal['category']}/{signal['subcategory']}", []).append(signal)
    return card, subs, below


def signals_of(nodes: bytes, text: str) -> dict[str, Signal]:
    """Every signal of a sheet: 3 bytes each, at its end, in the order of the tree."""
    card, subs, below = tree(text)
    order = [signal for _, sub, _ in subs for signal in below.get(sub, [])]
    tops, data = 1 + len(card["category"]), bytes(nodes)
    leaves = data[8 * tops + 4 * len(subs) :]
    assert len(leaves) == 3 * len(order)
    found = {}
    for at, signal in enumerate(order):
        points, mixed = struct.unpack_from("<hB", leaves, 3 * at)
        base = BASES.get(signal.get("variant", ""), 0)
        share = (mixed // 16) / base if base and points >= 0 else 1.0
        found[signal["key"]] = (None if points < 0 else points / 100, mixed % 16, share)
    return found


def scored(text: str, signals: dict[str, Signal]) -> dict[str, float | None]:
    """The points of every branch."""
    card, subs, below = tree(text)
    floors = card["scorecard"]
    points: dict[str, float | None] = {}
    coverage: dict[str, float | None] = {}

    def mean(pairs: list[tuple[float, float | None]]) -> float | None:
        known = [(weight, value) for weight, value in pairs if value is not None]
        return sum(w * v for w, v in known) / sum(w for w, _ in known) if known else None

    def settle(node: str, children: list[tuple[float, str]], floor: float) -> None:
        coverage[node] = mean([(weight, coverage[child]) for weight, child in children])
        value = mean([(weight, points[child]) for weight, child in children])
        points[node] = value if (coverage[node] or 0) >= floor - 1e-9 else None

    for category, sub, _ in subs:
        mine = [signal for signal in below.get(sub, []) if not signal.get("preview")]
        for signal in mine:
            value, state, share = signals[signal["key"]]
            counts = state in COUNTS
            points[signal["key"]] = value if counts else None
            coverage[signal["key"]] = FRESH[state] * (share if FRESH[state] else 0) if counts else None
        settle(
            sub,
            [(signal.get("weight", 1), signal["key"]) for signal in mine],
            floors.get("floor_subcategory", 0.5),
        )
        assert category
    for category in card["category"]:
        mine = [(weight, sub) for above, sub, weight in subs if above == category["key"]]
        settle(category["key"], mine, floors.get("floor_category", 0.5))
    tops = [(float(category["weight"]), category["key"]) for category in card["category"]]
    settle("overall", tops, floors.get("floor_overall", 0.6))
    return points


def parts(
    node: str,
    old: tuple[str, dict[str, Signal]],
    same_night: tuple[str, dict[str, Signal]],
    now: dict[str, Signal],
) -> list[float]:
    """Version, scope, feed and values: what each step of the way added to a node."""
    text, then = same_night
    scoped = {key: then[key] if then[key][1] in COUNTS and now[key][1] in COUNTS else now[key] for key in now}
    fed = {
        key: (scoped[key][0], now[key][1], now[key][2])
        if scoped[key][0] is not None and now[key][0] is not None
        else now[key]
        for key in now
    }
    stops = [scored(*old), *(scored(text, signals) for signals in (then, scoped, fed, now))]
    values = [stop[node] for stop in stops]
    assert None not in values
    return [after - before for before, after in pairwise(values)]


def printed(page: str) -> list[float]:
    """The parts as the page prints them, in the same order."""
    table = re.search(r"Parts of the change</caption>.*?</table>", page, re.S)
    assert table, "the page has no parts"
    found = re.findall(r'<td class="num b">([^<]+)</td>', table.group())
    return [float(text.replace("\N{MINUS SIGN}", "-")) for text in found]
