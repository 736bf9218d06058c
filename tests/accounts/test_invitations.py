"""Invitations: who may give what, the mail, and a link that is good once, for one address, for seven days."""

import re
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import invitations
from accounts.contacts import PartnerNeedsAnEnd, designate
from accounts.invitations import (
    AddressIsKnown,
    AlreadyInvited,
    AlreadyMember,
    NotOpen,
    TooManyOpen,
    WrongPerson,
    accept,
    check_open,
    enroll,
    find,
    invite,
    resend,
    withdraw,
)
from accounts.memberships import NotYours, RoleAbove, end_access
from accounts.models import Action, AuditEntry, Invitation, Membership, Organization, Role, User
from tests.factories import PASSWORD, make_membership, make_user

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
INSTANT = timedelta(microseconds=1)
NEW = "nora@orchard.example"
CUSTOMERS = (Role.CONTACT, Role.TRAINING_ADMIN, Role.VIEWER, Role.PARTNER)


@pytest.fixture
def mailed(django_capture_on_commit_callbacks):
    """Does something, lets what is for after the commit happen, and gives what it gave."""

    def does(act, *args, **options):
        with django_capture_on_commit_callbacks(execute=True):
            return act(*args, **options)

    return does


def token_in(letter) -> str:
    return re.search(r"/invitation/([\w-]+)/", letter.body)[1]


def until_of(role: str) -> datetime | None:
    return timezone.now() + timedelta(days=30) if role == Role.PARTNER else None


# ---------- who may give what ----------


@pytest.mark.parametrize("role", CUSTOMERS)
@pytest.mark.parametrize("inviter", ["dana", "ada"])
def test_contact_and_admin_give_every_role_of_a_customer(inviter, role, orchard, request):
    made = invite(orchard, NEW, role, until=until_of(role), by=request.getfixturevalue(inviter))

    assert made.role == role
    assert made.organization == orchard


@pytest.mark.parametrize("role", ["csm", "guide", "admin", "lead", "auditor", "owner", ""])
@pytest.mark.parametrize("inviter", ["dana", "ada"])
def test_no_role_of_staff_comes_by_invitation(inviter, role, orchard, request):
    with pytest.raises(RoleAbove):
        invite(orchard, NEW, role, by=request.getfixturevalue(inviter))

    assert not Invitation.objects.exists()


@pytest.mark.parametrize("who", ["tara", "vera", "pat", "frank", "hal", "casey", "gus", "lena", "otto"])
def test_nobody_else_invites(who, orchard, request):
    with pytest.raises(NotYours):
        invite(orchard, NEW, Role.VIEWER, by=request.getfixturevalue(who))

    assert not Invitation.objects.exists()


def test_database_refuses_an_invitation_to_a_role_of_staff(orchard, dana):
    made = invite(orchard, NEW, Role.VIEWER, by=dana)

    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.filter(pk=made.pk).update(role=Role.CSM)


def test_partner_needs_an_end_and_nobody_else_has_one(orchard, dana):
    with pytest.raises(PartnerNeedsAnEnd):
        invite(orchard, NEW, Role.PARTNER, by=dana)
    with pytest.raises(PartnerNeedsAnEnd):
        invite(orchard, NEW, Role.VIEWER, until=until_of(Role.PARTNER), by=dana)


# ---------- whom ----------


def test_member_is_named_and_not_invited(orchard, dana, vera):
    with pytest.raises(AlreadyMember, match="Vera is viewer here already"):
        invite(orchard, "VERA@orchard.example", Role.CONTACT, by=dana)


def test_former_member_can_be_invited_again(orchard, dana, frank):
    accepted = accept(invite(orchard, frank.email, Role.VIEWER, by=dana), by=frank)

    assert accepted.role == Role.VIEWER


def test_address_is_invited_once_at_a_time_whatever_its_case(orchard, dana):
    invite(orchard, NEW, Role.VIEWER, by=dana)

    with pytest.raises(AlreadyInvited):
        invite(orchard, NEW.upper(), Role.CONTACT, by=dana)
    assert Invitation.objects.count() == 1


def test_database_refuses_two_open_invitations_of_an_address(orchard, dana):
    made = invite(orchard, NEW, Role.VIEWER, by=dana)
    made.pk, made.public_id, made.digest = None, "7b6c1f9e-0000-4000-8000-000000000001", "0" * 64

    with pytest.raises(IntegrityError), transaction.atomic():
        made.save(force_insert=True)


