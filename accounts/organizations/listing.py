"""Every organization as its administrator looks for it: searched, filtered, counted, sorted. No scores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.access import CUSTOMER_ROLES
from accounts.models import Membership, Organization, Plan, PlanInterval, Role

SOON = timedelta(days=30)
ALL, NO_PLAN, ATTENTION = "", "none", "attention"
SHOWN: dict[str, str] = {
    ALL: "All",
    **{plan.value: plan.label for plan in Plan},
    NO_PLAN: "No plan",
    ATTENTION: "Needs attention",
}
BY_SCORE = "score"  # sorted by whoever knows the scores
SORTS = ("name", "plan", "csm", "contacts", BY_SCORE)


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; empty means everything."""

    query: str = ""
    show: str = ALL  # a key of SHOWN
    sort: str = "name"  # one of SORTS
    is_down: bool = False


@dataclass(frozen=True)
class Row:
    """One organization with what an administrator wants to see of it."""

    organization: Organization
    plan: PlanInterval | None
    csms: tuple[str, ...]
    next_csm: tuple[str, datetime] | None  # who is to follow, and from when
    contacts: int
    has_contact: bool  # an active designated contact
    ends_at: datetime | None  # of the plan, if that is soon and none follows

    @property
    def needs_attention(self) -> bool:
        return not self.has_contact or not self.csms or self.ends_at is not None


def find(wanted: Wanted, *, now: datetime | None = None) -> QuerySet[Organization]:
    """The organizations that are looked for, in the order asked for."""
    now = now or timezone.now()
    found = _matching(wanted.query)
    if wanted.show == NO_PLAN:
        found = found.filter(~Exists(_running(now)))
    elif wanted.show == ATTENTION:
        found = found.filter(_attention(now))
    elif wanted.show:
        found = found.filter(Exists(_running(now).filter(plan=wanted.show)))
    if wanted.sort == "plan":
        found = found.annotate(sorted_by=Subquery(_running(now).values("plan")[:1]))
    elif wanted.sort == "csm":
        managers = _held(now, Role.CSM).order_by("user__name")
        found = found.annotate(sorted_by=Subquery(managers.values("user__name")[:1]))
    elif wanted.sort == "contacts":
        people = _held(now, *CUSTOMER_ROLES).order_by().values("organization")
        number = people.annotate(number=Count("user", distinct=True)).values("number")
        found = found.annotate(sorted_by=Coalesce(Subquery(number), 0))
    else:
        found = found.annotate(sorted_by=F("name"))
    first = F("sorted_by")
    is_down = wanted.is_down and wanted.sort != BY_SCORE  # equals, and those without one, stay by name
    order = first.desc(nulls_last=True) if is_down else first.asc(nulls_last=True)
    return found.order_by(order, "name", "pk")


def by_ids(ids: Sequence[int]) -> list[Organization]:
    """These organizations, in this order."""
    found = Organization.objects.in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def counts(query: str, *, now: datetime | None = None) -> dict[str, int]:
    """How many of those that match there are under each key of SHOWN, in one query."""
    now = now or timezone.now()
    plan = Subquery(_running(now).values("plan")[:1])
    counted = (
        _matching(query)
        .order_by()
        .annotate(plan_now=plan, is_needy=ExpressionWrapper(_attention(now), BooleanField()))
        .aggregate(
            all=Count("pk"),
            none=Count("pk", filter=Q(plan_now=None)),
            attention=Count("pk", filter=Q(is_needy=True)),
            **{each.value: Count("pk", filter=Q(plan_now=each.value)) for each in Plan},
        )
    )
    return {ALL: counted.pop("all"), **counted}


