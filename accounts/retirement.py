"""The names of an organization are given once: the database remembers them when one is deleted.

Made after every migration, as the triggers of the audit log are, and for the same reason.
"""

from typing import Any

from django.db import connections

from accounts.models import Organization, RetiredSlug

TABLE, RETIRED = Organization._meta.db_table, RetiredSlug._meta.db_table
GIVEN_ONCE = "The slug and external id of an organization that was deleted are not given again"

REMEMBER = f"""
INSERT INTO {RETIRED} (slug, external_id, name, number, retired_at)
VALUES (OLD.slug, OLD.external_id, OLD.name, OLD.id, CURRENT_TIMESTAMP)
"""  # noqa: S608 - nothing but the constants of this module
IS_RETIRED = f"""
EXISTS (SELECT 1 FROM {RETIRED} WHERE slug = NEW.slug OR external_id = NEW.external_id)
"""  # noqa: S608

FUNCTIONS = {
    "remember": f"BEGIN {REMEMBER}; RETURN NULL; END",
    "given_once": f"""
BEGIN
  IF {IS_RETIRED} THEN
    RAISE EXCEPTION '{GIVEN_ONCE}' USING ERRCODE = 'unique_violation';
  END IF;
  RETURN NEW;
END""",
}
# Name, when, what it runs.
TRIGGERS = (
    (f"{TABLE}_is_remembered", "AFTER DELETE", "remember"),
    (f"{TABLE}_is_new", "BEFORE INSERT", "given_once"),
    (f"{TABLE}_stays_new", "BEFORE UPDATE OF slug, external_id", "given_once"),
)


def build(using: str = "default", **_: Any) -> None:
    """Make what is missing; calling again changes nothing."""
    connection = connections[using]
    if not {TABLE, RETIRED} <= set(connection.introspection.table_names()):  # migrated back to before it
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name, when, runs in TRIGGERS:
                body = (
                    f"BEGIN {REMEMBER}; END"
                    if runs == "remember"
                    else f"WHEN {IS_RETIRED} BEGIN SELECT RAISE(ABORT, '{GIVEN_ONCE}'); END"
                )
                cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {when} ON {TABLE} {body}")
            return
        for name, body in FUNCTIONS.items():
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {TABLE}_{name}() RETURNS trigger "
                f"LANGUAGE plpgsql AS $$ {body} $$"
            )
        for name, when, runs in TRIGGERS:
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER {name} {when} ON {TABLE} "
                f"FOR EACH ROW EXECUTE FUNCTION {TABLE}_{runs}()"
            )


def remove(using: str = "default") -> None:
    """Take the triggers away, as only an owner can: the suite empties tables by DELETE on SQLite."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for name, _, _ in TRIGGERS:
            where = "" if connection.vendor == "sqlite" else f" ON {TABLE}"
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{where}")