def test_expired_invitation_makes_room_for_a_new_one(orchard, dana):
    old = invite(orchard, NEW, Role.VIEWER, by=dana, at=timezone.now() - WEEK - INSTANT)

    new = invite(orchard, NEW, Role.CONTACT, by=dana)

    old.refresh_from_db()
    assert old.withdrawn_at is not None
    assert new.role == Role.CONTACT


def test_one_organization_does_not_fill_the_worlds_mailboxes(orchard, dana, monkeypatch):
    monkeypatch.setattr(invitations, "MOST_OPEN", 2)
    for name in ("a", "b"):
        invite(orchard, f"{name}@orchard.example", Role.VIEWER, by=dana)

    with pytest.raises(TooManyOpen):
        invite(orchard, "c@orchard.example", Role.VIEWER, by=dana)


@pytest.mark.parametrize("who", ["casey", "cole", "ada", "hal", "gone", "nobody"])
def test_inviter_cannot_tell_whose_address_it_is(
    who, orchard, dana, mailed, request, django_assert_num_queries
):
    make_user("gone@orchard.example", is_active=False)
    known = who not in ("gone", "nobody")
    email = request.getfixturevalue(who).email if known else f"{who}@orchard.example"

    with django_assert_num_queries(12):
        made = mailed(invite, orchard, email, Role.VIEWER, by=dana)

    assert made.expires_at - made.made_at == WEEK
    assert [letter.to for letter in mail.outbox] == [[email]]
    assert [entry.action for entry in AuditEntry.objects.all()] == [Action.INVITED]


# ---------- the mail ----------


def test_mail_names_vendor_inviter_organization_role_and_end(orchard, dana, mailed, settings):
    settings.SITE_ADDRESS = "https://score.example.org"
    ends = datetime(2027, 1, 1, tzinfo=UTC)

    mailed(invite, orchard, NEW, Role.PARTNER, until=ends, by=dana, at=NOON)

    letter = mail.outbox[0]
    assert letter.to == [NEW]
    assert letter.subject == "Dana invites you to Orchard at Cairn"
    for words in (
        "Lodestone",
        "Dana (dana@orchard.example)",
        "Orchard",
        "Partner",
        "31 Dec 2026",
        "27 Nov 2026",
    ):
        assert words in letter.body
    assert "https://score.example.org/invitation/" in letter.body


def test_mail_tells_the_time_in_utc_whatever_the_inviters_clock(orchard, dana, mailed):
    with timezone.override("Asia/Kathmandu"):
        mailed(invite, orchard, NEW, Role.VIEWER, by=dana, at=NOON)

    assert "27 Nov 2026, 12:00 UTC" in mail.outbox[0].body


def test_token_stands_in_the_mail_alone(orchard, dana, mailed):
    made = mailed(invite, orchard, NEW, Role.VIEWER, by=dana)

    token = token_in(mail.outbox[0])
    kept = " ".join(str(value) for value in Invitation.objects.filter(pk=made.pk).values()[0].values())
    written = " ".join(str(values) for values in AuditEntry.objects.values())
    assert len(token) >= 43
    assert token not in kept + written
    assert NEW not in written
    assert find(token) == made


def test_name_of_the_inviter_cannot_break_the_mail(orchard, dana, mailed):
    dana.name = "Dana\nBcc: all@orchard.example"
    dana.save()

    mailed(invite, orchard, NEW, Role.VIEWER, by=dana)

    assert mail.outbox[0].recipients() == [NEW]
    assert "\n" not in mail.outbox[0].subject


def test_mail_that_cannot_be_sent_leaves_the_invitation_to_be_sent_again(orchard, dana, mailed, settings):
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 1, "timeout": 1},
        }
    }

    made = mailed(invite, orchard, NEW, Role.VIEWER, by=dana)

    check_open(made)


# ---------- accepting ----------


def test_accepted_invitation_gives_the_role_that_was_stored(orchard, dana):
    nora = make_user(NEW)

    accept(invite(orchard, NEW, Role.TRAINING_ADMIN, by=dana), by=nora)

    assert [(m.organization, m.role, m.ends_at) for m in nora.memberships.all()] == [
        (orchard, Role.TRAINING_ADMIN, None)
    ]
    entry = AuditEntry.objects.get(action=Action.INVITATION_ACCEPTED)
    assert (entry.actor, entry.organization, entry.after["role"]) == (nora, orchard, Role.TRAINING_ADMIN)


