"""The Actions hub: what a contact finds, sets and stars there, and what nobody else can."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.portal.advised import advise
from tests.portal.scored import score, text_of

HUB = "/o/orchard/actions/"
HTMX = {"HX-Request": "true"}


def address(recommendation, what="action"):
    return reverse(what, args=["orchard", recommendation.public_id])


@pytest.fixture
def idle(orchard):
    score(orchard)
    return advise(orchard)


@pytest.fixture
def at(client: Client, dana) -> Client:
    client.force_login(dana)
    return client


def test_contact_finds_every_action_with_reason_effort_and_points(at, idle):
    text = text_of(at.get(HUB))

    assert "Sales license activation scores 82, below 90." in text
    assert "Low effort, 2 days" in text
    assert "+1.2 points" in text
