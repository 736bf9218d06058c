"""The night from packed months to published sheets, against moving the same bytes out and in."""

import statistics
import sys
from collections.abc import Iterator
from datetime import date, timedelta

from django.db import connection, transaction

from recommendations import suggest
from scoring import pack, run
from scoring.models import ScorecardVersion, ScoreSheet
from tests.bench.measure import Cost, cost, peak_memory
from tests.bench.world import DAY

Row = tuple[str, str, str]


def measure(version: ScorecardVersion, count: int, rounds: int) -> Iterator[Row]:
    """Rows of the table: time, bytes, memory."""
    one_night(version, DAY - timedelta(days=rounds))  # warm: imports, plans, caches
    nights, floors = [], []
    for back in reversed(range(rounds)):  # interleaved, so that a busy minute is shared
        with cost() as night:
            one_night(version, DAY - timedelta(days=back))
        made = list(ScoreSheet.objects.filter(day=DAY - timedelta(days=back)).values_list(*run.COLUMNS))
        with cost() as floor:
            move_bytes(made, DAY - timedelta(days=back))
        nights.append(night)
        floors.append(floor)
        print(f"night {night.cpu:.2f} s CPU, floor {floor.cpu:.2f} s CPU", file=sys.stderr)
    yield (
        f"night of {count:,} organizations : COPY out + COPY in of the same bytes, CPU of client and server",
        f"{ratio(nights, floors)} (night {middle(nights):.2f} s, floor {middle(floors):.2f} s)",
        "≤ 5",
    )
    yield "bytes an organization and night in ScoreSheet, indexes included", f"{sheet_bytes():.0f}", "≤ 400"
    yield from advice(nights)
    peak = peak_memory("nightly", "--day", str(DAY + timedelta(days=1)))
    yield (
        "peak memory of the process that runs the night",
        f"{peak:.0f} MB",
        f"≤ {120 + 0.3 * count / 1000:.0f} MB (120 MB + 0.3 kB an organization)",
    )


def advice(nights: list[Cost]) -> Iterator[Row]:
    """The recommendations of a usual night, against the scoring of one; the very first writes them all."""
    with cost() as first:
        made = suggest.refresh(DAY)
    with cost() as usual:
        suggest.refresh(DAY)
    yield (
        "recommendations of a night on which nothing is new : its scoring, CPU of client and server",
        f"{usual.cpu / middle(nights):.2f} ({usual.cpu:.2f} s; the first of all {first.cpu:.1f} s: {made})",
        "–",
    )


def one_night(version: ScorecardVersion, day: date) -> None:
    """Open, score and publish, as portal.nightly does."""
    opened = run.open_run(version, day)
    run.work(opened)
    if not run.publish_run(opened):
        raise SystemExit(f"{opened} was not published.")


def move_bytes(made: list[run.Sheet], day: date) -> None:
    """What no night can do without: its months out of the database and its sheets in."""
    first = pack.add_months(day, -15)
    first_day = pack.add_months(pack.month_start(day), 1 - pack.day_months(day))
    out = [
        f"SELECT organization_id, month, {column} FROM scoring_metricmonth "
        f"WHERE month BETWEEN '{since}' AND '{day}'"
        for column, since in (("slots", first), ("days", first_day))
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE floor (LIKE {ScoreSheet._meta.db_table} INCLUDING ALL) ON COMMIT DROP"
        )
        for query in out:
            with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
                for _ in copy:
                    pass
        with cursor.copy(f"COPY floor ({', '.join(run.COLUMNS)}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "int2", "date", "int2", "int2", "int2", "int2", "bytea"])
            for row in made:
                copy.write_row(row)


def sheet_bytes() -> float:
    """Bytes on disk for each stored sheet, table and indexes."""
    table = ScoreSheet._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_total_relation_size('{table}')::float / count(*) FROM {table}")
        return float(cursor.fetchone()[0])


def ratio(nights: list[Cost], floors: list[Cost]) -> str:
    """The ratio of the pairs: median, with the range."""
    ratios = sorted(night.cpu / floor.cpu for night, floor in zip(nights, floors, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def middle(costs: list[Cost]) -> float:
    return statistics.median(each.cpu for each in costs)
