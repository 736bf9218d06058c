"""Recommendations as a list: filtered, counted, in one of several orders; for pages and the API alike.

Everything is found by walking from an organization that the door opened. What is hidden is there for those
who tailor the advice, and for nobody else.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Window,
)
from django.db.models.functions import Cast, JSONObject
from django.utils import timezone

from accounts.models import Organization, User
from recommendations import playbook, tailoring
from recommendations.models import (
    CoachingRequest,
    Favorite,
    Horizon,
    Recommendation,
    RecommendationChange,
    Status,
)
from recommendations.plays import Play
from scoring.engine import Scorecard

type Found = QuerySet[Recommendation]

OPEN = (Status.NEW, Status.IN_PROGRESS)
QUICK_DAYS = 3  # a quick win takes no longer
QUICK_GAIN = 50  # and brings at least that much, in hundredths of overall points
LONGEST_PART = 120  # characters of one part of an address
FAVORITES = "favorites"  # a list of its own, whatever the status

LISTS: dict[str, str] = {
    "": "All",
    Status.NEW: "New",
    Status.IN_PROGRESS: "In Progress",
    Status.COMPLETE: "Complete",
    Status.ARCHIVED: "Archived",
    FAVORITES: "Favorites",
}


def _down(field: str) -> Any:
    """From the largest; what has no number comes last."""
    return F(field).desc(nulls_last=True)


def _up(field: str) -> Any:
    return F(field).asc(nulls_last=True)


LAST_MODEL = _up("model_rank")

# By name: the words for it, and the fields in order.
ORDERS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "ours": ("Our order", (_up("pinned_at"), _up("position"), _down("why__pinned"), LAST_MODEL)),
    "per-day": ("Points per day", (_down("per_day"),)),
    "gain": ("Expected points", (_down("gain"),)),
    "effort": ("Effort", (_up("effort_days"),)),
    "newest": ("Newest", (_down("suggested_on"),)),
}
USUAL = "ours"


@dataclass(frozen=True)
class Wanted:
    """What is looked for; empty fields leave everything in."""

    status: str = ""
    category: str = ""
    signals: Collection[str] = ()  # of a subcategory, or one
    product: str = ""
    horizon: str = ""
    is_quick: bool = False
    owner: int | None = None
    tag: str = ""
    q: str = ""
    sort: str = USUAL


@dataclass(frozen=True)
class Counts:
    """How many stand where; `open_ones` are New and In Progress."""

    by_list: Mapping[str, int]
    by_category: Mapping[str, int]
    reach: int  # hundredths that the open ones would bring, each by itself
    reaching: int  # how many of them have a number

    @property
    def open_ones(self) -> int:
        return self.by_list[Status.NEW] + self.by_list[Status.IN_PROGRESS]


def read(
    texts: Mapping[str, str], scorecard: Scorecard, owners: Collection[int]
) -> tuple[Wanted, dict[str, str]]:
    """What an address asks for, and the parts of it that are not known here, with their values.

    texts  by name: status, category, subcategory (category/key), signal, product, horizon, quick (1), owner,
           tag, q, sort; what is missing or empty asks for nothing
    """
    signals = {signal.key: {signal.key} for signal in scorecard.signals}
    below: dict[str, set[str]] = {}
    for signal in scorecard.signals:
        below.setdefault(f"{signal.category}/{signal.subcategory}", set()).add(signal.key)
    known: dict[str, Collection[str]] = {
        "status": LISTS,
        "category": {each.key for each in scorecard.categories},
        "subcategory": below,
        "signal": signals,
        "product": {each.key for each in scorecard.products},
        "horizon": Horizon.values,
        "quick": {"1"},
        "owner": {str(each) for each in owners},
        "sort": ORDERS,
    }
    given = {name: texts.get(name, "").strip()[:LONGEST_PART] for name in (*known, "tag", "q")}
    unknown = {
        name: text for name, text in given.items() if text and name in known and text not in known[name]
    }
    given |= dict.fromkeys(unknown, "")
    wanted = Wanted(
        status=given["status"],
        category=given["category"],
        signals=frozenset(signals.get(given["signal"]) or below.get(given["subcategory"]) or ()),
        product=given["product"],
        horizon=given["horizon"],
        is_quick=bool(given["quick"]),
        owner=int(given["owner"]) if given["owner"] else None,
        tag=given["tag"],
        q=given["q"],
        sort=given["sort"] or USUAL,
    )
    return wanted, unknown


def of(organization: Organization, reader: User, *, sees_hidden: bool = False) -> Found:
    """All that this reader may see of the organization's, each with the reader's own star."""
    found = organization.recommendations.annotate(
        is_favorite=Exists(Favorite.objects.filter(recommendation=OuterRef("pk"), user=reader))
    )
    return found if sees_hidden else found.filter(hidden_at=None)


def narrowed(found: Found, wanted: Wanted) -> Found:
    """Those that are looked for, in the order that is asked for; the open ones first."""
    if wanted.status == FAVORITES:
        found = found.filter(is_favorite=True)  # type: ignore[misc]  # `of` annotates it
    elif wanted.status:
        found = found.filter(status=wanted.status)
    if wanted.category:
        found = found.filter(category=wanted.category)
    if wanted.signals:
        found = found.filter(signal__in=wanted.signals)
    if wanted.product:
        found = found.filter(product=wanted.product)
    if wanted.horizon:
        found = found.filter(horizon=wanted.horizon)
    if wanted.is_quick:
        found = quick(found)
    if wanted.owner is not None:
        found = found.filter(owner=wanted.owner)
    if wanted.q:
        found = found.filter(
            Q(title__icontains=wanted.q) | Q(own_text__icontains=wanted.q) | Q(signal__icontains=wanted.q)
        )
    if wanted.tag:
        found = found.filter(pk__in=tagged(found, wanted.tag))
    return ordered(found, wanted.sort)


def ordered(found: Found, sort: str = USUAL) -> Found:
    """Open ones first, then in this order; equals by the model's rank, then as they came."""
    return found.annotate(
        per_day=Cast(F("gain"), FloatField()) / Cast(F("effort_days"), FloatField()),
        is_closed=ExpressionWrapper(~Q(status__in=OPEN), output_field=BooleanField()),
    ).order_by("is_closed", *ORDERS[sort][1], LAST_MODEL, "pk")


