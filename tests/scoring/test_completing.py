"""What would complete a score, promised from one sheet and kept by the engine on the next."""

from datetime import timedelta

import pytest

from scoring import completing, pack, read, run
from scoring.engine import State
from scoring.models import Observation
from tests.factories import make_measured, publish_small_card
from tests.portal.scored import YESTERDAY

METRICS = {
    "sales.license_activation": "sales.licenses_activated",
    "sales.work_order_growth": "sales.work_orders",
    "reviews.satisfaction": "reviews.satisfaction",
    "platform.error_days": "platform.errors",
    "platform.page_speed": "platform.page_time",
}


def night(version):
    pack.pack_due()
    opened = run.open_run(version, YESTERDAY)
    run.work(opened)
    assert run.publish_run(opened)


@pytest.fixture
def two(orchard, harbor):
    """Two that are equal, but that Orchard has not sent some of its numbers."""

    def make(*silent):
        version = publish_small_card()
        for each in (orchard, harbor):
            make_measured(each, YESTERDAY)
        Observation.objects.filter(organization=orchard, metric__key__in=silent).delete()
        night(version)
        return read.explained(orchard), read.explained(harbor)

    return make


@pytest.mark.parametrize("signal", METRICS)
def test_signal_adds_what_the_engine_finds_once_it_is_there(two, signal):
    without, whole = two(METRICS[signal])

    for node in ("overall", without.by_node[signal].signal.category):
        (gap,) = completing.gaps(without.by_node[node])
        assert gap.signal.node == signal
        assert gap.adds == pytest.approx(
            whole.by_node[node].coverage - without.by_node[node].coverage, abs=1e-12
        )


def test_what_is_missing_and_what_is_there_make_a_whole(two):
    without, _ = two(*METRICS.values())

    for node in read.walk(without.overall):
        if node.coverage is not None:
            assert node.coverage + sum(gap.adds for gap in completing.gaps(node)) == pytest.approx(1)


def test_half_of_what_is_late_is_still_to_come(orchard):
    version = publish_small_card()
    make_measured(orchard, YESTERDAY)
    licenses = Observation.objects.filter(organization=orchard, metric__key="sales.licenses_activated")
    licenses.update(day=YESTERDAY - timedelta(days=12))  # due after ten days, in grace for seven more
    night(version)
    card = read.explained(orchard)

    (late,) = completing.gaps(card.overall)

    assert late.signal.state is State.STALE_GRACE
    assert late.adds == pytest.approx(1 / 2 * 2 / 3 / 2)  # of its category, of its subcategory, the half


def test_whole_score_lacks_nothing(two):
    _, whole = two("sales.work_orders")

    assert completing.gaps(whole.overall) == []
