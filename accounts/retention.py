"""What of the audit log is too old is removed, whole sealed segments at a time, and the log says so.

The seals themselves stay, so the chain can be followed to its beginning. The database refuses everything else
(accounts.triggers).
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit, seals
from accounts.models import Action, Actor, AuditEntry, AuditRetirement, AuditSeal

log = logging.getLogger("audit.retention")


class Kept(Exception):
    """The database keeps what the setting would remove: it still has the number of the last migration."""


def retire(*, at: datetime | None = None) -> AuditRetirement | None:
    """What was removed now, sealed into the log; None when no whole segment is older than AUDIT_DAYS.

    raises  Kept when the database does not let go of it
    """
    before = (at or timezone.now()) - timedelta(days=settings.AUDIT_DAYS)
    with audit.during(audit.Asked(Actor.NIGHT)):
        try:
            with transaction.atomic():
                new = _retire(before)
        except IntegrityError as error:
            raise Kept(
                f"The database does not remove entries from before {before:%Y-%m-%d}. AUDIT_DAYS was lowered "
                "since the last migration: run `manage.py migrate` once, as the owner."
            ) from error
        if new is not None:
            log.info("Removed %s entries, up to seal %s, sha256 %s", new.entries, new.number, new.digest)
            seals.seal()
    return new


def _retire(before: datetime) -> AuditRetirement | None:
    last = AuditRetirement.objects.order_by("number").last()
    due: list[AuditSeal] = []
    for each in AuditSeal.objects.filter(number__gt=last.number if last else 0).order_by("number"):
        if any(_entries(stretch).filter(at__gte=before).exists() for stretch in each.stretches):
            break
        due.append(each)
    if not due:
        return None
    newest, count = due[-1], sum(each.count for each in due)
    new = AuditRetirement.objects.create(
        number=newest.number, digest=newest.digest, entries=count, before=before
    )
    audit.record(
        Action.RETIRED,
        target=("seal", newest.number),
        after={"entries": count, "before": f"{before:%Y-%m-%d}", "digest": newest.digest},
    )
    for each in due:
        for stretch in each.stretches:
            _entries(stretch).delete()
    return new


def _entries(stretch: list[int]) -> QuerySet[AuditEntry]:
    first, last = stretch
    return AuditEntry.objects.filter(pk__gte=first, pk__lte=last)
