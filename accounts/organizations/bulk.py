"""The same for many organizations: each as a whole or not at all, every refused one named with its reason."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Organization, Role, User
from accounts.organizations.assigning import hand_over
from accounts.organizations.facts import change
from accounts.organizations.plans import end_plan, move_to_plan, spoken
from accounts.organizations.refusals import OrganizationRefused

MOST = 500  # at once
Act = Callable[[Organization], str]  # what was done, in words; raises OrganizationRefused


@dataclass(frozen=True)
class Outcome:
    """What became of one organization."""

    organization: Organization
    done: str = ""  # in words; empty if it was refused
    refused: str = ""


def for_each(organizations: Iterable[Organization], act: Act, *, is_dry_run: bool) -> list[Outcome]:
    """What became of each, in their order; a dry run is the same work, undone."""
    outcomes = []
    with transaction.atomic():
        for organization in organizations:
            try:
                with transaction.atomic():
                    outcomes.append(Outcome(organization, done=act(organization)))
            except OrganizationRefused as refused:
                outcomes.append(Outcome(organization, refused=str(refused)))
        transaction.set_rollback(is_dry_run)
    return outcomes


def select(slugs: Iterable[str]) -> tuple[list[Organization], list[str]]:
    """The organizations with these slugs by name, and the slugs that none has."""
    wanted = list(dict.fromkeys(slugs))
    found = list(Organization.objects.filter(slug__in=wanted))
    there = {each.slug for each in found}
    return found, [slug for slug in wanted if slug not in there]


def assigning(to: User | None, at: datetime, *, by: User, now: datetime) -> Act:
    """Makes somebody success manager from a moment on."""

    def act(organization: Organization) -> str:
        ended = hand_over(organization, Role.CSM, to, by=by, at=at, now=now)
        before = ", ".join(str(each.user) for each in ended) or "nobody"
        return f"{before} → {to or 'nobody'}"

    return act


def moving(plan: str, starts_at: datetime, ends_at: datetime | None, *, by: User, source: str) -> Act:
    """Puts on a plan from a moment on; the one that holds then ends there."""

    def act(organization: Organization) -> str:
        return spoken(move_to_plan(organization, plan, starts_at, ends_at, by=by, source=source))

    return act


def ending(at: datetime, *, by: User) -> Act:
    """Ends the plan that holds at a moment."""

    def act(organization: Organization) -> str:
        return spoken(end_plan(organization, at, by=by))

    return act


def scoring_by(scorecard: str, *, by: User) -> Act:
    """Gives another scorecard, from the next night on."""

    def act(organization: Organization) -> str:
        before = organization.scorecard
        if not change(organization, by=by, scorecard=scorecard):
            raise OrganizationRefused("scorecard", f"it is scored by {scorecard} already")
        return f"{before} → {scorecard}"

    return act