def test_partners_access_ends_when_the_invitation_said(orchard, dana):
    ends = timezone.now() + timedelta(days=3)

    made = invite(orchard, NEW, Role.PARTNER, until=ends, by=dana)
    membership = accept(made, by=make_user(NEW))

    assert membership.ends_at == ends
    assert made.expires_at == ends  # an invitation does not outlive what it offers


def test_former_member_comes_back_in_the_same_role(orchard, dana, frank):
    membership = accept(invite(orchard, frank.email, Role.CONTACT, by=dana), by=frank)

    assert membership.ends_at is None
    assert frank.memberships.count() == 1


def test_invitation_is_good_until_the_instant_it_expires(orchard, dana):
    made = invite(orchard, NEW, Role.VIEWER, by=dana, at=NOON)
    nora = make_user(NEW)

    with pytest.raises(NotOpen) as refusal:
        accept(made, by=nora, at=NOON + WEEK)
    accept(made, by=nora, at=NOON + WEEK - INSTANT)

    assert refusal.value.why == "expired"


def test_invitation_is_good_once(orchard, dana):
    nora = make_user(NEW)
    made = invite(orchard, NEW, Role.VIEWER, by=dana)
    member = accept(made, by=nora)
    end_access(member, by=dana)

    with pytest.raises(NotOpen) as refusal:
        accept(made, by=nora)

    assert refusal.value.why == "used"
    member.refresh_from_db()
    assert member.ends_at is not None


def test_withdrawn_invitation_is_dead(orchard, dana):
    made = invite(orchard, NEW, Role.VIEWER, by=dana)
    withdraw(made, by=dana)

    with pytest.raises(NotOpen) as refusal:
        accept(made, by=make_user(NEW))

    assert refusal.value.why == "withdrawn"
    assert AuditEntry.objects.filter(action=Action.INVITATION_WITHDRAWN).count() == 1


def test_sent_again_the_old_link_is_dead_and_the_new_one_good_for_a_week(orchard, dana, mailed):
    made = mailed(invite, orchard, NEW, Role.VIEWER, by=dana, at=NOON)
    later = NOON + timedelta(days=9)

    mailed(resend, made, by=dana, at=later)

    first, second = (token_in(letter) for letter in mail.outbox)
    assert find(first) is None
    assert find(second) == made
    check_open(find(second), at=later + WEEK - INSTANT)
    with pytest.raises(NotOpen):
        check_open(find(second), at=later + WEEK)


def test_what_is_over_is_neither_sent_again_nor_withdrawn(orchard, dana):
    made = invite(orchard, NEW, Role.VIEWER, by=dana)
    accept(made, by=make_user(NEW))

    for act in (resend, withdraw):
        with pytest.raises(NotOpen):
            act(made, by=dana)


@pytest.mark.parametrize("who", ["tara", "hal", "casey", "frank"])
def test_nobody_else_sends_again_or_withdraws(who, orchard, dana, request):
    made = invite(orchard, NEW, Role.VIEWER, by=dana)

    for act in (resend, withdraw):
        with pytest.raises(NotYours):
            act(made, by=request.getfixturevalue(who))


def test_another_address_accepts_nothing(orchard, dana, hal):
    with pytest.raises(WrongPerson):
        accept(invite(orchard, NEW, Role.VIEWER, by=dana), by=hal)

    assert not orchard.memberships.filter(user=hal).exists()


def test_address_that_was_never_confirmed_accepts_nothing(orchard, dana):
    nora = make_user(NEW)
    nora.emailaddress_set.update(verified=False)

    with pytest.raises(WrongPerson):
        accept(invite(orchard, NEW, Role.VIEWER, by=dana), by=nora)


def test_deactivated_person_accepts_nothing(orchard, dana):
    nora = make_user(NEW, is_active=False)

    with pytest.raises(WrongPerson):
        accept(invite(orchard, NEW, Role.VIEWER, by=dana), by=nora)

    assert not nora.memberships.exists()


@pytest.mark.parametrize("who", ["casey", "ada", "otto"])
def test_staff_take_no_customers_role(who, orchard, dana, request):
    person = request.getfixturevalue(who)
    roles = person.memberships.count()

    with pytest.raises(WrongPerson):
        accept(invite(orchard, person.email, Role.CONTACT, by=dana), by=person)

    assert person.memberships.count() == roles


# ---------- the inviter's right, asked again ----------


