"""Saved plans: which actions, by whom and when; shared, ended, and worked out again when facts change.

On screen a roadmap is called a plan; in code a plan alone is the success plan. Nothing here moves a score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Capability, able_to, hat_of, in_force, roles_in
from accounts.models import Action, Organization, User
from accounts.organizations.written import locked
from recommendations import planning
from recommendations.models import Roadmap, RoadmapItem, Status
from recommendations.planning import Situation, Wish

__all__ = ["Roadmap", "RoadmapItem"]  # for pages, which hold no model

MOST = 20  # plans of one organization at a time
LONGEST_NAME = 120
LONGEST_NOTE = 500
TRIFLE = 5  # hundredths: a smaller change of the projection is no news
FINISHED = (Status.COMPLETE, Status.ARCHIVED)


class RoadmapRefused(ValueError):
    """A plan that cannot be saved so; names the field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class RoadmapChanged(Exception):
    """Somebody else was quicker: what stands is not what was seen."""


@dataclass(frozen=True)
class Progress:
    """How far a plan is; points in hundredths."""

    roadmap: Roadmap
    done: int
    actions: int
    now: int | None
    target: int  # where it leads
    overdue: int

    @property
    def share(self) -> float:
        """How much of the way is behind, 0 to 1; what was lost is no way."""
        way = self.target - self.roadmap.start_points
        if way <= 0 or self.now is None:
            return 1.0 if self.now is not None and self.now >= self.target else 0.0
        return min(max((self.now - self.roadmap.start_points) / way, 0.0), 1.0)


# ---------- reading ----------


def of(organization: Organization) -> list[Roadmap]:
    """The plans in force that the person who opened the organization may see, newest first."""
    return [each for each in _visible(organization) if each.ended_at is None]


def one(organization: Organization, public_id: UUID) -> Roadmap | None:
    """The plan with its actions, if it is one that the person may see."""
    return next((each for each in _visible(organization) if each.public_id == public_id), None)


def _visible(organization: Organization) -> list[Roadmap]:
    """Theirs are all of the customer's plans; ours only what was shared with us, or made by one of ours."""
    rows = organization.roadmaps.select_related("made_by", "shared_by").prefetch_related(
        "items__recommendation", "items__owner"
    )
    if organization.opened.is_customers:
        return list(rows)
    return [each for each in rows if each.shared_at or (each.made_by and each.made_by.is_staff)]


def progress(roadmap: Roadmap, now: int | None, today: date) -> Progress:
    """How far a plan is, from its actions' statuses and the score; the nights move the score, nobody else."""
    items = list(roadmap.items.all())
    done = [each for each in items if each.recommendation.status == Status.COMPLETE]
    late = [
        each
        for each in items
        if each.due_on and each.due_on < today and each.recommendation.status not in FINISHED
    ]
    return Progress(roadmap, len(done), len(items), now, roadmap.projected, len(late))


def people(organization: Organization) -> list[User]:
    """Who can own an action: the people of the organization, and ours who work on it, by name."""
    held = in_force(organization.memberships.select_related("user")).filter(user__is_active=True)
    found = {each.user_id: each.user for each in held}
    return sorted(found.values(), key=lambda each: (str(each).lower(), each.pk))


# ---------- writing ----------


@transaction.atomic
def save(
    organization: Organization,
    situation: Situation,
    *,
    name: str,
    keys: Sequence[str],
    wish: Wish,
    by: User,
    at: datetime | None = None,
) -> Roadmap:
    """The plan as it stands now, with the projection of the engine.

    raises  RoadmapRefused naming the field: name, pick, by
    """
    now = at or timezone.now()
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise RoadmapRefused(
            "name", f"A name has 1 to {LONGEST_NAME} characters; “{name[:40]}” has {len(name)}."
        )
    if not keys:
        raise RoadmapRefused("pick", "Tick at least one action: a plan without any leads nowhere.")
    unknown = next((key for key in keys if key not in situation.by_key), None)
    if unknown is not None:
        raise RoadmapRefused("pick", f"“{unknown[:60]}” is none of the open actions of this organization.")
    if wish.by is not None and wish.by <= now.date():
        raise RoadmapRefused("by", f"{wish.by} is not in the future. Choose a day from tomorrow on.")
    locked(organization)
    if organization.roadmaps.filter(ended_at=None).count() >= MOST:
        raise RoadmapRefused("name", f"There are {MOST} plans already. End one of them first.")
    plan = situation.plan(keys)
    made = organization.roadmaps.create(
        scorecard=organization.scorecard,
        name=name,
        target=wish.target,
        by_on=wish.by,
        budget_days=wish.budget,
        made_by=by,
        made_at=now,
        start_on=situation.ground.night.day,
        start_points=situation.now or 0,
        projected=plan.projected or 0,
    )
    RoadmapItem.objects.bulk_create(
        RoadmapItem(
            organization=organization,
            roadmap=made,
            recommendation=step.candidate.recommendation,
            position=position,
            owner=step.candidate.owner,
            due_on=step.candidate.due_on or step.on,
            target=step.candidate.target or 0,
            gain=step.estimate.overall or 0,
        )
        for position, step in enumerate(plan.steps, start=1)
    )
    _record(Action.ROADMAP_SAVED, made, by, after={"name_of_plan": name, "actions": len(plan.steps)})
    return made


