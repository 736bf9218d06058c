"""How others do: whom an organization is compared with, and the few whole numbers it is told about them.

The rules keep one organization from being worked out of the figures of many, also by subtracting one release
from another. Frozen for a month: with daily groups, one newcomer could be worked out by subtraction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scoring.engine.arrays import Array, Mask, Whole

FLOOR = 11  # organizations in the smallest group: ten others
TOGETHER = 3  # changes that gather before a list changes; members that tell two lists apart
SIZES = (50, 250, 1_000, 5_000, 20_000)  # the most seats of each size; beyond the last there is one more
RANGES = ((50, "50+"), (25, "25–49"), (11, "11–24"))
NONE = -1

type Hundredths = npt.NDArray[np.int16]


class Rung(IntEnum):
    """The ladder of groups, tried in this order."""

    INDUSTRY = 1  # same size and industry
    SIZE = 2
    NEIGHBORS = 3  # this size, the next smaller and the next larger one
    ALL = 4


class Quarter(IntEnum):
    """Where a score stands among the quartiles, counted from below."""

    LOWEST = 1
    SECOND = 2
    THIRD = 3
    TOP = 4


@dataclass(frozen=True)
class Rules:
    """What a release keeps to. Only the floor is ever set, and only upwards."""

    floor: int = FLOOR
    gathered: int = TOGETHER
    apart: int = TOGETHER
    keeps_leavers: bool = True
    once_a_family: bool = True


@dataclass(frozen=True, order=True)
class Group:
    """A peer group: organizations from one size to another, of one industry or of all."""

    rung: Rung
    low: int
    high: int
    industry: str = ""


@dataclass(frozen=True)
class Contributors:
    """Everyone on one close, under one scorecard version.

    shapes  ids, size, family, contributes: (orgs,) · industry: orgs · values: (orgs, nodes)
    units   values in hundredths, -1 is none; size as `size_of` gives it
    """

    ids: Whole
    size: Whole
    industry: Sequence[str]
    family: Whole  # the organization on top: affiliates of one parent share it
    contributes: Mask
    values: Hundredths


@dataclass(frozen=True)
class Release:
    """The figures of one group on one close, and the lists they were made of.

    shapes  ids: (members,), ascending · values: (members, nodes), -1 is not in the list of that node
            figures: (nodes, 3), lower quartile, median, upper quartile; -1 is withheld
    """

    group: Group
    ids: Whole
    values: Hundredths
    figures: Hundredths
    is_comparable: bool = True  # of an earlier one: made under the same scorecard version

    @cached_property
    def sizes(self) -> Whole:
        """How many organizations stand behind each node, (nodes,)."""
        return np.asarray((self.values >= 0).sum(axis=0), np.int64)


# ---------- the numbers ----------


def size_of(seats: Array) -> Whole:
    """Which of the six sizes so many seats are, 0 to 5; -1 where they are not known.

    source  SCORING §8: 1–50, 51–250, 251–1,000, 1,001–5,000, 5,001–20,000, more
    """
    known = np.nan_to_num(seats, nan=0.0) > 0
    return np.where(known, np.searchsorted(SIZES, np.nan_to_num(seats, nan=0.0)), NONE).astype(np.int64)


def quartiles(values: npt.NDArray[np.integer]) -> tuple[int, int, int]:
    """Lower quartile, median and upper quartile as whole numbers, from hundredths.

    Each is the mean of the three order statistics around it: never one organization's own number. Between
    two of them the one nearer to the middle is taken, and the lower one for the median.
    """
    ordered, last = np.sort(values).astype(np.int64), len(values) - 1
    middles = ((last + 2) // 4, last // 2, (3 * last + 1) // 4)
    lower, median, upper = (_around(ordered, middle) for middle in middles)
    return lower, median, upper


def _around(ordered: Whole, middle: int) -> int:
    """The mean of three neighbors, rounded half to even from the exact sum."""
    middle = min(max(middle, 1), max(len(ordered) - 2, 1))
    three = ordered[middle - 1 : middle + 2]
    whole, rest = divmod(int(three.sum()), 100 * len(three))
    half = 50 * len(three)
    return whole + (rest > half or (rest == half and whole % 2 == 1))


def quarter(score: int, lower: int, median: int, upper: int) -> Quarter:
    """The quarter of a score, of the whole numbers that are shown: finer ones would tell more than these."""
    return Quarter(1 + (score >= lower) + (score >= median) + (score >= upper))


def size_range(count: int) -> str:
    """The size of a group as it may be told."""
    return next(text for least, text in RANGES if count >= least)


# ---------- a release ----------


def release(
    people: Contributors,
    before: Sequence[Release],
    *,
    with_quartiles: Mask,
    rules: Rules = Rules(),
) -> tuple[list[Release], Whole]:
    """The releases of one close, and which of them each organization is shown; -1 is none.

    shapes  with_quartiles: (nodes,), the other nodes get a median alone; node 0 is the overall score
            returns as many releases as are shown to somebody, and (orgs,)
    before  what was released on earlier closes, oldest first
    source  SCORING §8
    """
    may_see = people.contributes & (people.values[:, 0] >= 0)
    shown = np.full(len(people.ids), NONE, np.int64)
    made: list[Release] = []
    for group in _groups(people):
        inside = _inside(people, group)
        waiting = inside & may_see & (shown == NONE)
        if not waiting.any():
            continue
        found = _release(people, group, inside, before, made, with_quartiles, rules)
        if found is not None:
            shown[waiting] = len(made)
            made.append(found)
    return made, shown


def _groups(people: Contributors) -> Iterator[Group]:
    """Every group there could be, narrow ones first."""
    sizes = sorted({int(size) for size in people.size if size >= 0})
    pairs = {(int(size), name) for size, name in zip(people.size, people.industry, strict=True)}
    for size, name in sorted(pairs):
        if size >= 0 and name:
            yield Group(Rung.INDUSTRY, size, size, name)
    for size in sizes:
        yield Group(Rung.SIZE, size, size)
    for size in sizes:
        yield Group(Rung.NEIGHBORS, max(size - 1, 0), min(size + 1, len(SIZES)))
    yield Group(Rung.ALL, 0, len(SIZES))


def _inside(people: Contributors, group: Group) -> Mask:
    if group.rung is Rung.ALL:
        return np.ones(len(people.ids), bool)
    fits = (people.size >= group.low) & (people.size <= group.high)
    if group.rung is Rung.INDUSTRY:
        fits &= np.array([name == group.industry for name in people.industry], bool)
    return fits


def _release(
    people: Contributors,
    group: Group,
    inside: Mask,
    before: Sequence[Release],
    beside: Sequence[Release],
    with_quartiles: Mask,
    rules: Rules,
) -> Release | None:
    """The figures of a group; None while its overall score may not be shown."""
    last = next((each for each in reversed(before) if each.group == group), None)
    counted = inside & people.contributes
    if rules.once_a_family:
        counted &= _speaks(people, counted, last)
    now = _listed(group, people.ids[counted], people.values[counted])
    kept = _kept(now, last, rules) if last is not None else None
    if max(each.sizes[0] for each in (now, kept) if each is not None) < rules.floor:
        return None
    may_change = _may_show(now, before, beside, rules)
    may_stay = np.zeros_like(may_change)
    if kept is not None:
        # Without the rule that keeps leavers, a list of last time that has lost some would still be shown.
        may_stay |= _may_show(kept, before, beside, rules) | (not rules.keeps_leavers)
    chosen = _chosen(group, now, kept, may_change, may_stay)
    enough = chosen.sizes >= rules.floor
    if not enough[0]:
        return None
    figures = np.full((len(enough), 3), NONE, np.int16)
    for node in np.flatnonzero(enough):
        of_node = chosen.values[:, node]
        three = quartiles(of_node[of_node >= 0])
        figures[node] = three if with_quartiles[node] else (NONE, three[1], NONE)
    values = np.where(enough, chosen.values, np.int16(NONE)).astype(np.int16)  # what is not shown is not kept
    listed = (values >= 0).any(axis=1)
    return Release(group, chosen.ids[listed], values[listed], figures)


def _listed(group: Group, ids: Whole, values: Hundredths) -> Release:
    """A list without its figures."""
    order = np.argsort(ids)
    return Release(group, ids[order], values[order], np.empty((0, 3), np.int16))


def _speaks(people: Contributors, counted: Mask, last: Release | None) -> Mask:
    """One organization a family: the one that did last time, else the one with the lowest id."""
    did = np.isin(people.ids, last.ids) if last else np.zeros(len(people.ids), bool)
    has_score = people.values[:, 0] >= 0
    order = np.lexsort((people.ids, ~did, ~has_score))
    order = order[counted[order]]
    _, first = np.unique(people.family[order], return_index=True)
    chosen = np.zeros(len(people.ids), bool)
    chosen[order[first]] = True
    return chosen


def _kept(now: Release, last: Release, rules: Rules) -> Release:
    """The lists of last time: who is still in has today's number, who has left the last one."""
    values = last.values.copy()
    at = np.searchsorted(now.ids, last.ids)
    there = (at < len(now.ids)) & (np.take(now.ids, at, mode="clip") == last.ids if len(now.ids) else False)
    today = np.full_like(values, NONE)
    today[there] = now.values[at[there]]
    was, has_left = values >= 0, (values >= 0) & (today < 0)
    values = np.where(was & ~has_left, today, values)
    if not rules.keeps_leavers:
        values = np.where(has_left, np.int16(NONE), values)
    elif not last.is_comparable:
        # A number of another scorecard version cannot stay among those of this one: the list waits.
        values = np.where(has_left.any(axis=0), np.int16(NONE), values)
    return Release(last.group, last.ids, values.astype(np.int16), last.figures)


