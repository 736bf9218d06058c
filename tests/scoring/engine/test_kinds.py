"""What each kind makes of the cases of SCORING §1 to §4, §6 and §13: one signal of one organization."""

from datetime import date, timedelta

import numpy as np
import pytest

from scoring.engine import Declaration, Flag, State
from tests.scoring.engine.builders import DAY, card, daily, metric, month, monthly, result, scored, signal

OK, GRACE, MISSING, INVALID = State.OK, State.STALE_GRACE, State.MISSING, State.INVALID
TOO_SHORT, NOT_APPLICABLE = State.INSUFFICIENT_HISTORY, State.NOT_APPLICABLE
OCTOBER_END = date(2026, 10, 31)


def state(scores, organization=0):
    return State(scores.state[organization, 3])


def flags(scores):
    return Flag(int(scores.flags[0, 3]))


def ago(days):
    return DAY - timedelta(days)


def whole_months(first_back, last_back):
    """A declaration from the first day of one month to the last of another, counted back from the day's."""
    return Declaration(month(first_back), month(last_back - 1) - timedelta(1))


# ---------- ratio of stocks ----------

WEEKLY = metric("used", "stock", cadence="weekly") + metric("there", "stock", cadence="weekly")
RATIO = card(WEEKLY, signal("share", "ratio", numerator="used", denominator="there"))


def share(used, there, text=RATIO, **more):
    return scored(text, {"used": used, "there": there}, **more)


def test_ratio_of_a_negative_part_is_invalid():
    assert state(share({DAY: -1}, {DAY: 10})) == INVALID


def test_ratio_of_a_negative_whole_is_invalid():
    assert state(share({DAY: 1}, {DAY: -10})) == INVALID


def test_inverse_ratio_scores_what_is_left():
    text = card(WEEKLY, signal("share", "ratio", numerator="used", denominator="there", inverse=True))

    assert result(share({DAY: 30}, {DAY: 100}, text)) == (70, OK)


def test_inverse_ratio_of_too_much_scores_0_without_a_flag():
    text = card(WEEKLY, signal("share", "ratio", numerator="used", denominator="there", inverse=True))

    scores = share({DAY: 130}, {DAY: 100}, text)

    assert result(scores) == (0, OK)
    assert flags(scores) == Flag(0)


def test_ratio_with_a_target_of_2_scores_half_for_1():
    text = card(WEEKLY, signal("share", "ratio", numerator="used", denominator="there", target=2))

    assert result(share({DAY: 100}, {DAY: 100}, text)) == (50, OK)
    assert result(share({DAY: 300}, {DAY: 100}, text)) == (100, OK)


@pytest.mark.parametrize(
    ("days", "expected"), [(0, OK), (10, OK), (11, GRACE), (17, GRACE), (18, MISSING), (400, MISSING)]
)
def test_weekly_stock_is_due_after_a_week_and_its_lag_then_in_grace_for_a_week(days, expected):
    assert state(share({ago(days): 5}, {ago(days): 10})) == expected


def test_signal_is_as_fresh_as_its_stalest_input():
    scores = share({ago(11): 5}, {DAY: 10})

    assert result(scores) == (50, GRACE)
    assert scores.coverage[0, 3] == 0.5
    assert scores.inputs["share"]["as_of"][0] == ago(11).toordinal()


def test_stock_that_never_arrived_is_missing_not_zero():
    scores = share({}, {DAY: 10})

    assert state(scores) == MISSING
    assert np.isnan(scores.points[0, 3])


def test_sheet_of_an_earlier_day_reads_the_month_before():
    scores = share(
        {date(2026, 10, 31): 5, date(2026, 11, 20): 9}, {date(2026, 10, 31): 10}, day=date(2026, 11, 2)
    )

    assert result(scores) == (50, OK)


def test_missing_comes_before_invalid():
    assert state(share({ago(40): -5}, {DAY: 10})) == MISSING


def test_quarterly_stock_is_read_for_a_quarter_its_lag_and_a_quarter():
    quarterly = metric("used", "stock", cadence="quarterly") + metric("there", "stock", cadence="quarterly")
    text = card(quarterly, signal("share", "ratio", numerator="used", denominator="there"))

    assert state(share({ago(99): 5}, {ago(99): 10}, text)) == OK
    assert state(share({ago(100): 5}, {ago(100): 10}, text)) == GRACE
    assert state(share({ago(192): 5}, {ago(192): 10}, text)) == MISSING


# ---------- ratio over months ----------

FLOWS = metric("used", "flow") + metric("there", "flow")


def over(months, **more):
    return card(FLOWS, signal("share", "ratio", numerator="used", denominator="there", months=months, **more))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 9, 30), OK),
        (date(2026, 11, 7), OK),
        (date(2026, 11, 8), GRACE),
        (date(2026, 12, 7), GRACE),
        (date(2026, 12, 8), MISSING),
    ],
)
def test_september_counts_until_october_is_due_and_a_month_longer_in_grace(day, expected):
    september = {date(2026, 9, 30): 4}

    scores = share(september, {date(2026, 9, 30): 8}, over(1), day=day)

    assert result(scores) == (
        (50, expected) if expected != MISSING else (pytest.approx(np.nan, nan_ok=True), MISSING)
    )


def test_running_month_is_never_read():
    assert state(share({DAY: 5}, {DAY: 10}, over(1))) == MISSING


def test_month_that_ends_on_the_day_is_read():
    scores = share({OCTOBER_END: 5}, {OCTOBER_END: 10}, over(1), day=OCTOBER_END)

    assert result(scores) == (50, OK)


def test_flows_are_read_up_to_the_same_month():
    scores = share(monthly([1, 9]), monthly([4], newest=2), over(1), day=date(2026, 11, 5))

    assert result(scores) == (25, OK)
    assert scores.inputs["share"]["month"][0] == 2026 * 12 + 8


