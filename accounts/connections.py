"""How an organization lets its people in through their own company: set up, checked, tested, required.

Who comes in through it is decided in accounts.arrivals; how the protocols work, in accounts.sso.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.access import CUSTOMER_ROLES, Capability, able_to, hat_of, in_force, roles_in
from accounts.epochs import end_sessions
from accounts.factors import has_factor
from accounts.isolation import EVERYONE, acting_for
from accounts.models import Action, Certificate, Connection, Membership, Organization, Role, User
from accounts.sso import certificates, oidc, saml
from accounts.sso.claims import Finding
from accounts.sso.reasons import SignInFailed, Why
from accounts.sso.secret import SecretLost, seal, unseal
from accounts.sso.web import Web, WebRefused

Kind, State = Connection.Kind, Connection.State

MOST = 5  # connections of one organization: one in use, one to come, and some left over
MOST_CERTIFICATES = 4
ENDS_SOON_DAYS = 30
# Changing one of these means another provider, whose names for people are not the old one's.
WHO_ANSWERS = ("issuer", "entity_id")


class ConnectionRefused(ValueError):
    """A value of a connection that cannot be, and at which field it stands."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


class NotYet(Exception):
    """A step that another has to come before; the message says which."""


@dataclass(frozen=True)
class Addresses:
    """Where a connection's answers come to, and what we are called there."""

    callback: str
    acs: str
    metadata: str


@dataclass(frozen=True)
class Readiness:
    """How far a connection is, as its page shows it."""

    is_described: bool
    is_tested: bool
    is_on: bool
    is_required: bool


def web() -> Web:
    """The network as the operator's settings allow it."""
    return Web(settings.CONNECTION_HOSTS)


# ---------- setting up ----------


@transaction.atomic
def add(organization: Organization, kind: str, *, by: User) -> Connection:
    """A new connection, a draft: it has its addresses already, for the provider's side.

    raises  ConnectionRefused for a kind there is not, or when there are too many
    """
    if kind not in Kind.values:
        raise ConnectionRefused("kind", f"Choose OpenID Connect or SAML, not “{kind}”.")
    if organization.connections.count() >= MOST:
        raise ConnectionRefused("kind", f"There are {MOST} connections already. Remove one first.")
    connection = organization.connections.create(kind=kind, name=organization.name[:80])
    _record(connection, by, {}, {"added": connection.get_kind_display()})
    return connection


@transaction.atomic
def describe_oidc(
    connection: Connection, *, name: str, issuer: str, client_id: str, secret: str, by: User
) -> None:
    """The connection with what an OpenID Connect provider gave out; an empty secret keeps the one there is.

    raises  ConnectionRefused
    """
    connection = _locked(connection)
    _judge("issuer", issuer)
    if issuer.endswith("/.well-known/openid-configuration"):
        raise ConnectionRefused(
            "issuer", "Enter the issuer alone, without /.well-known/openid-configuration."
        )
    if not secret and not connection.sealed_secret:
        raise ConnectionRefused("secret", "Enter the client secret.")
    values = {"name": name, "issuer": issuer, "client_id": client_id}
    if secret:
        values["sealed_secret"] = seal(secret, settings.CONNECTION_KEY)
    _change(connection, values, by=by)


@transaction.atomic
def describe_saml(connection: Connection, *, name: str, entity_id: str, sso_url: str, by: User) -> None:
    """The connection with what a SAML provider gave out.

    raises  ConnectionRefused
    """
    connection = _locked(connection)
    _judge("sso_url", sso_url)
    _change(connection, {"name": name, "entity_id": entity_id, "sso_url": sso_url}, by=by)


@transaction.atomic
def describe_by_metadata(connection: Connection, text: str, *, by: User) -> None:
    """The connection as a SAML provider's own metadata describes it, its certificates with it.

    raises  ConnectionRefused, and nothing is changed
    """
    try:
        said = saml.read_metadata(text)
    except saml.MetadataRefused as error:
        raise ConnectionRefused("metadata", str(error)) from error
    if len(said.entity_id) > 500 or len(said.sso_url) > 500:
        raise ConnectionRefused("metadata", "An address in the metadata is longer than 500 characters.")
    try:
        describe_saml(connection, name=connection.name, entity_id=said.entity_id, sso_url=said.sso_url, by=by)
        for each in said.certificates:
            if not connection.certificates.filter(fingerprint=_read(each).fingerprint).exists():
                add_certificate(connection, each, by=by)
    except ConnectionRefused as error:
        raise ConnectionRefused("metadata", str(error)) from error


