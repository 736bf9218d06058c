"""What people and nights do with a recommendation; the only writer of its status. No score moves by it.

Every change locks its row, is written down with person, hat and note, and raises the edition by one: so the
edition says which changes somebody had not seen yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import in_force
from accounts.models import Action, Organization, Role, User
from recommendations.models import (
    LONGEST_NOTE,
    Change,
    Favorite,
    Horizon,
    Recommendation,
    RecommendationChange,
    Status,
)

__all__ = ["Change", "Horizon", "Recommendation", "Status"]  # for pages, which hold no model

MOVES: dict[str, frozenset[str]] = {
    Status.NEW: frozenset({Status.IN_PROGRESS, Status.COMPLETE, Status.ARCHIVED}),
    Status.IN_PROGRESS: frozenset({Status.NEW, Status.COMPLETE, Status.ARCHIVED}),
    Status.COMPLETE: frozenset({Status.IN_PROGRESS, Status.ARCHIVED}),
    Status.ARCHIVED: frozenset({Status.NEW, Status.IN_PROGRESS}),
}

# Whose hat marks only what moves signals of these categories; every other hat that may mark marks all.
ONLY: dict[str, frozenset[str]] = {Role.TRAINING_ADMIN: frozenset({"customer-expertise"})}

NIGHT = "night"  # the hat where nobody acted
LONGEST_REASON = 300
MOST_TAGS, LONGEST_TAG = 10, 30
MOST_AT_ONCE = 200

# What a move changes besides what everybody changes.
WRITTEN = (
    "status",
    "status_at",
    "status_by",
    "archived_reason",
    "started_on",
    "completed_on",
    "completed_by",
    "points_before",
    "promised",
    "brought",
    "brought_on",
    "verified_on",
    "nights_held",
    "nights_below",
    "counted_on",
)


class MoveRefused(ValueError):
    """That step is not in the table."""

    def __init__(self, before: str, to: str) -> None:
        names = " or ".join(Status(each).label for each in Status.values if each in MOVES[before])
        super().__init__(
            f"What is {Status(before).label} cannot become {Status(to).label}; it can become {names}."
        )
        self.before = before
        self.to = to


class EditedMeanwhile(Exception):
    """Somebody else was quicker: what stands is not what was seen. Nothing was changed."""

    def __init__(self, changes: Sequence[RecommendationChange]) -> None:
        super().__init__(" ".join(words(each) for each in reversed(changes)))
        self.changes = changes  # newest first


class FieldRefused(ValueError):
    """A value that cannot be kept, with the field and the value."""

    def __init__(self, field: str, value: object, why: str) -> None:
        super().__init__(why)
        self.field = field
        self.value = value
        self.why = why


class NotTheirs(FieldRefused):
    """The hat marks other categories only."""

    def __init__(self, recommendation: Recommendation, hat: str) -> None:
        why = f"A {Role(hat).label.lower()} marks only what is about customer expertise."
        super().__init__("category", recommendation.category, why)


@dataclass(frozen=True)
class Moved:
    """What became of several at once."""

    done: tuple[Recommendation, ...]
    refused: tuple[tuple[str, str], ...]  # its title or id, and why


# ---------- status ----------


@transaction.atomic
def move(
    recommendation: Recommendation,
    to: str,
    *,
    by: User,
    hat: str,
    note: str = "",
    reason: str = "",
    edition: int | None = None,
    at: datetime | None = None,
) -> Recommendation:
    """The recommendation with its new status; where it is already, nothing changes.

    reason  why it is archived; nothing else needs one
    edition that the person saw; None to move whatever was changed meanwhile
    raises  MoveRefused, EditedMeanwhile, FieldRefused naming the field (status, note, reason, category)
    """
    if to not in Status.values:
        known = ", ".join(Status.values)
        raise FieldRefused("status", to, f"“{str(to)[:40]}” is no status. Choose one of {known}.")
    said = line("note", note, LONGEST_NOTE)
    why = line("reason", reason, LONGEST_REASON)
    lock(recommendation)
    _check_hat(recommendation, hat)
    if recommendation.status == to:
        return recommendation
    check_edition(recommendation, edition)
    before = recommendation.status
    if to not in MOVES[before]:
        raise MoveRefused(before, to)
    if to == Status.ARCHIVED and not why:
        raise FieldRefused("reason", reason, "Say why it is archived, in a few words: others will ask.")
    now = at or timezone.now()
    _arrive(recommendation, to, by=by, at=now, day=now.date(), reason=why)
    text = " ".join(each for each in (why if to == Status.ARCHIVED else "", said) if each)
    write(recommendation, WRITTEN, Change.MOVED, by=by, hat=hat, at=now, before=before, after=to, note=text)
    return recommendation


def bulk_move(
    organization: Organization,
    public_ids: Iterable[UUID],
    to: str,
    *,
    by: User,
    hat: str,
    note: str = "",
    reason: str = "",
    at: datetime | None = None,
) -> Moved:
    """Each of these moved that can be, and of the others why not; one that cannot does not stop the rest.

    raises  FieldRefused where nothing can be moved: an unknown status, too many, no reason to archive
    """
    wanted = list(dict.fromkeys(public_ids))
    if len(wanted) > MOST_AT_ONCE:
        raise FieldRefused("ids", len(wanted), f"{len(wanted)} are too many: at most {MOST_AT_ONCE} at once.")
    found = {each.public_id: each for each in organization.recommendations.filter(public_id__in=wanted)}
    done: list[Recommendation] = []
    refused: list[tuple[str, str]] = []
    for public_id in wanted:
        recommendation = found.get(public_id)
        if recommendation is None:
            refused.append((str(public_id), "There is no such recommendation."))
            continue
        try:
            done.append(move(recommendation, to, by=by, hat=hat, note=note, reason=reason, at=at))
        except FieldRefused as error:
            if error.field != "category":  # the same is wrong for all
                raise
            refused.append((recommendation.title, str(error)))
        except MoveRefused as error:
            refused.append((recommendation.title, str(error)))
    return Moved(tuple(done), tuple(refused))


def move_by_night(
    moves: Iterable[tuple[Recommendation, str, str]],
    day: date,
    at: datetime,
    *,
    besides: Iterable[str] = (),
) -> int:
    """How many were moved: recommendation, new status and the reason in words; a step not allowed is left.

    For nights alone, inside their transaction, on rows that are locked and fresh.

    besides  other fields that the caller has set on the rows, written with them
    """
    rows, changes = [], []
    for recommendation, to, why in moves:
        before = recommendation.status
        if to not in MOVES[before]:
            continue
        _arrive(recommendation, to, by=None, at=at, day=day, reason=why[:LONGEST_REASON])
        recommendation.edition += 1
        rows.append(recommendation)
        changes.append(change_by_night(recommendation, Change.MOVED, day, at, before, to, why))
    Recommendation.objects.bulk_update(rows, [*WRITTEN, "edition", *besides], batch_size=200)
    RecommendationChange.objects.bulk_create(changes, batch_size=500)
    return len(rows)


def change_by_night(
    recommendation: Recommendation,
    what: Change,
    day: date,
    at: datetime,
    before: str = "",
    after: str = "",
    note: str = "",
) -> RecommendationChange:
    """A line about what the night did, not saved."""
    return RecommendationChange(
        organization_id=recommendation.organization_id,
        recommendation=recommendation,
        what=what,
        before=before[:300],
        after=after[:300],
        note=note[:LONGEST_NOTE],
        hat=NIGHT,
        at=at,
        day=day,
    )


def _arrive(
    recommendation: Recommendation, to: str, *, by: User | None, at: datetime, day: date, reason: str
) -> None:
    """Everything that follows from a new status, in one place."""
    left = recommendation.status
    recommendation.status, recommendation.status_at, recommendation.status_by = to, at, by
    recommendation.archived_reason = reason if to == Status.ARCHIVED else ""
    recommendation.verified_on = None
    recommendation.nights_held = recommendation.nights_below = 0
    recommendation.counted_on = None
    if to == Status.NEW:
        recommendation.started_on = recommendation.points_before = recommendation.promised = None
        recommendation.brought = recommendation.brought_on = None
    if to in (Status.NEW, Status.IN_PROGRESS):
        recommendation.completed_on = recommendation.completed_by = None
    if to in (Status.IN_PROGRESS, Status.COMPLETE) and (
        recommendation.started_on is None or left in (Status.NEW, Status.ARCHIVED)
    ):
        # What the signal had then is what the work is measured against, and what was shown what it promised.
        recommendation.started_on = day
        recommendation.points_before, recommendation.promised = recommendation.points, recommendation.gain
        recommendation.brought = recommendation.brought_on = None
    if to == Status.COMPLETE:
        recommendation.completed_on = max(day, recommendation.started_on or day)
        recommendation.completed_by = by


# ---------- what people write beside it ----------


@transaction.atomic
def note(
    recommendation: Recommendation, text: str, *, by: User, hat: str, at: datetime | None = None
) -> RecommendationChange:
    """The note in the recommendation's history; raise FieldRefused for one that cannot be kept."""
    said = line("note", text, LONGEST_NOTE)
    if not said:
        raise FieldRefused("note", text, "Write what others should know.")
    lock(recommendation)
    _check_hat(recommendation, hat)
    return write(recommendation, [], Change.NOTED, by=by, hat=hat, at=at or timezone.now(), note=said)


