"""Which value counts: first values, duplicates, conflicts, corrections, and what a delivery declares."""

import random
from datetime import date
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection

from accounts.models import Organization
from accounts.rows import files
from scoring import observe
from scoring.models import Batch, Correction, Metric, Observation, Quarantine
from scoring.observe import IngestRefused, Report, delivery
from tests.factories import make_organization

TODAY = date(2026, 11, 21)
LONG_FORM = "organization,metric,day,value\n"
CORRECTABLE = "organization,metric,day,value,correction\n"


@pytest.fixture
def work_orders(orchard: Organization, harbor: Organization) -> Metric:
    return make_metric("sales.work_orders", slot=0)


def make_metric(key: str, *, slot: int, **fields: object) -> Metric:
    fields = {"nature": "flow", "grain": "month", "cadence": "monthly", "lag": 7, "daily": False} | fields
    return Metric.objects.create(key=key, name=key, slot=slot, **fields)


def send(folder: Path, text: str, **options: object) -> Report:
    """What became of a file with this text."""
    path = folder / "numbers.csv"
    path.write_text(text)
    report = observe.ingest(path, today=TODAY, **options)
    assert report.adds_up
    return report


def stored() -> dict[tuple[str, str, date], float]:
    rows = Observation.objects.values_list("organization__external_id", "metric__key", "day", "value")
    return {(organization, metric, day): value for organization, metric, day, value in rows}


# ---------- values ----------


def test_numbers_of_known_organizations_and_metrics_are_stored(tmp_path, work_orders):
    report = send(
        tmp_path,
        LONG_FORM + "orchard,sales.work_orders,2026-10-31,693\nharbor,sales.work_orders,2026-10-31,1e3\n",
    )

    assert (report.lines, report.accepted) == (2, 2)
    assert stored() == {
        ("orchard", "sales.work_orders", date(2026, 10, 31)): 693,
        ("harbor", "sales.work_orders", date(2026, 10, 31)): 1000,
    }


def test_same_file_again_adds_nothing_and_is_still_remembered(tmp_path, work_orders):
    text = LONG_FORM + "orchard,sales.work_orders,2026-10-31,693\nharbor,sales.work_orders,2026-10-31,5\n"
    send(tmp_path, text)

    report = send(tmp_path, text)

    assert (report.accepted, report.duplicate) == (0, 2)
    assert Observation.objects.count() == 2
    assert Batch.objects.count() == 2
    assert Batch.objects.get(pk=report.batch).duplicate == 2


def test_another_value_is_a_conflict_and_the_first_one_stands(tmp_path, work_orders):
    send(tmp_path, LONG_FORM + "orchard,sales.work_orders,2026-10-31,693\n")

    report = send(tmp_path, LONG_FORM + "orchard,sales.work_orders,2026-10-31,694\n")

    assert (report.accepted, report.conflicting) == (0, 1)
    assert list(stored().values()) == [693]
    refusal = Quarantine.objects.get()
    assert (refusal.line, refusal.reason, refusal.field) == (2, "conflict", "value")
    assert refusal.raw == "orchard,sales.work_orders,2026-10-31,694.0 (stored: 693.0)"


def test_first_line_of_a_file_stands_above_later_ones_of_the_same_day(tmp_path, work_orders):
    report = send(
        tmp_path,
        LONG_FORM
        + "orchard,sales.work_orders,2026-10-31,9\n"
        + "orchard,sales.work_orders,2026-10-31,3\n"
        + "orchard,sales.work_orders,2026-10-31,9.0\n",
    )

    assert (report.accepted, report.conflicting, report.duplicate) == (1, 1, 1)
    assert list(stored().values()) == [9]


def test_correction_replaces_the_value_and_keeps_the_old_one_with_its_batch(tmp_path, work_orders):
    first = send(tmp_path, LONG_FORM + "orchard,sales.work_orders,2026-10-31,693\n")

    second = send(tmp_path, CORRECTABLE + "orchard,sales.work_orders,2026-10-31,700,true\n")

    assert second.corrected == 1
    row = Observation.objects.get()
    assert (row.value, row.batch_id) == (700, second.batch)
    old = Correction.objects.get()
    assert (old.value, old.batch_id, old.replaced_by_id) == (693, first.batch, second.batch)


