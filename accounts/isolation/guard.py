"""A process of the house does not start in production where the wall could be passed."""

import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from accounts.isolation.policies import standing, tenants, wanted
from accounts.isolation.scopes import EVERYBODY

log = logging.getLogger(__name__)

ONCE = "accounts.isolation.guard"

# About the role that logged in, whatever it acts as now.
ROLE = """
SELECT rolname, rolsuper, rolbypassrls,
       EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace
                  AND c.relkind IN ('r', 'p') AND pg_has_role(me.oid, c.relowner, 'USAGE')),
       EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s AND pg_has_role(me.oid, oid, 'MEMBER')),
       EXISTS (SELECT 1 FROM pg_roles r WHERE (r.rolsuper OR r.rolbypassrls) AND r.oid <> me.oid
                  AND pg_has_role(me.oid, r.oid, 'USAGE'))
  FROM pg_roles me WHERE rolname = session_user
"""


def faults(on: BaseDatabaseWrapper) -> list[str]:
    """Why this connection must not serve anybody; empty when the wall stands."""
    if on.vendor != "postgresql":
        return []
    with on.cursor() as cursor:
        cursor.execute(ROLE, [EVERYBODY])
        role, is_super, may_bypass, owns, may_act_for_everyone, inherits = cursor.fetchone()
    named = f'DATABASE_URL names the role "{role}"'
    found = []
    if is_super:
        found.append(f"{named}, a superuser: row-level security does not hold it back.")
    if may_bypass:
        found.append(f"{named}, which has BYPASSRLS: row-level security does not hold it back.")
    if owns and not is_super:
        found.append(f"{named}, which owns tables: only `manage.py migrate` runs as their owner.")
    if inherits and not is_super:
        found.append(
            f"{named}, which inherits a role that row-level security does not hold back: NOINHERIT it."
        )
    if not may_act_for_everyone:
        found.append(f"{named}, which may not act as {EVERYBODY}: see deploy/roles.sql.")
    there = standing(on)
    for table, model in sorted(tenants().items()):
        if table in there:
            is_on, is_forced, marks = there[table]
            if not is_on or not is_forced or set(marks) != {policy.name for policy in wanted(model)}:
                found.append(
                    f"The wall around the table {table} is down: run `manage.py migrate` as the owner."
                )
    return found


def stand() -> None:
    """Refuse to serve in production behind a wall that does not hold: now, or once the database answers.

    raises  ImproperlyConfigured with every fault
    """
    if not settings.PRODUCTION or connection.vendor != "postgresql":
        return
    connection_created.connect(_look, dispatch_uid=ONCE)
    connection.close()
    try:
        connection.ensure_connection()
    except OperationalError as away:
        log.warning("The database does not answer yet; the wall is looked at when it does: %s", away)
    finally:
        connection.close()
        # Not open across a fork, and a refusal would wait for the threads of the pool.
        connection.close_pool()  # type: ignore[attr-defined]


def _look(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """At every connection until one was found in order."""
    if connection.alias != DEFAULT_DB_ALIAS:
        return
    if found := faults(connection):
        connection.close()  # or the next request would find it open and ask nothing
        raise ImproperlyConfigured(" ".join(found))
    connection_created.disconnect(dispatch_uid=ONCE)


def wall_stands(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The same for `manage.py check --deploy --database default`, in the runtime role."""
    return [
        Error(fault, id="accounts.E001") for alias in databases or () for fault in faults(connections[alias])
    ]
