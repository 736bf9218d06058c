"""What every answer carries: headers, cookies, hosts; and how the API says no."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import PlanInterval
from tests.factories import PASSWORD
from tests.portal.scored import score
from tests.portal.test_settings import HERE, PRODUCTION, read
from tests.test_doors import DOORS, Door

PUBLIC = {"healthz", "readyz"}


def every_answer(door: Door, who: str, request: pytest.FixtureRequest):
    client = Client()
    if who != "visitor":
        client.force_login(request.getfixturevalue(who))
    return client.post(door.address) if door.only_posts else client.get(door.address)


@pytest.mark.any_database
@pytest.mark.parametrize("who", ["visitor", "dana", "ada", "hal"])
def test_every_address_answers_with_the_headers_of_a_closed_house(who, orchard, ada, settings, request):
    settings.STAFF_SECOND_FACTOR = False
    for door in DOORS:
        headers = every_answer(door, who, request).headers
        policy = headers["Content-Security-Policy"]

        assert "unsafe" not in policy, door.name
        assert "default-src 'self'" in policy, door.name
        assert "frame-ancestors 'none'" in policy, door.name
        assert "base-uri 'none'" in policy, door.name
        assert "form-action 'self'" in policy, door.name
        assert headers["X-Content-Type-Options"] == "nosniff", door.name
        assert headers["X-Frame-Options"] == "DENY", door.name
        assert headers["Referrer-Policy"] == "same-origin", door.name
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", door.name
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", door.name
        assert "Server" not in headers, door.name
        assert "X-Powered-By" not in headers, door.name
        if who != "visitor" and door.name not in PUBLIC:
            assert "no-store" in headers["Cache-Control"], door.name
            assert "private" in headers["Cache-Control"], door.name
            assert "Cookie" in headers["Vary"], door.name


def test_page_that_broke_carries_them_too(orchard, dana, client, monkeypatch):
    client.force_login(dana)
    client.raise_request_exception = False
    monkeypatch.setattr("portal.pages.plan.ours", lambda organization: 1 / 0)

    response = client.get("/o/orchard/plan/")

    assert response.status_code == 500
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(client, dana):
    client.get("/sign-in/")
    client.post("/sign-in/", {"login": dana.email, "password": PASSWORD})

    for name in ("session", "csrftoken"):
        cookie = client.cookies[name]
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name
        assert cookie["path"] == "/", name
        assert not cookie["domain"], name


def test_session_has_a_new_name_after_signing_in(client, dana, ada):
    client.get("/setup/")
    client.post("/theme/", {"theme": "dark"})
    session = client.session
    session["planted"] = True
    session.save()
    before = client.cookies["session"].value

    client.post("/sign-in/", {"login": dana.email, "password": PASSWORD})

    assert client.cookies["session"].value != before


def test_cookie_taken_before_signing_out_opens_nothing_afterwards(client, dana):
    client.post("/sign-in/", {"login": dana.email, "password": PASSWORD})
    stolen = client.cookies["session"].value
    client.post("/sign-out/")

    thief = Client()
    thief.cookies["session"] = stolen

    assert thief.get("/me/")["Location"].startswith("/sign-in/")


# ---------- hosts ----------


@pytest.mark.any_database
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "localhost:x"]
)
@pytest.mark.parametrize("door", [each for each in DOORS if not each.only_posts], ids=lambda door: door.name)
def test_no_address_answers_under_a_name_that_is_not_ours(door, host, client, db):
    assert client.get(door.address, headers={"host": host}).status_code == 400


def test_forwarded_host_changes_no_answer(client, dana):
    client.force_login(dana)

    plain = client.get("/me/").content.replace(b" ", b"")
    response = client.get(
        "/me/", headers={"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    )

    assert b"evil.example" not in response.content
    assert len(response.content.replace(b" ", b"")) == len(plain)


def test_way_back_never_leads_to_another_site(client, dana):
    client.force_login(dana)

    for back in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        assert client.post("/theme/", {"theme": "dark", "next": back})["Location"] == "/"


# ---------- production ----------

ASK_PRODUCTION = """
import json, django
django.setup()
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
call_command("collectstatic", verbosity=0, interactive=False)
client = Client(headers={"host": "score.example.com"})
page = client.get("/sign-in/", secure=True)
plain = client.get("/sign-in/")
cookies = {name: {k: v for k, v in morsel.items() if v} for name, morsel in client.cookies.items()}
forwarded = client.get("/sign-in/", headers={"x-forwarded-proto": "https"})
print(json.dumps({
    "status": page.status_code, "headers": dict(page.headers), "cookies": cookies,
    "plain": [plain.status_code, plain.get("Location")], "forwarded": forwarded.status_code,
}))
"""


@pytest.mark.slow
def test_production_is_https_alone_and_its_cookies_are_bound_to_the_host(tmp_path):
    given = PRODUCTION | {
        "PATH": os.defpath,
        "CAIRN_VAR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK_PRODUCTION], cwd=HERE, env=given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])

    assert found["status"] == 200
    assert found["headers"]["Strict-Transport-Security"].startswith("max-age=31536000")
    assert found["plain"] == [301, "https://score.example.com/sign-in/"]
    assert found["forwarded"] == 301  # no proxy is trusted, so nobody's word for it counts
    assert set(found["cookies"]) == {"__Host-csrf"}
    for cookie in found["cookies"].values():
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["path"] == "/"
        assert "domain" not in cookie


def test_production_keeps_every_switch_on(tmp_path):
    names = ("SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SITE_ADDRESS", "DEBUG")
    found = read(*names, "USE_X_FORWARDED_HOST", var=tmp_path, **PRODUCTION)

    assert found == {
        "SESSION_COOKIE_NAME": "__Host-session",
        "SESSION_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SITE_ADDRESS": "https://score.example.com",
        "DEBUG": False,
        "USE_X_FORWARDED_HOST": None,
    }


@pytest.mark.slow
def test_deploy_check_is_clean_with_the_example_of_production(tmp_path):
    lines = (HERE / "deploy" / "production.env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    given = example | {
        "PATH": os.defpath,
        "CAIRN_VAR": str(tmp_path),
        "SECRET_KEY": PRODUCTION["SECRET_KEY"],
    }

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=HERE,
        env=given,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
    assert Path(tmp_path).is_dir()


# ---------- how the API says no ----------

SCORE = "/api/v1/organizations/orchard/score/"


@pytest.fixture
def api(client: Client, orchard, dana) -> Client:
    score(orchard)
    client.force_login(dana)
    return client


def refusal(response) -> dict:
    assert response["Content-Type"] == "application/problem+json"
    found = response.json()
    assert set(found) >= {"type", "title", "status", "detail"}
    assert found["status"] == response.status_code
    return found


def test_unknown_parameter_is_refused_by_name_with_its_value(api):
    found = refusal(api.get(f"{SCORE}?organization=harbor&depth=9"))

    assert found["status"] == 422
    assert [(each["field"], each["value"]) for each in found["errors"]] == [
        ("depth", "9"),
        ("organization", "harbor"),
    ]


def test_long_value_is_said_back_only_in_part(api):
    found = refusal(api.get(f"{SCORE}?x={'y' * 5000}"))

    assert len(found["errors"][0]["value"]) == 200


def test_stranger_learns_nothing_from_an_unknown_parameter(api, hal):
    api.force_login(hal)

    known, unknown = api.get(f"{SCORE}?x=1"), api.get("/api/v1/organizations/nowhere/score/?x=1")

    assert known.status_code == unknown.status_code == 404
    assert refusal(known) == refusal(unknown)


def test_plan_that_is_over_is_said_in_words(api, orchard):
    PlanInterval.objects.all().delete()

    assert "plan of Orchard" in refusal(api.get(SCORE))["detail"]


def test_organization_without_a_night_says_so(client, orchard, dana):
    client.force_login(dana)

    assert refusal(client.get(SCORE))["title"] == "No score yet"


def test_visitor_wrong_method_and_wrong_address_are_refused_in_the_same_form(api):
    assert refusal(Client().get(SCORE))["status"] == 403
    assert refusal(api.post(SCORE, {}))["status"] == 405
    assert refusal(api.get("/api/v1/no/such/thing/"))["status"] == 404
    assert refusal(api.get("/api/v2/"))["status"] == 404
