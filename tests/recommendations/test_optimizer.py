"""The choice of actions is the best there is: as trying every set would be, over the engine's own roll-up."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations import gain
from recommendations.optimizer import Option, Planner, Terms
from scoring import engine
from scoring.engine import Category, Scorecard, Signal, State, Subcategory
from scoring.engine.options import ConfigOptions
from scoring.engine.rollup import roll_up


@dataclass(frozen=True, eq=False)
class World:
    """A tree with the points of its signals, and actions to choose from."""

    card: Scorecard
    scores: engine.Scores
    options: tuple[Option, ...]
    done: frozenset[str]
    days_left: int | None

    @property
    def terms(self) -> Terms:
        weight = gain.weights(self.card, self.scores)
        points = {
            node.id: float(self.scores.points[0, at])
            for at, node in enumerate(self.card.nodes)
            if node.signal
        }
        return Terms(self.options, {key: points[key] for key in weight}, weight, self.done, self.days_left)


def make_card(shape: list[list[list[float]]], floors: tuple[float, float, float]) -> Scorecard:
    """Categories of subcategories of signals, each with its weight."""
    categories, signals = [], []
    for c, subs in enumerate(shape):
        made = []
        for s, weights in enumerate(subs):
            made.append(Subcategory(f"s{s}", f"S{s}", 1 + s / 2, ""))
            signals += [
                Signal(
                    f"c{c}.s{s}.{n}",
                    "",
                    f"p{n % 3}",
                    f"c{c}",
                    f"s{s}",
                    weight,
                    False,
                    "",
                    "",
                    "",
                    "config",
                    ConfigOptions(()),
                    (),
                )
                for n, weight in enumerate(weights)
            ]
        categories.append(Category(f"c{c}", f"C{c}", f"C{c}", "pa", 10.0 + 20 * c, "", tuple(made)))
    return Scorecard(
        "test",
        "Test",
        "customer",
        (),
        floors[0],
        floors[1],
        floors[2],
        1,
        0.8,
        (),
        tuple(categories),
        (),
        tuple(signals),
    )


@st.composite
def worlds(draw: st.DrawFn, most: int = 7) -> World:
    """Trees of several products with unknown signals and floors, and up to so many actions on them."""
    weight = st.sampled_from([0.5, 1.0, 2.0])
    subs = st.lists(st.lists(weight, min_size=1, max_size=3), min_size=1, max_size=2)
    shape = draw(st.lists(subs, min_size=1, max_size=3))
    floors = draw(st.sampled_from([(0.5, 0.5, 0.6), (0.0, 0.0, 0.0), (0.9, 0.5, 0.5)]))
    card = make_card(shape, floors)
    points = np.full((1, len(card.nodes)), np.nan)
    state = np.zeros((1, len(card.nodes)), np.uint8)
    for at, node in enumerate(card.nodes):
        if node.signal:
            state[0, at] = draw(
                st.sampled_from([State.OK] * 5 + [State.STALE_GRACE, State.MISSING, State.NOT_APPLICABLE])
            )
            if state[0, at] <= State.STALE_GRACE:
                points[0, at] = draw(st.integers(0, 400)) / 4
    scores = roll_up(card, points, state, np.ones(points.shape))
    known = list(gain.weights(card, scores))
    options = []
    for n in range(draw(st.integers(0, most)) if known else 0):
        signal = draw(st.sampled_from(known))
        others = [key for key in known if key != signal]
        sides = draw(st.sampled_from([{}, {}, {}, {draw(st.sampled_from(others)): 30.0}])) if others else {}
        keys = [f"a{m}" for m in range(n)]
        options.append(
            Option(
                key=f"a{n}",
                signal=signal,
                points=float(draw(st.integers(0, 100))),
                effort=draw(st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0, 5.0])),
                requires=frozenset(draw(st.sets(st.sampled_from([*keys, "gone"]), max_size=1))),
                lead=draw(st.sampled_from([0, 10, 40])),
                is_fixed=draw(st.sampled_from([False] * 6 + [True])),
                sides=sides,
            )
        )
    options = [replace(each, effort=0.0) if each.is_fixed else each for each in options]
    return World(
        card,
        scores,
        tuple(options),
        draw(st.sampled_from([frozenset(), frozenset({"gone"})])),
        draw(st.sampled_from([None, 45, 90])),
    )


def leads(world: World, option: Option) -> int | None:
    """Days until it shows, its requirements first; None where they cannot be."""
    by_key = {each.key: each for each in world.options}
    before = [0]
    for key in option.requires - world.done:
        days = leads(world, by_key[key]) if key in by_key else None
        if days is None:
            return None
        before.append(days)
    return max(before) + option.lead


def allowed(world: World, chosen: list[Option]) -> bool:
    """Whether a person could follow this plan."""
    keys = {each.key for each in chosen}
    for each in chosen:
        days = leads(world, each)
        if days is None:
            return False
        if each.is_fixed:
            continue
        if not each.requires - world.done <= keys:
            return False
        if world.days_left is not None and days > world.days_left:
            return False
    return all(each.key in keys for each in world.options if each.is_fixed and leads(world, each) is not None)


def overall(world: World, chosen: list[Option]) -> float:
    """The score from the engine, once these are done."""
    points = world.scores.points.copy()
    place = {node.id: at for at, node in enumerate(world.card.nodes)}
    for at, node in enumerate(world.card.nodes):
        if node.signal and not np.isnan(points[0, at]):
            now = points[0, at]
            moved = [each.sides[node.id] - now for each in chosen if node.id in each.sides]
            then = min(max(now + sum(moved), 0), 100)
            aims = [each.points for each in chosen if each.signal == node.id]
            points[0, at] = max([then, *aims])
    share = np.ones(points.shape)
    return float(roll_up(world.card, points, world.scores.state, share).points[0, place["overall"]])


def every_set(world: World) -> list[tuple[float, float]]:
    """Effort and gain of every plan that could be followed."""
    before = overall(world, [])
    found = []
    for bits in product([False, True], repeat=len(world.options)):
        chosen = [each for each, taken in zip(world.options, bits, strict=True) if taken]
        if allowed(world, chosen):
            found.append((sum(each.effort for each in chosen), overall(world, chosen) - before))
    return found


@given(worlds(), st.sampled_from([0.0, 1.0, 2.5, 4.0, 7.0, 100.0]))
@settings(max_examples=60, deadline=None)
def test_best_plan_under_a_budget_is_that_of_trying_all(world, budget):
    if not world.terms.weight:
        return
    best = Planner(world.terms).best(budget)

    sets = [each for each in every_set(world) if each[0] <= budget]
    most = max(gained for _, gained in sets)
    least = min(effort for effort, gained in sets if gained >= most - 1e-9)

    assert best.is_proven
    assert (best.gain, best.effort) == (approx(most), least)
    chosen = [each for each in world.options if each.key in best.keys]
    assert allowed(world, chosen)
    assert overall(world, chosen) - overall(world, []) == approx(best.gain)


@given(worlds(), st.sampled_from([0.0, 0.5, 3.0, 10.0, 30.0]))
@settings(max_examples=60, deadline=None)
def test_cheapest_plan_that_reaches_a_target_is_that_of_trying_all(world, need):
    if not world.terms.weight:
        return
    cheapest = Planner(world.terms).cheapest(need)

    reaching = [effort for effort, gained in every_set(world) if gained >= need - 1e-9]

    assert (cheapest.effort if cheapest else None) == min(reaching, default=None)
    if cheapest:
        assert cheapest.is_proven
        assert cheapest.gain >= need - 1e-9


def approx(number: float) -> object:
    import pytest

    return pytest.approx(number, abs=1e-7)
