"""What plays brought is learned by hand: the same as the night does once a month."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts import audit
from recommendations import training
from scoring.management.commands.score import a_day


class Command(BaseCommand):
    help = "Learn from the outcomes of completed plays up to a day, and keep a new version of the ranker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--day", type=a_day, help="the newest day it may know of, YYYY-MM-DD")

    def handle(self, *, day: date | None, **_: Any) -> None:
        with audit.command("train_ranker"):
            version = training.train(day or timezone.now().date())
        if version is None:
            self.stdout.write(
                "Nothing to learn: it takes a completed play with four closes after it, "
                "three organizations to compare it with, and a close that was not learned from yet."
            )
            return
        card = version.card
        self.stdout.write(f"{version}: {card['compared']} of {card['completions']} completions compared.")
