"""The audit log as people read it: whose lines, as words, filtered, and as a file.

Nothing is written here but that somebody took a copy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet

from accounts import audit
from accounts.access import (
    ADMIN,
    AUDITOR,
    LEAD,
    Capability,
    able_to,
    called,
    hat_of,
    installation_roles,
    portfolio,
)
from accounts.models import Action, Actor, AuditEntry, Invitation, Organization, Plan, Result, Role, User
from accounts.rows.cells import as_csv

# What a success manager reads of the portfolio: who looked and who was refused, not who changed.
READS = (
    Action.SCORE_OPENED,
    Action.LOG_EXPORTED,
    Action.SCORE_EXPORTED,
    Action.REFUSED,
    Action.IMPERSONATION_STARTED,
    Action.IMPERSONATION_ENDED,
)
MOST_LINES = 20_000  # of one export

ROLES = dict(Role.choices)


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; empty means everything."""

    action: str = ""
    person: str = ""
    organization: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Line:
    """One entry as ready text; address and agent only where the reader may see them."""

    at: datetime
    who: str
    hat: str
    organization: str
    slug: str
    what: str
    action: str
    was_refused: bool
    address: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Trail:
    """The entries that one person may read, in one place."""

    entries: QuerySet[AuditEntry]
    reader: User
    hat: str  # under which it is read
    organization: Organization | None = None  # None: over many

    @property
    def is_whole(self) -> bool:
        """Whether addresses and names in full belong to it: for administrators and auditors."""
        return self.hat in (ADMIN, AUDITOR)

    @property
    def is_reads(self) -> bool:
        """Whether only who looked and who was refused belongs to it: for success managers and leads."""
        return self.hat in (Role.CSM, LEAD)

    @property
    def actions(self) -> list[tuple[str, str]]:
        """What can be in it, to choose from."""
        return [(each.value, each.label) for each in (READS if self.is_reads else Action)]

    @property
    def is_own(self) -> bool:
        """Whether it holds nothing but what the reader did."""
        return self.hat == Role.TRAINING_ADMIN


def of_organization(reader: User, organization: Organization) -> Trail:
    """What this person may read about an organization they have opened (Capability.SEE_AUDIT)."""
    # With the customer's eyes or not: what others did there is read under one's own role.
    roles: frozenset[str] = organization.opened.own_roles
    entries = AuditEntry.objects.filter(organization=organization)
    if whole := hat_of(roles & {ADMIN, AUDITOR}):
        return Trail(entries, reader, whole, organization)
    if Role.CONTACT in roles:
        return Trail(entries, reader, Role.CONTACT, organization)
    if reads := able_to(Capability.SEE_AUDIT, roles) - {Role.TRAINING_ADMIN}:
        return Trail(entries.filter(action__in=READS), reader, hat_of(reads), organization)
    return Trail(entries.filter(actor=reader), reader, Role.TRAINING_ADMIN, organization)


def of_everything(reader: User) -> Trail:
    """Every entry for administrators and auditors, a success manager's portfolio; else PermissionDenied."""
    if whole := hat_of(installation_roles(reader)):
        return Trail(AuditEntry.objects.all(), reader, whole)
    mine = portfolio(reader)
    if not mine.exists():
        raise PermissionDenied("The audit log is for administrators, auditors and success managers.")
    entries = AuditEntry.objects.filter(organization__in=mine, action__in=READS)
    return Trail(entries, reader, LEAD if reader.is_lead else Role.CSM)


def find(trail: Trail, wanted: Wanted) -> QuerySet[AuditEntry]:
    """The entries of the trail that are looked for, newest first."""
    found = trail.entries.select_related("actor", "organization").order_by("-pk")
    if wanted.action:
        found = found.filter(action=wanted.action)
    if wanted.organization:
        found = found.filter(
            Q(organization__name__icontains=wanted.organization) | Q(organization__slug=wanted.organization)
        )
    if wanted.person:
        # Only who sees addresses finds by them.
        by_name = Q(actor__name__icontains=wanted.person)
        found = found.filter(
            by_name | Q(actor__email__icontains=wanted.person) if trail.is_whole else by_name
        )
    if wanted.since:
        found = found.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        found = found.filter(at__lt=_midnight(wanted.until + timedelta(days=1)))
    return found


def lines(trail: Trail, entries: Iterable[AuditEntry]) -> list[Line]:
    """The entries as a reader sees them."""
    entries = list(entries)
    people = _people(entries)
    own = _own_people(trail, people.values())
    invited = _invited(entries)
    return [_line(trail, entry, people, own, invited) for entry in entries]


