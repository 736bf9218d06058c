"""Geometry of the drawings."""

import re
from datetime import date, timedelta
from itertools import pairwise

import pytest

from portal import charts

BANDS = (("healthy", 80), ("watch", 70), ("act", 0))
TODAY = date(2026, 11, 20)


def line(values, step=30):
    """Values up to today, so many days apart."""
    first = TODAY - timedelta(days=step * (len(values) - 1))
    return [(first + timedelta(days=step * n), value) for n, value in enumerate(values)]


def draw(*series, **options):
    days = [day for _, line in series for day, _ in line]
    return charts.trend(series, min(days), max(days), text=str, **options)


def test_gauge_zones_fill_the_scale_without_gaps():
    gauge = charts.gauge(73.6, "74", BANDS)

    assert [(zone.tone, zone.x, zone.width) for zone in gauge.zones] == [
        ("act", "0%", "70%"),
        ("watch", "70%", "10%"),
        ("healthy", "80%", "20%"),
    ]
    assert gauge.at == "73.6%"


def test_gauge_names_every_edge():
    assert [tick.text for tick in charts.gauge(50, "50", BANDS).ticks] == ["0", "70", "80", "100"]


def test_gauge_shows_a_range_only_if_there_is_one():
    assert charts.gauge(50, "50", BANDS).low == ""
    assert charts.gauge(50, "50", BANDS, 40, 60).low == "40%"


def test_bar_parts_stand_in_their_rooms():
    parts = charts.stack([("pa", 50, 25), ("ce", 20, 20), ("th", 30, 0)])

    assert [(part.x, part.width, part.end) for part in parts] == [
        ("0%", "25%", "50%"),
        ("50%", "20%", "70%"),
        ("70%", "0%", "100%"),
    ]


def test_sparkline_breaks_where_nothing_is_known():
    spark = charts.spark([(0, 50), (0.5, None), (1, 60)])

    assert spark.path.count("M") == 2


def test_sparkline_ends_at_its_last_known_point():
    spark = charts.spark([(0, 50), (0.5, 60), (1, None)])

    assert (spark.x, spark.y) == ("47.0", "3.0")


def test_sparkline_of_nothing_is_empty():
    assert charts.spark([(0, None)]).path == ""


def test_flat_sparkline_is_drawn():
    assert charts.spark([(0, 100), (1, 100)]).path == "M2.0 3.0 92.0 3.0"


def test_small_lines_share_the_usual_scale_if_they_fit():
    assert charts.shared_scale([55, 90, None]) == charts.CARD
    assert charts.shared_scale([20, 90]) == charts.FULL


def test_scores_start_at_fifty_if_all_fit():
    assert [tick.text for tick in draw(("all", line([60, 70]))).up] == ["50", "60", "70", "80", "90"]
    assert [tick.text for tick in draw(("all", line([49, 70]))).up] == ["0", "25", "50", "75", "100"]


def test_main_line_is_drawn_last():
    plot = draw(("all", line([60, 70])), ("pa", line([50, 60])))

    assert [drawn.key for drawn in plot.lines] == ["pa", "all"]
    assert plot.lines[-1].is_main


def test_labels_of_equal_values_stand_apart():
    plot = draw(*((key, line([60, 74])) for key in ("all", "pa", "ce", "th")))

    heights = sorted(float(drawn.label_y[:-1]) for drawn in plot.lines)

    assert all(b - a >= charts.LABEL_GAP - 0.01 for a, b in pairwise(heights))


def test_labels_stay_inside_the_plot():
    plot = draw(*((key, line([50, 50])) for key in ("all", "pa", "ce", "th")))

    assert max(float(drawn.label_y[:-1]) for drawn in plot.lines) <= 100


def test_line_without_a_number_is_left_out():
    plot = draw(("all", line([60, 70])), ("pa", line([None, None])))

    assert [drawn.key for drawn in plot.lines] == ["all"]


def test_band_is_tinted_where_the_scale_shows_it():
    plot = draw(("all", line([60, 70])), band=("watch", 70, 80))

    assert (plot.band.x, plot.band.width) == ("33.33%", "22.22%")


