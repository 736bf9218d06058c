"""Which actions to take: the greatest gain under a budget of days, or the least work that reaches a target.

Numbers in, a choice out; no Django, no clock, no engine. While no signal gains or loses its number, the
overall score is a weighted sum of the signals' points, so what actions bring adds up, but for three things:
of several actions at one signal the highest counts, an action may need others first, and one may lower (or
raise) what another signal reads. Actions tied together by one of these form a group. Every set of a small
group is tried, and what is beaten by a cheaper and better set is dropped; the groups' remaining sets are then
combined one group after the other, again dropping what is beaten. That is exact. Where a group or a
combination is too large for it, the best found is given together with a bound that nothing can exceed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import pairwise
from operator import or_
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

type Numbers = npt.NDArray[np.float64]
type Bits = npt.NDArray[np.int64]

NOISE = 1e-9  # points and days that are float noise
EVERY_SET = 15  # actions of one group whose sets are all tried
WIDEST = 4000  # sets kept while groups are combined; beyond it the choice is a heuristic
BEAM = 8  # sets kept at a time of a group that is too large, by each of two orders
MOST_TIED = 60  # actions of one group that sets are made of: one bit each


@dataclass(frozen=True)
class Option:
    """An action that can be chosen."""

    key: str
    signal: str
    points: float  # that the signal then has
    effort: float  # days of work; nothing for what is under way
    requires: frozenset[str] = frozenset()  # keys of actions that must be chosen, too
    lead: int = 0  # days until the score shows it, once what it requires is there
    is_fixed: bool = False  # under way: part of every set, unless it shows too late
    sides: Mapping[str, float] = field(default_factory=dict)  # other signals -> points they then have


@dataclass(frozen=True)
class Terms:
    """What is to be chosen from and for."""

    options: Sequence[Option]
    now: Mapping[str, float]  # signal -> points
    weight: Mapping[str, float]  # signal -> points of the overall score for each of its points
    done: frozenset[str] = frozenset()  # keys of actions that were completed: they are not required again
    days_left: int | None = None  # until the date; None: there is none


@dataclass(frozen=True)
class Choice:
    """A set of actions, in the order of the options."""

    keys: tuple[str, ...]
    effort: float
    gain: float  # points of the overall score
    gap: float = 0.0  # how much better another set might be at most: points more, or days less

    @property
    def is_proven(self) -> bool:
        """Whether nothing better exists."""
        return self.gap <= NOISE


def possible(terms: Terms) -> tuple[list[Option], dict[str, str]]:
    """The options that can be part of a set at all; and of the others why not, by key."""
    by_key = {option.key: option for option in terms.options}
    why: dict[str, str] = {}
    lead: dict[str, int | None] = {}

    def ready(key: str, above: tuple[str, ...] = ()) -> int | None:
        """Days until the score shows it; None where it can never be."""
        if key in above:
            why[key] = "It needs itself done first."
            return None
        if key not in lead:
            option = by_key[key]
            longest = 0
            for need in sorted(option.requires - terms.done):
                before = ready(need, (*above, key)) if need in by_key else None
                if before is None:
                    why.setdefault(key, f"It needs “{need}” done first, which cannot be planned.")
                    lead[key] = None
                    break
                longest = max(longest, before)
            else:
                lead[key] = longest + option.lead
        return lead[key]

    kept = []
    for option in terms.options:
        days = ready(option.key)
        if days is None:
            why.setdefault(option.key, "It needs itself done first.")
        elif terms.days_left is not None and days > terms.days_left:
            why[option.key] = f"It shows after {days} days; there are {terms.days_left}."
        else:
            kept.append(option)
    return kept, why


class Planner:
    """All sets worth knowing of some options; built once, asked often."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.options, self.left_out = possible(terms)
        self.groups = [_Group(terms, members) for members in _tied(self.options)]

    def best(self, budget: float, *, without: Iterable[str] = ()) -> Choice:
        """The set with the greatest gain within the budget; of equals the one with less work."""
        groups = self._without(frozenset(without))
        found = _combined(groups, budget=budget)
        effort, gain, chosen = found.at(len(found.effort) - 1)
        gap = 0.0 if found.is_exact else max(_most_for(groups, budget) - gain, 0.0)
        return self._choice(effort, gain, chosen, gap)

    def cheapest(self, need: float, *, without: Iterable[str] = ()) -> Choice | None:
        """The set with the least work that gains at least so many points; of equals the one that gains more.

        None where no set does.
        """
        groups = self._without(frozenset(without))
        found = _combined(groups)
        enough = np.flatnonzero(found.gain >= need - NOISE)
        if not len(enough):
            return None
        effort, gain, chosen = found.at(int(enough[0]))
        gap = 0.0 if found.is_exact else max(effort - _least_for(groups, need), 0.0)
        return self._choice(effort, gain, chosen, gap)

    def runner_up(
        self, choice: Choice, *, budget: float = np.inf, need: float | None = None
    ) -> Choice | None:
        """The best set that leaves out at least one action of this one; None where there is nothing else."""
        fixed = {option.key for option in self.options if option.is_fixed}
        others = [key for key in choice.keys if key not in fixed]
        if need is None:
            best = [self.best(budget, without=[key]) for key in others]
            return max(best, key=lambda each: (round(each.gain, 9), -each.effort), default=None)
        cheapest = [self.cheapest(need, without=[key]) for key in others]
        reaching = [each for each in cheapest if each is not None]
        return min(reaching, key=lambda each: (round(each.effort, 9), -each.gain), default=None)

    def _without(self, keys: frozenset[str]) -> list["_Group"]:
        if not keys:
            return self.groups
        return [
            group.without(keys) if keys & {member.key for member in group.members} else group
            for group in self.groups
        ]

    def _choice(self, effort: float, gain: float, chosen: frozenset[str], gap: float) -> Choice:
        keys = tuple(option.key for option in self.options if option.key in chosen)
        return Choice(keys, effort, gain, gap)


