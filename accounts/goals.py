"""What an organization wants of its score: targets, and signals that matter less to it. No score moves by it.

What a node is and where it stands, the caller knows; here is who said what, from when, and until when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, DateField, PositiveSmallIntegerField, Value
from django.utils import timezone

from accounts import audit
from accounts.access import Capability, able_to, hat_of, roles_in
from accounts.models import Action, Emphasis, Matters, Organization, Target, User
from accounts.organizations.written import locked

__all__ = ["Emphasis", "Matters", "Target"]  # for pages, which hold no model

FARTHEST = timedelta(days=5 * 366)  # a target beyond that is a wish
SHORTEST_REASON = 3


class GoalRefused(ValueError):
    """A goal that cannot be; names the field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class GoalChanged(Exception):
    """Somebody else was quicker: what stands is not what was seen."""


@dataclass(frozen=True)
class Standing:
    """What holds of one scorecard, by node, and what held before, newest first."""

    targets: dict[str, Target]
    emphases: dict[str, Emphasis]
    past_targets: Sequence[Target] = ()
    past_emphases: Sequence[Emphasis] = ()


def brief(organization: Organization, scorecard: str) -> tuple[dict[str, Target], dict[str, str]]:
    """Targets and what matters less, by node, without who said so: one query, for a page that says little.

    returns targets that are read only: they have no id
    """
    stands = {"scorecard": scorecard, "ended_at": None}
    no_number, no_day = Value(None, PositiveSmallIntegerField()), Value(None, DateField())
    aims = organization.targets.filter(**stands).values_list(
        "node", Value("", CharField()), "value", "due_on", "start_points", "start_on"
    )
    less = organization.emphases.filter(**stands).values_list(
        "node", "matters", no_number, no_day, no_number, no_day
    )
    targets, said = {}, {}
    for node, how, value, due_on, start_points, start_on in (
        aims.order_by().union(less.order_by(), all=True).order_by()
    ):
        if how:
            said[node] = how
        else:
            targets[node] = Target(
                node=node, value=value, due_on=due_on, start_points=start_points, start_on=start_on
            )
    return targets, said


def target_of(organization: Organization, scorecard: str, node: str) -> Target | None:
    """The target that stands for a node now; one query."""
    return organization.targets.filter(scorecard=scorecard, node=node, ended_at=None).first()


def whole(organization: Organization) -> Standing:
    """What the organization wants of its scorecard now, and everything that held before, of whatever one."""
    people = ("set_by", "ended_by")
    targets = list(organization.targets.select_related(*people))
    emphases = list(organization.emphases.select_related(*people))
    mine = organization.scorecard
    return Standing(
        {each.node: each for each in targets if each.ended_at is None and each.scorecard == mine},
        {each.node: each for each in emphases if each.ended_at is None and each.scorecard == mine},
        [each for each in targets if each.ended_at is not None or each.scorecard != mine],
        [each for each in emphases if each.ended_at is not None or each.scorecard != mine],
    )


def matters(organization: Organization, scorecard: str) -> dict[str, str]:
    """How much signals matter to the organization, where it is less than the scorecard says; one query."""
    said = organization.emphases.filter(scorecard=scorecard, ended_at=None)
    return dict(said.order_by("node").values_list("node", "matters"))


