"""A night whose process is killed again and again, at any moment, leaves the bytes of an undisturbed one."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest

from portal import nightly
from tests.factories import make_measured, make_observations, make_organization, publish_small_card
from tests.processes import Look, copy_of_the_database, start

CLOSE = date(2026, 9, 30)
NIGHT = date(2026, 10, 7)  # also makes the close of September, so that one night has two runs
CUSTOMERS = 80
CHUNK = 4

# All that people can ever see of a night, in order, without the numbers that only count attempts.
LEFT_BEHIND = {
    "sheets": "SELECT organization_id, version_id, day, revision, points, coverage, state, nodes"
    " FROM scoring_scoresheet ORDER BY 1, 2, 3, 4",
    "pointers": "SELECT p.version_id, p.day, r.revision, r.watermark, r.reason FROM scoring_pointer p"
    " JOIN scoring_scoringrun r ON r.id = p.run_id ORDER BY 1, 2",
    "months": "SELECT organization_id, month, slots, days FROM scoring_metricmonth ORDER BY 1, 2",
    "batches": "SELECT id, packing FROM scoring_batch ORDER BY 1",
    "first days": "SELECT id, first_observed_on FROM accounts_organization ORDER BY 1",
    "steps": "SELECT day, name, state FROM scoring_nightstep ORDER BY 1, 2",
    "runs": "SELECT day, revision FROM scoring_scoringrun WHERE published_at IS NOT NULL ORDER BY 1, 2",
}

# Moments of a night in their order, as questions that turn from 0 to more when the moment has come.
MOMENTS = [
    "SELECT count(*) FROM scoring_batch WHERE packing > 4",  # the 80 batches of before took 4
    "SELECT count(*) FROM scoring_chunk WHERE fence > 0 AND run_id = 2",
    "SELECT count(*) / 10 FROM scoring_chunk WHERE done_at IS NOT NULL AND run_id = 2",
    "SELECT count(*) FROM scoring_pointer WHERE day = '2026-10-07'",
    "SELECT count(*) FROM scoring_chunk WHERE fence > 0 AND run_id = 3",
    "SELECT count(*) / 16 FROM scoring_chunk WHERE done_at IS NOT NULL AND run_id = 3",
]

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True, reset_sequences=True)]


@pytest.fixture
def evening(transactional_db, tmp_path) -> Iterator[None]:
    """September is scored; since then numbers of a week have come, and late ones of September."""
    publish_small_card()
    customers = [make_organization(f"Customer {n}", products=["sales", "platform"]) for n in range(CUSTOMERS)]
    for number, customer in enumerate(customers):
        make_observations(customer, {"reviews.satisfaction": {date(2026, 9, 1): 3 + number / 100}})
    nightly.run_night(CLOSE)
    for number, customer in enumerate(customers):
        make_measured(customer, NIGHT, sales__work_orders={date(2026, 9, 29): float(number)})


@contextmanager
def house(name: str, folder) -> Iterator[tuple[str, Look]]:
    """A copy of the evening's database and eyes on it."""
    with copy_of_the_database(f"night_{name}", folder) as database:
        look = Look(database)
        try:
            yield database, look
        finally:
            look.close()


def begin(database: str, lease: int = 1) -> subprocess.Popen[str]:
    return start(
        "manage.py",
        "nightly",
        "--day",
        NIGHT.isoformat(),
        database=database,
        LEASE_SECONDS=str(lease),
        CHUNK_ORGANIZATIONS=str(CHUNK),
    )


def at_work(database: str, look: Look) -> subprocess.Popen[str]:
    """A night that has just left its first mark: what Python needs to start is no part of it."""
    before = look.rows(LAST_MARK)
    process = begin(database)
    while process.poll() is None and look.rows(LAST_MARK) == before:
        time.sleep(0.002)
    return process


LAST_MARK = "SELECT max(changed_at) FROM scoring_nightstep"


def finish(database: str, look: Look) -> float:
    """The night to its end; the seconds it took."""
    process = at_work(database, look)
    began = time.monotonic()
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0, told
    return time.monotonic() - began


def kill(process: subprocess.Popen[str]) -> bool:
    """Whether it was still at work."""
    process.kill()
    process.communicate()
    return process.returncode == -9


def left_behind(look: Look) -> dict[str, list[tuple[object, ...]]]:
    return {name: look.rows(query) for name, query in LEFT_BEHIND.items()}


def test_night_killed_at_any_moment_leaves_the_same_bytes(evening, tmp_path):
    with house("quiet", tmp_path) as (database, look):
        seconds = finish(database, look)
        expected = left_behind(look)
    assert len(expected["sheets"]) == 3 * CUSTOMERS
    assert [row[1:3] for row in expected["pointers"]] == [("2026-09-30", 1), ("2026-10-07", 0)]

    with house("swept", tmp_path) as (database, look):
        # On a machine that has got faster since the quiet night, a timed kill may come late.
        assert sum(killed_after(database, look, seconds * share * left(look)) for share in SHARES) >= 4
        finish(database, look)
        assert left_behind(look) == expected

    with house("watched", tmp_path) as (database, look):
        assert sum(killed_when(database, look, moment) for moment in MOMENTS) >= 4
        finish(database, look)
        assert left_behind(look) == expected

    with house("shared", tmp_path) as (database, look):
        other = begin(database)
        assert killed_when(database, look, MOMENTS[2])
        told, _ = other.communicate(timeout=60)
        assert other.returncode == 0, told
        assert left_behind(look) == expected
        assert look.number("SELECT count(*) FROM scoring_chunk WHERE done_at IS NULL") == 0


SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4)  # of what the killed ones before have left of the night
CHUNKS = 2 * CUSTOMERS / CHUNK  # of the two runs of this night


def left(look: Look) -> float:
    """The share of the night that is still to be scored."""
    done = look.number("SELECT count(*) FROM scoring_chunk WHERE done_at IS NOT NULL AND run_id > 1")
    return 1 - done / CHUNKS


def killed_after(database: str, look: Look, seconds: float) -> bool:
    process = at_work(database, look)
    time.sleep(seconds)
    return kill(process)


def killed_when(database: str, look: Look, moment: str) -> bool:
    process = begin(database)
    while process.poll() is None and look.number(moment) == 0:
        time.sleep(0.002)
    return kill(process)


def test_two_processes_at_once_score_everybody_once(evening, tmp_path):
    with house("twice", tmp_path) as (database, look):
        both = [begin(database, lease=60) for _ in range(2)]
        told = [process.communicate(timeout=60)[0] for process in both]

        assert [process.returncode for process in both] == [0, 0], told
        assert look.rows(LEFT_BEHIND["runs"]) == [("2026-09-30", 0), ("2026-09-30", 1), ("2026-10-07", 0)]
        assert look.number("SELECT count(*) FROM scoring_scoresheet") == 3 * CUSTOMERS
        assert look.rows("SELECT DISTINCT tries FROM scoring_chunk") == [(1,)]
