"""How long somebody stays signed in, what ends it at once, and where they are signed in."""

import re
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client, override_settings

from accounts import sessions
from accounts.contacts import designate
from accounts.epochs import end_sessions
from accounts.models import Action, AuditEntry, Role, SignedIn, User
from tests.factories import PASSWORD
from tests.portal.scored import text_of
from tests.portal.signing import enters, link_in, sign_in

MINUTE, HOUR, DAY = 60, 3600, 86400
NEW = "nine tall ships at anchor"


@pytest.fixture
def at(client, dana):
    """Dana, signed in by herself."""
    assert sign_in(client, dana).status_code == 302
    return client


def age(client: Client, **stamps: float) -> None:
    """Make the stamps of a session older by so many seconds."""
    session = client.session
    for name, seconds in stamps.items():
        session[name] = session[name] - seconds
    session.save()


def another(user: User) -> Client:
    client = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"})
    assert sign_in(client, user).status_code == 302
    return client


# ---------- limits ----------

LIMITS = [
    ("dana", 12 * HOUR, 14 * DAY),
    ("casey", 8 * HOUR, 24 * HOUR),
    ("gus", 8 * HOUR, 24 * HOUR),
    ("lena", 8 * HOUR, 24 * HOUR),
    ("otto", 8 * HOUR, 24 * HOUR),
    ("ada", 30 * MINUTE, 12 * HOUR),
]


@pytest.mark.parametrize(("who", "idle", "absolute"), LIMITS)
def test_session_ends_when_nobody_works(who, idle, absolute, request):
    client = another(request.getfixturevalue(who))

    age(client, seen=idle - MINUTE)
    assert enters(client)
    age(client, seen=idle + MINUTE)
    assert not enters(client)


@pytest.mark.parametrize(("who", "idle", "absolute"), LIMITS)
def test_session_ends_however_much_somebody_works(who, idle, absolute, request):
    client = another(request.getfixturevalue(who))

    age(client, since=absolute - MINUTE)
    assert enters(client)
    age(client, since=2 * MINUTE)
    assert not enters(client)


def test_contact_who_asked_for_it_stays_signed_in_for_fourteen_days(client, dana):
    sign_in(client, dana, remember="on")

    age(client, seen=13 * DAY, since=13 * DAY)
    assert enters(client)
    assert client.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 14 * DAY
    age(client, since=DAY + MINUTE)
    assert not enters(client)


def test_contact_who_did_not_ask_is_out_when_the_browser_closes(at):
    assert at.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == ""


def test_staff_are_not_kept_whatever_they_tick(client, casey):
    sign_in(client, casey, remember="on")

    age(client, seen=8 * HOUR + MINUTE)

    assert not enters(client)


def test_person_who_becomes_staff_gets_their_limits_at_the_next_request(at, dana):
    age(at, seen=9 * HOUR)
    assert enters(at)
    age(at, seen=9 * HOUR)

    User.objects.filter(pk=dana.pk).update(is_staff=True)

    assert not enters(at)


def test_session_that_nobody_stamped_is_none(at):
    session = at.session
    del session["epoch"]
    session.save()

    assert not enters(at)


def test_session_that_has_ended_is_gone_from_the_server(at):
    key = at.session.session_key
    age(at, seen=13 * HOUR)

    at.get("/orgs/")

    assert not Session.objects.filter(session_key=key).exists()


def test_epoch_costs_no_question(dana, django_assert_num_queries):
    client = another(dana)
    session = client.session
    assert session["epoch"] == dana.auth_epoch  # the request has read the session before

    with django_assert_num_queries(0):
        assert not sessions.is_over(session, dana)


# ---------- fixation, sign-out, cookies ----------


def test_session_gets_a_new_id_at_sign_in(client, dana):
    client.post("/theme/", {"theme": "dark"})
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted = session.session_key

    sign_in(client, dana)

    assert client.session.session_key != planted
    assert not Session.objects.filter(session_key=planted).exists()


def test_stolen_cookie_is_worth_nothing_after_sign_out(at):
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = at.cookies[settings.SESSION_COOKIE_NAME].value
    assert enters(thief)

    at.post("/sign-out/")

    assert not enters(thief)
    assert not SignedIn.objects.exists()


