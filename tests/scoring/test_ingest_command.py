"""manage.py ingest: what it prints, what it refuses, and that packing can never cost the numbers."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.db import OperationalError

from accounts.models import Organization
from accounts.progress import Progress
from accounts.rows import Code
from scoring.management.commands import ingest as command
from scoring.models import Batch, Metric, MetricMonth, Observation
from scoring.observe import Reason

TEXT = "organization,metric,day,value\norchard,calls,2026-10-31,693\norchard,calls,2026-10-32,693\n"


@pytest.fixture
def calls(orchard: Organization) -> Metric:
    return Metric.objects.create(
        key="calls", name="Calls", nature="flow", grain="month", cadence="monthly", lag=7, daily=False, slot=0
    )


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    path = tmp_path / "numbers.csv"
    path.write_text(TEXT)
    return path


def run(*arguments: object) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("ingest", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_command_prints_counts_and_refused_lines_and_packs(calls, numbers):
    out, err = run(numbers)

    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "numbers.csv from files",
        "2 lines read",
        "1 used",
        "1 quarantined",
        "1 observations",
        "1 accepted",
        "0 corrected",
        "0 duplicate",
        "0 conflicting",
        "refused: 1 bad_day",
        "line 3: bad_day day: orchard,calls,2026-10-32,693",
    ]
    assert err == ""
    assert MetricMonth.objects.exists()
    assert Batch.objects.get().packed_at is not None


def test_json_report_is_the_documented_one(calls, numbers):
    out, _ = run(numbers, "--json", "--source", "crm", "--complete", "2026-10-01..2026-10-31")

    assert json.loads(out) == {
        "file": "numbers.csv",
        "source": "crm",
        "dry_run": False,
        "batch": Batch.objects.get().pk,
        "lines": 2,
        "used": 1,
        "filtered": 0,
        "quarantined": 1,
        "observations": 1,
        "accepted": 1,
        "corrected": 0,
        "duplicate": 0,
        "conflicting": 0,
        "refused": 0,
        "metrics": ["calls"],
        "complete": ["2026-10-01", "2026-10-31"],
        "reasons": {"bad_day": 1},
        "details": [
            {"line": 3, "field": "day", "reason": "bad_day", "raw": "orchard,calls,2026-10-32,693"},
        ],
        "notes": [
            "lines were quarantined in a delivery declared complete: until they are sent again, "
            "what they held may count as zero"
        ],
    }


def test_dry_run_says_so_and_packs_nothing(calls, numbers):
    out, _ = run(numbers, "--dry-run")

    assert "dry run, nothing was written" in out
    assert not Batch.objects.exists()
    assert not MetricMonth.objects.exists()


def test_correction_flag_makes_every_line_one(calls, numbers):
    run(numbers)
    numbers.write_text(TEXT.replace("693", "700"))

    out, _ = run(numbers, "--correction", "--json")

    assert json.loads(out)["corrected"] == 1
    assert Observation.objects.get().value == 700


@pytest.mark.parametrize(
    "text", ["2026-10-01", "2026-10-01..", "..", "2026-10-01..x", "2026-10-01-2026-10-31"]
)
def test_window_that_is_none_is_refused(calls, numbers, text):
    with pytest.raises(CommandError, match="is not a window like"):
        run(numbers, "--complete", text)


def test_file_that_is_no_table_is_one_line_without_a_traceback(calls, tmp_path):
    with pytest.raises(CommandError, match=r"nowhere\.csv: No such file or directory"):
        run(tmp_path / "nowhere.csv")


def test_failing_packing_does_not_lose_the_numbers(calls, numbers, monkeypatch):
    def fail() -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(command, "pack_due", fail)

    out, err = run(numbers)

    assert "1   accepted" in out
    assert "is stored but not packed (no room); the next night packs it" in err
    assert Observation.objects.exists()
    assert Batch.objects.get().packed_at is None


def test_database_that_gives_up_stores_nothing_and_says_so(calls, numbers, monkeypatch):
    def deadlock(*_: object, **__: object) -> None:
        raise OperationalError("deadlock detected")

    monkeypatch.setattr(command, "ingest", deadlock)

    with pytest.raises(CommandError, match=r"Nothing of .* was stored, send it again: deadlock detected"):
        run(numbers)


def test_today_is_the_utc_day(calls, tmp_path):
    path = tmp_path / "numbers.csv"
    today = datetime.now(UTC).date()
    late = today + timedelta(days=3)
    path.write_text(f"organization,metric,day,value\norchard,calls,{today},1\norchard,calls,{late},1\n")

    out, _ = run(path, "--json")

    assert json.loads(out)["reasons"] == {"day_in_future": 1}


def test_every_reason_code_is_explained_to_the_person_who_runs_it():
    explained = (Path(__file__).resolve().parents[2] / "docs" / "data-in.md").read_text()

    assert [str(reason) for reason in Reason if f"| `{reason}` |" not in explained] == []
    assert [str(code) for code in Code if code not in list(Reason)] == []


class Stream(StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize(("is_terminal", "seconds", "ending"), [(True, 1, "\n"), (False, 5, "second\n")])
def test_progress_speaks_now_and_then_and_leaves_the_line(is_terminal, seconds, ending):
    stream = Stream(is_terminal=is_terminal)
    progress = Progress(OutputWrapper(stream))

    progress(1000, 0.1)
    assert stream.getvalue() == ""
    progress.said_at -= seconds
    progress(2000, 0.2)
    progress.end()

    assert "2,000 lines, 20%, " in stream.getvalue()
    assert stream.getvalue().endswith(ending)
    assert stream.getvalue().startswith("\r") is is_terminal
