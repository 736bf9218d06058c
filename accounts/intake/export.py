"""Organizations as a file: the columns that the import takes, so that what goes out can come in again."""

from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

from django.db.models import QuerySet

from accounts import audit, organizations
from accounts.intake.checks import COLUMNS
from accounts.models import Action, Membership, Organization, PlanInterval, Role, User
from accounts.rows.cells import as_csv

PLAIN = ("external_id", "name", "industry", "region", "seats", "scorecard")


def export_organizations(found: QuerySet[Organization], *, by: User) -> str:
    """The organizations as CSV, one line for each plan; that a copy was taken is written down."""
    lines = list(_lines(found))
    audit.record(Action.ORGANIZATIONS_EXPORTED, by=by, hat=organizations.hat(by), after={"lines": len(lines)})
    return as_csv(COLUMNS, lines)


def _lines(found: QuerySet[Organization]) -> Iterator[list[str]]:
    """Everything on the first line of each; further plans each on one that names only the organization.

    Plain values, no models: a vendor's whole list is written while somebody waits.
    """
    ids = found.order_by().values("pk")
    plans: dict[int, list[dict[str, str]]] = {}
    intervals = PlanInterval.objects.filter(organization__in=ids).order_by("starts_at")
    for pk, plan, starts, ends in intervals.values_list("organization", "plan", "starts_at", "ends_at"):
        until = _when(ends) if ends else ""
        plans.setdefault(pk, []).append({"plan": plan, "plan_from": _when(starts), "plan_to": until})
    products: dict[int, list[str]] = {}
    owned = Organization.products.through.objects.filter(organization__in=ids).order_by("product__key")
    for pk, key in owned.values_list("organization", "product__key"):
        products.setdefault(pk, []).append(key)
    held = Membership.objects.filter(organization__in=ids, role=Role.CSM, ends_at=None)
    managers = dict(held.order_by("starts_at", "pk").values_list("organization", "user__email"))
    for pk, parent, *plain in found.values_list("pk", "parent__external_id", *PLAIN):
        cells: dict[str, Any] = dict(zip(PLAIN, plain, strict=True))
        cells |= {"products": ";".join(products.get(pk, ())), "parent": parent, "csm": managers.get(pk)}
        terms = plans.get(pk, [])
        yield _line(cells | terms[0] if terms else cells)
        for more in terms[1:]:
            yield _line({"external_id": cells["external_id"], **more})


def _line(cells: dict[str, Any]) -> list[str]:
    return [str(cells.get(column) or "") for column in COLUMNS]


def _when(moment: datetime) -> str:
    """A day where it is one; else the moment, which the import reads as well."""
    return f"{moment:%Y-%m-%d}" if moment.time() == time() else moment.isoformat()
