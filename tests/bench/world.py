"""Ten thousand organizations with sixteen months of numbers, written straight into MetricMonth."""

from datetime import date
from pathlib import Path

import numpy as np
from django.db import connection

from accounts.models import Organization, Product
from scoring import pack, publish
from scoring.models import ScorecardVersion

DAY = date(2026, 11, 20)
CARD = Path(__file__).resolve().parents[2] / "scoring" / "scorecards" / "customer_success.toml"
SOME = 500  # organizations made at a time


def make(count: int) -> ScorecardVersion:
    """The published scorecard and so many organizations that own everything."""
    version = publish.publish(CARD.read_text(encoding="utf-8"))
    Organization.objects.bulk_create(
        (
            Organization(
                name=f"Organization {n}",
                slug=f"o{n}",
                external_id=f"o{n}",
                first_observed_on=date(2024, 1, 1),
            )
            for n in range(count)
        ),
        batch_size=2000,
    )
    ids = list(Organization.objects.order_by("pk").values_list("pk", flat=True))
    products = list(Product.objects.values_list("pk", flat=True))
    through = Organization.products.through
    through.objects.bulk_create(
        (through(organization_id=pk, product_id=product) for pk in ids for product in products),
        batch_size=10_000,
    )
    for start in range(0, count, SOME):
        _months(ids[start : start + SOME], np.random.default_rng(start))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return version


def _months(ids: list[int], random: np.random.Generator) -> None:
    """Random months for these organizations, a fifth of the numbers missing."""
    places = pack.layout()
    back = pack.day_months(DAY)
    rows = []
    for ago in range(16):
        month = pack.add_months(DAY, -ago)
        slots = random.uniform(1, 1000, (len(ids), places.width)).round()
        for metric in places.metrics.values():
            if metric.daily:
                continue
            if metric.nature == "stock":
                slots[:, metric.slot + 1] = min(20, pack.month_end(month).day)
            if metric.nature == "event":
                slots[:, metric.slot] = random.integers(0, 2**28, len(ids))
            if metric.maximum <= 1:
                slots[:, metric.slot] = random.uniform(0, 1, len(ids))
            missing = random.random(len(ids)) < 0.2
            slots[missing, metric.slot : metric.slot + pack.places(metric.nature)] = np.nan
        days = np.full((len(ids), pack.DAYS * places.daily), np.nan)
        if ago < back:
            days = random.uniform(0, 3, days.shape).round()
            days[random.random(days.shape) < 0.1] = np.nan
        rows += zip(ids, [month] * len(ids), pack.trimmed(slots), pack.trimmed(days), strict=True)
    with connection.cursor() as cursor:
        names = "organization_id, month, slots, days"
        with cursor.copy(f"COPY scoring_metricmonth ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "date", "bytea", "bytea"])
            for row in rows:
                copy.write_row(row)
