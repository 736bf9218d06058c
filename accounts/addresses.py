"""The address a person signs in with, changed to one that they have shown to be theirs."""

from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.letters import moment, write
from accounts.models import Action, User

SALT = "accounts.addresses"
A_DAY = 24 * 3600  # seconds that a link works


class AddressRefused(ValueError):
    """A change that cannot be: the same address, or a link that does not work any more."""


def token_for(user: User, email: str) -> str:
    """What the link to the new address carries: it works for a day, once, and for this person alone."""
    if email.lower() == user.email.lower():
        raise AddressRefused("This is the address you have now.")
    return signing.dumps({"user": user.pk, "email": email.lower(), "epoch": user.auth_epoch}, salt=SALT)


def ask(user: User, email: str, *, link: str) -> None:
    """A letter with the link to the new address; none where somebody else has it, which nobody is told."""
    if not _is_taken(email, user):
        write(email.lower(), "address_confirm", person=user, link=link)


def new_address(user: User, token: str) -> str:
    """The address of the link; raise AddressRefused when it is too old, was used, or is somebody else's."""
    try:
        kept: dict[str, Any] = signing.loads(token, salt=SALT, max_age=A_DAY)
    except signing.BadSignature as error:
        raise AddressRefused("This link no longer works. Ask for a new one.") from error
    if kept["user"] != user.pk or kept["epoch"] != user.auth_epoch or _is_taken(kept["email"], user):
        raise AddressRefused("This link no longer works. Ask for a new one.")
    return str(kept["email"])


@transaction.atomic
def change(user: User, token: str) -> None:
    """The person signs in with the new address from now on, and the old one is told.

    The caller ends the other sessions: one of them makes the change, and may stay.
    """
    User.objects.select_for_update().get(pk=user.pk)
    new, old = new_address(user, token), user.email
    EmailAddress.objects.filter(user=user).delete()
    user.email = new
    user.save(update_fields=["email"])
    EmailAddress.objects.create(user=user, email=new, verified=True, primary=True)
    audit.record(Action.PERSON_CHANGED, by=user, target=user, before={"email": old}, after={"email": new})
    for address in (old, new):
        write(
            address,
            "address_changed",
            person=user,
            at=moment(timezone.now()),
            support=settings.SUPPORT_EMAIL,
        )


def _is_taken(email: str, user: User) -> bool:
    return (
        User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists()
        or EmailAddress.objects.filter(email__iexact=email).exclude(user=user).exists()
    )
