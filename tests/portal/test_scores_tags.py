"""Numbers and days as they are printed."""

from datetime import UTC, date, datetime
from random import Random

import pytest

from portal.templatetags import scores


@pytest.mark.parametrize(
    ("hundredths", "text"), [(6144, "61.4"), (6145, "61.4"), (6155, "61.6"), (10_000, "100.0"), (0, "0.0")]
)
def test_sums_show_one_decimal_half_to_even(hundredths, text):
    assert scores.points(hundredths) == text


@pytest.mark.parametrize(
    ("hundredths", "text"), [(6250, "62"), (6350, "64"), (7949, "79"), (7950, "80"), (9960, "100")]
)
def test_headlines_show_no_decimals_half_to_even(hundredths, text):
    assert scores.whole(hundredths) == text


@pytest.mark.parametrize("show", [scores.points, scores.whole, scores.exact, scores.change, scores.share])
def test_no_number_is_a_dash_and_never_a_zero(show):
    assert show(None) == "–"


@pytest.mark.parametrize(
    ("hundredths", "text"), [(260, "+2.6"), (-130, "−1.3"), (0, "0.0"), (-4, "0.0"), (4, "0.0")]
)
def test_changes_carry_a_real_sign(hundredths, text):
    assert scores.change(hundredths) == text


@pytest.mark.parametrize(
    ("hundredths", "way"), [(199, "flat"), (200, "up"), (-199, "flat"), (-200, "down"), (None, "flat")]
)
def test_arrow_appears_from_two_points_on(hundredths, way):
    assert scores.direction(hundredths) == way


@pytest.mark.parametrize(
    ("fraction", "text"), [(1, "100%"), (0.997, "99%"), (0.004, "1%"), (0, "0%"), (0.92, "92%"), (None, "–")]
)
def test_percent_is_whole_only_when_nothing_is_missing(fraction, text):
    assert scores.percent(fraction) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1072, "1,072"),
        (564.0, "564"),
        (563.583, "563.6"),
        (0.8475, "0.85"),
        (4_100_000, "4.10 M"),
        (2_500_000_000, "2.50 bn"),
        (-12, "−12"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_quantities_are_short_in_tables(value, text):
    assert scores.quantity(value) == text


def test_quantities_are_full_in_details():
    assert scores.in_full(4_100_000) == "4,100,000"


def test_days_are_written_out():
    assert scores.day(date(2026, 11, 20)) == "20 Nov 2026"
    assert scores.month(date(2026, 10, 1)) == "October 2026"
    assert scores.moment(datetime(2026, 11, 20, 6, 5, tzinfo=UTC)) == "20 Nov 2026, 06:05 UTC"


def test_months_and_days_of_the_engine_are_read():
    assert scores.month_of(2026 * 12 + 9) == "October 2026"
    assert scores.day_of(float(date(2026, 11, 20).toordinal())) == "20 Nov 2026"


@pytest.mark.parametrize(
    ("part", "of", "text"),
    [(693, 564, "1.22"), (499, 564, "0.88"), (29, 100, "0.29"), (15, 12, "1.25"), (0, 3, "0.00")],
)
def test_shown_ratio_is_cut_and_not_rounded(part, of, text):
    assert scores.cut(part, of) == text


def test_parts_of_a_sum_add_up_to_the_printed_total():
    random = Random(7)

    for _ in range(500):
        shares = [random.random() for _ in range(random.randint(1, 30))]
        parts = [10_000 * share * random.random() / sum(shares) for share in shares]
        total = round(sum(parts))

        shown = scores.add_up_tenths(parts, total)

        assert sum(round(10 * float(text)) for text in shown) == round(10 * float(scores.points(total)))


def test_largest_remainder_goes_first():
    assert scores.add_up([1.2, 1.7, 1.1], 4) == [1, 2, 1]


def test_a_single_thing_has_no_plural():
    assert [scores.plural(1, "day"), scores.plural(2, "day"), scores.plural(2, "category", "categories")] == [
        "1 day",
        "2 days",
        "2 categories",
    ]
