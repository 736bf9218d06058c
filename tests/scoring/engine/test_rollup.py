"""How signals add up: weights, silence, floors, coverage, bounds, age, products, exemptions (SCORING §5)."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.engine import Flag, PanelInvalid, State, canonical, parse, score, shown
from tests.scoring.engine.builders import (
    DAY,
    at,
    card,
    category,
    metric,
    monthly,
    panel,
    result,
    scored,
    signal,
    table,
)

TWO = category("use") + category("skill")


def points_signal(key, place="use/breadth", **more):
    """A signal whose points are the number of a metric of its name."""
    return signal(key, "linear", place=place, metric=key, good=100, poor=0, **more)


def tree(*leaves, stocks=None, categories=None, extra="", **head):
    """A scorecard of linear signals, each given as (key, place, options)."""
    return card(
        extra,
        *(metric(key, "stock", cadence="weekly") for key, *_ in leaves),
        *(points_signal(key, place, **more) for key, place, more in leaves),
        categories=categories,
        **head,
    )


def numbers(**values):
    return {key: {DAY: value} for key, value in values.items()}


def one_group(count, **head):
    """A scorecard of one subcategory with equal signals a, b, c…"""
    return tree(*((key, "use/breadth", {}) for key in "abcdefghij"[:count]), **head)


def states(scores):
    return [State(state) for state in scores.state[0]]


# ---------- weights and silent siblings ----------


def test_parent_is_the_weighted_mean_of_its_children():
    text = tree(("a", "use/breadth", {"weight": 3}), ("b", "use/breadth", {"weight": 1}))

    assert result(scored(text, numbers(a=80, b=40)), 0) == (70, State.OK)


def test_silent_child_gives_its_weight_to_its_siblings():
    scores = scored(one_group(5), numbers(a=80, b=60, c=80, d=60))

    assert result(scores, 2) == (70, State.OK)
    assert scores.coverage[0, 2] == pytest.approx(0.8)
    assert (scores.lower[0, 2], scores.upper[0, 2]) == pytest.approx((56, 76))


def test_invalid_child_counts_as_silent():
    scores = scored(one_group(2), numbers(a=80, b=-5))

    assert result(scores, 2) == (80, State.PROVISIONAL)
    assert (scores.lower[0, 2], scores.upper[0, 2]) == (40, 90)


def test_child_in_grace_scores_in_full_and_is_covered_by_half():
    text = one_group(2)
    late = {"b": {DAY.replace(day=8): 40}}

    scores = scored(text, numbers(a=80) | late)

    assert result(scores, 2) == (60, State.PROVISIONAL)
    assert scores.coverage[0, 2] == 0.75
    assert (scores.lower[0, 2], scores.upper[0, 2]) == (50, 75)


def test_roll_up_uses_unrounded_children():
    scores = scored(one_group(3), numbers(a=33.333333, b=33.333333, c=33.333334))

    assert scores.points[0, 0] == pytest.approx(100 / 3, abs=1e-9)


def test_overall_does_not_count_a_category_below_its_floor():
    text = tree(
        ("a", "use/breadth", {}),
        ("b", "skill/breadth", {"weight": 4}),
        ("c", "skill/breadth", {"weight": 6}),
        categories=TWO,
        min_categories=1,
    )

    scores = scored(text, numbers(a=80, b=10))

    assert result(scores, 0) == (80, State.PROVISIONAL)
    assert scores.coverage[0, 0] == pytest.approx(0.7)
    assert (scores.lower[0, 0], scores.upper[0, 0]) == pytest.approx((42, 72))


# ---------- floors ----------


def test_half_of_a_subcategory_is_enough():
    assert result(scored(one_group(2, floor_overall=0.5), numbers(a=80)), 0) == (80, State.PROVISIONAL)


def test_less_than_half_of_a_subcategory_has_no_number():
    scores = scored(one_group(3), numbers(a=80))

    assert states(scores)[:3] == [State.INSUFFICIENT_DATA] * 3
    assert np.isnan(scores.points[0, :3]).all()
    assert scores.coverage[0, 0] == pytest.approx(1 / 3)


def test_overall_has_its_own_floor():
    scores = scored(one_group(2), numbers(a=80))

    assert states(scores)[:3] == [State.INSUFFICIENT_DATA, State.PROVISIONAL, State.PROVISIONAL]


def test_floor_of_exactly_six_tenths_does_not_fail_on_float_noise():
    weights = [0.1, 0.2, 0.3, 0.4]
    text = tree(*((key, "use/breadth", {"weight": w}) for key, w in zip("abcd", weights, strict=True)))

    assert states(scored(text, numbers(a=80, b=80, c=80)))[0] == State.PROVISIONAL


def test_coverage_of_exactly_eight_tenths_is_not_provisional():
    weights = [0.1, 0.7, 0.2]
    text = tree(*((key, "use/breadth", {"weight": w}) for key, w in zip("abc", weights, strict=True)))

    assert states(scored(text, numbers(a=80, b=80)))[0] == State.OK


def test_floors_are_the_scorecards_own():
    text = one_group(3, floor_subcategory=0.3, floor_category=0.3, floor_overall=0.3, provisional_below=0.3)

    assert states(scored(text, numbers(a=80)))[:3] == [State.OK] * 3


def test_everything_missing_gives_no_number_and_the_widest_bounds():
    scores = scored(one_group(3), {})

    assert states(scores) == [State.INSUFFICIENT_DATA] * 3 + [State.MISSING] * 3
    assert np.isnan(scores.points).all()
    assert (scores.coverage == 0).all()
    assert (scores.lower == 0).all()
    assert (scores.upper == 100).all()


def test_overall_needs_its_number_of_categories():
    text = tree(
        ("a", "use/breadth", {}),
        ("b", "skill/breadth", {"product": "sales"}),
        extra=table("product", key="sales", name="Sales"),
        categories=TWO,
    )

    alone = scored(text, numbers(a=80, b=60), owned=[[False]])
    both = scored(text, numbers(a=80, b=60), owned=[[True]])

    assert states(alone)[0] == State.INSUFFICIENT_DATA
    assert result(alone, at(text, "use")) == (80, State.OK)
    assert states(alone)[at(text, "skill")] == State.NOT_APPLICABLE
    assert result(both, 0) == (70, State.OK)


# ---------- age ----------


@pytest.mark.parametrize(
    ("age", "overall", "below"),
    [
        (0, State.SETTING_UP, State.PROVISIONAL),
        (30, State.SETTING_UP, State.PROVISIONAL),
        (31, State.PROVISIONAL, State.PROVISIONAL),
        (90, State.PROVISIONAL, State.PROVISIONAL),
        (91, State.OK, State.OK),
        (np.nan, State.OK, State.OK),
    ],
)
def test_young_organizations_are_setting_up_then_provisional(age, overall, below):
    scores = scored(one_group(1), numbers(a=80), age_days=age)

    assert states(scores) == [overall, below, below, State.OK]
    assert np.isnan(scores.points[0, 0]) == (overall == State.SETTING_UP)
    assert scores.coverage[0, 0] == 1


# ---------- products, previews, exemptions ----------

OWNED = tree(
    ("a", "use/breadth", {}),
    ("b", "use/breadth", {"product": "sales"}),
    extra=table("product", key="sales", name="Sales"),
)


def test_signal_of_a_product_that_is_not_owned_does_not_apply():
    scores = scored(OWNED, numbers(a=80, b=20), owned=[[False]])

    assert states(scores)[4] == State.NOT_APPLICABLE
    assert result(scores, 0) == (80, State.OK)
    assert np.isnan([scores.coverage[0, 4], scores.lower[0, 4], scores.upper[0, 4]]).all()


def test_product_the_panel_does_not_know_is_owned_by_nobody():
    scorecard = parse(OWNED)
    known = panel(scorecard, numbers(a=80, b=20))

    scores = score(scorecard, replace(known, products=(), owned=np.zeros((1, 0), bool)))

    assert states(scores)[4] == State.NOT_APPLICABLE


def test_organization_without_any_product_has_no_scorecard():
    text = tree(("b", "use/breadth", {"product": "sales"}), extra=table("product", key="sales", name="Sales"))

    scores = scored(text, numbers(b=20), owned=[[False]])

    assert states(scores) == [State.NOT_APPLICABLE] * 4
    assert np.isnan(scores.coverage).all()
    assert np.isnan(scores.upper).all()


def test_preview_has_points_and_touches_nothing_above():
    text = tree(("a", "use/breadth", {}), ("b", "use/breadth", {"preview": True}))

    scores = scored(text, numbers(a=80, b=20))

    assert result(scores, 4) == (20, State.OK)
    assert Flag(int(scores.flags[0, 4])) == Flag.PREVIEW
    assert result(scores, 0) == (80, State.OK)
    assert np.isnan([scores.coverage[0, 4], scores.lower[0, 4], scores.upper[0, 4]]).all()


def test_missing_preview_leaves_coverage_alone():
    text = tree(("a", "use/breadth", {}), ("b", "use/breadth", {"preview": True}))

    assert scored(text, numbers(a=80)).coverage[0, 0] == 1


def test_exempt_signal_counts_nowhere():
    scores = scored(one_group(2), numbers(a=80, b=20), exempt=[[False, True]])

    assert states(scores)[4] == State.EXEMPT
    assert np.isnan(scores.points[0, 4])
    assert result(scores, 0) == (80, State.OK)


def test_second_score_counts_exempt_signals_like_all_others():
    scores = scored(one_group(2), numbers(a=80, b=20), exempt=[[False, True]], exemptions=False)

    assert result(scores, 0) == (50, State.OK)


def test_exemptions_follow_the_order_of_the_file_not_of_the_tree():
    text = tree(("late", "skill/breadth", {}), ("early", "use/breadth", {}), categories=TWO, min_categories=1)

    scores = scored(text, numbers(late=10, early=90), exempt=[[True, False]])

    assert states(scores)[at(text, "late")] == State.EXEMPT
    assert result(scores, at(text, "early")) == (90, State.OK)


def test_product_not_owned_comes_before_exempt():
    scores = scored(OWNED, numbers(a=80, b=20), owned=[[False]], exempt=[[False, True]])

    assert states(scores)[4] == State.NOT_APPLICABLE


def test_exempt_comes_before_too_young_for_growth():
    text = card(metric("orders", "flow"), signal("rise", "growth", metric="orders", variant="avg12"))

    scores = scored(text, {"orders": monthly([1] * 13)}, exempt=[[True]], age_days=40)

    assert states(scores)[3] == State.EXEMPT


def test_too_young_for_growth_comes_before_what_growth_says():
    text = card(metric("orders", "flow"), signal("rise", "growth", metric="orders", variant="avg12"))

    scores = scored(text, {"orders": monthly([0] * 13)}, age_days=40)

    assert states(scores)[3] == State.INSUFFICIENT_HISTORY
    assert scores.flags[0, 3] == 0
    assert scores.history[0, 3] == 0


def test_dormant_signal_of_a_product_that_is_not_owned_has_no_flag():
    text = card(
        table("product", key="sales", name="Sales"),
        metric("orders", "flow"),
        signal("rise", "growth", product="sales", metric="orders", variant="avg12"),
    )
    dormant = {"orders": monthly([0] * 13)}

    scores = scored(text, dormant, dormant, owned=[[True], [False]])

    assert scores.flags[:, 3].tolist() == [Flag.DORMANT, 0]
    assert scores.history[:, 3].tolist() == [12, 0]


def test_parent_of_equal_children_is_that_number_to_the_last_bit():
    text = tree(*((key, "use/breadth", {"weight": 0.1}) for key in "abc"))

    scores = scored(text, numbers(a=100, b=100, c=100))

    assert (scores.points[0] == 100).all()
    assert (scores.coverage[0] == 1).all()


# ---------- what comes out ----------


def test_inputs_come_only_when_asked_for():
    assert scored(one_group(1), numbers(a=80), explain=False).inputs is None
    assert scored(one_group(1), numbers(a=80)).inputs["a"]["value"][0] == 80


def test_arrays_are_organizations_by_nodes():
    scores = scored(one_group(2), numbers(a=80), numbers(a=1), numbers(b=3))

    for array in (scores.points, scores.coverage, scores.lower, scores.upper):
        assert array.shape == (3, 5)
        assert array.dtype == np.float64
    for array in (scores.state, scores.flags, scores.history):
        assert array.shape == (3, 5)
        assert array.dtype == np.uint8


def test_no_organization_gives_no_rows():
    assert scored(one_group(2)).points.shape == (0, 5)


def test_panel_with_a_row_too_many_is_refused():
    good = panel(parse(one_group(1)), numbers(a=1))

    with pytest.raises(PanelInvalid, match="1 organizations"):
        replace(good, age_days=np.zeros(2))


def test_panel_with_products_that_do_not_fit_is_refused():
    good = panel(parse(one_group(1)), numbers(a=1))

    with pytest.raises(PanelInvalid, match="products"):
        replace(good, products=("sales",))


def test_exemptions_of_another_scorecard_are_refused():
    with pytest.raises(PanelInvalid, match="signals"):
        scored(one_group(2), numbers(a=1), exempt=[[True]])


@pytest.mark.parametrize(
    ("points", "hundredths"),
    [
        (0, 0),
        (100, 10000),
        (62.125, 6212),
        (62.135, 6214),
        (61.4362, 6144),
        (50.005, 5000),
        (50.015000000000001, 5002),
        (0.285 + 1e-12, 28),
        (np.nan, -1),
    ],
)
def test_canonical_points_are_hundredths_half_to_even(points, hundredths):
    stored = canonical(np.array([points]))

    assert stored.dtype == np.int16
    assert stored[0] == hundredths


@pytest.mark.parametrize(
    ("hundredths", "whole"), [(6250, 62), (6350, 64), (6249, 62), (6251, 63), (9950, 100), (50, 0), (0, 0)]
)
def test_shown_points_are_whole_half_to_even(hundredths, whole):
    assert shown(hundredths) == whole
