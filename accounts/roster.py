"""Contacts as people read them: who is let in, who is invited, in which state; searched, sorted, counted.

Nothing is changed here (accounts.memberships, accounts.invitations). An administrator reads over all
organizations; for one, the door was opened with Capability.SEE_CONTACTS.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils import timezone

from accounts.access import ADMIN, CUSTOMER_ROLES
from accounts.memberships import holding, last_day_of
from accounts.models import Invitation, Membership, Organization, Role, User


class State(StrEnum):
    """How things stand with a contact."""

    ACTIVE = "active"
    INVITED = "invited"
    EXPIRED = "expired"  # invited, and the link is too old
    ENDED = "ended"
    DEACTIVATED = "deactivated"  # everywhere


class Sort(StrEnum):
    """By what contacts are put in order."""

    NAME = "name"
    ORGANIZATION = "org"
    ROLE = "role"
    SEEN = "seen"


ROLES = [role for role in Role if role in CUSTOMER_ROLES]  # from the most to the least
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # sorts before every sign-in
MEMBER, INVITED = "member", "invitation"  # the two kinds of lines

RANK = Case(
    *(When(role=role, then=Value(rank)) for rank, role in enumerate(ROLES)), default=Value(len(ROLES))
)
INVITATION_KEYS: dict[str, Any] = {
    "kind": INVITED,
    Sort.NAME: Lower("email"),
    Sort.ORGANIZATION: Lower("organization__name"),
    Sort.ROLE: RANK,
    Sort.SEEN: Value(NEVER, output_field=DateTimeField()),
}


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; empty means everything."""

    text: str = ""
    state: str = ""
    role: str = ""
    sort: str = Sort.NAME
    descending: bool = False


@dataclass(frozen=True)
class Line:
    """One contact, or somebody who is invited to be one."""

    public_id: str
    is_invitation: bool
    name: str  # empty for someone who is only invited
    email: str
    role: str
    role_name: str
    state: State
    organization: str
    slug: str
    seen_at: datetime | None
    ends_at: datetime | None  # of the access
    last_day: date | None  # of the access, where it ends with a day
    expires_at: datetime | None  # of the invitation
    is_void: bool  # whoever invited may no longer invite
    member: Membership | None
    invitation: Invitation | None

    @property
    def called(self) -> str:
        return self.name or self.email

    @property
    def is_here(self) -> bool:
        """Whether access holds now: it can be changed and ended."""
        return self.state is State.ACTIVE or (self.state is State.DEACTIVATED)


@dataclass(frozen=True)
class Roster:
    """The contacts that one person may read, in one place."""

    members: QuerySet[Membership]
    invitations: QuerySet[Invitation]
    is_of_many: bool
    now: datetime


def of_organization(organization: Organization, *, at: datetime | None = None) -> Roster:
    """The contacts of an organization that was opened for seeing them."""
    return _roster(organization.memberships.all(), organization.invitations.all(), False, at)


def of_everything(reader: User, *, at: datetime | None = None) -> Roster:
    """The contacts of all organizations, for administrators; else PermissionDenied."""
    if not (reader.is_active and reader.is_admin):
        raise PermissionDenied("All contacts are for administrators.")
    members = Membership.objects.filter(organization__closed_at=None)  # of a merged one, nobody is led there
    return _roster(members, Invitation.objects.filter(organization__closed_at=None), True, at)


def find(roster: Roster, wanted: Wanted) -> QuerySet[Membership, tuple[str, int, object]]:
    """What is looked for, in order: of each its kind and number. For `lines`, a page at a time."""
    members, invitations = _searched(roster, wanted)
    parts: list[QuerySet] = []
    if wanted.state in ("", State.ACTIVE, State.ENDED, State.DEACTIVATED):
        parts.append(
            _keyed(_in_state(members, wanted.state, roster.now), wanted.sort, _member_keys(roster.now))
        )
    if wanted.state in ("", State.INVITED, State.EXPIRED):
        parts.append(_keyed(_open_in(invitations, wanted.state, roster.now), wanted.sort, INVITATION_KEYS))
    found = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return found.order_by("-key" if wanted.descending else "key", "kind", "number")


def lines(roster: Roster, page: Iterable[tuple[str, int, object]]) -> list[Line]:
    """The contacts of one page, in its order."""
    order = [(kind, number) for kind, number, _ in page]
    members = Membership.objects.select_related("user", "organization").in_bulk(
        [number for kind, number in order if kind == MEMBER]
    )
    asked = [number for kind, number in order if kind == INVITED]
    invitations = Invitation.objects.select_related("organization").in_bulk(asked)
    void = set(Invitation.objects.filter(_is_void(), pk__in=asked).values_list("pk", flat=True))
    return [
        _member_line(members[number], roster.now)
        if kind == MEMBER
        else _invitation_line(invitations[number], number in void, roster.now)
        for kind, number in order
    ]


def counts(roster: Roster, wanted: Wanted) -> dict[str, int]:
    """How many are in each state, of those that match the rest of what is looked for."""
    members, invitations = _searched(roster, wanted)
    ended, active = _has_ended(roster.now), Q(user__is_active=True)
    found = members.aggregate(
        active=Count("pk", filter=active & ~ended),
        deactivated=Count("pk", filter=~active & ~ended),
        ended=Count("pk", filter=ended),
    )
    found |= invitations.aggregate(
        invited=Count("pk", filter=Q(expires_at__gt=roster.now)),
        expired=Count("pk", filter=Q(expires_at__lte=roster.now)),
    )
    return {"": sum(found.values())} | {state.value: found[state.value] for state in State}