def test_flow_that_arrived_already_does_not_make_the_signal_late():
    slow = metric("used", "flow", lag=3) + metric("there", "flow", lag=20)
    text = card(slow, signal("share", "ratio", numerator="used", denominator="there", months=1))

    scores = share(monthly([1, 9]), monthly([4], newest=2), text, day=date(2026, 11, 10))

    assert result(scores) == (25, OK)


def test_month_counts_only_when_both_sides_are_known():
    used = monthly([1, 1, 1, None, 1, 1, 1, 1, 1, 1, 1, 1])
    there = monthly([2, 2, 2, 50, None, 2, 2, 2, 2, 2, 2, 2])

    scores = share(used, there, over(12))

    assert result(scores) == (50, OK)
    assert scores.inputs["share"]["months_known"][0] == 10
    assert scores.inputs["share"]["months_window"][0] == 12


def test_half_of_the_months_is_enough():
    half = monthly([None] * 6 + [1] * 6)

    assert result(share(half, half, over(12))) == (100, OK)


def test_under_half_of_the_months_is_missing():
    less = monthly([None] * 7 + [1] * 5)

    assert state(share(less, less, over(12))) == MISSING


def test_contract_cuts_the_window_its_first_month_included():
    full = monthly([1] * 8 + [1, 1, 1, 1])
    there = monthly([100] * 8 + [2, 2, 2, 2])

    scores = share(full, there, over(12), contract_started=date(2026, 7, 15))

    assert result(scores) == (50, OK)
    assert scores.inputs["share"]["months_window"][0] == 4


def test_contract_older_than_the_window_cuts_nothing():
    year = monthly([1] * 12)

    scores = share(year, year, over(12), contract_started=date(2025, 11, 30))

    assert scores.inputs["share"]["months_window"][0] == 12


def test_contract_younger_than_28_days_has_too_short_a_history():
    numbers = {date(2026, 11, 30): 1}

    young = share(numbers, numbers, over(3), day=date(2026, 11, 30), contract_started=date(2026, 11, 3))
    older = share(numbers, numbers, over(3), day=date(2026, 11, 30), contract_started=date(2026, 11, 2))

    assert state(young) == TOO_SHORT
    assert state(older) == OK


def test_contract_of_the_running_month_leaves_no_month():
    year = monthly([1] * 12)

    assert state(share(year, year, over(1), contract_started=date(2026, 11, 1))) == TOO_SHORT


def test_negative_month_in_the_window_is_invalid():
    assert state(share(monthly([1, -1, 1]), monthly([2, 2, 2]), over(3))) == INVALID


def test_negative_month_before_the_window_does_no_harm():
    assert result(share(monthly([-1, 1, 1]), monthly([2, 2, 2]), over(2))) == (50, OK)


MIXED = card(
    metric("used", "flow") + metric("there", "stock"),
    signal("share", "ratio", numerator="used", denominator="there", months=3, target=1),
)


def test_stock_below_a_sum_is_its_mean_over_the_same_months_and_says_that_it_changed():
    scores = share(monthly([10, 10, 10]), monthly([40, 60, 80]) | {DAY: 999}, MIXED)

    assert result(scores) == (50, OK)
    assert flags(scores) == Flag.DENOMINATOR_CHANGED
    assert scores.inputs["share"]["denominator"][0] == 60


def test_stock_is_carried_into_later_months_of_the_window():
    scores = share(monthly([10, 10, 10]), {date(2026, 8, 31): 60}, MIXED, day=date(2026, 11, 5))

    assert result(scores) == (50, GRACE)
    assert flags(scores) == Flag(0)
    assert scores.inputs["share"]["months_known"][0] == 3


def test_stock_is_not_carried_beyond_its_grace():
    # 1 August carries 31 + 7 + 31 days, to 9 October: the end of September yes, of October no.
    scores = share(monthly([10, 10, 10]), {date(2026, 8, 1): 30, DAY: 30}, MIXED)

    assert scores.inputs["share"]["months_known"][0] == 2
    assert result(scores) == (66.67, OK)


def test_month_declared_complete_is_zero():
    scores = share(monthly([5, 5]), monthly([10, 10, 10]), over(3), declared={"used": [whole_months(3, 1)]})

    assert scores.inputs["share"]["months_known"][0] == 3
    assert result(scores) == (33.33, OK)


def test_observation_counts_above_a_declared_zero():
    scores = share(monthly([5]), monthly([10]), over(1), declared={"used": [whole_months(3, 1)]})

    assert result(scores) == (50, OK)


def test_month_is_complete_only_when_all_its_days_are():
    declared = {"used": [Declaration(date(2026, 10, 1), date(2026, 10, 30))]}

    assert state(share({}, monthly([10]), over(1), declared=declared)) == MISSING


def test_two_windows_complete_a_month_together():
    windows = [
        Declaration(date(2026, 10, 10), date(2026, 11, 2)),
        Declaration(date(2026, 10, 1), date(2026, 10, 12)),
    ]

    assert result(share({}, monthly([10]), over(1), declared={"used": windows})) == (0, OK)


def test_declaration_counts_for_its_organizations_only():
    window = Declaration(date(2026, 10, 1), OCTOBER_END, np.array([False, True]))
    numbers = {"there": monthly([10])}

    scores = scored(over(1), numbers, numbers, declared={"used": [window]})

    assert [state(scores, 0), state(scores, 1)] == [MISSING, OK]


def test_quarterly_flows_are_read_by_quarter():
    quarterly = metric("used", "flow", cadence="quarterly") + metric("there", "flow", cadence="quarterly")
    text = card(quarterly, signal("share", "ratio", numerator="used", denominator="there", months=6))
    used, there = {date(2026, 9, 30): 30, date(2026, 4, 1): 10}, {date(2026, 7, 1): 50, date(2026, 5, 5): 50}

    assert result(share(used, there, text)) == (40, OK)
    assert state(share(used, there, text, day=date(2027, 1, 8))) == GRACE
    assert state(share(used, there, text, day=date(2027, 4, 8))) == MISSING


