"""Nobody learns from us who has an account: the same words, headers and work; mail to whom we know."""

import base64
import json
import re

import pytest
from django.contrib.auth import hashers
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client

from accounts.models import User
from portal import middleware
from tests.factories import PASSWORD
from tests.portal.scored import text_of
from tests.portal.signing import give_app
from tests.test_doors import headers

WHO = ["known", "unknown", "inactive", "unverified", "no password", "with an app"]


@pytest.fixture
def addresses(dana, vera, tara, pat, hal):
    """One address of every kind of person."""
    User.objects.filter(pk=vera.pk).update(is_active=False)
    tara.emailaddress_set.update(verified=False)
    pat.set_unusable_password()
    pat.save()
    give_app(hal)
    people = (dana.email, "nobody@orchard.example", vera.email, tara.email, pat.email, hal.email)
    return dict(zip(WHO, people, strict=True))


def told(response, email: str) -> tuple[int, str, dict[str, str]]:
    """What an answer says, without the token of its form and the address that was typed."""
    body = re.sub(r'(name="csrfmiddlewaretoken" value=")\w+', r"\1", response.content.decode())
    said = {name: value for name, value in headers(response).items() if name != "Expires"}  # a clock
    return response.status_code, body.replace(email, "…"), said


def same(answers: dict[str, object]) -> bool:
    return all(answer == answers["known"] for answer in answers.values())


def test_wrong_password_gets_the_same_answer_whoever_it_is(addresses):
    answers = {
        who: told(Client().post("/sign-in/", {"login": email, "password": "wrong"}), email)
        for who, email in addresses.items()
    }

    assert same(answers)


def test_fifth_try_makes_the_same_pause_whoever_it_is(addresses):
    answers = {}
    for who, email in addresses.items():
        for _ in range(5):
            Client(REMOTE_ADDR=f"10.0.0.{WHO.index(who)}").post(
                "/sign-in/", {"login": email, "password": "x"}
            )
        client = Client(REMOTE_ADDR=f"10.0.0.{WHO.index(who)}")
        answers[who] = told(client.post("/sign-in/", {"login": email, "password": PASSWORD}), email)

    assert same(answers)
    assert "There is a pause of 15 minutes" in answers["known"][1]


def test_one_machine_gets_fifty_tries_whatever_the_addresses(db, settings, dana):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login": ""}
    client = Client()
    for number in range(50):
        client.post("/sign-in/", {"login": f"n{number}@orchard.example", "password": "x"})

    response = client.post("/sign-in/", {"login": dana.email, "password": PASSWORD})

    assert "There is a pause of 15 minutes" in text_of(response)
    other = Client(REMOTE_ADDR="10.9.9.9")
    assert other.post("/sign-in/", {"login": dana.email, "password": PASSWORD}).status_code == 302


def test_forgotten_password_gets_the_same_answer_whoever_it_is(addresses):
    answers = {}
    for who, email in addresses.items():
        client = Client()
        asked = client.post("/sign-in/forgotten/", {"email": email})
        answers[who] = (told(asked, email), told(client.get(asked.url), email), asked.url)

    assert same(answers)


def test_mail_goes_to_those_we_know_alone(addresses):
    for email in addresses.values():
        Client().post("/sign-in/forgotten/", {"email": email})

    written = {message.to[0] for message in mail.outbox}
    assert addresses["known"] in written
    assert addresses["unknown"] not in written
    assert addresses["inactive"] not in written


def test_fourth_reset_waits_alike(addresses):
    answers = {}
    for who, email in addresses.items():
        client = Client()
        for _ in range(3):
            client.post("/sign-in/forgotten/", {"email": email})
        mail.outbox.clear()
        Client(REMOTE_ADDR=f"10.0.1.{WHO.index(who)}")
        answers[who] = client.post(
            "/sign-in/forgotten/", {"email": email}, REMOTE_ADDR=f"10.0.1.{WHO.index(who)}"
        ).status_code

    assert answers == dict.fromkeys(WHO, 429)
    assert not mail.outbox


def test_closed_sign_up_says_the_same_whoever_it_is(addresses):
    answers = {
        who: told(Client().post("/sign-in/closed/", {"email": email, "password1": "x" * 20}), email)
        for who, email in addresses.items()
    }

    assert same(answers)
    assert not mail.outbox


def test_passkey_is_asked_for_without_a_name(addresses):
    """The options name nobody's passkeys; only the challenge differs."""
    first, second = (
        Client().get("/sign-in/passkey/", headers={"accept": "application/json"}).json()["request_options"]
        for _ in range(2)
    )

    assert first["publicKey"].pop("challenge") != second["publicKey"].pop("challenge")
    assert first == second
    assert not first["publicKey"].get("allowCredentials")
    assert first["publicKey"]["userVerification"] == "required"


def test_passkey_of_nobody_gets_the_same_answer_whose_number_it_names(addresses):
    answers = {}
    for who, email in addresses.items():
        user = User.objects.filter(email=email).first()
        number = base64.urlsafe_b64encode(str(user.pk if user else 999999).encode()).decode().rstrip("=")
        credential = {
            "id": "eA",
            "rawId": "eA",
            "type": "public-key",
            "response": {
                "clientDataJSON": "e30",
                "authenticatorData": "A" * 50,
                "signature": "AA",
                "userHandle": number,
            },
        }
        client = Client()
        client.get("/sign-in/passkey/", headers={"accept": "application/json"})
        response = client.post("/sign-in/passkey/", {"credential": json.dumps(credential)})
        answers[who] = (told(response, email), response.url, told(client.get(response.url), email))

    assert same(answers)
    assert "That passkey did not work here" in answers["known"][2][1]


def test_as_much_work_is_done_for_a_stranger(addresses, monkeypatch):
    """Hashing is what takes time: it is counted, not timed."""
    work = []
    hasher = hashers.get_hasher()
    for name in ("encode", "verify"):
        real = getattr(type(hasher), name)
        monkeypatch.setattr(
            type(hasher),
            name,
            lambda self, *args, real=real, name=name: (name, work.append(name), real(self, *args))[2],
        )
    done = {}
    for who, email in addresses.items():
        work.clear()
        Client().post("/sign-in/", {"login": email, "password": "wrong"})
        done[who] = work.count("encode")  # to verify is to encode once

    assert done == dict.fromkeys(WHO, 1)


def test_mail_is_sent_when_the_answer_has_been_given(dana, monkeypatch):
    """A mail server's time is no part of the answer's: the letter goes when the response is closed."""
    order = []
    monkeypatch.setattr(EmailMessage, "send", lambda self: order.append("sent"))
    real = middleware.Letters.__call__

    def answered(self, request):
        response = real(self, request)
        order.append("answered")
        return response

    monkeypatch.setattr(middleware.Letters, "__call__", answered)

    Client().post("/sign-in/forgotten/", {"email": dana.email})

    assert order == ["answered", "sent"]


def test_mail_server_that_is_down_changes_nothing_for_the_asker(dana, monkeypatch, caplog):
    def down(self):
        raise ConnectionRefusedError("no mail server")

    monkeypatch.setattr(EmailMessage, "send", down)

    response = Client().post("/sign-in/forgotten/", {"email": dana.email})

    assert response.status_code == 302
    assert "A mail could not be sent" in caplog.text
    assert dana.email not in caplog.text