def lose_role(dana):
    dana.memberships.update(role=Role.TRAINING_ADMIN)


def lose_access(dana):
    dana.memberships.update(starts_at=NOON, ends_at=NOON)


def be_deactivated(dana):
    User.objects.filter(pk=dana.pk).update(is_active=False)


def be_gone(dana):
    dana.delete()


@pytest.mark.parametrize("loss", [lose_role, lose_access, be_deactivated, be_gone])
def test_invitation_of_someone_who_may_no_longer_invite_is_refused(loss, orchard, dana):
    made = invite(orchard, NEW, Role.CONTACT, by=dana)
    nora = make_user(NEW)
    loss(dana)

    with pytest.raises(NotOpen) as refusal:
        accept(made, by=nora)

    assert refusal.value.why == "void"
    assert not nora.memberships.exists()


def test_invitation_of_an_administrator_stands_when_they_have_left(orchard, ada):
    made = invite(orchard, NEW, Role.CONTACT, by=ada)
    User.objects.filter(pk=ada.pk).update(is_active=False, is_admin=False)

    assert accept(made, by=make_user(NEW)).role == Role.CONTACT


def test_whoever_sends_it_again_vouches_for_it(orchard, dana):
    eve = make_user("eve@orchard.example")
    make_membership(eve, orchard)
    made = invite(orchard, NEW, Role.VIEWER, by=dana)
    lose_role(dana)

    resend(made, by=eve)

    assert accept(made, by=make_user(NEW)).role == Role.VIEWER


# ---------- somebody new ----------


def test_new_person_has_a_confirmed_address_and_the_role(orchard, dana):
    nora = enroll(invite(orchard, NEW, Role.VIEWER, by=dana), name="Nora", password=PASSWORD)

    assert nora.check_password(PASSWORD)
    assert (nora.is_staff, nora.is_admin) == (False, False)
    assert nora.emailaddress_set.get().verified
    assert nora.memberships.get().role == Role.VIEWER


@pytest.mark.parametrize("password", ["short", "password1234", "nora@orchard.example"])
def test_weak_password_makes_nobody(password, orchard, dana):
    made = invite(orchard, NEW, Role.VIEWER, by=dana)

    with pytest.raises(ValidationError):
        enroll(made, name="Nora", password=password)

    check_open(find_again(made))
    assert not User.objects.filter(email=NEW).exists()


def test_known_address_is_never_given_a_new_password(orchard, dana, hal):
    made = invite(orchard, hal.email, Role.VIEWER, by=dana)

    with pytest.raises(AddressIsKnown):
        enroll(made, name="Thief", password="another long secret")

    hal.refresh_from_db()
    assert hal.check_password(PASSWORD)


def find_again(made: Invitation) -> Invitation:
    return Invitation.objects.get(pk=made.pk)


# ---------- two at once ----------


@pytest.mark.django_db(transaction=True)
def test_two_acceptances_at_once_make_one_person_and_one_membership(orchard, dana):
    made = invite(orchard, NEW, Role.VIEWER, by=dana)

    outcomes = at_once(lambda: enroll(made, name="Nora", password=PASSWORD))

    assert sorted(outcomes) == ["NotOpen", "done"]
    assert User.objects.filter(email=NEW).count() == 1
    assert Membership.objects.filter(user__email=NEW).count() == 1
    assert AuditEntry.objects.filter(action=Action.INVITATION_ACCEPTED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_invitations_at_once_become_one(orchard, dana):
    outcomes = at_once(lambda: invite(Organization.objects.get(pk=orchard.pk), NEW, Role.VIEWER, by=dana))

    assert sorted(outcomes) == ["AlreadyInvited", "done"]
    assert Invitation.objects.count() == 1


def at_once(act) -> list[str]:
    """What became of the same act, begun twice at the same time."""
    start, outcomes = Barrier(2), []

    def run() -> None:
        try:
            start.wait(10)
            act()
            outcomes.append("done")
        except Exception as refusal:
            outcomes.append(type(refusal).__name__)
        finally:
            connection.close()

    both = [Thread(target=run) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    return outcomes


def test_membership_that_came_meanwhile_does_not_stop_the_acceptance(orchard, dana):
    nora = make_user(NEW)
    made = invite(orchard, NEW, Role.VIEWER, by=dana)
    designate(orchard, nora, Role.VIEWER)

    accept(made, by=nora)

    assert nora.memberships.count() == 1
