"""The first run of a real installation, and what its administrators decide about the house afterwards."""

import smtplib
import socket
import ssl
import threading
from io import StringIO

import pytest
from django.conf import settings as environment
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts import installation, setup
from accounts.models import Action, AuditEntry, Installation, Result, User
from portal.pages.setup import say_code
from tests.factories import PASSWORD, as_if_earlier, make_user
from tests.portal.scored import text_of
from tests.ports import free_port

FIRST = {
    "site_address": "http://localhost:8000",
    "vendor_name": "Quarry & Sons",
    "support_email": "help@quarry.example",
    "operator_email": "ops@quarry.example, night@quarry.example",
    "email": "wren@quarry.example",
    "name": "Wren Abel",
    "password": "a heron above the weir",
    "again": "a heron above the weir",
}


@pytest.fixture
def with_code(client: Client, db: None) -> Client:
    """Somebody who has shown the code."""
    client.post("/setup/", {"code": setup.code()})
    return client


# ---------- who gets in ----------


def test_first_run_asks_for_the_code_before_anything_else(client, db):
    page = text_of(client.get("/setup/"))

    assert "Code" in page
    assert "Password" not in page


def test_log_of_the_server_says_the_code_once_somebody_opens_the_page(client, db, caplog):
    say_code.cache_clear()

    client.get("/setup/")
    client.get("/setup/")

    assert [
        record.getMessage().count(setup.code()) for record in caplog.records if record.name == "setup"
    ] == [1]


def test_wrong_code_opens_nothing_and_is_written_down(client, db):
    page = text_of(client.post("/setup/", {"code": "AAAAA-BBBBB-CCCCC-DDDDD"}))

    assert "This is not the code" in page
    assert client.post("/setup/", FIRST).status_code == 200
    assert not User.objects.exists()
    assert AuditEntry.objects.get().result == Result.REFUSED


@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", " "), lambda code: f" {code} "])
def test_code_is_known_however_it_is_typed(typed, client, db):
    assert client.post("/setup/", {"code": typed(setup.code())}).status_code == 302
    assert "first administrator" in text_of(client.get("/setup/"))


def test_code_is_of_this_install_alone(db, settings):
    before = setup.code()

    settings.SECRET_KEY = "another " * 9

    assert setup.code() != before
    assert len(before.replace("-", "")) == 20


def test_nobody_sets_up_without_the_code(client, db):
    client.post("/setup/", FIRST)

    assert not User.objects.exists()
    assert not Installation.objects.exists()


# ---------- the first administrator ----------


def test_first_administrator_is_made_and_signs_in(with_code):
    page = text_of(with_code.post("/setup/", FIRST))

    wren = User.objects.get()
    assert "Sign in as wren@quarry.example" in page
    assert (wren.name, wren.is_admin, wren.is_staff) == ("Wren Abel", True, True)
    assert (
        with_code.post("/sign-in/", {"login": wren.email, "password": FIRST["password"]}).status_code == 302
    )


def test_house_is_what_was_entered(with_code):
    with_code.post("/setup/", FIRST)

    house = installation.current()
    assert house.vendor_name == "Quarry & Sons"
    assert house.support_email == "help@quarry.example"
    assert house.operators == ("ops@quarry.example", "night@quarry.example")
    assert "Run by Quarry &amp; Sons" in with_code.get("/sign-in/").content.decode()


def test_setting_up_is_written_down_without_a_word_of_the_person(with_code):
    with_code.post("/setup/", FIRST)

    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == [
        Action.PERSON_ADDED,
        Action.INSTALLATION_CHANGED,
    ]
    assert FIRST["password"] not in str(list(AuditEntry.objects.values()))
    assert FIRST["email"] not in str(list(AuditEntry.objects.values()))


def test_page_is_gone_once_there_is_an_administrator(with_code):
    with_code.post("/setup/", FIRST)

    assert with_code.get("/setup/").status_code == 404
    assert with_code.post("/setup/", FIRST | {"email": "crow@quarry.example"}).status_code == 404
    assert User.objects.count() == 1