def test_stock_below_a_quarterly_flow_is_its_mean_over_the_months_of_the_counted_quarters():
    metrics = metric("used", "flow", cadence="quarterly") + metric("there", "stock", cadence="weekly")
    text = card(metrics, signal("share", "ratio", numerator="used", denominator="there", months=6))
    used = {date(2026, 9, 30): 6, date(2026, 6, 30): 4}
    there = {month(4): 10, month(3): 20, month(2): 60} | {date(2026, 6, 30): 10, DAY: 99}

    scores = share(used, there, text)

    assert scores.inputs["share"]["denominator"][0] == 25
    assert result(scores) == (40, OK)
    assert flags(scores) == Flag.DENOMINATOR_CHANGED


def test_negative_stock_in_any_month_of_a_counted_quarter_is_invalid():
    metrics = metric("used", "flow", cadence="quarterly") + metric("there", "stock", cadence="weekly")
    text = card(metrics, signal("share", "ratio", numerator="used", denominator="there", months=3))

    there = {month(4): 10, month(3): -1, month(2): 60, DAY: 60}

    assert state(share({date(2026, 9, 30): 6}, there, text)) == INVALID


def test_flow_that_arrived_further_is_judged_by_its_own_lag():
    metrics = metric("used", "flow", lag=60) + metric("there", "flow")
    text = card(metrics, signal("share", "ratio", numerator="used", denominator="there", months=1))

    ahead = share(monthly([5], newest=3), monthly([10, 10, 10], newest=1), text, day=date(2026, 11, 5))
    overdue = share(monthly([5], newest=3), monthly([10, 10], newest=2), text, day=date(2026, 11, 10))

    assert result(ahead) == (50, OK)
    assert result(overdue) == (50, GRACE)


# ---------- growth ----------


def growth(variant, nature="flow", cadence="monthly", **more):
    return card(
        metric("orders", nature, cadence=cadence) + metric("seats", "stock"),
        signal("rise", "growth", metric="orders", variant=variant, **more),
    )


def rise(numbers, text=None, seats=None, **more):
    return scored(text or growth("avg12"), {"orders": numbers, "seats": seats or {}}, **more)


def test_two_base_months_are_too_short_a_history():
    assert state(rise(monthly([10, 10, 10]))) == TOO_SHORT


def test_three_base_months_score_and_count_a_quarter_in_coverage():
    scores = rise(monthly([10, 10, 10, 20]))

    assert result(scores) == (100, OK)
    assert scores.history[0, 3] == 3
    assert scores.coverage[0, 3] == 0.25
    assert (scores.lower[0, 3], scores.upper[0, 3]) == (25, 100)


def test_base_is_the_mean_of_the_months_observed():
    scores = rise(monthly([30, None, None, None, None, 10, None, None, 20, None, None, None, 20]))

    assert result(scores) == (50, OK)
    assert scores.history[0, 3] == 3


def test_growth_in_grace_with_a_partial_base_multiplies_both_in_coverage():
    scores = rise(monthly([10] * 7, newest=2))

    assert state(scores) == GRACE
    assert scores.coverage[0, 3] == 0.25


def test_base_moves_back_with_the_last_month_that_arrived():
    scores = rise(monthly([5] + [10] * 12 + [20], newest=2), day=date(2026, 11, 5))

    assert result(scores) == (100, OK)
    assert scores.inputs["rise"]["denominator"][0] == 10
    assert scores.inputs["rise"]["month"][0] == 2026 * 12 + 8


def test_yoy_compares_the_same_month_a_year_before():
    scores = rise(monthly([20] + [99] * 11 + [25]), growth("yoy"))

    assert result(scores) == (62.5, OK)
    assert scores.history[0, 3] == 1


def test_yoy_without_its_base_month_is_too_short():
    assert state(rise(monthly([99] * 11 + [25]), growth("yoy"))) == TOO_SHORT


def test_months_without_a_record_are_zero_only_when_declared_complete():
    last = monthly([7])

    silent, declared = rise(last), rise(last, declared={"orders": [whole_months(13, 1)]})

    assert state(silent) == TOO_SHORT
    assert result(declared) == (100, OK)
    assert flags(declared) == Flag.FROM_ZERO


def test_base_of_zero_that_is_not_complete_is_too_short_a_history():
    assert state(rise(monthly([0] * 11 + [7]))) == TOO_SHORT
    assert state(rise(monthly([0] * 11 + [0]))) == TOO_SHORT


def test_negative_count_is_invalid_now_or_in_the_base():
    assert state(rise(monthly([10] * 12 + [-1]))) == INVALID
    assert state(rise(monthly([10] * 11 + [-1, 10]))) == INVALID


def test_running_month_is_never_growth():
    assert result(rise(monthly([10] * 13) | {DAY: 500})) == (50, OK)


def test_quarter_compares_with_the_four_before():
    numbers = monthly([1, 2, 3] * 4 + [4, 4, 4], newest=2)

    scores = rise(numbers, growth("quarter"))

    assert result(scores) == (100, OK)
    assert scores.inputs["rise"]["denominator"][0] == 6
    assert scores.history[0, 3] == 4


def test_quarter_with_one_of_four_in_its_base_counts_a_quarter():
    scores = rise(monthly([2, 2, 2, 3, 3, 3], newest=2), growth("quarter"))

    assert result(scores) == (75, OK)
    assert scores.coverage[0, 3] == 0.25


def test_quarter_without_a_base_is_too_short():
    assert state(rise(monthly([3, 3, 3], newest=2), growth("quarter"))) == TOO_SHORT