COLUMNS = ("When (UTC)", "Who", "Role", "Organization", "Action", "Result", "What")
MORE_COLUMNS = ("Address", "User agent")


def export(trail: Trail, wanted: Wanted) -> str:
    """The same entries as the page's filter finds, as CSV; that it was taken is written down."""
    shown = lines(trail, find(trail, wanted)[:MOST_LINES])
    labels = dict(Action.choices)
    rows = [
        [
            f"{line.at:%Y-%m-%d %H:%M:%S}",
            line.who,
            line.hat,
            line.organization,
            labels.get(line.action, line.action),
            "Refused" if line.was_refused else "Done",
            line.what,
            *([line.address, line.agent] if trail.is_whole else []),
        ]
        for line in shown
    ]
    audit.record(
        Action.LOG_EXPORTED,
        by=trail.reader,
        hat=trail.hat,
        organization=trail.organization,
        after={"lines": len(rows)},
    )
    return as_csv(COLUMNS + MORE_COLUMNS if trail.is_whole else COLUMNS, rows)


# ---------- words ----------


def _line(
    trail: Trail, entry: AuditEntry, people: dict[int, User], own: set[int], invited: dict[str, str]
) -> Line:
    organization = entry.organization
    return Line(
        at=entry.at,
        who=_who(trail, entry, people, own),
        hat=called([entry.hat]),
        organization=organization.name if organization else "",
        slug=organization.slug if organization and not organization.closed_at else "",
        what=_what(trail, entry, people, own, invited),
        action=entry.action,
        was_refused=entry.result == Result.REFUSED,
        address=(entry.address or "") if trail.is_whole else "",
        agent=entry.user_agent if trail.is_whole else "",
    )


def _who(trail: Trail, entry: AuditEntry, people: dict[int, User], own: set[int]) -> str:
    if entry.actor_id and entry.on_behalf_of_id:
        somebody = called([entry.hat]) or "Somebody of the service"
        by = _name(trail, entry.actor_id, people, own) or somebody
        return f"{by}, seeing as {_name(trail, entry.on_behalf_of_id, people, own) or 'somebody'}"
    if entry.actor_id:
        return _name(trail, entry.actor_id, people, own) or called([entry.hat]) or "Somebody of the service"
    if entry.actor_type == Actor.COMMAND:
        return "The service"
    return Actor(entry.actor_type).label


def _name(trail: Trail, number: int, people: dict[int, User], own: set[int]) -> str:
    """The name; the e-mail address stands in for it only among one's own people, or in the whole log."""
    person = people.get(number)
    if person is None:
        return f"Person {number}"
    return str(person) if trail.is_whole or number in own else person.name


