"""What stands in the database: a policy on every table with an organization, and the runtime roles' rights.

Made after every migration from the list of models, so that no table is forgotten. Nothing to add for a new
model; one that differs says so by `wall = "…"`, see KINDS.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

TENANT = "accounts.Organization"
RUNTIME_ROLES = ("portal_app", "portal_everyone")

# The inner SELECT is asked once a statement; without it the list is parsed again for each row.
MAY = """{column} = ANY
  ((SELECT string_to_array(nullif(current_setting('app.orgs', true), ''), ',')::bigint[])::bigint[])"""
OWN = "user_id = (SELECT nullif(current_setting('app.user', true), '')::bigint)"


@dataclass(frozen=True)
class Policy:
    """Which rows there are to a command, and which may be written."""

    name: str
    command: str  # ALL, SELECT, INSERT
    using: str = ""
    check: str = ""

    def sql(self, table: str) -> str:
        using = f" USING ({self.using})" if self.using else ""
        check = f" WITH CHECK ({self.check})" if self.check else ""
        return f'CREATE POLICY "{self.name}" ON "{table}" FOR {self.command}{using}{check}'

    def mark(self, table: str) -> str:
        """Kept as the policy's comment: another mark is another policy, and it is made anew."""
        return hashlib.sha256(self.sql(table).encode()).hexdigest()[:16]


def usual(column: str) -> list[Policy]:
    may = MAY.format(column=column)
    return [Policy("organization", "ALL", may, may)]


def shared(column: str) -> list[Policy]:
    """Rows without organization are everybody's to read."""
    return [*usual(column), Policy("shared", "SELECT", f"{column} IS NULL")]


def own(column: str) -> list[Policy]:
    """A person's own rows are theirs to read, wherever; not to write."""
    return [*usual(column), Policy("own", "SELECT", OWN)]


def log(column: str) -> list[Policy]:
    """Anybody adds a line; what stands there is the organization's."""
    may = MAY.format(column=column)
    return [Policy("organization", "SELECT", may), Policy("written", "INSERT", check="true")]


def house(column: str) -> list[Policy]:
    """Of many organizations at once, without saying whose: nobody's but the house's."""
    return [Policy("house", "ALL", "false", "false")]


# What a model may say of itself as `wall`; without a word, "usual".
KINDS = {"usual": usual, "shared": shared, "own": own, "log": log, "house": house}


def column_of(model: type[models.Model]) -> str | None:
    """The column that says whose a row is; None for a table outside the wall."""
    meta = model._meta
    if meta.proxy or not meta.managed:
        return None
    if meta.label == TENANT:
        return meta.pk.column
    for field in meta.concrete_fields:
        if field.name == "organization" and field.is_relation and _label(field.related_model) == TENANT:
            return field.column
    return "" if getattr(model, "wall", "") == "house" else None


def _label(model: Any) -> str:
    return model if isinstance(model, str) else model._meta.label


def tenants(among: Iterable[type[models.Model]] | None = None) -> dict[str, type[models.Model]]:
    """Every table behind the wall and its model, those that link organizations to others too."""
    every = apps.get_models(include_auto_created=True) if among is None else among
    return {model._meta.db_table: model for model in every if column_of(model) is not None}


def wanted(model: type[models.Model]) -> list[Policy]:
    """The policies of a table behind the wall."""
    kind = getattr(model, "wall", "usual")
    if kind not in KINDS:
        raise ImproperlyConfigured(
            f"{model._meta.label}.wall must be one of {', '.join(KINDS)}, not {kind!r}."
        )
    return KINDS[kind](f'"{column_of(model)}"')


# name, enabled, forced, policies and their marks
STANDING = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
       coalesce(jsonb_object_agg(p.polname, coalesce(obj_description(p.oid, 'pg_policy'), ''))
                FILTER (WHERE p.polname IS NOT NULL), '{}')::text
  FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
 GROUP BY c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity
"""


def standing(connection: BaseDatabaseWrapper) -> dict[str, tuple[bool, bool, dict[str, str]]]:
    """Of every table: whether the wall is up, whether it holds the owner back, and its policies' marks."""
    import json

    with connection.cursor() as cursor:
        cursor.execute(STANDING)
        return {name: (on, forced, json.loads(marks)) for name, on, forced, marks in cursor.fetchall()}


def build(using: str = "default", **_: Any) -> None:
    """Make what is missing or has changed; calling again changes nothing."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    there = standing(connection)
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for table, model in tenants().items():
            if table not in there:  # migrated back to before it
                continue
            is_on, is_forced, marks = there[table]
            policies = wanted(model)
            if marks != {policy.name: policy.mark(table) for policy in policies}:
                if column_of(model) and not _has(cursor, table, str(column_of(model))):
                    continue
                for name in marks:
                    cursor.execute(f'DROP POLICY "{name}" ON "{table}"')
                for policy in policies:
                    cursor.execute(policy.sql(table))
                    cursor.execute(
                        f'COMMENT ON POLICY "{policy.name}" ON "{table}" IS \'{policy.mark(table)}\''
                    )
            if not is_on:
                cursor.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
            if not is_forced:
                cursor.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
        _grant(cursor)


def _has(cursor: Any, table: str, column: str) -> bool:
    cursor.execute(
        "SELECT 1 FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = %s AND column_name = %s",
        [table, column],
    )
    return cursor.fetchone() is not None


# What a role may not use yet; the audit log stays without UPDATE and DELETE (accounts.triggers).
UNUSABLE = """
SELECT c.relname, r.rolname, c.relkind = 'S'
  FROM pg_class c CROSS JOIN pg_roles r
 WHERE c.relnamespace = current_schema()::regnamespace AND r.rolname = ANY (%s)
   AND CASE WHEN c.relkind IN ('r', 'p', 'v') THEN NOT has_table_privilege(r.oid, c.oid, 'INSERT')
            WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(r.oid, c.oid, 'USAGE') END
"""


def _grant(cursor: Any) -> None:
    """What the owner made, the runtime roles may use; what they may see is the policies' matter."""
    cursor.execute(UNUSABLE, [list(RUNTIME_ROLES)])
    for name, role, is_sequence in cursor.fetchall():
        what = (
            f'USAGE, SELECT ON SEQUENCE "{name}"'
            if is_sequence
            else f'SELECT, INSERT, UPDATE, DELETE ON "{name}"'
        )
        cursor.execute(f"GRANT {what} TO {role}")
