"""The invariants of SCORING §0, on random panels of a scorecard with every kind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine import (
    Declaration,
    Flag,
    Level,
    Nature,
    Panel,
    Scorecard,
    Scores,
    State,
    canonical,
    parse,
    score,
    shown,
)
from tests.scoring.engine.builders import DAY, card, category, metric, panel, signal, table

NUMBER = (State.OK, State.STALE_GRACE, State.PROVISIONAL)
APPLIES = (State.OK, State.STALE_GRACE, State.MISSING, State.INVALID)

METRICS = (
    metric("used", "stock", cadence="weekly", product="sales")
    + metric("there", "stock", cadence="weekly")
    + metric("spent", "flow")
    + metric("bought", "stock")
    + metric("orders", "flow")
    + metric("quarters", "flow", cadence="quarterly")
    + metric("review", "event")
    + metric("edited", "event", cadence="weekly")
    + metric("errors", "flow", "day")
    + metric("calls", "flow", "day")
    + metric("time", "gauge", "day", companion="calls")
    + metric("mfa", "stock")
    + metric("backup", "stock")
    + metric("bugs", "flow")
    + metric("answer", "stock", cadence="quarterly")
)
STEPS = [{"at_least": 60, "points": 100}, {"more_than": 20, "points": 50}, {"points": 5}]
SIGNALS = (
    signal("share", "ratio", product="sales", numerator="used", denominator="there", weight=2),
    signal("credits", "ratio", numerator="spent", denominator="bought", months=12, target=2),
    signal("rise", "growth", place="use/depth", metric="orders", variant="avg12", weight=0.5),
    signal("yearly", "growth", place="use/depth", metric="orders", variant="yoy"),
    signal("quarterly", "growth", place="use/depth", metric="quarters", variant="quarter"),
    signal("held", "indicator", place="skill/all", metric="review", form="ternary", days=365),
    signal("fresh", "indicator", place="skill/all", metric="edited", form="recency"),
    signal("some", "indicator", place="skill/all", metric="review", form="binary", days=30, preview=True),
    signal("clean", "error", place="health/all", metric="errors", rate=0.1, per="calls", weight=3),
    signal("streak", "error", place="health/all", metric="errors", streak=True),
    signal("speed", "performance", place="health/all", metric="time", curve="lognormal", p10=20, median=60),
    signal(
        "baseline",
        "config",
        place="health/all",
        settings=[
            {"metric": "mfa", "risk": "high"},
            {"metric": "backup", "risk": "low", "worst": 0, "best": 50},
        ],
    ),
    signal("taken", "deduction", place="health/all", deductions=[{"metric": "bugs", "severity": "low"}]),
    signal("answer", "steps", place="health/all", metric="answer", steps=STEPS),
    signal("answered", "linear", place="health/all", metric="answer", good=100, poor=0),
)
CATEGORIES = (
    category("use", "breadth", "depth", weight=50)
    + category("skill", "all", weight=20)
    + category("health", "all", weight=30)
)
TEXT = card(
    table("product", key="sales", name="Sales"), METRICS, *SIGNALS, categories=CATEGORIES, min_categories=2
)


@cache
def scorecard() -> Scorecard:
    return parse(TEXT)


def random_panel(seed: int, orgs: int, gaps: float, of: Scorecard | None = None) -> Panel:
    """A panel of random numbers, `gaps` of them unknown, a few of them negative."""
    of = of or scorecard()
    rng = np.random.default_rng(seed)
    empty = panel(of, *[{}] * orgs)
    slots = rng.integers(0, 120, empty.slots.shape).astype(float)
    slots[rng.random(slots.shape) < 0.01] *= -1
    for each in of.metrics:
        place = empty.month_slots.get(each.key, 0)
        shape = slots.shape[:2]
        if each.nature == Nature.STOCK:
            slots[:, :, place + 1] = rng.integers(1, 29, shape)
        if each.nature == Nature.EVENT:
            slots[:, :, place] = rng.integers(0, 2**28, shape) * (rng.random(shape) < 0.15)
        if each.key == "mfa":
            slots[:, :, place] = rng.integers(0, 3, shape) / 2
    slots[rng.random(slots.shape) < gaps] = np.nan
    days = rng.integers(0, 40, empty.days.shape).astype(float)
    days[rng.random(days.shape) < gaps] = np.nan
    window = Declaration(
        DAY - timedelta(400), DAY - timedelta(int(rng.integers(0, 90))), rng.random(orgs) < 0.7
    )
    return replace(
        empty,
        slots=slots,
        days=days,
        owned=rng.random(empty.owned.shape) < 0.8,
        age_days=rng.choice([10, 60, 500, np.nan], orgs, p=[0.1, 0.1, 0.7, 0.1]),
        contract_started=np.where(
            rng.random(orgs) < 0.3, DAY.toordinal() - rng.integers(0, 500, orgs), np.nan
        ),
        declared={each.key: (window,) for each in of.metrics if each.nature in (Nature.FLOW, Nature.EVENT)},
        exempt=rng.random((orgs, len(of.signals))) < 0.05,
    )


PANELS = st.builds(
    random_panel,
    seed=st.integers(0, 2**32 - 1),
    orgs=st.integers(1, 8),
    gaps=st.sampled_from([0, 0.05, 0.3, 0.8, 1]),
)
some = settings(max_examples=20, deadline=None)


def taken(these: Panel, rows: np.ndarray) -> Panel:
    """The organizations of some rows, in that order."""
    by_row = ("organizations", "slots", "days", "owned", "age_days", "contract_started", "exempt")
    declared = {
        key: tuple(replace(window, who=window.who[rows]) for window in windows)
        for key, windows in these.declared.items()
    }
    return replace(these, declared=declared, **{name: getattr(these, name)[rows] for name in by_row})


def rows_of(scores: Scores, rows: np.ndarray) -> list[np.ndarray]:
    return [getattr(scores, name)[rows] for name in names()]


def names() -> tuple[str, ...]:
    return ("points", "state", "coverage", "lower", "upper", "flags", "history")


def same(ones: list[np.ndarray], others: list[np.ndarray]) -> bool:
    """Whether all arrays are equal to the last bit, NaN equal to NaN."""
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(ones, others, strict=True))


def alike(one: Scores, other: Scores) -> bool:
    """Whether everything that is stored and shown is equal."""
    numbers = (
        np.allclose(getattr(one, name), getattr(other, name), atol=1e-9, equal_nan=True)
        for name in ("points", "coverage", "lower", "upper")
    )
    exact = np.array_equal(canonical(one.points), canonical(other.points))
    return exact and all(numbers) and np.array_equal(one.state, other.state)


def columns(level: Level) -> list[int]:
    return [at for at, node in enumerate(scorecard().nodes) if node.level == level]


@some
@given(PANELS)
def test_points_are_from_0_to_100_and_only_where_the_state_has_a_number(these):
    scores = score(scorecard(), these)

    has_number = np.isin(scores.state, NUMBER)
    assert np.array_equal(~np.isnan(scores.points), has_number)
    assert ((scores.points[has_number] >= 0) & (scores.points[has_number] <= 100)).all()


@some
@given(PANELS)
def test_scoring_twice_gives_the_same_to_the_last_bit(these):
    everyone = np.arange(these.size)

    assert same(rows_of(score(scorecard(), these), everyone), rows_of(score(scorecard(), these), everyone))


@some
@given(PANELS, st.randoms(use_true_random=False))
def test_shuffling_organizations_only_shuffles_the_answer(these, random):
    order = np.array(random.sample(range(these.size), these.size))

    shuffled = score(scorecard(), taken(these, order))

    assert same(rows_of(shuffled, np.arange(these.size)), rows_of(score(scorecard(), these), order))


@some
@given(PANELS)
def test_adding_an_organization_changes_nobody(these):
    everyone = score(scorecard(), these)

    for row in range(these.size):
        alone = score(scorecard(), taken(these, np.array([row])))
        assert same(rows_of(alone, np.array([0])), rows_of(everyone, np.array([row])))


@some
@given(PANELS, st.sampled_from([0.001, 1 / 3, 7, 1000]))
def test_scaling_all_weights_changes_nothing(these, factor):
    def scaled_by(part):
        return replace(part, weight=part.weight * factor)

    categories = (
        replace(scaled_by(each), subcategories=tuple(map(scaled_by, each.subcategories)))
        for each in scorecard().categories
    )

    scaled = replace(
        scorecard(), categories=tuple(categories), signals=tuple(map(scaled_by, scorecard().signals))
    )

    assert alike(score(scaled, these), score(scorecard(), these))


@some
@given(PANELS)
def test_adding_a_signal_that_does_not_apply_changes_nothing(these):
    more = signal("fax", "linear", product="fax", metric="answer", good=1, poor=0, weight=9)
    wider = parse(TEXT + table("product", key="fax", name="Fax") + more)
    extended = replace(
        these,
        products=("sales", "fax"),
        owned=np.column_stack([these.owned, np.zeros(these.size, bool)]),
        exempt=np.column_stack([these.exempt, np.zeros(these.size, bool)]),
    )
    kept = [at for at, node in enumerate(wider.nodes) if node.id != "fax"]

    scores = score(wider, extended)

    ours = [getattr(scores, name)[:, kept] for name in names()]
    assert same(ours, rows_of(score(scorecard(), these), np.arange(these.size)))


@some
@given(PANELS)
def test_parent_is_between_its_lowest_and_highest_scored_child(these):
    scores = score(scorecard(), these)

    nodes = scorecard().nodes
    for at, node in enumerate(nodes):
        children = [
            below
            for below, child in enumerate(nodes)
            if child.parent == at and not (child.signal and child.signal.preview)
        ]
        if node.level == Level.SIGNAL:
            continue
        for row in np.flatnonzero(~np.isnan(scores.points[:, at])):
            below = scores.points[row, children]
            assert np.nanmin(below) - 1e-9 <= scores.points[row, at] <= np.nanmax(below) + 1e-9


@some
@given(PANELS)
def test_bounds_hold_the_points_and_close_with_full_coverage(these):
    scores = score(scorecard(), these)

    applies = ~np.isnan(scores.coverage)
    assert np.array_equal(applies, ~np.isnan(scores.lower))
    assert np.array_equal(applies, ~np.isnan(scores.upper))
    lower, upper, coverage = scores.lower[applies], scores.upper[applies], scores.coverage[applies]
    assert ((lower >= 0) & (lower <= upper + 1e-9) & (upper <= 100 + 1e-9)).all()
    assert ((coverage >= 0) & (coverage <= 1 + 1e-9)).all()
    # What is not covered is all that the bounds leave open, on every level.
    assert np.allclose(upper - lower, 100 * (1 - coverage), atol=1e-7)
    full = applies & (scores.coverage > 1 - 1e-12) & ~np.isnan(scores.points)
    assert np.allclose(scores.lower[full], scores.points[full], atol=1e-7)
    for at in columns(Level.SIGNAL) + columns(Level.SUBCATEGORY):
        scored = applies[:, at] & ~np.isnan(scores.points[:, at])
        points = scores.points[scored, at]
        assert (scores.lower[scored, at] <= points + 1e-9).all()
        assert (points <= scores.upper[scored, at] + 1e-9).all()


@given(st.integers(1, 5))
def test_all_missing_gives_nan_not_0(orgs):
    nothing = panel(scorecard(), *[{}] * orgs)

    scores = score(scorecard(), nothing)

    assert np.isnan(scores.points).all()
    assert (scores.state[:, 0] == State.INSUFFICIENT_DATA).all()
    assert (scores.coverage[:, 0] == 0).all()


@some
@given(PANELS)
def test_previews_are_flagged_and_count_nowhere(these):
    at = [node.id for node in scorecard().nodes].index("some")
    without = parse(TEXT.replace(SIGNALS[7], ""))
    kept = [place for place in range(len(scorecard().nodes)) if place != at]
    fewer = replace(these, exempt=np.delete(these.exempt, 7, axis=1))

    scores = score(scorecard(), these)

    assert (scores.flags[:, at] & Flag.PREVIEW != 0).all()
    ours = [getattr(scores, name)[:, kept] for name in names()]
    assert same(ours, rows_of(score(without, fewer), np.arange(these.size)))


@some
@given(PANELS)
def test_score_without_exemptions_has_no_exempt_signal(these):
    scores = score(scorecard(), these, exemptions=False)
    none = score(scorecard(), replace(these, exempt=None))

    assert State.EXEMPT not in scores.state
    assert same(rows_of(scores, np.arange(these.size)), rows_of(none, np.arange(these.size)))


@some
@given(PANELS)
def test_explaining_changes_no_number(these):
    plain, explained = score(scorecard(), these), score(scorecard(), these, explain=True)

    everyone = np.arange(these.size)
    assert same(rows_of(plain, everyone), rows_of(explained, everyone))
    assert set(explained.inputs) == {each.key for each in scorecard().signals}
    assert all(
        array.shape == (these.size,) for inputs in explained.inputs.values() for array in inputs.values()
    )


# ---------- more of a good thing ----------


def slot(these: Panel, key: str, change: Callable[[np.ndarray], np.ndarray]) -> Panel:
    slots = these.slots.copy()
    place = these.month_slots[key]
    slots[:, :, place] = change(slots[:, :, place])
    return replace(these, slots=slots)


def last_month(these: Panel, key: str, more: float) -> Panel:
    slots = these.slots.copy()
    slots[:, -2, these.month_slots[key]] += more
    return replace(these, slots=slots)


def days(these: Panel, key: str, change: Callable[[np.ndarray], np.ndarray]) -> Panel:
    changed = these.days.copy()
    part = slice(31 * these.day_slots[key], 31 * (these.day_slots[key] + 1))
    changed[:, :, part] = change(changed[:, :, part])
    return replace(these, days=changed)


def with_event(these: Panel, key: str, row: int, day: int) -> Panel:
    slots = these.slots.copy()
    cell = np.nan_to_num(slots[:, row, these.month_slots[key]]).astype(int)
    slots[:, row, these.month_slots[key]] = cell | (1 << day)
    return replace(these, slots=slots)


IMPROVEMENTS: list[Callable[[Panel], Panel]] = [
    lambda these: slot(these, "used", lambda part: part + 7),
    lambda these: slot(these, "spent", lambda part: part + 7),
    lambda these: last_month(these, "orders", 30),
    lambda these: last_month(these, "quarters", 30),
    lambda these: with_event(these, "review", -3, 12),
    lambda these: with_event(these, "edited", -1, 19),
    lambda these: days(these, "errors", lambda part: np.where(part > 0, part // 2, part)),
    lambda these: days(these, "time", lambda part: np.where(part > 0, part * 0.8, part)),
    lambda these: slot(these, "mfa", lambda part: np.where(part >= 0, np.minimum(part + 0.5, 1), part)),
    lambda these: slot(these, "backup", lambda part: part + 5),
    lambda these: slot(these, "bugs", lambda part: np.where(part > 0, part - 1, part)),
    lambda these: slot(these, "answer", lambda part: part + 9),
]


@settings(max_examples=80, deadline=None)
@given(PANELS, st.sampled_from(IMPROVEMENTS))
def test_more_of_a_good_thing_never_lowers_a_score(these, improve):
    before, after = score(scorecard(), these), score(scorecard(), improve(these))

    leaves = columns(Level.SIGNAL)
    both = ~np.isnan(before.points) & ~np.isnan(after.points)
    assert (after.points[:, leaves] >= before.points[:, leaves] - 1e-9)[both[:, leaves]].all()
    # Above the leaves only where no signal came or went: a new number shifts weights, which is not an input.
    unmoved = (before.state[:, leaves] == after.state[:, leaves]).all(axis=1)[:, None]
    assert (after.points >= before.points - 1e-9)[both & unmoved].all()
    assert (canonical(after.points) >= canonical(before.points))[both & unmoved].all()


@given(st.integers(0, 9999))
def test_more_hundredths_are_never_shown_as_fewer_points(hundredths):
    assert shown(hundredths) <= shown(hundredths + 1) <= shown(hundredths) + 1


@some
@given(PANELS, st.permutations(range(len(SIGNALS))))
def test_order_of_signals_in_the_file_moves_nothing_but_their_places(these, order):
    shuffled = parse(TEXT.replace("".join(SIGNALS), "".join(SIGNALS[at] for at in order)))
    before, after = scorecard().nodes, shuffled.nodes
    places = [[node.id for node in after].index(node.id) for node in before]

    scores = score(shuffled, replace(these, exempt=these.exempt[:, list(order)]))

    moved = Scores(**{name: getattr(scores, name)[:, places] for name in names()})
    assert alike(moved, score(scorecard(), these))
