"""One number for everything the house knows about its business, whatever order it came in.

Two installs that were told the same have the same number; row numbers, clocks, sessions and who holds which
lease are left out. Used to see that a test, a restore or a killed night left nothing behind.
"""

import hashlib
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models

APPS = ("accounts", "scoring", "recommendations")
# How the work went and who is signed in where, not what came of it; the log has seals of its own.
LEFT_OUT = frozenset(
    {
        "accounts.auditentry",
        "accounts.auditseal",
        "accounts.auditretirement",
        "accounts.signedin",
        "scoring.chunk",
        "scoring.nightstep",
        "scoring.turn",
    }
)
FIELDS_LEFT_OUT = frozenset(
    {"password", "auth_epoch", "last_login", "last_organization", "packing", "watermark"}
)
WITH_MOMENTS = frozenset({"accounts.planinterval"})  # elsewhere a moment counts as set or not set
# What a row is called where another one points at it.
CALLED = {
    "accounts.organization": ("slug",),
    "accounts.user": ("email",),
    "accounts.product": ("key",),
    "accounts.team": ("name",),
    "scoring.metric": ("key",),
    "scoring.source": ("key",),
    "scoring.scorecardversion": ("key", "number"),
    "scoring.batch": ("file_name", "lines", "accepted", "complete_from", "complete_to"),
    "scoring.scoringrun": ("day", "revision"),
}
MODULUS = 2**256


def of_tables() -> dict[str, str]:
    """A digest of each business table, by its name."""
    return {model._meta.db_table: of(model) for model in business()}


def of_everything(tables: dict[str, str] | None = None) -> str:
    """One digest over all of them."""
    found = of_tables() if tables is None else tables
    text = "\n".join(f"{name} {digest}" for name, digest in sorted(found.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def business() -> list[type[models.Model]]:
    """Every table of our apps but those left out, the plain links between two included."""
    every = (model for label in APPS for model in apps.get_app_config(label).get_models(True))
    kept = (model for model in every if model._meta.label_lower not in LEFT_OUT)
    return sorted(kept, key=lambda model: model._meta.db_table)


def of(model: type[models.Model]) -> str:
    """The sum of the digests of its rows: no order, and two equal rows count twice."""
    fields = [field for field in model._meta.concrete_fields if counts(field)]
    names = {field.attname: _names(field.related_model) for field in fields if field.is_relation}
    is_whole = model._meta.label_lower in WITH_MOMENTS
    total = 0
    for row in model._default_manager.order_by().values_list(*(field.attname for field in fields)).iterator():
        parts = []
        for field, value in zip(fields, row, strict=True):
            known = names.get(field.attname)
            if known is not None:
                value = known.get(value, value)
            elif isinstance(value, datetime) and not is_whole:
                value = "set"
            parts.append(f"{field.attname}={_text(value)}")
        total += int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest())
    return f"{total % MODULUS:064x}"


def counts(field: Any) -> bool:
    """Whether a column says something about the business, and is no number or secret of its own making."""
    if field.primary_key and isinstance(field, models.IntegerField):
        return False
    return not isinstance(field, models.UUIDField) and field.name not in FIELDS_LEFT_OUT


def _names(model: Any) -> dict[Any, str] | None:
    """What its rows are called, by their numbers; None where the number is the name."""
    fields = CALLED.get(model._meta.label_lower)
    if fields is None:
        return None
    rows = model._default_manager.order_by().values_list("pk", *fields).iterator()
    return {number: "\x1e".join(map(_text, parts)) for number, *parts in rows}


def _text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return value.hex()
    return str(value)