def test_quarter_of_a_monthly_flow_needs_all_three_months():
    numbers = monthly([1, 1, 1, 2, 2, 2, 9, None, 9], newest=2)

    scores = rise(numbers, growth("quarter"), day=date(2026, 10, 5))

    assert result(scores) == (100, OK)
    assert scores.inputs["rise"]["month"][0] == 2026 * 12 + 5


def test_quarter_of_a_quarterly_flow_is_known_from_any_month():
    numbers = {date(2026, 8, 9): 9, date(2026, 6, 1): 3, date(2026, 4, 1): 3}

    assert result(rise(numbers, growth("quarter", cadence="quarterly"))) == (75, OK)


def test_quarter_of_a_stock_reads_its_newest_value_in_each():
    numbers = {date(2026, 11, 20): 99, date(2026, 9, 3): 6, date(2026, 8, 1): 1, date(2026, 5, 30): 4}

    assert result(rise(numbers, growth("quarter", nature="stock"))) == (75, OK)


def test_growth_of_a_stock_reads_the_running_month_and_does_not_carry_its_base():
    yoy = growth("yoy", nature="stock")

    assert result(rise({DAY: 15, date(2025, 11, 3): 12}, yoy)) == (62.5, OK)
    assert state(rise({DAY: 15, date(2025, 10, 31): 12}, yoy)) == TOO_SHORT


def test_growth_per_seat_is_steady_when_both_shrink():
    seats = monthly([100] * 12 + [60]) | {DAY: 60}

    scores = rise(monthly([500] * 12 + [300]), growth("avg12", per="seats"), seats)

    assert result(scores) == (50, OK)
    assert flags(scores) == Flag.BASE_SHIFT


def test_seats_that_moved_by_less_than_the_limit_are_no_base_shift():
    text = growth("avg12", per="seats", base_shift=0.5)

    assert flags(rise(monthly([500] * 12 + [300]), text, monthly([100] * 12 + [60]))) == Flag(0)
    assert flags(rise(monthly([500] * 12 + [300]), text, monthly([100] * 12 + [50]))) == Flag.BASE_SHIFT


def test_month_without_seats_is_unknown_per_seat():
    seats = monthly([0] * 4 + [100] * 9)

    scores = rise(monthly([500] * 13), growth("avg12", per="seats"), seats)

    assert scores.history[0, 3] == 8


def test_fewer_seats_than_none_are_invalid():
    assert state(rise(monthly([500] * 13), growth("avg12", per="seats"), monthly([-1] * 13))) == INVALID


PER_SEAT = growth("avg12", per="seats")


def test_growth_per_seat_without_a_number_in_time_is_missing_however_wrong_its_seats():
    seats = monthly([-1] * 13)

    assert state(rise({}, PER_SEAT, seats)) == MISSING
    assert state(rise(monthly([10] * 13, newest=4), PER_SEAT, seats | {DAY: 5})) == MISSING


def test_negative_number_of_the_base_is_invalid_even_without_seats_to_count_it_per():
    numbers = monthly([10] * 5 + [-1] + [10] * 7)

    assert state(rise(numbers, PER_SEAT, monthly([5] * 5 + [0] + [5] * 7))) == INVALID


def test_fewer_seats_than_none_are_invalid_even_in_a_month_without_a_number():
    numbers = monthly([10] * 5 + [None] + [10] * 7)

    assert state(rise(numbers, PER_SEAT, monthly([5] * 5 + [-1] + [5] * 7))) == INVALID


def test_what_came_after_the_newest_month_with_seats_is_not_read():
    scores = rise(monthly([10] * 13 + [-1]), PER_SEAT, monthly([5] * 13 + [0]))

    assert result(scores) == (50, GRACE)


def test_stock_per_seat_is_missing_without_seats_in_the_month_of_its_newest_value():
    yoy = growth("yoy", nature="stock", cadence="quarterly", per="seats")
    numbers = {date(2025, 9, 30): 10, date(2026, 9, 30): 10, date(2025, 8, 31): 10, date(2026, 8, 31): 10}
    seats = {date(2025, 8, 31): 5, date(2026, 8, 31): 5, DAY: 5}

    assert result(rise(numbers, yoy, seats)) == (50, OK)
    assert state(rise(numbers, yoy, seats | {date(2026, 9, 30): 0})) == MISSING
    assert state(rise(numbers, yoy, {date(2025, 8, 31): 5, DAY: 5})) == MISSING


@pytest.mark.parametrize(("age", "expected"), [(0, TOO_SHORT), (90, TOO_SHORT), (91, OK), (np.nan, OK)])
def test_growth_waits_until_an_organization_is_91_days_old(age, expected):
    assert state(rise(monthly([10] * 13), age_days=age)) == expected


# ---------- indicator ----------


def indicator(form="binary", nature="event", cadence="monthly", **more):
    if nature == "event" and form != "recency":
        more = {"days": 365} | more
    return card(
        metric("review", nature, cadence=cadence),
        signal("held", "indicator", metric="review", form=form, **more),
    )


def held(numbers, text=None, windows=(), **more):
    return scored(text or indicator(), {"review": numbers}, declared={"review": list(windows)}, **more)


def test_event_365_days_before_the_end_is_in_the_window():
    windows = [Declaration(ago(365), DAY)]

    assert result(held({ago(365): 1}, windows=windows)) == (100, OK)
    assert result(held({ago(366): 1}, windows=windows)) == (0, OK)


def test_window_declared_throughout_without_an_event_is_a_known_absence():
    assert result(held({}, windows=[Declaration(ago(365), DAY)])) == (0, OK)


