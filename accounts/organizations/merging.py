"""Two organizations that are one customer: what moves to the one that stays, and the end of the other.

Nothing is deleted and no measurement or score changes hands: the merged one is closed with all it has, its
slug gives 404 and is never given again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.access import CUSTOMER_ROLES
from accounts.models import (
    Action,
    Connection,
    Membership,
    Organization,
    PlanInterval,
    Product,
    ReviewRequest,
    User,
)
from accounts.organizations.plans import overlap, spoken, terms
from accounts.organizations.refusals import OrganizationRefused
from accounts.organizations.written import locked, record

# What points at an organization, and what becomes of it; a test fails for a table that is missing here.
DECIDED = {
    "accounts.Organization.parent": "affiliates move, without a circle",
    "accounts.Organization.merged_into": "stays: `retired` follows a chain of mergers",
    "accounts.Membership.organization": "moves, where the person is nothing there yet",
    "accounts.PlanInterval.organization": "moves, where no plan holds there at that time",
    "accounts.ReviewRequest.organization": "moves; of two that wait, only one",
    "accounts.Note.organization": "stays: it stands on the line of the one it was written for",
    "accounts.Feedback.organization": "stays: it is about a score that stays",
    "accounts.Invitation.organization": "stays, and is withdrawn while it is open: invite anew",
    "accounts.Connection.organization": "stays, and is switched off: its addresses name the one that goes",
    "accounts.Certificate.organization": "stays with its connection",
    "accounts.Identity.organization": "stays with its connection",
    "accounts.Target.organization": "stays: its path begins at a score that stays",
    "accounts.Emphasis.organization": "stays: the survivor says itself what matters to it",
    "accounts.User.last_organization": "stays: what is closed is not offered again",
    "accounts.AuditEntry.organization": "stays: what happened, happened to the one it happened to",
    "portal.ExportJob.organization": "stays, and goes within days: its files are of the one that goes",
    "recommendations.Recommendation.organization": "stays: the survivor's own scores say what would help it",
    "recommendations.RecommendationChange.organization": "stays with its recommendation",
    "recommendations.Favorite.organization": "stays with its recommendation",
    "recommendations.CoachingRequest.organization": "stays with its recommendation",
    "recommendations.Roadmap.organization": "stays: it begins at a score that stays",
    "recommendations.RoadmapItem.organization": "stays with its plan",
    "scoring.Batch.organization": "stays with the measurements",
    "scoring.Observation.organization": "stays: two streams of one metric do not add up to one",
    "scoring.Correction.organization": "stays with the measurements",
    "scoring.MetricMonth.organization": "stays with the measurements",
    "scoring.PeerPlace.organization": "stays: what it was shown, it was shown; the releases stay untouched",
    "scoring.ScoreSheet.organization": "stays: a score of the past is what it was",
}


@dataclass(frozen=True)
class Merger:
    """What a merger would do, row by row; the same is shown before and done after."""

    survivor: Organization
    merged: Organization
    people: Sequence[Membership]  # move
    staying: Sequence[tuple[Membership, str]]  # end, and why
    plans: Sequence[PlanInterval]
    clashing: Sequence[tuple[PlanInterval, PlanInterval]]  # stays, because of that one
    products: Sequence[Product]
    requests: Sequence[ReviewRequest]
    waiting: ReviewRequest | None  # stays: one waits at the survivor already
    affiliates: Sequence[tuple[Organization, Organization | None]]  # and whom it stands below then

    @property
    def digest(self) -> str:
        """The same as long as the same would happen: what somebody has seen is what is done."""
        parts = [
            self.survivor.pk,
            self.merged.pk,
            *((row.pk, row.role, row.starts_at, row.ends_at) for row in self.people),
            *((row.pk, why) for row, why in self.staying),
            *((row.pk, spoken(row)) for row in self.plans),
            *((row.pk, spoken(row), spoken(other)) for row, other in self.clashing),
            *(product.key for product in self.products),
            *(request.pk for request in self.requests),
            self.waiting and self.waiting.pk,
            *((below.pk, above and above.pk) for below, above in self.affiliates),
        ]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def preview(survivor: Organization, merged: Organization, *, now: datetime | None = None) -> Merger:
    """What would move and what would stay; raise OrganizationRefused if the two are one."""
    if survivor.pk == merged.pk:
        raise OrganizationRefused("other", f"{merged.name} cannot be merged into itself")
    people, staying = _people(survivor, merged, now or timezone.now())
    plans, clashing = _plans(survivor, merged)
    owned = set(survivor.products.values_list("pk", flat=True))
    is_waiting = survivor.review_requests.filter(answered_at=None).exists()
    requests = list(merged.review_requests.order_by("pk"))
    waiting = next((each for each in requests if is_waiting and each.answered_at is None), None)
    return Merger(
        survivor,
        merged,
        people,
        staying,
        plans,
        clashing,
        [each for each in merged.products.order_by("key") if each.pk not in owned],
        [each for each in requests if each is not waiting],
        waiting,
        _affiliates(survivor, merged),
    )


@transaction.atomic
def merge(
    survivor: Organization,
    merged: Organization,
    *,
    by: User,
    name: str,
    seen: str,
    now: datetime | None = None,
) -> Merger:
    """What was done: the merged organization is closed for good, the survivor has what could move.

    name    of the one that goes, typed by whoever means it
    seen    the digest of the preview they saw
    raises  OrganizationRefused with nothing moved, when the name is another or something changed since
    """
    now = now or timezone.now()
    for each in sorted((survivor, merged), key=lambda one: one.pk):
        if locked(each).closed_at:
            raise OrganizationRefused("other", f"{each.name} is closed already")
    done = preview(survivor, merged, now=now)
    if name != merged.name:
        raise OrganizationRefused("name", f"{name[:200]!r} is not the name {merged.name!r}")
    if seen != done.digest:
        raise OrganizationRefused("seen", "something has changed since this was shown; read it again")
    for membership in done.people:
        membership.organization = survivor
        membership.save(update_fields=["organization"])
    for membership, _ in done.staying:
        _end(membership, now)
    for interval in done.plans:
        interval.organization = survivor
        interval.save(update_fields=["organization"])
    survivor.products.add(*done.products)
    for request in done.requests:
        request.organization = survivor
        request.save(update_fields=["organization"])
    for below, above in done.affiliates:
        below.parent = above
        below.save(update_fields=["parent"])
    merged.invitations.filter(accepted_at=None, withdrawn_at=None).update(withdrawn_at=now)
    merged.connections.update(state=Connection.State.OFF, is_required=False, break_glass=None)
    merged.parent, merged.merged_into, merged.closed_at = None, survivor, now
    merged.save(update_fields=["parent", "merged_into", "closed_at"])
    _write_down(done, by)
    return done


def merged_into(organization: Organization) -> list[Organization]:
    """Those that this one has taken in, newest first."""
    return list(Organization.ever.filter(merged_into=organization).order_by("-closed_at"))


def _people(
    survivor: Organization, merged: Organization, now: datetime
) -> tuple[list[Membership], list[tuple[Membership, str]]]:
    """Who moves and who stays: a merger gives nobody a role back and raises none."""
    there = list(survivor.memberships.all())
    customers = {row.user_id for row in there if row.role in CUSTOMER_ROLES}
    ours = {row.user_id for row in there if row.role not in CUSTOMER_ROLES}
    looked_after = {row.role for row in there if row.ends_at is None or row.ends_at > now}
    moving: list[Membership] = []
    staying: list[tuple[Membership, str]] = []
    for row in merged.memberships.select_related("user").order_by("role", "user__email", "pk"):
        if row.role in CUSTOMER_ROLES:
            why = f"has or had a role in {survivor.name}, which stays" if row.user_id in customers else ""
        else:
            why = f"{survivor.name} keeps its own" if row.role in looked_after else ""
            if not why and row.user_id in ours:
                why = f"has or had a part in {survivor.name}, which stays"
        if why:
            staying.append((row, why))
        else:
            moving.append(row)
    return moving, staying


def _plans(
    survivor: Organization, merged: Organization
) -> tuple[list[PlanInterval], list[tuple[PlanInterval, PlanInterval]]]:
    there = list(survivor.plan_intervals.all())
    moving: list[PlanInterval] = []
    clashing: list[tuple[PlanInterval, PlanInterval]] = []
    for interval in merged.plan_intervals.order_by("starts_at"):
        other = next((each for each in there if overlap(interval, each)), None)
        if other:
            clashing.append((interval, other))
        else:
            moving.append(interval)
    return moving, clashing


def _affiliates(
    survivor: Organization, merged: Organization
) -> list[tuple[Organization, Organization | None]]:
    """Those below the merged one, with whom they stand below then: the survivor, if it is not below them."""
    chain: list[int] = []  # the survivor and everybody above it
    up: Organization | None = survivor
    while up is not None and up.pk not in chain:
        chain.append(up.pk)
        up = up.parent
    return [
        (below, merged.parent if below.pk in chain else survivor)
        for below in merged.affiliates.select_related("parent").order_by("pk")
    ]


def _end(membership: Membership, now: datetime) -> None:
    """Not a day longer than it would have lasted; one that has not begun never does."""
    if membership.starts_at > now:
        membership.delete()
    elif membership.ends_at is None or membership.ends_at > now:
        membership.ends_at = now
        membership.save(update_fields=["ends_at"])


def _write_down(done: Merger, by: User) -> None:
    """On both: what became of each person and plan, and a line that says which was merged into which."""
    survivor, merged = done.survivor, done.merged
    for membership in done.people:
        for organization, action in ((merged, Action.ACCESS_ENDED), (survivor, Action.ACCESS_GIVEN)):
            record(action, organization, by=by, target=membership.user, after=_held(membership))
    for membership, _ in done.staying:
        record(Action.ACCESS_ENDED, merged, by=by, target=membership.user, after=_held(membership))
    for interval in done.plans:
        record(Action.PLAN_CHANGED, survivor, by=by, target=interval, after=terms(interval))
    counted = {
        "from": merged.slug,
        "into": survivor.slug,
        "people": len(done.people),
        "plans": len(done.plans),
        "products": len(done.products),
        "requests": len(done.requests),
        "affiliates": len(done.affiliates),
    }
    for organization in (survivor, merged):
        record(Action.ORGANIZATION_MERGED, organization, by=by, target=merged, after=counted)


def _held(membership: Membership) -> dict[str, str]:
    ends = membership.ends_at
    return {"role": str(membership.role)} | ({"until": f"{ends:%Y-%m-%d %H:%M}"} if ends else {})


def candidates(organization: Organization, query: str, *, most: int = 10) -> list[Organization]:
    """Organizations that could be meant, besides this one."""
    if not query:
        return []
    found = Organization.objects.filter(
        Q(name__icontains=query) | Q(external_id__icontains=query) | Q(slug=query)
    )
    return list(found.exclude(pk=organization.pk)[:most])
