"""Facts about many organizations at once, as those who look after them list, search and sort them.

Nothing here is a door: the organizations come from accounts.access.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils import timezone

from accounts.access import covers_in_force
from accounts.models import Cover, Membership, Organization, PlanInterval, Role, User

# A customer's own people; a partner's visit says nothing about the customer.
OWN_PEOPLE = (Role.CONTACT, Role.TRAINING_ADMIN, Role.VIEWER)
SOON = timedelta(days=90)  # a plan that ends within is worth saying


@dataclass
class Facts:
    """What one row of the list says besides the score."""

    plan: PlanInterval | None = None
    signed_in_at: datetime | None = None  # last, of one of the customer's own people
    managers: list[User] = field(default_factory=list)
    covers: list[Cover] = field(default_factory=list)  # in force, for one of the managers
    is_guided: bool = False  # by the reader, who is not its success manager


def found(organizations: QuerySet[Organization], words: str) -> QuerySet[Organization]:
    """Those whose name or external id contains these words."""
    return organizations.filter(Q(name__icontains=words) | Q(external_id__icontains=words))


def managed_by(organizations: QuerySet[Organization], manager: User) -> QuerySet[Organization]:
    """Those whose success manager this is now."""
    return organizations.filter(Exists(_of_outer(_holding(None).filter(role=Role.CSM, user=manager))))


def team_of(lead: User) -> list[User]:
    """The success managers whose portfolios a lead sees, by name; who left and was not handed over stays."""
    if not lead.is_lead:
        return []
    managing = Exists(_holding(None).filter(role=Role.CSM, user=OuterRef("pk")))
    return list(User.objects.filter(managing, team=lead.team_id).order_by("name", "email"))


def with_plan(organizations: QuerySet[Organization], *, at: datetime | None = None) -> QuerySet[Organization]:
    """The same, each with `plan` and `plan_ends_at` of the plan in force; none of either without one."""
    now = at or timezone.now()
    running = _of_outer(_running(now))
    return organizations.annotate(
        plan=Subquery(running.values("plan")[:1]), plan_ends_at=Subquery(running.values("ends_at")[:1])
    )


def with_sign_in(
    organizations: QuerySet[Organization], *, at: datetime | None = None
) -> QuerySet[Organization]:
    """The same, each with `signed_in_at`: when one of its own people signed in last."""
    theirs = _of_outer(_own_people(at)).order_by("-user__last_login")
    return organizations.annotate(signed_in_at=Subquery(theirs.values("user__last_login")[:1]))


def with_manager(organizations: QuerySet[Organization]) -> QuerySet[Organization]:
    """The same, each with `manager`: how its first success manager is called, to sort by."""
    managed = _of_outer(_holding(None).filter(role=Role.CSM))
    called = Lower(Coalesce(NullIf("user__name", Value("")), "user__email", output_field=CharField()))
    return organizations.annotate(
        manager=Subquery(managed.annotate(called=called).order_by("called").values("called")[:1])
    )


def facts_of(ids: Iterable[int], reader: User, *, at: datetime | None = None) -> dict[int, Facts]:
    """What the rows of one page say, by organization; as many queries for all as for one."""
    now = at or timezone.now()
    facts = {pk: Facts() for pk in ids}
    for interval in _running(now).filter(organization__in=facts):
        facts[interval.organization_id].plan = interval
    last = _own_people(at).filter(organization__in=facts, user__last_login__isnull=False)
    for pk, when in last.order_by("user__last_login").values_list("organization_id", "user__last_login"):
        facts[pk].signed_in_at = when
    working = _holding(at).filter(organization__in=facts, role__in=(Role.CSM, Role.GUIDE))
    guided = set()
    for held in working.select_related("user").order_by("user__name", "user__email"):
        if held.role == Role.CSM:
            facts[held.organization_id].managers.append(held.user)
        elif held.user_id == reader.pk:
            guided.add(held.organization_id)
    everyone = {user.pk for each in facts.values() for user in each.managers}
    covers = covers_in_force(at).filter(absent__in=everyone).select_related("absent", "covering")
    away = {cover.absent_id: cover for cover in covers}
    for pk, each in facts.items():
        each.covers = [away[user.pk] for user in each.managers if user.pk in away]
        works = {user.pk for user in each.managers} | {cover.covering_id for cover in each.covers}
        each.is_guided = pk in guided and reader.pk not in works
    return facts


def _running(now: datetime) -> QuerySet[PlanInterval]:
    return PlanInterval.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), starts_at__lte=now)


def _own_people(at: datetime | None) -> QuerySet[Membership]:
    return _holding(at).filter(role__in=OWN_PEOPLE, user__is_active=True)


def _holding(at: datetime | None) -> QuerySet[Membership]:
    now = at or timezone.now()
    return Membership.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), starts_at__lte=now)


def _of_outer[Facts: (Membership, PlanInterval)](facts: QuerySet[Facts]) -> QuerySet[Facts]:
    return facts.filter(organization=OuterRef("pk"))
