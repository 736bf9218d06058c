"""Those who work for the vendor: added, given roles, deactivated; teams; and an administrator always left."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import staff
from accounts.access import visible_organizations
from accounts.models import Action, AuditEntry, Cover, Membership, Role, Team, User
from accounts.staff import Afterwards, Given, LastAdministrator, StaffRefused, TeamRefused
from tests.factories import make_membership, make_organization, make_user

DAY = timedelta(days=1)


def link(key):
    return f"https://portal.example/choose/{key}/"


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


@pytest.fixture
def north(db):
    return Team.objects.create(name="North")


# ---------- adding ----------


def test_newcomer_is_staff_without_a_password_and_gets_a_mail(
    ada, north, mailoutbox, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        nora = staff.add("Nora@Vendor.example", Given("Nora", is_lead=True, team=north), by=ada, link=link)

    nora.refresh_from_db()
    assert (nora.email, nora.is_staff, nora.is_lead, nora.team) == ("nora@vendor.example", True, True, north)
    assert not nora.has_usable_password()
    assert mailoutbox[0].to == ["nora@vendor.example"]
    assert "https://portal.example/choose/" in mailoutbox[0].body
    assert actions() == [Action.PERSON_ADDED]


@pytest.mark.parametrize(
    ("who", "words"), [("casey", "works here already"), ("dana", "contact of a customer")]
)
def test_address_that_is_known_is_refused(who, words, ada, request):
    known = request.getfixturevalue(who)

    with pytest.raises(StaffRefused, match=words) as refused:
        staff.add(known.email.upper(), Given("Somebody"), by=ada, link=link)

    assert refused.value.field == "email"
    known.refresh_from_db()
    assert (known.name, known.is_staff) == (who.title(), who == "casey")
    assert not actions()


def test_lead_without_a_team_is_refused(ada):
    with pytest.raises(StaffRefused, match="needs a team") as refused:
        staff.add("nora@vendor.example", Given("Nora", is_lead=True), by=ada, link=link)

    assert refused.value.field == "team"
    assert not User.objects.filter(email="nora@vendor.example").exists()


def test_mail_is_sent_again_only_before_the_first_sign_in(ada, casey):
    casey.last_login = timezone.now()
    casey.save()

    with pytest.raises(StaffRefused):
        staff.ask_again(casey, by=ada, link=link)


# ---------- changing ----------


@pytest.mark.parametrize(
    ("changes", "ends"),
    [({"is_admin": True}, True), ({"is_auditor": True}, True), ({"name": "Cas"}, False), ({}, False)],
)
def test_new_rights_end_every_session_and_a_new_name_does_not(changes, ends, ada, casey):
    before = casey.auth_epoch

    was_new = staff.change(casey, Given(**({"name": "Casey"} | changes)), by=ada)

    casey.refresh_from_db()
    assert was_new is bool(changes)
    assert (casey.auth_epoch > before) is ends
    assert actions() == ([Action.PERSON_CHANGED] if changes else [])


def test_change_is_written_down_with_what_was_and_is(ada, casey, north):
    staff.change(casey, Given("Casey", is_lead=True, team=north), by=ada)

    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.hat, entry.target_id) == (ada, "admin", str(casey.pk))
    assert entry.before == {"is_lead": False, "team": ""}
    assert entry.after == {"is_lead": True, "team": "North"}


def test_last_active_administrator_keeps_the_role(ada):
    make_user("old@vendor.example", is_staff=True, is_admin=True, is_active=False)

    with pytest.raises(LastAdministrator, match="Ada is the last active administrator") as refused:
        staff.change(ada, Given("Ada"), by=ada)

    assert refused.value.field == "is_admin"
    ada.refresh_from_db()
    assert ada.is_admin


def test_administrator_may_step_down_when_another_is_there(ada):
    make_user("second@vendor.example", is_staff=True, is_admin=True)

    assert staff.change(ada, Given("Ada"), by=ada)


# ---------- deactivating ----------


def test_deactivated_person_is_out_and_every_session_with_them(ada, casey, orchard, client):
    client.force_login(casey)
    assert client.get("/portfolio/").status_code == 200

    assert staff.deactivate([casey], by=ada) == [casey]

    assert client.get("/portfolio/").status_code == 302
    casey.refresh_from_db()
    assert not visible_organizations(casey).exists()
    assert casey.auth_epoch == 1
    assert actions() == [Action.PERSON_DEACTIVATED]


def test_last_active_administrator_cannot_be_deactivated_by_anyone(ada, otto):
    second = make_user("second@vendor.example", is_staff=True, is_admin=True)
    staff.deactivate([second], by=ada)

    with pytest.raises(LastAdministrator):
        staff.deactivate([ada], by=second)
    with pytest.raises(StaffRefused, match="Ada is you"):
        staff.deactivate([ada], by=ada)

    ada.refresh_from_db()
    assert ada.is_active


def test_many_are_deactivated_all_or_none(ada, casey, cole):
    with pytest.raises(StaffRefused):
        staff.deactivate([casey, cole, ada], by=ada)
    assert User.objects.filter(is_active=False).count() == 0
    assert not actions()

    assert staff.deactivate([casey, cole], by=ada) == [casey, cole]


def test_customer_is_not_deactivated_as_staff(ada, dana):
    assert staff.deactivate([dana], by=ada) == []
    dana.refresh_from_db()
    assert dana.is_active


def test_organizations_that_would_be_left_alone_are_known(casey, cole, orchard, harbor):
    shared = make_organization("Shared")
    for user in (casey, cole):
        make_membership(user, shared, Role.CSM)

    assert set(staff.left_alone([casey])) == {orchard}
    assert set(staff.left_alone([casey, cole])) == {orchard, harbor, shared}

    cole.is_active = False
    cole.save()
    assert set(staff.left_alone([casey])) == {orchard, shared}


def test_organizations_are_handed_over_with_who_leaves(ada, casey, cole, orchard, harbor):
    now = timezone.now()
    earlier = make_membership(cole, orchard, Role.CSM)
    Membership.objects.filter(pk=earlier.pk).update(starts_at=now - 9 * DAY, ends_at=now - 5 * DAY)
    shared = make_organization("Shared")
    for user in (casey, cole):
        make_membership(user, shared, Role.CSM)

    staff.deactivate([casey], by=ada, afterwards=Afterwards(cole))

    assert set(visible_organizations(cole)) == {orchard, harbor, shared}
    assert not Membership.objects.filter(user=casey, ends_at=None).exists()
    assert actions() == [Action.ASSIGNED, Action.ASSIGNED, Action.PERSON_DEACTIVATED]


def test_organizations_are_covered_when_who_leaves_comes_back(ada, casey, cole, orchard, harbor):
    staff.deactivate([casey], by=ada, afterwards=Afterwards(cole, timezone.now() + 5 * DAY))

    assert orchard in visible_organizations(cole)
    assert orchard not in visible_organizations(cole, at=timezone.now() + 6 * DAY)

    assert staff.reactivate(casey, by=ada)
    casey.refresh_from_db()
    assert list(visible_organizations(casey)) == [orchard]


def test_cover_that_cannot_be_leaves_everything_as_it_was(ada, casey, cole, orchard):
    with pytest.raises(StaffRefused) as refused:
        staff.deactivate([casey], by=ada, afterwards=Afterwards(cole, timezone.now() - DAY))

    assert refused.value.field == "until"
    casey.refresh_from_db()
    assert casey.is_active
    assert not Cover.objects.exists()


def test_nothing_is_handed_to_who_leaves_too(ada, casey, cole):
    with pytest.raises(StaffRefused, match="deactivated too") as refused:
        staff.deactivate([casey, cole], by=ada, afterwards=Afterwards(cole))

    assert refused.value.field == "to"


def test_old_cookie_does_not_come_back_to_life(ada, casey):
    staff.deactivate([casey], by=ada)
    casey.refresh_from_db()
    before = casey.auth_epoch

    staff.reactivate(casey, by=ada)

    casey.refresh_from_db()
    assert casey.auth_epoch > before
    assert not staff.reactivate(casey, by=ada)
    assert actions() == [Action.PERSON_DEACTIVATED, Action.PERSON_REACTIVATED]


# ---------- teams ----------


def test_team_is_made_and_renamed_once_by_each_name(ada, north):
    for name in ("North", "north"):
        with pytest.raises(TeamRefused, match="a team North already") as refused:
            staff.create_team(name, by=ada)
        assert refused.value.field == "name"
    south = staff.create_team("South", by=ada)

    with pytest.raises(TeamRefused):
        staff.rename_team(south, "NORTH", by=ada)
    assert staff.rename_team(south, "Far South", by=ada)
    assert not staff.rename_team(south, "Far South", by=ada)

    assert actions() == [Action.TEAM_CHANGED] * 2


def test_team_with_people_is_deleted_only_with_them(ada, casey, lena, orchard):
    team = lena.team
    with pytest.raises(TeamRefused, match="has 2 people"):
        staff.delete_team(team, with_people=False, by=ada)
    assert Team.objects.filter(pk=team.pk).exists()

    staff.delete_team(team, with_people=True, by=ada)

    lena.refresh_from_db()
    casey.refresh_from_db()
    assert (lena.team, lena.is_lead, casey.team) == (None, False, None)
    assert lena.auth_epoch == 1
    assert not visible_organizations(lena).exists()
    assert actions() == [Action.PERSON_CHANGED, Action.PERSON_CHANGED, Action.TEAM_CHANGED]


def test_who_moves_to_another_team_leads_no_longer_there(ada, lena, orchard, db):
    south = Team.objects.create(name="South")

    staff.move(lena, south, by=ada)

    lena.refresh_from_db()
    assert (lena.team, lena.is_lead) == (south, False)
    assert not visible_organizations(lena).exists()
