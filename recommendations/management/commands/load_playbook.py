"""The plays of the files become a version of the playbook."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import audit
from recommendations import playbook
from recommendations.plays import PlaybookInvalid


class Command(BaseCommand):
    help = (
        "Check recommendations/plays/*.toml and publish them if they have changed; what experts edited "
        "in the portal stays. The format stands in recommendations/README.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only check the files, publish nothing")

    def handle(self, *, check: bool, **_: Any) -> None:
        try:
            found = playbook.shipped()
            if check:
                signals = len(found.by_signal)
                self.stdout.write(f"{len(found.plays)} plays for {signals} signals, nothing wrong.")
                return
            with audit.command("load_playbook"):
                version = playbook.load()
        except PlaybookInvalid as error:
            lines = "\n".join(f"  {path}: {message}" for path, message in error.problems)
            raise CommandError(f"The playbook was not published:\n{lines}") from error
        self.stdout.write(f"{version}, {len(playbook.playbook_of(version).plays)} plays.")