@transaction.atomic
def add_certificate(connection: Connection, text: str, *, by: User) -> Certificate:
    """One more certificate of the provider; the old ones stay valid beside it until they are removed or end.

    raises  ConnectionRefused
    """
    connection = _locked(connection)
    found = _read(text)
    now = timezone.now()
    if found.ends_at <= now:
        raise ConnectionRefused(
            "certificate", f"This certificate has ended on {found.ends_at:%-d %b %Y}. Ask for the new one."
        )
    if connection.certificates.filter(fingerprint=found.fingerprint).exists():
        raise ConnectionRefused("certificate", "This certificate is here already.")
    if connection.certificates.count() >= MOST_CERTIFICATES:
        raise ConnectionRefused(
            "certificate", f"There are {MOST_CERTIFICATES} certificates already. Remove an old one first."
        )
    certificate = connection.certificates.create(
        organization_id=connection.organization_id,
        pem=found.pem,
        subject=found.subject,
        fingerprint=found.fingerprint,
        begins_at=found.begins_at,
        ends_at=found.ends_at,
    )
    _record(connection, by, {}, {"certificate": f"{found.fingerprint} until {found.ends_at:%Y-%m-%d}"})
    return certificate


@transaction.atomic
def remove_certificate(certificate: Certificate, *, by: User) -> None:
    """The connection without it; the last valid one of a connection in use stays (NotYet)."""
    connection = _locked(certificate.connection)
    others = valid_certificates(connection).exclude(pk=certificate.pk)
    if connection.state == State.ON and not others.exists():
        raise NotYet("Add the new certificate first: nobody could sign in without one.")
    _record(connection, by, {"certificate": certificate.fingerprint}, {"certificate": ""})
    certificate.delete()


def valid_certificates(connection: Connection, *, at: datetime | None = None) -> QuerySet[Certificate]:
    """Those that hold now."""
    now = at or timezone.now()
    return connection.certificates.filter(begins_at__lte=now, ends_at__gt=now)


# ---------- looking ----------


def is_described(connection: Connection) -> bool:
    """Whether everything is entered that a sign-in needs."""
    if connection.kind == Kind.OIDC:
        return bool(connection.issuer and connection.client_id and connection.sealed_secret)
    return bool(connection.entity_id and connection.sso_url and valid_certificates(connection).exists())


def readiness(connection: Connection) -> Readiness:
    return Readiness(
        is_described(connection),
        connection.tested_at is not None,
        connection.state == State.ON,
        connection.is_required,
    )


def check(connection: Connection, addresses: Addresses) -> list[Finding]:
    """What can be known before anybody signs in, each thing by its name."""
    if connection.kind == Kind.OIDC:
        if not is_described(connection):
            return [
                Finding(False, "What the provider gave you", "Enter issuer, client id and client secret.")
            ]
        try:
            return oidc.check(client_of(connection, addresses), web())
        except SignInFailed as error:
            return [Finding(False, "The client secret", str(error))]
    return _check_saml(connection)


def _check_saml(connection: Connection) -> list[Finding]:
    now = timezone.now()
    found = [
        Finding(
            bool(connection.entity_id),
            "The provider's entity id",
            connection.entity_id or "Paste the provider's metadata, or enter it by hand.",
        )
    ]
    try:
        _judge("sso_url", connection.sso_url)
        found.append(Finding(True, "The provider's sign-in address", connection.sso_url))
    except ConnectionRefused as error:
        found.append(Finding(False, "The provider's sign-in address", str(error)))
    listed = list(connection.certificates.all())
    for each in listed:
        title = f"Certificate {each.fingerprint}"
        left = (each.ends_at - now).days
        if each.ends_at <= now:
            found.append(
                Finding(bool(_holding(listed, now)), title, f"Ended on {each.ends_at:%-d %b %Y}.", True)
            )
        elif each.begins_at > now:
            found.append(Finding(True, title, f"Begins on {each.begins_at:%-d %b %Y}.", True))
        elif left <= ENDS_SOON_DAYS:
            found.append(Finding(True, title, f"Ends in {left} days. Add the next one in time.", True))
        else:
            found.append(Finding(True, title, f"Valid until {each.ends_at:%-d %b %Y}."))
    if not _holding(listed, now):
        found.append(
            Finding(False, "A certificate that is valid now", "Add one: answers are signed with it.")
        )
    return found


