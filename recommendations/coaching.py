"""Expert coaching: asked for by the customer beside a recommendation, arranged by one of ours."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from accounts import audit
from accounts.models import Action, Organization, User
from recommendations.lifecycle import FieldRefused, line
from recommendations.models import CoachingRequest, Recommendation

LONGEST_TOPIC = 200
LONGEST_WORDS = 500


class AlreadyAsked(Exception):
    """A session about it was asked for and has no answer yet."""

    def __init__(self, request: CoachingRequest) -> None:
        super().__init__(
            f"{request.asked_by or 'Someone'} asked for it on {request.asked_at:%Y-%m-%d} already."
        )
        self.request = request


class AnsweredAlready(Exception):
    """Somebody has answered it."""


class NotAsked(LookupError):
    """There is no such request in this organization."""


@transaction.atomic
def ask(
    recommendation: Recommendation,
    *,
    topic: str,
    wish: str = "",
    by: User,
    hat: str,
    at: datetime | None = None,
) -> CoachingRequest:
    """The request as it is kept, for whoever looks after the organization.

    wish    when, and with whom
    raises  FieldRefused for a topic or wish that cannot be kept, AlreadyAsked while one is open
    """
    about = line("topic", topic, LONGEST_TOPIC)
    if not about:
        raise FieldRefused("topic", topic, "Say what the session is to be about.")
    said = line("wish", wish, LONGEST_WORDS)
    Recommendation.objects.select_for_update(of=("self",)).get(pk=recommendation.pk)
    waiting = recommendation.coaching_requests.filter(answered_at=None).select_related("asked_by").first()
    if waiting is not None:
        raise AlreadyAsked(waiting)
    made = recommendation.coaching_requests.create(
        organization_id=recommendation.organization_id,
        topic=about,
        wish=said,
        asked_by=by,
        asked_at=at or timezone.now(),
    )
    audit.record(
        Action.COACHING_REQUESTED,
        by=by,
        hat=hat,
        organization=recommendation.organization,
        target=made,
        after={"about": recommendation.title},
    )
    return made


@transaction.atomic
def answer(
    organization: Organization,
    public_id: UUID,
    *,
    text: str,
    by: User,
    hat: str,
    at: datetime | None = None,
) -> CoachingRequest:
    """The request with its answer; raise NotAsked, AnsweredAlready, or FieldRefused for the text."""
    said = line("answer", text, LONGEST_WORDS)
    if not said:
        raise FieldRefused("answer", text, "Say when the session is, or why there is none.")
    mine = organization.coaching_requests.select_for_update(of=("self",))
    asked = mine.filter(public_id=public_id).first()
    if asked is None:
        raise NotAsked(f"{organization} has no coaching request {public_id}.")
    if asked.answered_at:
        raise AnsweredAlready(f"It was answered on {asked.answered_at:%Y-%m-%d}: {asked.answer}")
    asked.answer, asked.answered_by, asked.answered_at = said, by, max(at or timezone.now(), asked.asked_at)
    asked.save(update_fields=["answer", "answered_by", "answered_at"])
    audit.record(
        Action.COACHING_ANSWERED,
        by=by,
        hat=hat,
        organization=organization,
        target=asked,
        after={"asked": f"{asked.asked_at:%Y-%m-%d}"},
    )
    return asked


def of(organization: Organization) -> list[CoachingRequest]:
    """All that was asked for, what waits first, then the newest."""
    rows = organization.coaching_requests.select_related("recommendation", "asked_by", "answered_by")
    return sorted(rows, key=lambda each: each.answered_at is not None)


def waiting(organizations: Iterable[int]) -> dict[int, int]:
    """How many wait for an answer, by organization id; those without any are left out."""
    rows = CoachingRequest.objects.filter(organization__in=list(organizations), answered_at=None)
    return dict(rows.order_by().values_list("organization_id").annotate(Count("pk")))
