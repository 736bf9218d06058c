"""The page of one signal: what a contact reads about it, and where the words come from."""

import re

import pytest
from django.test import override_settings

from portal.pages.signal import BESIDE, UNDERSTAND, WORK
from scoring import cards
from tests.factories import SMALL_CARD, publish_small_card
from tests.portal.scored import score, text_of

PAGE = "/o/orchard/signal/sales.license_activation/"

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def seen(client, dana, orchard):
    """Dana's browser, with a night of Orchard behind it."""
    score(orchard)
    client.force_login(dana)
    return client


def test_contact_reads_score_inputs_and_all_twelve_parts(seen):
    text = text_of(seen.get(PAGE))

    written = cards.shipped()["sales.license_activation"]
    assert "412 of 500 licenses" in text
    assert "82" in text
    for name, said in cards.texts_of(written):
        assert said in text, name
    assert len(UNDERSTAND) + len(WORK) == 12
    for title in (*UNDERSTAND.values(), *WORK.values(), *BESIDE.values()):
        assert title in text


def test_contact_sees_what_the_signal_reads_and_when_it_arrives(seen):
    text = text_of(seen.get(PAGE))

    assert (
        "Activated Sales licenses A level, read at its newest value (licenses). Weekly, due 3 days after."
        in text
    )
    assert (
        "Purchased Sales licenses A level, read at its newest value (licenses). Monthly, due 7 days after."
        in text
    )


def test_signal_page_leads_up_to_its_subcategory_and_category(seen):
    page = seen.get(PAGE).content.decode()

    assert 'href="/o/orchard/score/product-adoption/"' in page
    assert 'href="/o/orchard/score/product-adoption/breadth/"' in page
    assert 'href="/how-scoring-works/#ratio"' in page


def test_category_page_leads_to_the_signal_page(seen):
    page = seen.get("/o/orchard/score/product-adoption/?signal=sales.license_activation").content.decode()

    assert f'<a href="{PAGE}">About this signal</a>' in page


def test_signal_says_the_same_on_its_own_page_as_in_the_panel(seen):
    """One number, one place: weight and points come from the same function."""
    address = "/o/orchard/score/product-adoption/breadth/?signal=sales.license_activation"

    steps = [
        re.findall(r"<li><div><b>(Weight|Score|Inputs).</b> (.*?)</div>", seen.get(each).content.decode())
        for each in (PAGE, address)
    ]

    assert len(steps[0]) == 3
    assert steps[0] == steps[1]


def test_signal_nobody_has_written_about_shows_the_scorecards_own_words(seen):
    text = text_of(seen.get("/o/orchard/signal/reviews.satisfaction/"))

    assert "100 from 4 points on, 50 from 3 on, else 0" in text
    assert "What to do about it" not in text


def test_version_that_computes_it_in_its_own_way_shows_its_own_formula(client, dana, orchard):
    own = SMALL_CARD.replace(
        'numerator = "sales.licenses_activated"', 'numerator = "sales.licenses_activated"\ntarget = 2'
    )
    publish_small_card(own)
    score(orchard)
    client.force_login(dana)

    text = text_of(client.get(PAGE))

    assert "This version computes it in its own way" in text
    assert "activated licenses / purchased licenses × 100" in text
    assert cards.shipped()["sales.license_activation"].parts.formula not in text


def test_signal_that_is_not_there_is_not_found(seen):
    for key in ("sales.nothing", "product-adoption", "overall", "commerce.order_growth"):
        assert seen.get(f"/o/orchard/signal/{key}/").status_code == 404, key


def test_organization_without_a_score_has_no_signals(client, dana, orchard):
    client.force_login(dana)

    assert client.get(PAGE).status_code == 404


def test_related_signals_lead_only_to_what_this_scorecard_has(seen):
    page = seen.get(PAGE).content.decode()

    assert "service.license_activation" not in page


def test_nothing_leads_outside_unless_the_vendor_says_where(seen):
    outside = re.findall(r'href="(https?:[^"]+)"', seen.get(PAGE).content.decode())
    assert outside == []

    with override_settings(HELP_SITE="https://help.vendor.example/search?q={words}"):
        outside = re.findall(r'href="(https?:[^"]+)"', seen.get(PAGE).content.decode())
    assert outside == ["https://help.vendor.example/search?q=assign%20user%20licenses"]