def test_known_absence_whose_end_is_in_grace_is_stale():
    windows = [Declaration(date(2025, 9, 1), date(2026, 9, 30))]

    scores = held({}, windows=windows)

    assert result(scores) == (0, GRACE)
    assert scores.inputs["held"]["window_end"][0] == date(2026, 9, 30).toordinal()


@pytest.mark.parametrize(
    ("cadence", "until", "expected"),
    [
        ("monthly", date(2026, 10, 31), OK),
        ("monthly", date(2026, 10, 30), GRACE),
        ("monthly", date(2026, 9, 30), GRACE),
        ("monthly", date(2026, 8, 31), MISSING),
        ("quarterly", date(2026, 9, 30), OK),
        ("quarterly", date(2026, 6, 30), GRACE),
        ("quarterly", date(2026, 3, 31), MISSING),
        ("weekly", ago(10), OK),
        ("weekly", ago(17), GRACE),
        ("weekly", ago(18), MISSING),
        ("daily", ago(2), OK),
        ("daily", ago(5), GRACE),
        ("daily", ago(6), MISSING),
    ],
)
def test_declarations_are_due_by_cadence(cadence, until, expected):
    text = indicator(cadence=cadence, days=30)

    assert state(held({}, text, [Declaration(until - timedelta(60), until)])) == expected


def test_window_ends_on_the_last_declared_day_while_that_is_fresh():
    event = {date(2026, 10, 1): 1}

    scores = held(event, indicator(days=30), [Declaration(date(2026, 8, 1), OCTOBER_END)])

    assert result(scores) == (100, OK)
    assert scores.inputs["held"]["declared_until"][0] == OCTOBER_END.toordinal()


def test_window_ends_on_the_day_once_the_source_is_silent_beyond_grace():
    scores = held(
        {date(2026, 8, 20): 1}, indicator(days=30), [Declaration(date(2026, 7, 1), date(2026, 8, 31))]
    )

    assert state(scores) == MISSING
    assert scores.inputs["held"]["window_end"][0] == DAY.toordinal()


def test_event_after_the_end_of_the_window_counts_too():
    scores = held({DAY: 1}, indicator(days=30), [Declaration(date(2026, 8, 1), OCTOBER_END)])

    assert result(scores) == (100, OK)


def test_event_of_a_silent_source_scores_at_once():
    assert result(held({ago(3): 1})) == (100, OK)


def test_event_of_tomorrow_counts_from_its_day_on():
    tomorrow = {DAY + timedelta(1): 1}

    assert state(held(tomorrow)) == MISSING
    assert result(held(tomorrow, day=DAY + timedelta(1))) == (100, OK)


def test_source_newer_than_the_window_is_too_short_a_history():
    assert state(held({}, windows=[Declaration(ago(100), DAY)])) == TOO_SHORT


def test_source_that_joined_its_declarations_is_newer_not_gapped():
    windows = [Declaration(ago(100), ago(50)), Declaration(ago(49), DAY), Declaration(ago(80), ago(60))]

    assert state(held({}, windows=windows)) == TOO_SHORT


def test_declarations_with_a_gap_are_missing():
    assert state(held({}, windows=[Declaration(ago(365), ago(51)), Declaration(ago(49), DAY)])) == MISSING


def test_absence_is_zero_makes_gaps_a_zero():
    text = indicator(absence_is_zero=True)

    assert result(held({}, text, [Declaration(ago(365), ago(51)), Declaration(ago(49), DAY)])) == (0, OK)


def test_absence_is_zero_does_not_make_a_new_source_a_zero():
    assert state(held({}, indicator(absence_is_zero=True), [Declaration(ago(100), DAY)])) == TOO_SHORT


def test_absence_is_zero_needs_an_end_that_is_declared_and_fresh():
    text = indicator(absence_is_zero=True)

    assert state(held({}, text)) == MISSING
    assert state(held({}, text, [Declaration(date(2025, 1, 1), date(2026, 8, 31))])) == MISSING
    assert (
        state(held({}, text, [Declaration(ago(300), ago(250)), Declaration(ago(240), date(2026, 9, 30))]))
        == GRACE
    )


def test_nothing_declared_and_no_event_is_missing():
    assert state(held({})) == MISSING


def test_several_events_of_a_month_are_counted_by_day():
    text = indicator("ternary")

    assert result(held({ago(3): 1}, text)) == (50, OK)
    assert result(held({ago(3): 1, ago(4): 1}, text)) == (100, OK)


def test_event_taken_back_did_not_happen():
    assert result(held({ago(3): 0}, windows=[Declaration(ago(365), DAY)])) == (0, OK)


def test_count_follows_its_own_steps():
    steps = [{"at_least": 4, "points": 100}, {"more_than": 1, "points": 60}, {"points": 10}]
    text = indicator("ternary", steps=steps)

    assert result(held({ago(1): 1}, text)) == (10, OK)
    assert result(held({ago(1): 1, ago(2): 1}, text)) == (60, OK)


def test_known_absence_goes_through_the_steps_like_any_count():
    steps = [{"at_least": 1, "points": 40}, {"points": 70}]
    recent = [{"at_most": 90, "points": 100}, {"points": 20}]
    declared = {"review": [Declaration(ago(400), DAY)]}

    counted = scored(indicator("ternary", steps=steps), {"review": {}}, declared=declared)
    since = scored(indicator("recency", steps=recent), {"review": {}}, declared=declared)

    assert result(counted) == (70, OK)
    assert result(since) == (20, OK)


def test_recency_counts_from_the_declared_end():
    windows = [Declaration(date(2026, 1, 1), OCTOBER_END)]

    scores = held({OCTOBER_END - timedelta(90): 1}, indicator("recency"), windows)

    assert result(scores) == (100, OK)
    assert scores.inputs["held"]["value"][0] == 90


