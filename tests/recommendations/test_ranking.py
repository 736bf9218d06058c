"""What the ranker finds in worlds whose truth is known; the whole table makes worlds_table."""

from dataclasses import replace

import numpy as np
import pytest

from recommendations import ranking
from tests.recommendations import worlds_table
from tests.recommendations.worlds import World, simulate

SEEDS = (1, 2)  # of those the table reports; no choice was made on them
RIVALS = ("Largest weighted gap", "Largest weighted gap by effort", "Popularity", "Before/after")


@pytest.fixture(scope="module")
def large():
    """What each estimator reaches at 600 organizations."""
    rows = [worlds_table.measure(simulate(World.CONFOUNDED, 600, seed)) for seed in SEEDS]
    return {name: np.mean([row[name] for row in rows], axis=0) for name in rows[0]}


def test_learned_order_beats_every_rival_at_600_organizations(large):
    for rival in RIVALS:
        assert (large["Learned"] > large[rival]).all(), rival


def test_learned_order_captures_nine_tenths_of_what_the_oracle_would(large):
    assert large["Learned"][1] >= 0.90


@pytest.mark.parametrize("kind", [World.CONFOUNDED, World.DRIFTING])
def test_at_60_organizations_it_is_not_below_the_largest_weighted_gap(kind):
    rows = [
        worlds_table.measure(
            simulate(kind, 60, seed), ("Learned", "Largest weighted gap", "Largest weighted gap by effort")
        )
        for seed in range(1, 5)
    ]

    got = {name: np.mean([row[name] for row in rows], axis=0) for name in rows[0]}

    assert (got["Learned"] >= got["Largest weighted gap"]).all()
    assert (got["Learned"] >= got["Largest weighted gap by effort"]).all()


def test_where_nothing_works_nothing_is_said_to_work():
    world = simulate(World.NO_EFFECT, 600, 3)
    found = ranking.realized(worlds_table.outcomes(world))
    doubt = found.gain.std() / np.sqrt(len(found.gain))

    # The hidden confounder alone: who is on the way up acts more often, and no matching sees it.
    assert abs(found.gain.mean()) < 0.5 + 3 * doubt
    learned, naive, _ = worlds_table.claimed(world)
    assert naive > 0.5  # before and after, most plays look useful
    assert learned < naive / 2


def test_useless_plays_sink():
    world = simulate(World.CONFOUNDED, 600, 4)
    useless = world.truth.max(axis=0) <= 0
    value = np.where(world.open, worlds_table.learned(world), -np.inf)
    per_gap = np.where(world.open, worlds_table.largest_gap_per_day(world), -np.inf)

    first = np.argsort(-value, axis=1)[:, :3]
    before = np.argsort(-per_gap, axis=1)[:, :3]

    assert useless[first].mean() < 0.1
    assert useless[before].mean() > 0.2


def test_without_outcomes_the_playbook_speaks():
    world = simulate(World.CONFOUNDED, 60, 5)
    nothing = np.empty(0, np.int64)
    asked = replace(worlds_table.outcomes(world), organization=nothing, play=nothing, close=nothing)

    fitted = ranking.fit(asked)
    found = ranking.predict(fitted, np.array([0, 1]), np.array([0, -1]), np.array([40.0, 10.0]))

    assert found.expected == pytest.approx([20.0, 5.0])  # Beta(2, 2): half of what is promised
    assert ranking.probability(fitted, np.array([0]), np.array([0])) == pytest.approx([0.5])


def test_unknown_closes_are_left_out_and_not_taken_for_zero():
    world = simulate(World.CONFOUNDED, 60, 6)
    asked = worlds_table.outcomes(world)
    levels = asked.levels.copy()
    levels[:30, :, 10] = np.nan

    found = ranking.realized(replace(asked, levels=levels))

    of_those = found.organization < 30
    assert not np.isin(found.close[of_those], [10, 10 - ranking.LATER]).any()
    assert np.isfinite(found.gain).all()
