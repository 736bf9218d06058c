"""Second factors: which a person has, who must have one, and the codes that stand in for a lost one.

allauth holds apps and passkeys and speaks to them. Ours is what it does not do: an app's code counts once
whatever the cache forgets, and recovery codes are kept as digests.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import datetime

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit, installation
from accounts.access import CUSTOMER_ROLES
from accounts.epochs import end_sessions_of
from accounts.letters import tell
from accounts.models import Action, Membership, Organization, RecoveryCode, User

APP, PASSKEY = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN
FACTORS = (APP, PASSKEY)
CALLED = {APP: "Authenticator app", PASSKEY: "Passkey"}

CODES = 10
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that reads like another: 32, so 5 bits each
CODE_LENGTH = 16
PERIOD = 30  # seconds that a code of an app stands for
COUNTER = "counter"  # of the last code that an app was believed


class FactorRefused(Exception):
    """A change to somebody's factors that cannot be."""


@dataclass(frozen=True)
class Factor:
    """A second factor of a person, as a page shows it."""

    id: int
    kind: str
    name: str
    added_at: datetime
    used_at: datetime | None


# ---------- who has one, who must ----------


def factors(user: User) -> list[Factor]:
    """What the person can sign in with besides the password, oldest first."""
    rows = Authenticator.objects.filter(user=user, type__in=FACTORS).order_by("created_at", "pk")
    return [Factor(row.pk, row.type, name_of(row), row.created_at, row.last_used_at) for row in rows]


def has_factor(user: User) -> bool:
    return Authenticator.objects.filter(user=user, type__in=FACTORS).exists()


def name_of(row: Authenticator) -> str:
    """As the person called it; an app has no name of its own."""
    return row.data.get("name") or CALLED[row.type]


def is_demanded(user: User, *, at: datetime | None = None) -> bool:
    """Whether the person may enter only with a second factor.

    Our staff, people of who demands it, and whoever alone may use a password where the company's sign-in is
    required (SECURITY §3.5).
    """
    return staff_must(user) or _demanding(user, at).exists()


def staff_must(user: User) -> bool:
    """The part of `is_demanded` that asks the database nothing."""
    return user.is_staff and settings.STAFF_SECOND_FACTOR


def demanded_by(user: User, *, at: datetime | None = None) -> list[str]:
    """Who asks a second factor of this person, by name."""
    names = _demanding(user, at).values_list("organization__name", flat=True)
    return ([installation.current().vendor_name] if staff_must(user) else []) + sorted(set(names))


@transaction.atomic
def demand(organization: Organization, is_on: bool, *, by: User, hat: str = "") -> bool:
    """Whether it is news that the organization demands a second factor of its people, or no longer does.

    Whoever has none is signed out, and sets one up at the next sign-in; `by` stays, and does so at once.
    """
    if organization.demands_factor == is_on:
        return False
    organization.demands_factor = is_on
    organization.save(update_fields=["demands_factor"])
    if is_on:
        with_one = Authenticator.objects.filter(type__in=FACTORS).values("user")
        theirs = organization.memberships.filter(_holds(timezone.now()), role__in=CUSTOMER_ROLES)
        end_sessions_of(
            User.objects.filter(pk__in=theirs.values("user")).exclude(pk__in=with_one).exclude(pk=by.pk)
        )
    audit.record(
        Action.CONNECTION_CHANGED,
        by=by,
        hat=hat,
        organization=organization,
        target=organization,
        before={"demands_factor": not is_on},
        after={"demands_factor": is_on},
    )
    return True


# ---------- adding and taking away ----------


@transaction.atomic
def added(user: User, kind: str) -> None:
    """A factor that allauth has just stored: written down, told, and everybody else signed out."""
    audit.record(Action.FACTOR_ADDED, by=user, target=user, after={"factor": CALLED[kind]})
    tell(user, "factor_added", factor=CALLED[kind])