def test_recency_after_the_declared_end_is_zero_days():
    scores = held({DAY: 1}, indicator("recency"), [Declaration(date(2026, 1, 1), OCTOBER_END)])

    assert scores.inputs["held"]["value"][0] == 0
    assert scores.inputs["held"]["last_event"][0] == DAY.toordinal()


def test_recency_older_than_its_last_edge_is_0_only_when_declared():
    old = {ago(200): 1}

    assert result(held(old, indicator("recency"), [Declaration(ago(365), DAY)])) == (0, OK)
    assert state(held(old, indicator("recency"))) == MISSING


def test_newest_event_decides_recency():
    assert result(held({ago(150): 1, ago(20): 1, ago(19): 1}, indicator("recency"))) == (100, OK)


def test_binary_on_a_stock_needs_at_least_1():
    text = indicator(nature="stock")

    assert result(held({DAY: 1}, text)) == (100, OK)
    assert result(held({DAY: 0.5}, text)) == (0, OK)


def test_binary_on_a_stock_can_demand_at_most():
    text = indicator(nature="stock", at_most=0)

    assert result(held({DAY: 0}, text)) == (100, OK)
    assert result(held({DAY: 1}, text)) == (0, OK)


def test_indicator_on_a_stock_is_fresh_as_the_stock():
    text = indicator("ternary", nature="stock")

    assert result(held({ago(38): 1}, text)) == (50, OK)
    assert result(held({ago(69): 1}, text)) == (50, GRACE)
    assert state(held({ago(70): 1}, text)) == MISSING
    assert state(held({DAY: -1}, text)) == INVALID


# ---------- error ----------

ERRORS = metric("errors", "flow", "day")
ERROR = card(ERRORS, signal("clean", "error", metric="errors"))


def test_unobserved_days_are_left_out_never_clean():
    scores = scored(ERROR, {"errors": daily([0] * 10 + [None] * 5 + [1] * 5 + [0] * 10)})

    assert result(scores) == (80, OK)
    assert scores.inputs["clean"]["observed_days"][0] == 25


def test_day_31_days_ago_is_outside_the_window():
    assert result(scored(ERROR, {"errors": daily([9] + [0] * 30)})) == (100, OK)


def test_day_declared_complete_is_clean():
    declared = {"errors": [Declaration(ago(29), DAY)]}

    scores = scored(ERROR, {"errors": {ago(4): 3}}, declared=declared)

    assert result(scores) == (96.67, OK)


def test_window_of_1_march_reaches_into_january():
    first = date(2027, 3, 1)

    scores = scored(ERROR, {"errors": daily([1] + [0] * 29, until=first)}, day=first)

    assert scores.inputs["clean"]["observed_days"][0] == 30
    assert result(scores) == (96.67, OK)


@pytest.mark.parametrize(("silent", "expected"), [(2, OK), (3, GRACE), (5, GRACE), (6, MISSING)])
def test_daily_numbers_are_due_after_two_days_then_in_grace_for_three(silent, expected):
    assert state(scored(ERROR, {"errors": daily([0] * 40, until=ago(silent))})) == expected


def test_errors_up_to_the_tolerance_are_clean():
    text = card(ERRORS, signal("clean", "error", metric="errors", tolerance=2))

    assert result(scored(text, {"errors": daily([2] * 15 + [3] * 15)})) == (50, OK)


def test_errors_up_to_a_rate_are_clean():
    text = card(
        ERRORS + metric("calls", "flow", "day"),
        signal("clean", "error", metric="errors", rate=0.29, per="calls"),
    )
    errors, calls = daily([29] * 15 + [30] * 15), daily([100] * 30)

    scores = scored(text, {"errors": errors, "calls": calls})

    assert result(scores) == (50, OK)


def test_day_without_its_calls_is_not_observed():
    text = card(
        ERRORS + metric("calls", "flow", "day"),
        signal("clean", "error", metric="errors", rate=0.01, per="calls"),
    )

    scores = scored(text, {"errors": daily([0] * 30), "calls": daily([100] * 12 + [None] * 3 + [100] * 15)})

    assert scores.inputs["clean"]["observed_days"][0] == 27


def test_errors_by_a_rate_are_as_fresh_as_the_stalest_input_each_by_its_own_lag():
    text = card(
        ERRORS + metric("calls", "flow", "day", lag=5),
        signal("clean", "error", metric="errors", rate=0.01, per="calls"),
    )
    older, newer = daily([0] * 40, until=ago(6)), daily([0] * 40, until=ago(2))

    assert result(scored(text, {"errors": newer, "calls": older})) == (100, OK)
    assert state(scored(text, {"errors": daily([0] * 40, until=ago(3)), "calls": older})) == GRACE
    assert state(scored(text, {"errors": older, "calls": newer})) == MISSING


def test_rate_sent_as_a_gauge_is_clean_up_to_the_tolerance():
    text = card(
        metric("rate", "gauge", "day"), signal("clean", "error", metric="rate", tolerance=0.01, min_days=10)
    )

    assert result(scored(text, {"rate": daily([0.01] * 6 + [0.02] * 6)})) == (50, OK)


def test_streak_counts_clean_days_after_the_last_error():
    text = card(ERRORS, signal("clean", "error", metric="errors", streak=True))

    assert result(scored(text, {"errors": daily([0] * 14 + [1] + [0] * 15)})) == (50, OK)
    assert result(scored(text, {"errors": daily([0] * 30)})) == (100, OK)
    assert result(scored(text, {"errors": daily([0] * 29 + [1])})) == (0, OK)


def test_negative_errors_are_invalid():
    assert state(scored(ERROR, {"errors": daily([0] * 29 + [-1])})) == INVALID


def test_shorter_window_with_its_own_minimum():
    text = card(ERRORS, signal("clean", "error", metric="errors", days=7, min_days=5))

    assert result(scored(text, {"errors": daily([9] * 20 + [0] * 5)})) == (71.43, OK)
    assert state(scored(text, {"errors": daily([0] * 4)})) == MISSING


