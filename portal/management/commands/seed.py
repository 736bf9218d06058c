"""A world for whoever tests from outside: who signs in how, and what must never be seen by whom."""

import json
import os
from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import audit
from accounts.models import Organization, User
from scoring.management.commands.score import a_day


class Command(BaseCommand):
    help = (
        "Fill an empty install with made-up organizations and people and real scores, equal for an equal "
        "seed, and write passwords, roles, marker words and addresses to a file. Never in production."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--orgs", type=int, default=30)
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--json", metavar="FILE", required=True, help="it must not exist yet")
        parser.add_argument("--day", type=a_day, help="last day of the telemetry; default: yesterday, UTC")
        parser.add_argument("--nights", type=int, default=7, help="newest nights to score")
        parser.add_argument("--closes", type=int, default=3, help="newest month ends to score")

    def handle(
        self, *, orgs: int, seed: int, json: str, day: date | None, nights: int, closes: int, **_: Any
    ) -> None:
        from portal.demo import seeding  # late: it is long, and what is wrong should be said at once

        refuse(json, orgs, nights, closes, seeding.MOST)
        today = datetime.now(UTC).date()
        if day and day >= today:
            raise CommandError(f"--day: {day} is not over yet.")
        world = seeding.imagine(orgs, seed, day or today - timedelta(days=1))
        with audit.command("seed"):
            seeding.make(world, self.say, nights=nights, closes=closes)
        write(json, seeding.as_json(world))
        self.say(f"{orgs} organizations and {len(world.people)} people; who they are stands in {json}.")

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def refuse(file: str, orgs: int, nights: int, closes: int, most: int) -> None:
    """Nothing, or the one thing that stands against it."""
    if settings.MODE not in ("demo", "test"):
        raise CommandError("The seed has passwords in a file: it runs only with CAIRN_MODE=demo or test.")
    for name, value, lowest, highest in (
        ("--orgs", orgs, 1, most),
        ("--nights", nights, 1, 60),
        ("--closes", closes, 0, 13),
    ):
        if not lowest <= value <= highest:
            raise CommandError(f"{name} must be a whole number from {lowest} to {highest}, not {value}.")
    path = Path(file)
    if path.exists():
        raise CommandError(f"--json: {file} is there already and is not overwritten.")
    if not path.absolute().parent.is_dir():
        raise CommandError(f"--json: there is no folder {path.absolute().parent}.")
    if User.objects.exists() or Organization.objects.exists():
        raise CommandError("There are people or organizations already: seed fills an empty install.")


def write(file: str, document: dict[str, Any]) -> None:
    """The file whole, readable by its owner alone; refused if somebody has made one meanwhile."""
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(f"--json: {file} is there already and is not overwritten.") from None
    with os.fdopen(number, "w", encoding="utf-8") as out:
        json.dump(document, out, indent=1, ensure_ascii=False)
        out.write("\n")
