"""Letting a person in from the command line, a partner until a day."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Role, User
from tests.factories import PASSWORD


@pytest.fixture
def add(orchard, monkeypatch):
    """A partner of Orchard is added, with what else is said."""
    monkeypatch.setenv("CAIRN_PASSWORD", PASSWORD)

    def adds(**options):
        call_command(
            "add_person",
            "pat@partner.example",
            organization="orchard",
            role="partner",
            verbosity=0,
            **options,
        )

    return adds


def test_partner_is_let_in_until_a_day(add):
    add(until="2100-01-01")

    membership = User.objects.get(email="pat@partner.example").memberships.get()
    assert membership.role == Role.PARTNER
    assert membership.ends_at == datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("until", [None, "2020-01-01", "soon", "2100-02-30"])
def test_partner_needs_a_day_to_come_and_nobody_is_made_without(add, until):
    with pytest.raises(CommandError):
        add(until=until)

    assert not User.objects.exists()