def counted(found: Found) -> Counts:
    """How many of these there are, list by list and category by category: one query."""
    by_list, by_category = dict.fromkeys(LISTS, 0), dict[str, int]()
    reach = reaching = 0
    rows = (
        found.order_by()
        .values_list("status", "category", "is_favorite")  # type: ignore[misc]  # `of` annotates it
        .annotate(number=Count("pk"), gained=Sum("gain"), with_gain=Count("gain"))
    )
    for status, category, is_favorite, number, gained, with_gain in rows:
        by_list[""] += number
        by_list[status] += number
        by_list[FAVORITES] += number if is_favorite else 0
        by_category[category] = by_category.get(category, 0) + number
        if status in OPEN:
            reach, reaching = reach + (gained or 0), reaching + with_gain
    return Counts(by_list, by_category, reach, reaching)


@dataclass(frozen=True)
class InForce:
    """The newest plan of actions in force, in short; points in hundredths."""

    public_id: UUID
    name: str
    done: int
    actions: int
    start: int
    projected: int


@dataclass(frozen=True)
class First:
    """What stands beside a score."""

    rows: list[Recommendation]
    open_ones: int  # of the organization
    of_mine: int  # of the category or signals
    plan: InForce | None


def first(
    organization: Organization, *, category: str = "", signals: Collection[str] = (), most: int = 3
) -> First:
    """The first of the open ones in our order, how many there are, and the newest plan that may be seen.

    What is hidden is in neither: this stands on pages that everybody reads. One query; two if none is open.
    """
    is_mine = Q(category=category) if category else Q(signal__in=signals) if signals else ~Q(pk=None)
    found = (
        organization.recommendations.filter(hidden_at=None, status__in=OPEN)
        .select_related("playbook")
        .defer("playbook__text")
        .annotate(
            is_mine=ExpressionWrapper(is_mine, output_field=BooleanField()),
            open_ones=Window(Count("pk")),
            of_mine=Window(Count("pk", filter=is_mine)),
            plan=Subquery(_plans(organization).values("told")[:1]),
        )
        .order_by("-is_mine", *ORDERS[USUAL][1], "pk")[:most]
    )
    rows = list(found)
    if not rows:
        return First([], 0, 0, _in_force(_plans(organization).values_list("told", flat=True).first()))
    newest: Any = rows[0]
    mine: list[Recommendation] = [each for each in rows if each.is_mine]
    return First(mine, newest.open_ones, newest.of_mine, _in_force(newest.plan))


