"""Let a person in: an administrator, or somebody of one organization."""

import getpass
import os
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.utils import timezone

from accounts import audit
from accounts.contacts import AlreadyDesignated, add_person, designate
from accounts.models import Organization, Role


class Command(BaseCommand):
    help = "Add a person who can sign in: --admin for the installation, --organization SLUG for one customer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument("--admin", action="store_true", help="administrator of the installation")
        parser.add_argument("--organization", metavar="SLUG")
        parser.add_argument("--role", choices=Role.values, default=Role.CONTACT.value)
        parser.add_argument(
            "--until", metavar="YYYY-MM-DD", help="first day (UTC) without access; a partner needs one"
        )

    def handle(
        self,
        *,
        email: str,
        name: str,
        admin: bool,
        organization: str | None,
        role: str,
        until: str | None = None,
        **_: Any,
    ) -> None:
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f'"{email}" is not an e-mail address.') from None
        where = Organization.objects.filter(slug=organization).first() if organization else None
        if organization and where is None:
            raise CommandError(f'There is no organization "{organization}".')
        ends_at = end_of(until)
        if where and role == Role.PARTNER and ends_at is None:
            raise CommandError("A partner's access ends: give --until.")
        password = chosen_password()
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        with audit.command("add_person"):
            user = add_person(email, password=password, name=name, is_admin=admin)
            if where:
                try:
                    designate(where, user, Role(role), until=ends_at)
                except AlreadyDesignated as said:
                    self.stdout.write(str(said))
        self.stdout.write(f"{user.email} can sign in now.")


def end_of(text: str | None) -> datetime | None:
    """Midnight, UTC, at which this day begins; it must be still to come."""
    if text is None:
        return None
    try:
        end = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise CommandError(f'"{text}" is not a day as in 2026-12-31.') from None
    if end <= timezone.now():
        raise CommandError(f"{text} is not to come: access would have ended before it begins.")
    return end


def chosen_password() -> str:
    """What was typed twice, or CAIRN_PASSWORD where nobody types."""
    if given := os.environ.get("CAIRN_PASSWORD"):
        return given
    if not sys.stdin.isatty():
        raise CommandError("Set CAIRN_PASSWORD, or run this in a terminal to type a password.")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Once more: "):
        raise CommandError("The two passwords differ.")
    return first