def test_page_stays_gone_when_the_administrator_is_dismissed(with_code):
    with_code.post("/setup/", FIRST)
    User.objects.update(is_admin=False, is_active=False)

    assert with_code.get("/setup/").status_code == 404


def test_page_is_gone_where_an_administrator_was_added_by_command(client, ada):
    assert client.get("/setup/").status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("email", "wren", "“wren” is not an e-mail address"),
        ("email", "", "Enter your e-mail address"),
        ("name", " ", "Enter the name"),
        ("password", "short", "too short"),
        ("password", "password1234", "too common"),
        ("again", "another heron above", "differ"),
        ("site_address", "ftp://localhost", "This is not an address"),
        ("site_address", "http://localhost:port", "This is not an address"),
        ("site_address", "http://localhost/portal", "Only the beginning"),
        ("site_address", "http://me@localhost", "Only the beginning"),
        ("site_address", "https://elsewhere.example", "elsewhere.example is not served here"),
        ("site_address", "http://elsewhere.example", "must begin with https://"),
        ("vendor_name", "Quarry\nSons", "one line"),
        ("vendor_name", "Q" * 81, "at most 80"),
        ("support_email", "help", "“help” is not an e-mail address"),
        ("operator_email", "ops@quarry.example, night", "“night” is not an e-mail address"),
        ("is_admin", "1", "“is_admin” is not a field of this form"),
    ],
)
def test_what_cannot_be_right_is_named_and_nothing_is_kept(field, value, said, with_code):
    answers = FIRST | ({"again": value} if field == "password" else {}) | {field: value}

    page = text_of(with_code.post("/setup/", answers))

    assert said in page.replace("&amp;", "&")
    assert not User.objects.exists()
    assert not Installation.objects.exists()


def test_password_is_never_shown_again(with_code):
    page = with_code.post("/setup/", FIRST | {"email": "wren"}).content.decode()

    assert FIRST["password"] not in page
    assert "Quarry &amp; Sons" in page


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_becomes_administrator():
    results = []

    def run(email: str) -> None:
        try:
            setup.set_up(email=email, name="Wren", password="a heron above the weir", house={})
        except setup.AlreadySetUp:
            results.append("late")
        else:
            results.append("made")
        finally:
            connection.close()

    both = [threading.Thread(target=run, args=[f"{name}@quarry.example"]) for name in ("wren", "crow")]
    for each in both:
        each.start()
    for each in both:
        each.join()

    assert sorted(results) == ["late", "made"]
    assert User.objects.count() == 1


# ---------- from the server ----------


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("setup", *arguments, stdout=out)
    return out.getvalue()


def flags() -> list[str]:
    return [
        f"--{name.replace('_', '-')}={value}"
        for name, value in FIRST.items()
        if name not in ("password", "again")
    ]


@pytest.fixture
def password(monkeypatch, db):
    monkeypatch.setenv("CAIRN_PASSWORD", FIRST["password"])


def test_command_sets_up_without_a_terminal(password, client):
    said = run(*flags())

    assert "wren@quarry.example administers this install" in said
    assert (
        client.post("/sign-in/", {"login": FIRST["email"], "password": FIRST["password"]}).status_code == 302
    )
    assert installation.current().vendor_name == "Quarry & Sons"
    assert set(AuditEntry.objects.values_list("user_agent", flat=True)) >= {"manage.py setup"}


def test_command_may_run_again_and_changes_only_what_is_given(password):
    run(*flags())

    assert run(*flags()) == "Nothing to change.\n"
    assert run("--vendor-name=Quarry") == "Saved.\n"
    assert installation.current().vendor_name == "Quarry"
    assert installation.current().support_email == "help@quarry.example"
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "There is no administrator yet"),
        (["--email=wren"], "email: “wren” is not an e-mail address."),
        (["--email=wren@quarry.example"], "name: Enter the name"),
        (
            ["--email=w@q.example", "--name=Wren", "--site-address=nowhere"],
            "site_address: This is not an address",
        ),
    ],
)
def test_command_says_what_is_missing(arguments, said, password):
    with pytest.raises(CommandError, match=said):
        run(*arguments)

    assert not User.objects.exists()


