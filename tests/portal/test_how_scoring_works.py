"""How scoring works, and the statements: what they say is what the engine and the settings say."""

import re
from pathlib import Path

import pytest
from django.test import override_settings

from portal.pages.how_scoring_works import RULES
from portal.pages.words import KINDS
from scoring import engine, examples, publish
from scoring.engine import State
from scoring.engine.kinds import KINDS as ENGINE_KINDS
from tests.factories import make_organization, make_plan, publish_small_card
from tests.portal.scored import text_of

PAGE = "/how-scoring-works/"
FILE = Path(__file__).resolve().parents[2] / "scoring" / "scorecards" / "customer_success.toml"

# SCORING §1 to §4, §11 and §12: what each example must come to, in hundredths.
VECTORS = {
    "ratio": 6700,
    "ratio.over": 10000,
    "ratio.inverse": 8000,
    "growth": 6144,
    "growth.weak": 4424,
    "growth.yoy": 6250,
    "growth.fewer": 4333,
    "indicator": 10000,
    "indicator.ternary": 5000,
    "indicator.recency": 5000,
    "error": 9000,
    "error.silent": 9091,
    "performance": 7733,
    "performance.linear": 5000,
    "config": 6818,
    "deduction": 8800,
    "steps": 10000,
    "linear": 7400,
}
SHOWN = {
    "growth": 61,
    "growth.weak": 44,
    "growth.yoy": 62,
    "growth.fewer": 43,
    "error.silent": 91,
    "config": 68,
}


# ---------- the examples ----------


def test_examples_come_to_what_the_specification_says():
    found = {reading.node: reading for each in examples.kinds().values() for reading in each}

    assert {node: reading.points for node, reading in found.items()} == VECTORS
    assert {node: found[node].whole for node in SHOWN} == SHOWN
    assert {reading.state for reading in found.values()} == {State.OK}


def test_every_kind_of_the_engine_has_a_rule_and_an_example():
    assert set(examples.kinds()) == set(RULES) == set(ENGINE_KINDS) == set(KINDS)


def test_worked_roll_up_is_that_of_the_specification():
    worked = examples.roll_up()
    overall = worked.overall

    assert [part.points for part in worked.parts] == [7240, None, 8100]
    assert [(part.lower, part.upper) for part in worked.parts] == [(7240, 7240), (1500, 8500), (6480, 8480)]
    assert (overall.points, overall.whole, overall.state) == (7670, 77, State.PROVISIONAL)
    assert overall.coverage == pytest.approx(0.70)
    assert (overall.lower, overall.upper) == (5073, 8073)


# ---------- the page ----------


@pytest.fixture
def read(client, dana, orchard, db):
    """Dana reads the page under the scorecard we ship."""
    publish.publish(FILE.read_text())
    client.force_login(dana)
    return re.sub(r" ([,.])", r"\1", text_of(client.get(PAGE)))


def test_contact_finds_an_example_of_each_kind_of_her_scorecard(read):
    for said in (
        "67 / 100 = 0.67",
        "693 / 564 ≈ 1.22 (cut, not rounded), × 50 = 61.44, rounded to 61",
        "499 / 564 ≈ 0.88 (cut, not rounded), × 50 = 44.24, rounded to 44",
        "27 / 30 × 100 = 90",
        "20 / 22 × 100 = 90.91, rounded to 91",
        "2,000 ms gives 77.33, rounded to 77",
        "7.50 / 11 × 100 = 68.18, rounded to 68",
    ):
        assert said in read, said
    assert "Deduction" not in read  # not in her scorecard


def test_contact_reads_why_the_ratio_is_not_rounded_first(read):
    assert "693 / 564 × 50 = 61.44 shows 61" in read
    assert "Rounding the ratio to 1.23 first would give 61.50 and show 62" in read
    assert "62.5 shows 62" in read


def test_contact_reads_the_roll_up(read):
    assert "(72.4 + 81.0) / 2 = 76.7, shown as 77" in read
    assert "50.7 to 80.7" in read


def test_weights_bands_and_floors_are_those_of_the_version_in_force(read):
    card = engine.parse(FILE.read_text())

    assert "Product Adoption 50% of overall" in read
    assert "Momentum 20.0% 6" in read
    assert "Healthy 80 to 100" in read
    assert "Watch 70 to 79" in read
    assert "Act now 0 to 69" in read
    assert "the overall score with less than 60% or with fewer than 2 of 3 categories" in read
    assert sum(int(count) for count in re.findall(r"\d\.\d% (\d+)\b", read)) == 48
    assert len([signal for signal in card.signals if not signal.preview]) == 48


def test_changed_weights_are_shown_as_published(client, dana, orchard):
    publish_small_card()
    client.force_login(dana)

    assert "version 1" in text_of(client.get(PAGE))
    assert "Steps" in text_of(client.get(PAGE))


def test_page_says_what_the_score_does_not_measure(read):
    for said in (
        "no person is scored",
        "not revenue, savings or satisfaction",
        "no certificate",
        "Your renewal",
    ):
        assert said in read


def test_day_of_the_close_is_the_setting(client, dana, orchard):
    client.force_login(dana)

    with override_settings(CLOSE_DAY=11):
        assert "on the night of day 11 of the next month" in text_of(client.get(PAGE))


def test_nobody_reads_the_scorecard_of_an_organization_they_do_not_know(client, dana, orchard, db):
    """A vendor may make one scorecard for one customer: its name is theirs."""
    publish.publish(FILE.read_text())
    publish_small_card(
        FILE.read_text()
        .replace('key = "customer-success"', 'key = "for-harbor"')
        .replace("Customer Success Score", "Harbor's own")
    )
    harbor = make_organization("Harbor", slug="harbor", products=["sales"], scorecard="for-harbor")
    make_plan(harbor)
    client.force_login(dana)

    assert "Harbor's own" not in text_of(client.get(PAGE))
    assert client.get(f"{PAGE}?scorecard=for-harbor").status_code == 404


def test_visitor_is_asked_to_sign_in_and_reads_the_statements_without(client, db):
    assert client.get(PAGE)["Location"].startswith("/sign-in/")
    assert client.get("/privacy/").status_code == 200
    assert client.get("/accessibility/").status_code == 200


def test_every_page_leads_to_the_statements(client, dana, ada, orchard):
    client.force_login(dana)
    pages = ["/o/orchard/", "/me/", "/nowhere/"]
    seen = [client.get(page).content.decode() for page in pages]
    client.force_login(ada)
    seen += [client.get("/manage/organizations/").content.decode()]
    client.logout()
    seen += [client.get("/sign-in/").content.decode()]

    for page in seen:
        assert 'href="/privacy/"' in page
        assert 'href="/accessibility/"' in page
    assert all('href="/how-scoring-works/"' in page for page in seen[:4])
    assert 'href="/how-scoring-works/"' not in seen[4]


def test_privacy_names_the_cookies_and_days_that_are_in_force(client, db, settings):
    settings.AUDIT_DAYS = 123
    settings.EXPORT_DAYS = 5
    settings.PEERS_FLOOR = 17
    text = text_of(client.get("/privacy/"))

    assert f"{settings.SESSION_COOKIE_NAME} Keeps you signed in" in text
    assert f"{settings.CSRF_COOKIE_NAME} Proves" in text
    assert "removed after 123 days" in text
    assert "for you alone to fetch: 5 days" in text
    assert "among 17 organizations or more" in text
    assert "12 hours without use, or 14 days" in text