def chosen(roster: Roster, public_ids: Sequence[UUID]) -> list[Membership]:
    """Those of the contacts that were picked by their public ids; what is not among them is not found."""
    return list(
        roster.members.filter(public_id__in=public_ids)
        .select_related("user", "organization")
        .order_by(Lower("user__name"), "pk")
    )


def line_of(member: Membership, *, at: datetime | None = None) -> Line:
    """One contact as the list shows it."""
    return _member_line(member, at or timezone.now())


def _roster(
    members: QuerySet[Membership], invitations: QuerySet[Invitation], is_of_many: bool, at: datetime | None
) -> Roster:
    now = at or timezone.now()
    theirs = Membership.objects.filter(role__in=CUSTOMER_ROLES)
    newer = theirs.filter(holding(now), user=OuterRef("user"), organization=OuterRef("organization"))
    # Whoever came back, or changed roles, is here once: an ended role shows only where nothing holds.
    shown = members.filter(role__in=CUSTOMER_ROLES).filter(holding(now) | ~Exists(newer))
    return Roster(shown, invitations.filter(accepted_at=None, withdrawn_at=None), is_of_many, now)


def _searched(roster: Roster, wanted: Wanted) -> tuple[QuerySet[Membership], QuerySet[Invitation]]:
    members, invitations, text = roster.members, roster.invitations, wanted.text
    if wanted.role:
        members, invitations = members.filter(role=wanted.role), invitations.filter(role=wanted.role)
    if text:
        where = Q(organization__name__icontains=text) if roster.is_of_many else Q()
        members = members.filter(Q(user__name__icontains=text) | Q(user__email__icontains=text) | where)
        invitations = invitations.filter(Q(email__icontains=text) | where)
    return members, invitations


def _has_ended(now: datetime) -> Q:
    return Q(ends_at__isnull=False, ends_at__lte=now)


def _in_state(members: QuerySet[Membership], state: str, now: datetime) -> QuerySet[Membership]:
    match state:
        case State.ACTIVE:
            return members.filter(holding(now), user__is_active=True)
        case State.DEACTIVATED:
            return members.filter(holding(now), user__is_active=False)
        case State.ENDED:
            return members.filter(_has_ended(now))
    return members


def _open_in(invitations: QuerySet[Invitation], state: str, now: datetime) -> QuerySet[Invitation]:
    match state:
        case State.INVITED:
            return invitations.filter(expires_at__gt=now)
        case State.EXPIRED:
            return invitations.filter(expires_at__lte=now)
    return invitations


def _keyed(found: QuerySet, sort: str, keys: dict[str, Any]) -> QuerySet:
    """Kind, number and what the order goes by; the same columns for contacts and invitations."""
    kind = Value(keys["kind"], output_field=CharField())
    return (
        found.order_by()
        .annotate(kind=kind, number=F("pk"), key=keys[Sort(sort)])
        .values_list("kind", "number", "key")
    )


def _member_keys(now: datetime) -> dict[str, Any]:
    return {
        "kind": MEMBER,
        Sort.NAME: Lower(
            Coalesce(NullIf("user__name", Value("")), F("user__email"), output_field=CharField())
        ),
        Sort.ORGANIZATION: Lower("organization__name"),
        Sort.ROLE: RANK,
        # As the line says it: of someone who has gone, nothing.
        Sort.SEEN: Case(
            When(_has_ended(now), then=Value(NEVER)), default=Coalesce("user__last_login", Value(NEVER))
        ),
    }


def _is_void() -> Q:
    """Whether a contact invited who is contact no more: an administrator's invitation stands."""
    inviting = Membership.objects.filter(
        holding(),
        user=OuterRef("invited_by"),
        organization=OuterRef("organization"),
        role=Role.CONTACT,
        user__is_active=True,
    )
    return ~Q(Exists(inviting)) & ~Q(hat=ADMIN)


def _member_line(member: Membership, now: datetime) -> Line:
    user, ends = member.user, member.ends_at
    has_ended = ends is not None and ends <= now
    state = State.ENDED if has_ended else State.ACTIVE if user.is_active else State.DEACTIVATED
    return Line(
        public_id=str(member.public_id),
        is_invitation=False,
        name=user.name,
        email=user.email,
        role=member.role,
        role_name=member.get_role_display(),
        state=state,
        organization=member.organization.name,
        slug=member.organization.slug,
        # Of someone who has gone, it is no longer this organization's to know.
        seen_at=None if has_ended else user.last_login,
        ends_at=ends,
        last_day=last_day_of(ends),
        expires_at=None,
        is_void=False,
        member=member,
        invitation=None,
    )


def _invitation_line(invitation: Invitation, is_void: bool, now: datetime) -> Line:
    return Line(
        public_id=str(invitation.public_id),
        is_invitation=True,
        name="",
        email=invitation.email,
        role=invitation.role,
        role_name=invitation.get_role_display(),
        state=State.INVITED if invitation.expires_at > now else State.EXPIRED,
        organization=invitation.organization.name,
        slug=invitation.organization.slug,
        seen_at=None,
        ends_at=invitation.access_ends_at,
        last_day=last_day_of(invitation.access_ends_at),
        expires_at=invitation.expires_at,
        is_void=is_void,
        member=None,
        invitation=invitation,
    )
