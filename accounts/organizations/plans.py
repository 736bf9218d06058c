"""Plans of an organization over time: half-open intervals, never two at once."""

from datetime import UTC, datetime, time

from django.db import transaction
from django.utils import timezone

from accounts.models import Action, Organization, Plan, PlanInterval, User
from accounts.organizations.refusals import OrganizationRefused
from accounts.organizations.written import locked, record


class PlanOverlap(OrganizationRefused):
    """Two plans would hold at one time."""

    def __init__(self, wanted: PlanInterval, standing: PlanInterval) -> None:
        super().__init__("plan", f"{spoken(wanted)} overlaps {spoken(standing)}")


@transaction.atomic
def put_on_plan(organization: Organization, wanted: PlanInterval, *, by: User | None = None) -> bool:
    """Whether this plan at this time (half-open) was news; one that starts at the same time is replaced.

    raises  PlanOverlap naming both, if another plan holds at some time between
    """
    if any(_says_the_same(interval, wanted) for interval in organization.plan_intervals.all()):
        return False
    locked(organization)  # two overlapping plans cannot come at once
    same = PlanInterval.objects.filter(organization=organization, starts_at=wanted.starts_at).first()
    if same and _says_the_same(same, wanted):
        return False
    _put(organization, same, wanted, by)
    return True


@transaction.atomic
def add_plan(organization: Organization, wanted: PlanInterval, *, by: User) -> None:
    """One more plan; raise PlanOverlap naming both if another holds at some time between."""
    locked(organization)
    _put(organization, None, wanted, by)


@transaction.atomic
def change_plan(
    organization: Organization, standing: datetime, wanted: PlanInterval, *, by: User | None = None
) -> bool:
    """Whether the plan that starts at that moment is another one now.

    raises  OrganizationRefused if there is none, PlanOverlap naming both if it would overlap
    """
    locked(organization)
    interval = _starting(organization, standing)
    if _says_the_same(interval, wanted):
        return False
    _put(organization, interval, wanted, by)
    return True


@transaction.atomic
def move_to_plan(
    organization: Organization,
    plan: str,
    starts_at: datetime,
    ends_at: datetime | None = None,
    *,
    by: User | None = None,
    source: str = "",
) -> PlanInterval:
    """The plan it is put on from a moment on; the one that holds then ends there.

    raises  OrganizationRefused if that one is the same plan without end, PlanOverlap if a later one is there
    """
    locked(organization)
    holding = _holding(organization, starts_at)
    if holding and holding.starts_at < starts_at:
        if (holding.plan, holding.ends_at) == (plan, ends_at):
            raise OrganizationRefused("plan", f"it is on {spoken(holding)} already")
        ended = PlanInterval(plan=holding.plan, starts_at=holding.starts_at, ends_at=starts_at)
        _put(organization, holding, ended, by)
    wanted = PlanInterval(plan=plan, starts_at=starts_at, ends_at=ends_at, source=source)
    _put(organization, None, wanted, by)
    return wanted


@transaction.atomic
def end_plan(organization: Organization, at: datetime, *, by: User | None = None) -> PlanInterval:
    """The plan that holds then, which ends there: from that instant on it opens nothing.

    raises  OrganizationRefused if none holds then, or if it only begins then
    """
    locked(organization)
    holding = _holding(organization, at)
    if holding is None:
        raise OrganizationRefused("ends_on", f"no plan is in force on {at:%Y-%m-%d}")
    if holding.starts_at == at:
        raise OrganizationRefused(
            "ends_on", f"{spoken(holding)} begins on that day: it would end before it began"
        )
    _put(organization, holding, PlanInterval(plan=holding.plan, starts_at=holding.starts_at, ends_at=at), by)
    return holding


