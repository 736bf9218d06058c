"""Staff and teams on the screen, as an administrator meets them."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Cover, Membership, Role, Team, User
from tests.factories import PASSWORD, make_membership, make_organization, make_user
from tests.portal.scored import text_of

LIST, ADD, LEAVE, TEAMS = (
    "/manage/staff/",
    "/manage/staff/add/",
    "/manage/staff/deactivate/",
    "/manage/teams/",
)


@pytest.fixture
def as_ada(client, ada):
    client.force_login(ada)
    return client


@pytest.fixture
def north(db):
    return Team.objects.create(name="North")


def listed(response):
    return re.findall(r'class="rowlink" href="/manage/staff/\d+/">([^<]+)<', response.content.decode())


# ---------- the list ----------


def test_list_shows_everybody_who_works_here_and_no_customer(as_ada, casey, lena, gus, otto, dana, orchard):
    page = as_ada.get(LIST)

    assert listed(page) == ["Ada", "Casey", "Gus", "Lena", "Otto"]
    text = text_of(page)
    assert "Ada You ada@vendor.example Administrator" in text
    assert "Lena lena@vendor.example Success lead North" in text
    assert "Casey casey@vendor.example North 1" in text
    assert "dana@" not in text


def test_list_is_searched_filtered_and_sorted(as_ada, casey, cole, lena, orchard, harbor):
    make_membership(casey, harbor, Role.CSM)
    make_user("gone@vendor.example", is_staff=True, is_active=False)

    assert listed(as_ada.get(LIST, {"q": "north"})) == ["Casey", "Lena"]
    assert listed(as_ada.get(LIST, {"q": "cole@"})) == ["Cole"]
    assert listed(as_ada.get(LIST, {"show": "inactive"})) == ["Gone"]
    assert "Gone" in listed(as_ada.get(LIST, {"show": "all"}))
    assert listed(as_ada.get(LIST, {"sort": "-managed"}))[:2] == ["Casey", "Cole"]
    assert "Nobody matches" in text_of(as_ada.get(LIST, {"q": "nobody"}))


@pytest.mark.parametrize(
    ("asked", "words"),
    [({"sort": "salary"}, "Sort: “salary” is not a column"), ({"show": "ghosts"}, "Show: “ghosts” is not")],
)
def test_what_cannot_be_read_is_named(asked, words, as_ada):
    page = as_ada.get(LIST, asked)

    assert words in text_of(page)
    assert listed(page) == []


def test_list_comes_in_pages_and_asks_few_questions(as_ada, orchard):
    for number in range(60):
        user = make_user(f"person{number:02}@vendor.example", is_staff=True)
        make_membership(user, orchard, Role.GUIDE)

    as_ada.get(LIST)  # the first request of a session asks once who demands a second factor

    with CaptureQueriesContext(connection) as queries:
        first = as_ada.get(LIST)

    assert len(queries) <= 8
    assert (len(listed(first)), len(listed(as_ada.get(LIST, {"page": 2})))) == (50, 11)


# ---------- adding and changing ----------


def test_newcomer_chooses_a_password_from_the_mail_and_signs_in(
    as_ada, client, north, mailoutbox, django_capture_on_commit_callbacks
):
    filled = {"email": "nora@vendor.example", "name": "Nora", "is_lead": "on", "team": north.pk}
    with django_capture_on_commit_callbacks(execute=True):
        assert as_ada.post(ADD, filled).status_code == 302
    address = re.search(r"http://testserver(/\S+)", mailoutbox[0].body)[1]
    client.logout()

    form = client.get(address, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": PASSWORD, "password2": PASSWORD})
    response = client.post("/sign-in/", {"login": "nora@vendor.example", "password": PASSWORD}, follow=True)

    assert response.redirect_chain[-1][0] == "/portfolio/"
    assert "Success lead" in text_of(response)
    client.logout()
    assert "This link no longer works" in text_of(client.get(address, follow=True))


@pytest.mark.parametrize(
    ("filled", "words"),
    [
        ({"email": "", "name": "N"}, "Enter the address they sign in with."),
        ({"email": "nora", "name": "N"}, "This is not an e-mail address."),
        ({"email": "n@vendor.example", "name": ""}, "Enter the name that others should see."),
        ({"email": "n@vendor.example", "name": "N", "team": "7777"}, "“7777” is not in the list."),
        ({"email": "n@vendor.example", "name": "N", "is_lead": "on"}, "Whoever leads needs a team"),
        ({"email": "ADA@vendor.example", "name": "N"}, "ada@vendor.example works here already"),
    ],
)
def test_form_names_the_field_and_keeps_nothing(filled, words, as_ada):
    page = as_ada.post(ADD, filled)

    assert page.status_code == 200
    assert words in text_of(page)
    assert User.objects.count() == 1


def test_form_sets_nothing_that_it_does_not_ask_for(as_ada):
    as_ada.post(
        ADD,
        {"email": "n@vendor.example", "name": "N", "is_superuser": "on", "auth_epoch": 9, "password": "x"},
    )

    user = User.objects.get(email="n@vendor.example")
    assert (user.is_superuser, user.auth_epoch, user.has_usable_password()) == (False, 0, False)


def test_roles_and_team_are_changed_on_the_page(as_ada, casey, north):
    page = f"{LIST}{casey.pk}/"

    assert as_ada.post(page, {"name": "Casey", "is_auditor": "on", "team": north.pk}).status_code == 302

    casey.refresh_from_db()
    assert (casey.is_auditor, casey.is_admin, casey.team) == (True, False, north)
    assert casey.auth_epoch == 1


def test_last_administrator_reads_why_the_role_stays(as_ada, ada):
    page = as_ada.post(f"{LIST}{ada.pk}/", {"name": "Ada"})

    assert "Ada is the last active administrator. Make somebody else one first." in text_of(page)
    ada.refresh_from_db()
    assert ada.is_admin


def test_customer_is_nobody_here(as_ada, dana):
    for address in (f"{LIST}{dana.pk}/", f"{LIST}{dana.pk}/mail/", f"{LIST}{dana.pk}/reactivate/"):
        assert as_ada.post(address, {"name": "X", "is_admin": "on"}).status_code == 404
    assert not User.objects.filter(pk=dana.pk, is_admin=True).exists()


def test_mail_is_sent_again_until_the_first_sign_in(
    as_ada, casey, mailoutbox, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        as_ada.post(f"{LIST}{casey.pk}/mail/")
    assert len(mailoutbox) == 1

    User.objects.filter(pk=casey.pk).update(last_login=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        page = as_ada.post(f"{LIST}{casey.pk}/mail/", follow=True)
    assert len(mailoutbox) == 1
    assert "needs no such mail" in text_of(page)


@pytest.mark.parametrize("who", ["casey", "lena", "otto", "dana"])
def test_nobody_else_changes_staff(who, client, casey, request):
    user = request.getfixturevalue(who)
    client.force_login(user)

    for address in (ADD, LEAVE, f"{LIST}{casey.pk}/", f"{LIST}{casey.pk}/reactivate/", TEAMS):
        response = client.post(address, {"person": casey.pk, "name": "X", "is_admin": "on"})
        assert response.status_code == 403
    casey.refresh_from_db()
    assert (casey.is_active, casey.is_admin) == (True, False)


# ---------- deactivating ----------


def test_page_warns_first_and_changes_nothing(as_ada, casey, orchard):
    page = as_ada.get(LEAVE, {"person": casey.pk})

    assert "1 org would be without a success manager" in text_of(page)
    assert "Orchard" in text_of(page)
    casey.refresh_from_db()
    assert casey.is_active


def test_leaving_without_saying_who_looks_after_is_refused(as_ada, casey, orchard):
    cases = [
        ({}, "Choose what happens to the organizations."),
        ({"then": "vanish"}, "“vanish” is not in the list."),
        ({"then": "hand-over"}, "Choose who looks after them."),
        ({"then": "cover", "to": ""}, "Enter the last day: cover always ends."),
        ({"then": "hand-over", "to": casey.pk}, f"“{casey.pk}” is not in the list."),
        ({"then": "cover", "to": "", "until": "soon"}, "“soon” is not a day"),
    ]
    for filled, words in cases:
        page = as_ada.post(LEAVE, {"person": casey.pk} | filled)
        assert words in text_of(page)
    casey.refresh_from_db()
    assert casey.is_active


def test_organizations_are_handed_over_on_the_way_out(as_ada, casey, cole, orchard, client):
    page = as_ada.post(LEAVE, {"person": casey.pk, "then": "hand-over", "to": cole.pk}, follow=True)

    assert "Deactivated Casey. They are signed out everywhere." in text_of(page)
    assert orchard.memberships.get(user=cole).ends_at is None
    assert Membership.objects.get(user=casey).ends_at is not None


def test_organizations_are_covered_on_the_way_out(as_ada, casey, cole, orchard):
    until = timezone.localdate() + timedelta(days=7)

    as_ada.post(LEAVE, {"person": casey.pk, "then": "cover", "to": cole.pk, "until": until})

    cover = Cover.objects.get()
    assert (cover.absent, cover.covering) == (casey, cole)
    assert cover.ends_at.date() == until + timedelta(days=1)
    casey.refresh_from_db()
    assert not casey.is_active


def test_several_are_deactivated_after_one_confirmation(as_ada, gus, otto, orchard):
    chosen = {"person": [gus.pk, otto.pk]}
    assert "Deactivate 2 people?" in text_of(as_ada.get(LEAVE, chosen))

    page = as_ada.post(LEAVE, chosen, follow=True)

    assert "Deactivated 2 people." in text_of(page)
    assert not User.objects.filter(pk__in=[gus.pk, otto.pk], is_active=True).exists()


def test_list_with_the_last_administrator_changes_nobody(as_ada, ada, gus, orchard):
    page = as_ada.post(LEAVE, {"person": [gus.pk, ada.pk]})

    assert "Nothing was changed Ada is you." in text_of(page)
    gus.refresh_from_db()
    assert gus.is_active


def test_reactivated_person_works_again(as_ada, casey, orchard, client):
    as_ada.post(LEAVE, {"person": casey.pk, "then": "nobody"})

    assert "Casey can sign in again." in text_of(as_ada.post(f"{LIST}{casey.pk}/reactivate/", follow=True))

    casey.refresh_from_db()
    client.force_login(casey)
    assert client.get("/o/orchard/plan/").status_code == 200


# ---------- teams ----------


def test_team_is_made_filled_led_renamed_and_deleted(as_ada, casey, gus, orchard):
    as_ada.post(TEAMS, {"name": "South"})
    south = Team.objects.get(name="South")
    page, people = f"{TEAMS}{south.pk}/", f"{TEAMS}{south.pk}/people/"

    as_ada.post(people, {"person": casey.pk, "place": "member"})
    as_ada.post(people, {"person": gus.pk, "place": "lead"})
    as_ada.post(page, {"name": "Far South"})

    assert "Far South Gus 2" in text_of(as_ada.get(TEAMS))
    gus.refresh_from_db()
    assert (gus.is_lead, gus.team) == (True, south)
    assert "has 2 people" in text_of(as_ada.post(f"{page}delete/"))
    as_ada.post(people, {"person": casey.pk, "place": "out"})
    as_ada.post(f"{page}delete/", {"with_people": "yes"})
    assert not Team.objects.exists()
    gus.refresh_from_db()
    assert not gus.is_lead


def test_team_page_names_what_it_cannot_read(as_ada, north, dana):
    people = f"{TEAMS}{north.pk}/people/"

    assert "“boss” is not a place." in text_of(
        as_ada.post(people, {"person": dana.pk, "place": "boss"}, follow=True)
    )
    assert f"“{dana.pk}” is not in the list." in text_of(
        as_ada.post(people, {"person": dana.pk, "place": "member"}, follow=True)
    )
    assert "There is a team North already." in text_of(as_ada.post(TEAMS, {"name": "north"}))
    assert "Enter a name for the team." in text_of(as_ada.post(TEAMS, {"name": "  "}))


def test_stale_button_does_not_pull_somebody_out_of_another_team(as_ada, casey, north):
    south = Team.objects.create(name="South")
    casey.team = south
    casey.save()

    as_ada.post(f"{TEAMS}{north.pk}/people/", {"person": casey.pk, "place": "out"})

    casey.refresh_from_db()
    assert casey.team == south


def test_empty_states_say_what_to_do(as_ada, north):
    assert "Nobody is in this team Move somebody in" in text_of(as_ada.get(f"{TEAMS}{north.pk}/"))
    assert "No team matches" in text_of(as_ada.get(TEAMS, {"q": "x"}))
    north.delete()
    assert "No team yet" in text_of(as_ada.get(TEAMS))


def test_number_of_organizations_counts_those_held_now(as_ada, casey, orchard):
    ended = make_organization("Ended")
    membership = make_membership(casey, ended, Role.CSM)
    Membership.objects.filter(pk=membership.pk).update(ends_at=timezone.now())

    assert "Success manager of 1 " in text_of(as_ada.get(f"{LIST}{casey.pk}/"))
