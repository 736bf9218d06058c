"""See what the customer sees: staff open one organization with its contact's eyes, for a while, to read only.

Kept in the session, so it ends with it. What it opens is decided at the door (accounts.access); how long it
lasts, and that nothing is changed meanwhile, here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts import audit
from accounts.access import Capability, able_to, hat_of
from accounts.models import Action, Organization, User

LASTS = timedelta(minutes=30)
KEY = "seeing"
READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class ReadOnly(PermissionDenied):
    """Nothing is changed with the customer's eyes."""


@dataclass(frozen=True)
class Seeing:
    """Which organization is seen as its contact would, and until when."""

    organization: int
    slug: str
    until: datetime


@transaction.atomic
def begin(request: HttpRequest, user: User, organization: Organization) -> None:
    """From the next page on; the customer reads in their log that it happened."""
    request.session[KEY] = {
        "organization": organization.pk,
        "slug": organization.slug,
        "until": int(time.time() + LASTS.total_seconds()),
    }
    roles = able_to(Capability.SEE_AS_CUSTOMER, organization.opened.own_roles)
    audit.record(
        Action.SEEN_AS_CUSTOMER,
        by=user,
        hat=hat_of(roles),
        organization=organization,
        after={"minutes": int(LASTS.total_seconds() // 60)},
    )


def end(request: HttpRequest) -> str:
    """With one's own eyes again; the slug of the organization that was seen, empty if none was."""
    known = request.session.pop(KEY, None)
    return known["slug"] if known else ""


def seen(request: HttpRequest) -> Seeing | None:
    """What is seen with the customer's eyes now; what has run out is forgotten."""
    known = request.session.get(KEY)
    if known is None:
        return None
    if known["until"] <= time.time():
        end(request)
        return None
    return Seeing(known["organization"], known["slug"], datetime.fromtimestamp(known["until"], UTC))


class Eyes:
    """Tells the door with whose eyes the person of this request looks, and lets them change nothing there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and (now := seen(request)):
            request.user.sees_as_customer = now.organization
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """raises  ReadOnly for whatever is not reading in the organization that is seen"""
        if request.method in READING or not request.user.is_authenticated:
            return
        now = seen(request)
        if now is not None and kwargs.get("slug") == now.slug:
            reason = "Nothing is changed while it is seen as the customer sees it."
            audit.refused(Action.REFUSED, by=request.user, reason=reason)
            raise ReadOnly(reason)
