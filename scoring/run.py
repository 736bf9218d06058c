"""One night of one scorecard: open the run, score its chunks, publish it by one pointer.

Only ORM, no branch on the database; the lease lives on the database's clock, and a fence keeps out whoever
lost it. A worker killed at any moment costs a retry, never a double and never half a night (RECIPES §3).
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import batched

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from accounts import installation
from accounts.models import Organization
from scoring import engine, owned, pack, publish, sheets
from scoring.models import (
    Batch,
    Chunk,
    Correction,
    Observation,
    Pointer,
    ScorecardVersion,
    ScoreSheet,
    ScoringRun,
)

log = logging.getLogger(__name__)

SLICE = 1000  # organizations in memory at once: the whole process stays below 120 MB
TRIES = 3  # then a chunk is split until the one organization that fails is found
TOLERATED = (
    0.02  # share of organizations that may fail and keep their last score; above it nobody sees the night
)
LATE = timedelta(days=90)  # late data restates a close this long


class LeaseLost(Exception):
    """Another worker has the chunk: nothing of ours is kept."""


def population_of(key: str) -> QuerySet[Organization]:
    """The organizations a scorecard covers: its own, or all for the internal health card."""
    return (
        Organization.objects.all() if key == "account-health" else Organization.objects.filter(scorecard=key)
    )


# ---------- opening ----------


def open_run(
    version: ScorecardVersion, day: date, *, revision: int = 0, reason: str = "", beside: bool = False
) -> ScoringRun:
    """The one run of this version, day and revision; calling again changes nothing.

    beside  for comparison only, never shown as the score; if the night is asked for in earnest later, it is
            made again
    """
    key = {"day": day, "version": version, "revision": revision}
    with transaction.atomic():
        turn = pack.take_turn()
        # The watermark is a number of packings, not a time: Now() is when a transaction began.
        ScoringRun.objects.bulk_create(
            [ScoringRun(**key, watermark=turn.number, reason=reason, beside=beside)], ignore_conflicts=True
        )
        run = ScoringRun.objects.select_for_update().get(**key)
        if run.beside and not beside:
            run.beside, run.published_at, run.reason = False, None, reason
            run.save(update_fields=["beside", "published_at", "reason"])
            reopen(run)
            run.refresh_from_db()
        if not run.chunks.exists():
            Chunk.objects.bulk_create(
                Chunk(run=run, first=first, last=last) for first, last in ranges(version.key)
            )
    return run


def ranges(key: str) -> Iterator[tuple[int, int]]:
    """Ends of id ranges that hold at most CHUNK_ORGANIZATIONS of the scorecard each."""
    size = settings.CHUNK_ORGANIZATIONS
    ids = population_of(key).order_by("pk").values_list("pk", flat=True)
    for some in batched(ids.iterator(chunk_size=size), size):
        yield some[0], some[-1]


def abandon(run: ScoringRun, why: str) -> None:
    """Give an unpublished run up, so that packing and nights go on."""
    with transaction.atomic():
        given_up = ScoringRun.objects.filter(pk=run.pk, published_at=None, abandoned_at=None)
        if given_up.update(abandoned_at=Now(), reason=why[:120]):
            log.error("Gave up the run %s: %s", run, why)


# ---------- chunks ----------


def claim(run: ScoringRun) -> Chunk | None:
    """A due chunk, leased to us under a new fence; None when nothing is due."""
    due = run.chunks.filter(done_at=None, leased_until__lte=Now()).order_by("first")
    with transaction.atomic():
        chunk = due.select_for_update(skip_locked=True).first()  # SQLite: ignored, IMMEDIATE does it
        if chunk:
            Chunk.objects.filter(pk=chunk.pk).update(
                fence=F("fence") + 1,
                tries=F("tries") + 1,
                leased_until=Now() + timedelta(seconds=settings.LEASE_SECONDS),
            )
            chunk.refresh_from_db()
    return chunk


def score(chunk: Chunk) -> int:
    """How many organizations of the chunk have a sheet now: all written, or none."""
    run = chunk.run
    written = compute(chunk)  # before the transaction: SQLite has one writer
    with transaction.atomic():
        mine = Chunk.objects.filter(pk=chunk.pk, fence=chunk.fence, done_at=None)
        if not mine.update(done_at=Now(), organizations=len(written), failure=""):
            raise LeaseLost(chunk)
        ScoreSheet.objects.filter(
            organization_id__gte=chunk.first,
            organization_id__lte=chunk.last,
            day=run.day,
            version=run.version,
            revision=run.revision,
        ).delete()
        write(written)
    return len(written)


Sheet = tuple[int, int, date, int, int, int, int, bytes]  # the columns of ScoreSheet, in COLUMNS' order
COLUMNS = ("organization_id", "version_id", "day", "revision", "points", "coverage", "state", "nodes")


def compute(chunk: Chunk) -> list[Sheet]:
    """The sheets of a chunk, in order of the organization."""
    run = chunk.run
    card = publish.card_of(run.version)
    places = pack.layout()
    here = population_of(run.version.key).filter(pk__gte=chunk.first, pk__lte=chunk.last)
    rows: list[Sheet] = []
    for ids in batched(here.order_by("pk").values_list("pk", flat=True), SLICE):
        people = pack.started_by(pack.population(here.filter(pk__gte=ids[0], pk__lte=ids[-1])), run.day)
        if len(people.ids):
            rows += _sheets(card, people, run, places)
    return rows


def _sheets(
    card: engine.Scorecard, people: pack.Population, run: ScoringRun, places: pack.Layout
) -> Iterator[Sheet]:
    # The panel lives no longer than this line: two of them at once would be most of the memory of a night.
    scores = engine.score(card, _panel(card, people, run, places))
    points = engine.canonical(scores.points[:, 0]).tolist()
    coverage = engine.canonical(scores.coverage[:, 0] * 100).tolist()
    fixed = (run.version_id, run.day, run.revision)
    columns = zip(
        people.ids.tolist(),
        points,
        coverage,
        scores.state[:, 0].tolist(),
        sheets.pack(card, scores),
        strict=True,
    )
    for organization, points_, coverage_, state, nodes in columns:
        yield (organization, *fixed, points_, coverage_, state, nodes)


def _panel(
    card: engine.Scorecard, people: pack.Population, run: ScoringRun, places: pack.Layout
) -> engine.Panel:
    panel = pack.panel(card, people, run.day, watermark=run.watermark, places_now=places)
    # What only the list of products did since is nothing that the version would have done.
    return replace(panel, owned=owned.then(panel, run.version)) if run.beside else panel


def write(rows: list[Sheet]) -> None:
    """Store sheets in bulk: COPY on PostgreSQL, executemany on SQLite."""
    table, names = ScoreSheet._meta.db_table, ", ".join(COLUMNS)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # COPY straight into a table under row-level security is refused, hence the stage.
            cursor.execute(f"CREATE TEMP TABLE made (LIKE {table}) ON COMMIT DROP")
            with cursor.copy(f"COPY made ({names}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["int8", "int2", "date", "int2", "int2", "int2", "int2", "bytea"])
                for row in rows:
                    copy.write_row(row)
            cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM made")  # noqa: S608 - our own names
            cursor.execute("DROP TABLE made")
        else:
            marks = ", ".join(["%s"] * len(COLUMNS))
            insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - our own names
            cursor.executemany(insert, rows)


def fail(chunk: Chunk, why: Exception) -> None:
    """Remember a failed try; after the third, split the chunk, down to the one organization that fails."""
    with transaction.atomic():
        mine = Chunk.objects.select_for_update().filter(pk=chunk.pk, fence=chunk.fence, done_at=None).first()
        if mine is None:
            return
        reason = f"{type(why).__name__}: {why}"[:2000]
        mine.failure, mine.leased_until = reason, Now()
        if mine.tries < TRIES:
            mine.save(update_fields=["failure", "leased_until"])
            return
        inside = population_of(mine.run.version.key).filter(pk__gte=mine.first, pk__lte=mine.last)
        ids = list(inside.order_by("pk").values_list("pk", flat=True))
        if len(ids) <= 1:
            mine.done_at = Now()  # this one keeps its last published sheet
            mine.save(update_fields=["failure", "done_at"])
            return
        middle = len(ids) // 2
        Chunk.objects.create(run=mine.run, first=ids[middle], last=mine.last)
        mine.last, mine.tries = ids[middle] - 1, 0
        mine.save(update_fields=["last", "tries", "failure", "leased_until"])


def failed(run: ScoringRun) -> QuerySet[Chunk]:
    """The chunks of one organization each that could not be scored."""
    return run.chunks.exclude(failure="").exclude(done_at=None)


def work(run: ScoringRun, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Score due chunks until none is left to claim; `progress` is told organizations done and chunks left."""
    done = 0
    while (chunk := claim(run)) is not None:
        try:
            done += score(chunk)
        except LeaseLost:
            continue
        except (KeyboardInterrupt, SystemExit):  # asked to stop: the next worker need not wait for our lease
            Chunk.objects.filter(pk=chunk.pk, fence=chunk.fence, done_at=None).update(leased_until=Now())
            raise
        except Exception as error:  # whatever it is, the others' night goes on; the reason is kept
            log.exception("Chunk %s failed", chunk.pk)
            fail(chunk, error)
        if progress:
            progress(done, run.chunks.filter(done_at=None).count())


