"""The golden vectors of SCORING §12 and the examples of §1 to §5 and §11, each by name."""

from datetime import date, timedelta

import pytest

from scoring.engine import Declaration, Flag, State, canonical, parse, shown
from tests.scoring.engine.builders import (
    DAY,
    at,
    card,
    category,
    daily,
    metric,
    month,
    monthly,
    result,
    scored,
    signal,
)

STOCKS = metric("used", "stock") + metric("there", "stock")
RATIO = card(STOCKS, signal("share", "ratio", numerator="used", denominator="there"))
AVG12 = card(metric("orders", "flow"), signal("rise", "growth", metric="orders", variant="avg12"))
YOY = card(metric("learners", "stock"), signal("rise", "growth", metric="learners", variant="yoy"))
TERNARY = card(
    metric("reviews", "event"), signal("count", "indicator", metric="reviews", form="ternary", days=365)
)
RECENCY = card(metric("edited", "event"), signal("since", "indicator", metric="edited", form="recency"))
ERROR = card(metric("errors", "flow", "day"), signal("clean", "error", metric="errors"))
LATENCY = card(
    metric("time", "gauge", "day"),
    signal("speed", "performance", metric="time", curve="lognormal", p10=1500, median=3000),
)


ALL_YEAR = Declaration(DAY - timedelta(365), DAY)


def share(used, there):
    return scored(RATIO, {"used": {DAY: used}, "there": {DAY: there}})


def rise(current, base):
    return scored(AVG12, {"orders": monthly([base] * 12 + [current])})


def learners(current, year_ago):
    return scored(YOY, {"learners": {month(0): current, month(12): year_ago}})


def reviews(times):
    days = {DAY - timedelta(10 * back): 1 for back in range(times)}
    declared = {"reviews": [ALL_YEAR]}
    return scored(TERNARY, {"reviews": days}, declared=declared)


def edited(days_ago):
    return scored(RECENCY, {"edited": {DAY - timedelta(days_ago): 1}}, declared={"edited": [ALL_YEAR]})


def clean(days, observed):
    return scored(ERROR, {"errors": daily([5] * (observed - days) + [0] * days)})


def speed(milliseconds):
    october = daily([milliseconds] * 31, until=date(2026, 10, 31)) | daily([1] * 21)
    return scored(LATENCY, {"time": october})


def whole(scores, column=3):
    return shown(canonical(scores.points[0, column : column + 1])[0])


def test_ratio_67_of_100_licenses_scores_67():
    assert result(share(67, 100)) == (67, State.OK)


def test_ratio_of_nothing_bought_does_not_apply():
    assert share(0, 0).state[0, 3] == State.NOT_APPLICABLE


def test_ratio_of_use_without_entitlement_is_invalid():
    assert share(5, 0).state[0, 3] == State.INVALID


def test_ratio_120_of_100_scores_100_and_flags_over_100():
    scores = share(120, 100)

    assert result(scores) == (100, State.OK)
    assert scores.flags[0, 3] == Flag.OVER_100
    assert scores.inputs["share"]["raw"][0] == 120


def test_growth_693_on_564_scores_61():
    scores = rise(693, 564)

    assert result(scores) == (61.44, State.OK)
    assert whole(scores) == 61


def test_growth_499_on_564_scores_44():
    assert whole(rise(499, 564)) == 44


def test_growth_15_on_12_scores_62_because_halves_go_to_even():
    assert whole(learners(15, 12)) == 62


def test_growth_13_on_15_scores_43():
    assert whole(learners(13, 15)) == 43


def test_steady_growth_scores_50():
    assert result(rise(564, 564)) == (50, State.OK)


def test_doubled_growth_scores_100():
    assert result(rise(1128, 564)) == (100, State.OK)


def test_more_than_doubled_growth_scores_100_and_keeps_raw():
    scores = rise(1200, 564)

    assert result(scores) == (100, State.OK)
    assert scores.inputs["rise"]["raw"][0] == pytest.approx(106.38, abs=0.01)