def test_name_of_the_band_keeps_away_from_the_lines():
    low = draw(("all", line([71, 71])), band=("watch", 70, 80))
    high = draw(("all", line([79, 79])), band=("watch", 70, 80))

    assert float(low.band_label[:-1]) < 45 < float(high.band_label[:-1])


def test_months_of_a_year_are_labelled():
    plot = draw(("all", line([60] * 13)))

    assert [tick.text for tick in plot.across][:3] == ["Jan ’26", "Feb", "Mar"]
    assert len(plot.across) == 11


def test_years_of_months_are_thinned_out():
    assert len(draw(("all", line([60] * 40))).across) <= charts.LABELS_X


def test_days_within_one_month_still_have_a_label():
    assert [tick.text for tick in draw(("all", line([60, 61], step=5))).across] == ["20 Nov"]


def test_monthly_numbers_span_round_ticks():
    months = [(date(2026, n, 1), value) for n, value in enumerate([431, 500, 641, 693], start=1)]

    plot = charts.months([("pa", months)], text=str, level=564, level_text="Average 564")

    assert [tick.text for tick in plot.up] == ["400", "500", "600", "700"]
    assert plot.rule.text == "Average 564"


def test_average_is_labelled_away_from_the_line():
    def rule(last):
        months = [(date(2026, 1, 1), 500), (date(2026, 2, 1), last)]
        return charts.months([("pa", months)], text=str, level=564).rule

    assert rule(693).dy > 0 > rule(499).dy


@pytest.mark.parametrize("values", [[0, 0, 0], [5, 5], [0.1, 0.2], [3, 9e14], [-5, 5], [None, 7]])
def test_any_numbers_can_be_drawn(values):
    months = [(date(2026, n + 1, 1), value) for n, value in enumerate(values)]

    plot = charts.months([("pa", months)], text=str)

    assert 2 <= len(plot.up) <= charts.MOST_TICKS
    assert all(re.fullmatch(r"\d+(\.\d+)?%", tick.at) for tick in plot.up)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1200, "1.2k"), (5_000_000, "5M"), (2e9, "2bn"), (250, "250"), (-1500, "−1.5k"), (0.5, "0.5")],
)
def test_axis_labels_are_short(value, text):
    assert charts.axis_text(value) == text


def test_strip_is_drawn_on_a_scale_that_tells_nothing_of_the_others():
    near, far = charts.strip(74, (64, 71, 79)), charts.strip(74, (39, 71, 79))

    assert (near.low, near.width, near.median, near.you.at) == ("40%", "25%", "51.67%", "56.67%")
    assert (far.low, far.median, far.you.at) == ("39%", "71%", "74%")


def spans(strip: charts.Strip) -> list[tuple[float, float]]:
    """Where each label begins and ends in percent, at the 270 px that a telephone of 360 leaves."""
    found = []
    for tick in strip.ticks:
        at, wide = float(tick.at[:-1]), 100 * 7.2 * len(tick.text) / 270
        start = {"start": at, "middle": at - wide / 2, "end": at - wide}[tick.anchor]
        found.append((start, start + wide))
    return found


@pytest.mark.parametrize(
    "middle",
    [
        (64, 71, 79),
        (70, 71, 72),
        (0, 1, 2),
        (98, 99, 100),
        (99, 100, 100),
        (0, 0, 1),
        (40, 41, 100),
        (71, 71, 71),
    ],
)
def test_labels_of_a_strip_keep_apart(middle):
    found = spans(charts.strip(74, middle))

    assert all(left[1] <= right[0] for left, right in pairwise(found))


@pytest.mark.parametrize(
    ("middle", "texts"), [((71, 71, 71), ["71"]), ((0, 0, 100), ["0", "100"]), ((100, 100, 100), ["100"])]
)
def test_strip_says_equal_numbers_once(middle, texts):
    assert [tick.text for tick in charts.strip(None, middle).ticks] == texts


@pytest.mark.parametrize(("own", "anchor"), [(0, "start"), (74, "middle"), (100, "end")])
def test_own_label_of_a_strip_stays_inside(own, anchor):
    assert charts.strip(own, (0, 50, 100)).you.anchor == anchor


def test_strip_of_nobodys_own_has_its_reference_lines_alone():
    strip = charts.strip(None, (64, 71, 79), (75,))

    assert strip.you is None
    assert len(strip.rules) == 1