# ---------- publishing ----------


def publish_run(run: ScoringRun) -> bool:
    """Move the pointer once every chunk is done; True when the night is out."""
    with transaction.atomic():
        run = ScoringRun.objects.select_for_update().get(pk=run.pk)
        if run.published_at is not None:
            return True
        if run.abandoned_at is not None or run.chunks.filter(done_at=None).exists():
            return False
        failures = failed(run).count()
        everyone = failures + sum(run.chunks.values_list("organizations", flat=True))
        if failures and failures > TOLERATED * everyone:
            transaction.on_commit(lambda: _alarm(run, failures, everyone))
            return False
        if not run.beside:
            Pointer.objects.update_or_create(version=run.version, day=run.day, defaults={"run": run})
        run.published_at = Now()
        run.save(update_fields=["published_at"])
    return True


def _alarm(run: ScoringRun, failures: int, everyone: int) -> None:
    message = f"{failures} of {everyone} organizations could not be scored for {run}; nothing was published."
    log.critical(message)
    try:
        installation.tell_operators("A night was not published", message)
    except OSError:  # a mail server that is away must not break the night, too
        log.exception("The alarm could not be mailed")


def is_blocked(run: ScoringRun) -> bool:
    """All chunks done, yet too many failed to publish."""
    return (
        run.published_at is None and run.abandoned_at is None and not run.chunks.filter(done_at=None).exists()
    )


