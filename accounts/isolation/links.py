"""Links between facts stay inside one organization: no row points at another tenant's, whoever writes it.

Row-level security does not cover foreign keys: without this, one could tell by trying which foreign rows
exist. Made after every migration from the list of models; not on hot tables, whose links have no constraint
at all.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.isolation.policies import TENANT, column_of, tenants

SAID = "A link to another organization is refused"


@dataclass(frozen=True)
class Link:
    """One foreign key from a fact to a fact."""

    table: str
    column: str
    owner: str  # the column that says whose the row is
    parent: str
    key: str
    parents_owner: str
    is_loose: bool  # the parent may be nobody's: then everybody may link to it

    @property
    def name(self) -> str:
        whole = f"{self.table}_{self.column}_inside"
        if len(whole) <= 50:
            return whole
        return (
            f"{whole[:34]}_{hashlib.sha256(whole.encode()).hexdigest()[:8]}_inside"  # `standing` looks for it
        )


def links(among: Iterable[type[models.Model]] | None = None) -> list[Link]:
    """Every link that must stay inside, parents as they come."""
    found: list[Link] = []
    behind = tenants(among)
    for table, model in behind.items():
        every: list[Any] = [each for each in model._meta.concrete_fields if _is_link(each)]
        for field in every:
            parent: Any = field.related_model
            if parent._meta.db_table not in behind or not column_of(parent) or not column_of(model):
                continue
            owner = parent._meta.get_field("organization")
            where = parent._meta.db_table, parent._meta.pk.column, owner.column
            found.append(Link(table, field.column, str(column_of(model)), *where, is_loose=bool(owner.null)))
    return found


def _is_link(field: Any) -> bool:
    """A foreign key with a constraint, to a row's own key, and not the one that says whose the row is."""
    if not isinstance(field, models.ForeignKey):
        return False
    parent: Any = field.related_model
    has_constraint = getattr(field, "db_constraint", True)
    return has_constraint and parent._meta.label != TENANT and field.target_field is parent._meta.pk


def build(using: str = "default", *, among: Iterable[type[models.Model]] | None = None, **_: Any) -> None:
    """Make what is missing; calling again changes nothing."""
    connection = connections[using]
    there = set(connection.introspection.table_names())
    stand = set(standing(connection))
    for link in links(among):
        if not {link.table, link.parent} <= there or set(names(connection, link)) <= stand:
            continue
        (_on_sqlite if connection.vendor == "sqlite" else _on_postgresql)(connection, link)


def names(connection: BaseDatabaseWrapper, link: Link) -> list[str]:
    """What stands in the database for this link."""
    if connection.vendor != "sqlite":
        return [link.name]
    return [f"{link.name}_{what}" for what in ("new", "changed", *(() if link.is_loose else ("moved",)))]


def standing(connection: BaseDatabaseWrapper) -> list[str]:
    """Everything of ours that is there."""
    if connection.vendor == "sqlite":
        catalog = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%inside%'"
    else:
        catalog = (
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conname LIKE '%inside%'"
            " UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE '%inside%'"
        )
    with connection.cursor() as cursor:
        cursor.execute(catalog)
        return [row[0] for row in cursor.fetchall()]


def take_down(using: str = "default", **_: Any) -> None:
    """Before a migration on SQLite: it makes tables anew, but not while another one's trigger names them."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name in standing(connection):
                cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"')


MOVE = """
  UPDATE "{link.table}" SET "{link.owner}" = NEW."{link.parents_owner}"
   WHERE "{link.column}" = NEW."{link.key}" AND "{link.owner}" = OLD."{link.parents_owner}";
"""
FOREIGN = """NEW."{link.column}" IS NOT NULL AND EXISTS (SELECT 1 FROM "{link.parent}" AS parent
    WHERE parent."{link.key}" = NEW."{link.column}" AND parent."{link.parents_owner}" <> NEW."{link.owner}")
"""


def _on_sqlite(connection: BaseDatabaseWrapper, link: Link) -> None:
    new, changed, *moved = names(connection, link)
    refused = f"WHEN {FOREIGN.format(link=link)} BEGIN SELECT RAISE(ABORT, '{SAID}'); END"
    with connection.cursor() as cursor:
        for name, verb in ((new, "INSERT"), (changed, f'UPDATE OF "{link.owner}", "{link.column}"')):
            cursor.execute(f'CREATE TRIGGER IF NOT EXISTS "{name}" BEFORE {verb} ON "{link.table}" {refused}')
        for name in moved:  # where the parent goes, its children go: as ON UPDATE CASCADE does
            moves = MOVE.format(link=link)
            on = f'AFTER UPDATE OF "{link.parents_owner}" ON "{link.parent}"'
            cursor.execute(f'CREATE TRIGGER IF NOT EXISTS "{name}" {on} BEGIN {moves} END')


# A parent that row-level security hides is as good as foreign: nothing here looks past the wall.
STAYS_INSIDE = f"""
CREATE OR REPLACE FUNCTION accounts_stays_inside() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  is_inside boolean;
BEGIN
  EXECUTE format(
    'SELECT ($1).%1$I IS NULL OR ($1).%2$I IS NULL OR EXISTS
       (SELECT 1 FROM %3$I WHERE %4$I = ($1).%1$I AND (%5$I IS NULL OR %5$I = ($1).%2$I))',
    TG_ARGV[0], TG_ARGV[1], TG_ARGV[2], TG_ARGV[3], TG_ARGV[4]) INTO is_inside USING NEW;
  IF NOT is_inside THEN
    RAISE EXCEPTION '{SAID}: % of %', TG_ARGV[0], TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $$
"""  # noqa: S608 - nothing but the sentence above


def _on_postgresql(connection: BaseDatabaseWrapper, link: Link) -> None:
    with connection.cursor() as cursor:
        if link.is_loose:
            told = ", ".join(
                f"'{each}'" for each in (link.column, link.owner, link.parent, link.key, link.parents_owner)
            )
            cursor.execute(STAYS_INSIDE)
            cursor.execute(
                f'CREATE TRIGGER "{link.name}" BEFORE INSERT OR UPDATE OF "{link.owner}", "{link.column}" '
                f'ON "{link.table}" FOR EACH ROW EXECUTE FUNCTION accounts_stays_inside({told})'
            )
            return
        pair = {link.parents_owner, link.key}
        constraints = connection.introspection.get_constraints(cursor, link.parent).values()
        if not any(each["unique"] and set(each["columns"] or ()) == pair for each in constraints):
            columns = f'("{link.parents_owner}", "{link.key}")'
            cursor.execute(f'CREATE UNIQUE INDEX "{link.parent}_whose" ON "{link.parent}" {columns}')
        # Not deferrable: the error names its statement. Where the parent goes, its children go.
        cursor.execute(
            f'ALTER TABLE "{link.table}" ADD CONSTRAINT "{link.name}" '
            f'FOREIGN KEY ("{link.owner}", "{link.column}") '
            f'REFERENCES "{link.parent}" ("{link.parents_owner}", "{link.key}") ON UPDATE CASCADE'
        )
