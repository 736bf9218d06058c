"""For whom the database is asked: every transaction is told before its first statement, and only for itself.

A setting of a session would reach the next client of a pooler; what is set here ends with its transaction.
So a process that works for long (a night, a command, a streamed answer) is not told once: each of its
transactions is, by `tell_first`, which every connection to PostgreSQL carries.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Literal

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

EVERYBODY = "portal_everyone"  # the role that no policy holds back


class House(Enum):
    """More than one could list."""

    EVERYONE = "everyone"


EVERYONE: Literal[House.EVERYONE] = House.EVERYONE
NOBODY: tuple[int, ...] = ()
Organizations = Iterable[int] | Literal[House.EVERYONE]


@dataclass(frozen=True)
class Scope:
    """What the database is told: organizations as text, whose own rows besides, the role it is asked in."""

    organizations: str = ""  # ids, with commas between
    person: str = ""  # id of the person who asks
    everyone: bool = False
    base: str = "none"  # the role to go back to: that of the connection

    @property
    def says_nothing(self) -> bool:
        """Nothing has to be told where nothing is to be seen: an untold transaction sees no row."""
        return not (self.organizations or self.person or self.everyone)


_scope: ContextVar[Scope | None] = ContextVar("scope", default=None)

# In one statement, and what was before comes back: `before` is read whole before anything is set.
TELL = """
WITH before AS MATERIALIZED (
  SELECT current_setting('role') AS role, current_setting('app.orgs', true) AS orgs,
         current_setting('app.user', true) AS person, rolsuper OR rolbypassrls AS is_free
    FROM pg_roles WHERE rolname = current_user
)
SELECT role, coalesce(orgs, ''), coalesce(person, ''), set_config('app.orgs', %s, true),
       set_config('app.user', %s, true),
       set_config('role', CASE WHEN %s THEN CASE WHEN is_free THEN role ELSE %s END ELSE %s END, true)
  FROM before
"""
GO_BACK = (
    "SELECT set_config('role', %s, true), set_config('app.orgs', %s, true), set_config('app.user', %s, true)"
)
Before = tuple[str, str, str]  # role, organizations, person


@contextmanager
def acting_for(organizations: Organizations, *, person: int | None = None) -> Generator[None]:
    """Inside, only these organizations exist (ids, or EVERYONE), whatever stood before; then that again.

    For tasks, commands, and look-ups that no person stands behind yet. Opens no transaction: one that is
    open is told now, and each that begins inside at its first statement. Also a decorator.
    """
    outer = _scope.get()
    scope = _said(organizations, person, base=outer.base if outer else "none")
    before: Before | None = None
    if _is_open(connection):
        before = _tell(connection, scope)
        if outer is None and before[0] != scope.base:
            scope = replace(scope, base=before[0])
            _tell(connection, scope)
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)
        if _is_open(connection):
            if before:
                _go_back(connection, before)
            else:  # the transaction began inside, and goes on outside
                _tell(connection, outer or Scope(base=scope.base))


def tell(organizations: Organizations, *, person: int | None = None) -> None:
    """From here to the end of the request, or of the `acting_for` around, only these organizations exist."""
    now = _scope.get()
    if now is None:
        raise RuntimeError(
            "tell() is for a request or for the inside of acting_for(): outside, it would never end."
        )
    scope = _said(organizations, person, base=now.base)
    _scope.set(scope)
    if _is_open(connection):
        _tell(connection, scope)


def current() -> Scope | None:
    """What is told now; None outside of any request and `acting_for`."""
    return _scope.get()


@contextmanager
def again(scope: Scope | None) -> Generator[None]:
    """Inside, transactions are told this: for what goes on after the request, as a streamed answer does."""
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)


def settle() -> None:
    """Tell the transaction now: for whoever speaks to the driver itself, past Django's cursors."""
    scope = _scope.get()
    if connection.vendor == "postgresql" and scope and not scope.says_nothing and not _is_open(connection):
        if not connection.in_atomic_block:
            raise RuntimeError(
                "settle() is for the inside of a transaction: without one, what is told is lost."
            )
        _tell(connection, scope)


def ask(sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The rows of a question of the wall's own: told like any other, and cheaper than a queryset."""
    with transaction.atomic(savepoint=False):
        settle()
        with connection.wrap_database_errors:
            return connection.connection.execute(sql, values).fetchall()


def carry(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Let this connection tell its transactions; connected to `connection_created`."""
    if connection.vendor == "postgresql" and tell_first not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, tell_first)


def tell_first(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Run a statement; the first of its transaction is preceded by what the transaction is told."""
    scope, on = _scope.get(), context["connection"]
    if scope is None or scope.says_nothing or _has_begun(on):
        return execute(sql, params, many, context)
    if on.in_atomic_block:
        _tell(on, scope)
        return execute(sql, params, many, context)
    with transaction.atomic(using=on.alias):  # a statement by itself: it gets a transaction to be told
        _tell(on, scope)
        return execute(sql, params, many, context)


def _said(organizations: Organizations, person: int | None, base: str) -> Scope:
    who = "" if person is None else str(int(person))
    if isinstance(organizations, House):
        return Scope(person=who, everyone=True, base=base)
    return Scope(",".join(str(int(number)) for number in organizations), who, base=base)


def _is_open(on: Any) -> bool:
    """Whether a transaction is under way that can be told something."""
    if on.vendor != "postgresql" or on.connection is None:
        return False
    return bool(on.connection.info.transaction_status == on.Database.pq.TransactionStatus.INTRANS)


def _has_begun(on: Any) -> bool:
    """Whether the server is inside a transaction, sound or broken."""
    return bool(on.connection.info.transaction_status != on.Database.pq.TransactionStatus.IDLE)


def _tell(on: BaseDatabaseWrapper, scope: Scope) -> Before:
    """Set it for this transaction, past Django's cursors; what was before."""
    values = (scope.organizations, scope.person, scope.everyone, EVERYBODY, scope.base)
    with on.wrap_database_errors:
        role, organizations, person, *_ = on.connection.execute(TELL, values).fetchone()
    return role, organizations, person


def _go_back(on: BaseDatabaseWrapper, before: Before) -> None:
    with on.wrap_database_errors:
        on.connection.execute(GO_BACK, before)
