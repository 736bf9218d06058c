"""Letting somebody in by mail: an offer bound to one address and one role, good once and for seven days.

Organization and role come from the stored row alone. What the inviter is told never depends on whether the
address has an account elsewhere: that is looked at when the invitation is accepted.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import audit, installation
from accounts.access import ADMIN, CUSTOMER_ROLES
from accounts.contacts import PartnerNeedsAnEnd
from accounts.memberships import check_role, hat_for, holding, last_day_of, right_of
from accounts.models import Action, Invitation, Membership, Organization, Role, User

VALID = timedelta(days=7)
MOST_OPEN = 500  # of one organization: each is a mail to somebody who may not want it

OPENS: dict[str, str] = {
    Role.CONTACT: "see the score and its reasons, and manage who else may",
    Role.TRAINING_ADMIN: "see the score and its reasons, and ask for success reviews",
    Role.VIEWER: "see the score and its reasons",
    Role.PARTNER: "see the score and its reasons until your access ends",
}


class AlreadyMember(Exception):
    """Whoever has this address is a contact here already; says who."""


class AlreadyInvited(Exception):
    """An invitation to this address is open already."""


class TooManyOpen(Exception):
    """The organization has so many open invitations that no more are sent."""


class NotOpen(Exception):
    """The invitation can be accepted no more; `why` is one word for the page."""

    def __init__(self, invitation: Invitation, why: str, message: str) -> None:
        super().__init__(message)
        self.invitation = invitation
        self.why = why


class AddressIsKnown(Exception):
    """Somebody with this address is there already: they sign in to accept."""


class WrongPerson(PermissionDenied):
    """The invitation is for somebody else, or for nobody of this kind."""


# ---------- by those who invite ----------


@transaction.atomic
def invite(
    organization: Organization,
    email: str,
    role: str,
    *,
    until: datetime | None = None,
    by: User,
    at: datetime | None = None,
) -> Invitation:
    """The new invitation; its mail goes out when the transaction is done.

    until   when a partner's access ends
    raises  NotYours, RoleAbove, PartnerNeedsAnEnd, AlreadyMember, AlreadyInvited, TooManyOpen
    """
    now, email = at or timezone.now(), email.strip().lower()
    hat = right_of(by, organization)
    check_role(role, by, hat, organization)
    if (role == Role.PARTNER) != (until is not None):
        raise PartnerNeedsAnEnd(f"{email} as {Role(role).label.lower()}: a partner has an end, others none.")
    _lock(organization)
    members = organization.memberships.filter(holding(now), role__in=CUSTOMER_ROLES)
    if member := members.filter(user__email__iexact=email).select_related("user").first():
        raise AlreadyMember(f"{member.user} is {member.get_role_display().lower()} here already.")
    still_open = organization.invitations.filter(accepted_at=None, withdrawn_at=None)
    if before := still_open.filter(email=email).first():
        if before.expires_at > now:
            raise AlreadyInvited(f"{email} is invited already, as {before.get_role_display().lower()}.")
        before.withdrawn_at = now  # it had expired: this one takes its place
        before.save(update_fields=["withdrawn_at"])
    if still_open.count() >= MOST_OPEN:
        raise TooManyOpen(f"{MOST_OPEN} invitations are open; withdraw some first.")
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organization=organization,
        email=email,
        role=role,
        access_ends_at=until,
        invited_by=by,
        hat=hat,
        digest=digest(token),
        made_at=now,
        expires_at=_expiry(now, until),
    )
    _say(Action.INVITED, invitation, by=by, hat=hat, after=_terms(invitation))
    _send(invitation, token, by)
    return invitation


@transaction.atomic
def resend(invitation: Invitation, *, by: User, at: datetime | None = None) -> None:
    """A new mail with a new link, good for seven days from now; the old link is dead.

    Whoever sends it again vouches for it from now on. raises NotYours, RoleAbove, NotOpen
    """
    now = at or timezone.now()
    hat = right_of(by, invitation.organization)
    invitation = _locked(invitation)
    _check_unused(invitation)
    check_role(invitation.role, by, hat, invitation.organization)
    ends = invitation.access_ends_at
    if ends is not None and ends <= now:
        raise NotOpen(invitation, "expired", "The access it offers would have ended by now; invite anew.")
    token = secrets.token_urlsafe(32)
    invitation.digest = digest(token)
    invitation.expires_at = _expiry(now, ends)
    invitation.invited_by, invitation.hat = by, hat
    invitation.save(update_fields=["digest", "expires_at", "invited_by", "hat"])
    _say(Action.INVITED, invitation, by=by, hat=hat, after=_terms(invitation) | {"again": True})
    _send(invitation, token, by)


@transaction.atomic
def withdraw(invitation: Invitation, *, by: User, at: datetime | None = None) -> None:
    """The link is dead from now on; raises NotYours, RoleAbove, NotOpen."""
    hat = right_of(by, invitation.organization)
    invitation = _locked(invitation)
    _check_unused(invitation)
    check_role(invitation.role, by, hat, invitation.organization)
    invitation.withdrawn_at = at or timezone.now()
    invitation.save(update_fields=["withdrawn_at"])
    _say(Action.INVITATION_WITHDRAWN, invitation, by=by, hat=hat, before=_terms(invitation))


# ---------- by whoever holds the link ----------


def find(token: str) -> Invitation | None:
    """The invitation of this link, whatever became of it; None for a link that never was."""
    found = Invitation.objects.select_related("organization", "invited_by")
    return found.filter(digest=digest(token)).first()


def check_open(invitation: Invitation, *, at: datetime | None = None) -> None:
    """Raise NotOpen unless the invitation can be accepted now."""
    _check_unused(invitation)
    if invitation.expires_at <= (at or timezone.now()):
        raise NotOpen(invitation, "expired", "The invitation has expired.")
    # An administrator's stands even when they have left; a contact's only as long as they may invite.
    if invitation.hat != ADMIN and not hat_for(invitation.invited_by, invitation.organization):
        raise NotOpen(invitation, "void", "Whoever sent the invitation may no longer invite.")


def is_for(invitation: Invitation, user: User) -> bool:
    """Whether the invitation is bound to an address that this person has proved to be theirs."""
    return EmailAddress.objects.filter(user=user, email__iexact=invitation.email, verified=True).exists()


def check_person(invitation: Invitation, by: User) -> None:
    """Raise WrongPerson for anybody but the active owner of the address, and for staff."""
    if not (by.is_active and is_for(invitation, by)):
        raise WrongPerson("The invitation is for somebody else.")
    if by.is_staff:
        raise WrongPerson("Whoever works for the service takes no customer's role.")


def is_known(invitation: Invitation) -> bool:
    """Whether somebody with the invited address can only sign in, not be made anew."""
    return (
        User.objects.filter(email__iexact=invitation.email).exists()
        or EmailAddress.objects.filter(email__iexact=invitation.email).exists()
    )


@transaction.atomic
def accept(invitation: Invitation, *, by: User, at: datetime | None = None) -> Membership:
    """The membership that was offered, from now on, once.

    raises  NotOpen, WrongPerson for anybody but the active owner of the address, and for staff
    """
    now = at or timezone.now()
    invitation = _locked(invitation)
    check_open(invitation, at=now)
    check_person(invitation, by)
    return _give(invitation, by, now)


@transaction.atomic
def accept_through(invitation: Invitation, *, by: User, at: datetime | None = None) -> Membership:
    """The same for somebody who came in through the organization's own connection.

    The organization has invited the address, and its own provider says whose it is: no mail has to prove it.
    raises  NotOpen
    """
    now = at or timezone.now()
    invitation = _locked(invitation)
    check_open(invitation, at=now)
    return _give(invitation, by, now)


def open_for(organization: Organization, email: str, *, at: datetime | None = None) -> Invitation | None:
    """The invitation of this address to the organization that can be accepted now; None without one."""
    found = organization.invitations.filter(accepted_at=None, withdrawn_at=None, email=email.strip().lower())
    if (invitation := found.select_related("organization", "invited_by").first()) is None:
        return None
    try:
        check_open(invitation, at=at)
    except NotOpen:
        return None
    return invitation


def _give(invitation: Invitation, by: User, now: datetime) -> Membership:
    membership, _ = Membership.objects.update_or_create(
        organization=invitation.organization,
        user=by,
        role=invitation.role,
        defaults={"ends_at": invitation.access_ends_at},
    )
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    audit.record(
        Action.INVITATION_ACCEPTED,
        by=by,
        hat=invitation.role,
        organization=invitation.organization,
        target=by,
        after=_terms(invitation),
    )
    return membership


@transaction.atomic
def enroll(invitation: Invitation, *, name: str, password: str, at: datetime | None = None) -> User:
    """The new person whom the invitation let in: the link has proved the address.

    raises  NotOpen, AddressIsKnown, ValidationError for a password that is too weak
    """
    invitation = _locked(invitation)
    check_open(invitation, at=at)
    if is_known(invitation):
        raise AddressIsKnown(f"{invitation.email} has an account.")
    validate_password(password, User(email=invitation.email, name=name))
    user = User.objects.create_user(invitation.email, password, name=name)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    added = {"email": user.email, "name": name, "password": password}
    audit.record(Action.PERSON_ADDED, by=user, organization=invitation.organization, target=user, after=added)
    accept(invitation, by=user, at=at)
    return user


def refused(invitation: Invitation | None, reason: str, *, by: User | None = None) -> None:
    """Write down, once a minute, that a link was not good for what somebody wanted."""
    same = f"{invitation.pk if invitation else '-'}:{by.pk if by else '-'}:{reason}"
    audit.refused(
        Action.INVITATION_ACCEPTED,
        by=by,
        organization=invitation.organization if invitation else None,
        target=invitation,
        reason=reason,
        once=(audit.MINUTE, same),
    )


def digest(token: str) -> str:
    """What is kept of a token: 256 bits of randomness need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _check_unused(invitation: Invitation) -> None:
    if invitation.accepted_at:
        raise NotOpen(invitation, "used", "The invitation was accepted already.")
    if invitation.withdrawn_at:
        raise NotOpen(invitation, "withdrawn", "The invitation was withdrawn.")


