"""The demo put in like anybody's data: scorecard published, files ingested, nights run, people made.

Every part may be called again: what is there is left alone, so a load that was broken off goes on.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from portal import nightly
from portal.demo import advice, files, people
from portal.demo.customers import CUSTOMERS, Customer
from portal.demo.days import CLOSES, NIGHTS, Calendar
from portal.demo.files import Delivery
from portal.demo.stories import STORIES, Story
from portal.demo.versions import NEWEST_DAYS, older
from recommendations import playbook
from scoring import publish
from scoring.models import Batch

SCORECARD = settings.BASE_DIR / "scoring" / "scorecards" / "customer_success.toml"
Tell = Callable[[str], None]


class DemoRefused(Exception):
    """A file of the demo was not taken in whole; says which and why."""


def is_loaded() -> bool:
    """Whether the whole demo is there."""
    return people.are_there() and advice.is_told()


def load(tell: Tell, *, today: date | None = None, nights: int = NIGHTS, closes: int = CLOSES) -> None:
    """Fill the install with the demo, as of yesterday; calling again does only what is missing.

    today   the day it is, in UTC; the telemetry ends the day before
    nights  how many of the newest nights are scored, beside the newest `closes`
    raises  DemoRefused when a line of its files was not accepted
    """
    if is_loaded():
        return
    started = time.monotonic()
    last = begun_for() or (today or datetime.now(UTC).date()) - timedelta(days=1)
    text = SCORECARD.read_text(encoding="utf-8")
    if not publish.scorecard_keys():  # the older version again would be a third one
        tell(f"Published {publish.publish(older(text))}.")
    publish.publish(text, effective_on=last - timedelta(days=NEWEST_DAYS))
    playbook.load()
    # What the nights recommend comes after the people, who do something about it in between.
    fill(settings.VAR_DIR / "demo", last, tell, nights=nights, closes=closes, leave_out=("recommendations",))
    if not people.are_there():
        people.create()
    told = advice.tell(last)
    tell(f"Made {told} recommendations, and what became of some.")
    tell(f"The demo is loaded, {time.monotonic() - started:.0f} s.")


def fill(
    folder: Path,
    last: date,
    tell: Tell,
    *,
    customers: Iterable[Customer] = CUSTOMERS,
    stories: Mapping[str, Iterable[Story]] = STORIES,
    nights: int,
    closes: int,
    leave_out: Collection[str] = (),
) -> None:
    """The scorecard, these customers, their telemetry up to a day, and the nights; all by the usual doors."""
    version = publish.publish(SCORECARD.read_text(encoding="utf-8"))
    tell(f"Published {version} and {playbook.load()}.")
    deliveries = files.write(folder, publish.card_of(version), last, customers, stories)
    tell(f"Wrote {sum(one.rows for one in deliveries):,} measurements to {folder}.")
    with transaction.atomic():
        # The first batch remembers the day, so no plan that counts from the day may be there without it.
        run("import_organizations", folder / "organizations.csv")
        take_in(deliveries[0], tell)
    for delivery in deliveries:
        if delivery.before is None:
            take_in(delivery, tell)
    run_nights(Calendar(last).nights(nights, closes), deliveries, tell, leave_out)


def begun_for() -> date | None:
    """The last day of a load that was begun earlier: its files are written again for the same day."""
    return Batch.objects.filter(source__key="practices").values_list("complete_to", flat=True).first()


def take_in(delivery: Delivery, tell: Tell) -> None:
    """Ingest one file, unless it is in."""
    if Batch.objects.filter(source__key=delivery.source, file_name=delivery.path.name).exists():
        return
    window = ["--complete={}..{}".format(*delivery.complete)] if delivery.complete else []
    report = run("ingest", delivery.path, "--source", delivery.source, *window)
    if report["accepted"] != delivery.rows:
        raise DemoRefused(
            f"{delivery.path.name}: {report['accepted']} of {delivery.rows}; {report['reasons']}"
        )
    if delivery.before is None:
        tell(f"Ingested {delivery.path.name}: {report['accepted']:,} measurements.")


def run_nights(
    days: list[date], deliveries: list[Delivery], tell: Tell, leave_out: Collection[str] = ()
) -> None:
    """Every night in order, each after the inventory of its week has come in."""
    weekly = [one for one in deliveries if one.before]
    for done, day in enumerate(days, start=1):
        while weekly and weekly[0].before and weekly[0].before <= day:
            take_in(weekly.pop(0), tell)
        nightly.run_night(day, leave_out=leave_out)
        if done % 10 == 0 or done == len(days):
            tell(f"Scored {done} of {len(days)} nights, up to {day}.")


def run(command: str, *arguments: Any) -> dict[str, Any]:
    """The report of a command that reads a file."""
    out = StringIO()
    call_command(command, *map(str, arguments), "--json", stdout=out, stderr=StringIO())
    report: dict[str, Any] = json.loads(out.getvalue())
    if report.get("refused"):
        raise DemoRefused(f"{report['file']}: {report['details'][:3]}")
    return report
