"""Print one number over everything the house knows, to compare two moments or two installs."""

import json as as_json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portal import digest


class Command(BaseCommand):
    help = "Print a digest of the business tables: equal contents give an equal digest, whatever their order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="every table by itself, too")

    def handle(self, *, json: bool, **_: Any) -> None:
        tables = digest.of_tables()
        everything = digest.of_everything(tables)
        self.stdout.write(
            as_json.dumps({"digest": everything, "tables": tables}, indent=1) if json else everything
        )