# ---------- performance ----------


def performance(**more):
    curve = more or {"curve": "lognormal", "p10": 1500, "median": 3000}
    return card(
        metric("time", "gauge", "day", companion="requests") + metric("requests", "flow", "day"),
        signal("speed", "performance", metric="time", **curve),
    )


def october(values):
    """Numbers of October, and the same as its last for the days since."""
    return daily(values + [values[-1]] * 21)


def speed(time, requests, text=None, **more):
    return scored(text or performance(), {"time": october(time), "requests": october(requests)}, **more)


def test_average_is_weighted_by_requests():
    scores = speed([1000] * 30 + [4000], [1] * 30 + [30])

    assert scores.inputs["speed"]["average"][0] == 2500
    assert result(scores) == (63.2, OK)


def test_month_without_requests_has_nothing_to_measure():
    assert state(speed([1000] * 31, [0] * 31)) == NOT_APPLICABLE


def test_day_without_requests_is_observed_without_a_time():
    scores = speed([None] * 25 + [3000] * 6, [0] * 25 + [1] * 6)

    assert scores.inputs["speed"]["observed_days"][0] == 31
    assert result(scores) == (50, OK)


def test_declared_days_without_requests_are_observed():
    declared = {"requests": [Declaration(date(2026, 10, 1), DAY)]}

    scores = scored(performance(), {"time": {}, "requests": {}}, declared=declared)

    assert state(scores) == NOT_APPLICABLE


def test_average_of_zero_is_invalid():
    assert state(speed([0] * 31, [5] * 31)) == INVALID


def test_negative_time_or_weight_is_invalid():
    assert state(speed([1000] * 30 + [-1], [5] * 31)) == INVALID
    assert state(speed([1000] * 31, [5] * 30 + [-1])) == INVALID


def test_under_10_observed_days_is_missing():
    assert state(speed([None] * 22 + [1000] * 9, [5] * 31)) == MISSING
    assert state(speed([None] * 21 + [1000] * 10, [5] * 31)) == OK


def test_performance_never_moves_back_to_an_earlier_month():
    numbers = daily([1000] * 30, until=date(2026, 9, 30)) | daily([1000] * 15)

    assert state(scored(performance(), {"time": numbers, "requests": numbers})) == MISSING


def test_performance_of_a_source_that_fell_silent_is_missing():
    numbers = daily([1000] * 31, until=OCTOBER_END)

    silent = {"time": numbers, "requests": numbers}

    assert state(scored(performance(), silent)) == MISSING
    assert state(scored(performance(), silent, day=date(2026, 11, 5))) == GRACE


def test_average_is_as_fresh_as_the_stalest_input_each_by_its_own_lag():
    text = card(
        metric("time", "gauge", "day", companion="requests") + metric("requests", "flow", "day", lag=5),
        signal("speed", "performance", metric="time", curve="lognormal", p10=1500, median=3000),
    )
    older, newer = daily([3000] * 60, until=ago(6)), daily([3000] * 60, until=ago(2))

    assert result(scored(text, {"time": newer, "requests": older})) == (50, OK)
    assert state(scored(text, {"time": daily([3000] * 60, until=ago(3)), "requests": older})) == GRACE
    assert state(scored(text, {"time": older, "requests": newer})) == MISSING


def test_month_that_ends_on_the_day_is_averaged():
    numbers = daily([3000] * 31, until=OCTOBER_END)

    assert result(scored(performance(), {"time": numbers, "requests": numbers}, day=OCTOBER_END)) == (50, OK)


def test_linear_curve_works_in_either_direction():
    lower_is_better = performance(curve="linear", good=50, poor=100)
    higher_is_better = performance(curve="linear", good=100, poor=50)

    assert result(speed([60] * 31, [1] * 31, lower_is_better)) == (80, OK)
    assert result(speed([60] * 31, [1] * 31, higher_is_better)) == (20, OK)
    assert result(speed([200] * 31, [1] * 31, higher_is_better)) == (100, OK)


def test_steps_curve():
    steps = [{"less_than": 100, "points": 100}, {"at_most": 200, "points": 40}, {"points": 0}]
    text = performance(curve="steps", steps=steps)

    assert result(speed([100] * 31, [1] * 31, text)) == (40, OK)


def test_gauge_without_companion_weighs_every_day_the_same():
    text = card(
        metric("time", "gauge", "day"),
        signal("speed", "performance", metric="time", curve="linear", good=0, poor=100),
    )

    assert result(scored(text, {"time": october([10] * 10 + [None] * 11 + [30] * 10)})) == (80, OK)


# ---------- config ----------


def config(*settings):
    return card(
        *(metric(f"s{place}", "stock", cadence="weekly") for place in range(len(settings))),
        signal(
            "baseline",
            "config",
            settings=[{"metric": f"s{place}", "risk": "high"} | more for place, more in enumerate(settings)],
        ),
    )


def baseline(text, *values):
    return scored(text, {f"s{place}": value for place, value in enumerate(values)})


def test_numeric_setting_is_a_share_between_worst_and_best():
    text = config({"worst": 30, "best": 10}, {"worst": 0, "best": 4})

    assert result(baseline(text, {DAY: 25}, {DAY: 9})) == (62.5, OK)


def test_setting_without_a_value_is_left_out():
    scores = baseline(config({}, {"risk": "low"}), {}, {DAY: 0.5})

    assert result(scores) == (50, OK)
    assert scores.inputs["baseline"]["total"][0] == 1


def test_setting_beyond_grace_is_left_out():
    assert result(baseline(config({}, {}), {ago(18): 0}, {DAY: 1})) == (100, OK)


def test_no_setting_with_a_value_is_missing():
    assert state(baseline(config({}, {}), {}, {ago(18): 1})) == MISSING