def _holding(listed: list[Certificate], now: datetime) -> list[Certificate]:
    return [each for each in listed if each.begins_at <= now < each.ends_at]


def client_of(connection: Connection, addresses: Addresses) -> oidc.Client:
    """The connection as the protocol needs it, its secret opened."""
    try:
        secret = unseal(connection.sealed_secret, settings.CONNECTION_KEY)
    except SecretLost as error:
        raise SignInFailed(Why.SECRET_LOST) from error
    return oidc.Client(connection.issuer, connection.client_id, secret, addresses.callback)


def provider_of(connection: Connection, addresses: Addresses) -> saml.Provider:
    """The connection as the protocol needs it, with the certificates that hold now."""
    pems = tuple(valid_certificates(connection).values_list("pem", flat=True))
    return saml.Provider(connection.entity_id, connection.sso_url, pems, addresses.acs, addresses.metadata)


# ---------- switching ----------


@transaction.atomic
def switch_on(connection: Connection, *, by: User) -> None:
    """People of the organization may come in through it, beside their passwords.

    raises  NotYet before a test has worked, or while another connection is on
    """
    connection = _locked(connection)
    if connection.tested_at is None:
        raise NotYet(
            "Test the connection first: a sign-in through it must have worked since the last change."
        )
    other = connection.organization.connections.filter(state=State.ON).exclude(pk=connection.pk).first()
    if other:
        raise NotYet(f"“{other.name}” is on. Switch it off first: one connection is in use at a time.")
    _switch(connection, by, state=State.ON)


@transaction.atomic
def require(connection: Connection, break_glass: User, *, by: User) -> None:
    """Nobody of the organization comes in another way any more, but for one person for the day it breaks.

    Whoever else is signed in is signed out, and comes back through the company.

    raises  NotYet, ConnectionRefused for somebody who could not open the door then
    """
    connection = _locked(connection)
    if connection.state != State.ON or connection.tested_at is None:
        raise NotYet("Switch the connection on and test it first.")
    if break_glass not in break_glass_choices(connection.organization):
        raise ConnectionRefused(
            "break_glass", "Choose a designated contact who has a password and a confirmed e-mail address."
        )
    if not has_factor(break_glass):
        raise ConnectionRefused(
            "break_glass",
            f"{break_glass} has no second factor. Theirs is the one password that still opens: "
            "they add an authenticator app or a passkey under Your settings first.",
        )
    _switch(connection, by, is_required=True, break_glass=break_glass)
    for person in bound(connection):
        end_sessions(person)


@transaction.atomic
def stop_requiring(connection: Connection, *, by: User) -> None:
    """Passwords work again beside it."""
    _switch(_locked(connection), by, is_required=False, break_glass=None)


@transaction.atomic
def switch_off(connection: Connection, *, by: User) -> None:
    """Nobody comes in through it; whoever did is signed out at their next click, and passwords work again."""
    _switch(_locked(connection), by, state=State.OFF, is_required=False, break_glass=None)


@transaction.atomic
def remove(connection: Connection, *, by: User) -> None:
    """Gone, with its secret, its certificates and the links of its people.

    raises  NotYet while it is on
    """
    connection = _locked(connection)
    if connection.state == State.ON:
        raise NotYet("Switch it off first.")
    _record(connection, by, _facts(connection), {"removed": "yes", "links": connection.identities.count()})
    connection.delete()


def break_glass_choices(organization: Organization) -> QuerySet[User]:
    """Designated contacts who could come in with a password on the day the connection breaks."""
    contacts = _active(organization).filter(role=Role.CONTACT, user=OuterRef("pk"))
    return (
        User.objects.filter(Exists(contacts), is_active=True, is_staff=False)
        .filter(emailaddress__verified=True, emailaddress__primary=True)
        .exclude(Q(password="") | Q(password__startswith="!"))  # noqa: S106 - Django's mark of having none
        .order_by("name", "email")
    )


def break_glass_is_fit(connection: Connection) -> bool:
    """Whether the one who is to open the door on that day still could."""
    person = connection.break_glass
    return (
        person is not None and person in break_glass_choices(connection.organization) and has_factor(person)
    )


