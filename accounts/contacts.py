"""Who may look on behalf of an organization, and who looks after it: people are let in, never enter alone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import LEAD, called, covers_in_force, hat_of, roles_in
from accounts.cover import last_day
from accounts.models import Action, Membership, Organization, Role, User


class AlreadyDesignated(Exception):
    """The person holds that role in the organization already."""


class PartnerNeedsAnEnd(ValueError):
    """A partner's access is for a time: it needs the moment at which it ends."""


def add_person(email: str, *, password: str, name: str = "", is_admin: bool = False) -> User:
    """The person with this address, who can sign in at once: whoever adds them vouches for the address.

    An existing person keeps everything and gets the new password.
    """
    with transaction.atomic():
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            user = User.objects.create_user(email, password, name=name, is_admin=is_admin, is_staff=is_admin)
            added = {"email": email, "name": name, "password": password, "is_admin": is_admin}
            audit.record(Action.PERSON_ADDED, target=user, after=added)
        else:
            before = {"name": user.name, "is_admin": user.is_admin}
            user.set_password(password)
            user.is_admin = user.is_admin or is_admin
            user.name = name or user.name
            user.is_staff = user.is_staff or is_admin
            user.save(update_fields=["password", "is_admin", "is_staff", "name"])
            after = {"name": user.name, "is_admin": user.is_admin, "password": password}
            audit.record(Action.PERSON_CHANGED, target=user, before=before, after=after)
        EmailAddress.objects.update_or_create(
            user=user, email=user.email, defaults={"verified": True, "primary": True}
        )
    return user


@transaction.atomic
def designate(
    organization: Organization,
    user: User,
    role: Role = Role.CONTACT,
    *,
    until: datetime | None = None,
    by: User | None = None,
) -> Membership:
    """The person's membership in this role, until then if it has an end.

    raises  AlreadyDesignated if they hold it just so, PartnerNeedsAnEnd for a partner without an end
    """
    if role == Role.PARTNER and until is None:
        raise PartnerNeedsAnEnd(f"{user.email} as partner of {organization} needs a date on which that ends.")
    membership, is_new = Membership.objects.get_or_create(
        organization=organization, user=user, role=role, defaults={"ends_at": until}
    )
    if not is_new and membership.ends_at == until:
        raise AlreadyDesignated(f"{user.email} is {membership.get_role_display()} of {organization} already.")
    if role in (Role.CSM, Role.GUIDE) and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    before = None if is_new else terms(membership)
    if not is_new:
        membership.ends_at = until
        membership.save(update_fields=["ends_at"])
    audit.record(
        Action.ACCESS_GIVEN,
        by=by,
        hat=hat_of(roles_in(by, organization)) if by else "",
        organization=organization,
        target=user,
        before=before,
        after=terms(membership),
    )
    return membership


def terms(membership: Membership) -> dict[str, str]:
    """A membership as the audit log keeps it: its role, and its end if it has one."""
    ends = membership.ends_at
    return {"role": str(membership.role)} | ({"until": f"{ends:%Y-%m-%d %H:%M}"} if ends else {})


@dataclass(frozen=True)
class Named:
    """Somebody of ours whom a customer may write to, and as what."""

    user: User
    called: str
    absent: User | None = None  # for whom they stand in
    until: date | None = None  # the last day of that
    is_assigned: bool = True  # else: named because nobody is assigned now


def ours(organization: Organization, *, at: datetime | None = None) -> list[Named]:
    """Whom to ask now: its success managers, or who covers for them, then its guides.

    Without a success manager, or with one who has left, who leads the team of the last one stands in.
    """
    now = at or timezone.now()
    held = list(
        organization.memberships.filter(role__in=[Role.CSM, Role.GUIDE], starts_at__lte=now)
        .select_related("user")
        .order_by("role", "user__name", "user__email")
    )
    holding = [each for each in held if each.ends_at is None or each.ends_at > now]
    managers = [each for each in held if each.role == Role.CSM]
    named = _managers([each.user for each in managers if each in holding], at)
    if not named and managers:
        named = _leads(max(managers, key=lambda each: each.ends_at or datetime.max.replace(tzinfo=UTC)).user)
    guides = [each.user for each in holding if each.role == Role.GUIDE and each.user.is_active]
    return [*named, *(Named(user, Role.GUIDE.label) for user in guides)]


def _managers(managers: list[User], at: datetime | None) -> list[Named]:
    """Each of them who works here, or who stands in while they are away."""
    if not managers:
        return []
    away = {
        cover.absent_id: cover
        for cover in covers_in_force(at).filter(absent__in=managers).select_related("covering")
    }
    named = []
    for user in managers:
        if cover := away.get(user.pk):
            named.append(Named(cover.covering, Role.CSM.label, user, last_day(cover)))
        elif user.is_active:
            named.append(Named(user, Role.CSM.label))
    return named


def _leads(last: User) -> list[Named]:
    """Who leads the team of the success manager that was there last."""
    if last.team_id is None:
        return []
    leads = User.objects.filter(team=last.team_id, is_lead=True, is_active=True).order_by("name", "email")
    return [Named(user, called([LEAD]), is_assigned=False) for user in leads]
