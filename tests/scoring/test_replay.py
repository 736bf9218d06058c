"""A night made again from the observations gives what the night gave, whatever has come since."""

from datetime import date, timedelta

import pytest

from accounts.models import Organization, Product
from scoring import engine, pack, replay, run, sheets
from scoring.models import ScorecardVersion
from tests.factories import correct, make_measured, make_observations, publish_small_card

DAY = date(2026, 10, 20)


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


def again(organization: Organization, day: date = DAY, **which: int) -> replay.Replay:
    found = replay.night_of("customer-success", day, **which)
    assert found is not None
    made = replay.of_night(organization, found)
    assert made is not None
    return made


def figures(made: replay.Replay) -> dict[str, sheets.Figure]:
    """The replayed scores as a sheet would hold them."""
    return sheets.unpack(sheets.pack(made.card, made.scores)[0], made.card)


def test_replay_gives_the_published_sheet(measured, version):
    night(version)

    made = again(measured)

    assert figures(made) == dict(made.sheet)


def test_correction_and_late_batch_after_the_run_change_nothing(measured, version):
    night(version)
    before = again(measured)
    correct(measured, "sales.licenses_activated", DAY - timedelta(days=1), 5)
    make_observations(measured, {"reviews.held": {DAY - timedelta(days=3): 1}})
    pack.pack_due()

    after = again(measured)

    assert after.measurements == before.measurements
    assert figures(after) == figures(before)


def test_correction_before_the_run_counts_and_says_that_it_is_one(measured, version):
    yesterday = DAY - timedelta(days=1)
    correct(measured, "sales.licenses_activated", yesterday, 50)
    pack.pack_due()
    night(version)

    activated = [each for each in again(measured).measurements if each.metric == "sales.licenses_activated"]

    assert [(each.day, each.value, each.is_correction) for each in activated] == [(yesterday, 50, True)]


def test_earlier_revision_is_replayed_as_it_was(measured, version):
    night(version)
    correct(measured, "sales.licenses_activated", DAY - timedelta(days=1), 5)
    pack.pack_due()
    night(version, revision=1)

    first, second = again(measured, revision=0), again(measured)

    assert (first.night.revision, second.night.revision) == (0, 1)
    assert figures(first) == dict(first.sheet) != figures(second) == dict(second.sheet)


def test_product_sold_or_dropped_since_does_not_change_what_the_night_saw(measured, version):
    measured.products.remove(Product.objects.get(key="sales"))
    night(version)
    measured.products.add(Product.objects.get(key="sales"))
    measured.products.remove(Product.objects.get(key="platform"))

    made = again(measured)

    assert made.sheet_products == {"platform"}
    assert figures(made) == dict(made.sheet)


def test_older_measurement_that_came_later_does_not_change_the_age(measured, version):
    measured.plan_intervals.all().delete()
    Organization.objects.filter(pk=measured.pk).update(first_observed_on=None)
    measured.observations.filter(day__lt=DAY - timedelta(days=60)).delete()
    pack._remember_first_days(
        list(measured.observations.values_list("organization_id", "metric_id", "day", "value"))
    )
    night(version)
    make_observations(measured, {"sales.work_orders": {DAY - timedelta(days=300): 4}})
    pack.pack_due()
    measured.refresh_from_db()

    made = again(measured)

    assert made.panel.age_days.tolist() == [60]
    assert figures(made) == dict(made.sheet)


def test_day_without_a_night_and_organization_without_a_sheet_have_none(measured, harbor, version):
    night(version)

    assert replay.night_of("customer-success", DAY - timedelta(days=1)) is None
    assert replay.night_of("customer-success", DAY, revision=4) is None
    assert replay.night_of("customer-success", DAY, number=2) is None
    assert replay.night_of("account-health", DAY) is None
    published = replay.night_of("customer-success", DAY)
    harbor.score_sheets.all().delete()
    assert replay.of_night(harbor, published) is None


def test_panel_is_the_one_that_pages_explain_from(measured, version):
    night(version)

    ours = replay.panel_of(measured, again(measured).card, DAY, watermark=again(measured).night.watermark)
    theirs = pack.panel_of(again(measured).card, measured, DAY, watermark=again(measured).night.watermark)

    assert engine.score(again(measured).card, ours).points.tobytes() == (
        engine.score(again(measured).card, theirs).points.tobytes()
    )