def worth(terms: Terms, chosen: Sequence[Option]) -> float:
    """What a set brings to the overall score, in points.

    A signal aimed at has the highest points aimed at, and never fewer than now; any other one moves by what
    the chosen actions do to it on the side.
    """
    aims: dict[str, float] = {}
    sides: dict[str, float] = {}
    for option in chosen:
        aims[option.signal] = max(option.points, aims.get(option.signal, -np.inf))
        for signal, points in option.sides.items():
            sides[signal] = sides.get(signal, 0.0) + points - terms.now[signal]
    total = 0.0
    for signal in sorted({*aims, *sides}):
        now = terms.now[signal]
        then = float(np.clip(now + sides.get(signal, 0.0), 0, 100))
        then = max(then, aims.get(signal, -np.inf))
        total += terms.weight.get(signal, 0.0) * (then - now)
    return total


# ---------- groups ----------


def _tied(options: Sequence[Option]) -> list[list[Option]]:
    """Options that share a signal, need each other or move each other's signal, put together."""
    parent = list(range(len(options)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    keys = {option.key: at for at, option in enumerate(options)}
    first: dict[str, int] = {}
    for at, option in enumerate(options):
        for signal in (option.signal, *option.sides):
            parent[root(at)] = root(first.setdefault(signal, at))
        for need in option.requires:
            if need in keys:
                parent[root(at)] = root(keys[need])
    groups: dict[int, list[Option]] = {}
    for at, option in enumerate(options):
        groups.setdefault(root(at), []).append(option)
    return list(groups.values())


class _Sets(NamedTuple):
    """Sets of one group: what they take, what they bring, and their members as bits."""

    effort: Numbers
    gain: Numbers
    chosen: Bits

    def only(self, which: Bits | npt.NDArray[np.bool_]) -> "_Sets":
        return _Sets(self.effort[which], self.gain[which], self.chosen[which])


class _Group:
    """Options tied together, and their sets that no cheaper set beats."""

    def __init__(self, terms: Terms, members: Sequence[Option], barred: frozenset[str] = frozenset()) -> None:
        self.terms, self.everyone = terms, list(members)
        self.members = self.everyone[:MOST_TIED]
        self.is_exact = len(self.everyone) <= EVERY_SET
        self.barred = {member.key for member in members if member.key in barred and not member.is_fixed}

    def without(self, keys: frozenset[str]) -> "_Group":
        other = _Group(self.terms, self.everyone, keys)
        other.__dict__["_all"] = self._all  # worked out once
        return other

    @cached_property
    def sets(self) -> _Sets:
        """The sets to choose from, by rising effort and gain."""
        out = sum(1 << self._places[key] for key in self.barred)
        return _unbeaten(self._all.only((self._all.chosen & out) == 0))

    @cached_property
    def _all(self) -> _Sets:
        return self._every() if self.is_exact else self._some()

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {member.key: at for at, member in enumerate(self.members)}

    @cached_property
    def _needs(self) -> list[int]:
        """Bits of what each member requires."""
        return [
            sum(1 << self._places[key] for key in member.requires - self.terms.done if key in self._places)
            for member in self.members
        ]

    @cached_property
    def _fixed(self) -> int:
        return sum(1 << at for at, member in enumerate(self.members) if member.is_fixed)

    def _every(self) -> _Sets:
        """All sets that hold what is fixed and with each action what it requires."""
        sets = np.arange(1 << len(self.members), dtype=np.int64)
        allowed = (sets & self._fixed) == self._fixed
        for at, needs in enumerate(self._needs):
            if not self._fixed >> at & 1:
                allowed &= ((sets >> at) & 1 == 0) | ((sets & needs) == needs)
        return self._valued(sets[allowed])

    def _valued(self, sets: Bits) -> _Sets:
        has = ((sets[:, None] >> np.arange(len(self.members))) & 1).astype(np.bool_)
        effort = has @ np.array([member.effort for member in self.members])
        return _Sets(effort, self._worth(has), sets)

    def _worth(self, has: npt.NDArray[np.bool_]) -> Numbers:
        """As `worth`, of many sets at once."""
        total = np.zeros(len(has))
        aims: dict[str, list[int]] = {}
        moves: dict[str, list[int]] = {}
        for at, member in enumerate(self.members):
            aims.setdefault(member.signal, []).append(at)
            for signal in member.sides:
                moves.setdefault(signal, []).append(at)
        for signal in sorted({*aims, *moves}):
            now = self.terms.now[signal]
            aim, side = np.full(len(has), -np.inf), np.zeros(len(has))
            for at in aims.get(signal, ()):
                aim = np.where(has[:, at], np.maximum(aim, self.members[at].points), aim)
            for at in moves.get(signal, ()):
                side += np.where(has[:, at], self.members[at].sides[signal] - now, 0.0)
            beside = np.clip(now + side, 0, 100)
            then = np.maximum(beside, aim)
            total += self.terms.weight.get(signal, 0.0) * (then - now)
        return total

    def _some(self) -> _Sets:
        """Many sets of a group too large to try all: grown by one action (and what it requires) at a time."""
        layer = np.array([self._fixed], np.int64)
        seen = [layer]
        for _ in self.members:
            grown = np.setdiff1d((layer[:, None] | self._closures).ravel(), np.concatenate(seen))
            if not len(grown):
                break
            sets = self._valued(grown)
            best = _unbeaten(sets).chosen[-BEAM:]
            ratio = np.argsort(-sets.gain / np.maximum(sets.effort, 0.1), kind="stable")[:BEAM]
            layer = np.union1d(best, sets.chosen[ratio])
            seen.append(layer)
        return self._valued(np.concatenate(seen))

    @cached_property
    def _closures(self) -> Bits:
        """Each member with all that it requires, and that requires in turn."""
        found = [1 << at | needs for at, needs in enumerate(self._needs)]
        for _ in self.members:
            wider = [reduce(or_, (more for at, more in enumerate(found) if each >> at & 1)) for each in found]
            if wider == found:
                break
            found = wider
        return np.array(found, np.int64)

    def keys(self, chosen: int) -> frozenset[str]:
        return frozenset(member.key for at, member in enumerate(self.members) if chosen >> at & 1)

    @cached_property
    def steps(self) -> list[tuple[float, float]]:
        """Effort and gain of steps that no set of the group beats, whatever is chosen; the first is free.

        Of a group whose sets are all known: the upper hull of these. Else every action as if it needed
        nothing, stood alone at its signal and did no harm.
        """
        if self.is_exact:
            return _hull(list(zip(self.sets.effort.tolist(), self.sets.gain.tolist(), strict=True)))
        spent, free, found = 0.0, 0.0, []
        for member in self.everyone:
            gain = self._at_best(member)
            if member.is_fixed:
                spent, free = spent + member.effort, free + gain
            elif member.key not in self.barred:
                found.append((member.effort, gain))
        return [(spent, free), *found]

    def _at_best(self, member: Option) -> float:
        moved = [(member.signal, member.points), *member.sides.items()]
        return sum(
            max(self.terms.weight.get(signal, 0.0) * (points - self.terms.now[signal]), 0.0)
            for signal, points in moved
        )


def _unbeaten(sets: _Sets) -> _Sets:
    """Those of which no other takes as little and gains as much, by rising effort."""
    effort, gain = np.round(sets.effort, 9), np.round(sets.gain, 9)
    order = np.lexsort((sets.chosen, np.bitwise_count(sets.chosen), -gain, effort))
    return sets.only(order[_rising(gain[order])])


def _rising(gain: Numbers) -> npt.NDArray[np.bool_]:
    """Which are higher than all before them."""
    highest = np.maximum.accumulate(gain)
    return np.r_[True, gain[1:] > highest[:-1] + NOISE]


def _hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The concave upper hull of (effort, gain) as its first point and the steps between its corners."""
    corners: list[tuple[float, float]] = []
    for x, y in points:
        while len(corners) >= 2:
            (x0, y0), (x1, y1) = corners[-2], corners[-1]
            if (y1 - y0) * (x - x1) > (y - y1) * (x1 - x0):
                break
            corners.pop()
        corners.append((x, y))
    return [corners[0], *((b[0] - a[0], b[1] - a[1]) for a, b in pairwise(corners))]


# ---------- combining ----------


@dataclass(frozen=True, eq=False)
class _Found:
    """Sets over all groups, and the way each was put together."""

    groups: Sequence[_Group]
    trail: Sequence[tuple[Bits, Bits]]  # by group: the set before, and the group's own
    effort: Numbers
    gain: Numbers
    is_exact: bool

    def at(self, place: int) -> tuple[float, float, frozenset[str]]:
        keys: set[str] = set()
        at = place
        for group, (before, mine) in zip(reversed(self.groups), reversed(self.trail), strict=True):
            keys |= group.keys(int(group.sets.chosen[mine[at]]))
            at = int(before[at])
        return float(self.effort[place]), float(self.gain[place]), frozenset(keys)


def _combined(groups: Sequence[_Group], *, budget: float = np.inf) -> _Found:
    """The unbeaten sets over all groups as far as the budget goes, by rising effort and gain."""
    effort, gain = np.zeros(1), np.zeros(1)
    trail: list[tuple[Bits, Bits]] = []
    is_exact = all(group.is_exact for group in groups)
    for group in groups:
        efforts = (effort[:, None] + group.sets.effort).ravel()
        gains = (gain[:, None] + group.sets.gain).ravel()
        within = np.flatnonzero(efforts <= budget + NOISE)
        if not len(within):  # what is under way is over the budget already: it stays, and nothing is added
            within = np.array([int(np.argmin(efforts))])
        order = within[np.lexsort((-np.round(gains[within], 9), np.round(efforts[within], 9)))]
        kept = order[_rising(gains[order])]
        if len(kept) > WIDEST:
            kept = kept[np.unique(np.linspace(0, len(kept) - 1, WIDEST).astype(np.int64))]
            is_exact = False
        count = len(group.sets.effort)
        trail.append((kept // count, kept % count))
        effort, gain = efforts[kept], gains[kept]
    return _Found(groups, trail, effort, gain, is_exact)


# ---------- bounds ----------


def _most_for(groups: Sequence[_Group], budget: float) -> float:
    """What no set within the budget can exceed: the best steps first, the last one in part."""
    first, steps = _steps(groups)
    left, gain = budget - first[0], first[1]
    for cost, more in steps:
        if left <= 0:
            break
        part = min(1.0, left / cost)
        gain, left = gain + part * more, left - part * cost
    return gain


def _least_for(groups: Sequence[_Group], need: float) -> float:
    """What no set that gains enough can cost less than."""
    (effort, gain), steps = _steps(groups)
    for cost, more in steps:
        if gain >= need - NOISE:
            break
        part = min(1.0, (need - gain) / more)
        gain, effort = gain + part * more, effort + part * cost
    return effort


def _steps(groups: Sequence[_Group]) -> tuple[tuple[float, float], list[tuple[float, float]]]:
    firsts = [group.steps[0] for group in groups]
    steps = [step for group in groups for step in group.steps[1:] if step[1] > 0]
    steps.sort(key=lambda step: step[0] / step[1])
    return (sum(each[0] for each in firsts), sum(each[1] for each in firsts)), steps


__all__ = ["Choice", "Option", "Planner", "Terms", "possible", "worth"]
