"""The settings refuse what cannot be right, by name, and are safe where nothing is said."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

HERE = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "CAIRN_MODE": "production",
    "SECRET_KEY": "w7Xq2-Lk0vTz9Yb4RnJd6Hs1Pc8Gm3Fa5Ue-QoWiExZyVtBrNh",
    "ALLOWED_HOSTS": "score.example.com",
    "DATABASE_URL": "postgres://portal_app@/portal?host=/run/db&connect_timeout=7",
    "REDIS_URL": "redis://localhost/0",
    "EMAIL_URL": "smtp+tls://user:word@mail.example.com:587",
    "EMAIL_FROM": "score@example.com",
    "VENDOR_NAME": "Lodestone",
}
ASK = """
import json, sys
from django.core.exceptions import ImproperlyConfigured
try:
    from portal import settings
except ImproperlyConfigured as refusal:
    print(json.dumps({"refusal": str(refusal)}))
else:
    print(json.dumps({name: getattr(settings, name, None) for name in sys.argv[1:]}, default=str))
"""


def read(*names: str, var: Path, **environment: str) -> dict:
    """The settings of a fresh process with this environment and no other."""
    given = {"PATH": os.defpath, "CAIRN_VAR": str(var), **environment}
    done = subprocess.run(
        [sys.executable, "-c", ASK, *names], cwd=HERE, env=given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "CAIRN_MODE"])
def test_production_does_not_start_without_an_essential(name: str, tmp_path: Path) -> None:
    refusal = read(var=tmp_path, **{**PRODUCTION, name: ""})["refusal"]

    assert name in refusal
    assert [other for other in PRODUCTION if other in refusal] == ["CAIRN_MODE", name]


@pytest.mark.parametrize(
    ("name", "value", "rest"),
    [
        ("CAIRN_MODE", "prod", {}),
        ("DEBUG", "maybe", {}),
        ("PLAN_OPENS", "gold=score", {}),
        ("PLAN_OPENS", "signature=everything", {}),
        ("PLAN_OPENS", "signature", {}),
        ("PLAN_OPENS", "signature=score,signature=review", {}),
        ("SCORE_LANGUAGE_CONDITION", "de", {}),
        ("SCORE_PRODUCT_CONDITION", "2", {}),
        ("SITE_ADDRESS", "score.example.com", {}),
        ("SITE_ADDRESS", "https://score.example.com/portal", {}),
        ("SITE_ADDRESS", "http://score.example.com", PRODUCTION),
        ("SUPPORT_EMAIL", "nobody", {}),
        ("INTRODUCTION", "http://video.example.org/intro", {}),
        ("INTRODUCTION", "javascript:alert(1)", {}),
        ("INTRODUCTION", "https://somebody:secret@video.example.org/intro", {}),
        ("INTRODUCTION", "https://video.example.org/in tro", {}),
        ("SUPPORT_EMAIL", "a@example.org, b@example.org", {}),
        ("DEBUG", "true", PRODUCTION),
        ("ALLOWED_HOSTS", "*", PRODUCTION),
        ("ALLOWED_HOSTS", "score.example.com", {}),
        ("SECRET_KEY", "short", {}),
        ("SITE_ADDRESS", "score.example.com", PRODUCTION),
        ("SITE_ADDRESS", "https://elsewhere.example.com", PRODUCTION),
        ("SITE_ADDRESS", "https://score.example.com/portal", PRODUCTION),
        ("SITE_ADDRESS", "ftp://localhost", {}),
        ("NIGHT_HOUR", "24", {}),
        ("NIGHT_HOUR", "1.5", {}),
        ("AUDIT_DAYS", "29", {}),
        ("CLOSE_DAY", "31", {}),
        ("STAFF_SECOND_FACTOR", "off", PRODUCTION),
        ("STAFF_SECOND_FACTOR", "perhaps", {}),
        ("TRUSTED_PROXIES", "-1", {}),
        ("DATABASE_URL", "mysql://localhost/portal", {}),
        ("DATABASE_URL", "postgres://localhost:port/portal", {}),
        ("REDIS_URL", "localhost:6379", {}),
        ("EMAIL_URL", "mail.example.com", {}),
    ],
)
def test_impossible_value_is_refused_by_name(name: str, value: str, rest: dict, tmp_path: Path) -> None:
    assert name in read(var=tmp_path, **{**rest, name: value})["refusal"]


def test_laptop_needs_no_setting_and_serves_itself_alone(tmp_path: Path) -> None:
    laptop = read(
        "MODE", "DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "DATABASES", "CELERY_BROKER_URL", var=tmp_path
    )

    assert (laptop["MODE"], laptop["DEBUG"]) == ("demo", False)
    assert set(laptop["ALLOWED_HOSTS"]) == {"localhost", "127.0.0.1", "[::1]"}
    assert laptop["SECRET_KEY"] == (tmp_path / "secret_key").read_text()
    assert laptop["DATABASES"]["default"]["NAME"] == str(tmp_path / "cairn.sqlite3")
    assert laptop["CELERY_BROKER_URL"].startswith("filesystem:")


def test_links_lead_to_the_named_address_or_the_first_host(tmp_path: Path) -> None:
    named = PRODUCTION | {"SITE_ADDRESS": "https://score.example.com:8443/"}

    assert read("SITE_ADDRESS", var=tmp_path, **PRODUCTION)["SITE_ADDRESS"] == "https://score.example.com"
    assert read("SITE_ADDRESS", var=tmp_path, **named)["SITE_ADDRESS"] == "https://score.example.com:8443"
    assert read("SITE_ADDRESS", var=tmp_path, PORT="8010")["SITE_ADDRESS"] == "http://localhost:8010"


def test_laptop_makes_its_secret_key_once_and_keeps_it_to_itself(tmp_path: Path) -> None:
    first = read("SECRET_KEY", var=tmp_path)

    assert read("SECRET_KEY", var=tmp_path) == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_options_of_the_database_address_stand_beside_ours(tmp_path: Path) -> None:
    options = read("DATABASES", var=tmp_path, CAIRN_PROCESS="web", **PRODUCTION)["DATABASES"]["default"][
        "OPTIONS"
    ]

    assert options["host"] == "/run/db"
    assert options["connect_timeout"] == 7  # the address has the last word
    assert options["pool"]["max_size"] == 4
    assert "statement_timeout=10000" in options["options"]


def test_commands_and_workers_have_neither_pool_nor_statement_timeout(tmp_path: Path) -> None:
    options = read("DATABASES", var=tmp_path, **PRODUCTION)["DATABASES"]["default"]["OPTIONS"]

    assert not {"pool", "options"} & set(options)


def test_refusal_is_one_line_for_who_runs_a_command(tmp_path: Path) -> None:
    given = {"PATH": os.defpath, "CAIRN_VAR": str(tmp_path), "NIGHT_HOUR": "late"}

    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=HERE, env=given, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert (
        done.stderr == "Cairn does not start: NIGHT_HOUR must be a whole number from 0 to 23, not 'late'.\n"
    )


def test_policy_allows_nothing_inline() -> None:
    sources = [source for sources in settings.SECURE_CSP.values() for source in sources]

    assert not [source for source in sources if "unsafe" in source or source in {"*", "https:"}]
