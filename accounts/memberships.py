"""A membership after it was given: another role, another end, handed over, ended; and people let in or out.

Whoever manages contacts gives and takes roles up to their own. Every change of a role ends the person's
sessions; the door asks at each request, so what was taken is closed at once.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.http import Http404
from django.utils import timezone

from accounts import audit
from accounts.access import ADMIN, CUSTOMER_ROLES, Capability, able_to, hat_of, open_organization, roles_in
from accounts.contacts import AlreadyDesignated, PartnerNeedsAnEnd, terms
from accounts.epochs import end_sessions
from accounts.models import Action, Membership, Organization, Role, User

LONGEST_PARTNER = timedelta(days=2 * 366)
MOST_SUCCESSORS = 500  # a list to choose from

# Whoever manages contacts, and the roles they may give, change and take: none above their own.
GIVES: dict[str, frozenset[str]] = {
    Role.CONTACT: frozenset(CUSTOMER_ROLES),
    ADMIN: frozenset(CUSTOMER_ROLES),
}


class EndRefused(ValueError):
    """A day on which a partner's access cannot end; says the day."""


class NotYours(PermissionDenied):
    """This person manages no contacts of the organization."""


class RoleAbove(PermissionDenied):
    """A role that is not this person's to give or to take; says which."""


class HasEnded(Exception):
    """The access has ended already."""


class NotThem(Exception):
    """Somebody for whom this cannot be done; says why."""


class LastContact(Exception):
    """The change leaves organizations without a designated contact; whoever wants that says so."""

    def __init__(self, organizations: Collection[Organization]) -> None:
        super().__init__(f"Without a designated contact: {', '.join(map(str, organizations))}.")
        self.organizations = list(organizations)


# ---------- who may, and what ----------


def open_to_manage(user: User, slug: str, *, writes: bool) -> Organization:
    """The organization whose contacts this person manages; as the door says no, and that a stranger tried."""
    try:
        return open_organization(user, slug, to=Capability.MANAGE_CONTACTS)
    except Http404:
        if writes:
            # Alike whether the organization is there or not, and in nobody's log but the house's.
            same = (audit.MINUTE, f"{user.pk}:{slug}")
            audit.refused(
                Action.REFUSED, by=user, reason="No such organization for them to manage.", once=same
            )
        raise


def hat_for(by: User | None, organization: Organization) -> str:
    """The role under which this person manages the organization's contacts now; empty if they do not."""
    if by is None or not by.is_active:
        return ""
    return hat_of(able_to(Capability.MANAGE_CONTACTS, roles_in(by, organization)))


def right_of(by: User, organization: Organization) -> str:
    """The same, for somebody who is about to use it; raises NotYours."""
    if hat := hat_for(by, organization):
        return hat
    raise _refusal(NotYours("Contacts are managed by designated contacts."), by, "", organization)


def check_role(role: str, by: User, hat: str, organization: Organization) -> None:
    """Raise RoleAbove unless whoever acts under this hat may give and take the role."""
    if role not in GIVES[hat]:
        raise _refusal(RoleAbove(f"The role {role[:40]!r} is not yours to give."), by, hat, organization)


def _refusal[Denied: PermissionDenied](
    denied: Denied, by: User, hat: str, organization: Organization
) -> Denied:
    """The refusal, written down where the organization reads it."""
    same = (audit.MINUTE, f"{by.pk}:{organization.pk}:{denied}")
    audit.refused(Action.REFUSED, by=by, hat=hat, organization=organization, reason=str(denied), once=same)
    return denied


def end_of(last_day: date, *, at: datetime | None = None) -> datetime:
    """The instant at which access ends whose last day this is (UTC); raises EndRefused for an odd day."""
    today = (at or timezone.now()).astimezone(UTC).date()
    if last_day < today:
        raise EndRefused(f"{last_day} is over.")
    if last_day > today + LONGEST_PARTNER:
        raise EndRefused(f"{last_day} is more than two years away; access can be given again later.")
    return datetime.combine(last_day + timedelta(days=1), time(), tzinfo=UTC)


def last_day_of(ends_at: datetime | None) -> date | None:
    """The last day (UTC) on which access that ends then is open: what `end_of` was given."""
    return (ends_at.astimezone(UTC) - timedelta(microseconds=1)).date() if ends_at else None


def holding(at: datetime | None = None) -> Q:
    """Memberships that hold now."""
    now = at or timezone.now()
    return Q(starts_at__lte=now) & (Q(ends_at=None) | Q(ends_at__gt=now))


def has_contact(organization: Organization) -> bool:
    """Whether anybody is its designated contact now."""
    contacts = organization.memberships.filter(holding(), role=Role.CONTACT, user__is_active=True)
    return contacts.exists()


