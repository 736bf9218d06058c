"""The clock's hand: doorbells that find their work in the database, over a real broker and a real worker."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from subprocess import Popen

import pytest
from django.conf import settings
from django.db import connection

from portal import exporting, tasks
from portal.celery import app
from scoring import pack, run
from scoring.models import Chunk, Pointer, ScoreSheet, ScoringRun
from tests.factories import make_measured, make_organization, publish_small_card
from tests.processes import start

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
WORKER = (
    "-m",
    "celery",
    "-A",
    "portal",
    "worker",
    "--concurrency",
    "1",
    "--without-mingle",
    "--without-gossip",
)


def make_customers() -> None:
    publish_small_card()
    for number in range(3):
        customer = make_organization(f"Customer {number}", products=["sales", "platform"])
        make_measured(customer, YESTERDAY)


# ---------- as plain functions ----------


def test_night_scores_yesterday(db):
    make_customers()

    tasks.night()

    assert Pointer.objects.get().day == YESTERDAY
    assert ScoreSheet.objects.count() == 3


def test_night_rung_twice_is_one_night(db):
    make_customers()

    tasks.night()
    tasks.night()

    assert ScoringRun.objects.count() == 1


def test_sweep_finishes_what_was_left(db):
    make_customers()
    pack.pack_due()
    opened = run.open_run(publish_small_card(), YESTERDAY)

    tasks.sweep()

    assert Pointer.objects.get().run == opened


def test_sweep_with_nothing_to_do_does_nothing(db):
    make_customers()

    tasks.sweep()

    assert not ScoringRun.objects.exists()


def test_operator_can_ask_for_the_night_again(db):
    make_customers()

    tasks.again()

    assert Pointer.objects.get().day == YESTERDAY


# ---------- the bell ----------


def test_clock_rings_the_tasks_that_there_are():
    rung = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert rung == {"portal.tasks.night", "portal.tasks.sweep", exporting.make_exports.name}
    assert rung <= set(app.tasks)


def test_bells_carry_no_payload_and_are_kept_until_the_work_is_done():
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.accept_content == ["json"]
    assert not app.conf.result_backend


@pytest.fixture
def worker(transactional_db) -> Iterator[Popen[str]]:
    """A worker of its own process, on the test's database and the suite's broker."""
    app.control.purge()
    process = start(*WORKER, database=connection.settings_dict["NAME"])
    yield process
    process.terminate()
    process.communicate(timeout=30)


@pytest.mark.slow
def test_ringing_makes_a_worker_score_everybody_once(worker):
    make_customers()

    for _ in range(3):
        tasks.night.delay()
    tasks.sweep.delay()

    wait_for(lambda: Pointer.objects.filter(day=YESTERDAY).exists(), worker)
    assert ScoringRun.objects.count() == 1
    assert ScoreSheet.objects.count() == 3
    assert [chunk.tries for chunk in Chunk.objects.all()] == [1]


@pytest.mark.slow
def test_work_whose_bell_was_lost_is_found_by_the_sweep(worker):
    make_customers()
    pack.pack_due()
    run.open_run(publish_small_card(), YESTERDAY)

    tasks.sweep.delay()

    wait_for(lambda: Pointer.objects.filter(day=YESTERDAY).exists(), worker)


def wait_for(happened, worker: Popen[str], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert worker.poll() is None, worker.communicate()[0]
        assert time.monotonic() < until, "the worker did not do it in time"
        time.sleep(0.1)
