"""Seeing the portal as somebody of a customer: an administrator, for a reason, read-only, for half an hour.

The session stays the administrator's; what stands in it is looked at anew at every request. The customer
reads who did it and why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.access import ADMIN, CUSTOMER_ROLES, Capability, able_to, called, roles_in
from accounts.models import Action, Membership, Organization, User

KEPT = "impersonating"  # in the session of the administrator
LASTS = timedelta(minutes=30)
LONGEST_REASON = 300


class ReasonMissing(ValueError):
    """Nobody is seen without a reason that the customer can read."""


class NotToBeSeen(LookupError):
    """The person is not of the organization's own people now."""


class Over(Exception):
    """It has ended by itself; says why, in a word for the address and in a sentence."""

    def __init__(self, word: str, why: str) -> None:
        super().__init__(why)
        self.word = word


@dataclass(frozen=True)
class Seeing:
    """Who sees the portal as whom, where, why and until when."""

    by: User
    person: User
    organization: Organization
    reason: str
    until: datetime

    def as_kept(self) -> dict[str, Any]:
        """What the session keeps of it."""
        return {
            "person": self.person.pk,
            "organization": self.organization.pk,
            "slug": self.organization.slug,
            "reason": self.reason,
            "until": int(self.until.timestamp()),
        }


def people(organization: Organization, *, at: datetime | None = None) -> QuerySet[User]:
    """The organization's own people who have access now, by name; never anybody who works for the vendor."""
    now = at or timezone.now()
    holding = Membership.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=now),
        starts_at__lte=now,
        organization=organization,
        role__in=CUSTOMER_ROLES,
    )
    return (
        User.objects.filter(is_active=True, is_staff=False, pk__in=holding.values("user"))
        .prefetch_related(Prefetch("memberships", holding, to_attr="held"))
        .order_by("name", "email", "pk")
    )


def role_of(person: User) -> str:
    """What somebody of `people` is called there."""
    held: list[Membership] = person.held  # type: ignore[attr-defined]  # by the prefetch of `people`
    return called([membership.role for membership in held])


@transaction.atomic
def start(
    organization: Organization, number: int, *, by: User, reason: str, at: datetime | None = None
) -> Seeing:
    """From now on; raise ReasonMissing or NotToBeSeen.

    number  of the person
    """
    now = at or timezone.now()
    words = audit.printable(" ".join(reason.split()), LONGEST_REASON)
    if not words:
        raise ReasonMissing("Say why: the customer reads it in their log.")
    person = people(organization, at=now).filter(pk=number).first()
    if person is None:
        raise NotToBeSeen(f"Nobody of {organization} with access has the number {number}.")
    seeing = Seeing(by, person, organization, words, now + LASTS)
    audit.record(
        Action.IMPERSONATION_STARTED,
        by=by,
        on_behalf_of=person,
        hat=ADMIN,
        organization=organization,
        target=person,
        reason=words,
        after={"until": f"{seeing.until:%Y-%m-%d %H:%M}"},
    )
    return seeing


def standing(kept: Mapping[str, Any], *, by: User, at: datetime | None = None) -> Seeing:
    """What the session keeps, if it still holds at this request.

    raises  Over when the time is up, the administrator is none any more or the person has no access any more;
            that it ended is written down
    """
    now = at or timezone.now()
    organization = Organization.objects.filter(pk=kept["organization"]).first()
    person = User.objects.filter(pk=kept["person"]).first()
    if organization is None or person is None:
        raise Over("access", "The organization or the person is gone.")
    until = datetime.fromtimestamp(kept["until"], UTC)
    seeing = Seeing(by, person, organization, kept["reason"], until)
    if not by.is_active or not able_to(Capability.IMPERSONATE, roles_in(by, organization, at=now)):
        over = Over("role", f"{by} is no administrator any more.")
    elif now >= until:
        over = Over("time", "The half hour is over.")
    elif not people(organization, at=now).filter(pk=person.pk).exists():
        over = Over("access", f"{person} has no access to {organization} any more.")
    else:
        person.impersonated_by = by
        return seeing
    end(seeing, why=str(over))
    raise over


def end(seeing: Seeing, *, why: str = "") -> None:
    """Write down that it is over; the session is the caller's matter."""
    audit.record(
        Action.IMPERSONATION_ENDED,
        by=seeing.by,
        on_behalf_of=seeing.person,
        hat=ADMIN,
        organization=seeing.organization,
        target=seeing.person,
        reason=why,
    )
