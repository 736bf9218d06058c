"""Measurements from a file: reads, checks, stores and says what became of every line."""

import json
from argparse import ArgumentTypeError
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from accounts.progress import Progress
from scoring.observe import IngestRefused, Report, ingest
from scoring.pack import pack_due


class Command(BaseCommand):
    help = "Take in measurements from a CSV or JSON Lines file, plain or gzipped (docs/data-in.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--map", metavar="MAP.toml", help="how a table of another form is read")
        parser.add_argument(
            "--source", default="", metavar="KEY", help="where the numbers come from (default: files)"
        )
        parser.add_argument(
            "--complete", type=window, metavar="FROM..TO", help="days in which what is absent did not happen"
        )
        parser.add_argument("--correction", action="store_true", help="every line replaces what is stored")
        parser.add_argument("--dry-run", action="store_true", help="write nothing, print the same report")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = Progress(self.stderr)
        try:
            report = ingest(
                options["file"],
                today=datetime.now(UTC).date(),
                map_path=options["map"],
                source=options["source"],
                complete=options["complete"],
                are_corrections=options["correction"],
                is_dry_run=options["dry_run"],
                progress=progress,
            )
        except IngestRefused as refused:
            raise CommandError(str(refused)) from refused
        except DatabaseError as error:
            # A deadlock with another delivery, a full disk: the transaction took everything back.
            raise CommandError(f"Nothing of {options['file']} was stored, send it again: {error}") from error
        finally:
            progress.end()
        self.stdout.write(json.dumps(report.as_json(), indent=2) if options["json"] else report.as_text())
        if not report.is_dry_run:
            self.pack(report)

    def pack(self, report: Report) -> None:
        """Pack what has just come, as long as no night is at work; the next night does it otherwise."""
        try:
            pack_due()
        except Exception as error:  # the observations are committed: whatever happens here, they stay
            self.stderr.write(
                f"Batch {report.batch} is stored but not packed ({error}); the next night packs it."
            )


def window(text: str) -> tuple[date, date]:
    """FROM..TO as two days."""
    first, dots, last = text.partition("..")
    try:
        if not dots:
            raise ValueError
        return date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a window like 2026-01-01..2026-01-31") from None
