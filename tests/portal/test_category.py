"""The drill-down of a category, and why a signal has its score."""

import html
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from portal.pages.kinds import told
from scoring import engine, read
from scoring.engine import Flag, State
from scoring.models import Pointer
from tests.portal.scored import YESTERDAY, score, text_of

pytestmark = pytest.mark.any_database

GROWTH = "/o/orchard/score/product-adoption/?signal=sales.work_order_growth"


@pytest.fixture
def dana_at(client, dana, orchard):
    """Opens an address as Dana, after one night."""
    score(orchard)
    client.force_login(dana)
    return client.get


# ---------- the table ----------


def test_category_shows_its_score_and_what_it_gives(dana_at, orchard):
    node = dana_at("/o/orchard/score/product-adoption/")
    reading = read.latest(orchard).by_node["product-adoption"]

    assert f"{reading.whole} of 100 {reading.band.name}" in text_of(node)
    assert "Weighs 50% of the overall score and gives it" in text_of(node)


def test_points_of_the_signals_add_up_to_the_footer(dana_at):
    page = dana_at("/o/orchard/score/product-adoption/").content.decode()
    rows, foot = re.search(r'<table class="tbl tbl--stack">(.*?)<tfoot>(.*?)</tfoot>', page, re.S).groups()

    given = [Decimal(each) for each in re.findall(r'data-l="Points" class="num b">([\d.]+)<', rows)]
    total = Decimal(re.search(r'data-l="Points">([\d.]+)<', foot).group(1))

    assert len(given) == 2
    assert sum(given) == total


def test_inputs_stand_under_the_name(dana_at):
    page = text_of(dana_at("/o/orchard/score/product-adoption/"))

    assert "Sales license activation 412 / 500 licenses Ratio" in page
    assert "Work order growth 693 / 564 average × 50 Growth" in page


def test_subcategory_has_a_page_of_its_own(dana_at):
    page = text_of(dana_at("/o/orchard/score/product-adoption/momentum/"))

    assert "Overview Product Adoption Momentum" in page
    assert "Work order growth" in page
    assert "Sales license activation" not in page


@pytest.mark.parametrize(
    "address",
    [
        "/o/orchard/score/nothing/",
        "/o/orchard/score/product-adoption/nothing/",
        "/o/orchard/score/overall/",
        "/o/orchard/score/product-adoption/?signal=nothing",
        "/o/orchard/score/product-adoption/?signal=platform.error_free_days",
    ],
)
def test_unknown_node_is_not_found(dana_at, address):
    assert dana_at(address).status_code == 404


def test_stranger_sees_no_category(client, hal, orchard):
    client.force_login(hal)

    assert client.get("/o/orchard/score/product-adoption/").status_code == 404


def test_category_asks_as_few_questions_of_many_signals_and_nights_as_of_one(client, dana, orchard):
    """Sixteen were counted, one of them what to do next; the bound is that, and the same everywhere."""
    score(orchard, days=(YESTERDAY - timedelta(days=31), YESTERDAY - timedelta(days=30), YESTERDAY))
    client.force_login(dana)
    pages = (
        "product-adoption/",
        "product-adoption/momentum/",
        "product-adoption/?signal=sales.work_order_growth",
    )
    addresses = [f"/o/orchard/score/{page}" for page in pages]
    client.get(addresses[0])

    many = [questions(client, address) for address in addresses]
    Pointer.objects.filter(day__lt=YESTERDAY).delete()
    one = [questions(client, address) for address in addresses]

    assert max(many) <= 16
    assert set(many) == set(one)


