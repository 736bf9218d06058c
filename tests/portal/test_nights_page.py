"""The nights as their operator sees them, and the workers that a night calls."""

import re
from datetime import date, timedelta

from django.test import Client

from accounts.models import Organization, User
from portal import nightly
from scoring import run
from scoring.models import MetricMonth, ScoringRun
from tests.factories import make_measured, make_organization, publish_small_card
from tests.portal.scored import YESTERDAY, score, text_of


def test_contact_cannot_see_the_nights(client: Client, dana: User) -> None:
    client.force_login(dana)

    response = client.get("/nights/")

    assert response.status_code == 403


def test_operator_without_a_night_is_told_what_starts_one(client: Client, ada: User) -> None:
    client.force_login(ada)

    page = text_of(client.get("/nights/"))

    assert "No night has run yet" in page
    assert "manage.py nightly" in page


def test_operator_sees_that_a_night_is_out(client: Client, ada: User, orchard: Organization) -> None:
    score(orchard)
    client.force_login(ada)

    page = text_of(client.get("/nights/"))

    assert "Customer Success Score v1" in page
    assert "published" in page
    assert "1 organization scored" in page


def test_operator_sees_why_a_night_is_not_out(client: Client, ada: User, orchard: Organization) -> None:
    publish_small_card()
    make_measured(orchard, YESTERDAY)
    nightly.pack_arrived(YESTERDAY, None, nightly.Hands())
    MetricMonth.objects.filter(organization=orchard).update(slots=b"\0" * 80_001)
    try_night()
    client.force_login(ada)

    page = text_of(client.get("/nights/"))

    assert "was not published: too many organizations could not be scored" in page
    assert f"Organization {orchard.pk}: ValueError" in page


def test_operator_turns_the_pages_of_older_nights(client: Client, ada: User, orchard: Organization) -> None:
    days = tuple(YESTERDAY - timedelta(days=back) for back in reversed(range(22)))
    score(orchard, days=days)
    client.force_login(ada)

    first = text_of(client.get("/nights/"))
    older = text_of(client.get(f"/nights/?before={days[2]:%Y-%m-%d}"))

    assert "Older nights" in first
    assert "Older nights" not in older
    assert name(days[1]) in older
    assert not re.search(rf"\b{name(days[1])}", first)  # 1 Nov stands in 21 Nov


def test_worker_that_is_called_scores_what_is_left(orchard: Organization, settings: object) -> None:
    settings.CHUNK_ORGANIZATIONS = 1
    others = [make_organization(f"Customer {number}", products=["sales"]) for number in range(3)]
    version = publish_small_card()
    for each in (orchard, *others):
        make_measured(each, YESTERDAY)
    nightly.pack_arrived(YESTERDAY, None, nightly.Hands())
    opened = run.open_run(version, YESTERDAY)

    nightly.lend_a_hand()

    assert not opened.chunks.filter(done_at=None).exists()
    assert ScoringRun.objects.get().published_at is None  # whoever runs the night publishes it


def test_night_calls_a_worker_for_each_other_chunk(orchard: Organization, settings: object) -> None:
    settings.CHUNK_ORGANIZATIONS = 1
    others = [make_organization(f"Customer {number}", products=["sales"]) for number in range(3)]
    publish_small_card()
    for each in (orchard, *others):
        make_measured(each, YESTERDAY)
    rings: list[int] = []

    nightly.run_night(YESTERDAY, ring=rings.append)

    assert rings == [3]


def name(day: date) -> str:
    """A day as the page writes it."""
    return f"{day.day} {day:%b %Y}"


def try_night() -> None:
    """A night that is expected to fail."""
    try:
        nightly.run_night(YESTERDAY)
    except nightly.NightFailed:
        return
    raise AssertionError("The night was published after all.")
