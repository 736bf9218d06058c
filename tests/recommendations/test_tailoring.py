"""What those who look after an organization make of its advice; both orders stay readable."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from accounts.models import AuditEntry, ReviewRequest, Role
from recommendations import coaching, playbook, tailoring
from recommendations.coaching import AlreadyAsked, AnsweredAlready, NotAsked
from recommendations.lifecycle import EditedMeanwhile, FieldRefused
from recommendations.models import Recommendation
from tests.factories import make_recommendation, publish_small_card

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
BY_CSM = {"hat": Role.CSM, "at": NOW}


@pytest.fixture
def advice(orchard):
    return make_recommendation(orchard, model_rank=1)


def own(organization, by, **told):
    """Casey's own advice to Orchard."""
    told = {
        "title": "Call Pat about the licenses",
        "text": "Pat knows.\n\nAsk on Monday.",
        "signal": "sales.license_activation",
        "target": 80,
        "effort_days": Decimal(2),
        "horizon": "short",
    } | told
    return tailoring.add(organization, **told, by=by, **BY_CSM)


def last(advice):
    change = advice.changes.order_by("pk").last()
    return change.what, change.before, change.after, change.hat


def test_own_advice_says_who_wrote_it_and_waits_for_the_night(orchard, casey):
    publish_small_card()

    made = own(orchard, casey)

    made.refresh_from_db()
    assert (made.title, made.own_text) == ("Call Pat about the licenses", "Pat knows.\n\nAsk on Monday.")
    assert (made.category, made.product, made.target) == ("product-adoption", "sales", 8000)
    assert (made.play, made.added_by, made.gain, made.status) == ("", casey, None, "new")
    assert last(made) == ("added", "", "new", "csm")
    entry = AuditEntry.objects.get(action="recommendation_added")
    assert (entry.actor, entry.hat, entry.organization) == (casey, "csm", orchard)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("title", " ", "Say in a few words"),
        ("title", "x" * 121, "too long"),
        ("text", "x" * 2001, "2001 characters are too many"),
        ("signal", "sales.luck", "“sales.luck” is no signal"),
        ("target", 0, "0 is not from 1 to 100"),
        ("target", 101, "101 is not from 1 to 100"),
        ("effort_days", Decimal("0.1"), r"0\.1 days are not from"),
        ("horizon", "soon", "“soon” is none of short"),
    ],
)
def test_own_advice_that_cannot_be_kept_names_the_field(orchard, casey, field, value, says):
    publish_small_card()

    with pytest.raises(FieldRefused, match=says) as refused:
        own(orchard, casey, **{field: value})

    assert refused.value.field == field
    assert not Recommendation.objects.exists()


def test_other_words_are_kept_with_what_they_were(advice, casey):
    tailoring.reword(advice, title="Book Kim", text="She is good.", by=casey, **BY_CSM)

    advice.refresh_from_db()
    assert (advice.title, advice.own_text, advice.reworded_by) == ("Book Kim", "She is good.", casey)
    assert last(advice) == ("reworded", "Book a second coaching session", "Book Kim", "csm")


def test_rewording_what_somebody_changed_is_told(advice, casey, gus):
    tailoring.reword(advice, title="Book Kim", text="", by=gus, hat=Role.GUIDE, at=NOW)

    with pytest.raises(EditedMeanwhile):
        tailoring.reword(advice, title="Book Lee", text="", by=casey, edition=1, **BY_CSM)


def test_human_order_stands_before_the_models_and_both_can_be_read(orchard, casey):
    first, second, third, fourth = (
        make_recommendation(orchard, title=f"No. {rank}", model_rank=rank) for rank in range(1, 5)
    )
    tailoring.order(orchard, [third.public_id, second.public_id], by=casey, **BY_CSM)
    tailoring.pin(fourth, True, by=casey, **BY_CSM)

    found = tailoring.ordered(orchard.recommendations.all())

    assert found == [fourth, third, second, first]
    assert [each.model_rank for each in found] == [4, 3, 2, 1]
    assert tailoring.place_of(found[0]).pinned_by == "Casey"
    assert tailoring.place_of(found[1]).position == 1
    assert last(third) == ("ordered", "the model's order", "place 1", "csm")


def test_what_is_left_out_of_the_order_goes_back_to_the_models(orchard, casey):
    one, other = (make_recommendation(orchard, title=name, model_rank=1) for name in "ab")
    tailoring.order(orchard, [one.public_id, other.public_id], by=casey, **BY_CSM)

    tailoring.order(orchard, [other.public_id], by=casey, **BY_CSM)

    assert list(orchard.recommendations.order_by("pk").values_list("position", flat=True)) == [None, 1]


