"""How fresh the data behind a score is, against the states the engine gives."""

from datetime import timedelta

import pytest

from scoring import feeds, pack, read, run
from scoring.engine import State
from scoring.feeds import Lateness
from scoring.models import Batch, Observation
from tests.factories import make_batch, make_measured, publish_small_card
from tests.portal.scored import YESTERDAY

READS = {  # signals that read one metric, so that its state is the metric's
    "platform.errors": "platform.error_days",
    "sales.work_orders": "sales.work_order_growth",
    "reviews.satisfaction": "reviews.satisfaction",
    "sales.licenses_activated": "sales.license_activation",
}
LATENESS = {State.OK: Lateness.IN_TIME, State.STALE_GRACE: Lateness.IN_GRACE, State.MISSING: Lateness.MISSING}


def scored(orchard, silent=None, after=None):
    version = publish_small_card()
    make_measured(orchard, YESTERDAY)
    if silent:
        Observation.objects.filter(organization=orchard, metric__key=silent, day__gt=after).delete()
    pack.pack_due()
    opened = run.open_run(version, YESTERDAY)
    run.work(opened)
    assert run.publish_run(opened)
    return read.latest(orchard)


def of(card, key):
    return next(each for each in feeds.feeds(card) if each.metric.key == key)


@pytest.mark.parametrize("back", [0, 1, 2, 3, 4, 5, 6, 10, 31, 40, 62, 75, 100])
@pytest.mark.parametrize("metric", READS)
def test_metric_is_as_late_as_the_engine_finds_it(orchard, metric, back):
    card = scored(orchard, metric, YESTERDAY - timedelta(days=back))

    state = card.by_node[READS[metric]].state

    assert state in LATENESS
    if metric == "platform.errors" and back > 5:
        return  # too few days for a number comes before freshness
    assert of(card, metric).lateness == LATENESS[state]


def test_feed_names_source_arrival_and_the_day_it_is_due_again(orchard):
    card = scored(orchard)

    found = of(card, "sales.licenses_activated")

    assert found.source == "tests"
    assert found.received_at == Batch.objects.get().received_at
    assert found.newest == YESTERDAY - timedelta(days=1)
    assert found.due == found.newest + timedelta(days=7 + 3)  # weekly, three days of lag
    assert found.grace_until == found.due + timedelta(days=7)


def test_events_are_fresh_up_to_the_day_a_source_vouches_for(orchard):
    assert of(scored(orchard), "reviews.held").newest == YESTERDAY


def test_what_came_after_the_night_waits_for_the_next(orchard):
    card = scored(orchard)
    later = make_batch(source="late")
    Observation.objects.filter(metric__key="reviews.satisfaction").update(batch=later)

    assert of(card, "reviews.satisfaction").source == ""


def test_metric_of_a_product_that_is_not_owned_is_not_expected(orchard):
    orchard.products.remove(orchard.products.get(key="platform"))

    keys = {each.metric.key for each in feeds.feeds(scored(orchard))}

    assert "platform.errors" not in keys
    assert "sales.work_orders" in keys
