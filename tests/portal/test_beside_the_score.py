"""What stands beside the score for whoever wants to go on: reviews, the introduction, where to read on."""

import re

import pytest
from django.test import override_settings

from accounts import reviews
from accounts.models import Action, AuditEntry
from tests.portal.scored import score, text_of

VIDEO = "https://video.example.org/cairn"
REVIEW = '<a class="btn" href="/o/orchard/plan/#sr">'


@pytest.fixture
def as_dana(client, dana, orchard):
    score(orchard)
    client.force_login(dana)
    return client


# ---------- the success review ----------


def test_overview_leads_to_the_success_review_where_the_plan_opens_it(as_dana, settings):
    assert REVIEW not in as_dana.get("/o/orchard/").content.decode()

    settings.PLAN_OPENS = {"signature": ("score", "review")}

    page = as_dana.get("/o/orchard/")
    assert REVIEW in page.content.decode()
    assert "Success review" in text_of(page)
    assert 'action="/o/orchard/plan/review/"' in as_dana.get("/o/orchard/plan/").content.decode()


def test_overview_says_that_a_review_is_requested_already(
    as_dana, settings, orchard, dana, django_assert_max_num_queries
):
    settings.PLAN_OPENS = {"signature": ("score", "review")}
    reviews.request_review(orchard, by=dana, link="")
    as_dana.get("/o/orchard/")

    with django_assert_max_num_queries(12):
        page = as_dana.get("/o/orchard/")

    assert "Success review requested on " in text_of(page)


def test_viewer_is_offered_no_review(client, vera, orchard, settings):
    settings.PLAN_OPENS = {"signature": ("score", "review")}
    score(orchard)
    client.force_login(vera)

    assert "Success review" not in text_of(client.get("/o/orchard/"))


def test_success_manager_sees_on_the_overview_that_a_review_waits(client, casey, dana, orchard):
    score(orchard)
    client.force_login(casey)
    assert "Success review" not in text_of(client.get("/o/orchard/"))

    reviews.request_review(orchard, by=dana, link="")

    assert "Success review requested on " in text_of(client.get("/o/orchard/"))


# ---------- the introduction ----------


@pytest.mark.parametrize("address", ["/o/orchard/", "/how-scoring-works/"])
def test_introduction_is_a_link_that_says_where_it_leads(as_dana, address):
    assert "Watch the introduction" not in text_of(as_dana.get(address))

    with override_settings(INTRODUCTION=VIDEO):
        response = as_dana.get(address)

    assert f'<a href="{VIDEO}" rel="noreferrer">Watch the introduction (opens video.example.org)</a>' in (
        response.content.decode()
    )
    assert "video.example.org" not in response["Content-Security-Policy"]
    assert not re.search(r"<(iframe|video|embed|object)", response.content.decode())


def test_who_waits_for_the_first_score_can_watch_the_introduction(client, dana, orchard):
    client.force_login(dana)

    with override_settings(INTRODUCTION=VIDEO):
        assert f'href="{VIDEO}"' in client.get("/o/orchard/").content.decode()


# ---------- where to read on ----------


def section(page: str) -> str:
    return re.search(r'aria-labelledby="rs".*?</section>', page, re.S).group()


def test_overview_leads_by_topic_to_what_would_bring_most(as_dana):
    found = section(as_dana.get("/o/orchard/").content.decode())

    links = re.findall(r'href="(/o/orchard/signal/[^"]+)"', found)
    # 38.6 points lost at a third of the weight, before 17.6 at two thirds
    assert links[:2] == [
        "/o/orchard/signal/sales.work_order_growth/",
        "/o/orchard/signal/sales.license_activation/",
    ]
    assert {as_dana.get(link).status_code for link in links} == {200}


def test_category_leads_to_its_own_topics_alone(as_dana):
    found = section(as_dana.get("/o/orchard/score/product-adoption/").content.decode())

    assert set(re.findall(r"/o/orchard/signal/([^/]+)/", found)) == {
        "sales.work_order_growth",
        "sales.license_activation",
    }


@pytest.mark.parametrize("address", ["/o/orchard/", "/o/orchard/score/product-adoption/"])
def test_topics_lead_to_the_help_site_only_where_there_is_one(as_dana, address):
    assert "https://" not in section(as_dana.get(address).content.decode())

    with override_settings(HELP_SITE="https://help.vendor.example/search?q={words}"):
        found = section(as_dana.get(address).content.decode())

    assert "https://help.vendor.example/search?q=assign%20user%20licenses" in found


# ---------- peers, without the page of peers ----------


def test_premier_contact_opts_out_on_the_page_of_the_plan(client, pia, meadow):
    client.force_login(pia)
    assert "The scores of Meadow are among those that others are compared with" in text_of(
        client.get("/o/meadow/plan/")
    )

    answer = client.post("/o/meadow/peers/contribute/", {"contribute": "no"}, follow=True)

    assert answer.redirect_chain[-1][0] == "/o/meadow/plan/"
    assert "From the next close on you do not contribute." in text_of(answer)
    assert "comparison" not in text_of(answer).split("Contributing to peers")[1].split("Holds from")[0]
    meadow.refresh_from_db()
    assert meadow.contributes is False
    entry = AuditEntry.objects.get(action=Action.PEERS_CHOSEN)
    assert (entry.organization_id, entry.after, entry.hat) == (meadow.pk, {"contributes": False}, "contact")


def test_contact_who_sees_the_score_chooses_beside_the_comparison(as_dana):
    assert "Contributing to peers" not in text_of(as_dana.get("/o/orchard/plan/"))
    assert "Contributing to peers" in text_of(as_dana.get("/o/orchard/peers/"))


def test_administrator_does_not_choose_for_a_premier_customer(client, meadow, ada):
    client.force_login(ada)

    assert "Contributing to peers" not in text_of(client.get("/o/meadow/plan/"))
