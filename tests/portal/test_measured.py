"""What signals of every kind were measured by: each month worked out by hand from the numbers sent."""

import csv
import io
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import Organization
from accounts.rows.cells import STARTS
from portal.nightly import run_night
from scoring import measured, read
from tests.cast import Cast
from tests.crawling import undone
from tests.factories import (
    SMALL_CARD,
    correct,
    make_observations,
    make_organization,
    make_plan,
    monthly,
    publish_small_card,
)
from tests.portal.scored import text_of

DAY = date(2026, 10, 20)
FIRST = date(2026, 6, 10)  # of the days; June is known in part
MONTHS = tuple(date(2026, number, 1) for number in (6, 7, 8, 9))
FILE = "/o/orchard/trends/measured/"


def metric(key: str, nature: str, grain: str) -> str:
    return f"""
[[metric]]
key = "{key}"
name = "{key}"
unit = "things"
nature = "{nature}"
grain = "{grain}"
cadence = "monthly"
"""


def signal(key: str, rule: str) -> str:
    return f"""
[[signal]]
key = "{key}"
name = "{key}"
category = "customer-expertise"
subcategory = "engagement"
definition = "As told."
formula = "As told."
reading = "As told."
{rule}
"""


CARD = (
    SMALL_CARD
    + metric("x.guest", "stock", "month")
    + metric("x.length", "stock", "month")
    + metric("x.incidents", "flow", "month")
    + metric("x.attended", "event", "event")
    + signal("x.baseline", 'kind = "config"\nsettings = [{ metric = "x.guest", risk = "high" }, '
             '{ metric = "x.length", risk = "low", worst = 6, best = 12 }]')
    + signal("x.found", 'kind = "deduction"\ndeductions = [{ metric = "x.incidents", severity = "high" }]')
    + signal("x.present", 'kind = "indicator"\nform = "binary"\nmetric = "x.attended"\ndays = 90')
    + signal("x.stands", 'kind = "indicator"\nform = "binary"\nmetric = "x.length"\nat_least = 8')
    + signal("x.scale", 'kind = "linear"\nmetric = "x.length"\ngood = 12\npoor = 6')
)  # fmt: skip

DAYS = [FIRST + timedelta(days=n) for n in range((DAY - FIRST).days + 1)]
SENT = {
    "sales.licenses_activated": monthly(MONTHS[-1], (380, 412, 431, 440)),
    "sales.licenses_purchased": monthly(MONTHS[-1], (500, 500, 510, 520)),
    "sales.work_orders": monthly(MONTHS[-1], range(500, 514)),
    "reviews.held": {date(2026, 6, 30): 1, date(2026, 8, 3): 1, date(2026, 8, 4): 1},
    "reviews.satisfaction": monthly(MONTHS[-1], (4.25, 3.5, 4.5, 3.75)),
    "platform.errors": {day: float(day.day % 5 == 0) for day in DAYS},
    "platform.page_requests": {day: 100.0 + day.day for day in DAYS},
    "platform.page_time": {day: 600.0 + 10 * day.day for day in DAYS},
    "x.guest": monthly(MONTHS[-1], (0, 0, 1, 1)),
    "x.length": monthly(MONTHS[-1], (6, 9, 9, 12)),
    "x.incidents": monthly(MONTHS[-1], (3, 0, 1, 2)),
    "x.attended": {date(2026, 7, 7): 1, date(2026, 7, 8): 1, date(2026, 9, 30): 1},
}


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), undone():
        publish_small_card(CARD)
        organization = make_organization("Orchard", products=["sales", "platform"])
        make_plan(organization)
        declared = {"metrics": ["reviews.held", "x.attended"], "complete_to": DAY}
        make_observations(organization, SENT, complete_from=date(2026, 6, 1), **declared)
        run_night(DAY)
        yield


@pytest.fixture
def cast(world, db):
    """The people around the organization that is there."""
    there = Cast()
    there.orchard = Organization.objects.get(slug="orchard")
    return there


@pytest.fixture
def reader(client, vera):
    client.force_login(vera)
    return client