def test_command_does_not_make_a_second_administrator(password, ada):
    with pytest.raises(CommandError, match=r"add_person crow@quarry\.example --admin"):
        run("--email=crow@quarry.example", "--name=Crow")


def test_command_prints_the_code_that_opens_the_page(db):
    assert setup.code() in run("--code")


def test_command_prints_no_code_once_it_would_open_nothing(ada):
    with pytest.raises(CommandError, match="set up already"):
        run("--code")


# ---------- afterwards ----------


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    """Ada, who has just shown again that it is her."""
    client.post("/sign-in/", {"login": ada.email, "password": PASSWORD})
    client.post("/sign-in/again/", {"password": PASSWORD})
    return client


CHANGED = {"site_address": "", "vendor_name": "Quarry", "support_email": "", "operator_email": ""}


def test_administrator_changes_the_house_and_it_is_written_down(as_ada, ada):
    response = as_ada.post("/manage/settings/", CHANGED, follow=True)

    entry = AuditEntry.objects.get(action=Action.INSTALLATION_CHANGED)
    assert "Saved." in text_of(response)
    assert "Run by Quarry for its customers" in text_of(response)
    assert (entry.actor, entry.hat, entry.after) == (ada, "admin", {"vendor_name": "Quarry"})


def test_settings_ask_again_who_is_there_before_they_change(client, ada):
    client.force_login(ada)
    as_if_earlier(client)

    response = client.post("/manage/settings/", CHANGED)

    assert response["Location"].startswith("/sign-in/again/")
    assert installation.current().vendor_name == environment.VENDOR_NAME


def test_change_goes_on_after_the_password_was_given_again(client, ada):
    client.force_login(ada)
    there = client.post("/manage/settings/", CHANGED)["Location"]

    client.post(there, {"password": PASSWORD, "next": "/manage/settings/"})

    assert installation.current().vendor_name == "Quarry"


def test_settings_show_what_the_environment_says_where_nothing_is_entered(as_ada, settings):
    settings.VENDOR_NAME = "Lodestone Ltd"

    assert "If empty: Lodestone Ltd" in text_of(as_ada.get("/manage/settings/"))


def test_settings_refuse_what_they_did_not_ask_for(as_ada):
    page = text_of(as_ada.post("/manage/settings/", CHANGED | {"set_up_at": "2020-01-01"}))

    assert "“set_up_at” is not a field of this form" in page
    assert not Installation.objects.exists()


def test_what_was_entered_wins_over_the_environment(db, settings):
    settings.SUPPORT_EMAIL = "environment@vendor.example"
    installation.change({"support_email": "entered@vendor.example"})

    assert installation.current().support_email == "entered@vendor.example"

    installation.change({"support_email": ""})

    assert installation.current().support_email == "environment@vendor.example"


def test_second_row_is_refused_by_the_database(db):
    from django.db import IntegrityError

    with pytest.raises(IntegrityError):
        Installation.objects.create(pk=2)


# ---------- mail ----------


def test_test_mail_arrives_and_says_where_links_lead(as_ada):
    page = text_of(as_ada.post("/manage/settings/", {"do": "test", "test_email": "ops@quarry.example"}))

    assert "A letter to ops@quarry.example was taken" in page
    assert mail.outbox[-1].to == ["ops@quarry.example"]
    assert installation.current().site_address in mail.outbox[-1].body


def test_test_mail_needs_an_address(as_ada):
    page = text_of(as_ada.post("/manage/settings/", {"do": "test", "test_email": "ops"}))

    assert "“ops” is not an e-mail address" in page


