"""Success reviews: a customer asks for one, a guide or success manager arranges it."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import audit, installation
from accounts.access import Capability, able_to, hat_of, roles_in
from accounts.contacts import ours
from accounts.models import Action, Organization, ReviewRequest, User


class AlreadyRequested(Exception):
    """One request is open already."""


class NothingToAnswer(Exception):
    """No request is open."""


def open_request(organization: Organization) -> ReviewRequest | None:
    """The request that waits for an answer."""
    return organization.review_requests.filter(answered_at=None).select_related("asked_by").first()


def open_requests(organizations: Iterable[Organization]) -> set[int]:
    """Those of these organizations, by id, whose request waits for an answer."""
    waiting = ReviewRequest.objects.filter(organization__in=list(organizations), answered_at=None)
    return set(waiting.values_list("organization_id", flat=True))


@transaction.atomic
def request_review(
    organization: Organization, *, by: User, link: str, at: datetime | None = None
) -> ReviewRequest:
    """The new request, mailed to whoever looks after it; raise AlreadyRequested if one is open.

    link  where they read and answer it
    """
    _lock(organization)
    if waiting := open_request(organization):
        raise AlreadyRequested(f"{organization} asked for a review on {waiting.asked_at:%Y-%m-%d} already.")
    now = at or timezone.now()
    made = ReviewRequest.objects.create(organization=organization, asked_by=by, asked_at=now)
    audit.record(
        Action.REVIEW_REQUESTED,
        by=by,
        hat=hat_of(able_to(Capability.REQUEST_REVIEW, roles_in(by, organization, at=now))),
        organization=organization,
        target=made,
        after={"asked": f"{now:%Y-%m-%d}"},
    )
    named = ours(organization, at=now)
    to = [member.user.email for member in named]
    if not any(member.is_assigned for member in named):  # then nobody named can open the page that answers it
        to.append(installation.current().support_email)
    # Robust: the request stands, and its page shows it to us, even if the mail server is down.
    transaction.on_commit(lambda: _tell(organization, by, link, to), robust=True)
    return made


@transaction.atomic
def answer(organization: Organization, *, by: User, at: datetime | None = None) -> ReviewRequest:
    """The request that was open, as arranged; raise NothingToAnswer without one."""
    _lock(organization)
    waiting = open_request(organization)
    if waiting is None:
        raise NothingToAnswer(f"{organization} has no open request.")
    now = at or timezone.now()
    waiting.answered_by, waiting.answered_at = by, now
    waiting.save(update_fields=["answered_by", "answered_at"])
    audit.record(
        Action.REVIEW_ARRANGED,
        by=by,
        hat=hat_of(able_to(Capability.ANSWER_REVIEW_REQUEST, roles_in(by, organization, at=now))),
        organization=organization,
        target=waiting,
        after={"asked": f"{waiting.asked_at:%Y-%m-%d}"},
    )
    return waiting


def _lock(organization: Organization) -> None:
    """Two clicks at once must not become two requests."""
    Organization.objects.select_for_update().get(pk=organization.pk)


def _tell(organization: Organization, by: User, link: str, to: list[str]) -> None:
    context = {
        "organization": organization,
        "by": by,
        "link": link,
        "product": settings.PRODUCT_NAME,
        "vendor": installation.current().vendor_name,
    }
    subject = " ".join(render_to_string("email/review_requested_subject.txt", context).split())
    message = render_to_string("email/review_requested_message.txt", context)
    for address in to:  # one letter each: nobody learns the others' addresses
        send_mail(subject, message, None, [address])