def _may_show(candidate: Release, before: Sequence[Release], beside: Sequence[Release], rules: Rules) -> Mask:
    """Per node, whether nothing follows from this list and another one: (nodes,).

    Two lists that were shown on different closes are the same or differ by three; two of one close differ by
    three in any case, for then one of them is not needed.
    """
    may = np.ones(candidate.values.shape[1], bool)
    for other in before:
        least = rules.gathered if other.group == candidate.group else rules.apart
        if (abs(candidate.sizes - other.sizes) >= least).all():
            continue  # lists that differ so much in size differ by as many
        apart = _apart(candidate, other)
        may &= (apart == 0) | (apart >= least)
    for other in beside:
        may &= _apart(candidate, other) >= rules.apart
    return may


def _apart(one: Release, other: Release) -> Whole:
    """How many organizations are in one of two lists alone, by node; where the other was not shown, many."""
    _, mine, theirs = np.intersect1d(one.ids, other.ids, assume_unique=True, return_indices=True)
    both = ((one.values[mine] >= 0) & (other.values[theirs] >= 0)).sum(axis=0)
    apart = one.sizes + other.sizes - 2 * both
    return np.where(other.sizes > 0, apart, np.iinfo(np.int64).max)


def _chosen(group: Group, now: Release, kept: Release | None, may_change: Mask, may_stay: Mask) -> Release:
    """Node by node today's list, else that of last time, else none."""
    if kept is None:
        return Release(group, now.ids, _only(now.values, may_change), now.figures)
    ids = np.union1d(now.ids, kept.ids)
    values = np.full((len(ids), now.values.shape[1]), NONE, np.int16)
    values[np.searchsorted(ids, kept.ids)] = _only(kept.values, may_stay & ~may_change)
    rows = np.searchsorted(ids, now.ids)
    values[rows] = np.where(may_change, now.values, values[rows])
    return Release(group, ids, values, now.figures)


def _only(values: Hundredths, nodes: Mask) -> Hundredths:
    return np.where(nodes, values, np.int16(NONE)).astype(np.int16)