def test_correction_to_the_stored_value_is_a_duplicate(tmp_path, work_orders):
    first = send(tmp_path, LONG_FORM + "orchard,sales.work_orders,2026-10-31,693\n")

    report = send(tmp_path, CORRECTABLE + "orchard,sales.work_orders,2026-10-31,693,true\n")

    assert (report.corrected, report.duplicate) == (0, 1)
    assert Observation.objects.get().batch_id == first.batch
    assert not Correction.objects.exists()


def test_correction_of_nothing_is_simply_accepted(tmp_path, work_orders):
    report = send(tmp_path, CORRECTABLE + "orchard,sales.work_orders,2026-10-31,693,yes\n")

    assert (report.accepted, report.corrected) == (1, 0)
    assert not Correction.objects.exists()


def test_lines_of_one_file_are_taken_in_their_order_around_a_correction(tmp_path, work_orders):
    report = send(
        tmp_path,
        CORRECTABLE
        + "orchard,sales.work_orders,2026-10-31,3,\n"
        + "orchard,sales.work_orders,2026-10-31,4,true\n"
        + "orchard,sales.work_orders,2026-10-31,4,\n"
        + "orchard,sales.work_orders,2026-10-31,3,false\n"
        + "orchard,sales.work_orders,2026-10-31,5,true\n",
    )

    assert (report.accepted, report.corrected, report.duplicate, report.conflicting) == (1, 2, 1, 1)
    assert list(stored().values()) == [5]
    assert list(Correction.objects.order_by("pk").values_list("value", flat=True)) == [3, 4]


def test_whole_delivery_may_be_said_to_be_corrections(tmp_path, work_orders):
    send(tmp_path, LONG_FORM + "orchard,sales.work_orders,2026-10-31,693\n")

    report = send(tmp_path, LONG_FORM + "orchard,sales.work_orders,2026-10-31,700\n", are_corrections=True)

    assert report.corrected == 1
    assert list(stored().values()) == [700]


def in_order(text: str) -> tuple[dict[tuple[str, str], float], dict[str, int]]:
    """The plain reading of SCORING 13, one line after another."""
    values: dict[tuple[str, str], float] = {}
    counts = dict.fromkeys(("accepted", "corrected", "duplicate", "conflicting"), 0)
    for line in text.splitlines()[1:]:
        organization, _, day, value, correction = line.split(",")
        key, number = (organization, day), float(value)
        if key not in values:
            values[key] = number
            counts["accepted"] += 1
        elif values[key] == number:
            counts["duplicate"] += 1
        elif correction == "true":
            values[key] = number
            counts["corrected"] += 1
        else:
            counts["conflicting"] += 1
    return values, counts


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("portion", ["whole", "in portions"])
def test_any_file_ends_as_if_its_lines_came_one_by_one(tmp_path, work_orders, monkeypatch, seed, portion):
    if portion == "in portions":
        monkeypatch.setattr(files, "BLOCK", 200)
        monkeypatch.setattr(delivery, "SLICE", 7)
    chance = random.Random(seed)
    text = CORRECTABLE + "".join(
        f"{chance.choice(['orchard', 'harbor'])},sales.work_orders,2026-10-{chance.randint(10, 14)},"
        f"{chance.randint(0, 3)},{chance.choice(['', '', 'true'])}\n"
        for _ in range(60)
    )
    values, counts = in_order(text)

    report = send(tmp_path, text)

    assert {(o, str(day)): value for (o, _, day), value in stored().items()} == values
    assert {name: getattr(report, name) for name in counts} == counts
    assert Correction.objects.count() == counts["corrected"]


# ---------- batches ----------


def test_batch_remembers_where_its_numbers_came_from(tmp_path, work_orders):
    report = send(
        tmp_path, LONG_FORM + "orchard,sales.work_orders,2026-10-31,1\nnobody,x,y,z\n", source="crm"
    )

    batch = Batch.objects.get(pk=report.batch)
    assert (batch.source.key, batch.file_name) == ("crm", "numbers.csv")
    assert batch.metrics == ["sales.work_orders"]
    assert (batch.lines, batch.accepted, batch.quarantined) == (2, 1, 1)
    assert batch.packed_at is None


