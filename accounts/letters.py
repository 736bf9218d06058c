"""Mails to one person about their own account: to every address we have of them, without a secret in them."""

from datetime import datetime
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts import audit, installation
from accounts.models import User


def tell(user: User, about: str, *, at: datetime | None = None, **context: Any) -> None:
    """Write to every address of the person; `about` is the name of the message below templates/email."""
    known = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    context |= {
        "person": user,
        "at": moment(at or timezone.now()),
        "where": audit.asking().address or "",
        "support": installation.current().support_email,
    }
    for address in sorted({user.email, *known}):
        write(address, about, **context)


def write(address: str, about: str, **context: Any) -> None:
    """Write to one address."""
    get_adapter().send_mail(f"email/{about}", address, context)


def moment(at: datetime) -> str:
    """22 Nov 2026, 08:15 UTC."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"