def last_in(members: Iterable[Membership]) -> list[Organization]:
    """The organizations that have a designated contact now, and none without these memberships."""
    leaving = [member for member in members if member.role == Role.CONTACT and member.user.is_active]
    staying = Membership.objects.filter(
        holding(), organization=OuterRef("pk"), role=Role.CONTACT, user__is_active=True
    ).exclude(pk__in=[member.pk for member in leaving])
    left = Organization.objects.filter(pk__in={member.organization_id for member in leaving})
    return list(left.exclude(Exists(staying)))


def left_by(users: Iterable[User]) -> list[Organization]:
    """The organizations that would have no designated contact without these people."""
    held = Membership.objects.filter(holding(), user__in=list(users), role=Role.CONTACT)
    return last_in(held.select_related("user"))


def successors(member: Membership) -> list[Membership]:
    """Who could take over as designated contact: the other contacts of the organization, by name."""
    others = member.organization.memberships.filter(
        holding(), role__in=CUSTOMER_ROLES, user__is_active=True
    ).exclude(user=member.user_id)
    return list(others.select_related("user").order_by("user__name", "user__email")[:MOST_SUCCESSORS])


# ---------- changes ----------


@transaction.atomic
def change_role(
    member: Membership, role: str, *, until: datetime | None = None, by: User, knowing: bool = False
) -> Membership:
    """The person's membership, in the new role from now on; a partner's until then.

    knowing  that the organization may be left without a designated contact
    raises   RoleAbove, HasEnded, AlreadyDesignated, PartnerNeedsAnEnd, LastContact
    """
    member, hat = _opened(member, by)
    _check_roles(member, by, hat, role)
    if role == Role.PARTNER and until is None:
        raise PartnerNeedsAnEnd(f"{member.user} as partner needs a date on which that ends.")
    if role == member.role:
        raise AlreadyDesignated(f"{member.user} is {member.get_role_display()} already.")
    _spare_last([member], knowing)
    return _give_instead(member, role, until, by, hat)


@transaction.atomic
def set_end(member: Membership, until: datetime, *, by: User) -> Membership:
    """The partner's membership with its new end: renewed, or cut short; raises RoleAbove, HasEnded."""
    member, hat = _opened(member, by, or_ended=True)
    _check_roles(member, by, hat)
    if member.role != Role.PARTNER:
        raise NotThem(f"{member.user} is {member.get_role_display().lower()}; only a partner's access ends.")
    before = terms(member)
    member.ends_at = until
    member.save(update_fields=["ends_at"])
    _say(Action.ACCESS_CHANGED, member, by, hat, before=before, after=terms(member))
    return member


@transaction.atomic
def end_access(member: Membership, *, by: User, knowing: bool = False) -> None:
    """Nothing of it is open to the person from now on; raises RoleAbove, HasEnded, LastContact."""
    member, hat = _opened(member, by)
    _check_roles(member, by, hat)
    _spare_last([member], knowing)
    _end(member, by, hat)


@transaction.atomic
def end_all(members: Iterable[Membership], *, by: User, knowing: bool = False) -> int:
    """How many of them ended just now, all or none; those that had ended stay as they are."""
    opened = _all_opened(members, by)
    _spare_last([member for member, _ in opened], knowing)
    for member, hat in opened:
        _check_roles(member, by, hat)
        _end(member, by, hat)
    return len(opened)


@transaction.atomic
def change_all(members: Iterable[Membership], role: str, *, by: User, knowing: bool = False) -> int:
    """How many of them have the new role just now, all or none; those that had it stay as they are."""
    if role == Role.PARTNER:
        raise PartnerNeedsAnEnd("Each partner's access needs an end of its own.")
    opened = [(member, hat) for member, hat in _all_opened(members, by) if member.role != role]
    _spare_last([member for member, _ in opened], knowing)
    for member, hat in opened:
        _check_roles(member, by, hat, role)
        _give_instead(member, role, None, by, hat)
    return len(opened)


@transaction.atomic
def hand_over(
    member: Membership, to: Membership, *, becomes: str = "", until: datetime | None = None, by: User
) -> None:
    """The designated contact's role to another member; the one who had it gets another role, or none.

    raises  RoleAbove, HasEnded, NotThem, PartnerNeedsAnEnd
    """
    member, hat = _opened(member, by)
    to, _ = _opened(to, by)
    _check_roles(member, by, hat, to.role, becomes)
    if member.role != Role.CONTACT or becomes == Role.CONTACT:
        raise NotThem(f"{member.user} has no role of a designated contact to hand over.")
    if to.organization_id != member.organization_id or to.user_id == member.user_id:
        raise NotThem(f"{to.user} is not another contact of {member.organization}.")
    if not to.user.is_active:
        raise NotThem(f"{to.user} is deactivated.")
    if becomes == Role.PARTNER and until is None:
        raise PartnerNeedsAnEnd(f"{member.user} as partner needs a date on which that ends.")
    if to.role != Role.CONTACT:
        _give_instead(to, Role.CONTACT, None, by, hat)
    if becomes:
        _give_instead(member, becomes, until, by, hat)
    else:
        _end(member, by, hat)


