"""Who may do what, as this install has it: read from the code and the settings."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts import policy


class Command(BaseCommand):
    help = "Print which role may do what, on what condition, and what each plan opens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="as JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(policy.matrix(), indent=2) if options["json"] else policy.table())
