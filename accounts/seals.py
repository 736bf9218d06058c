"""Seals over the audit log: every segment's digest holds the one before, so a rewritten past shows.

No lock on the hot path: the night seals what is committed by then. A seal also goes to the log stream, out of
reach of whoever can write to the database.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import Action, Actor, AuditEntry, AuditRetirement, AuditSeal

log = logging.getLogger("audit.seal")

SEGMENT = 10_000  # entries at most
# No transaction lasts longer: a row that commits after its neighbors were sealed is looked for this far back.
LATE = timedelta(days=7)
LOWEST = -(2**63)  # no row is numbered below 1 by itself, but one could be planted there

COLUMNS = sorted(column.attname for column in AuditEntry._meta.concrete_fields)
Stretch = tuple[int, int]


class Broken(Exception):
    """The log is not what was sealed; says the first place where it differs."""


@dataclass(frozen=True)
class Verified:
    """What was found in order."""

    seals: int
    entries: int
    unsealed: int
    newest: AuditSeal | None
    retired: int = 0  # of the seals: their entries were removed when their time was over


def seal() -> list[AuditSeal]:
    """The seals made just now over everything committed; none when nothing but seals has happened."""
    made = []
    with audit.during(audit.Asked(Actor.NIGHT)):
        numbers = _unsealed()
        while numbers and AuditEntry.objects.filter(pk__in=numbers[:SEGMENT]).exclude(action=Action.SEALED):
            if (new := _seal(numbers[:SEGMENT])) is None:
                break  # somebody else is at it
            made.append(new)
            numbers = numbers[SEGMENT:]
    return made


def _seal(numbers: list[int]) -> AuditSeal | None:
    last = AuditSeal.objects.order_by("number").last()
    stretches = _stretches(numbers)
    number, previous = (last.number + 1, last.digest) if last else (1, "")
    new = AuditSeal(
        number=number,
        stretches=[list(each) for each in stretches],
        first=numbers[0],
        last=numbers[-1],
        count=len(numbers),
        previous=previous,
        digest=_digest(number, previous, _rows(stretches)),
    )
    try:
        with transaction.atomic():
            new.save(force_insert=True)
            # Inside the log, too: whoever removes the newest seal must also remove this line.
            audit.record(
                Action.SEALED,
                target=("seal", number),
                after={"count": new.count, "digest": new.digest},
            )
    except IntegrityError:
        return None
    log.info("Seal %s: %s entries, %s to %s, sha256 %s", number, new.count, new.first, new.last, new.digest)
    return new


def verify(*, expected: tuple[int, str] | None = None) -> Verified:
    """What is in order; raise Broken naming the first segment or row that is not what was sealed.

    expected    number and digest of a seal, as the log stream has it
    """
    covered: list[Stretch] = []
    previous, entries, newest = "", 0, None
    retired = AuditRetirement.objects.order_by("number").last()
    gone = retired.number if retired else 0
    for place, each in enumerate(AuditSeal.objects.order_by("number").iterator(), start=1):
        if each.number != place:
            raise Broken(f"Seal {place} is missing; the next one there is {each.number}.")
        if each.previous != previous:
            raise Broken(f"Seal {each.number} does not follow the seal before it.")
        stretches: list[Stretch] = [(first, last) for first, last in each.stretches]
        if each.number <= gone:
            _check_gone(each, stretches)
        elif _digest(each.number, previous, _whole(each, stretches)) != each.digest:
            raise Broken(
                f"Segment {each.number} is not what was sealed on {each.sealed_at:%Y-%m-%d %H:%M} UTC: "
                f"something in entries {each.first} to {each.last} was changed."
            )
        if expected and expected[0] == each.number and expected[1] != each.digest:
            raise Broken(f"Seal {each.number} is another one than expected: its segment was sealed again.")
        covered += stretches
        previous, newest = each.digest, each
        entries += 0 if each.number <= gone else each.count
        if retired and each.number == gone and each.digest != retired.digest:
            raise Broken(f"Seal {gone} is another one than the seal whose segment was removed.")
    if expected and (newest is None or newest.number < expected[0]):
        raise Broken(f"Seal {expected[0]} is missing; the newest is {newest.number if newest else 'none'}.")
    _check_promised(newest)
    if retired:
        _check_said(retired, newest)
    unsealed = _check_unsealed(covered, newest)
    return Verified(newest.number if newest else 0, entries, unsealed, newest, gone)


def _check_gone(each: AuditSeal, stretches: list[Stretch]) -> None:
    """Raise Broken if something stands where a segment was removed."""
    for first, last in stretches:
        back = AuditEntry.objects.filter(pk__gte=first, pk__lte=last).order_by("pk").first()
        if back is not None:
            raise Broken(f"Entry {back.pk} stands in segment {each.number}, which was removed.")


def _check_said(retired: AuditRetirement, newest: AuditSeal | None) -> None:
    """Raise Broken if the log itself does not say that its oldest segments were removed."""
    if newest is None or newest.number < retired.number:
        raise Broken(f"Seal {retired.number} is missing, whose segment was removed.")
    said = AuditEntry.objects.filter(action=Action.RETIRED, target_id=str(retired.number)).first()
    if said is None or said.after.get("digest") != retired.digest:
        raise Broken(f"The log does not say that its segments up to {retired.number} were removed.")


def _whole(each: AuditSeal, stretches: list[Stretch]) -> Iterator[AuditEntry]:
    """The segment's rows; raise Broken at the first that is missing."""
    wanted = (number for first, last in stretches for number in range(first, last + 1))
    for row in _rows(stretches):
        number = next(wanted)
        if row.pk != number:
            raise Broken(f"Entry {number} of segment {each.number} is missing.")
        yield row
    if (number := next(wanted, 0)) != 0:
        raise Broken(f"Entry {number} of segment {each.number} is missing.")