@transaction.atomic
def deactivate(user: User, *, by: User, knowing: bool = False) -> None:
    """The person is out everywhere at once, whatever they hold; raises NotThem, LastContact."""
    _only_admins(by)
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.pk == by.pk:
        raise NotThem("You cannot deactivate yourself.")
    if user.is_staff:
        raise NotThem(f"{user} works for the service; that ends among the staff.")
    if not user.is_active:
        raise HasEnded(f"{user} is deactivated already.")
    if not knowing and (left := left_by([user])):
        raise LastContact(left)
    held = list(user.memberships.filter(holding()).select_related("organization"))
    _set_active(user, False, Action.PERSON_DEACTIVATED, by, held)


@transaction.atomic
def deactivate_all(users: Iterable[User], *, by: User, knowing: bool = False) -> int:
    """How many were active until now, all or none; raises NotThem, LastContact."""
    active = sorted((user for user in users if user.is_active), key=lambda each: each.pk)
    if not knowing and (left := left_by(active)):
        raise LastContact(left)
    for user in active:
        deactivate(user, by=by, knowing=True)
    return len(active)


@transaction.atomic
def reactivate(user: User, *, by: User) -> None:
    """The person may sign in again, with what they held; raises NotThem for someone who is active."""
    _only_admins(by)
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.is_active:
        raise NotThem(f"{user} is active.")
    held = list(user.memberships.filter(holding()).select_related("organization"))
    _set_active(user, True, Action.PERSON_REACTIVATED, by, held)


def _only_admins(by: User) -> None:
    if not (by.is_active and by.is_admin):
        raise NotYours("Only administrators deactivate people everywhere, and let them in again.")


def _set_active(user: User, is_active: bool, action: Action, by: User, held: list[Membership]) -> None:
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    end_sessions(user)
    # Each customer reads of their own people; without any, the house alone does.
    theirs: list[Organization | None] = [member.organization for member in held]
    for organization in theirs or [None]:
        audit.record(action, by=by, hat=ADMIN, organization=organization, target=user)


def _opened(member: Membership, by: User, *, or_ended: bool = False) -> tuple[Membership, str]:
    """The membership as it is now, nobody else changing it, and the hat of whoever wants to."""
    hat = right_of(by, member.organization)
    fresh = Membership.objects.select_for_update().get(pk=member.pk)
    if fresh.ends_at is not None and fresh.ends_at <= timezone.now() and not or_ended:
        raise HasEnded(f"The access of {fresh.user} has ended already.")
    return fresh, hat


def _all_opened(members: Iterable[Membership], by: User) -> list[tuple[Membership, str]]:
    """Those that hold now; in the order of their numbers, so that two of these never wait for each other."""
    opened = []
    for member in sorted(members, key=lambda each: each.pk):
        try:
            opened.append(_opened(member, by))
        except HasEnded:
            continue
    return opened


def _check_roles(member: Membership, by: User, hat: str, *others: str) -> None:
    """Neither what the person has nor what they shall have is above."""
    for role in filter(None, (member.role, *others)):
        check_role(role, by, hat, member.organization)


def _spare_last(leaving: list[Membership], knowing: bool) -> None:
    if not knowing and (left := last_in(leaving)):
        raise LastContact(left)


def _end(member: Membership, by: User, hat: str) -> None:
    before = terms(member)
    member.ends_at = timezone.now()
    member.save(update_fields=["ends_at"])
    end_sessions(member.user)
    _say(Action.ACCESS_ENDED, member, by, hat, before=before)


def _give_instead(member: Membership, role: str, until: datetime | None, by: User, hat: str) -> Membership:
    """The same membership in another role; one of that role from before takes over where there is one."""
    before = terms(member)
    once = Membership.objects.filter(organization=member.organization, user=member.user, role=role).first()
    if once:
        member.ends_at = timezone.now()
        member.save(update_fields=["ends_at"])
        member = once
    member.role, member.ends_at = role, until
    member.save(update_fields=["role", "ends_at"])
    end_sessions(member.user)
    _say(Action.ACCESS_CHANGED, member, by, hat, before=before, after=terms(member))
    return member


def _say(
    action: Action,
    member: Membership,
    by: User,
    hat: str,
    *,
    before: dict[str, str],
    after: dict[str, str] | None = None,
) -> None:
    audit.record(
        action,
        by=by,
        hat=hat,
        organization=member.organization,
        target=member.user,
        before=before,
        after=after,
    )