def test_no_scored_setting_does_not_apply():
    assert (
        state(baseline(config({"risk": "informational"}, {"preview": True}), {DAY: 1}, {DAY: 1}))
        == NOT_APPLICABLE
    )


def test_preview_setting_is_shown_and_not_scored():
    scores = baseline(config({}, {"preview": True}), {DAY: 1}, {DAY: 0})

    assert result(scores) == (100, OK)
    assert scores.inputs["baseline"]["setting:s1"][0] == 0


def test_setting_outside_0_to_1_is_invalid():
    assert state(baseline(config({}, {}), {DAY: 2}, {DAY: 1})) == INVALID
    assert state(baseline(config({}, {}), {DAY: -1}, {DAY: 1})) == INVALID


def test_setting_in_grace_makes_the_signal_stale():
    assert result(baseline(config({}, {}), {ago(11): 1}, {DAY: 0})) == (50, GRACE)


# ---------- deduction ----------

BUGS = card(
    metric("critical", "flow", "day") + metric("medium", "flow") + metric("open", "stock"),
    signal(
        "bugs",
        "deduction",
        deductions=[
            {"metric": "critical", "severity": "critical", "cap": 50},
            {"metric": "medium", "severity": "medium"},
            {"metric": "open", "points": 0.5},
        ],
    ),
)


def bugs(critical, medium, still_open):
    return scored(BUGS, {"critical": critical, "medium": medium, "open": still_open})


def test_deduction_takes_points_by_severity():
    scores = bugs(daily([0] * 28 + [1, 0]), monthly([3]), {DAY: 4})

    assert result(scores) == (60, OK)
    assert scores.inputs["bugs"]["deducted"][0] == 40
    assert scores.inputs["bugs"]["count:medium"][0] == 3


def test_deduction_is_capped_and_never_below_0():
    assert result(bugs(daily([9] * 30), monthly([0]), {DAY: 0})) == (50, OK)
    assert result(bugs(daily([9] * 30), monthly([99]), {DAY: 0})) == (0, OK)


def test_deduction_needs_telemetry_of_20_days():
    assert state(bugs(daily([0] * 19), monthly([0]), {DAY: 0})) == MISSING
    assert state(bugs(daily([0] * 20), monthly([0]), {DAY: 0})) == OK


def test_deduction_needs_every_count():
    assert state(bugs(daily([0] * 30), {}, {DAY: 0})) == MISSING


def test_deduction_is_as_fresh_as_its_stalest_count():
    assert result(bugs(daily([0] * 30), monthly([0], newest=2), {DAY: 0})) == (100, GRACE)


def test_negative_count_of_a_deduction_is_invalid():
    assert state(bugs(daily([0] * 29 + [-1]), monthly([0]), {DAY: 0})) == INVALID


def test_negative_count_is_invalid_even_where_its_metric_may_be_negative():
    text = card(
        metric("open", "stock", minimum=-10),
        signal("bugs", "deduction", deductions=[{"metric": "open", "points": 1}]),
    )

    assert state(scored(text, {"open": {DAY: -5}})) == INVALID


# ---------- steps and linear ----------


def generic(kind, nature="stock", grain="month", minimum=None, **more):
    return card(metric("value", nature, grain, minimum=minimum), signal("it", kind, metric="value", **more))


def it(text, numbers, **more):
    return scored(text, {"value": numbers}, **more)


LENGTH = [{"more_than": 45, "points": 100}, {"at_least": 20, "points": 60}, {"points": 20}]


@pytest.mark.parametrize(("value", "points"), [(45.5, 100), (45, 60), (20, 60), (19.9, 20), (0, 20)])
def test_steps_keep_strict_edges_strict(value, points):
    assert result(it(generic("steps", steps=LENGTH), {DAY: value})) == (points, OK)


@pytest.mark.parametrize(("value", "points"), [(80, 100), (75, 100), (62, 74), (25, 0), (3, 0)])
def test_linear_from_25_to_75(value, points):
    assert result(it(generic("linear", good=75, poor=25), {DAY: value})) == (points, OK)


def test_steps_of_day_grain_read_the_newest_day():
    text = generic("steps", "gauge", "day", steps=LENGTH)

    assert result(it(text, {ago(1): 50, ago(3): 5})) == (100, OK)
    assert result(it(text, {ago(4): 50})) == (100, GRACE)


def test_linear_of_a_flow_reads_the_last_month_that_arrived():
    text = generic("linear", "flow", good=10, poor=0)

    assert result(it(text, monthly([9, 5]))) == (50, OK)
    assert result(it(text, {}, declared={"value": [whole_months(1, 1)]})) == (0, OK)


def test_linear_of_a_monthly_gauge_reads_the_last_month_that_arrived():
    text = generic("linear", "gauge", good=10, poor=0)

    assert result(it(text, monthly([9, 5]) | {DAY: 1})) == (50, OK)
    assert state(it(text, {}, declared={"value": [whole_months(1, 1)]})) == MISSING


def test_negative_number_is_invalid_unless_its_metric_may_be_negative():
    steps = [{"at_least": 0, "points": 100}, {"points": 0}]

    assert state(it(generic("steps", steps=steps), {DAY: -40})) == INVALID
    assert result(it(generic("steps", minimum=-100, steps=steps), {DAY: -40})) == (0, OK)


def test_quarterly_gauge_is_the_mean_of_the_months_observed():
    text = card(
        metric("happy", "gauge", cadence="quarterly"),
        signal("mood", "linear", metric="happy", good=10, poor=0),
    )

    scores = scored(text, {"happy": {month(4): 2, month(2): 6}})

    assert result(scores) == (40, OK)


def test_metric_without_a_slot_was_never_observed():
    text = generic("linear", "gauge", "day", good=10, poor=0)

    assert state(it(text, {})) == MISSING
