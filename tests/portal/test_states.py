"""Every state in words: of an organization, a category, a signal; and refusals that give nothing away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path

from accounts.models import Plan, Role
from portal.nightly import run_night
from portal.pages import refusals
from portal.pages.why import SENTENCES, silent_line, state
from portal.pages.words import FLAGS, KINDS, STATES
from portal.urls import urlpatterns
from scoring import read
from scoring.engine import Flag, State
from tests.factories import believable, make_membership, make_observations, publish_small_card
from tests.portal.scored import YESTERDAY, score, text_of

pytestmark = pytest.mark.any_database


def midnight(day):
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def young(organization, days):
    """The same organization, connected so many days before yesterday."""
    first = YESTERDAY - timedelta(days=days)
    organization.plan_intervals.update(starts_at=midnight(first))
    return first


def recent(first):
    """Believable numbers that begin on a day."""
    numbers = believable(YESTERDAY)
    return {
        key: {day: value for day, value in values.items() if day >= first} for key, values in numbers.items()
    }


def night(organization, numbers):
    """One night over exactly these numbers."""
    publish_small_card()
    make_observations(
        organization,
        numbers,
        metrics=["reviews.held"],
        complete_from=YESTERDAY - timedelta(days=400),
        complete_to=YESTERDAY,
    )
    run_night(YESTERDAY)


@pytest.fixture
def as_dana(client, dana):
    client.force_login(dana)
    return client


# ---------- organizations ----------


def test_new_organization_reads_when_its_first_score_is_due(as_dana, orchard):
    first = young(orchard, days=2)
    night(orchard, recent(first))

    page = text_of(as_dana.get("/o/orchard/"))

    due = first + timedelta(days=31)
    assert f"Your first score is due on {due.day} " in page
    assert "2 of 30 days" in page


def test_young_organization_reads_a_provisional_score_with_its_range(as_dana, orchard):
    first = young(orchard, days=60)
    night(orchard, recent(first))

    page = text_of(as_dana.get("/o/orchard/"))

    assert "Provisional" in page
    assert "growth is read from day 91 on" in page


def test_thin_data_reads_a_provisional_score(as_dana, orchard):
    numbers = believable(YESTERDAY)
    night(
        orchard,
        {key: numbers[key] for key in numbers if key not in ("platform.page_time", "reviews.satisfaction")},
    )

    page = text_of(as_dana.get("/o/orchard/"))

    assert read.latest(orchard).overall.state is State.PROVISIONAL
    assert (
        "This score is provisional 78% of the weight is backed by data; from 80% on the score is firm."
        in page
    )
    assert "if everything missing counted as 0" in page


def test_too_little_data_reads_no_number_and_what_is_missing(as_dana, orchard):
    numbers = believable(YESTERDAY)
    night(orchard, {key: numbers[key] for key in ("sales.work_orders", "reviews.held")})

    page = text_of(as_dana.get("/o/orchard/"))

    assert read.latest(orchard).overall.points is None
    assert "no number yet No overall score" in page
    assert "What is missing" in page
    assert "Sales license activation No data" in page


def test_missing_signal_is_named_and_its_weight_shared(as_dana, orchard):
    numbers = believable(YESTERDAY)
    del numbers["platform.page_time"]
    night(orchard, numbers)

    overview = text_of(as_dana.get("/o/orchard/"))
    category = text_of(as_dana.get("/o/orchard/score/technical-health/"))

    assert "One signal has no data" in overview
    assert "Page speed: left out of the score until it reports again." in overview
    assert "Page speed No data Performance No data 0%, 0 to 100 – 50.0% shared out –" in category


def test_organization_without_a_product_reads_why_it_has_no_scorecard(as_dana, orchard):
    orchard.products.clear()
    orchard.plan_intervals.update(starts_at=midnight(YESTERDAY))

    assert "Orchard has no scorecard" in text_of(as_dana.get("/o/orchard/"))


def test_before_the_first_night_nothing_is_promised_twice(as_dana, orchard):
    page = text_of(as_dana.get("/o/orchard/"))

    assert "Your first score comes with the next night" in page


def test_organization_without_anything_reads_what_to_do(client, casey, orchard):
    orchard.plan_intervals.all().delete()
    client.force_login(casey)

    assert "No measurements yet" in text_of(client.get("/o/orchard/"))


def test_older_score_is_labelled_with_its_day(as_dana, orchard):
    day = YESTERDAY - timedelta(days=4)
    score(orchard, days=(day,))

    page = text_of(as_dana.get("/o/orchard/"))

    assert f"This is the score of {day.day} " in page
    assert "Last night's score is not out yet." in page


def test_organization_left_out_of_a_night_keeps_its_last_score(as_dana, orchard, harbor):
    before = YESTERDAY - timedelta(days=1)
    score(orchard, harbor, days=(before, YESTERDAY))
    orchard.score_sheets.filter(day=YESTERDAY).delete()

    page = text_of(as_dana.get("/o/orchard/"))

    assert f"This is the score of {before.day} " in page
    assert "Newer nights could not score this organization" in page


# ---------- plans ----------


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan.PREMIER, "Your plan shares the score in a success review"),
        (Plan.STANDARD, "Your plan does not include the score"),
    ],
)
def test_plan_that_does_not_open_the_score_says_so(as_dana, orchard, casey, plan, words):
    orchard.plan_intervals.update(plan=plan)

    response = as_dana.get("/o/orchard/")

    assert response.status_code == 403
    assert words in text_of(response)
    assert 'href="mailto:casey@vendor.example"' in response.content.decode()


def test_lapsed_plan_says_when_it_ended_and_what_happens_to_the_history(as_dana, orchard):
    orchard.plan_intervals.update(ends_at=datetime(2026, 9, 30, 12, tzinfo=UTC))

    page = text_of(as_dana.get("/o/orchard/"))

    assert "Your Signature plan ended on 30 Sep 2026" in page
    assert "Nothing is deleted" in page
    assert "ask your contact at Lodestone" in page


def test_without_any_plan_the_page_says_which_one_opens_the_score(as_dana, orchard):
    orchard.plan_intervals.all().delete()

    assert "No plan is in force" in text_of(as_dana.get("/o/orchard/"))


def test_category_of_a_closed_plan_is_refused_alike(as_dana, orchard):
    orchard.plan_intervals.update(plan=Plan.PREMIER)

    response = as_dana.get("/o/orchard/score/product-adoption/")

    assert response.status_code == 403
    assert "success review" in text_of(response)


def test_plan_page_shows_no_number(as_dana, orchard):
    score(orchard)
    points = read.latest(orchard).overall.whole
    orchard.plan_intervals.update(plan=Plan.PREMIER)

    assert f">{points}<" not in as_dana.get("/o/orchard/").content.decode()


# ---------- signals ----------


@pytest.fixture
def card(orchard):
    score(orchard)
    return read.latest(orchard)


def test_every_state_of_a_signal_has_a_sentence():
    assert {each for each in State if each <= State.EXEMPT} == SENTENCES.keys()


def test_every_state_flag_and_kind_has_a_name():
    assert STATES.keys() == set(State)
    assert FLAGS.keys() == set(Flag)
    assert len(KINDS) == 9


def signal(card, key="sales.work_order_growth", **fields):
    return replace(card.by_node[key], **fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": State.OK}, "Up to date."),
        ({"state": State.STALE_GRACE}, "Late."),
        ({"state": State.MISSING, "inputs": {}}, "No data. Nothing usable has arrived."),
        ({"state": State.MISSING, "inputs": {"as_of": 740_000.0}}, "The newest value is of 19 Jan 2027."),
        ({"state": State.INVALID}, "Impossible value"),
        (
            {"state": State.INSUFFICIENT_HISTORY, "inputs": {"months_known": 2.0, "months_base": 12.0}},
            "2 of 12 months",
        ),
        ({"state": State.INSUFFICIENT_HISTORY, "inputs": {}}, "not enough history yet"),
        ({"state": State.NOT_APPLICABLE}, "No activity in 13 months"),
        ({"state": State.EXEMPT}, "an approved exemption is in force"),
    ],
)
def test_state_of_a_signal_is_said_in_words(card, fields, words):
    assert words in state(card, signal(card, **fields))


def test_signal_of_a_product_that_is_not_owned_says_so(card, orchard):
    orchard.products.clear()

    said = state(card, signal(card, state=State.NOT_APPLICABLE))

    assert said == "Not applicable: Orchard does not own Sales."


def test_silent_signal_says_since_when(card):
    assert (
        silent_line(signal(card, state=State.MISSING, inputs={"as_of": 740_000.0}))
        == "No data since 19 Jan 2027"
    )
    assert silent_line(signal(card, state=State.EXEMPT)) == "Exempt"


# ---------- refusals ----------


def fail(request):
    raise RuntimeError("planted")


class Broken:
    """A site where one page fails."""

    urlpatterns = [path("broken/", fail), *urlpatterns]
    handler500 = refusals.broken


@pytest.mark.parametrize("address", ["/nothing/", "/o/nothing/", "/static/nothing.css"])
def test_unknown_address_is_404_in_our_look(as_dana, orchard, address):
    response = as_dana.get(address)

    assert response.status_code == 404
    assert "This page does not exist" in text_of(response)


def test_what_is_not_allowed_is_403_in_our_look(as_dana):
    response = as_dana.get("/nights/")

    assert response.status_code == 403
    assert "You cannot open this page" in text_of(response)


@override_settings(ROOT_URLCONF=Broken)
def test_failure_shows_the_reference_of_the_log(dana, caplog):
    client = Client(raise_request_exception=False)
    client.force_login(dana)

    response = client.get("/broken/")

    assert response.status_code == 500
    name = response["X-Request-Id"].upper()
    assert f"reference {name[:4]}-{name[4:8]}" in text_of(response)


def test_failure_page_asks_no_database(rf):
    response = refusals.broken(rf.get("/"))  # a test without `db` may not ask it

    assert isinstance(response, HttpResponse)
    assert "Something went wrong on our side" in text_of(response)


def test_old_form_is_refused_in_our_look(dana):
    client = Client(enforce_csrf_checks=True)
    client.force_login(dana)

    response = client.post("/sign-out/")

    assert response.status_code == 403
    assert "This form is too old" in text_of(response)


def test_many_roles_are_called_by_the_strongest(client, dana, orchard):
    make_membership(dana, orchard, Role.VIEWER)
    score(orchard)
    client.force_login(dana)

    assert "Designated contact" in text_of(client.get("/o/orchard/"))