def _expiry(now: datetime, until: datetime | None) -> datetime:
    return min(now + VALID, until) if until else now + VALID


def _lock(organization: Organization) -> None:
    """Two clicks at once must not become two invitations."""
    Organization.objects.select_for_update().get(pk=organization.pk)


def _locked(invitation: Invitation) -> Invitation:
    """The invitation as it is now; two who accept at once come one after the other."""
    return Invitation.objects.select_for_update().get(pk=invitation.pk)


def _terms(invitation: Invitation) -> dict[str, Any]:
    """An invitation as the audit log keeps it: the address as a hash."""
    ends = invitation.access_ends_at
    until = {"until": f"{ends:%Y-%m-%d %H:%M}"} if ends else {}
    return {"email": invitation.email, "role": str(invitation.role)} | until


def _say(
    action: Action,
    invitation: Invitation,
    *,
    by: User,
    hat: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    audit.record(
        action,
        by=by,
        hat=hat,
        organization=invitation.organization,
        target=invitation,
        before=before,
        after=after,
    )


def _send(invitation: Invitation, token: str, by: User) -> None:
    """The mail, once everything is written: the only place where the token stands."""
    house = installation.current()
    context = {
        "invitation": invitation,
        "organization": invitation.organization,
        "by": by,
        "opens": OPENS[invitation.role],
        "last_day": last_day_of(invitation.access_ends_at),
        "link": f"{house.site_address}{reverse('invitation', args=[token])}",
        "product": settings.PRODUCT_NAME,
        "vendor": house.vendor_name,
    }
    subject = " ".join(render_to_string("email/invitation_subject.txt", context).split())
    with timezone.override(UTC):  # whose clock the inviter reads is not the reader's
        message = render_to_string("email/invitation_message.txt", context)
    # Robust: the invitation stands, and can be sent again, even if the mail server is down.
    transaction.on_commit(partial(send_mail, subject, message, None, [invitation.email]), robust=True)
