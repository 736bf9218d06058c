"""How fresh every source is, on its page and on the overview."""

from datetime import timedelta

import pytest

from portal.templatetags.scores import day
from tests.portal.scored import YESTERDAY, score, text_of

PAGE = "/o/orchard/sources/"


@pytest.fixture
def as_dana(client, dana):
    client.force_login(dana)
    return client


def test_metric_says_what_arrived_and_when_the_next_is_due(as_dana, orchard):
    score(orchard)

    page = text_of(as_dana.get(PAGE))

    newest, due = day(YESTERDAY - timedelta(days=1)), day(YESTERDAY + timedelta(days=9))
    assert f"Activated Sales licenses Sales license activation Up to date Weekly {newest} {due}" in page
    assert "All sources are up to date" in page


def test_late_metric_says_until_when_it_counts(as_dana, orchard):
    score(orchard, sales__licenses_activated={YESTERDAY - timedelta(days=12): 412.0})
    orchard.observations.filter(
        metric__key="sales.licenses_activated", day__gt=YESTERDAY - timedelta(days=12)
    ).delete()

    page = text_of(as_dana.get(PAGE))

    assert f"2 days late, counts until {day(YESTERDAY + timedelta(days=5))}" in page
    assert "0 of 1 source up to date" in page


def test_metric_that_never_arrived_is_said_to_be_missing(as_dana, orchard):
    score(orchard)
    orchard.observations.filter(metric__key="reviews.satisfaction").delete()

    page = text_of(as_dana.get(PAGE))

    assert "Not connected Never arrived Last delivery: Nothing has arrived yet." in page


def test_overview_shows_each_source_and_leads_to_the_page(as_dana, orchard):
    score(orchard)

    overview = as_dana.get("/o/orchard/")

    assert "Data freshness All sources are up to date" in text_of(overview)
    assert f'href="{PAGE}"' in overview.content.decode()


def test_page_waits_for_the_first_score(as_dana, orchard):
    assert "The first score shows here what it was made from." in text_of(as_dana.get(PAGE))


def test_overview_asks_as_often_for_many_metrics_as_for_few(as_dana, orchard, django_assert_max_num_queries):
    score(orchard)
    as_dana.get(PAGE)

    with django_assert_max_num_queries(13):
        as_dana.get(PAGE)