@transaction.atomic
def give_owner(
    recommendation: Recommendation,
    owner: User | int | None,
    *,
    by: User,
    hat: str,
    edition: int | None = None,
    at: datetime | None = None,
) -> Recommendation:
    """The recommendation with its owner, or nobody; raise FieldRefused for one who does not work on it."""
    wanted = owner.pk if isinstance(owner, User) else owner
    now = at or timezone.now()
    lock(recommendation)
    _check_hat(recommendation, hat)
    if recommendation.owner_id == wanted:
        return recommendation
    check_edition(recommendation, edition)
    person = None
    if wanted is not None:
        person = next(
            (each for each in owners(recommendation.organization, at=at) if each.pk == wanted), None
        )
        if person is None:
            # The same words for a stranger and for nobody: who exists elsewhere is not told.
            raise FieldRefused(
                "owner", str(wanted), "Choose someone who has access to this organization now."
            )
    before, recommendation.owner = recommendation.owner, person
    write(
        recommendation,
        ["owner"],
        Change.OWNER,
        by=by,
        hat=hat,
        at=now,
        before=str(before or ""),
        after=str(person or ""),
    )
    return recommendation


def owners(organization: Organization, *, at: datetime | None = None) -> list[User]:
    """Who can own a recommendation: the people of the organization, and ours who work on it, by name."""
    held = in_force(organization.memberships.select_related("user"), at).filter(user__is_active=True)
    people = {each.user_id: each.user for each in held}
    return sorted(people.values(), key=lambda each: (str(each).lower(), each.pk))