def reopen(run: ScoringRun) -> None:
    """Try a run that was blocked or given up once more, from the start and with what is packed by now."""
    with transaction.atomic():
        turn = pack.take_turn()
        again = ScoringRun.objects.filter(pk=run.pk, published_at=None)
        if again.update(abandoned_at=None, watermark=turn.number):
            run.chunks.update(done_at=None, failure="", tries=0, fence=F("fence") + 1, leased_until=Now())


def held() -> QuerySet[Chunk]:
    """Chunks that some worker holds a lease on."""
    return Chunk.objects.filter(done_at=None, leased_until__gt=Now())


# ---------- closes ----------


def last_close(day: date) -> date:
    """The newest month's end before the month of this day."""
    return pack.month_start(day) - timedelta(days=1)


def due_closes(
    version_on: Callable[[date], ScorecardVersion | None], day: date
) -> Iterator[tuple[ScorecardVersion, date, int, str]]:
    """Closes to compute again on the night of `day`: version, month's last day, new revision, reason.

    The night of settings.CLOSE_DAY makes every close once more, with the monthly feeds that have arrived;
    after that only late data does, for 90 days.
    """
    close = last_close(day)
    while close >= day - LATE:
        version = version_on(close)
        pointer = version and Pointer.objects.filter(version=version, day=close).select_related("run").first()
        if version and pointer:
            made = pointer.run
            arrived = day >= pack.add_months(pack.month_start(close), 1) + timedelta(
                days=settings.CLOSE_DAY - 2
            )
            if arrived and made.revision == 0:
                yield version, close, 1, "Close, with the month's feeds"
            elif made.revision > 0 and has_late_data(close, since=made.watermark):
                yield version, close, made.revision + 1, "Restated with late data"
        close = last_close(close)


def has_late_data(close: date, *, since: int) -> bool:
    """Whether data of the closed month was packed after the watermark."""
    late = Batch.objects.filter(packing__gt=since)
    if late.filter(complete_from__lte=close, complete_to__gte=pack.month_start(close)).exists():
        return True
    month = {"day__gte": pack.month_start(close), "day__lte": close}
    return (
        Observation.objects.filter(batch__in=late, **month).exists()
        or Correction.objects.filter(replaced_by__in=late, **month).exists()
    )


def last_of_another(version: ScorecardVersion, day: date) -> date | None:
    """The newest published night before this day, if another version scored it: both are to be compared."""
    nights = Pointer.objects.filter(version__key=version.key, day__lt=day).order_by(
        "-day", "-version__number"
    )
    newest = nights.values_list("day", "version__number").first()
    return newest[0] if newest and newest[1] != version.number else None


def unfinished() -> QuerySet[ScoringRun]:
    """Runs that are open now."""
    return ScoringRun.objects.filter(Q(published_at=None), Q(abandoned_at=None)).select_related("version")