def questions(client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


# ---------- why ----------


def test_growth_is_explained_with_its_real_numbers(dana_at):
    page = text_of(dana_at(GROWTH))

    assert "693 work orders in " in page
    assert "564 a month on average over the 12 months before." in page
    assert "693 / 564 ≈ 1.22 (cut, not rounded), × 50 = 61.44 , rounded to 61 ." in page


def test_growth_is_drawn_month_by_month_with_its_average(dana_at):
    page = dana_at(GROWTH).content.decode()

    assert "Work orders by month" in page
    assert "Average 564" in page
    assert page.count('<tr><th scope="row">') >= 13


def test_open_signal_is_marked_in_the_table(dana_at):
    page = dana_at(GROWTH).content.decode()

    assert len(re.findall(r'<tr class="is-on">', page)) == 1


def test_what_a_signal_gives_is_the_same_in_table_and_panel(dana_at):
    page = text_of(dana_at(GROWTH))

    given = re.search(r"Gives ([\d.]+) category points", page).group(1)

    assert f"33.3% {given}" in page


def test_subcategory_says_what_a_signal_gives_there(dana_at):
    page = text_of(dana_at("/o/orchard/score/product-adoption/momentum/?signal=sales.work_order_growth"))

    assert "100.0% of Momentum. Gives 61.4 subcategory points" in page


def test_page_without_a_question_has_no_panel(dana_at):
    assert 'id="why"' not in dana_at("/o/orchard/score/product-adoption/").content.decode()


def test_every_signal_of_the_card_can_be_explained(dana_at, orchard):
    signals = [each.signal for each in read.walk(read.latest(orchard).overall) if each.signal]

    pages = [text_of(dana_at(f"/o/orchard/score/{each.category}/?signal={each.key}")) for each in signals]

    assert all("Inputs." in page and "Weight." in page for page in pages)


# ---------- the words of every kind ----------

CARD = """
[scorecard]
key = "all-kinds"
name = "All kinds"
audience = "customer"
min_categories = 1
[[category]]
key = "c"
name = "C"
short = "C"
weight = 1
definition = "C."
[[category.subcategory]]
key = "s"
name = "S"
weight = 1
definition = "S."
""" + "".join(
    f"""
[[metric]]
key = "m.{name}"
name = "{name}"
unit = "{unit}"
nature = "{nature}"
grain = "{grain}"
cadence = "{cadence}"
"""
    for name, unit, nature, grain, cadence in (
        ("used", "licenses", "stock", "month", "weekly"),
        ("bought", "licenses", "stock", "month", "monthly"),
        ("spent", "credits", "flow", "month", "monthly"),
        ("given", "credits", "flow", "month", "monthly"),
        ("users", "users", "stock", "month", "monthly"),
        ("held", "reviews", "event", "event", "monthly"),
        ("errors", "errors", "flow", "day", "daily"),
        ("time", "ms", "gauge", "day", "daily"),
        ("calls", "calls", "flow", "day", "daily"),
    )
)

OPTIONS = {
    "share": 'kind = "ratio"\nnumerator = "m.used"\ndenominator = "m.bought"',
    "window": 'kind = "ratio"\nnumerator = "m.spent"\ndenominator = "m.given"\nmonths = 12',
    "inverse": 'kind = "ratio"\nnumerator = "m.spent"\ndenominator = "m.given"\nmonths = 3\ninverse = true',
    "target": 'kind = "ratio"\nnumerator = "m.spent"\ndenominator = "m.users"\nmonths = 12\ntarget = 2',
    "avg12": 'kind = "growth"\nmetric = "m.spent"\nvariant = "avg12"',
    "yoy": 'kind = "growth"\nmetric = "m.spent"\nvariant = "yoy"',
    "quarter": 'kind = "growth"\nmetric = "m.spent"\nvariant = "quarter"',
    "binary": 'kind = "indicator"\nform = "binary"\nmetric = "m.held"\ndays = 30',
    "ternary": 'kind = "indicator"\nform = "ternary"\nmetric = "m.held"\ndays = 365',
    "recency": 'kind = "indicator"\nform = "recency"\nmetric = "m.held"',
    "reported": 'kind = "indicator"\nform = "binary"\nmetric = "m.used"\nat_least = 3',
    "clean": 'kind = "error"\nmetric = "m.errors"',
    "rated": 'kind = "error"\nmetric = "m.errors"\nrate = 0.01\nper = "m.calls"',
    "streak": 'kind = "error"\nmetric = "m.errors"\nstreak = true',
    "lognormal": 'kind = "performance"\nmetric = "m.time"\ncurve = "lognormal"\np10 = 1500\nmedian = 3000',
    "linear": 'kind = "performance"\nmetric = "m.time"\ncurve = "linear"\ngood = 50\npoor = 100',
    "config": 'kind = "config"\nsettings = [{ metric = "m.used", risk = "high", worst = 6, best = 12 }]',
    "deduction": 'kind = "deduction"\ndeductions = [{ metric = "m.used", severity = "critical" }]',
    "steps": 'kind = "steps"\nmetric = "m.used"\nsteps = [{ at_least = 4, points = 100 }, { points = 0 }]',
    "scale": 'kind = "linear"\nmetric = "m.used"\ngood = 75\npoor = 25',
}
ALL_KINDS = engine.parse(
    CARD
    + "".join(
        f"""
[[signal]]
key = "{key}"
name = "{key}"
category = "c"
subcategory = "s"
weight = 1
definition = "D."
formula = "F."
reading = "R."
{options}
"""
        for key, options in OPTIONS.items()
    )
)

OCTOBER, DAY = 2026 * 12 + 9.0, 740_000.0
CASES = {
    "share": (6700, dict(numerator=1072, denominator=1600, as_of=DAY), "1,072 / 1,600 licenses"),
    "window": (
        8200,
        dict(numerator=4.1e6, denominator=5e6, month=OCTOBER, months_window=12, months_known=12),
        "4.10 M / 5.00 M credits in 12 months",
    ),
    "inverse": (9250, dict(numerator=18, denominator=240, month=OCTOBER), "18 / 240 credits in 3 months"),
    "target": (4700, dict(numerator=1204, denominator=1280), "1,204 credits / 1,280 users in 12 months"),
    "avg12": (6144, dict(numerator=693, denominator=564, month=OCTOBER), "693 / 564 average × 50"),
    "yoy": (6250, dict(numerator=15, denominator=12, month=OCTOBER), "15 / 12 a year before × 50"),
    "quarter": (
        4424,
        dict(numerator=499, denominator=564, month=OCTOBER),
        "499 / 564 quarterly average × 50",
    ),
    "binary": (10_000, dict(value=3, last_event=DAY), "In the last 30 days: yes"),
    "ternary": (5000, dict(value=1, last_event=DAY), "In the last 365 days: once"),
    "recency": (5000, dict(value=91, last_event=DAY), "91 days since the last, on 19 Jan 2027"),
    "reported": (10_000, dict(value=3, as_of=DAY), "3 licenses"),
    "clean": (9000, dict(clean_days=27, observed_days=30), "27 of 30 days clean"),
    "rated": (9000, dict(clean_days=27, observed_days=30), "27 of 30 days clean"),
    "streak": (4000, dict(clean_days=12, observed_days=30), "12 days in a row"),
    "lognormal": (7733, dict(average=2000, observed_days=31, month=OCTOBER), "2,000 ms on average"),
    "linear": (4000, dict(average=80, observed_days=31, month=OCTOBER), "80 ms on average"),
    "config": (6818, {"passed": 7.5, "total": 11, "setting:m.used": 0.75}, "7.50 / 11 risk points met"),
    "deduction": (6000, {"deducted": 40, "count:m.used": 2}, "40 points taken"),
    "steps": (10_000, dict(value=4, as_of=DAY), "4 licenses"),
    "scale": (7400, dict(value=62, as_of=DAY), "62 licenses"),
}


def reading(key, points, inputs, **fields):
    """A signal of the card above, prepared by hand."""
    node = next(node for node in ALL_KINDS.nodes if node.id == key)
    return read.Reading(
        node=key,
        level="signal",
        name=key,
        definition="D.",
        mark="pa",
        points=points,
        whole=None if points is None else engine.shown(points),
        band=None if points is None else ALL_KINDS.band(points),
        coverage=1.0,
        lower=points,
        upper=points,
        weight=1.0,
        share=1.0,
        contribution=points,
        signal=node.signal,
        inputs=inputs,
        **{"state": State.OK, "flags": Flag(0)} | fields,
    )


def test_every_kind_has_a_case():
    assert CASES.keys() == OPTIONS.keys()
    assert {str(signal.kind) for signal in ALL_KINDS.signals} == {
        "ratio",
        "growth",
        "indicator",
        "error",
        "performance",
        "config",
        "deduction",
        "steps",
        "linear",
    }


@pytest.mark.parametrize("key", CASES)
def test_kind_says_what_it_read(key):
    points, inputs, short = CASES[key]

    words = told(ALL_KINDS, reading(key, points, inputs))

    assert words.short == short
    assert words.inputs.endswith(".")


@pytest.mark.parametrize("key", CASES)
def test_explanation_of_a_kind_ends_at_the_number_shown(key):
    points, inputs, _ = CASES[key]

    words = told(ALL_KINDS, reading(key, points, inputs))
    said = html.unescape(strip_tags(words.score))

    assert re.search(rf"(?<![\d.]){engine.shown(points)}$", said), said


@pytest.mark.parametrize("key", CASES)
def test_kind_without_inputs_still_says_what_it_is(key):
    words = told(ALL_KINDS, reading(key, None, {}, state=State.MISSING))

    assert words.kind.endswith(".")
    assert (words.short, words.inputs, words.score) == ("", "", "")


def test_ratio_above_all_counts_as_a_hundred():
    words = told(
        ALL_KINDS, reading("share", 10_000, {"numerator": 112, "denominator": 100}, flags=Flag.OVER_100)
    )

    assert "112 / 100 = 1.12: more than all of it, which counts as 100" in strip_tags(words.score)


def test_growth_beyond_double_counts_as_a_hundred():
    words = told(ALL_KINDS, reading("avg12", 10_000, {"numerator": 1200, "denominator": 564}))

    assert "more than double, which counts as 100" in strip_tags(words.score)


def test_growth_from_nothing_is_said():
    words = told(
        ALL_KINDS, reading("avg12", 10_000, {"numerator": 7, "denominator": 0}, flags=Flag.FROM_ZERO)
    )

    assert "Nothing before, and 7 now" in strip_tags(words.score)


def test_partial_base_is_said():
    inputs = {"numerator": 15, "denominator": 12, "month": OCTOBER, "months_known": 7, "months_base": 12}

    assert "(7 of 12 months known)" in told(ALL_KINDS, reading("avg12", 6250, inputs)).inputs


def test_exact_ratio_is_not_called_about():
    said = strip_tags(told(ALL_KINDS, reading("yoy", *CASES["yoy"][:2])).score)

    assert said == "15 / 12 = 1.25, × 50 = 62.50, rounded to 62"
