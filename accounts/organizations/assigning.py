"""Who looks after an organization: its success manager and its guide, and from when the next one does."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Action, Membership, Organization, Role, User
from accounts.organizations.refusals import OrganizationRefused
from accounts.organizations.written import locked, record

ASSIGNED = (Role.CSM, Role.GUIDE)


@transaction.atomic
def assign(organization: Organization, email: str, *, by: User | None = None) -> bool:
    """Whether the person with this address became its success manager just now; made known if needed."""
    email = email.lower()
    for membership in organization.memberships.all():
        if membership.role == Role.CSM and membership.user.email.lower() == email:
            if membership.ends_at is None:
                return False
            membership.ends_at = None  # was handed over before, and comes back
            membership.save(update_fields=["ends_at"])
            _say_assigned(organization, membership.user, by)
            return True
    manager = person(email)
    organization.memberships.add(Membership(user=manager, role=Role.CSM), bulk=False)
    _say_assigned(organization, manager, by)
    return True


@transaction.atomic
def hand_over(
    organization: Organization,
    role: Role,
    to: User | None,
    *,
    by: User | None = None,
    at: datetime,
    now: datetime | None = None,
) -> list[Membership]:
    """Those whose assignment ends at that instant, where the next one's begins; to None: nobody follows.

    raises  OrganizationRefused for a moment that has passed, for somebody who cannot be, or is already
    """
    now = now or timezone.now()
    locked(organization)
    if role not in ASSIGNED:
        raise OrganizationRefused("role", f"{role!r} is not handed over; contacts are invited")
    if at < now:
        raise OrganizationRefused("at", f"{_when(at)} has passed; a hand-over is now or later")
    if to is not None and not (to.is_staff and to.is_active):
        raise OrganizationRefused("to", f"{to} does not work here, or not any more")
    holders = list(holders_from(organization, role, at).exclude(user=to).select_related("user"))
    mine = organization.memberships.filter(role=role, user=to).first() if to else None
    if not holders and to is None:
        raise OrganizationRefused("to", f"nobody is {role.label.lower()} from {_when(at)} on as it is")
    if mine and mine.starts_at <= at and mine.ends_at is None and not holders:
        raise OrganizationRefused("to", f"{to} is {role.label.lower()} already")
    if mine and mine.ends_at and now < mine.ends_at < at:
        raise OrganizationRefused(
            "at",
            f"{to} is {role.label.lower()} until {_when(mine.ends_at)}; choose that moment or one before",
        )
    for membership in holders:
        _end(organization, membership, at, by)
    if to is not None:
        _begin(organization, role, to, mine, at, by)
    return holders


def holders_from(organization: Organization, role: Role, at: datetime) -> QuerySet[Membership]:
    """Those who hold the role at that instant, or are to hold it later."""
    return organization.memberships.filter(Q(ends_at=None) | Q(ends_at__gt=at), role=role)


def staff() -> list[User]:
    """Whoever can be made success manager or guide, by name."""
    return list(User.objects.filter(is_staff=True, is_active=True).order_by("name", "email"))


def person(email: str) -> User:
    """The member of staff with this address; a new one cannot sign in before choosing a password."""
    known = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email)
    if not known.is_staff:
        known.is_staff = True
        known.save(update_fields=["is_staff"])
    return known


def _end(organization: Organization, membership: Membership, at: datetime, by: User | None) -> None:
    before = _terms(membership)
    if membership.starts_at >= at:  # was to begin and never will
        record(
            Action.ACCESS_ENDED,
            organization,
            by=by,
            target=membership.user,
            before=before,
            after={"role": str(membership.role), "until": "", "never": True},
        )
        membership.delete()
        return
    membership.ends_at = at
    membership.save(update_fields=["ends_at"])
    record(
        Action.ACCESS_ENDED,
        organization,
        by=by,
        target=membership.user,
        before=before,
        after=_terms(membership),
    )


def _begin(
    organization: Organization,
    role: Role,
    to: User,
    mine: Membership | None,
    at: datetime,
    by: User | None,
) -> None:
    """Whoever held it before has one row of it: it runs on, or begins again; the log keeps what was."""
    before = _terms(mine) if mine else None
    if mine is None:
        mine = Membership.objects.create(organization=organization, user=to, role=role, starts_at=at)
    else:
        runs_on = mine.starts_at <= at and (mine.ends_at is None or mine.ends_at >= at)
        mine.starts_at, mine.ends_at = (mine.starts_at if runs_on else at), None
        mine.save(update_fields=["starts_at", "ends_at"])
    record(Action.ASSIGNED, organization, by=by, target=to, before=before, after=_terms(mine))


def _say_assigned(organization: Organization, manager: User, by: User | None) -> None:
    record(Action.ACCESS_GIVEN, organization, by=by, target=manager, after={"role": Role.CSM.value})


def _terms(membership: Membership) -> dict[str, str]:
    """An assignment as the audit log keeps it."""
    ends = _when(membership.ends_at) if membership.ends_at else ""
    return {"role": str(membership.role), "from": _when(membership.starts_at), "until": ends}


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
