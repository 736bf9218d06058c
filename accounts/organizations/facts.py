"""What is known of an organization: names, industry, parent, what it owns. Its slug never changes."""

from collections.abc import Collection, Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction

from accounts.models import Action, Organization, Product, RetiredSlug, User
from accounts.organizations.refusals import OrganizationRefused
from accounts.organizations.written import locked, record

LONGEST = {"external_id": 120, "name": 200, "industry": 80, "region": 80, "scorecard": 60}
MOST_SEATS = 2_147_483_647
# As the log calls them: `name` there is a person's, and enters as a hash.
CALLED = {"name": "organization", "parent_id": "parent"}


@transaction.atomic
def edit(
    organization: Organization, *, by: User, parent: str = "", products: Collection[str] = (), **facts: Any
) -> bool:
    """Whether anything about the organization is different now: its facts, parent (named) and products.

    raises  OrganizationRefused naming the field; nothing has changed then
    """
    locked(organization)
    checked(facts)
    if other := taken(facts["external_id"], besides=organization):
        raise OrganizationRefused("external_id", other)
    facts["parent_id"] = above(organization, parent)
    try:
        with transaction.atomic():
            has_changed = change(organization, by=by, **facts)
    except IntegrityError as error:  # somebody was given it between our question and now
        raise OrganizationRefused("external_id", f"{facts['external_id']!r} is taken") from error
    return set_products(organization, products, by=by) or has_changed


def change(organization: Organization, *, by: User | None = None, **details: Any) -> bool:
    """Whether anything about the organization was different."""
    changed = [name for name, value in details.items() if getattr(organization, name) != value]
    if not changed:
        return False
    before = _said(organization, changed)
    for name in changed:
        setattr(organization, name, details[name])
    organization.save(update_fields=changed)
    record(
        Action.ORGANIZATION_CHANGED,
        organization,
        by=by,
        target=organization,
        before=before,
        after=_said(organization, changed),
    )
    return True


def checked(facts: dict[str, Any]) -> None:
    """Raise OrganizationRefused for the first fact that cannot be."""
    for name, longest in LONGEST.items():
        value = facts.get(name, "")
        if len(value) > longest:
            raise OrganizationRefused(name, f"is longer than {longest} characters")
        if not value.isprintable():
            raise OrganizationRefused(name, f"{value[:40]!r} holds characters that cannot be printed")
        if value != value.strip():
            raise OrganizationRefused(name, f"{value[:40]!r} begins or ends with a blank")
    for name in ("name", "external_id"):
        if not facts.get(name):
            raise OrganizationRefused(name, "is missing")
    try:
        validate_slug(facts["scorecard"])
    except ValidationError as error:
        raise OrganizationRefused("scorecard", f"{facts['scorecard']!r} is no key of a scorecard") from error
    seats = facts.get("seats")
    if seats is not None and not 1 <= seats <= MOST_SEATS:
        raise OrganizationRefused("seats", f"{seats} is not a number of seats from 1 to {MOST_SEATS}")


def taken(external_id: str, *, besides: Organization | None = None) -> str:
    """Why a new organization cannot have this external id; empty if it can."""
    if reason := retired([external_id]).get(external_id):
        return reason
    there = Organization.objects.filter(external_id=external_id).first()
    return f"{external_id!r} is {there.name} already" if there and there != besides else ""


def retired(external_ids: Collection[str] | None = None) -> dict[str, str]:
    """Which of these external ids (None: of all) are never given again, and why, with the survivor's name."""
    closed = Organization.ever.exclude(closed_at=None).select_related("merged_into")
    gone = RetiredSlug.objects.all()
    if external_ids is not None:
        closed, gone = closed.filter(external_id__in=external_ids), gone.filter(external_id__in=external_ids)
    reasons = {each.external_id: f"{each.external_id!r} was deleted and is not given again" for each in gone}
    for each in closed:
        into, seen = each.merged_into, {each.pk}
        while into and into.closed_at and into.merged_into and into.pk not in seen:  # merged once more since
            seen.add(into.pk)
            into = into.merged_into
        where = f"was merged into {into.name} ({into.external_id})" if into else "was closed"
        reasons[each.external_id] = f"{each.external_id!r} {where}; it is not given again"
    return reasons


def above(organization: Organization | None, named: str) -> int | None:
    """The id of the parent that is named by external id, slug or name; None for no name.

    raises  OrganizationRefused if there is none, or several, or one that stands below the organization
    """
    if not named:
        return None
    parent = find_one(named, "parent")
    chain: list[int] = []
    up: Organization | None = parent
    while up is not None and up.pk not in chain:
        if organization is not None and up.pk == organization.pk:
            raise OrganizationRefused("parent", f"{parent.name} is or stands below {organization.name}")
        chain.append(up.pk)
        up = up.parent
    # Two who are put below each other at once: the second waits here, and looks again.
    list(Organization.objects.select_for_update(of=("self",)).filter(pk__in=chain).order_by("pk"))
    return parent.pk


def find_one(named: str, field: str) -> Organization:
    """The one organization with this external id, slug or name; OrganizationRefused at the field else."""
    for lookup in ("external_id", "slug", "name"):
        found = list(Organization.objects.filter(**{lookup: named})[:2])
        if len(found) > 1:
            raise OrganizationRefused(field, f"{named!r} is the name of several; give the external id")
        if found:
            return found[0]
    raise OrganizationRefused(field, f"no organization has the external id or name {named[:80]!r}")


@transaction.atomic
def set_products(organization: Organization, keys: Iterable[str], *, by: User | None = None) -> bool:
    """Whether the organization owned other products before; raises OrganizationRefused for an unknown one."""
    wanted = set(keys)
    owned = {product.key for product in organization.products.all()}
    if owned == wanted:
        return False
    organization.products.set(list(known_products(wanted).values()))
    record(
        Action.ORGANIZATION_CHANGED,
        organization,
        by=by,
        target=organization,
        before={"products": ", ".join(sorted(owned))},
        after={"products": ", ".join(sorted(wanted))},
    )
    return True


def products() -> list[tuple[str, str]]:
    """Key and name of every product that a published scorecard declares."""
    return list(Product.objects.order_by("name").values_list("key", "name"))


def known_products(keys: Iterable[str]) -> dict[str, int]:
    """The ids of these products; raises OrganizationRefused for one that no published scorecard declares."""
    wanted = set(keys)
    if not wanted:
        return {}
    known = dict(Product.objects.values_list("key", "pk"))
    if unknown := sorted(wanted - set(known)):
        there = ", ".join(sorted(known)) or "none, until a scorecard is published"
        raise OrganizationRefused("products", f"product {unknown[0]!r} is not known; known are {there}")
    return {key: known[key] for key in wanted}


def put_below(parents: dict[int, int]) -> None:
    """Give many organizations their parents at once: id of the one below -> id of the one above."""
    changed = [Organization(pk=below, parent_id=above) for below, above in parents.items()]
    Organization.objects.bulk_update(changed, ["parent"], batch_size=1000)


def _said(organization: Organization, names: Iterable[str]) -> dict[str, Any]:
    """These facts as the audit log keeps them."""
    said: dict[str, Any] = {}
    for name in names:
        value = getattr(organization, name)
        if name == "parent_id":
            value = (
                Organization.ever.values_list("external_id", flat=True).filter(pk=value).first()
                if value
                else ""
            )
        said[CALLED.get(name, name)] = value
    return said
