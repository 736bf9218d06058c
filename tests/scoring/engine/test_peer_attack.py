"""Twenty-four releases of a changing population, attacked by every viewer; and builds with a rule missing."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.engine import peers
from scoring.engine.peers import Contributors, Release, Rules
from tests.scoring.engine.peer_attack import Finding, Seen, attack

MONTHS = 24
QUARTILES = np.array([True])

# One rule at a time taken out of the build.
WITHOUT = {
    "floor": {"floor": 1},
    "three changes": {"gathered": 0},
    "narrower and wider": {"apart": 0},
    "frozen members": {"keeps_leavers": False},
    "affiliates": {"once_a_family": False},
}


class World:
    """Organizations that come and go; whoever stays keeps its score, but a prober, who tries the whole scale.

    Eleven affiliates of one parent share their corner with one other; a corner of twelve has one neighbor of
    the same size but another industry; a corner of two is there, too.
    """

    def __init__(self, seed: int, prober: int | None = None) -> None:
        draw = np.random.default_rng(seed)
        corners = [(1, "mills", 12), (1, "farms", 1), (2, "mills", 17), (3, "ports", 14), (3, "inns", 16)]
        corners += [(4, "labs", 12), (5, "labs", 2)]
        self.size, self.industry, self.family = [], [], []
        for size, industry, count in corners:
            for _ in range(count):
                pk = len(self.size)
                self.size.append(size)
                self.industry.append(industry)
                # Eleven of the twelve laboratories belong to the first of them.
                self.family.append(pk if industry != "labs" or size == 5 else self._head(pk))
        self.count = len(self.size)
        self.scores = np.rint(draw.normal(7200, 1100, self.count).clip(1500, 9900)).astype(np.int16)
        self.scores[12] = 9_800  # the farm beside the mills
        self.there = draw.random(self.count) < 0.85
        labs = [pk for pk, industry in enumerate(self.industry) if industry in ("labs", "farms")]
        self.there[labs] = True
        self.there[:12] = True  # the corner of twelve
        self.prober, self.months = prober, []
        for _ in range(MONTHS):
            for pk in draw.choice(np.setdiff1d(np.arange(12, self.count), labs), 2, replace=False):
                self.there[pk] = ~self.there[pk]
            now = self.scores.copy()
            if prober is not None:
                now[prober] = draw.integers(0, 10_000)
            self.months.append((self.there.copy(), now))

    def _head(self, pk: int) -> int:
        first = self.industry.index("labs")
        return first if pk - first < 11 else pk

    def releases(self, rules: Rules) -> list[list[Release]]:
        """Month by month what is released, under these rules."""
        before: list[Release] = []
        found = []
        for there, scores in self.months:
            people = Contributors(
                ids=np.arange(self.count),
                size=np.array(self.size),
                industry=self.industry,
                family=np.array(self.family),
                contributes=there,
                values=scores[:, None],
            )
            made, _ = peers.release(people, before, with_quartiles=QUARTILES, rules=rules)
            before += made
            found.append(made)
        return found

    def attacked(self, rules: Rules) -> list[Finding]:
        """What every viewer finds, with everything that anybody was shown before them."""
        seen = [
            Seen(month, each.group, frozenset(each.ids.tolist()), tuple(each.figures[0].tolist()))
            for month, made in enumerate(self.releases(rules))
            for each in made
        ]
        viewers = sorted(set(self.family)) if self.prober is None else [self.prober]
        return attack(seen, map(self._known_by, viewers))

    def _known_by(self, head: int) -> dict[int, dict[int, float]]:
        mine = [pk for pk in range(self.count) if self.family[pk] == head]
        return {pk: {m: scores[pk] / 100 for m, (_, scores) in enumerate(self.months)} for pk in mine}

    def is_true(self, finding: Finding) -> bool:
        return finding.low <= self.scores[finding.name] / 100 <= finding.high


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_attacker_finds_nothing_in_two_years(seed):
    assert World(seed).attacked(Rules()) == []


@pytest.mark.parametrize("prober", [13, 20])
def test_attacker_who_moves_his_own_score_finds_nothing(prober):
    assert World(1, prober).attacked(Rules()) == []


@pytest.mark.parametrize("rule", WITHOUT)
def test_attacker_succeeds_where_one_rule_is_missing(rule):
    world = World(1)

    found = world.attacked(replace(Rules(), **WITHOUT[rule]))

    assert found
    assert sum(world.is_true(each) for each in found) >= 0.9 * len(found)


def test_attacked_world_is_one_in_which_much_is_shown():
    made = World(1).releases(Rules())

    assert all(made)
    assert len({each.group.rung for month in made for each in month}) >= 2
    lists = {(each.group, each.ids.tobytes()) for month in made for each in month}
    assert len(lists) > len({group for group, _ in lists})  # they do change
