"""Whoever has a page already is told that nothing changed, and never anything else."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from accounts import installation
from accounts.models import Membership, Role
from portal.nightly import run_night
from tests.portal.scored import YESTERDAY, score

OVERVIEW = "/o/orchard/"
CATEGORY = "/o/orchard/score/product-adoption/"
PAGES = [OVERVIEW, CATEGORY]


@pytest.fixture
def reader(client, dana, orchard) -> Client:
    """Dana, whose browser has a token and has seen the pages."""
    score(orchard)
    client.force_login(dana)
    client.get(OVERVIEW)
    return client


def again(client: Client, address: str, tag: str):
    return client.get(address, headers={"if-none-match": tag})


@pytest.mark.parametrize("address", PAGES)
def test_page_that_did_not_change_is_not_sent_again(reader, address):
    response = again(reader, address, reader.get(address)["ETag"])

    assert (response.status_code, response.content) == (304, b"")
    assert "private" in response["Cache-Control"]
    assert "no-store" in response["Cache-Control"]


def test_new_night_is_sent(client, dana, orchard):
    score(orchard, days=(YESTERDAY - timedelta(days=1),))
    client.force_login(dana)
    client.get(OVERVIEW)
    tag = client.get(OVERVIEW)["ETag"]

    run_night(YESTERDAY)

    assert again(client, OVERVIEW, tag).status_code == 200


def test_other_theme_is_another_page(reader):
    tag = reader.get(OVERVIEW)["ETag"]
    reader.post("/theme/", {"theme": "dark", "next": OVERVIEW})

    assert again(reader, OVERVIEW, tag).status_code == 200


def test_other_role_is_another_page(reader, dana):
    tag = reader.get(OVERVIEW)["ETag"]
    Membership.objects.filter(user=dana).update(role=Role.VIEWER)

    assert again(reader, OVERVIEW, tag).status_code == 200


@pytest.mark.parametrize("address", PAGES)
def test_right_that_ended_opens_nothing_to_a_known_tag(reader, dana, address):
    tag = reader.get(address)["ETag"]
    Membership.objects.filter(user=dana).delete()

    response = again(reader, address, tag)

    assert response.status_code == 404
    assert "ETag" not in response


def test_plan_that_ended_opens_nothing_to_a_known_tag(reader, orchard):
    tag = reader.get(OVERVIEW)["ETag"]
    orchard.plan_intervals.all().delete()

    assert again(reader, OVERVIEW, tag).status_code == 403


def test_tag_of_one_person_is_nobody_elses(reader, vera, dana, orchard):
    tag = reader.get(OVERVIEW)["ETag"]
    Membership.objects.filter(user=vera).update(role=Role.CONTACT)
    vera.name = dana.name
    vera.save()
    other = Client()
    other.force_login(vera)
    other.cookies[settings.CSRF_COOKIE_NAME] = reader.cookies[settings.CSRF_COOKIE_NAME].value

    assert other.get(OVERVIEW)["ETag"] != tag


def test_page_kept_from_before_still_posts(reader):
    """The token in the page that was kept fits the cookie that the 304 was given to."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = reader.cookies
    kept = strict.get(OVERVIEW)
    assert again(strict, OVERVIEW, kept["ETag"]).status_code == 304

    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', kept.content.decode()).group(1)

    assert strict.post("/theme/", {"theme": "dark", "csrfmiddlewaretoken": token}).status_code == 302


def test_other_token_cookie_is_another_page(reader):
    tag = reader.get(OVERVIEW)["ETag"]
    reader.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32

    assert again(reader, OVERVIEW, tag).status_code == 200


def test_browser_without_a_token_gets_the_whole_page(client, dana, orchard):
    score(orchard)
    client.force_login(dana)

    assert "ETag" not in client.get(OVERVIEW)


# ---------- asked once a request ----------


def test_house_is_asked_once_a_request_and_again_after_a_change(ada, django_assert_num_queries):
    with installation.asked_once():
        before = installation.current()
        with django_assert_num_queries(0):
            assert installation.current() == before
        installation.change({"vendor_name": "Other Ltd"}, by=ada)

        assert installation.current().vendor_name == "Other Ltd"


def test_house_is_asked_anew_outside_of_a_request(db, django_assert_num_queries):
    with django_assert_num_queries(2):
        installation.current()
        installation.current()
