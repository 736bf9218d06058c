"""Run the night by hand: the same steps as the clock's, without Celery."""

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import audit
from portal import nightly
from scoring import publish
from scoring.management.commands.score import a_day


class Command(BaseCommand):
    requires_system_checks = ()  # they would load every page; the deploy check runs them
    help = (
        "Pack what has arrived, score everyone for a day and publish; without --day every night that is due."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--day", type=a_day, help="the day to score, YYYY-MM-DD")
        parser.add_argument("--scorecard", metavar="KEY", help="only this scorecard")

    def handle(self, *, day: date | None, scorecard: str | None, verbosity: int, **_: Any) -> None:
        if scorecard and scorecard not in publish.scorecard_keys():
            known = ", ".join(publish.scorecard_keys()) or "none yet; publish one with publish_scorecard"
            raise CommandError(f'There is no scorecard "{scorecard}". Published: {known}.')
        tell = self.stdout.write if verbosity else nightly.silent
        today = timezone.now().date()
        if day and day > today:
            raise CommandError(f"{day} has not come yet.")
        with audit.command("nightly"):
            nightly.say_by_hand(day, scorecard=scorecard)
        try:
            if day or scorecard:
                nightly.run_night(day or today - timedelta(days=1), scorecard=scorecard, tell=tell)
            elif not (days := nightly.catch_up(today, tell=tell)):
                tell("Nothing is due: every night up to yesterday is out.")
            else:
                tell(f"Done: {days[0]} to {days[-1]}." if len(days) > 1 else f"Done: {days[0]}.")
        except nightly.NightFailed as why:
            raise CommandError(str(why)) from why
