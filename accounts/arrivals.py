"""Who comes in through a company's sign-in: an identity is (connection, subject); an address proves nothing.

Somebody new gets in by an open invitation of the same organization alone; somebody we know, by linking while
signed in. A session that came through a connection opens that one organization and nothing else: whoever runs
a provider can be anyone there, so it must never lead into another customer's house.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit, joining, sessions
from accounts.access import CUSTOMER_ROLES, in_force, visible_organizations
from accounts.connections import Addresses, client_of, provider_of, web
from accounts.isolation import EVERYONE, acting_for
from accounts.models import Action, Connection, Identity, Membership, User
from accounts.sso import oidc, saml
from accounts.sso.claims import Claims
from accounts.sso.reasons import AGAIN, STRANGER, SignInFailed, Why

METHOD = "sso"  # in the session's list of how somebody has shown who they are
SKEW = 60  # seconds


@dataclass(frozen=True)
class Begun:
    """A sign-in that has been begun: where the browser goes, and what is kept until the answer comes."""

    url: str
    key: str  # names it in the answer
    kept: dict[str, str]


def find(public_id: UUID, *, is_on: bool = True) -> Connection | None:
    """The connection of an address, for somebody who has not signed in."""
    found = Connection.objects.select_related("organization").filter(public_id=public_id)
    return (found.filter(state=Connection.State.ON) if is_on else found).first()


def find_by_address(email: str) -> list[Connection]:
    """The connections in use of the organizations this person belongs to now."""
    person = User.objects.filter(email__iexact=email, is_active=True, is_staff=False).first()
    if person is None:
        return []
    held = Membership.objects.filter(user=person, role__in=CUSTOMER_ROLES)
    theirs = in_force(held).values("organization")
    found = Connection.objects.filter(state=Connection.State.ON, organization__in=theirs)
    return list(found.select_related("organization"))


# ---------- the way there and back ----------


def begin(connection: Connection, addresses: Addresses, *, again: bool = False) -> Begun:
    """Where to send the browser; `again` asks the provider to ask for the sign-in once more.

    raises  SignInFailed
    """
    if connection.kind == Connection.Kind.SAML:
        url, request = saml.begin(provider_of(connection, addresses), again=again)
        return Begun(url, request, {})
    pending = oidc.Pending.new()
    url = oidc.begin(client_of(connection, addresses), web(), pending, again=again)
    return Begun(url, pending.state, asdict(pending))


def finish_oidc(
    connection: Connection, addresses: Addresses, kept: Mapping[str, str], answer: Mapping[str, str]
) -> Claims:
    """Who signed in at the provider, from the parameters of the callback."""
    pending = oidc.Pending(kept["state"], kept["nonce"], kept["verifier"])
    return oidc.finish(client_of(connection, addresses), web(), pending, answer)


def read_saml(connection: Connection, addresses: Addresses, answer: str) -> saml.Answer:
    """Who signed in at the provider, from the response it posted; who asked for it is still to be seen."""
    return saml.read(provider_of(connection, addresses), answer)


def asked_again(claims: Claims, since: float) -> None:
    """Nothing; SignInFailed when the provider did not ask for the sign-in since then."""
    if claims.signed_in_at is None or claims.signed_in_at.timestamp() < since - SKEW:
        raise SignInFailed(Why.STALE)


# ---------- who it is here ----------


@transaction.atomic
def arrive(connection: Connection, claims: Claims) -> Identity:
    """The identity behind these claims, if it opens anything now.

    raises  SignInFailed; whoever tried reads the same words for every reason
    """
    if connection.state != Connection.State.ON:
        raise SignInFailed(Why.SWITCHED_OFF)
    identity = connection.identities.select_related("user").filter(subject=claims.subject).first()
    if identity is None:
        identity = join_by_invitation(connection, claims)
    if why := _closed(identity.user, connection):
        raise SignInFailed(why)
    now = timezone.now()
    identity.last_used_at = connection.last_used_at = now
    identity.save(update_fields=["last_used_at"])
    connection.save(update_fields=["last_used_at"])
    return identity


@transaction.atomic
def join_by_invitation(connection: Connection, claims: Claims) -> Identity:
    """The new identity of somebody whom this organization has invited by this very address.

    Never somebody who belongs, or ever belonged, to another organization: whoever runs the provider says
    which address it is, and would have the other customer's person in their hands.

    raises  SignInFailed
    """
    email = _address(claims.email)
    known = User.objects.filter(email__iexact=email).first() if email else None
    if known and connection.identities.filter(user=known).exists():
        raise SignInFailed(Why.CHANGED_SUBJECT)
    invitation = joining.open_invitation(connection.organization, email) if email else None
    if invitation is None:
        raise SignInFailed(Why.UNKNOWN_SUBJECT)
    if known and known.is_staff:
        raise SignInFailed(Why.STAFF)
    elsewhere = Membership.objects.exclude(organization=connection.organization_id)
    if known and (not known.is_active or elsewhere.filter(user=known).exists()):
        raise SignInFailed(Why.UNKNOWN_SUBJECT)
    user = known or _new_person(email, claims.name)
    invitation.accept(user)
    return _linked(connection, claims.subject, user)


@transaction.atomic
def link(connection: Connection, claims: Claims, *, user: User) -> Identity:
    """The identity of somebody who is signed in, belongs to the organization, and has just shown both.

    raises  SignInFailed
    """
    if why := _closed(user, connection):
        raise SignInFailed(why)
    holder = connection.identities.filter(subject=claims.subject).first()
    if holder:
        if holder.user_id != user.pk:
            raise SignInFailed(Why.TAKEN_SUBJECT)
        return holder
    if connection.identities.filter(user=user).exists():
        raise SignInFailed(Why.CHANGED_SUBJECT)
    return _linked(connection, claims.subject, user)


@transaction.atomic
def unlink(identity: Identity, *, by: User) -> None:
    """The person without this way in; a session that came through it ends with the next click."""
    audit.record(
        Action.CONNECTION_CHANGED,
        by=by,
        organization=identity.connection.organization,
        target=("connection", identity.connection.name),
        before={"linked": identity.user_id},
        after={"linked": ""},
    )
    identity.delete()


@transaction.atomic
def tested(connection: Connection, claims: Claims, *, by: User) -> None:
    """A sign-in has worked, by somebody who sets the connection up; they are linked with it.

    raises  SignInFailed
    """
    link(connection, claims, user=by)
    connection.tested_at = timezone.now()
    connection.last_error = ""
    connection.save(update_fields=["tested_at", "last_error"])
    audit.record(
        Action.CONNECTION_CHANGED,
        by=by,
        organization=connection.organization,
        target=("connection", connection.name),
        after={"tested": "worked"},
    )


def failed(connection: Connection, error: SignInFailed, *, email: str = "") -> None:
    """What went wrong, for the contact who looks after the connection and for the log."""
    started = error.said not in (STRANGER, AGAIN)
    if started:
        connection.failed_at = timezone.now()
        connection.last_error = str(error)[:300]
        connection.save(update_fields=["failed_at", "last_error"])
    audit.refused(
        Action.SIGN_IN,
        organization=connection.organization,
        target=("connection", connection.name),
        after={"email": email} if email else None,
        reason=str(error),
        # Anybody may knock with an answer that nobody waits for: once a minute is enough to see it.
        once=None if error.said != AGAIN else (audit.MINUTE, f"{connection.pk}:{error.why.name}"),
    )


def own_links(user: User) -> list[tuple[Connection, Identity | None]]:
    """The connections in use of this person's organizations, each with their own identity there."""
    if user.is_staff:
        return []
    found = Connection.objects.filter(
        state=Connection.State.ON, organization__in=visible_organizations(user)
    ).select_related("organization")
    theirs = {each.connection_id: each for each in user.identities.select_related("connection__organization")}
    return [(each, theirs.get(each.pk)) for each in found]