def test_growth_to_nothing_scores_0():
    assert result(rise(0, 564)) == (0, State.OK)


def test_growth_of_nothing_from_nothing_is_dormant():
    scores = rise(0, 0)

    assert scores.state[0, 3] == State.NOT_APPLICABLE
    assert scores.flags[0, 3] == Flag.DORMANT


def test_growth_from_nothing_scores_100_and_flags_from_zero():
    scores = rise(7, 0)

    assert result(scores) == (100, State.OK)
    assert scores.flags[0, 3] == Flag.FROM_ZERO


def test_no_review_scores_0():
    assert result(reviews(0)) == (0, State.OK)


def test_one_review_scores_50():
    assert result(reviews(1)) == (50, State.OK)


def test_two_reviews_score_100():
    assert result(reviews(2)) == (100, State.OK)


def test_nine_reviews_score_100():
    assert result(reviews(9)) == (100, State.OK)


def test_edit_90_days_ago_scores_100():
    assert result(edited(90)) == (100, State.OK)


def test_edit_91_days_ago_scores_50():
    assert result(edited(91)) == (50, State.OK)


def test_edit_180_days_ago_scores_50():
    assert result(edited(180)) == (50, State.OK)


def test_edit_181_days_ago_scores_0():
    assert result(edited(181)) == (0, State.OK)


def test_30_clean_days_of_30_score_100():
    assert result(clean(30, 30)) == (100, State.OK)


def test_27_clean_days_of_30_score_90():
    assert result(clean(27, 30)) == (90, State.OK)


def test_20_clean_days_of_22_observed_score_91():
    scores = clean(20, 22)

    assert result(scores) == (90.91, State.OK)
    assert whole(scores) == 91


def test_19_observed_days_are_too_few():
    assert clean(18, 19).state[0, 3] == State.MISSING


@pytest.mark.parametrize(
    ("milliseconds", "points"),
    [
        (500, 99.95),
        (1000, 97.89),
        (1500, 90),
        (2000, 77.33),
        (2500, 63.20),
        (3000, 50),
        (4000, 29.74),
        (6000, 10),
        (9000, 2.11),
    ],
)
def test_lognormal_curve_with_p10_1500_and_median_3000(milliseconds, points):
    assert result(speed(milliseconds)) == (points, State.OK)


def test_performance_of_2000_ms_is_shown_as_77():
    assert whole(speed(2000)) == 77


def test_configuration_set_scores_68():
    settings = [
        ("high", 1),
        ("high", 0.5),
        ("medium", 1),
        ("medium", 0),
        ("low", 1),
        ("informational", 0),
    ]
    text = card(
        *(metric(f"s{place}", "stock") for place in range(6)),
        signal(
            "baseline",
            "config",
            settings=[{"metric": f"s{place}", "risk": risk} for place, (risk, _) in enumerate(settings)],
        ),
    )

    scores = scored(text, {f"s{place}": {DAY: value} for place, (_, value) in enumerate(settings)})

    assert result(scores) == (68.18, State.OK)
    assert scores.inputs["baseline"]["passed"][0] == 7.5
    assert scores.inputs["baseline"]["total"][0] == 11
    assert whole(scores) == 68


@pytest.mark.parametrize(
    ("points", "band"),
    [(69, "Act now"), (70, "Watch"), (79, "Watch"), (79.6, "Healthy"), (80, "Healthy")],
)
def test_band_follows_the_shown_number(points, band):
    scorecard = parse(RATIO)

    assert scorecard.band(round(points * 100)).name == band


def test_79_60_is_shown_as_80():
    assert shown(7960) == 80


