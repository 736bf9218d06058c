"""The choice of actions is the best there is: as trying every set would be, over the engine's own roll-up."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations import gain, optimizer
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
        if world.days_left is not None and days > world.days_left:
            return False
        if not each.is_fixed and not each.requires - world.done <= keys:
            return False
    shown = [
        each.key
        for each in world.options
        if each.is_fixed
        and (days := leads(world, each)) is not None
        and (world.days_left is None or days <= world.days_left)
    ]
    return keys.issuperset(shown)


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


def many(count: int, *, seed: int, tied: bool) -> Terms:
    """So many actions at half as many signals; tied, each needs the one before it."""
    draw = np.random.default_rng(seed)
    signals = [f"s{n}" for n in range(max(count // 2, 1))]
    options = [
        Option(
            key=f"a{n}",
            signal=str(draw.choice(signals)),
            points=float(draw.integers(40, 101)),
            effort=float(draw.integers(1, 30)) / 2,
            requires=frozenset({f"a{n - 1}"} if tied and n and draw.random() < 0.8 else ()),
        )
        for n in range(count)
    ]
    weight = {key: float(draw.integers(1, 10)) / 200 for key in signals}
    return Terms(options, {key: float(draw.integers(0, 80)) for key in signals}, weight)


def best_of_all(terms: Terms, budget: float) -> float:
    """The greatest gain within a budget, trying every set."""
    count = len(terms.options)
    sets = np.arange(1 << count)
    has = (sets[:, None] >> np.arange(count) & 1).astype(bool)
    good = has @ np.array([each.effort for each in terms.options]) <= budget
    keys = [each.key for each in terms.options]
    for at, each in enumerate(terms.options):
        for need in each.requires:
            good &= ~has[:, at] | has[:, keys.index(need)]
    gains = np.zeros(len(sets))
    for signal, weight in terms.weight.items():
        points = np.array([each.points if each.signal == signal else -1.0 for each in terms.options])
        highest = np.where(has, points, -1.0).max(axis=1)
        gains += weight * np.maximum(highest - terms.now[signal], 0)
    return float(gains[good].max())


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_fifteen_actions_are_chosen_as_by_trying_all_sets(seed, tied):
    terms = many(15, seed=seed, tied=tied)

    best = Planner(terms).best(20)

    assert best.is_proven
    assert best.gain == approx(best_of_all(terms, 20))
    assert best.effort <= 20


@pytest.mark.parametrize("seed", range(6))
def test_heuristic_says_how_far_from_the_best_it_can_be(seed, monkeypatch):
    terms = many(12, seed=seed, tied=True)
    monkeypatch.setattr(optimizer, "EVERY_SET", 3)
    monkeypatch.setattr(optimizer, "BEAM", 2)
    monkeypatch.setattr(optimizer, "WIDEST", 4)

    found, best = Planner(terms).best(12), best_of_all(terms, 12)

    assert found.effort <= 12
    assert found.gain - 1e-9 <= best <= found.gain + found.gap + 1e-9


def test_large_choice_without_ties_is_still_proven():
    assert Planner(many(60, seed=1, tied=False)).best(40).is_proven


def test_runner_up_leaves_out_what_was_chosen_and_is_no_better():
    terms = many(12, seed=2, tied=False)
    planner = Planner(terms)
    best = planner.best(15)

    other = planner.runner_up(best, budget=15)

    assert set(best.keys) - set(other.keys)
    assert other.gain <= best.gain
    assert other.gain == approx(
        max(
            best_of_all(replace(terms, options=[each for each in terms.options if each.key != out]), 15)
            for out in best.keys
        )
    )


def test_what_is_left_out_has_a_reason():
    late = Option("late", "s", 90, 1, lead=100)
    needing = Option("needing", "s", 95, 1, requires=frozenset({"gone"}))
    terms = Terms([late, needing], {"s": 50}, {"s": 0.1}, days_left=30)

    planner = Planner(terms)

    assert planner.left_out == {
        "late": "It shows after 100 days; there are 30.",
        "needing": "It needs “gone” done first, which cannot be planned.",
    }
    assert planner.best(10).keys == ()


def approx(number: float) -> object:
    return pytest.approx(number, abs=1e-7)