def bound(connection: Connection) -> QuerySet[User]:
    """Everybody of the organization whom requiring the connection concerns."""
    theirs = _active(connection.organization).filter(role__in=CUSTOMER_ROLES, user=OuterRef("pk"))
    people = User.objects.filter(Exists(theirs), is_active=True, is_staff=False).order_by("name", "email")
    return people.exclude(pk=connection.break_glass.pk) if connection.break_glass else people


def not_linked(connection: Connection) -> QuerySet[User]:
    """Those of them who could not come in through it yet."""
    return bound(connection).exclude(Exists(connection.identities.filter(user=OuterRef("pk"))))


def closed_by(user: User) -> Connection | None:
    """The connection that is this person's only way in; None for who may use a password.

    Somebody who belongs to another organization besides, and the break-glass contact, may.
    """
    if user.is_staff or user.pk is None:
        return None
    with acting_for(EVERYONE):  # whoever knocks has not signed in yet
        theirs = in_force(Membership.objects.filter(user=user)).values("organization_id")
        organizations = {each["organization_id"] for each in theirs}
        closing = Connection.objects.filter(organization__in=organizations, is_required=True)
        required = list(closing.select_related("organization"))
    if not required or {each.organization_id for each in required} != organizations:
        return None
    return None if any(each.break_glass_id == user.pk for each in required) else required[0]


# ---------- how it is done ----------


def _locked(connection: Connection) -> Connection:
    return (
        Connection.objects.select_for_update(of=("self",))
        .select_related("organization")
        .get(pk=connection.pk)
    )


def _judge(field: str, url: str) -> None:
    try:
        web().judge(url)
    except WebRefused as error:
        raise ConnectionRefused(field, str(error)) from error


def _read(text: str) -> certificates.Read:
    try:
        return certificates.read(text)
    except certificates.CertificateRefused as error:
        raise ConnectionRefused("certificate", str(error)) from error


def _change(connection: Connection, values: Mapping[str, str], *, by: User) -> None:
    """The values in; another provider begins anew, another way to the same one is to be tested again."""
    changed: dict[str, Any] = {
        name: value for name, value in values.items() if getattr(connection, name) != value
    }
    if not changed:
        return
    before = {name: getattr(connection, name) for name in changed}
    if any(before.get(name) for name in WHO_ANSWERS if name in changed):
        changed |= {"state": State.DRAFT, "is_required": False, "break_glass": None}
        before |= {"state": connection.state, "is_required": connection.is_required}
        connection.identities.all().delete()
    if set(changed) - {"name"}:
        changed["tested_at"] = None
    for name, value in changed.items():
        setattr(connection, name, value)
    connection.save(update_fields=list(changed))
    hidden = {"tested_at", "break_glass"}
    after = {name: value for name, value in changed.items() if name not in hidden}
    _record(connection, by, _secretly(before), _secretly(after))


def _switch(connection: Connection, by: User, **values: Any) -> None:
    before = {name: getattr(connection, name) for name in values}
    for name, value in values.items():
        setattr(connection, name, value)
    connection.save(update_fields=list(values))
    changed = {name: value for name, value in values.items() if before[name] != value}
    if changed:
        _record(connection, by, {name: before[name] for name in changed}, changed)


def _secretly(values: Mapping[str, Any]) -> dict[str, Any]:
    """The log knows that there is a secret, nothing of it, sealed or not."""
    return {"secret" if name == "sealed_secret" else name: value for name, value in values.items()}


def _facts(connection: Connection) -> dict[str, str]:
    kept = ("issuer", "client_id", "entity_id", "sso_url")
    return {name: getattr(connection, name) for name in kept if getattr(connection, name)}


def _record(connection: Connection, by: User, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    organization = connection.organization
    audit.record(
        Action.CONNECTION_CHANGED,
        by=by,
        hat=hat_of(able_to(Capability.MANAGE_CONNECTION, roles_in(by, organization))),
        organization=organization,
        target=("connection", connection.name),
        before=_logged(before),
        after=_logged(after),
    )


def _logged(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the log keeps them; a person by their number."""
    named = {name: value.pk if isinstance(value, User) else value for name, value in values.items()}
    return {"called" if name == "name" else name: value for name, value in named.items()}


def _active(organization: Organization) -> QuerySet[Membership]:
    return in_force(Membership.objects.filter(organization=organization))
