"""A right that has ended is over at the next request, at every address there is: nobody has to sign out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import resolve

from accounts import memberships
from accounts.models import Organization, Plan, User
from portal import exporting
from tests.crawling import crawl, starts, undone
from tests.portal.scored import YESTERDAY, score
from tests.test_doors import OF_THE_SCORE

pytestmark = pytest.mark.slow

SCORE = {door.name for door in OF_THE_SCORE}
FILES = {"export-file", "export-now"}
OF_PEOPLE = "/exports/now/contacts/"  # no score in it


@pytest.fixture
def reached(client, dana, orchard, settings, tmp_path) -> dict[str, str]:
    """Every address of Orchard's that Dana has just read, a file made for her among them, and its name."""
    settings.EXPORT_DIR = tmp_path / "exports"
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    client.force_login(dana)
    client.post("/o/orchard/exports/make/every-signal/")
    exporting.make_exports()
    found = crawl(client, starts("orchard"))
    return {
        address: match.view_name
        for address, answer in found.answers.items()
        if answer.status_code == 200
        and (match := resolve(urlsplit(address).path)).kwargs.get("slug") == "orchard"
    }


def test_whoever_has_lost_a_right_is_refused_everywhere_at_the_next_request(
    reached, client: Client, dana: User, ada: User, orchard: Organization
):
    names = set(reached.values())
    assert {"dashboard", "signal", "trends-file", "receipt-document", "contacts", "api-score"} <= names
    assert names >= FILES

    def ask(ends: Callable[[], object]) -> dict[str, int]:
        with undone():
            client.force_login(dana)
            assert client.get("/o/orchard/").status_code == 200
            ends()
            return {address: client.get(address).status_code for address in reached}

    scores, member = of_the_score(reached), dana.memberships.get()
    refused = {302, 401, 403, 404}  # led to the sign-in, or told no
    assert set(ask(lambda: memberships.end_access(member, by=ada, knowing=True)).values()) <= refused
    over = {"ends_at": datetime.now(UTC) - timedelta(seconds=1)}
    assert set(ask(lambda: dana.memberships.update(**over)).values()) == {404}
    assert set(ask(lambda: memberships.deactivate(dana, by=ada, knowing=True)).values()) <= refused

    without_plan = ask(lambda: orchard.plan_intervals.update(**over))
    assert {without_plan[address] for address in scores} == {403}
    assert {without_plan[address] for address, name in reached.items() if name == "contacts"} == {200}


def test_plan_that_falls_to_premier_closes_the_score_and_leaves_the_review(
    reached, client: Client, orchard: Organization
):
    orchard.plan_intervals.update(plan=Plan.PREMIER)

    told = {address: client.get(address).status_code for address in reached}
    assert {told[address] for address in of_the_score(reached)} == {403}
    assert client.get("/o/orchard/plan/").status_code == 200


def of_the_score(reached: dict[str, str]) -> list[str]:
    """The addresses that show a score or give it out."""
    return [
        address for address, name in reached.items() if name in SCORE | FILES and OF_PEOPLE not in address
    ]