def test_foreign_page_cannot_sign_somebody_in(db, dana):
    client = Client(enforce_csrf_checks=True)

    for address in ("/sign-in/", "/sign-in/passkey/", "/sign-in/forgotten/"):
        assert client.post(address, {"login": dana.email, "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize("page", ["/orgs/", "/me/", "/me/factors/", "/o/orchard/plan/", "/no/such/page"])
def test_page_with_a_session_is_kept_by_nobody_and_differs_by_cookie(at, page):
    headers = at.get(page).headers

    assert "no-store" in headers["Cache-Control"]
    assert "Cookie" in headers["Vary"]


def test_cookies_of_production_are_bound_to_the_host(client, dana):
    with override_settings(
        SESSION_COOKIE_NAME="__Host-session",
        SESSION_COOKIE_SECURE=True,
        CSRF_COOKIE_NAME="__Host-csrf",
        CSRF_COOKIE_SECURE=True,
    ):
        client.get("/sign-in/", secure=True)
        client.post("/sign-in/", {"login": dana.email, "password": PASSWORD}, secure=True)

    for name in ("__Host-session", "__Host-csrf"):
        cookie = client.cookies[name]
        assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (
            True,
            True,
            "/",
            "",
        )
        assert cookie["samesite"] == "Lax"


# ---------- what ends every session at once ----------


def change_password(client: Client) -> None:
    client.post("/sign-in/password/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})


def reset_password(client: Client) -> None:
    client.post("/sign-in/forgotten/", {"email": "dana@orchard.example"})
    address = client.get(link_in(mail.outbox[0]), follow=True).redirect_chain[-1][0]
    client.post(address, {"password1": NEW, "password2": NEW})


def change_address(client: Client) -> None:
    client.post("/me/address/", {"email": "dana.reyes@orchard.example"})
    client.post(link_in(mail.outbox[-1]))


CHANGES = [
    pytest.param(change_password, id="password changed"),
    pytest.param(lambda client: reset_password(Client()), id="password forgotten"),
    pytest.param(change_address, id="address changed"),
    pytest.param(lambda client: client.post("/me/signed-in/end/"), id="log out everywhere"),
    pytest.param(lambda client: end_sessions(User.objects.get(email="dana@orchard.example")), id="others"),
    pytest.param(lambda client: User.objects.update(is_active=False), id="deactivated"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_change_signs_out_everybody_else_on_every_channel(change, at, dana, orchard):
    other = another(dana)
    assert enters(other)

    change(at)

    assert not enters(other)
    assert other.get("/api/v1/organizations/orchard/score/").status_code == 403


@pytest.mark.parametrize("change", [change_password, lambda client: reset_password(Client())])
def test_new_password_raises_the_epoch_besides(change, at, dana):
    """Django's own hash of the password ends sessions too; what carries no such hash has the epoch alone."""
    change(at)

    assert User.objects.get(pk=dana.pk).auth_epoch > dana.auth_epoch


def test_session_that_makes_the_change_may_stay_under_a_new_id(at, dana):
    before = at.session.session_key

    change_address(at)

    assert enters(at)
    assert at.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


def test_old_session_is_not_let_in_by_signing_in_anew(at, dana):
    end_sessions(dana)
    another(dana)

    assert not enters(at)


# ---------- asking again ----------


@pytest.mark.parametrize(("who", "minutes"), [("dana", 15), ("casey", 15), ("ada", 5)])
def test_sensitive_page_asks_again_after_a_while(who, minutes, request):
    client = another(request.getfixturevalue(who))

    age(client, fresh=minutes * MINUTE - 5)
    assert client.get("/me/address/").status_code == 200
    age(client, fresh=10)
    assert client.get("/me/address/").url == "/sign-in/again/?next=%2Fme%2Faddress%2F"


def test_password_given_again_leads_back(at):
    age(at, fresh=HOUR)

    wrong = at.post("/sign-in/again/?next=/me/address/", {"password": "wrong"})
    right = at.post("/sign-in/again/?next=/me/address/", {"password": PASSWORD})

    assert "The password is not right" in text_of(wrong)
    assert right.url == "/me/address/"
    assert at.get("/me/address/").status_code == 200


def test_what_was_posted_is_not_kept_nor_done(at, dana):
    age(at, fresh=HOUR)

    response = at.post("/me/address/", {"email": "marker-4711@orchard.example"})
    at.post(response.url, {"password": PASSWORD})

    assert response.url.startswith("/sign-in/again/")
    assert not mail.outbox
    assert not any("marker-4711" in str(session.get_decoded()) for session in Session.objects.all())


def test_button_that_is_no_page_leads_back_to_the_page_it_stood_on(rf, dana):
    from portal.pages.fresh import fresh

    request = rf.post("/o/orchard/plan/review/")
    request.user, request.session = dana, Client().session

    response = fresh(back="plan")(lambda request, slug: None)(request, slug="orchard")

    assert response.url == "/sign-in/again/?next=%2Fo%2Forchard%2Fplan%2F"


# ---------- where they are signed in ----------


def test_person_sees_where_they_are_signed_in_and_ends_one(at, dana):
    other = another(dana)
    page = at.get("/me/").content.decode()
    there = re.search(r'action="(/me/signed-in/[^"]+/end/)"', page).group(1)

    assert "Firefox on Linux" in page
    assert "This one" in page
    response = at.post(there, follow=True)

    assert "Signed out there." in text_of(response)
    assert "Firefox on Linux" not in text_of(response)
    assert not enters(other)
    assert enters(at)
    assert AuditEntry.objects.filter(action=Action.SESSIONS_ENDED, actor=dana).count() == 1


def test_nobody_ends_or_sees_the_session_of_another(at, dana, hal):
    stranger = another(hal)
    place = SignedIn.objects.get(user=dana)

    response = stranger.post(f"/me/signed-in/{place.public_id}/end/", follow=True)

    assert "not signed in there any more" in text_of(response)
    assert enters(at)
    assert str(place.public_id) not in stranger.get("/me/").content.decode()


def test_log_out_everywhere_asks_first_and_is_written_down(at, dana):
    assert "Log out everywhere?" in text_of(at.get("/me/signed-in/end/"))
    assert enters(at)

    response = at.post("/me/signed-in/end/")

    assert response.url == "/sign-in/"
    assert not enters(at)
    entry = AuditEntry.objects.get(action=Action.SESSIONS_ENDED)
    assert (entry.actor, entry.after) == (dana, {"where": "everywhere"})


def test_session_that_is_over_is_not_in_the_list(at, dana):
    another(dana)
    SignedIn.objects.filter(agent__contains="Firefox").update(
        since=SignedIn.objects.first().since - timedelta(days=15)
    )

    assert "Firefox on Linux" not in text_of(at.get("/me/"))


def test_last_use_moves_with_the_session(at, dana):
    SignedIn.objects.update(seen_at=SignedIn.objects.first().seen_at - timedelta(hours=2))
    before = SignedIn.objects.get().seen_at
    age(at, seen=10 * MINUTE)

    at.get("/orgs/")

    assert SignedIn.objects.get().seen_at > before
    assert at.session["seen"] == pytest.approx(time.time(), abs=30)


@pytest.mark.parametrize(
    ("agent", "called"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit Chrome/140.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("<script>alert(1)</script>", "A browser"),
        ("", "A browser"),
    ],
)
def test_browser_is_called_by_its_name(agent, called):
    assert sessions.browser(agent) == called


# ---------- the address ----------


def test_address_changes_by_a_link_in_the_new_mailbox_and_the_old_one_is_told(at, dana):
    at.post("/me/address/", {"email": "Dana.Reyes@orchard.example"})
    letter = mail.outbox[0]
    looked = at.get(link_in(letter))
    assert User.objects.get(pk=dana.pk).email == "dana@orchard.example"

    at.post(link_in(letter))

    assert letter.to == ["dana.reyes@orchard.example"]
    assert "Sign in with dana.reyes@orchard.example?" in text_of(looked)
    assert User.objects.get(pk=dana.pk).email == "dana.reyes@orchard.example"
    assert [message.to for message in mail.outbox[1:]] == [
        ["dana@orchard.example"],
        ["dana.reyes@orchard.example"],
    ]
    dana.refresh_from_db()
    assert sign_in(Client(), dana).status_code == 302


def test_link_to_a_new_address_works_once_and_for_its_person_alone(at, dana, hal):
    at.post("/me/address/", {"email": "dana.reyes@orchard.example"})
    link = link_in(mail.outbox[0])

    assert "This link no longer works" in text_of(another(hal).post(link))
    at.post(link)
    assert "This link no longer works" in text_of(at.post(link))
    assert "This link no longer works" in text_of(at.get(link[:-8] + "x/"))


def test_address_of_somebody_else_gets_the_same_answer_and_no_letter(at, dana, hal):
    free = at.post("/me/address/", {"email": "free@orchard.example"}, follow=True)
    taken = at.post("/me/address/", {"email": hal.email.upper()}, follow=True)

    assert text_of(free) == text_of(taken)
    assert [message.to for message in mail.outbox] == [["free@orchard.example"]]


def test_address_that_was_taken_meanwhile_is_refused(at, dana, hal):
    at.post("/me/address/", {"email": "new@orchard.example"})
    User.objects.filter(pk=hal.pk).update(email="new@orchard.example")

    assert "This link no longer works" in text_of(at.post(link_in(mail.outbox[0])))
    assert User.objects.get(pk=dana.pk).email == "dana@orchard.example"


@pytest.mark.parametrize("email", ["", "nonsense", "dana@orchard.example"])
def test_address_that_cannot_be_is_named_at_its_field(at, email):
    response = at.post("/me/address/", {"email": email})

    assert list(response.context["form"].errors) == ["email"]


def test_made_staff_by_a_membership_is_bound_as_staff(dana, harbor):
    designate(harbor, dana, Role.CSM)
    dana.refresh_from_db()

    assert sessions.limits(dana, Client().session) == sessions.STAFF
