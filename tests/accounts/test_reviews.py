"""Asking for a success review: one at a time, told to those who hold it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from accounts.contacts import ours
from accounts.models import AuditEntry, ReviewRequest, Role
from accounts.reviews import AlreadyRequested, NothingToAnswer, answer, open_request, request_review
from tests.factories import make_membership, make_user

LINK = "http://portal.example/o/meadow/plan/"


@pytest.fixture
def ask(meadow, pia, django_capture_on_commit_callbacks):
    """Pia asks, and what happens on commit happens."""

    def asks(**options):
        with django_capture_on_commit_callbacks(execute=True):
            return request_review(meadow, by=pia, link=LINK, **options)

    return asks


def test_request_is_kept_and_mailed_to_guide_and_success_manager(ask, meadow, pia):
    for role in (Role.GUIDE, Role.CSM):
        make_membership(make_user(f"{role}@vendor.example"), meadow, role)

    made = ask()

    assert open_request(meadow) == made
    assert made.asked_by == pia
    assert sorted(letter.to for letter in mail.outbox) == [["csm@vendor.example"], ["guide@vendor.example"]]
    assert mail.outbox[0].subject == "Meadow asks for a success review"
    assert LINK in mail.outbox[0].body
    assert "pia@meadow.example" in mail.outbox[0].body


def test_request_without_anyone_of_ours_goes_to_support(ask, settings):
    settings.SUPPORT_EMAIL = "help@vendor.example"

    ask()

    assert [letter.to for letter in mail.outbox] == [["help@vendor.example"]]


def test_second_request_is_refused_while_one_is_open(ask, meadow, pia):
    ask()

    with pytest.raises(AlreadyRequested):
        request_review(meadow, by=pia, link=LINK)
    assert ReviewRequest.objects.count() == len(mail.outbox) == 1


def test_database_refuses_a_second_open_request(ask, meadow):
    ask()

    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewRequest.objects.create(organization=meadow, asked_at=datetime.now(UTC))


def test_answered_request_makes_room_for_the_next(ask, meadow, gus):
    ask()
    answered = answer(meadow, by=gus)

    assert answered.answered_by == gus
    assert ask().pk != answered.pk
    assert meadow.review_requests.count() == 2


def test_nothing_can_be_answered_twice(ask, meadow, gus):
    ask()
    answer(meadow, by=gus)

    with pytest.raises(NothingToAnswer):
        answer(meadow, by=gus)


def test_request_and_answer_are_written_down(ask, meadow, pia, gus):
    make_membership(gus, meadow, Role.GUIDE)
    ask()
    answer(meadow, by=gus)

    asked, arranged = AuditEntry.objects.order_by("pk")
    assert (asked.action, asked.actor, asked.hat) == ("review_requested", pia, "contact")
    assert (arranged.action, arranged.actor, arranged.hat) == ("review_arranged", gus, "guide")
    assert asked.organization == arranged.organization == meadow


def test_request_that_is_refused_leaves_no_line(ask, meadow, pia):
    ask()
    with pytest.raises(AlreadyRequested):
        request_review(meadow, by=pia, link=LINK)

    assert AuditEntry.objects.count() == 1


def test_mail_server_that_is_down_does_not_undo_the_request(ask, meadow, settings):
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 1, "timeout": 1},
        }
    }

    ask()

    assert open_request(meadow)


def test_line_break_in_a_name_does_not_reach_the_subject(ask, meadow):
    meadow.name = "Meadow\nBcc: everyone@example.org"
    meadow.save()
    ask()

    assert mail.outbox[0].subject == "Meadow Bcc: everyone@example.org asks for a success review"


def test_those_who_left_are_not_named(orchard, casey, gus):
    now = datetime.now(UTC)
    leaver = make_user("leaver@vendor.example", is_active=False)
    make_membership(leaver, orchard, Role.CSM)

    assert [member.user for member in ours(orchard)] == [casey, gus]
    orchard.memberships.filter(user=casey).update(ends_at=now + timedelta(hours=1))
    assert [member.user for member in ours(orchard, at=now + timedelta(hours=1))] == [gus]
