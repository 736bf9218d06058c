"""The telemetry of all customers as CSV files, one a source, as other systems would send them."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from portal.demo.customers import CUSTOMERS, Customer
from portal.demo.days import Calendar
from portal.demo.stories import STORIES, Story
from portal.demo.telemetry import Numbers, Telemetry
from scoring.engine import Cadence, Grain, Metric, Nature, Scorecard

COLUMNS = ("organization", "metric", "day", "value")
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Delivery:
    """One file of one source, to be ingested before the nights from a day on."""

    path: Path
    source: str
    before: date | None  # None: with the history, before the first night
    complete: tuple[date, date] | None  # window in which the source says that absence means zero
    rows: int


def source_of(metric: Metric) -> str:
    """The system that sends a metric."""
    if metric.nature == Nature.EVENT:
        return "practices"
    if metric.grain == Grain.DAY:
        return "reliability"
    if metric.nature == Nature.STOCK and metric.cadence == Cadence.WEEKLY:
        return "inventory"
    return "learning" if metric.product == "platform" else "usage"


def write(
    folder: Path,
    card: Scorecard,
    last: date,
    customers: Iterable[Customer] = CUSTOMERS,
    stories: Mapping[str, Iterable[Story]] = STORIES,
) -> list[Delivery]:
    """Write organizations.csv and all telemetry up to a day; the deliveries in the order of their arrival."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_organizations(folder / "organizations.csv", last, customers)
    calendar = Calendar(last)
    rows: dict[tuple[str, date | None], list[Row]] = defaultdict(list)
    for customer in customers:
        numbers = Telemetry(customer, card, calendar).numbers()
        for story in stories.get(customer.name, ()):
            story(numbers, calendar)
        for source, before, row in _sorted(customer.external_id, numbers, card, calendar):
            rows[source, before].append(row)
    # Practices come first: their batch tells a load that goes on which day the demo was begun for.
    order = sorted(rows, key=lambda key: (key[1] or date.min, key[0] != "practices", key[0]))
    return [_write_delivery(folder, *key, rows[key], calendar) for key in order]


def _sorted(
    organization: str, numbers: Numbers, card: Scorecard, calendar: Calendar
) -> Iterable[tuple[str, date | None, Row]]:
    """Every observation with its source and the delivery it belongs to."""
    for key, (days, values) in numbers.items():
        source = source_of(card.metric(key))
        for ordinal, value in zip(days.tolist(), values.tolist(), strict=True):
            day = date.fromordinal(ordinal)
            before = _delivered(day, calendar) if source == "inventory" else None
            yield source, before, (organization, key, day.isoformat(), _written(value))


def _delivered(day: date, calendar: Calendar) -> date | None:
    """The weekly delivery that brings a reading; None for the history before them.

    Of a month a stock keeps its newest reading only, so a night may not find the readings of later weeks.
    """
    index = len(calendar.deliveries) - 1 - (calendar.last - day).days // 7
    return calendar.deliveries[index] if index >= 0 else None


def _written(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _write_organizations(path: Path, last: date, customers: Iterable[Customer]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = [customer.row(last + timedelta(days=1)) for customer in customers]
        out = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def _write_delivery(
    folder: Path, source: str, before: date | None, rows: list[Row], calendar: Calendar
) -> Delivery:
    path = folder / (f"{source}-{before}.csv" if before else f"{source}.csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        out.writerows(rows)
    window = (date.fromordinal(calendar.first), calendar.last) if source == "practices" else None
    return Delivery(path, source, before, window, len(rows))
