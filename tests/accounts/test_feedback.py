"""Saying what is wrong with a score: told to those who look after it, answered, and timed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from accounts import feedback
from accounts.feedback import AnsweredAlready, NotSaid, TooMuch
from accounts.models import AuditEntry, Feedback

LINK = "http://portal.example/o/orchard/feedback/"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def say(orchard, vera, django_capture_on_commit_callbacks):
    """Vera, who may only look, says that a value is wrong; what happens on commit happens."""

    def says(**changes):
        about = {
            "by": vera,
            "node": "sales.work_order_growth",
            "called": "Work order growth",
            "day": date(2026, 11, 19),
            "kind": "value",
            "text": "We closed 720 work orders in October, not 693.",
            "link": LINK,
        }
        with django_capture_on_commit_callbacks(execute=True):
            return feedback.say(orchard, **(about | changes))

    return says


@pytest.fixture
def answer(orchard, casey, django_capture_on_commit_callbacks):
    """Casey answers."""

    def answers(said, **changes):
        with django_capture_on_commit_callbacks(execute=True):
            given = {"by": casey, "text": "Corrected: the file of 3 Nov was cut.", "link": LINK} | changes
            return feedback.answer(orchard, said.public_id, **given)

    return answers


def test_success_manager_is_told_what_is_wrong_and_where_to_answer(say, casey):
    say()

    (letter,) = mail.outbox
    assert letter.to == [casey.email]
    assert letter.subject == "Orchard asks about a score: Work order growth"
    assert "We closed 720 work orders in October, not 693." in letter.body
    assert LINK in letter.body


def test_support_is_told_where_nobody_looks_after_the_organization(say, settings):
    settings.SUPPORT_EMAIL = "help@vendor.example"

    say()

    assert [letter.to for letter in mail.outbox] == [["help@vendor.example"]]


def test_answer_goes_to_who_said_it_and_the_time_it_took_is_kept(say, answer, orchard, vera, casey):
    answer(say(at=NOON), at=NOON + timedelta(days=2))

    (said,) = feedback.of(orchard)
    assert mail.outbox[-1].to == [vera.email]
    assert "the file of 3 Nov was cut" in mail.outbox[-1].body
    assert (said.answered_by, feedback.usual_wait([said])) == (casey, timedelta(days=2))


def test_what_waits_stands_above_what_is_answered(say, answer, orchard):
    old, new = say(text="old", at=NOON), say(text="new", at=NOON + timedelta(hours=1))
    answer(new, at=NOON + timedelta(hours=2))

    assert feedback.of(orchard) == [old, new]
    assert feedback.waiting([orchard.pk]) == {orchard.pk: 1}


def test_usual_wait_is_the_one_in_the_middle(say, answer, orchard):
    for days in (1, 2, 30):
        answer(say(at=NOON), at=NOON + timedelta(days=days))

    assert feedback.usual_wait(feedback.of(orchard)) == timedelta(days=2)


def test_eleventh_of_a_day_is_refused_and_the_day_after_is_another(say):
    for minute in range(feedback.A_DAY):
        say(at=NOON + timedelta(minutes=minute))

    with pytest.raises(TooMuch):
        say(at=NOON + timedelta(hours=23))
    assert say(at=NOON + timedelta(days=1))


def test_others_may_speak_when_one_has_said_enough(say, dana):
    for minute in range(feedback.A_DAY):
        say(at=NOON + timedelta(minutes=minute))

    assert say(by=dana, at=NOON + timedelta(hours=1))


def test_nothing_is_answered_twice(say, answer):
    said = say()
    answer(said)

    with pytest.raises(AnsweredAlready):
        answer(said)


def test_one_organization_cannot_answer_for_another(say, harbor, cole):
    said = say()

    with pytest.raises(NotSaid):
        feedback.answer(harbor, said.public_id, by=cole, text="Done", link=LINK)


def test_saying_and_answering_are_written_down_without_the_words(say, answer, vera, casey):
    answer(say())

    said, answered = AuditEntry.objects.order_by("pk")
    assert (said.action, said.actor, said.hat) == ("feedback_given", vera, "viewer")
    assert (answered.action, answered.actor, answered.hat) == ("feedback_answered", casey, "csm")
    assert "720" not in f"{said.after}{said.before}{answered.after}"


def test_database_refuses_an_answer_without_words(say):
    said = say()

    with pytest.raises(IntegrityError), transaction.atomic():
        Feedback.objects.filter(pk=said.pk).update(answered_at=said.said_at)


def test_line_break_does_not_reach_the_subject(say):
    say(called="Growth\nBcc: everyone@example.org")

    assert mail.outbox[0].subject == "Orchard asks about a score: Growth Bcc: everyone@example.org"
