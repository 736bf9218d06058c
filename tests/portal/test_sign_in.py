"""Signing in and out, forgotten passwords, and doors that stay closed."""

import re

import pytest
from django.core import mail

from accounts.models import User
from tests.factories import PASSWORD
from tests.portal.scored import text_of

WRONG = "Email or password is not right. After five tries there is a pause of 15 minutes."


def sign_in(client, email="dana@orchard.example", password=PASSWORD, **fields):
    return client.post("/sign-in/", {"login": email, "password": password, **fields})


def link_in(message):
    """The path of the link in a mail."""
    return re.search(r"https?://[^/\s]+(/\S+)", message.body).group(1)


def test_contact_signs_in_and_lands_on_the_overview(client, dana):
    response = sign_in(client)

    assert response.url == "/"
    assert client.get("/").url == "/o/orchard/"


def test_address_is_taken_whatever_its_case(client, dana):
    assert sign_in(client, "DANA@Orchard.Example").status_code == 302


def test_page_that_was_asked_for_follows_the_sign_in(client, dana):
    asked = client.get("/o/orchard/score/product-adoption/")

    page = client.get(asked.url)
    form = page.content.decode().partition("<h1>")[2]
    target = re.search(r'name="next" value="([^"]+)"', form).group(1)

    assert asked.url.startswith("/sign-in/?next=")
    assert sign_in(client, next=target).url == "/o/orchard/score/product-adoption/"


def test_foreign_address_does_not_follow_the_sign_in(client, dana):
    assert sign_in(client, next="https://elsewhere.example/").url == "/"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("dana@orchard.example", "wrong"),
        ("nobody@orchard.example", PASSWORD),
        ("nobody@orchard.example", "x"),
    ],
)
def test_wrong_password_and_unknown_address_read_the_same(client, dana, email, password):
    response = sign_in(client, email, password)

    assert response.status_code == 200
    assert WRONG in text_of(response)


def test_error_is_tied_to_its_field(client, dana):
    page = sign_in(client, password="wrong").content.decode()

    described = re.search(
        r'id="id_password"[^>]* aria-invalid="true" aria-describedby="([^"]+)"', page
    ).group(1)

    assert f'id="{described}"' in page


def test_password_is_never_sent_back(client, dana):
    assert "a wrong secret" not in sign_in(client, password="a wrong secret").content.decode()


def test_sixth_try_waits(client, dana):
    for _ in range(5):
        sign_in(client, password="wrong")

    response = sign_in(client)

    assert "There is a pause of 15 minutes" in text_of(response)


def test_inactive_person_stays_outside(client, dana):
    dana.is_active = False
    dana.save(update_fields=["is_active"])

    response = sign_in(client)

    assert response.status_code == 302
    assert "This account is closed" in text_of(client.get(response.url))
    assert client.get("/o/orchard/").status_code == 302


def test_unconfirmed_address_gets_a_link_first(client, dana):
    dana.emailaddress_set.update(verified=False)

    response = sign_in(client)
    page = client.get(link_in(mail.outbox[0]))
    done = client.post(link_in(mail.outbox[0]))

    assert "Confirm your address" in text_of(client.get(response.url))
    assert "Is dana@orchard.example yours?" in text_of(page)
    assert done.status_code == 302
    assert dana.emailaddress_set.get().verified


def test_sign_out_asks_and_a_get_changes_nothing(client, dana):
    client.force_login(dana)

    page = client.get("/sign-out/")

    assert "You are signed in as dana@orchard.example." in text_of(page)
    assert client.get("/").url == "/o/orchard/"


def test_sign_out_ends_the_session(client, dana):
    client.force_login(dana)

    client.post("/sign-out/")

    assert client.get("/").url.startswith("/sign-in/")


def test_there_is_no_sign_up(client, db):
    response = client.post(
        "/sign-in/closed/", {"email": "new@orchard.example", "password1": "a long enough secret"}
    )

    assert "Accounts are by invitation" in text_of(response)
    assert not User.objects.exists()


# ---------- forgotten passwords ----------


def test_forgotten_password_is_set_anew(client, dana):
    client.post("/sign-in/forgotten/", {"email": dana.email})
    page = client.get(link_in(mail.outbox[0]), follow=True)
    address = page.redirect_chain[-1][0]

    response = client.post(
        address, {"password1": "nine tall ships", "password2": "nine tall ships"}, follow=True
    )

    assert "Set a new password" in text_of(page)
    assert "The new password is set" in text_of(response)
    assert sign_in(client, password="nine tall ships").status_code == 302


def test_link_of_a_forgotten_password_works_once(client, dana):
    client.post("/sign-in/forgotten/", {"email": dana.email})
    link = link_in(mail.outbox[0])
    address = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(address, {"password1": "nine tall ships", "password2": "nine tall ships"})

    assert "This link no longer works" in text_of(client.get(link, follow=True))


def test_mails_are_in_our_words_and_to_the_point(client, dana):
    client.post("/sign-in/forgotten/", {"email": dana.email})

    message = mail.outbox[0]

    assert message.subject == "Set a new password for Cairn"
    assert message.to == [dana.email]
    assert "example.com" not in message.body


def test_unknown_address_reads_the_same_answer(client, dana):
    known = client.post("/sign-in/forgotten/", {"email": dana.email}, follow=True)
    unknown = client.post("/sign-in/forgotten/", {"email": "nobody@orchard.example"}, follow=True)

    assert "Look into your mail" in text_of(known)
    assert text_of(known) == text_of(unknown)


def test_fourth_reset_within_the_hour_waits(client, dana):
    for _ in range(3):
        client.post("/sign-in/forgotten/", {"email": dana.email})

    response = client.post("/sign-in/forgotten/", {"email": dana.email})

    assert response.status_code == 429
    assert "Too many tries" in text_of(response)


def test_short_password_is_refused_with_the_reason(client, dana):
    client.force_login(dana)

    response = client.post(
        "/sign-in/password/", {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}
    )

    assert "at least 12 characters" in text_of(response)


def test_password_is_changed_and_asked_for_again(client, dana):
    client.force_login(dana)

    fields = {"oldpassword": PASSWORD, "password1": "nine tall ships", "password2": "nine tall ships"}
    client.post("/sign-in/password/", fields)

    assert client.get("/").url.startswith("/sign-in/")
    assert sign_in(client, password="nine tall ships").status_code == 302


# ---------- light and dark ----------


def test_theme_is_kept_in_a_cookie_and_read_by_the_server(client, db):
    client.post("/theme/", {"theme": "dark", "next": "/sign-in/"})

    assert '<html lang="en" data-theme="dark">' in client.get("/sign-in/").content.decode()


@pytest.mark.parametrize("fields", [{"theme": "dark", "next": "//elsewhere.example"}, {"theme": "x"}, {}])
def test_theme_leads_nowhere_else(client, db, fields):
    assert client.post("/theme/", fields).url == "/"


def test_theme_of_a_stranger_is_not_believed(client, db):
    client.cookies["theme"] = '"><script>'

    assert '<html lang="en">' in client.get("/sign-in/").content.decode()
