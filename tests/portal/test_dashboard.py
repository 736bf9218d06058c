"""The overview, as a customer reads it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from scoring import read
from tests.factories import make_membership, make_organization, make_plan
from tests.portal.scored import YESTERDAY, score, text_of


@pytest.fixture
def overview(client, dana, orchard):
    """Dana's overview after one night."""
    score(orchard)
    client.force_login(dana)
    return client.get("/o/orchard/")


def test_contact_reads_the_score_with_its_band(overview, orchard):
    card = read.latest(orchard)

    assert f"{card.overall.whole} of 100 {card.overall.band.name}" in text_of(overview)


def test_sums_add_up_to_the_printed_total(overview):
    table = re.search(r'<table class="sums">.*?</table>', overview.content.decode(), re.S).group()
    given = [Decimal(number) for number in re.findall(r'<td class="num b">([\d.]+)</td>', table)]

    total = Decimal(re.findall(r'<td class="num">([\d.]+)</td></tr></tfoot>', table)[0])

    assert len(given) == 3
    assert sum(given) == total


def test_rounding_is_said_beside_the_sum(overview, orchard):
    overall = read.latest(orchard).overall

    assert f"Overall {overall.points / 100:.2f}, rounded to {overall.whole}" in text_of(overview)


def test_every_category_leads_to_its_page(overview, client, orchard):
    links = set(re.findall(r'href="(/o/orchard/score/[^"?#/]+/)"', overview.content.decode()))

    assert len(links) == 3
    assert {client.get(link).status_code for link in links} == {200}


def test_losses_add_up_to_what_is_missing_to_a_hundred(overview, orchard):
    section = re.search(r'aria-labelledby="ls".*?</section>', overview.content.decode(), re.S).group()
    lost = [Decimal(number) for number in re.findall(r'<span class="num b">([\d.]+)</span>', section)]
    total = Decimal(re.search(r"([\d.]+) points to 100", section).group(1))

    assert sum(lost) == total


def test_signal_that_costs_most_leads_to_its_explanation(overview, client):
    link = re.search(r'<a href="([^"]+\?signal=[^"]+)#why">', overview.content.decode()).group(1)

    assert "Why this score" in text_of(client.get(link))


def test_change_is_shown_against_thirty_days_ago(client, dana, orchard):
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    client.force_login(dana)

    page = text_of(client.get("/o/orchard/"))

    assert read.latest(orchard).overall.change_30 is not None
    assert "in 30 days" in page


def test_change_names_the_day_it_really_goes_back_to(client, dana, orchard):
    score(orchard, days=(YESTERDAY - timedelta(days=40), YESTERDAY))
    client.force_login(dana)

    then = YESTERDAY - timedelta(days=40)

    assert f"since {then.day} " in text_of(client.get("/o/orchard/"))


@pytest.mark.parametrize(
    ("period", "title"),
    [("90", "Score over 90 days"), ("365", "Score over 12 months"), ("all", "Score since the beginning")],
)
def test_trend_has_three_periods(client, dana, orchard, period, title):
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    client.force_login(dana)

    response = client.get("/o/orchard/", {"period": period})

    assert title in text_of(response)
    assert f'href="?period={period}#trend" aria-current="true"' in response.content.decode()


def test_trend_comes_with_its_numbers_as_a_table(client, dana, orchard):
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    client.force_login(dana)

    page = client.get("/o/orchard/").content.decode()

    assert "Show the numbers" in page
    assert page.count("<caption") >= 2


def test_person_of_one_organization_is_not_sent_to_choose(overview):
    assert "Switch org" not in text_of(overview)


def test_person_of_two_organizations_can_switch(client, dana, orchard, harbor):
    score(orchard)
    make_membership(dana, harbor)
    client.force_login(dana)

    assert "Switch org" in text_of(client.get("/o/orchard/"))


def test_stranger_cannot_see_that_orchard_exists(client, hal, orchard):
    client.force_login(hal)

    unknown, foreign = client.get("/o/nowhere/"), client.get("/o/orchard/")

    assert unknown.status_code == foreign.status_code == 404
    assert text_of(unknown) == text_of(foreign)


def test_overview_asks_few_questions(client, dana, orchard, django_assert_max_num_queries):
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    client.force_login(dana)
    client.get("/o/orchard/")

    with django_assert_max_num_queries(12):
        client.get("/o/orchard/")


def test_csm_is_told_what_contacts_cannot_see(client, casey, orchard):
    score(orchard)
    orchard.plan_intervals.all().delete()
    client.force_login(casey)

    assert "Its contacts cannot see this page" in text_of(client.get("/o/orchard/"))


# ---------- the list of organizations ----------


def test_contact_of_one_organization_starts_at_its_overview(client, dana):
    client.force_login(dana)

    assert client.get("/").url == "/o/orchard/"


def test_csm_starts_at_the_portfolio_and_an_administrator_at_the_list(client, casey, ada):
    client.force_login(casey)
    assert client.get("/").url == "/portfolio/"

    client.force_login(ada)
    assert client.get("/").url == "/orgs/"


def test_list_shows_plan_role_score_and_band(client, casey, orchard, harbor):
    score(orchard)
    client.force_login(casey)

    page = text_of(client.get("/orgs/"))

    assert "Orchard Signature Customer success manager Scored" in page
    assert read.latest(orchard).overall.band.name in page
    assert "Harbor" not in page


def test_list_hides_the_score_that_the_plan_does_not_open(client, dana, orchard):
    score(orchard)
    orchard.plan_intervals.update(plan="premier")
    client.force_login(dana)

    page = text_of(client.get("/orgs/"))

    assert "Premier Designated contact Score shared in a success review" in page
    assert read.latest(orchard).overall.band.name not in page


def test_long_list_can_be_searched_and_paged(client, ada, db):
    for number in range(25):
        make_plan(make_organization(f"Customer {number:02}"))
    client.force_login(ada)

    everything, found = client.get("/orgs/"), client.get("/orgs/", {"q": "customer 07"})

    assert "1 to 20 of 25" in text_of(everything)
    assert "Customer 07" in text_of(found)
    assert "Customer 08" not in text_of(found)


def test_list_does_not_ask_once_a_row(client, ada, db, django_assert_max_num_queries):
    for number in range(15):
        make_plan(make_organization(f"Customer {number:02}"))
    client.force_login(ada)
    client.get("/orgs/")  # the first request of a session asks once who demands a second factor

    with django_assert_max_num_queries(12):
        client.get("/orgs/")


def test_search_without_a_match_says_so(client, ada, orchard):
    client.force_login(ada)

    assert "No org matches “zzz”." in text_of(client.get("/orgs/", {"q": "zzz"}))


# ---------- what is on the wire ----------


@pytest.mark.parametrize(
    "address",
    [
        "/o/orchard/",
        "/o/orchard/score/product-adoption/?signal=sales.work_order_growth",
        "/orgs/",
        "/sign-out/",
        "/x/",
    ],
)
def test_page_carries_exactly_the_icons_it_uses(client, dana, orchard, address):
    score(orchard)
    client.force_login(dana)

    page = client.get(address).content.decode()
    drawn = re.findall(r'<symbol id="i-([^"]+)"', page)

    assert sorted(drawn) == sorted(set(re.findall(r'href="#i-([^"]+)"', page)))


def test_page_is_kept_by_no_cache(client, dana, orchard):
    score(orchard)
    client.force_login(dana)

    assert "no-store" in client.get("/o/orchard/")["Cache-Control"]