@transaction.atomic
def set_due(
    recommendation: Recommendation,
    due_on: date | None,
    *,
    by: User,
    hat: str,
    edition: int | None = None,
    at: datetime | None = None,
) -> Recommendation:
    """The recommendation with its due date, or none; raise FieldRefused for a day that is over."""
    now = at or timezone.now()
    lock(recommendation)
    _check_hat(recommendation, hat)
    if recommendation.due_on == due_on:
        return recommendation
    if due_on is not None and due_on < now.date():
        raise FieldRefused("due_on", due_on, f"{due_on} is over. Choose {now.date()} or a later day.")
    if due_on is not None and due_on.year > now.year + 10:
        raise FieldRefused("due_on", due_on, f"{due_on} is more than ten years away. Choose an earlier day.")
    check_edition(recommendation, edition)
    before, recommendation.due_on = recommendation.due_on, due_on
    write(
        recommendation,
        ["due_on"],
        Change.DUE,
        by=by,
        hat=hat,
        at=now,
        before=str(before or ""),
        after=str(due_on or ""),
    )
    return recommendation


@transaction.atomic
def set_tags(
    recommendation: Recommendation,
    tags: Iterable[str],
    *,
    by: User,
    hat: str,
    edition: int | None = None,
    at: datetime | None = None,
) -> Recommendation:
    """The recommendation with these tags and no others; raise FieldRefused for too many or too long ones."""
    wanted: dict[str, str] = {}
    for tag in tags:
        if said := line("tags", tag, LONGEST_TAG):
            wanted.setdefault(said.casefold(), said)
    if len(wanted) > MOST_TAGS:
        raise FieldRefused("tags", len(wanted), f"{len(wanted)} tags are too many: at most {MOST_TAGS}.")
    lock(recommendation)
    _check_hat(recommendation, hat)
    before, after = list(recommendation.tags), sorted(wanted.values(), key=str.casefold)
    if before == after:
        return recommendation
    check_edition(recommendation, edition)
    recommendation.tags = after
    write(
        recommendation,
        ["tags"],
        Change.TAGGED,
        by=by,
        hat=hat,
        at=at or timezone.now(),
        before=", ".join(before),
        after=", ".join(after),
    )
    return recommendation


