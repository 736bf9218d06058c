"""A customer with all products and believable numbers of every metric of the published scorecard."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from accounts.models import Organization
from portal.demo.customers import ALDERMOOR, PRODUCTS
from portal.demo.days import Calendar
from portal.demo.telemetry import Telemetry
from scoring import engine, pack, publish, run
from scoring.models import ScorecardVersion
from tests.factories import make_observations, make_organization, make_plan

CARD = Path(publish.__file__).parent / "scorecards" / "customer_success.toml"
DAY = date(2026, 10, 20)


@cache
def _numbers(name: str) -> dict[str, dict[date, float]]:
    card = engine.parse(CARD.read_text())
    # In the middle everywhere: nothing is at its top yet, nothing at its bottom.
    customer = replace(ALDERMOOR, name=name, owns="".join(PRODUCTS), levels=(55, 50, 55), pins={})
    series = Telemetry(customer, card, Calendar(DAY)).numbers()
    return {
        key: {date.fromordinal(int(day)): float(value) for day, value in zip(days, values, strict=True)}
        for key, (days, values) in series.items()
    }


def make_wide(name: str = "Wide", **changes: dict[date, float]) -> Organization:
    """The customer with its numbers packed; `changes` by metric, `__` for the dot, replace whole series."""
    organization = make_organization(name, products=list(PRODUCTS.values()))
    make_plan(organization)
    numbers = _numbers(name) | {key.replace("__", "."): days for key, days in changes.items()}
    events = [metric.key for metric in engine.parse(CARD.read_text()).metrics if metric.nature == "event"]
    make_observations(
        organization,
        numbers,
        metrics=sorted({*numbers, *events}),
        complete_from=DAY - timedelta(days=400),
        complete_to=DAY,
    )
    pack.pack_due()
    return organization


def publish_wide_card() -> ScorecardVersion:
    return publish.publish(CARD.read_text())


def night(version: ScorecardVersion, day: date = DAY, revision: int = 0) -> None:
    """The real night of a scorecard: opened, scored and published."""
    opened = run.open_run(version, day, revision=revision)
    run.work(opened)
    assert run.publish_run(opened)