# ---------- what a session knows of it ----------


def remember(request: HttpRequest, identity: Identity, *, again: bool = False) -> None:
    """The session knows that its person came through this identity, or has shown it once more."""
    extra = {"reauthenticated": True} if again else {}
    record_authentication(request, identity.user, METHOD, identity=identity.pk, **extra)
    if again:
        sessions.show_again(request.session, is_factor=False)


def came_through(request: HttpRequest, user: User) -> int | None:
    """The identity through which the session was begun; None if it was begun another way."""
    first = [each for each in get_authentication_records(request, user) if _begins_a_session(each)]
    return first[-1].get("identity") if first and first[-1]["method"] == METHOD else None


def _begins_a_session(record: Mapping[str, Any]) -> bool:
    return not record.get("reauthenticated") and (
        record["method"] != "mfa" or record.get("passwordless", False)
    )


def confinement(user: User, identity: int) -> int | None:
    """The one organization that a session through this identity opens; None when it opens nothing."""
    if user.is_staff:
        return None
    found = Identity.objects.filter(pk=identity, user=user, connection__state=Connection.State.ON)
    with acting_for(EVERYONE):  # it is what the wall is told next
        return found.values_list("organization_id", flat=True).first()


def signed_in_through(request: HttpRequest, user: User) -> dict[str, Any]:
    """What the log says about a sign-in besides: the connection, to be read by its organization."""
    if (number := came_through(request, user)) is None:
        return {}
    found = Identity.objects.select_related("connection__organization").filter(pk=number).first()
    if found is None:
        return {}
    return {"organization": found.connection.organization, "after": {"connection": found.connection.name}}


def moment(seconds: float | None) -> datetime | None:
    """A time as sessions keep it."""
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


# ---------- how it is done ----------


def _closed(user: User, connection: Connection) -> Why | None:
    if user.is_staff:
        return Why.STAFF
    if not user.is_active:
        return Why.INACTIVE
    theirs = in_force(Membership.objects.filter(user=user, organization=connection.organization_id))
    return None if theirs.filter(role__in=CUSTOMER_ROLES).exists() else Why.ENDED


def _linked(connection: Connection, subject: str, user: User) -> Identity:
    try:
        with transaction.atomic():
            identity = connection.identities.create(
                organization_id=connection.organization_id, subject=subject, user=user
            )
    except IntegrityError as error:  # two answers at once: one of them was first
        raise SignInFailed(Why.TAKEN_SUBJECT) from error
    audit.record(
        Action.CONNECTION_CHANGED,
        by=user,
        organization=connection.organization,
        target=("connection", connection.name),
        after={"linked": user.pk},
    )
    return identity


def _new_person(email: str, name: str) -> User:
    """Somebody without a password, whose address nobody has confirmed: the provider's word is a claim."""
    user = User.objects.create_user(email, None, name=audit.printable(name, 120))
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
    audit.record(Action.PERSON_ADDED, by=user, target=user, after={"email": email, "name": user.name})
    return user


def _address(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        return ""
    return text.lower()