def rows(organizations: Iterable[Organization], *, now: datetime | None = None) -> list[Row]:
    """The organizations with plan, managers and contacts: as many queries for all as for one."""
    now = now or timezone.now()
    organizations = list(organizations)
    ids = [each.pk for each in organizations]
    plans: dict[int, list[PlanInterval]] = {}
    for interval in PlanInterval.objects.filter(_not_over(now), organization__in=ids).order_by("starts_at"):
        plans.setdefault(interval.organization_id, []).append(interval)
    managers: dict[int, list[Membership]] = {}
    held = Membership.objects.filter(_not_over(now), organization__in=ids, role=Role.CSM)
    for membership in held.filter(user__is_active=True).select_related("user").order_by("starts_at", "pk"):
        managers.setdefault(membership.organization_id, []).append(membership)
    people = Membership.objects.filter(_holds(now), organization__in=ids, role__in=CUSTOMER_ROLES)
    counted = people.filter(user__is_active=True).order_by().values("organization")
    contacts = {
        each["organization"]: (each["number"], each["designated"] > 0)
        for each in counted.annotate(
            number=Count("user", distinct=True), designated=Count("pk", filter=Q(role=Role.CONTACT))
        )
    }
    return [
        _row(each, plans.get(each.pk, []), managers.get(each.pk, []), contacts.get(each.pk, (0, False)), now)
        for each in organizations
    ]


def totals(*, now: datetime | None = None) -> tuple[int, int]:
    """How many organizations there are, and how many people of theirs."""
    people = Membership.objects.filter(
        _holds(now or timezone.now()),
        role__in=CUSTOMER_ROLES,
        user__is_active=True,
        organization__closed_at=None,
    )
    return Organization.objects.count(), people.aggregate(number=Count("user", distinct=True))["number"]


# ---------- the parts ----------


def _row(
    organization: Organization,
    plans: list[PlanInterval],
    managers: list[Membership],
    contacts: tuple[int, bool],
    now: datetime,
) -> Row:
    running = next((each for each in plans if each.starts_at <= now), None)
    ends_at = running.ends_at if running else None
    if ends_at and (ends_at > now + SOON or any(each.starts_at == ends_at for each in plans)):
        ends_at = None
    to_come = [each for each in managers if each.starts_at > now]
    return Row(
        organization,
        running,
        tuple(str(each.user) for each in managers if each.starts_at <= now),
        (str(to_come[0].user), to_come[0].starts_at) if to_come else None,
        *contacts,
        ends_at,
    )


def _matching(query: str) -> QuerySet[Organization]:
    """By name, by external id, or by the e-mail domain of somebody of theirs."""
    if not query:
        return Organization.objects.all()
    wanted = Q(name__icontains=query) | Q(external_id__icontains=query)
    if "@" in query or "." in query:
        people = Membership.objects.filter(
            organization=OuterRef("pk"),
            role__in=CUSTOMER_ROLES,
            user__email__iendswith=f"@{query.rpartition('@')[2]}",
        )
        wanted |= Q(Exists(people))
    return Organization.objects.filter(wanted)


def _attention(now: datetime) -> Q:
    """No active designated contact, no success manager, or a plan that ends soon and has no successor."""
    follows = PlanInterval.objects.filter(
        organization=OuterRef("organization"), starts_at=OuterRef("ends_at")
    )
    ends = _running(now).filter(~Exists(follows), ends_at__lte=now + SOON)
    return Q(~Exists(_held(now, Role.CONTACT))) | Q(~Exists(_held(now, Role.CSM))) | Q(Exists(ends))


def _running(now: datetime) -> QuerySet[PlanInterval]:
    return PlanInterval.objects.filter(_holds(now), organization=OuterRef("pk"))


def _held(now: datetime, *roles: str) -> QuerySet[Membership]:
    return Membership.objects.filter(
        _holds(now), organization=OuterRef("pk"), role__in=roles, user__is_active=True
    )


def _holds(now: datetime) -> Q:
    return Q(starts_at__lte=now) & _not_over(now)


def _not_over(now: datetime) -> Q:
    return Q(ends_at=None) | Q(ends_at__gt=now)
