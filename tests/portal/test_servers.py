"""The suite stands on the ground it says it stands on."""

import os

import pytest
from django.conf import settings
from django.db import connection

SERVICES = os.environ.get("PORTAL_TEST_SERVICES") == "1"


def test_database_is_the_one_of_this_pass(db: None) -> None:
    assert connection.vendor == ("postgresql" if SERVICES else "sqlite")


@pytest.mark.services
def test_broker_is_the_one_of_this_pass() -> None:
    from portal.celery import app

    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1)

        assert broker.transport.driver_type == ("redis" if SERVICES else "filesystem")


def test_files_of_the_suite_stand_apart_from_a_developers(db: None) -> None:
    assert settings.MODE == "test"
    assert settings.BASE_DIR not in settings.VAR_DIR.parents
