"""The demo's telemetry is what the scorecard asks for, and once loaded it shows every state it promises."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from accounts.access import plan_in_force, visible_organizations
from accounts.models import Organization, Plan, Role, User
from portal import demo
from portal.demo import files, people
from portal.demo.customers import CUSTOMERS, Customer
from portal.demo.days import Calendar
from portal.demo.files import Delivery
from portal.demo.loading import SCORECARD
from portal.demo.stories import STORIES
from portal.demo.telemetry import Numbers, Telemetry
from scoring import engine, read
from scoring.models import Batch, Observation, ScorecardVersion, ScoreSheet
from tests.portal import by_hand

LAST = date(2025, 11, 20)
FIRST = date(2023, 8, 1)
CARD = engine.parse(SCORECARD.read_text(encoding="utf-8"))
BY_NAME = {customer.name: customer for customer in CUSTOMERS}
# Days on which counting months and weeks back goes wrong most easily.
AWKWARD = [date(2025, 11, 30), date(2025, 12, 1), date(2024, 2, 29), date(2025, 3, 31), date(2025, 1, 1)]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> list[Delivery]:
    return files.write(tmp_path_factory.mktemp("demo"), CARD, LAST)


@pytest.fixture(scope="module")
def rows(delivered: list[Delivery]) -> dict[str, dict[str, dict[str, str]]]:
    """Organization → metric → day → value, from all files."""
    found: dict = defaultdict(lambda: defaultdict(dict))
    for delivery in delivered:
        with delivery.path.open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                days = found[row["organization"]][row["metric"]]
                assert row["day"] not in days, f"{row} twice"
                days[row["day"]] = row["value"]
    return found


def told(customer: Customer, last: date) -> Numbers:
    calendar = Calendar(last)
    numbers = Telemetry(customer, CARD, calendar).numbers()
    for story in STORIES.get(customer.name, ()):
        story(numbers, calendar)
    return numbers


# ---------- the files ----------


def test_forty_customers_have_names_and_addresses_of_their_own():
    assert len(CUSTOMERS) == len({customer.slug for customer in CUSTOMERS}) == 40
    assert {len(customer.products) for customer in CUSTOMERS} >= {2, 3, 4, 5, 8}
    assert set(STORIES) <= set(BY_NAME)


def test_every_metric_of_the_scorecard_is_sent(rows):
    sent = {metric for metrics in rows.values() for metric in metrics}

    assert sent == {metric.key for metric in CARD.metrics}


def test_customers_send_all_metrics_of_their_products_and_no_others(rows):
    for customer in CUSTOMERS:
        owned = {metric.key for metric in CARD.metrics if metric.product in customer.products}
        sent = {metric for metric, days in rows[customer.external_id].items() if days}
        events = {metric.key for metric in CARD.metrics if metric.nature == engine.Nature.EVENT}
        assert sent <= owned
        # An event that never happened leaves no row, and a feed of two weeks has no month's end yet.
        assert customer.connected or owned - sent <= events, customer.name


def test_every_value_is_within_the_range_of_its_metric(rows):
    for organization, metrics in rows.items():
        for key, days in metrics.items():
            metric, values = CARD.metric(key), [float(value) for value in days.values()]
            assert metric.minimum <= min(values), (organization, key)
            assert max(values) <= metric.maximum, (organization, key)
            assert metric.nature != engine.Nature.EVENT or set(values) == {1}


def test_no_day_is_outside_the_demo(rows):
    days = {day for metrics in rows.values() for series in metrics.values() for day in series}

    assert min(days) >= FIRST.isoformat()
    assert max(days) == LAST.isoformat()


def test_monthly_metrics_have_27_months_and_daily_ones_14(rows):
    lindqvist = rows[BY_NAME["Lindqvist Medical"].external_id]

    assert len(lindqvist["field.work_orders"]) == 27
    assert {day[:7] for day in lindqvist["sales.licenses_activated"]} >= {"2023-08", "2025-10", "2025-11"}
    assert len(lindqvist["platform.page_time"]) == (LAST - date(2024, 8, 31)).days


def test_rows_are_few_enough_to_load_in_a_minute(delivered):
    assert 150_000 < sum(delivery.rows for delivery in delivered) <= 250_000


def test_weekly_deliveries_bring_the_readings_of_their_own_week(delivered):
    weekly = [delivery for delivery in delivered if delivery.before]

    assert [one.before for one in weekly] == [LAST - timedelta(days=7 * back) for back in range(8, -1, -1)]
    for delivery in weekly:
        days = {line.split(",")[2] for line in delivery.path.read_text().splitlines()[1:]}
        assert delivery.before
        assert {delivery.before.isoformat()} <= days
        assert min(days) > (delivery.before - timedelta(days=7)).isoformat()


def test_only_practices_declare_that_absence_means_none(delivered):
    declared = {delivery.source: delivery.complete for delivery in delivered if delivery.complete}

    assert declared == {"practices": (FIRST, LAST)}


def test_the_same_day_gives_the_same_bytes(delivered, tmp_path: Path):
    again = files.write(tmp_path, CARD, LAST)

    assert [one.path.name for one in again] == [one.path.name for one in delivered]
    for one, other in zip(again, delivered, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()


@pytest.mark.parametrize("last", [LAST, *AWKWARD])
@pytest.mark.parametrize(("name", "now"), [("Aldermoor Logistics", 693), ("Castellan Freight", 499)])
def test_work_orders_are_exactly_as_promised(name: str, now: int, last: date):
    days, values = told(BY_NAME[name], last)["field.work_orders"]

    assert values[-1] == now
    assert values[-13:-1].sum() == 12 * 564
    assert (values == np.rint(values)).all()
    assert [date.fromordinal(int(day)).month for day in days[-13:]] == [
        (date.fromordinal(int(days[-1])).month + back) % 12 + 1 for back in range(-1, 12)
    ]


@pytest.mark.parametrize("last", AWKWARD)
def test_whatever_the_day_months_are_complete_and_nothing_is_ahead(last: date):
    calendar = Calendar(last)

    assert calendar.closes[-1] <= last.toordinal()
    assert calendar.closes[-1] >= last.toordinal() - 30
    assert len(calendar.closes) == 27
    assert all(date.fromordinal(int(day) + 1).day == 1 for day in calendar.closes)
    assert calendar.readings[-1] == calendar.days[-1] == last.toordinal()
    assert len(calendar.nights()) in (70, 71, 72)  # of the last 60 nights two or three are closes
    for customer in (BY_NAME["Aldermoor Logistics"], BY_NAME["Aldermoor Sandbox EU"]):
        for key, (days, values) in told(customer, last).items():
            assert len(days) == len(values), key
            assert len(days) == 0 or (days[-1] <= last.toordinal() and (np.diff(days) > 0).all()), key


# ---------- the people ----------


def test_the_password_is_one_that_the_policy_allows(db):
    for person in people.PEOPLE:
        validate_password(people.PASSWORD, User(email=person.email, name=person.name))


def test_no_address_can_be_anybodys():
    assert all(person.email.endswith(".example") for person in people.PEOPLE)
    assert {address for _, address, _, _ in demo.SIGN_INS} <= {person.email for person in people.PEOPLE}


# ---------- once it is loaded ----------


@pytest.fixture(scope="module")
def loaded(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """The demo with two nights, for all tests of this module; what was said while loading."""
    said: list[str] = []
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(VAR_DIR=tmp_path_factory.mktemp("var")):
            demo.load(said.append, today=LAST + timedelta(days=1), nights=1, closes=1)
        yield said
        transaction.set_rollback(True)


def in_words(shown: demo.Shown) -> str:
    return f"{shown.slug}: {shown.what}"


@pytest.mark.slow
@pytest.mark.parametrize("shown", [one for one in demo.STATES if one.state is not None], ids=in_words)
def test_organization_shows_the_state_it_promises(loaded, db, shown: demo.Shown):
    card = read.explained(Organization.objects.get(slug=shown.slug))

    assert card
    assert card.day == LAST
    assert card.by_node[shown.where].state == shown.state
    assert card.by_node[shown.where].flags & shown.flag == shown.flag


@pytest.mark.slow
def test_states_of_the_specification_are_all_there(loaded, db):
    promised = {shown.state for shown in demo.STATES if shown.state is not None}

    assert promised == set(engine.State) - {engine.State.EXEMPT}  # exemptions cannot be granted yet


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slug", "plan"),
    [
        ("aldermoor-logistics", Plan.SIGNATURE),
        ("harrow-pike-haulage", Plan.PREMIER),
        ("quintavale-wines", Plan.STANDARD),
        ("amberley-trust", None),
    ],
)
def test_plans_are_as_promised(loaded, db, slug: str, plan: Plan | None):
    noon = datetime.combine(LAST, time(12), UTC)

    interval = plan_in_force(Organization.objects.get(slug=slug), at=noon)

    assert (interval.plan if interval else None) == plan


@pytest.mark.slow
def test_growth_of_the_demo_contact_reads_61_from_693_and_564(loaded, db):
    card = read.explained(Organization.objects.get(slug="aldermoor-logistics"))

    assert card
    growth = card.by_node["field.work_order_growth"]
    assert (growth.inputs["numerator"], growth.inputs["denominator"]) == (693, 564)
    assert (growth.points, growth.whole) == (6144, 61)


@pytest.mark.slow
def test_scores_are_spread_over_all_bands(loaded, db):
    cards = [read.latest(organization) for organization in Organization.objects.all()]
    points = sorted(card.overall.points / 100 for card in cards if card and card.overall.points is not None)
    bands = Counter(card.overall.band.tone for card in cards if card and card.overall.band)

    assert len(points) >= 34
    assert 40 <= points[0] < 55
    assert 85 < points[-1] <= 93
    assert 69 <= points[len(points) // 2] <= 75
    assert min(bands["healthy"], bands["watch"], bands["act"]) >= 6
    assert 72 <= read.latest(Organization.objects.get(slug="aldermoor-logistics")).overall.points / 100 <= 77


@pytest.mark.slow
@pytest.mark.parametrize(("who", "email", "password", "what"), demo.SIGN_INS)
def test_sign_in_works_and_shows_something(loaded, db, rf, who, email, password, what):
    user = authenticate(rf.post("/"), email=email, password=password)

    assert user
    assert user.emailaddress_set.get().verified
    assert visible_organizations(user).exists()


@pytest.mark.slow
def test_everybody_sees_the_organizations_they_should(loaded, db):
    def sees(email: str) -> set[str]:
        return set(visible_organizations(User.objects.get(email=email)).values_list("slug", flat=True))

    assert sees("maren.holt@aldermoor.example") == {"aldermoor-logistics"}
    assert len(sees("ines.duarte@cairn.example")) == 12
    assert not sees("ines.duarte@cairn.example") & sees("rafael.stein@cairn.example")
    assert sees("states@cairn.example") == {shown.slug for shown in demo.STATES}
    assert len(sees("admin@cairn.example")) == 40
    jonas = User.objects.get(email="jonas.reuter@aldermoor.example")
    assert {"aldermoor-logistics", "harrow-pike-haulage", "aldermoor-sandbox-eu"} <= sees(jonas.email)
    assert {membership.role for membership in jonas.memberships.all()} == {Role.CONTACT}


@pytest.mark.slow
@pytest.mark.parametrize(
    "node", ["overall", "product-adoption", "product-adoption/breadth", "technical-health"]
)
def test_parts_of_a_month_with_all_causes_are_those_worked_out_by_hand(loaded, db, client, node: str):
    """Another roll-up, in plain Python, from the signals of three sheets; the page prints tenths."""
    lumenbrook = Organization.objects.get(slug="lumenbrook-schools")
    old, new = ScorecardVersion.objects.filter(key="customer-success").order_by("number")
    before, after = date(2025, 10, 31), LAST  # a version, a purchase and an outage lie in between
    signals = {
        (day, version.number): by_hand.signals_of(
            lumenbrook.score_sheets.get(day=day, version=version, revision=0).nodes, version.text
        )
        for day, version in ((before, old), (before, new), (after, new))
    }

    expected = by_hand.parts(
        node, (old.text, signals[before, 1]), (new.text, signals[before, 2]), signals[after, 2]
    )
    client.force_login(User.objects.get(email="states@cairn.example"))
    page = client.get("/o/lumenbrook-schools/moved/", {"from": before, "to": after, "node": node})
    printed = by_hand.printed(page.content.decode())

    assert printed == pytest.approx(expected, abs=0.12)  # to a tenth, by largest remainder
    if node == "overall":
        assert all(abs(part) >= 0.2 for part in expected)  # all four act


@pytest.mark.slow
def test_every_observation_came_by_the_usual_way(loaded, db, delivered):
    assert Observation.objects.count() == sum(delivery.rows for delivery in delivered)
    assert set(Batch.objects.values_list("file_name", flat=True)) == {one.path.name for one in delivered}
    assert not Batch.objects.filter(quarantined__gt=0).exists()


@pytest.mark.slow
def test_second_load_does_nothing(loaded, db):
    before = Batch.objects.count(), ScoreSheet.objects.count(), User.objects.count()
    said: list[str] = []

    demo.load(said.append)

    assert said == []
    assert (Batch.objects.count(), ScoreSheet.objects.count(), User.objects.count()) == before


@pytest.mark.slow
def test_load_that_was_broken_off_goes_on_for_the_day_it_was_begun(loaded, db, tmp_path: Path):
    User.objects.all().delete()  # people come last
    before = Batch.objects.count(), Observation.objects.count(), ScoreSheet.objects.count()
    with override_settings(VAR_DIR=tmp_path):
        demo.load(lambda _: None, today=LAST + timedelta(days=2), nights=1, closes=1)

    assert demo.is_loaded()
    assert (Batch.objects.count(), Observation.objects.count(), ScoreSheet.objects.count()) == before