def favorite(recommendation: Recommendation, on: bool, *, by: User, at: datetime | None = None) -> None:
    """A person's own star, put on or taken off; nobody else sees it, so nothing else tells of it."""
    if on:
        Favorite.objects.bulk_create(
            [
                Favorite(
                    organization_id=recommendation.organization_id,
                    recommendation=recommendation,
                    user=by,
                    at=at or timezone.now(),
                )
            ],
            ignore_conflicts=True,
        )
    else:
        recommendation.favorites.filter(user=by).delete()


# ---------- read ----------


def may_mark(recommendation: Recommendation, hat: str) -> bool:
    """Whether this hat, which may mark recommendations, may mark this one."""
    return hat not in ONLY or recommendation.category in ONLY[hat]


def next_steps(recommendation: Recommendation) -> list[Status]:
    """The statuses it can get now, in their order."""
    return [Status(each) for each in Status.values if each in MOVES[recommendation.status]]


def words(change: RecommendationChange) -> str:
    """One change as a sentence."""
    who = "The night" if change.hat == NIGHT else str(change.by) if change.by else "Someone who has left"
    when = f"{change.at:%Y-%m-%d %H:%M}"
    match change.what:
        case Change.MOVED:
            did = f"moved it from {Status(change.before).label} to {Status(change.after).label}"
        case Change.NOTED:
            did = "wrote a note"
        case Change.OWNER:
            did = f"gave it to {change.after}" if change.after else f"took it from {change.before}"
        case Change.DUE:
            did = f"set the due date to {change.after}" if change.after else "took the due date away"
        case Change.TAGGED:
            did = f"tagged it {change.after}" if change.after else "took the tags away"
        case Change.SUGGESTED:
            did = "suggested it"
        case Change.ADDED:
            did = "added it"
        case Change.VERIFIED:
            did = "verified it by data"
        case _:
            did = change.after or Change(change.what).label.lower()
    return f"{who} {did} on {when} UTC."


# ---------- the pieces, for tailoring too ----------


def lock(recommendation: Recommendation) -> None:
    """The row is ours until the transaction ends, and the object says what it says now."""
    organization = recommendation.organization
    recommendation.refresh_from_db(from_queryset=Recommendation.objects.select_for_update(of=("self",)))
    recommendation.organization = organization  # with what the door has learned about it


def check_edition(recommendation: Recommendation, edition: int | None) -> None:
    """Nothing, if the person saw the row as it stands; raise EditedMeanwhile with what they did not see."""
    if edition is None or edition == recommendation.edition:
        return
    unseen = max(1, recommendation.edition - edition)
    raise EditedMeanwhile(list(recommendation.changes.select_related("by")[:unseen]))


def write(
    recommendation: Recommendation,
    fields: Iterable[str],
    what: Change,
    *,
    by: User,
    hat: str,
    at: datetime,
    before: str = "",
    after: str = "",
    note: str = "",
) -> RecommendationChange:
    """The change, with the fields saved, the edition raised and a line in the audit log."""
    recommendation.edition += 1
    recommendation.save(update_fields=[*fields, "edition"])
    change = recommendation.changes.create(
        organization_id=recommendation.organization_id,
        what=what,
        before=before[:300],
        after=after[:300],
        note=note,
        by=by,
        hat=hat,
        at=at,
        day=at.date(),
    )
    # The words stand in the change alone: the log says that, when and who.
    audit.record(
        Action.RECOMMENDATION_CHANGED,
        by=by,
        hat=hat,
        organization=recommendation.organization,
        target=recommendation,
        before={str(what): before} if before else None,
        after={str(what): after or "yes"},
        reason=recommendation.title,
    )
    return change


def line(name: str, text: str, most: int) -> str:
    """The text in one line without control characters; raise FieldRefused if it is too long."""
    said = " ".join(audit.printable(" ".join(text.split()), most + 1).split())
    if len(said) > most:
        raise FieldRefused(name, text, f"“{said[:40]}…” is too long: at most {most} characters.")
    return said


def _check_hat(recommendation: Recommendation, hat: str) -> None:
    if not may_mark(recommendation, hat):
        raise NotTheirs(recommendation, hat)
