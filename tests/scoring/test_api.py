"""The score over HTTP: the command's document, through the same door as the pages."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import Organization, Plan, PlanInterval, User
from scoring import pack, run
from scoring.models import ScorecardVersion
from tests.factories import PASSWORD, make_measured, make_plan, publish_small_card

DAY = date(2026, 10, 20)
ADDRESS = "/api/v1/organizations/orchard/score/"


@pytest.fixture
def version(db: None) -> ScorecardVersion:
    return publish_small_card()


@pytest.fixture
def scored(orchard: Organization, version: ScorecardVersion) -> Organization:
    """Orchard with one published night."""
    make_measured(orchard, DAY)
    pack.pack_due()
    opened = run.open_run(version, DAY)
    run.work(opened)
    assert run.publish_run(opened)
    return orchard


def get(client: Client, user: User | None, address: str = ADDRESS):
    if user:
        client.force_login(user)
    return client.get(address)


def test_contact_gets_the_document_of_the_command(client, dana, scored, capsys):
    response = get(client, dana)

    call_command("score", "orchard", "--json")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("who", ["vera", "casey", "ada"])
def test_whoever_may_see_the_score_gets_it(who, client, scored, request):
    assert get(client, request.getfixturevalue(who)).status_code == 200


def test_visitor_is_refused_without_a_word_about_the_organization(client, scored):
    known, unknown = get(client, None), client.get("/api/v1/organizations/nowhere/score/")

    assert known.status_code == unknown.status_code == 403
    assert known.content == unknown.content


def test_stranger_cannot_tell_a_foreign_organization_from_none(client, hal, scored):
    foreign = get(client, hal)
    none = client.get("/api/v1/organizations/nowhere/score/")

    assert foreign.status_code == none.status_code == 404
    assert foreign.content == none.content
    assert foreign.headers["Content-Type"] == none.headers["Content-Type"]


def test_before_the_first_night_there_is_nothing(client, dana, orchard):
    response = get(client, dana)

    assert response.status_code == 404
    assert response.json()["title"] == "No score yet"


def test_contact_of_a_premier_customer_is_told_that_the_plan_does_not_open_it(client, dana, casey, scored):
    PlanInterval.objects.all().delete()
    make_plan(scored, Plan.PREMIER)

    refused, allowed = get(client, dana), get(client, casey)

    assert refused.status_code == 403
    assert "plan" in refused.json()["detail"]
    assert allowed.status_code == 200


def test_contact_loses_the_score_the_moment_the_plan_ends(client, dana, scored):
    PlanInterval.objects.update(ends_at=datetime.now(UTC) - timedelta(seconds=1))

    assert get(client, dana).status_code == 403


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written(method, dana, scored):
    client = Client()
    client.force_login(dana)

    assert getattr(client, method)(ADDRESS).status_code == 405


def test_foreign_page_cannot_post_in_somebodys_name(dana, scored):
    client = Client(enforce_csrf_checks=True)
    client.force_login(dana)

    assert client.post(ADDRESS).status_code == 403


def test_session_is_the_only_way_in(client, dana, scored):
    basic = client.get(ADDRESS, headers={"authorization": "Basic ZGFuYUBvcmNoYXJkLmV4YW1wbGU6eA=="})
    token = client.get(f"{ADDRESS}?token={PASSWORD}")

    assert basic.status_code == token.status_code == 403


def test_answer_is_kept_by_no_cache(client, dana, scored):
    assert "no-store" in get(client, dana)["Cache-Control"]