def _what(
    trail: Trail, entry: AuditEntry, people: dict[int, User], own: set[int], invited: dict[str, str]
) -> str:
    before, after = entry.before, entry.after
    whom = invited.get(entry.target_id, "somebody") if entry.target_type == "invitation" else ""
    if entry.target_type == "user" and entry.target_id.isdigit():
        whom = _name(trail, int(entry.target_id), people, own) or "somebody of the service"
    if entry.result == Result.REFUSED:
        where = f" ({entry.target_id})" if trail.is_whole and entry.target_type == "page" else ""
        failed = f"Sign-in failed{f' for {whom}' if whom else ''}: " if entry.action == Action.SIGN_IN else ""
        return f"{failed}{entry.reason}{where}"
    match entry.action:
        case Action.SIGN_IN:
            return f"Signed in through {after['connection']}" if after.get("connection") else "Signed in"
        case Action.CONNECTION_CHANGED:
            return f"Sign-in connection {entry.target_id}: {_connection(before, after)}"
        case Action.SIGN_OUT:
            return "Signed out"
        case Action.SCORE_OPENED:
            return "Opened the score"
        case Action.PERSON_ADDED:
            return f"Added {whom}" + (" as administrator" if after.get("is_admin") else "")
        case Action.PERSON_CHANGED:
            changed = [name for name in after if before.get(name) != after[name]] or list(after)
            said = (
                ", ".join(changed).replace("is_admin", "administrator").replace("is_", "").replace("_", " ")
            )
            return f"Changed {whom}: {said}"
        case Action.ACCESS_GIVEN:
            return f"Gave {whom} access as {_terms(after)}"
        case Action.INVITED:
            return f"Invited {whom} {'again ' if after.get('again') else ''}as {_terms(after)}"
        case Action.INVITATION_WITHDRAWN:
            return f"Withdrew the invitation of {whom} as {_terms(before)}"
        case Action.INVITATION_ACCEPTED:
            return f"Accepted the invitation as {_terms(after)}"
        case Action.ACCESS_CHANGED:
            return f"Changed the access of {whom} from {_terms(before)} to {_terms(after)}"
        case Action.ACCESS_ENDED if "role" not in after:
            return f"Ended the access of {whom} as {_terms(before)}"
        case Action.PERSON_DEACTIVATED:
            return f"Deactivated {whom} everywhere"
        case Action.PERSON_REACTIVATED:
            return f"Reactivated {whom}"
        case Action.NOTE_WRITTEN:
            return f"Wrote a note on {after.get('day')}"
        case Action.NOTE_CHANGED:
            moved = f", now on {after['day']}" if before.get("day") != after.get("day") else ""
            return f"Changed the note on {before.get('day')}{moved}"
        case Action.NOTE_DELETED:
            return f"Deleted the note on {before.get('day')}"
        case Action.REVIEW_REQUESTED:
            return "Asked for a success review"
        case Action.REVIEW_ARRANGED:
            return f"Arranged the success review asked for on {after.get('asked')}"
        case Action.PEERS_CHOSEN:
            return "Joined the peer comparison" if after.get("contributes") else "Left the peer comparison"
        case Action.TARGET_SET:
            return f"Set a target: {after.get('node')} at {after.get('value')} by {after.get('by')}"
        case Action.TARGET_ENDED:
            return f"Ended the target of {before.get('value')} for {before.get('node')}"
        case Action.EMPHASIS_SET:
            return f"Said of the signal {after.get('node')}: {str(after.get('matters')).lower()}"
        case Action.EMPHASIS_ENDED:
            return f"Gave the signal {before.get('node')} its usual weight again"
        case Action.FEEDBACK_GIVEN:
            return f"Said what is wrong with the score: {after.get('about')}"
        case Action.FEEDBACK_ANSWERED:
            return f"Answered the feedback of {after.get('said')} about {after.get('about')}"
        case Action.ORGANIZATIONS_IMPORTED:
            counted = ", ".join(f"{number} {name}" for name, number in after.items() if number)
            return f"Imported organizations from {entry.target_id}: {counted or 'no lines'}"
        case Action.PLAN_CHANGED:
            if not after:
                return f"Withdrew the plan {_plan(before)} before it began"
            return (
                f"Changed the plan from {_plan(before)} to {_plan(after)}"
                if before
                else f"Plan: {_plan(after)}"
            )
        case Action.ORGANIZATION_CREATED:
            return f"Created {after.get('organization', 'the organization')}"
        case Action.ORGANIZATION_CHANGED:
            return _changes(trail, before, after)
        case Action.ORGANIZATION_MERGED:
            if trail.is_whole:
                return f"Merged {after.get('from')} into {after.get('into')}: {_counted(after)}"
            return "Merged with another organization"
        case Action.ORGANIZATIONS_EXPORTED:
            return f"Exported {after.get('lines')} lines of organizations"
        case Action.ASSIGNED:
            return f"Made {whom} {_role(after)} from {after.get('from')}"
        case Action.ACCESS_ENDED:
            ends = f" from {after['until']}" if after.get("until") else ""
            ends = " before it began" if after.get("never") else ends
            return f"Ended the access of {whom} as {_role(after)}{ends}"
        case Action.SCORECARD_PUBLISHED:
            return f"Published {entry.target_id}, in force from {after.get('effective_on')}"
        case Action.NIGHT_RUN:
            due = entry.target_id == "due"
            return "Ran the nights that were due" if due else f"Ran the night of {entry.target_id}"
        case Action.LOG_EXPORTED:
            return f"Exported {after.get('lines')} lines of this log"
        case Action.SCORE_EXPORTED:
            return f"Exported {after.get('file')}"
        case Action.PORTFOLIO_EXPORTED:
            return f"Exported {after.get('lines')} lines of the portfolio"
        case Action.COVERED:
            absent = _name(trail, int(after["absent"]), people, own) or "somebody of the service"
            if after.get("until") == "never":
                return f"Called off the cover of {whom} for {absent}"
            return f"Cover: {whom} for {absent} from {after.get('from')} until {after.get('until')} UTC"
        case Action.TEAM_CHANGED:
            if not before:
                return f"Made the team {after.get('team')}"
            if not after.get("team"):
                return f"Deleted the team {before.get('team')}"
            return f"Renamed the team {before.get('team')} to {after.get('team')}"
        case Action.SEEN_AS_CUSTOMER:
            return f"Looked with the eyes of a contact, for {after.get('minutes')} minutes at most"
        case Action.IMPERSONATION_STARTED:
            return f"Began to see the portal as {whom}, read-only, until {after.get('until')}: {entry.reason}"
        case Action.IMPERSONATION_ENDED:
            return f"Stopped seeing the portal as {whom}" + (f": {entry.reason}" if entry.reason else "")
        case Action.RETIRED:
            return f"Removed {after.get('entries')} entries from before {after.get('before')}, as agreed"
        case Action.SEALED:
            return f"Sealed {after.get('count')} entries, seal {entry.target_id}"
    return Action(entry.action).label if entry.action in Action.values else entry.action