def end(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def of_month(key: str, month: date) -> dict[date, float]:
    return {day: value for day, value in SENT[key].items() if month <= day <= end(month)}


def file_of(reader, node: str) -> dict[str, list[float | None]]:
    """The numbers of the file by month, as a reader's spreadsheet has them."""
    response = reader.get(f"{FILE}{node}/")
    assert response["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(response.content.decode())))
    assert rows[0][:5] == ["Month", "Signal", "Scorecard", "Version", "Data date"]
    return {row[0]: [float(cell) if cell else None for cell in row[5:]] for row in rows[1:]}


def clean(month: date) -> list[float]:
    found = of_month("platform.errors", month)
    return [sum(value == 0 for value in found.values()), len(found)]


def average(month: date) -> list[float]:
    weights = of_month("platform.page_requests", month)
    times = of_month("platform.page_time", month)
    total = sum(weights.values())
    return [sum(times[day] * weights[day] for day in times) / total, len(times), total]


def held(month: date) -> list[float | None]:
    past = [day for day in SENT["reviews.held"] if day <= end(month)]
    return [len(of_month("reviews.held", month)), (end(month) - max(past)).days if past else None]


def attended(month: date) -> list[float]:
    return [len(of_month("x.attended", month))]


def baseline(month: date) -> list[float]:
    guest, length = SENT["x.guest"][end(month)], (SENT["x.length"][end(month)] - 6) / 6
    passed = 3 * guest + 1 * length
    return [100 * passed / 4, passed, 4, (guest == 1) + (length == 1), 2]


def incidents(month: date) -> list[float]:
    count = SENT["x.incidents"][end(month)]
    return [12 * count, count]


def only(key: str):
    return lambda month: [SENT[key][end(month)]]


def licenses(month: date) -> list[float]:
    return [SENT[f"sales.licenses_{name}"][end(month)] for name in ("activated", "purchased")]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("platform.error_days", clean),
        ("platform.page_speed", average),
        ("reviews.recency", held),
        ("x.present", attended),
        ("x.baseline", baseline),
        ("x.found", incidents),
        ("x.stands", only("x.length")),
        ("x.scale", only("x.length")),
        ("reviews.satisfaction", only("reviews.satisfaction")),
        ("sales.license_activation", licenses),
    ],
)
def test_every_kind_of_signal_has_its_months(reader, orchard, node, expected):
    numbers = file_of(reader, node)

    known = {month: cells for month, cells in numbers.items() if any(cell is not None for cell in cells)}
    assert list(known) == [f"{month:%Y-%m}" for month in MONTHS]
    for month in MONTHS:
        assert known[f"{month:%Y-%m}"] == pytest.approx(expected(month))


def test_page_of_every_signal_draws_its_months_and_offers_the_file(reader, orchard):
    card = read.latest(orchard)

    for rule in card.scorecard.signals:
        page = reader.get("/o/orchard/trends/", {"node": rule.key})
        assert "What was measured:" in text_of(page), rule.key
        assert f'href="{FILE}{rule.key}/"' in page.content.decode()
        assert page.content.decode().count('class="plot plot--low"') == 1


def test_running_month_is_left_out(reader, orchard):
    assert "2026-10" not in file_of(reader, "platform.error_days")


def test_month_without_a_report_is_unknown_and_no_zero(reader, orchard):
    """Nothing was declared complete before June, so no event then is no knowledge of none."""
    card = read.latest(orchard)

    months = {each.month: each for each in measured.months(card, card.by_node["x.present"].signal)}

    assert months[date(2026, 5, 1)].numbers.get("days") is None
    assert months[date(2026, 8, 1)].numbers["days"] == 0


def test_months_are_those_that_the_score_saw(reader, orchard):
    """A correction after the night shows once a night has read it, as everywhere beside a score."""
    before = file_of(reader, "x.stands")
    correct(orchard, "x.length", end(MONTHS[2]), 3)

    assert file_of(reader, "x.stands") == before
    run_night(DAY + timedelta(days=1))
    assert file_of(reader, "x.stands")["2026-08"] == [3]


def test_node_that_is_no_signal_has_no_measured_months(reader, orchard):
    assert reader.get(f"{FILE}overall/").status_code == 404
    assert reader.get(f"{FILE}nowhere/").status_code == 404
    assert "What was measured" not in text_of(reader.get("/o/orchard/trends/"))


def test_file_of_measured_months_holds_nothing_that_a_spreadsheet_computes(reader, orchard):
    publish_small_card(
        CARD.replace('name = "x.length"', 'name = "=1+1"').replace(
            '"x.stands"\nname = "x.stands"', '"x.stands"\nname = "@x"'
        ),
        effective_on=DAY + timedelta(days=1),
    )
    run_night(DAY + timedelta(days=1))

    text = reader.get(f"{FILE}x.stands/").content.decode()

    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert any("=1+1" in cell for cell in cells)
    assert [cell for cell in cells if cell[:1] in STARTS and cell] == []
