"""Say whether the audit log is what was sealed."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import seals


class Command(BaseCommand):
    help = "Recompute every seal of the audit log; fail naming the first segment or entry that differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seal",
            metavar="NUMBER:SHA256",
            help="a seal as the log stream has it (logger audit.seal): it must still be there",
        )

    def handle(self, *, seal: str | None, **_: Any) -> None:
        try:
            found = seals.verify(expected=noted(seal) if seal else None)
        except seals.Broken as broken:
            raise CommandError(str(broken)) from broken
        self.stdout.write(
            f"{found.seals} seals over {found.entries} entries are in order; "
            f"{found.unsealed} entries wait for the night."
        )
        if found.retired:
            self.stdout.write(f"The entries of the oldest {found.retired} seals were removed in their time.")
        if found.newest:
            self.stdout.write(f"Newest seal {found.newest.number}:{found.newest.digest}")


def noted(text: str) -> tuple[int, str]:
    """Number and digest of a seal that somebody has noted."""
    number, _, digest = text.partition(":")
    if not (number.isascii() and number.isdigit() and len(digest) == 64):
        raise CommandError(f'"{text}" is not a seal; write it as the log has it, NUMBER:SHA256.')
    return int(number), digest.lower()
