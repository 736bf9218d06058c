"""What the demo's nights recommended, and what its people did about it: told by the stories, in the past.

At Aldermoor one worked and is verified, one did not and slipped back; others are begun or put away.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization, Role, User
from portal.demo.people import MANAGERS, MAREN, OTHERS
from recommendations import coaching, lifecycle, planning, roadmaps, suggest, tailoring
from recommendations.lifecycle import Recommendation, Status
from recommendations.planning import Wish

# Days before the last night: the first, a week in which data answers, and the newest.
NIGHTS = (22, 17, 16, 15, 14, 13, 12, 11, 10, 9, 3, 0)
SWARMING = "service.swarming_in_use"  # turned on 18 days ago: portal.demo.stories
FORECAST = "sales.forecasting_in_use"  # it stays where it is, whatever is said of it
ALDERMOOR = "aldermoor-logistics"
NOON = time(12, tzinfo=UTC)
SOON = timedelta(days=60)  # a plan for less is none


def is_told() -> bool:
    """Whether all of this is there."""
    return Recommendation.objects.exists()


@transaction.atomic
def tell(last: date) -> int:
    """How many recommendations there are after these nights, with what happened after some of them."""
    then: dict[int, Callable[[datetime], None]] = {22: _begin, 17: _finish, 3: _tailor}
    for back in NIGHTS:
        day = last - timedelta(days=back)
        early = datetime.combine(day + timedelta(days=1), suggest.EARLY)
        suggest.refresh(day, at=early, is_past=True)
        if back in then and Organization.objects.filter(slug=ALDERMOOR).exists():
            then[back](datetime.combine(day + timedelta(days=1), NOON))
    if Organization.objects.filter(slug=ALDERMOOR).exists():
        _plan(last + timedelta(days=1))
    return Recommendation.objects.count()


def _begin(at: datetime) -> None:
    """Maren begins with two, stars one and puts one away; Núria begins one, too."""
    maren, ours = User.objects.get(email=MAREN.email), _new(ALDERMOOR)
    by: dict[str, Any] = {"by": maren, "hat": Role.CONTACT, "at": at}
    swarming = next((each for each in ours if each.signal == SWARMING), None)
    idle = next((each for each in ours if each.signal == FORECAST), None)
    others = [each for each in ours if each not in (swarming, idle) and each.points is not None]
    if swarming:
        lifecycle.move(swarming, Status.IN_PROGRESS, note="The service team meets on Friday.", **by)
        lifecycle.set_due(swarming, at.date() + timedelta(days=7), **by)
    if idle:
        lifecycle.move(idle, Status.IN_PROGRESS, note="Two afternoons should do.", **by)
        lifecycle.set_tags(idle, ["Q4"], **by)
    for each in others[1:2]:
        lifecycle.favorite(each, True, by=maren, at=at)
    for each in others[5:6]:
        lifecycle.move(each, Status.ARCHIVED, reason="We replace this system in spring.", **by)
    nuria = User.objects.get(email=OTHERS[1].email)
    for each in _new("castellan-freight")[:1]:
        lifecycle.move(each, Status.IN_PROGRESS, by=nuria, hat=Role.CONTACT, at=at)


def _finish(at: datetime) -> None:
    """Both that were begun are called complete; the nights will say of which that is true."""
    maren = User.objects.get(email=MAREN.email)
    mine = Recommendation.objects.filter(organization__slug=ALDERMOOR, status=Status.IN_PROGRESS)
    for each in mine.select_related("organization").order_by("pk"):
        lifecycle.move(each, Status.COMPLETE, by=maren, hat=Role.CONTACT, at=at)


def _tailor(at: datetime) -> None:
    """Inês adds one of her own and pins another; Maren begins the next one and asks for coaching."""
    ines = User.objects.get(email=MANAGERS[0].email)
    maren = User.objects.get(email=MAREN.email)
    organization = Organization.objects.get(slug=ALDERMOOR)
    ours: dict[str, Any] = {"by": ines, "hat": Role.CSM, "at": at}
    tailoring.add(
        organization,
        title="Invite the Antwerp team to the Sales office hour",
        text="They opened in spring and have never joined one.\nI keep two seats on Thursday.",
        signal="sales.weekly_active_users",
        target=85,
        effort_days=Decimal(1),
        horizon="short",
        **ours,
    )
    new = [each for each in _new(ALDERMOOR) if each.gain]
    for each in new[2:3]:
        tailoring.pin(each, True, **ours)
        lifecycle.note(each, "This is the one I would do first.", **ours)
    for each in new[:1]:
        by: dict[str, Any] = {"by": maren, "hat": Role.CONTACT, "at": at}
        lifecycle.move(each, Status.IN_PROGRESS, **by)
        lifecycle.set_due(each, at.date() + timedelta(days=30), **by)
        coaching.ask(each, topic=each.title, wish="A morning in the next two weeks.", **by)
        # As of now: in the past that this tells, the demo's people had no access yet.
        lifecycle.give_owner(each, maren, by=maren, hat=Role.CONTACT)


def _plan(today: date) -> None:
    """Maren plans the cheapest way to 80 by the end of March, and shares it with Inês."""
    organization = Organization.objects.get(slug=ALDERMOOR)
    maren = User.objects.get(email=MAREN.email)
    at = min(timezone.now(), datetime.combine(today, NOON))
    situation = planning.situation(organization, today)
    march = date(today.year, 3, 31)
    wish = Wish(target=80, by=march if march - today > SOON else march.replace(year=today.year + 1))
    chosen = situation.cheapest(wish) if situation else None
    if situation is None or chosen is None:
        return
    made = roadmaps.save(
        organization, situation, name="80 by March", keys=chosen.keys, wish=wish, by=maren, at=at
    )
    roadmaps.share(made, note="Shall we go through it on Thursday?", by=maren, at=at)


def _new(slug: str) -> list[Recommendation]:
    """What is new for a customer, in the model's order."""
    mine = Recommendation.objects.filter(organization__slug=slug, status=Status.NEW)
    return list(mine.select_related("organization").order_by("model_rank", "pk"))
