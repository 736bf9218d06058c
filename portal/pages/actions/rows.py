"""Recommendations as ready text: the rows of a list, on the hub and wherever else a few of them stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone

from accounts.access import Capability, able_to, hat_of, is_open
from portal.templatetags.scores import NOTHING, change, day, in_full
from recommendations import finding, lifecycle, reasons
from recommendations.lifecycle import Status
from scoring.engine import Scorecard

if TYPE_CHECKING:
    from accounts.models import Organization, User
    from recommendations.models import Recommendation

# Up to so many days of work: how much effort that is, and how many dots of three.
EFFORTS: tuple[tuple[float, str, int], ...] = ((3, "Low", 1), (10, "Medium", 2), (10_000, "High", 3))


@dataclass(frozen=True)
class Hand:
    """What a person may do with an organization's recommendations, and under which hat."""

    marks: str  # the hat to mark them under; empty for who may not
    tailors: str
    asks: bool  # for coaching
    answers: str

    def may_mark(self, recommendation: "Recommendation") -> bool:
        return bool(self.marks) and lifecycle.may_mark(recommendation, self.marks)


def hand(user: "User", organization: "Organization") -> Hand:
    """What this person may do here, as the door says."""

    def hat(to: Capability) -> str:
        door = organization.opened
        return hat_of(able_to(to, door.own_roles)) if is_open(user, door, to) else ""

    return Hand(
        marks=hat(Capability.MARK_RECOMMENDATIONS),
        tailors=hat(Capability.TAILOR_RECOMMENDATIONS),
        asks=bool(hat(Capability.REQUEST_COACHING)),
        answers=hat(Capability.ANSWER_COACHING),
    )


@dataclass(frozen=True)
class Choice:
    """One status to choose."""

    key: str
    text: str
    is_on: bool


@dataclass(frozen=True)
class Row:
    """One recommendation in a list."""

    id: str
    title: str
    href: str
    about: str  # why, with its numbers; of a closed one what became of it
    category: str
    mark: str
    effort: str  # low, medium, high
    dots: tuple[bool, bool, bool]
    days: str
    horizon: str
    status: str
    word: str
    is_open: bool
    gain: str
    unit: str
    is_favorite: bool
    edition: int
    choices: tuple[Choice, ...]  # none for who may not mark it
    due: str
    is_late: bool
    owner: str
    tags: tuple[str, ...]
    is_commercial: bool
    is_verified: bool
    is_pinned: bool
    is_hidden: bool
    is_ours: bool  # written by one of ours for this organization
    orders: str  # both orders, for staff
    move: str  # addresses that are posted to
    star: str


def rows(
    found: Iterable["Recommendation"],
    scorecard: Scorecard,
    hand: Hand,
    *,
    slug: str,
    kept: str = "",
) -> list[Row]:
    """Every one as a row; `kept` is the query of the list, so that what is opened beside it leads back."""
    return [row(each, scorecard, hand, slug=slug, kept=kept) for each in found]


def row(
    each: "Recommendation",
    scorecard: Scorecard,
    hand: Hand,
    *,
    slug: str,
    kept: str = "",
) -> Row:
    """One recommendation, read by a person with this hand."""
    address = [slug, each.public_id]
    name, dots = effort(each.effort_days)
    marks = {category.key: category for category in scorecard.categories}
    of = marks.get(each.category)
    gain, unit = gained(each)
    today = timezone.localdate()
    is_open = each.status in (Status.NEW, Status.IN_PROGRESS)
    return Row(
        id=str(each.public_id),
        title=each.title,
        href=f"{reverse('action', args=address)}{f'?{kept}' if kept else ''}",
        about=became(each) or reason(each, scorecard),
        category=of.name if of else each.category,
        mark=(of.mark or "") if of else "",
        effort=name,
        dots=(dots > 0, dots > 1, dots > 2),
        days=worked(each.effort_days),
        horizon=each.get_horizon_display(),
        status=each.status,
        word=each.get_status_display(),
        is_open=is_open,
        gain=gain,
        unit=unit,
        is_favorite=bool(getattr(each, "is_favorite", False)),
        edition=each.edition,
        choices=choices(each) if hand.may_mark(each) else (),
        due=day(each.due_on) if each.due_on else "",
        is_late=bool(is_open and each.due_on and each.due_on < today),
        owner=str(each.owner) if each.owner_id else "",
        tags=tuple(each.tags),
        is_commercial=finding.costs_money(each),
        is_verified=each.verified_on is not None,
        is_pinned=each.pinned_at is not None,
        is_hidden=each.hidden_at is not None,
        is_ours=not each.play,
        orders=orders(each) if hand.tailors else "",
        move=reverse("action-move", args=address),
        star=reverse("action-favorite", args=address),
    )


def choices(each: "Recommendation") -> tuple[Choice, ...]:
    """The status it has and those it can get, in their order."""
    there = {each.status, *lifecycle.next_steps(each)}
    return tuple(Choice(key, text, key == each.status) for key, text in Status.choices if key in there)


def effort(days: Decimal) -> tuple[str, int]:
    """Low, medium or high, and so many dots of three."""
    return next((text, dots) for most, text, dots in EFFORTS if days <= most)


def worked(days: Decimal) -> str:
    """1 day, 2.5 days."""
    return f"{days.normalize():f} {'day' if days == 1 else 'days'}"


def gained(each: "Recommendation") -> tuple[str, str]:
    """What it would bring, or brought, and the word below it; never a 0 for what is not known."""
    if each.status == Status.ARCHIVED:
        return "", ""
    if each.status == Status.COMPLETE:
        if each.brought is not None:
            return change(each.brought), "gained"
        return NOTHING, "not measured yet"
    if each.gain is None:
        return NOTHING, "not estimated"
    return change(each.gain), "points"


def became(each: "Recommendation") -> str:
    """What became of a closed one; empty for an open one."""
    at = day(timezone.localtime(each.status_at).date())
    who = f" by {each.status_by}" if each.status_by_id else " by the night"
    if each.status == Status.COMPLETE:
        text = f"Completed {day(each.completed_on)}{who}."
        return f"{text} Verified {day(each.verified_on)} by its data." if each.verified_on else text
    if each.status == Status.ARCHIVED:
        return f"Archived {at}{who}: “{each.archived_reason}”"
    return ""


def reason(each: "Recommendation", scorecard: Scorecard) -> str:
    """What fired it, with its numbers; of what one of ours wrote, their words."""
    name = next((signal.name for signal in scorecard.signals if signal.key == each.signal), each.signal)
    return " ".join(reasons.sentences(each.why, name)) or each.own_text or each.not_estimated


def orders(each: "Recommendation") -> str:
    """The order of the model and that of people, apart."""
    model = f"ranker {in_full(each.model_rank)}" if each.model_rank else "ranker: none"
    ours = (
        "pinned"
        if each.pinned_at
        else f"ours {in_full(each.position)}"
        if each.position
        else "ours: as ranked"
    )
    return f"{model}, {ours}"


def past(when: date | None) -> bool:
    """Whether a day is over."""
    return when is not None and when < timezone.localdate()
