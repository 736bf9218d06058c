"""The hand of those who look after a customer: what they change on the pages, and what the customer sees."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts import reviews
from accounts.models import Role
from recommendations.models import Recommendation
from tests.factories import make_membership, make_organization, make_plan, make_user
from tests.portal.advised import advise
from tests.portal.scored import YESTERDAY, score, text_of

HUB = "/o/orchard/actions/"


def here(recommendation, what="action"):
    return reverse(what, args=[recommendation.organization.slug, recommendation.public_id])


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def idle(orchard):
    score(orchard)
    orchard.recommendations.all().delete()
    return advise(orchard)


@pytest.fixture
def review(orchard):
    return advise(orchard, "Hold a review", signal="reviews.recency", category="customer-expertise")


@pytest.fixture
def at_dana(dana):
    return signed_in(dana)


@pytest.fixture
def at_casey(casey):
    return signed_in(casey)


def titles(client) -> list[str]:
    page = client.get(HUB).content.decode()
    found = [(page.find(f">{each.title}</a>"), each.title) for each in Recommendation.objects.all()]
    return [title for place, title in sorted(found) if place >= 0]


def press(client, recommendation, what: str):
    return client.post(here(recommendation, "action-tailor"), {"do": what}, follow=True)


def test_what_the_success_manager_hides_the_customer_no_longer_finds(at_casey, at_dana, idle, review):
    press(at_casey, idle, "hide")

    assert titles(at_dana) == ["Hold a review"]
    assert at_dana.get(here(idle)).status_code == 404
    assert set(titles(at_casey)) == {idle.title, "Hold a review"}

    press(at_casey, idle, "show")
    assert idle.title in titles(at_dana)


def test_order_of_the_success_manager_stands_beside_the_rankers(at_casey, at_dana, idle, review):
    Recommendation.objects.filter(pk=idle.pk).update(model_rank=1)
    Recommendation.objects.filter(pk=review.pk).update(model_rank=2)
    assert titles(at_dana) == [idle.title, review.title]

    press(at_casey, review, "up")

    assert titles(at_dana) == [review.title, idle.title]
    assert list(Recommendation.objects.order_by("model_rank")) == [idle, review]
    press(at_casey, review, "model")
    assert titles(at_dana) == [idle.title, review.title]


def test_pinned_action_comes_first_and_says_so(at_casey, at_dana, idle, review):
    Recommendation.objects.filter(pk=idle.pk).update(model_rank=1)
    Recommendation.objects.filter(pk=review.pk).update(model_rank=2)

    press(at_casey, review, "pin")

    assert titles(at_dana) == [review.title, idle.title]
    assert "Pinned" in text_of(at_dana.get(HUB))


def test_reworded_action_is_read_in_those_words(at_casey, at_dana, idle):
    words = {"title": "Give Antwerp its licenses", "text": "They wait since May.", "edition": idle.edition}

    at_casey.post(here(idle, "action-reword"), words)

    text = text_of(at_dana.get(here(idle)))
    assert "Give Antwerp its licenses" in text
    assert "They wait since May." in text


def test_advice_of_their_own_is_kept_and_a_target_beyond_all_points_is_named(
    at_casey, at_dana, idle, orchard
):
    sent = {
        "title": "Invite the Antwerp team",
        "text": "Two seats on Thursday.",
        "signal": "sales.license_activation",
        "target": "400",
        "effort_days": "1",
        "horizon": "short",
    }
    add = reverse("action-add", args=["orchard"])

    refused = at_casey.post(add, sent)
    assert "400" in text_of(refused)
    assert "Two seats on Thursday." in refused.content.decode()
    assert orchard.recommendations.count() == 1

    at_casey.post(add, sent | {"target": "95"})
    assert "Invite the Antwerp team" in titles(at_dana)


def test_unknown_button_changes_nothing_and_is_named(at_casey, idle):
    page = press(at_casey, idle, "explode")

    assert "“explode” is nothing that can be done here." in text_of(page)
    idle.refresh_from_db()
    assert idle.edition == 1


def test_session_that_is_asked_for_is_answered_beside_the_action(at_dana, at_casey, idle):
    at_dana.post(here(idle, "action-coaching"), {"wish": "A morning, please."})

    waiting = text_of(at_casey.get("/portfolio/actions/?show=coaching"))
    assert idle.title in waiting
    assert "A morning, please." in text_of(at_casey.get(here(idle)))
    at_casey.post(here(idle, "action-coaching-answer"), {"answer": "Thursday at nine."})

    assert "Thursday at nine." in text_of(at_dana.get(here(idle)))
    assert idle.title not in text_of(at_casey.get("/portfolio/actions/?show=coaching"))


def test_premier_contact_reads_what_the_review_brings_and_no_point_of_the_score(meadow, pia, casey):
    score(meadow)
    meadow.recommendations.all().delete()
    found = advise(meadow, title="Hand out idle licenses")
    advise(meadow, title="Kept for later")
    make_membership(casey, meadow, Role.CSM)
    reviews.request_review(meadow, by=pia, link="")
    at_pia = signed_in(pia)
    assert "Hand out idle licenses" not in text_of(at_pia.get("/o/meadow/plan/"))

    press(signed_in(casey), found, "review")

    page = text_of(at_pia.get("/o/meadow/plan/"))
    assert "Hand out idle licenses" in page
    assert "Kept for later" not in page
    assert "82" not in page
    assert at_pia.get("/o/meadow/actions/").status_code == 403


def test_next_actions_are_of_those_one_looks_after_and_nobody_else(at_casey, idle, orchard):
    other = make_organization("Elsewhere", products=["sales"])
    make_plan(other)
    late = {"status": "in_progress", "due_on": YESTERDAY}
    Recommendation.objects.filter(pk=idle.pk).update(**late)
    advise(other, title="Foreign and late", **late)

    page = text_of(at_casey.get("/portfolio/actions/?show=overdue"))

    assert idle.title in page
    assert "Foreign and late" not in page
    assert "No action is past its due date." in text_of(
        signed_in(make_user("new@cairn.example", is_staff=True)).get("/portfolio/actions/?show=overdue")
    )


def test_list_of_next_actions_that_is_not_known_is_named(at_casey, idle):
    page = text_of(at_casey.get("/portfolio/actions/?show=everything"))

    assert "“everything” is not known here" in page
