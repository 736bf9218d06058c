"""A scorecard file becomes an immutable version."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import audit
from scoring.engine import ScorecardInvalid
from scoring.publish import publish


class Command(BaseCommand):
    help = "Check a scorecard file and publish it as a new version; the format stands in scoring/README.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_: Any) -> None:
        try:
            with audit.command("publish_scorecard"):
                version = publish(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise CommandError(f"Cannot read {file}: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not UTF-8: byte {error.start}.") from error
        except ScorecardInvalid as error:
            lines = "\n".join(f"  {path}: {message}" for path, message in error.problems)
            raise CommandError(f"{file} was not published:\n{lines}") from error
        self.stdout.write(f"{version}, scoring days from {version.effective_on} on.")