def _changes(trail: Trail, before: dict[str, Any], after: dict[str, Any]) -> str:
    """Which facts are others now; what they were and are is for those who read the whole log."""
    if not trail.is_whole:
        return f"Changed {', '.join(name.replace('_', ' ') for name in sorted(after))}"
    return "; ".join(
        f"{name.replace('_', ' ')}: {before.get(name) or 'nothing'} → {value or 'nothing'}"
        for name, value in sorted(after.items())
    )


def _counted(after: dict[str, Any]) -> str:
    return ", ".join(f"{number} {name}" for name, number in after.items() if isinstance(number, int))


def _role(terms: dict[str, Any]) -> str:
    return ROLES.get(terms.get("role", ""), "somebody").lower()


def _terms(terms: dict[str, str]) -> str:
    until = f" until {terms['until']}" if terms.get("until") else ""
    return f"{ROLES.get(terms.get('role', ''), 'somebody')}{until}"


# What happened to a connection, by the field that says so; other fields are what was entered.
OF_A_CONNECTION = {
    "added": "added",
    "removed": "removed",
    "tested": "test worked",
    "linked": "an account linked, or the link removed",
    "called": "name",
    "issuer": "issuer",
    "entity_id": "entity ID",
    "sso_url": "sign-in address",
    "client_id": "client ID",
    "secret": "client secret",
    "certificate": "certificates",
    "state": "state",
    "is_required": "whether it is the only way in",
    "break_glass": "who can still use a password",
}


def _connection(before: dict[str, str], after: dict[str, str]) -> str:
    """What was changed, and for what has a few values, to which."""
    said = []
    order = [*OF_A_CONNECTION]  # PostgreSQL keeps what JSON holds in an order of its own
    names = sorted(after or before, key=lambda name: order.index(name) if name in order else len(order))
    for name in names:
        text = OF_A_CONNECTION.get(name, name.replace("_", " "))
        told = str(after.get(name, ""))
        said.append(f"{text} {told}" if name in ("state", "issuer") and told else text)
    return ", ".join(said)


def _plan(terms: dict[str, str]) -> str:
    plan = dict(Plan.choices).get(terms.get("plan", ""), "no plan")
    until = f" until {terms['until']}" if terms.get("until") else ""
    return f"{plan} from {terms.get('from')}{until}"


def _people(entries: Sequence[AuditEntry]) -> dict[int, User]:
    """Everybody these entries speak of, by number."""
    numbers = {entry.actor_id for entry in entries if entry.actor_id}
    numbers |= {entry.on_behalf_of_id for entry in entries if entry.on_behalf_of_id}
    numbers |= {
        int(entry.target_id) for entry in entries if entry.target_type == "user" and entry.target_id.isdigit()
    }
    numbers |= {entry.after["absent"] for entry in entries if entry.action == Action.COVERED}
    return User.objects.in_bulk(numbers)


def _invited(entries: Sequence[AuditEntry]) -> dict[str, str]:
    """The address of every invitation that these entries speak of: who reads the entry may know it."""
    numbers = [
        int(entry.target_id)
        for entry in entries
        if entry.target_type == "invitation" and entry.target_id.isdigit()
    ]
    found = Invitation.objects.filter(pk__in=numbers) if numbers else Invitation.objects.none()
    return {str(number): email for number, email in found.values_list("pk", "email")}


def _own_people(trail: Trail, people: Iterable[User]) -> set[int]:
    """Those of them who are the organization's own: not staff."""
    if trail.organization is None:
        return set()
    theirs = trail.organization.memberships.exclude(role__in=(Role.CSM, Role.GUIDE))
    return set(theirs.filter(user__in=[each.pk for each in people]).values_list("user_id", flat=True))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