def test_window_declared_complete_stays_with_its_batch_and_names_the_metrics(tmp_path, work_orders):
    window = (date(2026, 10, 1), date(2026, 10, 31))

    report = send(tmp_path, LONG_FORM + "orchard,sales.work_orders,2026-10-31,1\n", complete=window)

    batch = Batch.objects.get(pk=report.batch)
    assert (batch.complete_from, batch.complete_to) == window
    assert batch.metrics == ["sales.work_orders"]


@pytest.mark.parametrize(
    ("first", "last", "complaint"),
    [
        (date(2026, 10, 31), date(2026, 10, 1), "ends before it begins"),
        (date(1999, 12, 31), date(2026, 10, 1), "begins before 2000-01-01"),
        (date(2026, 10, 1), date(2026, 11, 23), "ends in the future"),
    ],
)
def test_impossible_window_is_refused_before_anything_is_written(
    tmp_path, work_orders, first, last, complaint
):
    with pytest.raises(IngestRefused, match=complaint):
        send(tmp_path, LONG_FORM + "orchard,sales.work_orders,2026-10-31,1\n", complete=(first, last))

    assert not Batch.objects.exists()


def test_quarantined_lines_of_a_complete_delivery_are_pointed_out(tmp_path, work_orders):
    report = send(
        tmp_path,
        LONG_FORM + "orchard,sales.work_orders,2026-10-31,many\n",
        complete=(date(2026, 10, 1), date(2026, 10, 31)),
    )

    assert any("count as zero" in note for note in report.notes)


def test_dry_run_writes_nothing_and_reports_the_same(tmp_path, work_orders):
    text = (
        CORRECTABLE
        + "orchard,sales.work_orders,2026-10-31,1,\n"
        + "orchard,sales.work_orders,2026-10-31,2,true\n"
        + "orchard,sales.work_orders,2026-10-31,9,\n"
        + "orchard,sales.work_orders,2026-10-32,9,\n"
    )

    dry = send(tmp_path, text, is_dry_run=True, complete=(date(2026, 10, 1), date(2026, 10, 31)))

    assert not Batch.objects.exists()
    assert not Observation.objects.exists()
    assert not Quarantine.objects.exists()
    wet = send(tmp_path, text, complete=(date(2026, 10, 1), date(2026, 10, 31)))
    differ = {"dry_run", "batch"}
    assert {key: value for key, value in dry.as_json().items() if key not in differ} == {
        key: value for key, value in wet.as_json().items() if key not in differ
    }


def test_delivery_that_breaks_off_leaves_nothing_behind(tmp_path, work_orders):
    text = LONG_FORM + "orchard,sales.work_orders,2026-10-31,1\n"

    class Unplugged(Exception):
        pass

    def unplug(lines: int, share: float) -> None:
        raise Unplugged

    with pytest.raises(Unplugged):
        send(tmp_path, text, progress=unplug)

    assert not Batch.objects.exists()
    assert not Observation.objects.exists()
    assert send(tmp_path, text).accepted == 1


@pytest.mark.django_db(transaction=True)
def test_two_deliveries_at_once_agree_on_one_first_value(tmp_path, work_orders):
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 11) for day in range(1, 29)]
    for value in (1, 2):
        lines = "".join(f"orchard,sales.work_orders,{day},{value}\n" for day in days)
        (tmp_path / f"{value}.csv").write_text(LONG_FORM + lines)
    reports: list[Report] = []

    def deliver(value: int) -> None:
        try:
            reports.append(observe.ingest(tmp_path / f"{value}.csv", today=TODAY))
        finally:
            connection.close()

    workers = [Thread(target=deliver, args=[value]) for value in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(report.accepted for report in reports) == [0, len(days)]
    assert sorted(report.conflicting for report in reports) == [0, len(days)]
    assert all(report.adds_up for report in reports)
    assert len(set(stored().values())) == 1


def test_value_of_one_organization_touches_no_other(tmp_path, work_orders):
    make_organization("Orchard North", external_id="orchard-north")
    send(tmp_path, LONG_FORM + "orchard,sales.work_orders,2026-10-31,1\n")

    report = send(tmp_path, LONG_FORM + "orchard-north,sales.work_orders,2026-10-31,2\n")

    assert report.accepted == 1
    assert sorted(stored().values()) == [1, 2]
