"""A file of organizations from a page: tried first, kept until somebody says yes to what it would do."""

import gzip
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.intake.customers import import_organizations
from accounts.intake.maps import IntakeRefused
from accounts.intake.report import IntakeReport
from accounts.models import Upload, User

MOST_BYTES = 5 * 1024 * 1024  # as sent
MOST_LINES = 20_000  # a page answers while somebody waits; the command takes any number
LONGEST_NAME = 60  # characters: even of four bytes each, a file can be called that
MOST_RATIO = 100  # unpacked to packed
KEPT = timedelta(days=1)


class TakenAlready(Exception):
    """The file has gone in, or its day is over."""


def receive(name: str, content: bytes, *, by: User, now: datetime | None = None) -> Upload:
    """The file, tried and kept with its report; nothing of it is in.

    raises  IntakeRefused when the file as a whole cannot be used; it is not kept then
    """
    now = now or timezone.now()
    name = (
        audit.printable(Path(name.replace("\\", "/")).name, LONGEST_NAME).strip(". ") or "organizations.csv"
    )
    if len(content) > MOST_BYTES:
        raise IntakeRefused(
            f"{name} is larger than {MOST_BYTES // 1024 // 1024} MiB; "
            "manage.py import_organizations takes it."
        )
    report = _import(name, content, by=by, is_dry_run=True)
    Upload.objects.filter(sent_at__lt=now - KEPT).delete()
    return Upload.objects.create(by=by, name=name, content=gzip.compress(content), report=report.as_json())


def waiting(public_id: str, *, by: User) -> Upload | None:
    """The file of this person with this id, taken or not."""
    return Upload.objects.filter(public_id=public_id, by=by).first()


@transaction.atomic
def take(upload: Upload, *, by: User, now: datetime | None = None) -> Upload:
    """The file with the report on what went in; raise TakenAlready when that has been."""
    held = Upload.objects.select_for_update(of=("self",)).filter(pk=upload.pk, taken_at=None).first()
    if held is None:
        raise TakenAlready(f"{upload.name} is in already.")
    report = _import(held.name, gzip.decompress(held.content), by=by, is_dry_run=False)
    held.report, held.taken_at, held.content = report.as_json(), now or timezone.now(), b""
    held.save(update_fields=["report", "taken_at", "content"])
    return held


def _import(name: str, content: bytes, *, by: User, is_dry_run: bool) -> IntakeReport:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return import_organizations(
                path,
                is_dry_run=is_dry_run,
                by=by,
                most_lines=MOST_LINES,
                most_bytes=min(10 * MOST_BYTES, max(MOST_RATIO * len(content), 1024 * 1024)),
            )
        except IntakeRefused as refused:  # speaks of the path, which is ours
            raise IntakeRefused(str(refused).replace(f"{folder}/", "")) from refused