@transaction.atomic
def set_target(
    organization: Organization,
    scorecard: str,
    node: str,
    *,
    value: int,
    due_on: date,
    start: tuple[date, int],
    by: User,
    seen: UUID | None = None,
    at: datetime | None = None,
) -> Target:
    """The target that stands now; the one before it, if there was one, has ended.

    start   day and points (hundredths) that its path begins at
    seen    the target that stood when the person decided; None for none
    raises  GoalRefused naming the field, GoalChanged when another one stands
    """
    now = at or timezone.now()
    if not 0 <= value <= 100:
        raise GoalRefused("value", f"{value} is not from 0 to 100.")
    if due_on <= max(start[0], now.date()):
        raise GoalRefused("due_on", f"{due_on} is not in the future. Choose a day from tomorrow on.")
    if due_on > now.date() + FARTHEST:
        raise GoalRefused("due_on", f"{due_on} is more than five years away. Choose an earlier day.")
    locked(organization)
    before = _seen(organization.targets, scorecard, node, seen)
    if before is not None and (before.value, before.due_on) == (value, due_on):
        return before
    if before is not None:
        _end(before, by, now)
    made = organization.targets.create(
        scorecard=scorecard,
        node=node,
        value=value,
        due_on=due_on,
        start_on=start[0],
        start_points=start[1],
        set_by=by,
        set_at=now,
    )
    _record(Action.TARGET_SET, made, by, before=_terms(before), after=_terms(made))
    return made


@transaction.atomic
def end_target(target: Target, *, by: User, at: datetime | None = None) -> None:
    """Nobody strives for it any more; raise GoalChanged if it has ended already."""
    locked(target.organization)
    target.refresh_from_db()
    if target.ended_at is not None:
        raise GoalChanged(str(target))
    _end(target, by, at or timezone.now())
    _record(Action.TARGET_ENDED, target, by, before=_terms(target))


@transaction.atomic
def set_emphasis(
    organization: Organization,
    scorecard: str,
    signal: str,
    *,
    matters: str,
    reason: str,
    by: User,
    seen: UUID | None = None,
    at: datetime | None = None,
) -> Emphasis:
    """What holds of the signal now; what was said of it before has ended.

    raises  GoalRefused naming the field, GoalChanged when something else was said meanwhile
    """
    now = at or timezone.now()
    if matters not in Matters.values:
        raise GoalRefused("matters", f"Choose one of the two, not “{matters[:40]}”.")
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise GoalRefused("reason", "Say why, in a few words: others will ask.")
    locked(organization)
    before = _seen(organization.emphases, scorecard, signal, seen)
    if before is not None and (before.matters, before.reason) == (matters, reason):
        return before
    if before is not None:
        _end(before, by, now)
    made = organization.emphases.create(
        scorecard=scorecard, node=signal, matters=matters, reason=reason, set_by=by, set_at=now
    )
    _record(Action.EMPHASIS_SET, made, by, before=_terms(before), after=_terms(made))
    return made


@transaction.atomic
def end_emphasis(emphasis: Emphasis, *, by: User, at: datetime | None = None) -> None:
    """The signal matters as much as the scorecard says; raise GoalChanged if it does already."""
    locked(emphasis.organization)
    emphasis.refresh_from_db()
    if emphasis.ended_at is not None:
        raise GoalChanged(str(emphasis))
    _end(emphasis, by, at or timezone.now())
    _record(Action.EMPHASIS_ENDED, emphasis, by, before=_terms(emphasis))


def _seen(goals: Any, scorecard: str, node: str, seen: UUID | None) -> Any:
    """The one that stands, if it is the one that was seen."""
    stands = goals.filter(scorecard=scorecard, node=node, ended_at=None).first()
    if (stands.public_id if stands else None) != seen:
        raise GoalChanged(str(stands or node))
    return stands


def _end(goal: Target | Emphasis, by: User, now: datetime) -> None:
    goal.ended_by, goal.ended_at = by, max(now, goal.set_at)
    goal.save(update_fields=["ended_by", "ended_at"])


def _terms(goal: Target | Emphasis | None) -> dict[str, Any]:
    if goal is None:
        return {}
    if isinstance(goal, Target):
        return {"node": goal.node, "value": goal.value, "by": goal.due_on.isoformat()}
    return {"node": goal.node, "matters": goal.get_matters_display()}


def _record(
    action: Action,
    goal: Target | Emphasis,
    by: User,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """One line about it, under the hat that may set it."""
    hat = hat_of(able_to(Capability.SET_TARGETS, roles_in(by, goal.organization)))
    audit.record(
        action, by=by, hat=hat, organization=goal.organization, target=goal, before=before, after=after
    )
