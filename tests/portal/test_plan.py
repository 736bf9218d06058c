"""My Success Plan, the conditions page, and requesting a success review, as people meet them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Plan, Role
from scoring import read
from tests.factories import make_membership, make_plan
from tests.portal.scored import score, text_of

PLAN, CONDITIONS, REVIEW = "/o/orchard/plan/", "/o/orchard/access/", "/o/meadow/plan/review/"


@pytest.fixture
def as_dana(client, dana):
    client.force_login(dana)
    return client


@pytest.fixture
def as_pia(client, pia):
    client.force_login(pia)
    return client


# ---------- the plan ----------


def test_plan_page_names_plan_products_and_who_looks_after_the_customer(as_dana, orchard, casey, gus):
    response = as_dana.get(PLAN)
    page = text_of(response)

    assert "My Success Plan Orchard" in page
    assert "Signature From 1 Jan 2020 Until Without end Opens The live score" in page
    assert "Customer success manager, casey@vendor.example" in page
    assert "Success guide, gus@vendor.example" in page
    assert 'href="mailto:casey@vendor.example"' in response.content.decode()
    assert "Platform Sales" in page


def test_organization_without_a_success_manager_still_names_somebody(as_dana, orchard, settings):
    settings.SUPPORT_EMAIL = "help@vendor.example"

    assert 'href="mailto:help@vendor.example"' in as_dana.get(PLAN).content.decode()


def test_quick_link_leads_to_the_score(as_dana, orchard):
    score(orchard)

    page = as_dana.get(PLAN).content.decode()

    assert '<a class="b" href="/o/orchard/">Customer Success Score</a>' in page
    assert as_dana.get("/o/orchard/").status_code == 200


def test_quick_links_are_never_dead(as_pia, meadow):
    page = as_pia.get("/o/meadow/plan/").content.decode()

    assert "Customer Success Score</a>" not in page
    assert 'href="/o/meadow/access/"' in page


def test_sign_in_leads_to_the_plan_while_the_score_is_closed(as_dana, orchard):
    assert as_dana.get("/").url == "/o/orchard/"

    orchard.plan_intervals.all().delete()

    assert as_dana.get("/").url == PLAN


def test_lapsed_plan_says_when_it_ended(as_dana, orchard):
    orchard.plan_intervals.update(ends_at=datetime(2026, 9, 30, 12, tzinfo=UTC))

    assert "The Signature plan ended on 30 Sep 2026, 12:00 UTC" in text_of(as_dana.get(PLAN))


def test_plan_page_asks_few_questions(as_dana, orchard, django_assert_max_num_queries):
    as_dana.get(PLAN)

    with django_assert_max_num_queries(12):
        as_dana.get(PLAN)


def test_our_people_read_of_a_success_plan_not_of_theirs(client, casey, orchard):
    client.force_login(casey)

    assert "My Success Plan" not in text_of(client.get(PLAN))


def test_german_speaker_finds_the_way_to_the_score(as_dana, dana, orchard):
    dana.language = "de"
    dana.save()

    page = as_dana.get(PLAN)

    assert 'href="/o/orchard/">Customer Success Score</a>' in page.content.decode()
    assert "In English only; you can view it for this visit" in text_of(page)


def test_viewer_on_premier_is_not_told_to_request(client, vera, orchard):
    orchard.plan_intervals.update(plan=Plan.PREMIER)
    client.force_login(vera)

    page = text_of(client.get("/o/orchard/"))

    assert "Your plan shares the score in a success review" in page
    assert "Request a success review" not in page


# ---------- the open tab ----------


def test_open_tab_and_api_close_when_signature_becomes_premier(as_dana, orchard):
    score(orchard)
    points = read.latest(orchard).overall.whole
    assert as_dana.get("/o/orchard/").status_code == 200
    assert as_dana.get("/api/v1/organizations/orchard/score/").status_code == 200
    now = timezone.now()
    orchard.plan_intervals.update(ends_at=now)
    make_plan(orchard, Plan.PREMIER, starts_at=now)

    tab = as_dana.get("/o/orchard/")
    api = as_dana.get("/api/v1/organizations/orchard/score/")

    assert tab.status_code == api.status_code == 403
    assert "Your plan shares the score in a success review" in text_of(tab)
    assert f">{points}<" not in tab.content.decode()
    assert api.json()["detail"] == "The plan of Orchard does not open this now."


def test_select_an_org_shows_no_score_that_is_closed(client, dana, orchard, meadow):
    make_membership(dana, meadow)
    score(orchard, meadow)
    client.force_login(dana)

    page = client.get("/orgs/")

    assert "Meadow Premier Designated contact Score shared in a success review" in text_of(page)
    assert 'href="/o/meadow/plan/"' in page.content.decode()
    dana.language = "de"
    dana.save()
    assert "Score in English only" in text_of(client.get("/orgs/"))


# ---------- the review ----------


def test_premier_contact_requests_a_review_once(as_pia, meadow, gus):
    assert "Request a success review" in text_of(as_pia.get("/o/meadow/plan/"))

    page = text_of(as_pia.post(REVIEW, follow=True))
    again = text_of(as_pia.post(REVIEW, follow=True))

    assert "Your request is on its way." in page
    assert "Pia asked for one on" in page
    assert "Request a success review" not in page
    assert "A review is requested already." in again
    assert meadow.review_requests.count() == 1


def test_guide_marks_the_request_as_arranged(as_pia, meadow, gus):
    make_membership(gus, meadow, Role.GUIDE)
    as_pia.post(REVIEW)
    as_pia.force_login(gus)

    page = text_of(as_pia.post(f"{REVIEW}arranged/", follow=True))

    assert "Marked as arranged." in page
    assert meadow.review_requests.get().answered_by == gus
    assert "No request is open any more." in text_of(as_pia.post(f"{REVIEW}arranged/", follow=True))


def test_viewer_reads_who_can_request(client, vera, orchard):
    orchard.plan_intervals.update(plan=Plan.PREMIER)
    client.force_login(vera)

    page = text_of(client.get(PLAN))

    assert "Designated contacts and training administrators can request one here." in page


def test_body_of_a_request_decides_nothing(as_pia, meadow, orchard):
    as_pia.post(REVIEW, {"organization": orchard.pk, "asked_by": 1, "answered_at": "2020-01-01"})

    made = meadow.review_requests.get()
    assert (made.asked_by.email, made.answered_at) == ("pia@meadow.example", None)
    assert not orchard.review_requests.exists()


def test_plan_without_reviews_says_so(as_dana, orchard):
    page = text_of(as_dana.post("/o/orchard/plan/review/"))

    assert "Your plan does not include success reviews on request" in page
    assert "come with Premier" in page


# ---------- the conditions ----------


@pytest.mark.parametrize(
    ("change", "unmet"),
    [
        (lambda dana, orchard: None, []),
        (lambda dana, orchard: orchard.plan_intervals.all().delete(), ["The plan opens the score"]),
        (lambda dana, orchard: orchard.products.clear(), ["A product is owned that is scored"]),
        (lambda dana, orchard: type(dana).objects.update(language="de"), ["Your language is English"]),
        (
            lambda dana, orchard: (orchard.products.clear(), orchard.plan_intervals.update(plan="premier")),
            ["The plan opens the score", "A product is owned that is scored"],
        ),
    ],
    ids=["all met", "no plan", "no product", "German", "two"],
)
def test_conditions_page_names_the_right_one(as_dana, dana, orchard, change, unmet):
    change(dana, orchard)

    context = as_dana.get(CONDITIONS).context

    assert [line.title for line in context["lines"] if line.says == "Not met"] == unmet
    assert len(context["lines"]) == 4


def test_conditions_page_says_whom_to_ask(as_dana, orchard, casey):
    orchard.plan_intervals.all().delete()

    response = as_dana.get(CONDITIONS)

    assert "You cannot see the score of Orchard now: one condition is not met." in text_of(response)
    assert "Orchard has no plan. The plan that opens the score: Signature." in text_of(response)
    assert 'href="mailto:casey@vendor.example"' in response.content.decode()


def test_partner_reads_until_when(client, pat, orchard):
    client.force_login(pat)

    assert "Your role at Orchard is partner, until 1 Jan 2100, 00:00 UTC." in text_of(client.get(CONDITIONS))


def test_auditor_reads_that_the_role_does_not_include_the_score(client, otto, orchard):
    client.force_login(otto)

    page = text_of(client.get(CONDITIONS))

    assert "Your role is auditor. It does not include the score." in page
    assert "Ask an administrator of the portal" in page


def test_success_manager_reads_that_the_plan_binds_the_customer(client, casey, orchard):
    orchard.plan_intervals.all().delete()
    client.force_login(casey)

    page = text_of(client.get(CONDITIONS))

    assert "You can see the score of Orchard." in page
    assert "It binds the customer, not you. Not needed" in page


@pytest.mark.parametrize("cause", ["plan", "product", "language", "role"])
def test_every_refusal_leads_to_the_conditions(client, dana, otto, orchard, cause):
    if cause == "plan":
        orchard.plan_intervals.all().delete()
    if cause == "product":
        orchard.products.clear()
    if cause == "language":
        dana.language = "de"
        dana.save()
    client.force_login(otto if cause == "role" else dana)

    response = client.get("/o/orchard/")

    assert response.status_code == 403
    assert f'href="{CONDITIONS}"' in response.content.decode()


def test_request_for_a_moment_of_the_past_is_not_shown_as_open(as_pia, meadow):
    meadow.review_requests.create(
        asked_at=timezone.now() - timedelta(days=9), answered_at=timezone.now() - timedelta(days=8)
    )

    assert "Request a success review" in text_of(as_pia.get("/o/meadow/plan/"))
