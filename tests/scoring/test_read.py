"""What a person reads: one published card, parts that add up, changes, inputs that lead to its numbers."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from accounts.models import Organization, PlanInterval, Product
from portal.demo import loading
from scoring import engine, pack, read, run
from scoring.engine import State
from scoring.models import MetricMonth, ScorecardVersion
from tests.factories import (
    SMALL_CARD,
    correct,
    make_measured,
    make_observations,
    make_organization,
    publish_small_card,
)

DAY = date(2026, 10, 20)
LAST_MONTH = date(2026, 9, 30)


@pytest.fixture
def version(db: None) -> ScorecardVersion:
    return publish_small_card()


@pytest.fixture
def measured(orchard: Organization, version: ScorecardVersion) -> Organization:
    """Orchard with everything measured and packed, not scored yet."""
    make_measured(orchard, DAY)
    pack.pack_due()
    return orchard


def night(version: ScorecardVersion, day: date = DAY, **fields: object) -> None:
    opened = run.open_run(version, day, **fields)
    run.work(opened)
    assert run.publish_run(opened)


def walk_branches(card: read.CardReading) -> list[read.Reading]:
    return [reading for reading in read.walk(card.overall) if reading.children]


# ---------- the newest card ----------


def test_nobody_has_a_card_before_the_first_night(measured):
    assert read.latest(measured) is None
    assert read.explained(measured) is None
    assert read.trend(measured) == []
    assert read.signal_trends(measured) == {}
    assert read.picker([measured]) == {}


def test_card_says_whose_it_is_and_of_which_night(measured, version):
    night(version)

    card = read.latest(measured)

    assert (card.organization, card.key, card.number) == (measured, "customer-success", 1)
    assert (card.day, card.newest_day, card.revision, card.kept_because) == (DAY, DAY, 0, "")
    assert card.age_days == (DAY - date(2020, 1, 1)).days


def test_work_orders_of_693_against_564_read_61(measured, version):
    night(version)

    growth = read.latest(measured).by_node["sales.work_order_growth"]

    assert (growth.points, growth.whole) == (6144, 61)


def test_card_of_an_earlier_day_is_that_of_the_newest_night_before(measured, version):
    night(version, DAY - timedelta(days=3))
    night(version)

    assert read.latest(measured, day=DAY - timedelta(days=1)).day == DAY - timedelta(days=3)
    assert read.latest(measured, day=DAY - timedelta(days=4)) is None


def test_every_reading_has_its_place_band_and_mark(measured, version):
    night(version)

    card = read.latest(measured)

    assert list(card.by_node) == [node.id for node in card.scorecard.nodes]
    for reading in card.by_node.values():
        assert (reading.band is None) == (reading.points is None)
        assert reading.whole is None or reading.band == card.scorecard.band(reading.points)
    marks = {reading.mark for reading in read.walk(card.by_node["technical-health"])}
    assert marks == {"th"}
    assert card.overall.mark == ""


# ---------- parts that add up ----------


def test_contributions_add_up_to_their_parent_to_the_hundredth(measured, version):
    night(version)

    for reading in walk_branches(read.latest(measured)):
        assert sum(child.contribution or 0 for child in reading.children) == reading.points


def test_weight_of_a_silent_sibling_is_shared_out_and_what_is_left_adds_up(measured, version):
    MetricMonth.objects.update(days=b"")  # technical health falls silent
    night(version)

    card = read.latest(measured)

    silent = card.by_node["technical-health"]
    assert (silent.points, silent.state) == (None, State.INSUFFICIENT_DATA)
    assert (silent.share, silent.contribution) == (None, None)
    assert silent.weight == pytest.approx(0.3)
    adoption = card.by_node["product-adoption"]
    assert (adoption.weight, adoption.share) == (pytest.approx(0.5), pytest.approx(50 / 70))
    assert sum(child.contribution or 0 for child in card.overall.children) == card.overall.points
    assert card.overall.state == State.PROVISIONAL
    assert card.overall.lower < card.overall.points < card.overall.upper


def test_signal_of_a_product_that_is_not_owned_weighs_nothing(measured, version):
    measured.products.remove(Product.objects.get(key="platform"))
    night(version)

    card = read.latest(measured)

    errors = card.by_node["platform.error_days"]
    assert (errors.state, errors.weight, errors.share) == (State.NOT_APPLICABLE, 0, None)
    assert (errors.coverage, errors.lower, errors.upper) == (None, None, None)
    assert card.by_node["technical-health"].weight == 0
    assert card.by_node["product-adoption"].share == pytest.approx(50 / 70)


def test_preview_signal_is_shown_and_counts_nowhere(measured):
    preview = publish_small_card(
        SMALL_CARD.replace('key = "platform.page_speed"', 'key = "platform.page_speed"\npreview = true'),
        effective_on=DAY,
    )
    night(preview)

    card = read.latest(measured)

    speed = card.by_node["platform.page_speed"]
    assert speed.is_preview
    assert speed.points is not None
    assert (speed.weight, speed.share, speed.contribution) == (0, None, None)
    assert (speed.coverage, speed.lower, speed.upper) == (None, None, None)
    assert card.by_node["technical-health/efficiency"].points == card.by_node["platform.error_days"].points


@given(some.lists(some.tuples(some.floats(0.01, 100), some.integers(0, 10_000)), min_size=1, max_size=12))
def test_parts_are_rounded_so_that_they_add_up(siblings):
    whole = sum(weight for weight, _ in siblings)
    parts = [weight / whole * points for weight, points in siblings]
    total = round(sum(parts))

    given_out = read.apportion(parts, total)

    assert sum(given_out) == total
    for part, one in zip(parts, given_out, strict=True):
        assert abs(part - one) < 1 + 1e-6


@given(
    some.lists(some.integers(0, 10_000), min_size=1, max_size=9),
    some.integers(-5, 5),
)
def test_parts_add_up_even_to_a_parent_that_is_some_hundredths_off(points, off):
    parts = [each / len(points) for each in points]
    total = max(0, round(sum(parts)) + off)

    assert sum(read.apportion(parts, total)) == total


def test_part_that_gives_nothing_is_given_nothing():
    assert read.apportion([0.0, 33.4, 66.2], 100) == [0, 34, 66]


# ---------- changes ----------


def test_changes_go_back_thirty_and_ninety_days(measured, version):
    for back in (90, 30, 0):
        make_observations(
            measured, {"sales.licenses_activated": {DAY - timedelta(days=back + 2): 400 - back}}
        )
        make_observations(measured, {"sales.licenses_purchased": {DAY - timedelta(days=back + 2): 500}})
        pack.pack_due()
        night(version, DAY - timedelta(days=back))

    activation = read.latest(measured).by_node["sales.license_activation"]

    assert activation.points == 8240  # 412 / 500, a day ago
    assert (activation.change_30, activation.change_90) == (8240 - 7400, 8240 - 6200)


def test_change_goes_back_to_the_newest_night_before_and_says_so(measured, version):
    night(version, DAY - timedelta(days=41))
    night(version)

    card = read.latest(measured)

    assert card.compared == {30: DAY - timedelta(days=41), 90: None}
    assert card.overall.change_90 is None


def test_change_from_a_day_too_long_ago_is_none(measured, version):
    night(version, DAY - timedelta(days=30 + read.SLACK + 1))
    night(version)

    assert read.latest(measured).compared[30] is None


def test_node_without_a_number_then_has_no_change(measured, version):
    MetricMonth.objects.filter(month=date(2026, 9, 1)).update(days=b"")
    night(version, DAY - timedelta(days=30))
    night(version)

    speed = read.latest(measured).by_node["platform.error_days"]

    assert speed.change_30 is None


# ---------- trends ----------


def test_trend_is_of_published_nights_alone(measured, version):
    days = [DAY - timedelta(days=back) for back in (3, 2, 1)]
    for day in days:
        night(version, day)
    run.work(run.open_run(version, DAY))  # scored, not published

    points = read.trend(measured)

    assert [point.day for point in points] == days
    assert set(points[0].points) == {"overall", "product-adoption", "customer-expertise", "technical-health"}
    assert points[-1].points["overall"] == read.latest(measured).overall.points


def test_trend_shows_a_restated_close_at_its_newest_published_revision(measured, version):
    night(version, LAST_MONTH)
    before = read.trend(measured)[0].points
    correct(measured, "sales.licenses_activated", DAY - timedelta(days=1), 500)
    make_observations(measured, {"sales.licenses_activated": {LAST_MONTH: 100}})
    make_observations(measured, {"sales.licenses_purchased": {LAST_MONTH: 500}})
    pack.pack_due()
    night(version, LAST_MONTH, revision=1)
    run.work(run.open_run(version, LAST_MONTH, revision=2))  # not published yet

    (point,) = read.trend(measured)

    assert read.latest(measured).revision == 1
    assert point.points["product-adoption"] != before["product-adoption"]


def test_trend_goes_back_as_far_as_it_is_asked(measured, version):
    for back in (40, 20, 0):
        night(version, DAY - timedelta(days=back))

    assert [point.day for point in read.trend(measured, days=20)] == [DAY - timedelta(days=20), DAY]
    assert [point.day for point in read.trend(measured, until=DAY - timedelta(days=1))] == [
        DAY - timedelta(days=40),
        DAY - timedelta(days=20),
    ]


def test_signal_trends_are_the_closes_and_the_newest_night(measured, version):
    for day in (date(2026, 8, 31), LAST_MONTH, date(2026, 10, 1), DAY):
        night(version, day)

    lines = read.signal_trends(measured)

    assert [day for day, _ in lines["sales.work_order_growth"]] == [date(2026, 8, 31), LAST_MONTH, DAY]
    assert lines["sales.work_order_growth"][-1][1] == 6144


def test_trend_crosses_a_new_version_of_the_scorecard(measured, version):
    night(version, DAY - timedelta(days=1))
    newer = publish_small_card(SMALL_CARD.replace("weight = 50", "weight = 5"), effective_on=DAY)
    night(newer)

    assert [(point.day, point.number) for point in read.trend(measured)] == [
        (DAY - timedelta(days=1), 1),
        (DAY, 2),
    ]


# ---------- why ----------


def test_inputs_lead_to_the_numbers_shown(measured, version):
    night(version)

    card = read.explained(measured)

    inputs = {node: reading.inputs for node, reading in card.by_node.items() if reading.signal}
    growth = inputs["sales.work_order_growth"]
    assert (growth["numerator"], growth["denominator"]) == (693, 564)
    assert engine.canonical(50 * 693 / 564) == card.by_node["sales.work_order_growth"].points
    ratio = inputs["sales.license_activation"]
    assert engine.canonical(100 * ratio["numerator"] / ratio["denominator"]) == 8240
    errors = inputs["platform.error_days"]
    share = 100 * errors["clean_days"] / errors["observed_days"]
    assert engine.canonical(share) == card.by_node["platform.error_days"].points
    assert inputs["reviews.satisfaction"]["value"] == 4.25
    assert inputs["reviews.recency"]["value"] == 20
    assert all(inputs.values())


def test_explained_card_is_the_latest_one_with_more(measured, version):
    night(version)

    plain, explained = read.latest(measured), read.explained(measured)

    for node, reading in plain.by_node.items():
        more = explained.by_node[node]
        assert (more.points, more.state, more.contribution) == (
            reading.points,
            reading.state,
            reading.contribution,
        )
        assert more.coverage == (
            None if reading.coverage is None else pytest.approx(reading.coverage, abs=0.005)
        )
        if reading.level != "subcategory":
            assert (more.lower, more.upper) == (reading.lower, reading.upper)


def test_data_of_later_changes_no_explanation(measured, version):
    night(version)
    before = read.explained(measured)
    correct(measured, "sales.work_orders", LAST_MONTH, 1)
    make_observations(measured, {"reviews.held": {DAY: 1}})
    pack.pack_due()

    after = read.explained(measured)

    assert after.overall == before.overall


def test_product_added_since_gets_no_inputs(measured, version):
    platform = Product.objects.get(key="platform")
    measured.products.remove(platform)
    night(version)
    before = read.latest(measured)
    measured.products.add(platform)

    card = read.explained(measured)

    errors = card.by_node["platform.error_days"]
    assert (errors.points, errors.inputs) == (None, {})
    assert card.by_node["sales.work_order_growth"].inputs["numerator"] == 693
    assert {node: each.points for node, each in card.by_node.items()} == {
        node: each.points for node, each in before.by_node.items()
    }


def test_product_added_since_without_any_data_keeps_the_state_of_the_sheet(measured, version):
    platform = Product.objects.get(key="platform")
    measured.products.remove(platform)
    night(version, DAY)
    measured.products.add(platform)
    silent = make_organization("Silent", products=["sales"])
    make_measured(silent, DAY - timedelta(days=200))
    pack.pack_due()
    night(version, DAY + timedelta(days=1))
    silent.products.add(platform)

    errors = read.explained(silent).by_node["platform.error_days"]

    assert (errors.state, errors.coverage, errors.inputs) == (State.NOT_APPLICABLE, None, {})


@pytest.mark.slow
def test_every_explanation_in_the_demo_leads_to_the_number_shown(db, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    loading.load(lambda _: None, nights=1, closes=1)
    explained = 0

    for organization in Organization.objects.all():
        card, why = read.latest(organization), read.explained(organization)
        for node, reading in card.by_node.items():
            more = why.by_node[node]
            assert (more.points, more.state) == (reading.points, reading.state)
            for edge, exact in ((reading.lower, more.lower), (reading.upper, more.upper)):
                assert edge == exact or abs(edge - exact) <= 1
            if reading.signal and reading.points is not None:
                assert more.inputs, f"{organization}: {node}"
                explained += 1
        for reading in walk_branches(card):
            if reading.points is not None:
                assert sum(child.contribution or 0 for child in reading.children) == reading.points

    assert explained > 1000


def test_series_of_a_metric_are_its_thirteen_months(measured, version):
    night(version)
    card = read.explained(measured)
    month = card.by_node["sales.work_order_growth"].inputs["month"]

    series = read.series(card, "sales.work_orders", until=month)

    assert len(series) == 13
    assert series[0] == (date(2025, 9, 1), 564)
    assert series[-1] == (date(2026, 9, 1), 693)
    assert read.series(card, "none", until=month) == []
    assert read.series(read.latest(measured), "sales.work_orders", until=month) == []


# ---------- who else ----------


def test_picker_gives_everyone_their_newest_number(measured, harbor, version):
    bare = make_organization("Bare")
    night(version, DAY - timedelta(days=1))
    night(version)

    found = read.picker(Organization.objects.all())

    assert found[measured.pk] == (DAY, read.latest(measured).overall.points, State.OK)
    assert found[harbor.pk] == (DAY, None, State.INSUFFICIENT_DATA)
    assert bare.pk not in found


def test_picker_keeps_the_last_number_of_one_who_could_not_be_scored(measured, version):
    others = [make_organization(f"Customer {number}", products=["sales"]) for number in range(50)]
    for other in others:
        make_observations(other, {"sales.work_orders": {LAST_MONTH: 5}})
    pack.pack_due()
    night(version, DAY - timedelta(days=1))
    points = read.latest(measured).overall.points
    MetricMonth.objects.filter(organization=measured.pk, month=DAY.replace(day=1)).update(
        slots=b"\0" * (8 * pack.layout().width + 3)
    )
    night(version)

    found = read.picker(Organization.objects.all())

    assert found[measured.pk] == (DAY - timedelta(days=1), points, State.OK)
    assert found[others[0].pk][0] == DAY


def test_picker_looks_at_each_customers_own_scorecard(measured, harbor, version):
    second = publish_small_card(SMALL_CARD.replace('key = "customer-success"', 'key = "second"', 1))
    Organization.objects.filter(pk=harbor.pk).update(scorecard="second")
    night(version)
    night(second, DAY - timedelta(days=5))

    found = read.picker(Organization.objects.all())

    assert (found[measured.pk][0], found[harbor.pk][0]) == (DAY, DAY - timedelta(days=5))


def test_age_counts_from_the_earlier_of_plan_and_measurement(measured):
    measured.refresh_from_db()
    PlanInterval.objects.all().delete()

    assert read.first_day(measured) == measured.first_observed_on
    assert read.first_day(make_organization("Nothing known")) is None


def test_newcomer_is_setting_up_and_has_no_overall_number(version):
    newcomer = make_organization("Newcomer", products=["sales", "platform"])
    make_observations(newcomer, {"reviews.satisfaction": {LAST_MONTH: 4}})
    pack.pack_due()
    night(version)

    newcomer.refresh_from_db()
    card = read.latest(newcomer)

    assert (card.overall.state, card.overall.points, card.age_days) == (State.SETTING_UP, None, 20)