def test_roll_up_of_three_categories_is_77_provisional_with_bounds():
    # Adoption 72.4 in full; expertise 50 on 0.3 of its weight; health 81 on 0.8 of its weight.
    linear = {"kind": "linear", "good": 100, "poor": 0}
    names = ["pa.use", "ce.known", "ce.silent", "th.known", "th.silent"]
    places = ["pa/breadth", "ce/breadth", "ce/breadth", "th/breadth", "th/breadth"]
    text = card(
        *(metric(name, "stock") for name in names),
        *(
            signal(name, place=place, metric=name, weight=weight, **linear)
            for name, place, weight in zip(names, places, [1, 3, 7, 8, 2], strict=True)
        ),
        categories=category("pa") + category("ce") + category("th"),
    )

    scores = scored(text, {"pa.use": {DAY: 72.4}, "ce.known": {DAY: 50}, "th.known": {DAY: 81}})

    assert result(scores, 0) == (76.7, State.PROVISIONAL)
    assert whole(scores, 0) == 77
    assert scores.coverage[0, 0] == pytest.approx(0.70)
    assert (scores.lower[0, 0], scores.upper[0, 0]) == pytest.approx((50.7333, 80.7333), abs=1e-4)
    ce, th = at(text, "ce"), at(text, "th")
    assert scores.state[0, ce] == State.INSUFFICIENT_DATA
    assert (scores.lower[0, ce], scores.upper[0, ce]) == pytest.approx((15, 85))
    assert (scores.lower[0, th], scores.upper[0, th]) == pytest.approx((64.8, 84.8))


def test_health_vector_is_79_watch():
    def steps(*pairs, rest=0):
        return [{edge: value, "points": points} for edge, value, points in pairs] + [{"points": rest}]

    names = ["project", "service", "review", "use", "meetings", "cases", "activity", "milestones", "renewal"]
    weights = [10, 10, 10, 20, 5, 15, 10, 10, 10]
    kinds = [
        {"kind": "steps", "metric": "project", "steps": steps(("at_least", 4, 100), ("at_least", 3, 50))},
        {"kind": "steps", "metric": "service", "steps": steps(("at_least", 4, 100), ("at_least", 3, 50))},
        {"kind": "steps", "metric": "review", "steps": steps(("at_most", 7, 100), ("at_most", 30, 50))},
        {"kind": "linear", "metric": "use", "good": 75, "poor": 25},
        {
            "kind": "steps",
            "metric": "meetings",
            "steps": steps(("more_than", 45, 100), ("at_least", 20, 60), rest=20),
        },
        {
            "kind": "deduction",
            "deductions": [
                {"metric": "cases", "points": 100 / 3, "cap": 200 / 3},
                {"metric": "breaches", "points": 100 / 3},
            ],
        },
        {"kind": "steps", "metric": "activity", "steps": steps(("at_most", 30, 100), ("at_most", 45, 50))},
        {"kind": "ratio", "numerator": "on_time", "denominator": "milestones"},
        {"kind": "steps", "metric": "renewal", "steps": steps(("at_least", 2, 100), ("at_least", 1, 50))},
    ]
    text = card(
        *(metric(name, "stock") for name in [*names, "on_time"]),
        metric("breaches", "flow", "day"),
        *(signal(f"h{place}", place=f"{name}/all", **kinds[place]) for place, name in enumerate(names)),
        categories="".join(
            category(name, "all", weight=weight) for name, weight in zip(names, weights, strict=True)
        ),
    )
    known = {"project": 4.5, "service": 3.2, "review": 0, "use": 62, "cases": 1, "activity": 12}
    numbers = {name: {DAY: value} for name, value in (known | {"milestones": 4, "on_time": 3}).items()}
    silent = [[name in ("h4", "h8") for name in (f"h{place}" for place in range(9))]]

    scores = scored(text, numbers | {"breaches": daily([0] * 30)}, exempt=silent)

    use = scores.points[0, at(text, "use")] * 20 / 100
    assert use == pytest.approx(14.8)
    assert scores.points[0, 0] * 85 / 100 == pytest.approx(67.3)
    assert result(scores, 0) == (79.18, State.OK)
    assert parse(text).band(canonical(scores.points[0, :1])[0]).name == "Watch"
