"""The Actions hub: what a contact finds, sets and stars there, and what nobody else can."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from recommendations.models import Recommendation
from tests.portal.advised import advise
from tests.portal.scored import TODAY, YESTERDAY, score, text_of

HUB = "/o/orchard/actions/"
HTMX = {"HX-Request": "true"}
EXPERTISE = {"signal": "reviews.recency", "category": "customer-expertise"}


def address(recommendation, what="action"):
    return reverse(what, args=["orchard", recommendation.public_id])


def move(client, recommendation, status, **fields):
    headers = fields.pop("headers", {})
    return client.post(address(recommendation, "action-move"), {"status": status, **fields}, headers=headers)


@pytest.fixture
def idle(orchard):
    """The only recommendation of Orchard: what the night suggests by itself, other tests say."""
    score(orchard)
    orchard.recommendations.all().delete()
    return advise(orchard)


@pytest.fixture
def at(client: Client, dana) -> Client:
    client.force_login(dana)
    return client


def standing(recommendation):
    return Recommendation.objects.get(pk=recommendation.pk).status


# ---------- the list ----------


def test_contact_finds_an_action_with_reason_effort_and_points(at, idle, casey):
    text = text_of(at.get(HUB))

    assert "Suggested from your signals and reviewed by Casey" in text
    assert "Sales license activation scores 82, below 90." in text
    assert "Low effort, 2 days" in text
    assert "+1.2 points" in text
    assert "1.2 points in reach" in text


def test_filters_leave_what_was_asked_for_and_say_so(at, idle, orchard, dana):
    advise(orchard, "Hold a review", gain=None, effort_days=12, horizon="long", tags=["Q4"], **EXPERTISE)
    left = {
        "category=customer-expertise": "Hold a review",
        "subcategory=customer-expertise/engagement": "Hold a review",
        "signal=sales.license_activation": "Hand out idle licenses",
        "product=sales&horizon=short": "Hand out idle licenses",
        "quick=1": "Hand out idle licenses",
        "tag=q4": "Hold a review",
        "q=REVIEW": "Hold a review",
        "status=new&sort=effort&category=customer-expertise": "Hold a review",
    }

    for query, title in left.items():
        text = text_of(at.get(f"{HUB}?{query}"))
        other = ({"Hold a review", "Hand out idle licenses"} - {title}).pop()
        assert f"Pick {title}" in text, query
        assert f"Pick {other}" not in text, query


def test_part_of_the_address_that_is_not_known_is_named(at, idle):
    text = text_of(at.get(f"{HUB}?status=finished&sort=mood&horizon=forever"))

    for said in ("List: “finished”", "Order: “mood”", "Horizon: “forever”"):
        assert said in text
    assert "Pick Hand out idle licenses" in text


def test_lists_are_sorted_as_asked(at, idle, orchard):
    advise(orchard, "Big", gain=300, effort_days=20, model_rank=1)
    advise(orchard, "Unknown", gain=None, effort_days=1, model_rank=2)
    firsts = {}
    for sort in ("ours", "per-day", "gain", "effort"):
        text = text_of(at.get(f"{HUB}?sort={sort}")).split("Open 3 of 3")[1]
        firsts[sort] = min(("Big", "Unknown", "Hand out"), key=lambda title: text.index(f"Pick {title}"))

    assert firsts == {"ours": "Big", "per-day": "Hand out", "gain": "Big", "effort": "Unknown"}


def test_list_pages_and_asks_as_often_for_many_as_for_one(at, idle, orchard, dana, django_assert_num_queries):
    at.get(HUB)
    with CaptureQueriesContext(connection) as few:
        at.get(HUB)
    for number in range(40):
        advise(orchard, f"Play {number}", model_rank=number + 1, owner=dana, status_by=dana)

    with django_assert_num_queries(len(few)):
        text = text_of(at.get(HUB))

    assert "1 to 25 of 41" in text
    assert "26 to 41 of 41" in text_of(at.get(f"{HUB}?page=2"))


def test_empty_lists_say_what_to_do(at, idle):
    move(at, idle, "in_progress")

    assert "Everything that was suggested has been taken up." in text_of(at.get(f"{HUB}?status=new"))
    assert "Use the star of an action to find it here." in text_of(at.get(f"{HUB}?status=favorites"))
    assert "1 action without them." in text_of(at.get(f"{HUB}?q=zzz"))


def test_organization_without_a_score_reads_when_there_will_be_actions(at, orchard):
    assert "No actions yet" in text_of(at.get(HUB))


def test_hidden_action_is_there_for_its_success_manager_alone(at, client, idle, casey):
    Recommendation.objects.update(hidden_at=timezone.now())
    seen = Client()
    seen.force_login(casey)

    assert "Pick Hand out" not in text_of(at.get(HUB))
    assert at.get(address(idle)).status_code == 404
    assert "Hidden from the customer" in text_of(seen.get(HUB))


# ---------- status ----------


def test_status_is_set_by_a_plain_form(at, idle):
    response = move(at, idle, "in_progress", edition=1, next=f"{HUB}?status=new")

    assert response["Location"] == f"{HUB}?status=new"
    assert standing(idle) == "in_progress"
    page = text_of(at.get(address(idle)))
    assert "Hand out idle licenses: In Progress." in page
    assert "set by Dana" in page


def test_htmx_gets_the_row_the_counts_and_a_sentence(at, idle):
    response = move(at, idle, "in_progress", edition=1, next=HUB, place="list", headers=HTMX)

    content = response.content.decode()
    assert response.status_code == 200
    assert f'id="rec-{idle.public_id}"' in content
    assert "<html" not in content
    assert 'In Progress <span class="count">1</span>' in content
    assert 'role="status" hx-swap-oob="true">Hand out idle licenses: In Progress.' in content


def test_archiving_asks_why_and_keeps_what_was_written(at, idle):
    response = move(at, idle, "archived", note="We move the warehouse.")

    page = text_of(response)
    assert response.status_code == 422
    assert "Say why it is archived" in page
    assert "We move the warehouse." in page
    assert standing(idle) == "new"

    move(at, idle, "archived", reason="Frozen until June")
    assert "“Frozen until June”" in text_of(at.get(f"{HUB}?status=archived"))


def test_htmx_is_led_to_the_detail_when_something_is_missing(at, idle):
    response = move(at, idle, "archived", place="list", listed="1", headers=HTMX)

    assert response.status_code == 422
    assert response["HX-Retarget"] == "#detail"
    assert f'id="rec-{idle.public_id}" hx-swap-oob="true"' in response.content.decode()


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ("finished", 422, "“finished” is no status"),
        ("", 422, "is no status"),
        ("new", 409, "cannot become New"),
    ],
)
def test_status_that_cannot_be_is_named_and_changes_nothing(at, idle, status, code, said):
    Recommendation.objects.update(status="complete", completed_on=YESTERDAY)

    response = move(at, idle, status)

    assert response.status_code == code
    assert said in text_of(response)
    assert standing(idle) == "complete"


def test_who_comes_second_reads_what_changed_and_loses_no_word(at, idle, casey):
    other = Client()
    other.force_login(casey)
    move(other, idle, "in_progress", edition=1)

    response = move(at, idle, "complete", edition=1, note="All seats are given out.")

    page = text_of(response)
    assert response.status_code == 409
    assert "Casey set the status to In Progress" in page
    assert "All seats are given out." in page
    assert standing(idle) == "in_progress"


def test_several_are_set_at_once_and_the_rest_is_named(at, idle, orchard):
    done = advise(orchard, "Done", status="complete", completed_on=YESTERDAY)

    response = at.post(
        f"{HUB}move/", {"ids": [idle.public_id, done.public_id, uuid4()], "status": "new"}, follow=True
    )

    text = text_of(response)
    assert "Not set: Done. What is Complete cannot become New" in text
    assert "There is no such recommendation." in text
    assert standing(done) == "complete"

    text = text_of(at.post(f"{HUB}move/", {"ids": [idle.public_id], "status": "in_progress"}, follow=True))
    assert "1 action set to In Progress." in text


def test_form_leads_nowhere_outside(at, idle):
    response = move(at, idle, "in_progress", next="https://evil.example/")

    assert response["Location"] == address(idle)


def test_viewer_reads_but_finds_no_button(client, idle, vera):
    client.force_login(vera)

    assert "Set those ticked to" not in text_of(client.get(HUB))
    assert move(client, idle, "in_progress").status_code == 403
    assert standing(idle) == "new"


def test_training_administrator_marks_what_is_about_expertise(client, idle, orchard, tara):
    client.force_login(tara)
    theirs = advise(orchard, "Hold a review", **EXPERTISE)

    refused = move(client, idle, "in_progress")
    move(client, theirs, "in_progress")

    assert refused.status_code == 422
    assert "marks only what is about customer expertise" in text_of(refused)
    assert (standing(idle), standing(theirs)) == ("new", "in_progress")


def test_action_of_another_organization_is_not_there(at, idle, harbor):
    foreign = advise(harbor, "Theirs")

    assert at.get(address(foreign)).status_code == 404
    assert move(at, foreign, "in_progress").status_code == 404
    assert standing(foreign) == "new"


# ---------- stars, notes, who and when ----------


def test_star_is_ones_own(at, idle, casey):
    at.post(address(idle, "action-favorite"), {"on": "1"})

    assert "Pick Hand out" in text_of(at.get(f"{HUB}?status=favorites"))
    other = Client()
    other.force_login(casey)
    assert "Pick Hand out" not in text_of(other.get(f"{HUB}?status=favorites"))


def test_owner_date_and_tags_are_kept_together_or_not_at_all(at, idle, dana):
    past = (TODAY - timedelta(days=2)).isoformat()

    refused = at.post(
        address(idle, "action-arrange"), {"owner": dana.pk, "due_on": past, "tags": "Q4, depot"}
    )

    idle.refresh_from_db()
    assert refused.status_code == 422
    assert f"{past} is over." in text_of(refused)
    assert 'value="Q4, depot"' in refused.content.decode()
    assert (idle.owner, idle.due_on, idle.tags) == (None, None, [])

    at.post(
        address(idle, "action-arrange"), {"owner": dana.pk, "due_on": TODAY.isoformat(), "tags": "Q4, depot"}
    )
    idle.refresh_from_db()
    assert (idle.owner, idle.due_on, idle.tags) == (dana, TODAY, ["depot", "Q4"])


def test_stranger_cannot_be_made_owner(at, idle, hal):
    response = at.post(address(idle, "action-arrange"), {"owner": hal.pk})

    assert response.status_code == 422
    assert "Choose someone who has access to this organization now." in text_of(response)


def test_note_stands_in_the_history(at, idle):
    at.post(address(idle, "action-note"), {"note": "Ask the depot first."})

    assert "Dana wrote: “Ask the depot first.”" in text_of(at.get(address(idle)))


# ---------- beside the score ----------


def test_pages_of_the_score_show_their_own_actions(at, idle, orchard):
    advise(orchard, "Hold a review", model_rank=9, **EXPERTISE)

    overview = text_of(at.get("/o/orchard/"))
    category = text_of(at.get("/o/orchard/score/customer-expertise/"))
    subcategory = text_of(at.get("/o/orchard/score/product-adoption/breadth/"))
    signal = at.get("/o/orchard/signal/sales.license_activation/")

    assert "Hand out idle licenses" in overview
    assert "Hold a review" in overview
    assert "Actions 2" in overview
    assert "Hold a review" in category
    assert "Hand out idle licenses" not in category
    assert "Hand out idle licenses" in subcategory
    assert "Hand out idle licenses" in text_of(signal)
    assert 'href="/o/orchard/actions/?signal=sales.license_activation"' in signal.content.decode()


def test_completed_action_is_pinned_to_the_trend(at, idle, dana):
    Recommendation.objects.update(status="complete", completed_on=YESTERDAY, completed_by=dana)

    page = at.get("/o/orchard/trends/")

    assert "Completed: Hand out idle licenses, by Dana" in text_of(page)
    assert address(idle) in page.content.decode()
