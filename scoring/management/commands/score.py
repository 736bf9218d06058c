"""Print one organization's whole score tree, as text or as JSON."""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Organization
from scoring import publish, read


class Command(BaseCommand):
    help = "Print an organization's score: every node with points, band, coverage, bounds, weight, inputs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--day", type=a_day, help="the newest sheet on or before this day")
        parser.add_argument("--scorecard", metavar="KEY")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, slug: str, day: date | None, scorecard: str | None, as_json: bool, **_: Any) -> None:
        organization = Organization.objects.filter(slug=slug).first()
        if organization is None:
            raise CommandError(f'There is no organization "{slug}".')
        if scorecard and scorecard not in publish.scorecard_keys():
            known = ", ".join(publish.scorecard_keys()) or "none yet; publish one with publish_scorecard"
            raise CommandError(f'There is no scorecard "{scorecard}". Published: {known}.')
        card = read.explained(organization, scorecard, day=day)
        if card is None:
            which = f' on scorecard "{scorecard}"' if scorecard else ""
            until = f" on or before {day}" if day else ""
            raise CommandError(f"{organization} has no score{which}{until}; run manage.py nightly.")
        if as_json:
            self.stdout.write(json.dumps(read.as_json(card), indent=1, ensure_ascii=False))
            return
        self.stdout.write(
            f"{organization}, {card.scorecard.name} v{card.number}, {card.day}, revision {card.revision}"
        )
        for reading in read.walk(card.overall):
            self.stdout.write(line_of(reading))


def a_day(text: str) -> date:
    """A day from the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f'"{text}" is not a day; write it as 2026-11-20.') from None


DEPTH = {"overall": 0, "category": 1, "subcategory": 2, "signal": 3}


def line_of(reading: read.Reading) -> str:
    """One node on one line: name, points, band or state, weight, what it gives, coverage, bounds, inputs."""
    name = "  " * DEPTH[reading.level] + reading.name
    points = read.points_text(reading.points) or "–"
    state = reading.state.name.lower().replace("_", " ")
    word = f"{reading.band.name}" if reading.band else ""
    parts = [f"{name:<52}{points:>7}  {word:<10}{state:<22}"]
    parts.append(f"weight {100 * reading.weight:5.1f} %")
    if reading.contribution is not None:
        parts.append(f"gives {read.points_text(reading.contribution)}")
    if reading.coverage is not None:
        parts.append(f"coverage {reading.coverage:.2f}")
    if reading.lower is not None:
        parts.append(f"bounds {read.points_text(reading.lower)} to {read.points_text(reading.upper)}")
    if reading.signal is not None:
        inputs = read.plain_inputs(reading.inputs).items()
        known = (
            f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in inputs
            if value is not None
        )
        parts.append(f"{reading.signal.kind}: {', '.join(known) or 'no inputs'}")
    return "  ".join(parts)
