"""Organizations as they come: one from a page, thousands from a file, each with a slug that it keeps."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import audit
from accounts.models import Action, Membership, Organization, PlanInterval, RetiredSlug, Role, User
from accounts.organizations.assigning import person
from accounts.organizations.facts import above, change, checked, known_products, taken
from accounts.organizations.plans import terms
from accounts.organizations.refusals import OrganizationRefused
from accounts.organizations.written import hat

LONGEST_SLUG = 70  # of 80: leaves room for the number that tells namesakes apart
# Pages stand at /manage/organizations/<word>/, beside the organizations.
RESERVED = frozenset({"new", "import", "export", "bulk"})


@dataclass
class Newcomer:
    """What is known of an organization that is not there yet."""

    external_id: str
    name: str
    details: dict[str, Any] = field(default_factory=dict)  # industry, region, seats, scorecard
    plan: PlanInterval | None = None
    products: Sequence[str] = ()
    csm: str = ""


@transaction.atomic
def create(
    *,
    by: User,
    external_id: str,
    name: str,
    parent: str = "",
    products: Collection[str] = (),
    **details: Any,
) -> Organization:
    """The new organization.

    raises  OrganizationRefused naming the field; there is no organization then
    """
    checked({"external_id": external_id, "name": name} | details)
    if other := taken(external_id):
        raise OrganizationRefused("external_id", other)
    parent_id = above(None, parent)
    try:
        with transaction.atomic():
            newcomer = Newcomer(external_id, name, details, products=list(products))
            (made,) = create_all([newcomer], by=by)
    except IntegrityError as error:  # somebody was given it between our question and now
        raise OrganizationRefused("external_id", f"{external_id!r} is taken") from error
    change(made, by=by, parent_id=parent_id)
    return made


@transaction.atomic
def create_all(newcomers: Sequence[Newcomer], *, by: User | None = None) -> list[Organization]:
    """The new organizations, each with a slug of its own that it keeps when it is renamed.

    In bulk, because a vendor's first file brings thousands: a query for each would take minutes.
    """
    slugs = Slugs()
    made = Organization.objects.bulk_create(
        [
            Organization(external_id=one.external_id, name=one.name, slug=slugs.free(one), **one.details)
            for one in newcomers
        ],
        batch_size=1000,
    )
    under = hat(by)
    audit.record_all(
        Action.ORGANIZATION_CREATED,
        [(each, each, {"external id": each.external_id, "organization": each.name}) for each in made],
        by=by,
        hat=under,
    )
    plans = []
    for one, organization in zip(newcomers, made, strict=True):
        if one.plan:
            one.plan.organization = organization
            plans.append(one.plan)
    PlanInterval.objects.bulk_create(plans, batch_size=1000)
    audit.record_all(
        Action.PLAN_CHANGED, [(plan.organization, plan, terms(plan)) for plan in plans], by=by, hat=under
    )
    products = known_products(key for one in newcomers for key in one.products)
    owned = Organization.products.through
    owned.objects.bulk_create(
        [
            owned(organization_id=organization.pk, product_id=products[key])
            for one, organization in zip(newcomers, made, strict=True)
            for key in dict.fromkeys(one.products)
        ],
        batch_size=1000,
    )
    managers = {email: person(email) for email in {one.csm for one in newcomers if one.csm}}
    Membership.objects.bulk_create(
        [
            Membership(organization=organization, user=managers[one.csm], role=Role.CSM)
            for one, organization in zip(newcomers, made, strict=True)
            if one.csm
        ],
        batch_size=1000,
    )
    audit.record_all(
        Action.ACCESS_GIVEN,
        [
            (organization, managers[one.csm], {"role": Role.CSM.value})
            for one, organization in zip(newcomers, made, strict=True)
            if one.csm
        ],
        by=by,
        hat=under,
    )
    return made


class Slugs:
    """Free slugs: a name's own, or with the next number behind it."""

    def __init__(self) -> None:
        # Never again: those of the closed and the deleted, or an old link would lead to somebody else.
        self.taken = set(Organization.ever.order_by().values_list("slug", flat=True)) | RESERVED
        self.taken |= set(RetiredSlug.objects.values_list("slug", flat=True))
        self.numbers: dict[str, int] = {}  # of each stem: namesakes by the thousand must not search from 2

    def free(self, one: Newcomer) -> str:
        stem = slugify(one.name) or slugify(one.external_id) or "organization"
        stem = stem[:LONGEST_SLUG].strip("-_") or "organization"
        slug, number = stem, self.numbers.get(stem, 1)
        while slug in self.taken:
            number += 1
            slug = f"{stem}-{number}"
        self.numbers[stem] = number
        self.taken.add(slug)
        return slug