@transaction.atomic
def withdraw_plan(
    organization: Organization, standing: datetime, *, by: User | None = None, now: datetime | None = None
) -> None:
    """Take away a plan that has not begun; raise OrganizationRefused for one that has: it can only end."""
    locked(organization)
    interval = _starting(organization, standing)
    if interval.starts_at <= (now or timezone.now()):
        raise OrganizationRefused("plan", f"{spoken(interval)} has begun; give it an end instead")
    record(Action.PLAN_CHANGED, organization, by=by, target=interval, before=terms(interval), after={})
    interval.delete()


def drafted(plan: str, starts_at: datetime, ends_at: datetime | None, *, source: str) -> PlanInterval:
    """A plan and its time, of no organization yet."""
    return PlanInterval(plan=plan, starts_at=starts_at, ends_at=ends_at, source=source)


def beginning_at(organization: Organization, moment: datetime) -> PlanInterval | None:
    """The plan that begins at that moment."""
    return organization.plan_intervals.filter(starts_at=moment).first()


def over_time(organization: Organization, *, now: datetime) -> list[tuple[PlanInterval, str]]:
    """Every plan, newest first, each with whether it is past, in force or to come."""
    return [
        (
            interval,
            "To come" if interval.starts_at > now else "Past" if _is_over(interval, now) else "In force",
        )
        for interval in organization.plan_intervals.order_by("-starts_at")
    ]


def spoken(interval: PlanInterval) -> str:
    """A plan and its time in words."""
    until = f"until {_when(interval.ends_at)}" if interval.ends_at else "without end"
    return f"{Plan(interval.plan).label} from {_when(interval.starts_at)} {until}"


def terms(interval: PlanInterval) -> dict[str, str]:
    """A plan as the audit log keeps it."""
    ends = _when(interval.ends_at) if interval.ends_at else ""
    return {"plan": interval.plan, "from": _when(interval.starts_at), "until": ends}


def overlap(one: PlanInterval, other: PlanInterval) -> bool:
    """Whether both would hold at some instant."""
    return (other.ends_at is None or one.starts_at < other.ends_at) and (
        one.ends_at is None or other.starts_at < one.ends_at
    )


def _put(
    organization: Organization, standing: PlanInterval | None, wanted: PlanInterval, by: User | None
) -> None:
    """Write the wanted plan, in the place of a standing one if given; the organization is locked."""
    for interval in PlanInterval.objects.filter(organization=organization):
        if (standing is None or interval.pk != standing.pk) and overlap(interval, wanted):
            raise PlanOverlap(wanted, interval)
    before = terms(standing) if standing else None
    if standing:
        for name in ("plan", "starts_at", "ends_at"):
            setattr(standing, name, getattr(wanted, name))
        standing.source = wanted.source or standing.source
        standing.save(update_fields=["plan", "starts_at", "ends_at", "source"])
    else:
        organization.plan_intervals.add(wanted, bulk=False)
    record(
        Action.PLAN_CHANGED,
        organization,
        by=by,
        target=standing or wanted,
        before=before,
        after=terms(wanted),
    )


def _starting(organization: Organization, standing: datetime) -> PlanInterval:
    interval = PlanInterval.objects.filter(organization=organization, starts_at=standing).first()
    if interval is None:
        raise OrganizationRefused("plan", f"no plan begins on {standing:%Y-%m-%d} any more; look again")
    return interval


def _holding(organization: Organization, at: datetime) -> PlanInterval | None:
    begun = PlanInterval.objects.filter(organization=organization, starts_at__lte=at).order_by("-starts_at")
    newest = begun.first()
    return newest if newest and (newest.ends_at is None or newest.ends_at > at) else None


def _is_over(interval: PlanInterval, now: datetime) -> bool:
    return interval.ends_at is not None and interval.ends_at <= now


def _says_the_same(one: PlanInterval, other: PlanInterval) -> bool:
    return (one.plan, one.starts_at, one.ends_at) == (other.plan, other.starts_at, other.ends_at)


def _when(moment: datetime) -> str:
    """2026-12-01, and the time with it where it is not midnight UTC."""
    plain = moment.astimezone(UTC)
    return f"{plain:%Y-%m-%d}" if plain.time() == time() else f"{plain:%Y-%m-%d %H:%M}"
