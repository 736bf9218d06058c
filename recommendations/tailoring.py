"""The hand of those who look after an organization: their own advice, their words, their order; all told.

The model's rank is never touched: what people put first stands beside it, and both can be read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Action, Organization, ReviewRequest, User
from recommendations import playbook
from recommendations.lifecycle import FieldRefused, check_edition, line, lock, write
from recommendations.models import Change, Horizon, Recommendation, Status
from scoring import publish
from scoring.engine import Scorecard

LONGEST_TITLE = 120
LONGEST_TEXT = 2000
EFFORT = (Decimal("0.5"), Decimal(100))  # days
MOST = 200  # of one organization that people wrote: a list, not a library

__all__ = ["Horizon", "Place"]  # for pages, which hold no model


@dataclass(frozen=True)
class Place:
    """Where something stands and whose doing that is, most telling first."""

    pinned_by: str  # one of ours, for this organization
    position: int | None  # put there by one of ours
    by_experts: bool  # pinned in the playbook, for everybody
    model_rank: int | None
    costs_money: bool  # labelled; it moves nothing in either order


@transaction.atomic
def add(
    organization: Organization,
    *,
    title: str,
    text: str,
    signal: str,
    target: int,
    effort_days: Decimal,
    horizon: str,
    by: User,
    hat: str,
    at: datetime | None = None,
) -> Recommendation:
    """What one of ours recommends to this organization alone; the next night works out what it brings.

    signal  key of a signal of the organization's scorecard
    target  whole points, 1 to 100
    raises  FieldRefused naming title, text, signal, target, effort_days or horizon
    """
    now = at or timezone.now()
    called, said = _title(title), _text(text)
    found = _signal(organization, signal, now)
    if not 1 <= target <= 100:
        raise FieldRefused("target", target, f"{target} is not from 1 to 100.")
    if not EFFORT[0] <= effort_days <= EFFORT[1]:
        raise FieldRefused("effort_days", effort_days, f"{effort_days} days are not from 0.5 to 100.")
    if horizon not in Horizon.values:
        raise FieldRefused(
            "horizon", horizon, f"“{str(horizon)[:40]}” is none of {', '.join(Horizon.values)}."
        )
    Organization.objects.select_for_update().get(pk=organization.pk)  # two at once must not pass the limit
    if organization.recommendations.filter(play="").count() >= MOST:
        raise FieldRefused("title", MOST, f"There are {MOST} of your own already. Archive or reword one.")
    made = organization.recommendations.create(
        scorecard=organization.scorecard,
        signal=found.key,
        category=found.category,
        product=found.product or "",
        title=called,
        own_text=said,
        added_by=by,
        status_at=now,
        status_by=by,
        target=100 * target,
        effort_days=effort_days,
        horizon=horizon,
        suggested_on=now.date(),
        not_estimated="The next night works out what it brings.",
    )
    made.changes.create(
        organization=organization, what=Change.ADDED, after=Status.NEW, by=by, hat=hat, at=now, day=now.date()
    )
    audit.record(
        Action.RECOMMENDATION_ADDED,
        by=by,
        hat=hat,
        organization=organization,
        target=made,
        after={"signal": found.key, "target": target, "effort_days": effort_days},
        reason=called,
    )
    return made


@transaction.atomic
def reword(
    recommendation: Recommendation,
    *,
    title: str,
    text: str,
    by: User,
    hat: str,
    edition: int | None = None,
    at: datetime | None = None,
) -> Recommendation:
    """The recommendation in other words, which no night replaces; no text takes the play's again."""
    called, said = _title(title), _text(text)
    lock(recommendation)
    if (recommendation.title, recommendation.own_text) == (called, said):
        return recommendation
    check_edition(recommendation, edition)
    before = recommendation.title
    recommendation.title, recommendation.own_text, recommendation.reworded_by = called, said, by
    fields = ["title", "own_text", "reworded_by"]
    write(
        recommendation,
        fields,
        Change.REWORDED,
        by=by,
        hat=hat,
        at=at or timezone.now(),
        before=before,
        after=called,
    )
    return recommendation


@transaction.atomic
def pin(
    recommendation: Recommendation, on: bool, *, by: User, hat: str, at: datetime | None = None
) -> Recommendation:
    """Before all others, or no longer; whatever is pinned no night withdraws."""
    lock(recommendation)
    if (recommendation.pinned_at is not None) == on:
        return recommendation
    now = at or timezone.now()
    recommendation.pinned_at, recommendation.pinned_by = (now, by) if on else (None, None)
    after = "pinned" if on else "unpinned"
    write(recommendation, ["pinned_at", "pinned_by"], Change.PINNED, by=by, hat=hat, at=now, after=after)
    return recommendation


def hide(recommendation: Recommendation, *, by: User, hat: str, at: datetime | None = None) -> Recommendation:
    """The customer no longer sees it; those who tailor do."""
    return _hidden(recommendation, True, by, hat, at)


def show(recommendation: Recommendation, *, by: User, hat: str, at: datetime | None = None) -> Recommendation:
    """The customer sees it again."""
    return _hidden(recommendation, False, by, hat, at)


