"""Saying on the page what is wrong with a score, and answering it."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts import feedback
from accounts.models import Feedback
from scoring import read
from scoring.models import ScoreSheet
from tests.portal.scored import YESTERDAY, score, text_of

PAGE = "/o/orchard/feedback/"
GROWTH = "sales.work_order_growth"


@pytest.fixture
def scored(orchard):
    score(orchard)
    return orchard


def post(client, **changes):
    given = {"node": GROWTH, "day": f"{YESTERDAY}", "kind": "value", "text": "It was 720, not 693."}
    return client.post(PAGE, given | changes)


def said(orchard, by, **changes):
    about = {"node": GROWTH, "called": "Work order growth", "day": YESTERDAY, "kind": "value"}
    return feedback.say(orchard, by=by, text="It was 720.", link="http://x.example/", **(about | changes))


def test_everybody_of_the_customer_says_what_is_wrong(scored, dana, tara, vera, pat, client):
    for user in (dana, tara, vera, pat):
        client.force_login(user)
        page = text_of(client.get(PAGE, {"node": GROWTH}))
        assert "About: Work order growth" in page
        assert post(client).status_code == 302
        kept = Feedback.objects.first()
        assert (kept.node, kept.called, kept.day, kept.said_by) == (
            GROWTH,
            "Work order growth",
            YESTERDAY,
            user,
        )
        assert "It was 720, not 693." in text_of(client.get(PAGE))


def test_no_score_moves_by_it(scored, vera, casey, client):
    before = list(ScoreSheet.objects.values_list("points", "nodes"))
    client.force_login(vera)
    post(client, kind="relevance")
    client.force_login(casey)
    client.post(f"{PAGE}{Feedback.objects.get().public_id}/answer/", {"text": "Thank you."})

    assert list(ScoreSheet.objects.values_list("points", "nodes")) == before


CANNOT_BE = [
    ({"kind": ""}, "Choose one."),
    ({"kind": "score"}, "Choose one of the list."),
    ({"text": " "}, "Say it in a few words."),
    ({"text": "x" * 2001}, "At most 2000 characters, not 2001."),
    ({"points": "100"}, "“points” is not a field of this form."),
]


def test_what_cannot_be_is_said_at_its_field_and_nothing_is_kept(scored, dana, client):
    client.force_login(dana)

    for changes, words in CANNOT_BE:
        response = post(client, **changes)
        assert response.status_code == 422
        assert words in text_of(response)
    assert not Feedback.objects.exists()


def test_part_that_the_score_does_not_have_is_not_found(scored, dana, client):
    client.force_login(dana)

    assert client.get(PAGE, {"node": "nothing"}).status_code == 404
    assert post(client, node="nothing").status_code == 404


def test_day_to_come_is_the_day_of_the_score(scored, dana, client):
    client.force_login(dana)

    post(client, day=f"{YESTERDAY + timedelta(days=90)}")

    assert Feedback.objects.get().day == read.latest(scored).day


def test_enough_for_a_day_is_said_and_kept_are_ten(scored, dana, client):
    client.force_login(dana)

    answers = [post(client, text=f"number {number}").status_code for number in range(11)]

    assert answers == [302] * 10 + [422]
    assert Feedback.objects.count() == 10


def test_success_manager_answers_and_the_customer_reads_how_long_it_took(scored, vera, casey, client):
    mine = said(scored, vera, at=timezone.now() - timedelta(days=2, hours=1))
    client.force_login(casey)
    client.post(f"{PAGE}{mine.public_id}/answer/", {"text": "The file was cut. Corrected."})
    client.force_login(vera)

    page = text_of(client.get(PAGE))

    assert "Answered in 2 days" in page
    assert "The file was cut. Corrected." in page
    assert "Answers usually take 2 days." in page


def test_nobody_else_answers(scored, dana, vera, ada, otto, client):
    mine = said(scored, vera)

    for who in (dana, vera, ada, otto):
        client.force_login(who)
        response = client.post(f"{PAGE}{mine.public_id}/answer/", {"text": "No."})
        assert response.status_code == 403
    assert Feedback.objects.get().answered_at is None


def test_answer_without_words_answers_nothing(scored, vera, casey, client):
    mine = said(scored, vera)
    client.force_login(casey)

    page = client.post(f"{PAGE}{mine.public_id}/answer/", {"text": " "}, follow=True)

    assert "Say it in a few words." in text_of(page)
    assert Feedback.objects.get().answered_at is None


def test_of_another_organization_nothing_is_answered(scored, harbor, vera, cole, client):
    mine = said(scored, vera)
    client.force_login(cole)

    assert client.post(f"/o/harbor/feedback/{mine.public_id}/answer/", {"text": "Mine."}).status_code == 404


def test_what_waits_is_counted_for_the_success_manager_alone(scored, vera, casey, dana, client):
    said(scored, vera)
    client.force_login(casey)
    portfolio, overview = text_of(client.get("/portfolio/")), text_of(client.get("/o/orchard/"))
    client.force_login(dana)

    assert "1 question about the score open" in portfolio
    assert "1 question open" in overview
    assert "1 question open" not in text_of(client.get("/o/orchard/"))


def test_words_of_a_customer_are_shown_as_words(scored, vera, dana, client):
    said(scored, vera, called="<b>Growth</b>")
    Feedback.objects.update(text="<script>alert(1)</script>")
    client.force_login(dana)

    page = client.get(PAGE).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_mail_leads_to_the_page_that_answers(scored, vera, casey, client, django_capture_on_commit_callbacks):
    client.force_login(vera)

    with django_capture_on_commit_callbacks(execute=True):
        post(client)

    assert mail.outbox[0].to == [casey.email]
    assert PAGE in mail.outbox[0].body


def test_every_part_of_the_score_leads_to_what_is_wrong_with_it(scored, dana, client):
    client.force_login(dana)

    for address, node in (
        ("/o/orchard/", "overall"),
        ("/o/orchard/score/product-adoption/", "product-adoption"),
        ("/o/orchard/score/product-adoption/momentum/", "product-adoption%2Fmomentum"),
        (f"/o/orchard/score/product-adoption/?signal={GROWTH}", GROWTH),
    ):
        assert f'href="{PAGE}?node={node}"' in client.get(address).content.decode()
