"""Files that take long: asked for by a page, made by a worker, fetched through the same door, gone in days.

The database is the queue: a worker that is rung looks here for what waits. What goes into a file is not
known here; whoever calls `work` brings the maker.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts.access import Capability, open_organization
from accounts.models import Organization, User
from portal.models import ExportJob, ExportState

log = logging.getLogger(__name__)

MOST_WAITING = 3  # of one person in one organization; more would only queue behind each other
MOST_KEPT = 20  # of the same, whatever their state: the oldest gives way
TRIES = 3  # that a worker makes by itself
MOST_BYTES = 50 * 1024 * 1024
NO_ACCESS = "Your access ended before it was made."
NO_SCORE = "There is no published score to put into it yet."
TOO_LARGE = f"It would be larger than {MOST_BYTES // 1024 // 1024} MB."
BROKEN = "Something went wrong on our side. It is written down for those who run the portal."

Told = Callable[[float], None]


class TooMany(Exception):
    """So many are being made for this person already."""


class Nothing(Exception):
    """There is nothing to put into the file."""


class _Lost(Exception):
    """Somebody else works on it now, or its row is gone."""


@dataclass(frozen=True)
class Made:
    """A file that was made, and the day whose score is in it."""

    name: str
    content: bytes
    day: date | None


@dataclass(frozen=True)
class Order:
    """What opens the door to a file, and what makes it."""

    to: Capability
    make: Callable[[Organization, User, Told], Made]


Orders = dict[str, Order]


def folder() -> Path:
    """Where the files lie: outside of anything that is served."""
    settings.EXPORT_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(settings.EXPORT_DIR)


def path_of(job: ExportJob) -> Path:
    return folder() / str(job.public_id)


def of(organization: Organization, user: User) -> QuerySet[ExportJob]:
    """What this person asked for in an organization they have opened, newest first."""
    jobs: QuerySet[ExportJob] = organization.export_jobs.filter(by=user)
    return jobs.order_by("-pk")


# ---------- asking ----------


@transaction.atomic
def ask(organization: Organization, what: str, *, by: User) -> ExportJob:
    """A new job; the same that waits already is not made twice.

    raises  TooMany while as many as may are being made
    """
    User.objects.select_for_update().filter(pk=by.pk).first()  # two clicks at once are one after the other
    mine = of(organization, by)
    pending = mine.filter(state__in=(ExportState.WAITING, ExportState.MAKING))
    if same := pending.filter(what=what).first():
        return same
    if pending.count() >= MOST_WAITING:
        raise TooMany
    for old in mine[MOST_KEPT - 1 :]:
        _remove(old)
    return ExportJob.objects.create(
        organization=organization, by=by, what=what, in_english=by.is_viewing_in_english
    )


@transaction.atomic
def again(job: ExportJob) -> bool:
    """Whether the job waits once more: only one that failed does."""
    failed = ExportJob.objects.filter(pk=job.pk, state=ExportState.FAILED)
    return bool(failed.update(state=ExportState.WAITING, done=0, tries=0, why="", held_until=None))


# ---------- making ----------


def work(orders: Orders, *, now: Callable[[], datetime] = timezone.now) -> int:
    """Make everything that waits, one after the other; how many were taken up."""
    count = 0
    while (job := _claim(now())) is not None:
        count += 1
        _make(job, orders, now)
    return count


def _claim(now: datetime) -> ExportJob | None:
    """The oldest that waits, or was left by a worker that fell silent; held for a while by who asks."""
    free = Q(state=ExportState.WAITING) | Q(state=ExportState.MAKING, held_until__lt=now)
    for job in ExportJob.objects.filter(free).order_by("pk")[:10]:
        until = now + timedelta(seconds=settings.LEASE_SECONDS)
        taken = ExportJob.objects.filter(free, pk=job.pk, tries=job.tries)
        if taken.update(state=ExportState.MAKING, held_until=until, tries=F("tries") + 1, done=0):
            return ExportJob.objects.select_related("by", "organization").get(pk=job.pk)
    return None


def _make(job: ExportJob, orders: Orders, now: Callable[[], datetime]) -> None:
    """The file, or why there is none; what a person may is asked again, as of now."""
    try:
        if job.tries > TRIES:
            raise RuntimeError(f"Export {job.pk} was left unfinished {TRIES} times.")
        order = orders[job.what]
        job.by.is_viewing_in_english = job.in_english
        organization = open_organization(job.by, job.organization.slug, to=order.to)
        made = order.make(organization, job.by, lambda part: _tell(job, part, now))
        if len(made.content) > MOST_BYTES:
            _fail(job, TOO_LARGE)
            return
        _finish(job, made, now)
    except (Http404, PermissionDenied):
        _fail(job, NO_ACCESS)
    except Nothing:
        _fail(job, NO_SCORE)
    except _Lost:
        log.warning("Export %s is somebody else's now", job.pk)
    except Exception:
        log.exception("Export %s could not be made", job.pk)
        _fail(job, BROKEN)


def _mine(job: ExportJob) -> QuerySet[ExportJob]:
    """The row while this worker holds it: every claim counts one try up."""
    return ExportJob.objects.filter(pk=job.pk, state=ExportState.MAKING, tries=job.tries)


def _tell(job: ExportJob, part: float, now: Callable[[], datetime]) -> None:
    """Say how far it is, at most once a percent, and hold on to it."""
    percent = min(99, int(100 * part))
    if percent == job.done:
        return
    job.done = percent
    until = now() + timedelta(seconds=settings.LEASE_SECONDS)
    if not _mine(job).update(done=percent, held_until=until):
        raise _Lost


def _finish(job: ExportJob, made: Made, now: Callable[[], datetime]) -> None:
    """The file first, under a name of its own; then the row that says that it is there."""
    target = path_of(job)
    part = target.with_suffix(f".{job.tries}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(made.content)
    with transaction.atomic():
        fields: dict[str, Any] = {
            "state": ExportState.DONE,
            "done": 100,
            "name": made.name[:200],
            "size": len(made.content),
            "data_day": made.day,
            "made_at": now(),
            "held_until": None,
        }
        if not _mine(job).update(**fields):
            part.unlink()
            raise _Lost
        part.replace(target)


def _fail(job: ExportJob, why: str) -> None:
    _mine(job).update(state=ExportState.FAILED, why=why, held_until=None)


# ---------- fetching, and the end of a file ----------


def opened(job: ExportJob) -> BinaryIO | None:
    """The file to read from; None while there is none."""
    if job.state != ExportState.DONE:
        return None
    try:
        return path_of(job).open("rb")
    except FileNotFoundError:
        log.error("The file of export %s is gone", job.pk)
        return None


def kept_days() -> int:
    """How long a file can be fetched."""
    return int(settings.EXPORT_DAYS)


def expire(*, now: datetime | None = None) -> int:
    """Remove what is older than EXPORT_DAYS, and files that belong to no row; how many jobs went."""
    before = (now or timezone.now()) - timedelta(days=settings.EXPORT_DAYS)
    old = list(ExportJob.objects.filter(asked_at__lt=before))
    for job in old:
        _remove(job)
    known = {str(public_id) for public_id in ExportJob.objects.values_list("public_id", flat=True)}
    for path in folder().iterdir():
        is_old = datetime.fromtimestamp(path.stat().st_mtime, before.tzinfo) < before
        if path.stem not in known and is_old:
            path.unlink(missing_ok=True)
    return len(old)


def _remove(job: ExportJob) -> None:
    """The file first: what has no row can no longer be fetched, what has no file must not be offered."""
    path_of(job).unlink(missing_ok=True)
    job.delete()
