"""Two plans at one time are refused by the database itself, whoever writes: made after every migration.

Not by a migration: on SQLite Django rebuilds a table to alter it, and its triggers vanish without a word.
"""

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.models import PlanInterval

TABLE = PlanInterval._meta.db_table
NAME = "plan_intervals_do_not_overlap"

# The organization as a range of one: what compares numbers in such a constraint would need an extension.
EXCLUSION = f"""
ALTER TABLE {TABLE} ADD CONSTRAINT {NAME} EXCLUDE USING gist (
  int8range(organization_id, organization_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
"""

TRIGGER = f"""
CREATE TRIGGER IF NOT EXISTS {NAME}_{{event}} BEFORE {{event}} ON {TABLE}
WHEN EXISTS (
  SELECT 1 FROM {TABLE} AS other
  WHERE other.organization_id = NEW.organization_id AND {{is_other}}
    AND (NEW.ends_at IS NULL OR other.starts_at < NEW.ends_at)
    AND (other.ends_at IS NULL OR NEW.starts_at < other.ends_at))
BEGIN SELECT RAISE(ABORT, '{NAME}'); END
"""  # noqa: S608 - nothing but the constants of this module
EVENTS = {"insert": "TRUE", "update": "other.id <> OLD.id"}  # a row that is new has no id yet


def build(using: str, **_: Any) -> None:
    """Make what is missing; calling again changes nothing."""
    connection = connections[using]
    if TABLE not in connection.introspection.table_names():  # migrated back to nothing
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            if not guards(connection):
                cursor.execute(EXCLUSION)
        else:
            for event, is_other in EVENTS.items():
                cursor.execute(TRIGGER.format(event=event, is_other=is_other))


def guards(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of the guards that stand: one constraint on PostgreSQL, two triggers on SQLite."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT conname FROM pg_constraint WHERE conname = %s", [NAME])
        else:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
                " AND name LIKE %s ORDER BY name",
                [TABLE, f"{NAME}%"],
            )
        return [name for (name,) in cursor.fetchall()]