def test_setting_up_can_try_the_mail_first_and_keeps_what_was_typed(with_code):
    page = with_code.post(
        "/setup/", FIRST | {"do": "test", "test_email": "ops@quarry.example"}
    ).content.decode()

    assert "A letter to ops@quarry.example was taken" in page
    assert 'value="wren@quarry.example"' in page
    assert FIRST["password"] not in page
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            smtplib.SMTPAuthenticationError(535, b"5.7.8 no"),
            "refused the name or password of EMAIL_URL. It said: 535",
        ),
        (
            smtplib.SMTPSenderRefused(550, b"not yours", "a@b"),
            "refused the sender of EMAIL_FROM. It said: 550 not",
        ),
        (smtplib.SMTPRecipientsRefused({"a@b": (550, b"who?")}), "refused the recipient. It said: 550 who?"),
        (smtplib.SMTPNotSupportedError("STARTTLS extension"), "cannot do what EMAIL_URL asks for: STARTTLS"),
        (ssl.SSLError("WRONG_VERSION_NUMBER"), "No secure connection"),
        (socket.gaierror(-2, "Name or service not known"), "is not known here"),
        (TimeoutError("timed out"), "did not answer in time"),
        (ConnectionRefusedError(111, "refused"), "the connection was refused"),
        (smtplib.SMTPServerDisconnected("gone"), "The answer was: gone"),
    ],
)
def test_answer_of_the_mail_server_is_said_in_words(error, said):
    assert said in installation.in_words(error)


def test_mail_server_that_is_not_there_is_named_on_the_page(as_ada, settings):
    port = free_port()
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": port, "use_tls": False, "use_ssl": False, "timeout": 5},
        }
    }

    page = text_of(as_ada.post("/manage/settings/", {"do": "test", "test_email": "ops@quarry.example"}))

    assert "the connection was refused" in page
    assert f"127.0.0.1, port {port}, no encryption" in page


def test_alarm_of_the_night_goes_to_whom_the_administrator_named(db):
    installation.change({"operator_email": "ops@quarry.example, night@quarry.example"})

    installation.tell_operators("A night was not published", "Look.")

    assert [letter.to for letter in mail.outbox] == [["ops@quarry.example"], ["night@quarry.example"]]


# ---------- links and hosts (SECURITY A18) ----------


def test_link_in_a_reset_mail_leads_to_the_configured_address(client, dana, settings):
    settings.ALLOWED_HOSTS = ["localhost", "score.example.com", "other.example.com"]
    installation.change({"site_address": "https://score.example.com"})

    client.post("/sign-in/forgotten/", {"email": dana.email}, headers={"host": "other.example.com"})

    assert "https://score.example.com/sign-in/forgotten/" in mail.outbox[-1].body
    assert "other.example.com" not in mail.outbox[-1].body


def test_link_in_a_confirmation_mail_leads_to_the_configured_address(client, dana, settings):
    settings.ALLOWED_HOSTS = ["localhost", "score.example.com", "other.example.com"]
    installation.change({"site_address": "https://score.example.com"})
    dana.emailaddress_set.update(verified=False)

    client.post(
        "/sign-in/", {"login": dana.email, "password": PASSWORD}, headers={"host": "other.example.com"}
    )

    assert "https://score.example.com/sign-in/confirm-email/" in mail.outbox[-1].body


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-in/forgotten/", "/setup/", "/no/such/page", "/healthz"])
def test_host_that_is_not_ours_is_refused(path, client, db):
    assert client.get(path, headers={"host": "evil.example"}).status_code == 400


def test_forwarded_host_is_ignored(client, dana):
    client.post("/sign-in/forgotten/", {"email": dana.email}, headers={"x-forwarded-host": "evil.example"})

    assert "evil.example" not in mail.outbox[-1].body


def test_name_of_a_person_cannot_set_up_by_being_one(client, db):
    make_user("somebody@quarry.example")

    assert client.get("/setup/").status_code == 200
