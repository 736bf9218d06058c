"""One line in the memory of the house: what was done, with the change; what was refused, after the rollback.

Nothing is read here (accounts.trail) and nothing sealed (accounts.seals).
"""

import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.isolation import EVERYONE, acting_for
from accounts.models import Action, Actor, AuditEntry, Organization, Result, User

log = logging.getLogger(__name__)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PERSONAL = frozenset({"email", "name", "phone"})  # fields that enter the log as a hash
SECRET = frozenset({"password", "token", "secret", "key", "code"})  # fields of which only "was set" enters
LONGEST_AGENT = 200

Target = Model | tuple[str, object] | None
Values = Mapping[str, Any]


@dataclass
class Asked:
    """Who is asking, and from where, as long as one request or command lasts."""

    actor_type: Actor
    person: Callable[[], User | None] = lambda: None
    # Whom that person sees the portal as, and the role that lets them: both names stand on every line.
    seen: Callable[[], User | None] = lambda: None
    seen_hat: str = ""
    request_id: str = ""
    address: str | None = None
    agent: str = ""
    page: str = ""
    # Refusals until the request is over, its transaction with them; None: there is nothing to wait for.
    waiting: list[AuditEntry] | None = None


_asked: ContextVar[Asked | None] = ContextVar("asked", default=None)


@contextmanager
def during(asked: Asked) -> Generator[Asked]:
    """Entries inside are of this asker; what was refused inside is written at its end."""
    token = _asked.set(asked)
    try:
        yield asked
    finally:
        _asked.reset(token)
        _write_refusals(asked)


@contextmanager
def command(name: str) -> Generator[Asked]:
    """Entries inside are of a command that somebody started on the server."""
    with during(Asked(Actor.COMMAND, agent=f"manage.py {name}")) as asked:
        yield asked


def record(
    action: Action,
    *,
    by: User | None = None,
    hat: str = "",
    organization: Organization | None = None,
    target: Target = None,
    before: Values | None = None,
    after: Values | None = None,
    reason: str = "",
    on_behalf_of: User | None = None,
    once: tuple[timedelta, object] | None = None,
) -> None:
    """Write down what was done; in a transaction it stays or goes with the change itself.

    by      who did it; else whoever is asking
    once    a span and what is the same: within the span the same is written once
    """
    entry = _entry(action, Result.DONE, by, hat, organization, target, before, after, reason, on_behalf_of)
    _save(entry, once)


def record_all(
    action: Action,
    changes: Iterable[tuple[Organization, Target, Values]],
    *,
    by: User | None = None,
    hat: str = "",
) -> None:
    """Write down the same for many organizations at once: organization, target and what is now."""
    entries = [
        _entry(action, Result.DONE, by, hat, organization, target, None, after, "", None)
        for organization, target, after in changes
    ]
    AuditEntry.objects.bulk_create(entries, batch_size=1000)


def refused(
    action: Action,
    *,
    by: User | None = None,
    hat: str = "",
    organization: Organization | None = None,
    target: Target = None,
    after: Values | None = None,
    reason: str = "",
    once: tuple[timedelta, object] | None = None,
) -> None:
    """Write down what was refused, where no rollback takes it: in a request after its end, else now."""
    entry = _entry(action, Result.REFUSED, by, hat, organization, target, None, after, reason, None)
    entry.once = _once(entry, once)
    asked = _asked.get()
    if asked is not None and asked.waiting is not None:
        asked.waiting.append(entry)
    else:
        _save(entry, once)


def asking() -> Asked:
    """Whoever asks now, and from where; outside of a request and a command, nobody known."""
    return _asked.get() or Asked(Actor.COMMAND)


def has_refused() -> bool:
    """Whether a refusal of this request waits to be written."""
    asked = _asked.get()
    return asked is not None and bool(asked.waiting)


def redacted(values: Values | None) -> dict[str, Any]:
    """The values as the log may keep them: personal ones as a hash, secret ones not at all."""
    return {name: _kept(name, value) for name, value in (values or {}).items()}


def fingerprint(text: str) -> str:
    """The same for the same text, whatever its case, and nothing of the text: keyed, so not to be guessed."""
    return "hash:" + salted_hmac("accounts.audit", text.strip().lower(), algorithm="sha256").hexdigest()[:24]


def printable(text: str, most: int) -> str:
    """The text without control characters, cut."""
    return "".join(each for each in text if each.isprintable())[:most]


def _kept(name: str, value: Any) -> Any:
    if name in SECRET:
        return "set" if value else ""
    if name in PERSONAL:
        return fingerprint(str(value)) if value else ""
    return value if value is None or isinstance(value, bool | int) else str(value)


def _entry(
    action: Action,
    result: Result,
    by: User | None,
    hat: str,
    organization: Organization | None,
    target: Target,
    before: Values | None,
    after: Values | None,
    reason: str,
    on_behalf_of: User | None,
) -> AuditEntry:
    asked = asking()
    person = by or asked.person()
    seen = asked.seen()
    if seen is not None and (by is None or by.pk == seen.pk):
        person, on_behalf_of, hat = asked.person(), seen, asked.seen_hat
    kind, number = (
        (target._meta.model_name or "", target.pk) if isinstance(target, Model) else target or ("", "")
    )
    return AuditEntry(
        request_id=asked.request_id,
        actor_type=Actor.PERSON if person else asked.actor_type,
        actor=person,
        on_behalf_of=on_behalf_of,
        hat=hat,
        organization=organization,
        action=action,
        target_type=kind,
        target_id=printable(str(number), 120),
        result=result,
        reason=printable(reason, 300),
        address=asked.address,
        user_agent=printable(asked.agent, LONGEST_AGENT),
        before=redacted(before),
        after=redacted(after),
    )


def _once(entry: AuditEntry, once: tuple[timedelta, object] | None) -> str | None:
    if once is None:
        return None
    span, same = once
    number = int(timezone.now().timestamp() // span.total_seconds())
    return f"{entry.action}:{span.total_seconds():.0f}:{number}:{same}"[:120]


def _save(entry: AuditEntry, once: tuple[timedelta, object] | None = None) -> None:
    entry.once = _once(entry, once)
    _insert(entry)


@acting_for(EVERYONE)  # what happened is written whoever asks, and read back by its number
def _insert(entry: AuditEntry) -> None:
    if entry.once is None:
        entry.save(force_insert=True)
    elif not AuditEntry.objects.filter(once=entry.once).exists():
        AuditEntry.objects.bulk_create([entry], ignore_conflicts=True)


def _write_refusals(asked: Asked) -> None:
    """Each refusal by itself. One that cannot be written is told to the log, and the refusal stands."""
    for entry in asked.waiting or ():
        if not entry.target_type and asked.page:
            entry.target_type, entry.target_id = "page", asked.page
        try:
            with transaction.atomic(durable=not connection.in_atomic_block):
                _insert(entry)
        except DatabaseError:
            log.exception("A refusal could not be written down: %s of %s", entry.action, entry.target_id)
