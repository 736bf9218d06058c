"""What holds for every request: closed by default, headers, how long a session lives, the id in the log."""

import json
import logging
import sys
import time

from django.conf import settings
from django.test import Client

from accounts.models import User
from accounts.sessions import REFRESH_EVERY
from portal import logs
from tests.factories import PASSWORD


def test_stranger_is_sent_to_sign_in(client: Client, db: None) -> None:
    response = client.get("/orgs/")

    assert response.status_code == 302
    assert response["Location"] == "/sign-in/?next=/orgs/"


def test_every_answer_carries_the_headers_of_a_closed_house(client: Client, db: None) -> None:
    for path in ("/sign-in/", "/healthz", "/no/such/page"):
        headers = client.get(path).headers

        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "geolocation=()" in headers["Permissions-Policy"]


def test_page_of_a_signed_in_person_is_kept_by_no_cache(client: Client, dana: User) -> None:
    client.force_login(dana)

    assert "no-store" in client.get("/orgs/")["Cache-Control"]


def test_working_on_moves_the_end_of_the_session(client: Client, dana: User) -> None:
    client.force_login(dana)
    client.get("/orgs/")
    session = client.session
    session["seen"] = long_ago = int(time.time()) - REFRESH_EVERY - 1
    session.save()

    client.get("/orgs/")

    assert client.session["seen"] > long_ago


def test_session_is_not_written_again_within_minutes(
    client: Client, dana: User, django_assert_max_num_queries
) -> None:
    client.force_login(dana)
    client.get("/orgs/")

    with django_assert_max_num_queries(20) as queries:
        client.get("/orgs/")

    assert not [query for query in queries.captured_queries if "UPDATE" in query["sql"]]


def test_right_password_signs_in(client: Client, dana: User) -> None:
    client.post("/sign-in/", {"login": dana.email, "password": PASSWORD})

    assert settings.SESSION_COOKIE_NAME in client.cookies


def test_sixth_try_waits_even_with_the_right_password(client: Client, dana: User) -> None:
    wrong = {"login": dana.email, "password": "not the password"}
    for _ in range(5):
        client.post("/sign-in/", wrong)

    client.post("/sign-in/", wrong | {"password": PASSWORD})

    assert settings.SESSION_COOKIE_NAME not in client.cookies


def test_error_in_the_log_is_one_line_of_json_with_its_request() -> None:
    token = logs.request_id.set("4f2a")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("portal", logging.ERROR, "", 0, "No %s", ("luck",), sys.exc_info())
        logs.AddRequestId().filter(record)
    finally:
        logs.request_id.reset(token)

    line = logs.JsonFormatter().format(record)

    assert "\n" not in line
    assert json.loads(line)["request_id"] == "4f2a"
    assert json.loads(line)["message"] == "No luck"
    assert "ValueError" in json.loads(line)["traceback"]