@transaction.atomic
def _hidden(
    recommendation: Recommendation, on: bool, by: User, hat: str, at: datetime | None
) -> Recommendation:
    lock(recommendation)
    if (recommendation.hidden_at is not None) == on:
        return recommendation
    now = at or timezone.now()
    recommendation.hidden_at, recommendation.hidden_by = (now, by) if on else (None, None)
    after = "hidden" if on else "shown"
    write(recommendation, ["hidden_at", "hidden_by"], Change.HIDDEN, by=by, hat=hat, at=now, after=after)
    return recommendation


@transaction.atomic
def order(
    organization: Organization,
    public_ids: Sequence[UUID],
    *,
    by: User,
    hat: str,
    at: datetime | None = None,
) -> list[Recommendation]:
    """These in this order before all others; what had a place and is not named gives it back to the model.

    raises  FieldRefused for an id that is not the organization's, or is there twice; nothing is changed then
    """
    now = at or timezone.now()
    if len(set(public_ids)) != len(public_ids):
        raise FieldRefused("ids", len(public_ids), "The same recommendation is there twice.")
    mine = organization.recommendations.select_for_update(of=("self",)).order_by("pk")
    found = {each.public_id: each for each in mine.filter(public_id__in=public_ids)}
    if foreign := [each for each in public_ids if each not in found]:
        raise FieldRefused("ids", str(foreign[0]), f"There is no recommendation {foreign[0]}.")
    wanted = {public_id: place for place, public_id in enumerate(public_ids, start=1)}
    for each in mine.exclude(position=None).exclude(public_id__in=public_ids):
        _put(each, None, by, hat, now)
    for public_id, place in wanted.items():
        if found[public_id].position != place:
            _put(found[public_id], place, by, hat, now)
    return [found[public_id] for public_id in public_ids]


def _put(each: Recommendation, place: int | None, by: User, hat: str, now: datetime) -> None:
    before, each.position = each.position, place
    write(
        each,
        ["position"],
        Change.ORDERED,
        by=by,
        hat=hat,
        at=now,
        before=_told(before),
        after=_told(place),
    )


def _told(place: int | None) -> str:
    return "the model's order" if place is None else f"place {place}"


@transaction.atomic
def put_into_review(
    recommendation: Recommendation,
    review: ReviewRequest | None,
    *,
    by: User,
    hat: str,
    at: datetime | None = None,
) -> Recommendation:
    """Part of this review, or of none: how an organization without the live score gets its advice.

    raises  FieldRefused for a review of another organization
    """
    if review is not None and review.organization_id != recommendation.organization_id:
        raise FieldRefused("review", str(review.pk), "There is no such review.")
    lock(recommendation)
    if recommendation.review_id == (review.pk if review else None):
        return recommendation
    before, recommendation.review = recommendation.review, review
    write(
        recommendation,
        ["review"],
        Change.REVIEWED,
        by=by,
        hat=hat,
        at=at or timezone.now(),
        before=f"{before.asked_at:%Y-%m-%d}" if before else "",
        after=f"{review.asked_at:%Y-%m-%d}" if review else "taken out",
    )
    return recommendation


# ---------- read ----------


def in_review(review: ReviewRequest) -> list[Recommendation]:
    """What the organization gets with this review, in the order that holds; nothing that is hidden."""
    own = review.recommendations.filter(organization=review.organization_id, hidden_at=None)
    return ordered(own)


def ordered(recommendations: Iterable[Recommendation]) -> list[Recommendation]:
    """Pinned ones, then where people put them, then pinned by the experts, then as the model ranks."""

    def key(each: Recommendation) -> tuple[bool, float, bool, int, bool, bool, int, int]:
        return (
            each.pinned_at is None,
            each.pinned_at.timestamp() if each.pinned_at else 0.0,
            each.position is None,
            each.position or 0,
            not each.why.get("pinned", False),
            each.model_rank is None,
            each.model_rank or 0,
            each.pk,
        )

    return sorted(recommendations, key=key)


def place_of(recommendation: Recommendation) -> Place:
    """Both orders of one recommendation, and who made the one that differs from the model's."""
    play = playbook.in_force().by_key.get(recommendation.play)
    return Place(
        pinned_by=str(recommendation.pinned_by or "") if recommendation.pinned_at else "",
        position=recommendation.position,
        by_experts=bool(recommendation.why.get("pinned")),
        model_rank=recommendation.model_rank,
        costs_money=bool(play and play.costs_money),
    )


# ---------- checks ----------


def _title(title: str) -> str:
    said = line("title", title, LONGEST_TITLE)
    if not said:
        raise FieldRefused("title", title, "Say in a few words what to do.")
    return said


def _text(text: str) -> str:
    """Paragraphs are kept, control characters are not."""
    lines = [" ".join(audit.printable(each, LONGEST_TEXT + 1).split()) for each in text.splitlines()]
    said = "\n".join(lines).strip()
    if len(said) > LONGEST_TEXT:
        raise FieldRefused("text", said[:40], f"{len(said)} characters are too many: at most {LONGEST_TEXT}.")
    return said


def _signal(organization: Organization, key: str, now: datetime) -> "_Signal":
    version = publish.in_force(organization.scorecard, now.date())
    card: Scorecard | None = publish.card_of(version) if version else None
    for signal in card.signals if card else ():
        if signal.key == key:
            return _Signal(signal.key, signal.category, signal.product)
    raise FieldRefused("signal", key, f"“{key[:80]}” is no signal of the scorecard.")


@dataclass(frozen=True)
class _Signal:
    key: str
    category: str
    product: str | None