def _plans(organization: Organization) -> QuerySet[Any, Any]:
    """The plans in force that may be seen, newest first, in short: ours see what was shared with them."""
    seen = Q() if organization.opened.is_customers else Q(shared_at__isnull=False) | Q(made_by__is_staff=True)
    return (
        organization.roadmaps.filter(seen, ended_at=None)
        .annotate(
            actions=Count("items"),
            done=Count("items", filter=Q(items__recommendation__status=Status.COMPLETE)),
            told=JSONObject(
                public_id="public_id",
                name="name",
                done="done",
                actions="actions",
                start="start_points",
                projected="projected",
            ),
        )
        .order_by("-made_at", "-pk")
    )


def _in_force(told: Mapping[str, Any] | None) -> InForce | None:
    return InForce(**{**told, "public_id": UUID(told["public_id"])}) if told else None


def completed(organization: Organization, first_day: date, last: date) -> Found:
    """What was completed between two days, both included, and is not hidden; oldest first."""
    return (
        organization.recommendations.filter(
            hidden_at=None, status=Status.COMPLETE, completed_on__range=(first_day, last)
        )
        .select_related("completed_by")
        .order_by("completed_on", "pk")
    )


def of_newest_review(organization: Organization) -> list[Recommendation]:
    """What the newest review that was asked for brings, in the order that holds; nothing that is hidden."""
    review = organization.review_requests.order_by("-asked_at", "-pk").first()
    return tailoring.in_review(review) if review else []


class Going(StrEnum):
    """What those who look after organizations want to know of their recommendations."""

    IN_PROGRESS = "in-progress"
    OVERDUE = "overdue"
    COACHING = "coaching"
    COMPLETED = "completed"
    VERIFIED = "verified"
    SLIPPED = "slipped"


def _going(since: date) -> dict[Going, Q]:
    """What each of them means; `since` bounds what happened."""
    slipped = RecommendationChange.objects.filter(
        recommendation=OuterRef("pk"),
        before=Status.COMPLETE,
        after=Status.IN_PROGRESS,
        by=None,
        day__gte=since,
    )
    waiting = CoachingRequest.objects.filter(recommendation=OuterRef("pk"), answered_at=None)
    return {
        Going.IN_PROGRESS: Q(status=Status.IN_PROGRESS),
        Going.OVERDUE: Q(status__in=OPEN, due_on__lt=timezone.localdate()),
        Going.COACHING: Q(Exists(waiting)),
        Going.COMPLETED: Q(status=Status.COMPLETE, completed_on__gte=since),
        Going.VERIFIED: Q(status=Status.COMPLETE, verified_on__gte=since),
        Going.SLIPPED: Q(Exists(slipped), status=Status.IN_PROGRESS),
    }


def going(organizations: QuerySet[Organization], what: Going, since: date) -> Found:
    """The recommendations of these organizations of which that holds; what is due first, then the newest."""
    return (
        Recommendation.objects.filter(_going(since)[what], organization__in=organizations)
        .select_related("organization", "owner", "status_by")
        .order_by(_up("due_on"), "-status_at", "pk")
    )


def going_counts(organizations: QuerySet[Organization], since: date) -> dict[Going, int]:
    """How many of each: one query."""
    parts = {what.name.lower(): Count("pk", filter=where) for what, where in _going(since).items()}
    found = Recommendation.objects.filter(organization__in=organizations).aggregate(**parts)
    return {what: found[what.name.lower()] for what in Going}


def quick(found: Found) -> Found:
    """The quick wins: little work for what they bring."""
    return found.filter(effort_days__lte=QUICK_DAYS, gain__gte=QUICK_GAIN)


def tagged(found: Found, tag: str) -> list[int]:
    """The ids of those with this tag, however it is written; there are few with any."""
    rows = found.exclude(tags=[]).values_list("pk", "tags")
    return [pk for pk, tags in rows if tag.casefold() in (each.casefold() for each in tags)]


def tags(found: Found) -> list[str]:
    """Every tag that is in use, by name."""
    lists = found.exclude(tags=[]).values_list("tags", flat=True)
    return sorted({tag for each in lists for tag in each}, key=str.casefold)


def play_of(each: Recommendation) -> Play | None:
    """The play it is made of, as it stood when it was suggested; None where one of ours wrote it."""
    if not each.play or each.playbook is None:
        return None
    return playbook.playbook_of(each.playbook).by_key.get(each.play)


def costs_money(each: Recommendation) -> bool:
    """Whether it is a commercial suggestion, which never comes without that word."""
    play = play_of(each)
    return play is not None and play.costs_money
