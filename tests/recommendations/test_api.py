"""Recommendations as JSON: what a program reads and moves, and what it is told when it cannot."""

from datetime import timedelta

import pytest
from django.test import Client

from recommendations.models import Recommendation
from tests.portal.advised import advise
from tests.portal.scored import TODAY, score

LIST = "/api/v1/organizations/orchard/recommendations/"


@pytest.fixture
def idle(orchard):
    score(orchard)
    orchard.recommendations.all().delete()
    return advise(orchard)


@pytest.fixture
def at(client: Client, dana) -> Client:
    client.force_login(dana)
    return client


def send(client, recommendation, body, *, way="post", what="move/"):
    address = f"{LIST}{recommendation.public_id}/{what}"
    return getattr(client, way)(address, body, content_type="application/json")


def standing(recommendation):
    recommendation.refresh_from_db()
    return recommendation.status


def test_list_is_filtered_paged_and_sorted_like_the_page(at, idle, orchard):
    advise(
        orchard, "Hold a review", signal="reviews.recency", category="customer-expertise", effort_days="0.5"
    )

    every = at.get(f"{LIST}?sort=effort&per_page=1").json()
    some = at.get(f"{LIST}?category=customer-expertise").json()

    assert (every["count"], every["pages"], every["results"][0]["title"]) == (2, 2, "Hold a review")
    assert [each["title"] for each in some["results"]] == ["Hold a review"]
    first = at.get(f"{LIST}?signal=sales.license_activation").json()["results"][0]
    assert first["reasons"] == ["Sales license activation scores 82, below 90."]
    assert (first["gain"], first["effort_days"], first["edition"]) == ("1.20", "2", 1)


@pytest.mark.parametrize(
    "query", ["status=finished", "sort=mood", "page=9", "per_page=0", "page=x", "colour=red"]
)
def test_what_the_list_does_not_know_is_named_with_its_value(at, idle, query):
    response = at.get(f"{LIST}?{query}")

    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"] == query.partition("=")[0]
    assert response.json()["errors"][0]["value"] == query.partition("=")[2]


def test_same_move_again_changes_nothing_and_is_answered_alike(at, idle):
    first = send(at, idle, {"status": "in_progress", "edition": 1})
    again = send(at, idle, {"status": "in_progress", "edition": 1})

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert idle.changes.count() == 1


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"status": "finished"}, 422, "status"),
        ({}, 422, "status"),
        ({"status": 7}, 422, "status"),
        ({"status": "archived"}, 422, "reason"),
        ({"status": "new"}, 409, "status"),
        ({"status": "archived", "reason": "x", "edition": "one"}, 422, "edition"),
        ({"status": "archived", "colour": "red"}, 422, "colour"),
        (["archived"], 422, "body"),
    ],
)
def test_move_that_cannot_be_names_field_and_value(at, idle, body, code, field):
    Recommendation.objects.update(status="complete", completed_on=TODAY)

    response = send(at, idle, body)

    assert response.status_code == code
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"] == field
    assert standing(idle) == "complete"


def test_move_after_an_edit_is_told_what_changed(at, idle, casey):
    other = Client()
    other.force_login(casey)
    send(other, idle, {"status": "in_progress"})

    response = send(at, idle, {"status": "complete", "edition": 1})

    assert response.status_code == 409
    assert "Casey moved it from New to In Progress" in response.json()["changes"][0]
    assert standing(idle) == "in_progress"


def test_training_administrator_is_refused_what_is_not_theirs(client, idle, tara):
    client.force_login(tara)

    response = send(client, idle, {"status": "in_progress"})

    assert response.status_code == 403
    assert standing(idle) == "new"


def test_owner_date_and_tags_are_all_kept_or_none(at, idle, dana):
    past = (TODAY - timedelta(days=1)).isoformat()

    refused = send(at, idle, {"owner": dana.pk, "due_on": past}, way="patch", what="")
    kept = send(at, idle, {"owner": dana.pk, "tags": ["Q4"], "favorite": True}, way="patch", what="")

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "due_on")
    assert (kept.json()["owner"], kept.json()["tags"], kept.json()["favorite"]) == (dana.pk, ["Q4"], True)
    assert kept.json()["due_on"] is None


def test_recommendation_of_another_organization_is_not_there(at, idle, harbor):
    foreign = advise(harbor, "Theirs")

    assert at.get(f"{LIST}{foreign.public_id}/").status_code == 404
    assert send(at, foreign, {"status": "in_progress"}).status_code == 404
    assert standing(foreign) == "new"
