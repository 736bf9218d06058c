"""What a load balancer is told."""

import pytest
from django.db import OperationalError
from django.test import Client

from portal import health


def test_healthz_answers_a_stranger_without_a_database(client: Client) -> None:
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.content == b"ok\n"


def test_readyz_is_ready_with_a_migrated_database(client: Client, db: None) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["ready"] is True


def test_readyz_is_red_and_names_what_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> bool:
        raise OperationalError("the connection of user portal_app was refused")

    monkeypatch.setattr(health, "CHECKS", (("database", refuses), ("migrations", lambda: False)))

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"ready": False, "checks": {"database": False, "migrations": False}}
