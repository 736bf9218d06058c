"""Memberships after they were given: roles, ends, transfer, ended access; people out and in again."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.http import Http404
from django.test import Client
from django.utils import timezone

from accounts import roster
from accounts.access import Capability, open_organization
from accounts.contacts import AlreadyDesignated, PartnerNeedsAnEnd
from accounts.invitations import invite, resend, withdraw
from accounts.memberships import (
    EndRefused,
    HasEnded,
    LastContact,
    NotThem,
    NotYours,
    RoleAbove,
    change_all,
    change_role,
    deactivate,
    deactivate_all,
    end_access,
    end_all,
    end_of,
    hand_over,
    has_contact,
    last_day_of,
    last_in,
    reactivate,
    set_end,
)
from accounts.models import Action, AuditEntry, Role, User
from accounts.roster import Sort, State, Wanted
from tests.factories import LONG_AGO, PASSWORD, make_membership, make_organization, make_user

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)
NOBODYS = ["tara", "vera", "pat", "frank", "hal", "casey", "gus", "lena", "otto"]


@pytest.fixture
def eve(orchard):
    """A second designated contact of Orchard."""
    user = make_user("eve@orchard.example")
    make_membership(user, orchard, Role.CONTACT)
    return user


def member(user: User):
    return user.memberships.get()


def epoch(user: User) -> int:
    return User.objects.get(pk=user.pk).auth_epoch


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


# ---------- roles ----------


@pytest.mark.parametrize("who", ["dana", "ada"])
def test_contact_and_admin_change_a_role(who, orchard, vera, request):
    by = request.getfixturevalue(who)

    changed = change_role(member(vera), Role.TRAINING_ADMIN, by=by)

    assert changed.role == member(vera).role == Role.TRAINING_ADMIN
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.organization) == (Action.ACCESS_CHANGED, by, orchard)
    assert (entry.before["role"], entry.after["role"]) == (Role.VIEWER, Role.TRAINING_ADMIN)


@pytest.mark.parametrize("who", NOBODYS)
def test_nobody_else_changes_or_ends_anything(who, orchard, vera, request):
    by = request.getfixturevalue(who)

    for act in (
        lambda: change_role(member(vera), Role.CONTACT, by=by),
        lambda: end_access(member(vera), by=by),
        lambda: end_all([member(vera)], by=by),
        lambda: change_all([member(vera)], Role.CONTACT, by=by),
        lambda: deactivate(vera, by=by),
        lambda: reactivate(vera, by=by),
    ):
        with pytest.raises(NotYours):
            act()

    assert member(vera).role == Role.VIEWER
    assert member(vera).ends_at is None


@pytest.mark.parametrize("role", ["csm", "guide", "admin", "lead", "auditor", "owner"])
def test_nobody_is_raised_to_a_role_of_staff(role, dana, ada, vera):
    for by in (dana, ada):
        with pytest.raises(RoleAbove):
            change_role(member(vera), role, by=by)

    assert member(vera).role == Role.VIEWER


@pytest.mark.parametrize("who", ["casey", "gus"])
def test_contact_cannot_touch_those_of_ours(who, dana, request):
    theirs = request.getfixturevalue(who)

    with pytest.raises(RoleAbove):
        end_access(member(theirs), by=dana)
    with pytest.raises(RoleAbove):
        change_role(member(theirs), Role.VIEWER, by=dana)

    assert member(theirs).ends_at is None


def test_contact_of_another_organization_cannot_touch_ours(hal, vera):
    with pytest.raises(NotYours):
        end_access(member(vera), by=hal)


def test_partner_needs_an_end_and_loses_it_with_the_role(dana, vera):
    with pytest.raises(PartnerNeedsAnEnd):
        change_role(member(vera), Role.PARTNER, by=dana)

    assert change_role(member(vera), Role.PARTNER, until=LATER, by=dana).ends_at == LATER
    assert change_role(member(vera), Role.VIEWER, by=dana).ends_at is None


def test_same_role_is_no_change(dana, vera):
    with pytest.raises(AlreadyDesignated):
        change_role(member(vera), Role.VIEWER, by=dana)


def test_role_that_was_held_before_is_taken_up_again(orchard, dana, vera):
    make_membership(vera, orchard, Role.TRAINING_ADMIN, ends_at=timezone.now() + timedelta(seconds=1))
    vera.memberships.filter(role=Role.TRAINING_ADMIN).update(starts_at=LONG_AGO, ends_at=NOON - timedelta(9))

    change_role(vera.memberships.get(role=Role.VIEWER), Role.TRAINING_ADMIN, by=dana)

    holding = [each.role for each in vera.memberships.all() if not each.ends_at]
    assert holding == [Role.TRAINING_ADMIN]


def test_ended_access_is_not_changed(dana, frank):
    with pytest.raises(HasEnded):
        change_role(member(frank), Role.VIEWER, by=dana)
    with pytest.raises(HasEnded):
        end_access(member(frank), by=dana)


# ---------- a partner's end ----------


def test_partner_is_renewed_even_after_the_end(orchard, dana, pat):
    pat.memberships.update(starts_at=LONG_AGO, ends_at=NOON - timedelta(1))

    set_end(member(pat), LATER, by=dana)

    assert open_organization(pat, "orchard") == orchard
    assert AuditEntry.objects.get().after == {"role": "partner", "until": "2100-01-01 00:00"}


def test_only_partners_have_an_end_to_set(dana, vera):
    with pytest.raises(NotThem):
        set_end(member(vera), LATER, by=dana)


def test_last_day_is_open_to_its_end():
    ends = end_of(date(2026, 12, 31), at=NOON)

    assert ends == datetime(2027, 1, 1, tzinfo=UTC)
    assert last_day_of(ends) == date(2026, 12, 31)


@pytest.mark.parametrize("last_day", [date(2026, 11, 19), date(1970, 1, 1), date(2029, 1, 1), date.max])
def test_day_that_is_over_or_far_away_is_refused(last_day):
    with pytest.raises(EndRefused, match=str(last_day)):
        end_of(last_day, at=NOON)


# ---------- transfer ----------


def test_transfer_hands_the_role_over_in_one_step(orchard, dana, vera):
    hand_over(member(dana), member(vera), becomes=Role.VIEWER, by=dana)

    assert (member(dana).role, member(vera).role) == (Role.VIEWER, Role.CONTACT)
    assert has_contact(orchard)
    assert actions() == [Action.ACCESS_CHANGED] * 2


def test_transfer_may_end_the_access_of_whoever_had_it(dana, tara):
    hand_over(member(dana), member(tara), by=dana)

    assert member(tara).role == Role.CONTACT
    assert member(dana).ends_at <= timezone.now()


def test_partner_who_takes_over_has_no_end_any_more(dana, pat):
    hand_over(member(dana), member(pat), by=dana)

    assert (member(pat).role, member(pat).ends_at) == (Role.CONTACT, None)


@pytest.mark.parametrize("to", ["hal", "dana", "gone"])
def test_transfer_goes_to_another_active_member_alone(to, orchard, dana, hal):
    gone = make_user("gone@orchard.example", is_active=False)
    make_membership(gone, orchard, Role.VIEWER)
    person = {"hal": hal, "dana": dana, "gone": gone}[to]

    with pytest.raises((NotThem, NotYours)):
        hand_over(member(dana), member(person), becomes=Role.VIEWER, by=dana)

    assert member(dana).role == Role.CONTACT


def test_only_a_designated_contact_has_the_role_to_hand_over(dana, vera, tara):
    with pytest.raises(NotThem):
        hand_over(member(vera), member(tara), by=dana)


# ---------- the last contact ----------


@pytest.mark.parametrize(
    "act",
    [
        lambda it, **how: change_role(it, Role.VIEWER, **how),
        end_access,
        lambda it, **how: end_all([it], **how),
        lambda it, **how: change_all([it], Role.VIEWER, **how),
    ],
)
def test_last_contact_goes_only_when_it_is_known(act, orchard, dana, vera):
    with pytest.raises(LastContact) as left:
        act(member(dana), by=dana)
    assert left.value.organizations == [orchard]
    assert has_contact(orchard)

    act(member(dana), by=dana, knowing=True)

    assert not has_contact(orchard)


def test_one_of_two_contacts_goes_without_a_word(orchard, dana, eve):
    end_access(member(eve), by=dana)

    assert has_contact(orchard)


def test_deactivated_contact_is_nobody_to_count_on(orchard, dana, eve):
    User.objects.filter(pk=eve.pk).update(is_active=False)

    with pytest.raises(LastContact):
        end_access(member(dana), by=dana)
    assert last_in([member(eve)]) == []


def test_two_contacts_together_are_the_last(orchard, dana, eve, ada):
    with pytest.raises(LastContact):
        end_all([member(dana), member(eve)], by=ada)

    assert end_all([member(dana), member(eve)], by=ada, knowing=True) == 2


def test_deactivation_names_every_organization_it_leaves_without_a_contact(orchard, harbor, dana, ada):
    make_membership(dana, harbor, Role.CONTACT)

    with pytest.raises(LastContact) as left:
        deactivate_all([dana], by=ada)

    assert set(left.value.organizations) == {orchard, harbor}


# ---------- several ----------


def test_several_change_all_or_none(orchard, dana, vera, tara, casey):
    with pytest.raises(RoleAbove):
        change_all([member(vera), member(casey)], Role.TRAINING_ADMIN, by=dana)
    assert member(vera).role == Role.VIEWER

    assert change_all([member(vera), member(tara)], Role.TRAINING_ADMIN, by=dana) == 1


def test_several_do_not_become_partners_at_once(dana, vera):
    with pytest.raises(PartnerNeedsAnEnd):
        change_all([member(vera)], Role.PARTNER, by=dana)


# ---------- out, at once, over every channel ----------


@pytest.fixture
def signed_in(vera):
    """A browser in which Vera signed in as people do, and wished to stay so."""
    client = Client()
    client.post("/sign-in/", {"login": vera.email, "password": PASSWORD, "remember": "on"})
    assert client.get("/o/orchard/plan/").status_code == 200
    return client


def test_ended_access_is_closed_to_a_live_session_at_the_next_click(signed_in, dana, vera):
    end_access(member(vera), by=dana)

    response = signed_in.get("/o/orchard/plan/")

    assert response.status_code in (302, 404)
    assert b"Orchard" not in response.content


@pytest.mark.parametrize(
    "act",
    [
        lambda vera, dana, ada: end_access(member(vera), by=dana),
        lambda vera, dana, ada: change_role(member(vera), Role.TRAINING_ADMIN, by=dana),
        lambda vera, dana, ada: hand_over(member(dana), member(vera), by=dana),
        lambda vera, dana, ada: deactivate(vera, by=ada),
        lambda vera, dana, ada: end_all([member(vera)], by=dana),
        lambda vera, dana, ada: change_all([member(vera)], Role.TRAINING_ADMIN, by=dana),
    ],
)
def test_every_change_of_rights_ends_the_sessions(act, vera, dana, ada):
    before = epoch(vera)

    act(vera, dana, ada)

    assert epoch(vera) > before


def test_deactivated_person_is_out_of_a_remembered_session(signed_in, ada, vera):
    deactivate(vera, by=ada)

    assert signed_in.get("/o/orchard/plan/").status_code == 302
    assert signed_in.get("/me/").status_code == 302


def test_deactivated_person_does_not_come_in_with_the_password(ada, vera, client):
    deactivate(vera, by=ada)

    client.post("/sign-in/", {"login": vera.email, "password": PASSWORD})

    assert client.get("/me/").status_code == 302


def test_mail_of_a_forgotten_password_says_nothing_to_the_deactivated(ada, vera, client):
    deactivate(vera, by=ada)
    mail.outbox.clear()

    client.post("/sign-in/forgotten/", {"email": vera.email})
    client.post("/sign-in/forgotten/", {"email": "nobody@orchard.example"})

    assert mail.outbox == []  # neither is written to


def test_deactivated_person_is_seen_by_the_door_as_nobody(orchard, ada, vera):
    deactivate(vera, by=ada)

    with pytest.raises(Http404):
        open_organization(User.objects.get(pk=vera.pk), "orchard")


def test_deactivated_contact_invites_nobody_and_their_sessions_do_nothing(orchard, dana, ada, eve):
    made = invite(orchard, "nora@orchard.example", Role.VIEWER, by=dana)
    deactivate(dana, by=ada)
    dana.refresh_from_db()

    for act in (resend, withdraw):
        with pytest.raises(NotYours):
            act(made, by=dana)
    with pytest.raises(NotYours):
        invite(orchard, "nick@orchard.example", Role.VIEWER, by=dana)


def test_ended_access_here_leaves_the_other_organization_open(orchard, harbor, dana, vera):
    make_membership(vera, harbor, Role.VIEWER)

    end_access(vera.memberships.get(organization=orchard), by=dana)

    assert open_organization(User.objects.get(pk=vera.pk), "harbor") == harbor
    with pytest.raises(Http404):
        open_organization(User.objects.get(pk=vera.pk), "orchard")


def test_reactivated_person_has_what_they_had_and_signs_in_anew(orchard, ada, vera, signed_in):
    deactivate(vera, by=ada)
    after = epoch(vera)

    reactivate(vera, by=ada)

    vera.refresh_from_db()
    assert open_organization(vera, "orchard", to=Capability.SEE_ORGANIZATION) == orchard
    assert epoch(vera) > after
    assert actions()[-2:] == [Action.PERSON_DEACTIVATED, Action.PERSON_REACTIVATED]


@pytest.mark.parametrize("who", ["ada", "casey", "otto"])
def test_admin_deactivates_neither_themselves_nor_staff_here(who, ada, request):
    with pytest.raises(NotThem):
        deactivate(request.getfixturevalue(who), by=ada)


def test_contact_deactivates_nobody_everywhere(dana, vera):
    with pytest.raises(NotYours):
        deactivate(vera, by=dana)

    vera.refresh_from_db()
    assert vera.is_active


def test_customer_reads_that_their_person_was_deactivated(orchard, harbor, ada, vera):
    make_membership(vera, harbor, Role.VIEWER)

    deactivate(vera, by=ada)

    entries = AuditEntry.objects.filter(action=Action.PERSON_DEACTIVATED)
    assert {entry.organization for entry in entries} == {orchard, harbor}


# ---------- the list ----------


def shown(found, **wanted):
    return [(line.called, line.state) for line in roster.lines(found, roster.find(found, Wanted(**wanted)))]


@pytest.fixture
def everybody(orchard, dana, vera, pat, frank, casey):
    """Contacts of Orchard in every state."""
    gone = make_user("gone@orchard.example", is_active=False)
    make_membership(gone, orchard, Role.VIEWER)
    invite(orchard, "nora@orchard.example", Role.VIEWER, by=dana)
    invite(orchard, "nick@orchard.example", Role.CONTACT, by=dana, at=NOON - timedelta(days=400))
    return orchard


def test_list_says_how_things_stand_with_everybody_but_ours(everybody):
    assert shown(roster.of_organization(everybody)) == [
        ("Dana", State.ACTIVE),
        ("Frank", State.ENDED),
        ("Gone", State.DEACTIVATED),
        ("nick@orchard.example", State.EXPIRED),
        ("nora@orchard.example", State.INVITED),
        ("Pat", State.ACTIVE),
        ("Vera", State.ACTIVE),
    ]


@pytest.mark.parametrize("state", list(State))
def test_each_state_finds_its_own_and_counts_them(everybody, state):
    found = roster.of_organization(everybody)

    names = shown(found, state=state)

    assert {each for _, each in names} == {state}
    assert roster.counts(found, Wanted())[state] == len(names)
    assert roster.counts(found, Wanted())[""] == 7


def test_list_is_searched_by_name_and_address_and_role(everybody):
    found = roster.of_organization(everybody)

    assert [name for name, _ in shown(found, text="PARTNER.example")] == ["Pat"]
    assert [name for name, _ in shown(found, text="er")] == ["Pat", "Vera"]
    assert [name for name, _ in shown(found, role=Role.CONTACT)] == ["Dana", "Frank", "nick@orchard.example"]


@pytest.mark.parametrize("sort", list(Sort))
def test_every_order_has_a_way_back(everybody, sort, ada, hal):
    User.objects.filter(pk=hal.pk).update(last_login=NOON)
    found = roster.of_everything(ada)

    assert shown(found, sort=sort) != shown(found, sort=sort, descending=True)
    assert len(shown(found, sort=sort)) == 8


def test_last_sign_in_of_someone_who_has_gone_is_not_told(everybody, frank, dana):
    User.objects.update(last_login=NOON)
    found = roster.of_organization(everybody)

    seen = {line.called: line.seen_at for line in roster.lines(found, roster.find(found, Wanted()))}

    assert (seen["Dana"], seen["Frank"]) == (NOON, None)


def test_whoever_came_back_is_in_the_list_once(orchard, dana, frank):
    make_membership(frank, orchard, Role.VIEWER)

    assert [name for name, _ in shown(roster.of_organization(orchard))] == ["Dana", "Frank"]


def test_invitation_of_someone_who_may_no_longer_invite_is_marked(orchard, dana, eve, ada):
    invite(orchard, "by-dana@orchard.example", Role.VIEWER, by=dana)
    invite(orchard, "by-ada@orchard.example", Role.VIEWER, by=ada)
    change_role(member(dana), Role.VIEWER, by=eve)
    found = roster.of_organization(orchard)

    lines = roster.lines(found, roster.find(found, Wanted(state=State.INVITED)))

    assert {line.email: line.is_void for line in lines} == {
        "by-dana@orchard.example": True,
        "by-ada@orchard.example": False,
    }


@pytest.mark.parametrize("who", ["dana", "casey", "otto", "lena"])
def test_all_contacts_are_for_administrators(who, request):
    from django.core.exceptions import PermissionDenied

    with pytest.raises(PermissionDenied):
        roster.of_everything(request.getfixturevalue(who))


def test_queries_do_not_grow_with_the_contacts(orchard, dana, ada, django_assert_num_queries):
    for number in range(60):
        organization = make_organization(f"Number {number}")
        make_membership(make_user(f"n{number}@number.example"), organization)
        invite(organization, f"n{number}@new.example", Role.VIEWER, by=ada)
    found = roster.of_everything(ada)

    with django_assert_num_queries(4):
        lines = roster.lines(found, roster.find(found, Wanted())[:50])

    assert len(lines) == 50