def test_foreign_recommendation_cannot_be_put_in_order(orchard, harbor, casey):
    mine, foreign = make_recommendation(orchard), make_recommendation(harbor)

    with pytest.raises(FieldRefused, match=str(foreign.public_id)):
        tailoring.order(orchard, [mine.public_id, foreign.public_id], by=casey, **BY_CSM)

    assert not Recommendation.objects.exclude(position=None).exists()


def test_pinned_and_hidden_twice_is_told_once(advice, casey):
    for _ in range(2):
        tailoring.pin(advice, True, by=casey, **BY_CSM)
        tailoring.hide(advice, by=casey, **BY_CSM)

    assert advice.changes.count() == AuditEntry.objects.filter(action="recommendation_changed").count() == 2
    tailoring.show(advice, by=casey, **BY_CSM)
    assert last(advice) == ("hidden", "", "shown", "csm")


def test_what_costs_money_is_said_and_ranked_like_all_else(orchard):
    costly = next(play for play in playbook.in_force().plays if play.costs_money)
    first = make_recommendation(orchard, play=costly.key, model_rank=2)
    second = make_recommendation(orchard, model_rank=1)

    assert tailoring.place_of(first).costs_money
    assert not tailoring.place_of(second).costs_money
    assert tailoring.ordered([first, second]) == [second, first]


def test_review_holds_what_was_put_into_it_and_nothing_hidden(meadow, pia, casey):
    review = ReviewRequest.objects.create(organization=meadow, asked_by=pia, asked_at=NOW)
    one, other, hidden = (make_recommendation(meadow, title=title) for title in "abc")
    for each in (one, hidden):
        tailoring.put_into_review(each, review, by=casey, **BY_CSM)
    tailoring.hide(hidden, by=casey, **BY_CSM)

    assert tailoring.in_review(review) == [one]
    assert other.review is None
    assert last(one) == ("reviewed", "", "2026-11-22", "csm")


def test_review_of_somebody_else_is_no_review(advice, meadow, pia, casey):
    review = ReviewRequest.objects.create(organization=meadow, asked_by=pia, asked_at=NOW)

    with pytest.raises(FieldRefused, match="no such review"):
        tailoring.put_into_review(advice, review, by=casey, **BY_CSM)


# ---------- coaching ----------


def ask(advice, by, **told):
    told = {"topic": "Licenses", "wish": "Mondays", "hat": Role.CONTACT, "at": NOW} | told
    return coaching.ask(advice, by=by, **told)


def test_coaching_is_asked_for_once_and_answered_once(advice, orchard, dana, casey):
    asked = ask(advice, dana)
    with pytest.raises(AlreadyAsked, match="Dana asked for it on 2026-11-22 already"):
        ask(advice, dana)

    coaching.answer(orchard, asked.public_id, text="Monday at ten.", by=casey, **BY_CSM)
    with pytest.raises(AnsweredAlready, match=r"Monday at ten\."):
        coaching.answer(orchard, asked.public_id, text="Tuesday.", by=casey, **BY_CSM)

    assert ask(advice, dana, at=NOW + timedelta(days=1)).answered_at is None
    actions = AuditEntry.objects.filter(action__startswith="coaching").order_by("pk")
    assert [each.hat for each in actions] == ["contact", "csm", "contact"]


def test_coaching_that_waits_stands_first(orchard, dana, casey):
    done, waits = (ask(make_recommendation(orchard), dana, topic=topic) for topic in ("Done", "Waits"))
    coaching.answer(orchard, done.public_id, text="Monday.", by=casey, **BY_CSM)

    assert coaching.of(orchard) == [waits, done]
    assert coaching.waiting([orchard.pk]) == {orchard.pk: 1}


def test_coaching_of_another_organization_is_not_answered(advice, harbor, dana, cole):
    asked = ask(advice, dana)

    for foreign in (asked.public_id, uuid4()):
        with pytest.raises(NotAsked):
            coaching.answer(harbor, foreign, text="Monday.", by=cole, **BY_CSM)


@pytest.mark.parametrize(("field", "value"), [("topic", " "), ("topic", "x" * 201), ("wish", "x" * 501)])
def test_coaching_request_that_cannot_be_kept_names_the_field(advice, dana, field, value):
    with pytest.raises(FieldRefused) as refused:
        ask(advice, dana, **{field: value})

    assert refused.value.field == field
    assert not advice.coaching_requests.exists()