@transaction.atomic
def remove(user: User, factor: int) -> Factor:
    """The factor that the person has no longer; with the last one their recovery codes go.

    raises  FactorRefused for the last one of somebody who must have one, or when it is not theirs
    """
    User.objects.select_for_update().get(pk=user.pk)
    mine = factors(user)
    found = next((each for each in mine if each.id == factor), None)
    if found is None:
        raise FactorRefused("This factor is not there any more.")
    if len(mine) == 1 and is_demanded(user):
        raise FactorRefused("You need a second factor. Add another one before you remove this.")
    take_away(user, [found], by=user)
    tell(user, "factor_removed", factor=CALLED[found.kind])
    return found


def take_away(user: User, gone: list[Factor], *, by: User | None, reason: str = "") -> None:
    """These factors are no more, nor, with the last, the recovery codes; inside the caller's transaction."""
    Authenticator.objects.filter(user=user, pk__in=[each.id for each in gone]).delete()
    if not has_factor(user):
        user.recovery_codes.all().delete()
    for each in gone:
        audit.record(
            Action.FACTOR_REMOVED,
            by=by,
            target=user,
            before={"factor": CALLED[each.kind]},
            reason=reason,
        )


# ---------- codes ----------


@transaction.atomic
def make_codes(user: User) -> list[str]:
    """Ten new recovery codes, to be shown this once; the ones before are worth nothing any more.

    raises  FactorRefused without a factor that they could stand in for
    """
    User.objects.select_for_update().get(pk=user.pk)
    if not has_factor(user):
        raise FactorRefused("Recovery codes stand in for a second factor. Add one first.")
    codes = ["".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH)) for _ in range(CODES)]
    now = timezone.now()
    user.recovery_codes.all().delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=digest(code), made_at=now) for code in codes
    )
    audit.record(Action.FACTOR_ADDED, by=user, target=user, after={"factor": f"{CODES} recovery codes"})
    tell(user, "codes_made")
    return ["-".join(code[at : at + 4] for at in range(0, CODE_LENGTH, 4)) for code in codes]


def codes_left(user: User) -> int:
    return user.recovery_codes.filter(used_at=None).count()


def use_recovery_code(user: User, text: str) -> bool:
    """Whether this was one of the person's codes that was never used; now it is, for two askers only once."""
    unused = user.recovery_codes.filter(digest=digest(text), used_at=None)
    return bool(unused.update(used_at=timezone.now()))


def use_app_code(user: User, text: str, *, at: float | None = None) -> Authenticator | None:
    """The app whose code this is, if that code and no later one has been believed before."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(user=user, type=APP).first()
        counter = counter_of(decrypt(row.data["secret"]), text, at=at) if row else None
        if row is None or counter is None or counter <= row.data.get(COUNTER, -1):
            return None
        row.data[COUNTER] = counter
        row.save(update_fields=["data"])
    return row


def counter_of(secret: str, text: str, *, at: float | None = None) -> int | None:
    """Which half-minute this is the code of: this one or a neighbor, for clocks differ; None for none."""
    now = int(time.time() if at is None else at) // PERIOD
    for counter in (now + 1, now, now - 1):
        if compare_user_code(actual=text, expected=format_hotp_value(hotp_value(secret, counter))):
            return counter
    return None


def digest(code: str) -> str:
    """What is kept of a recovery code. Unsalted: 80 random bits stand in no table of guesses."""
    plain = "".join(code.upper().replace("-", "").split())
    return hashlib.sha256(plain.encode()).hexdigest()


def key_of(secret: str) -> bytes:
    """The key that closes the secrets of apps in the database, from a secret key of the installation."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"accounts.factors:" + secret.encode()).digest())


def _demanding(user: User, at: datetime | None) -> QuerySet[Membership]:
    """The person's memberships in organizations that demand a factor, or in which they break the glass."""
    breaks_glass = Q(organization__connections__is_required=True, organization__connections__break_glass=user)
    return user.memberships.filter(
        Q(organization__demands_factor=True) | breaks_glass,
        _holds(at or timezone.now()),
        role__in=CUSTOMER_ROLES,
    )


def _holds(now: datetime) -> Q:
    return Q(ends_at=None) | Q(ends_at__gt=now)
