"""What the database itself refuses: a row of the audit log is never changed, and removed only in its time.

The one way out (accounts.retention): entries of whole sealed segments that a retirement names, each older
than AUDIT_DAYS as it was at the last `migrate`. Whoever lowers it must migrate, which only the owner can.

Made after every migration, not in one: SQLite rebuilds a table to alter it, and its triggers vanish then.
"""

from typing import Any

from django.conf import settings
from django.db import connections

ENTRIES = "accounts_auditentry"
KEPT = (ENTRIES, "accounts_auditseal", "accounts_auditretirement")
VERBS = ("update", "delete")
RUNTIME_ROLES = ("portal_app", "portal_everyone")
NIGHTS_ROLE = "portal_everyone"  # the night's alone; a page takes it only to show staff everything

REFUSE = """
CREATE OR REPLACE FUNCTION accounts_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit log is insert-only: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$
"""

# Whether OLD lies in a segment that a retirement names; the brackets differ between the two databases.
IS_RETIRED = """
EXISTS (
  SELECT 1 FROM accounts_auditseal AS seal, {stretches} AS stretch
  WHERE seal.first <= OLD.id AND seal.last >= OLD.id
    AND seal.number <= (SELECT coalesce(max(number), 0) FROM accounts_auditretirement)
    AND OLD.id BETWEEN {first} AND {last})
"""

REFUSE_REMOVAL = """
CREATE OR REPLACE FUNCTION accounts_retired_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.at < now() - interval '{days} days' AND {is_retired} THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'The audit log is insert-only: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$
"""


def names() -> list[str]:
    """The triggers that must be there."""
    return [f"{table}_no_{verb}" for table in KEPT for verb in VERBS]


def build(using: str = "default", **_: Any) -> None:
    """The triggers as this code has them; on PostgreSQL the runtime roles also lose the right to try."""
    connection = connections[using]
    if not set(KEPT) <= set(connection.introspection.table_names()):  # migrated back to before it
        return
    if connection.vendor == "sqlite":
        _build_on_sqlite(using)
    else:
        _build_on_postgresql(using)


def _build_on_sqlite(using: str) -> None:
    retired = IS_RETIRED.format(
        stretches="json_each(seal.stretches)",
        first="json_extract(stretch.value, '$[0]')",
        last="json_extract(stretch.value, '$[1]')",
    )
    is_over = f"OLD.at < strftime('%Y-%m-%d %H:%M:%f', 'now', '-{settings.AUDIT_DAYS} days') AND {retired}"
    with connections[using].cursor() as cursor:
        for table in KEPT:
            for verb in VERBS:
                unless = f"WHEN NOT ({is_over})" if (table, verb) == (ENTRIES, "delete") else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
                cursor.execute(
                    f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} {unless} "
                    f"BEGIN SELECT RAISE(ABORT, 'The audit log is insert-only: {verb} is refused'); END"
                )


def _build_on_postgresql(using: str) -> None:
    retired = IS_RETIRED.format(
        stretches="jsonb_array_elements(seal.stretches)",
        first="(stretch.value ->> 0)::bigint",
        last="(stretch.value ->> 1)::bigint",
    )
    with connections[using].cursor() as cursor:
        cursor.execute(REFUSE)
        cursor.execute(REFUSE_REMOVAL.format(days=settings.AUDIT_DAYS, is_retired=retired))
        for table in KEPT:
            for verb in VERBS:
                is_way_out = (table, verb) == (ENTRIES, "delete")
                refuses = "accounts_retired_only" if is_way_out else "accounts_insert_only"
                cursor.execute(
                    f"CREATE OR REPLACE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
                    f"FOR EACH ROW EXECUTE FUNCTION {refuses}()"
                )
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(RUNTIME_ROLES)])
        for (role,) in cursor.fetchall():
            for table in KEPT:
                cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")
            if role == NIGHTS_ROLE:
                cursor.execute(f"GRANT DELETE ON {ENTRIES} TO {role}")  # what of it, the trigger says


def remove(using: str = "default") -> None:
    """Take the triggers away, as only an owner can: for whoever must mend a log, and for the suite."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for table in KEPT:
            for verb in VERBS:
                where = "" if connection.vendor == "sqlite" else f" ON {table}"
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}{where}")


def standing(using: str = "default") -> list[str]:
    """The triggers that are there."""
    connection = connections[using]
    catalog = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    )
    with connection.cursor() as cursor:
        cursor.execute(catalog)
        there = {row[0] for row in cursor.fetchall()}
    return [name for name in names() if name in there]