def _check_promised(newest: AuditSeal | None) -> None:
    """The log's own lines say which seals were made."""
    said = AuditEntry.objects.filter(action=Action.SEALED).order_by("-pk").first()
    if said is not None and (newest is None or newest.number < int(said.target_id)):
        raise Broken(f"Seal {said.target_id} is missing: entry {said.pk} says that it was made.")


def _check_unsealed(covered: list[Stretch], newest: AuditSeal | None) -> int:
    """How many entries wait for their seal; raise Broken at one that should have it."""
    if newest is None:
        return AuditEntry.objects.count()
    loose = _loose(covered, LOWEST)
    old = (
        AuditEntry.objects.filter(pk__in=loose[:1000], at__lt=newest.sealed_at - LATE).order_by("pk").first()
    )
    if old is not None:
        raise Broken(f"Entry {old.pk} lies between sealed ones and is in no seal.")
    return len(loose)


def _unsealed() -> list[int]:
    """Numbers of committed entries in no seal, ascending."""
    recent = timezone.now() - LATE
    after = AuditSeal.objects.filter(sealed_at__lt=recent).aggregate(last=Max("last"))["last"] or 0
    seals = AuditSeal.objects.filter(sealed_at__gte=recent)
    return _loose([(first, last) for each in seals for first, last in each.stretches], after)


def _loose(covered: list[Stretch], after: int) -> list[int]:
    """Numbers of entries above `after` that are in none of the stretches."""
    stretches = iter(sorted(covered))
    first, last = next(stretches, (0, 0))
    loose = []
    for number in (
        AuditEntry.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True).iterator()
    ):
        while last and number > last:
            first, last = next(stretches, (0, 0))
        if not last or number < first:
            loose.append(number)
    return loose


def _stretches(numbers: Iterable[int]) -> list[Stretch]:
    """Ascending numbers as stretches without a hole."""
    found: list[Stretch] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _rows(stretches: list[Stretch]) -> Iterator[AuditEntry]:
    for first, last in stretches:
        yield from AuditEntry.objects.filter(pk__gte=first, pk__lte=last).order_by("pk").iterator()


def _digest(number: int, previous: str, rows: Iterable[AuditEntry]) -> str:
    """sha256 over the seal before, the number, and every column of every row."""
    made = hashlib.sha256(f"{previous}\n{number}\n".encode())
    for row in rows:
        values = [getattr(row, column) for column in COLUMNS]
        made.update(json.dumps(values, default=str, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return made.hexdigest()