@transaction.atomic
def change_item(
    roadmap: Roadmap,
    item: RoadmapItem,
    *,
    owner: User | None,
    due_on: date | None,
    edition: int,
    by: User,
    at: datetime | None = None,
) -> None:
    """Somebody does an action by a day.

    raises  RoadmapRefused for a day that is over or somebody who is not of the organization, RoadmapChanged
    """
    now = at or timezone.now()
    _take(roadmap, edition)
    item.refresh_from_db()
    if (item.owner_id, item.due_on) == (owner.pk if owner else None, due_on):
        return
    if due_on is not None and due_on != item.due_on and due_on < now.date():
        raise RoadmapRefused("due_on", f"{due_on} is over. Choose {now.date()} or a later day.")
    if owner is not None and owner.pk not in {each.pk for each in people(roadmap.organization)}:
        raise RoadmapRefused("owner", f"“{owner}” does not work with this organization.")
    before = {"owner": str(item.owner or ""), "due": str(item.due_on or "")}
    item.owner, item.due_on = owner, due_on
    item.save(update_fields=["owner", "due_on"])
    _raise(roadmap)
    after = {"action": str(item.recommendation), "owner": str(owner or ""), "due": str(due_on or "")}
    _record(Action.ROADMAP_CHANGED, roadmap, by, before=before, after=after)


@transaction.atomic
def share(roadmap: Roadmap, *, note: str, by: User, at: datetime | None = None) -> None:
    """The success manager sees it from now on, with a note."""
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise RoadmapRefused("note", f"Say it in {LONGEST_NOTE} characters at most; there are {len(note)}.")
    _take(roadmap)
    if roadmap.shared_at and roadmap.shared_note == note:
        return
    roadmap.shared_at, roadmap.shared_by, roadmap.shared_note = at or timezone.now(), by, note
    roadmap.save(update_fields=["shared_at", "shared_by", "shared_note"])
    _raise(roadmap)
    _record(Action.ROADMAP_CHANGED, roadmap, by, after={"shared": True})


@transaction.atomic
def end(roadmap: Roadmap, *, by: User, at: datetime | None = None) -> None:
    """Nobody follows it any more, its actions stay as they are; RoadmapChanged if it has ended already."""
    _take(roadmap)
    roadmap.ended_at, roadmap.ended_by = at or timezone.now(), by
    roadmap.save(update_fields=["ended_at", "ended_by"])
    _raise(roadmap)
    _record(Action.ROADMAP_ENDED, roadmap, by)


def _take(roadmap: Roadmap, edition: int | None = None) -> None:
    """Nobody else changes it until the transaction is over, and it is what the person saw."""
    locked(roadmap.organization)
    roadmap.refresh_from_db()
    if roadmap.ended_at is not None or (edition is not None and roadmap.edition != edition):
        raise RoadmapChanged(str(roadmap))


def _raise(roadmap: Roadmap) -> None:
    roadmap.edition += 1
    roadmap.save(update_fields=["edition"])


def _record(
    action: Action,
    roadmap: Roadmap,
    by: User,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    organization = roadmap.organization
    hat = hat_of(able_to(Capability.SAVE_ROADMAPS, roles_in(by, organization)))
    audit.record(
        action, by=by, hat=hat, organization=organization, target=roadmap, before=before, after=after
    )


# ---------- the night ----------


def replan(day: date) -> int:
    """Work out again where every plan in force leads, from the night of this day; how many were looked at.

    Looked at twice, a night changes nothing. What is another since the plan was saved is said in words.
    """
    open_ones = Roadmap.objects.filter(ended_at=None).exclude(checked_on__gte=day)
    ids = list(open_ones.order_by("organization_id").values_list("organization_id", flat=True).distinct())
    looked = 0
    for organization in Organization.objects.filter(pk__in=ids).order_by("pk").iterator():
        situation = planning.situation(organization, day)
        if situation is None or situation.ground.night.day != day:
            continue
        for roadmap in organization.roadmaps.filter(ended_at=None).prefetch_related("items__recommendation"):
            _check(roadmap, situation, day)
            looked += 1
    return looked


def _check(roadmap: Roadmap, situation: Situation, day: date) -> None:
    """Where it leads now, and what is another since it was saved."""
    items = list(roadmap.items.all())
    keys = [key for item in items if (key := str(item.recommendation.public_id)) in situation.by_key]
    plan = situation.plan(keys)
    roadmap.checked_on = day
    roadmap.checked_points = situation.now
    roadmap.checked_projected = plan.projected
    roadmap.news = _news(roadmap, items, situation, plan)
    roadmap.save(update_fields=["checked_on", "checked_points", "checked_projected", "news"])


def _news(
    roadmap: Roadmap, items: Sequence[RoadmapItem], situation: Situation, plan: planning.Plan
) -> list[str]:
    told = []
    after = plan.projected
    if after is not None and abs(after - roadmap.projected) >= TRIFLE:
        by = abs(after - roadmap.projected) / 100
        way = "more" if after > roadmap.projected else "less"
        told.append(f"It leads to {after / 100:.1f} now, {by:.1f} {way} than planned.")
    for item in items:
        title = item.recommendation.title
        status = item.recommendation.status
        key = str(item.recommendation.public_id)
        if status == Status.COMPLETE:
            told.append(f"“{title}” is done.")
        elif status == Status.ARCHIVED:
            told.append(f"“{title}” was archived.")
        elif key not in situation.by_key:
            told.append(f"“{title}” is not suggested any more.")
        elif item.due_on and item.due_on < situation.today:
            told.append(f"“{title}” was due on {item.due_on}.")
        elif (step := next((each for each in plan.steps if each.candidate.key == key), None)) is not None:
            if step.estimate.lack:
                told.append(f"“{title}” adds nothing now: {step.estimate.lack}")
            elif abs((step.candidate.target or 0) - item.target) >= 1:
                told.append(
                    f"“{title}” aims at {(step.candidate.target or 0) / 100:g} points now, "
                    f"not at {item.target / 100:g}."
                )
    return told
