"""Organizations from a file: the good lines go in, the others are listed with their reason."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit
from accounts.intake import IntakeRefused, import_organizations
from accounts.progress import Progress


class Command(BaseCommand):
    help = (
        "Create and update organizations from a CSV or JSON Lines file, plain or gzipped (docs/data-in.md)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument(
            "--map", metavar="MAP.toml", help="how a table of another form is read: [organizations]"
        )
        parser.add_argument("--dry-run", action="store_true", help="write nothing, print the same report")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = Progress(self.stderr)
        try:
            with audit.command("import_organizations"):
                report = import_organizations(
                    options["file"], map_path=options["map"], is_dry_run=options["dry_run"], progress=progress
                )
        except IntakeRefused as refused:
            raise CommandError(str(refused)) from refused
        finally:
            progress.end()
        self.stdout.write(json.dumps(report.as_json(), indent=2) if options["json"] else report.as_text())
