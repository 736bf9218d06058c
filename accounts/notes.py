"""The customer's own notes on its days: written, changed and taken away by its own people.

The log says that and when; the words stand in the note alone, so that what is deleted is gone.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Capability, able_to, hat_of, roles_in
from accounts.models import LONGEST_NOTE, Action, Note, Organization, User

MOST_NOTES = 300  # of one organization: one a week for years
EARLIEST = date(2000, 1, 1)


class NoteRefused(Exception):
    """A note that cannot be kept, and the field it is about."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def between(organization: Organization, first: date, last: date) -> Sequence[Note]:
    """The notes on these days, oldest first, with who wrote them."""
    return list(organization.notes.filter(day__gte=first, day__lte=last).select_related("written_by"))


def find(organization: Organization, public_id: UUID) -> Note | None:
    """The organization's note of this id."""
    return organization.notes.filter(public_id=public_id).first()


@transaction.atomic
def write(organization: Organization, day: date, text: str, *, by: User, now: datetime | None = None) -> Note:
    """The new note; raise NoteRefused for a day or text that cannot be kept, or when there are too many."""
    now = now or timezone.now()
    text = _checked(day, text, now)
    Organization.objects.select_for_update().get(pk=organization.pk)  # two at once must not pass the limit
    if organization.notes.count() >= MOST_NOTES:
        raise NoteRefused("text", f"There are {MOST_NOTES} notes already. Delete one to make room.")
    made = Note.objects.create(organization=organization, day=day, text=text, written_by=by, written_at=now)
    _record(Action.NOTE_WRITTEN, made, by, after={"day": str(day)})
    return made


@transaction.atomic
def change(note: Note, day: date, text: str, *, by: User, now: datetime | None = None) -> Note:
    """The note with another day or text, from now on of whoever changed it; raise NoteRefused as `write`."""
    now = now or timezone.now()
    text = _checked(day, text, now)
    if (day, text) == (note.day, note.text):
        return note
    before = {"day": str(note.day)}
    note.day, note.text, note.written_by, note.written_at = day, text, by, now
    note.save(update_fields=["day", "text", "written_by", "written_at"])
    _record(Action.NOTE_CHANGED, note, by, before=before, after={"day": str(day)})
    return note


@transaction.atomic
def delete(note: Note, *, by: User) -> None:
    """The note is gone; that there was one of that day stays in the log."""
    _record(Action.NOTE_DELETED, note, by, before={"day": str(note.day)})
    note.delete()


def _checked(day: date, text: str, now: datetime) -> str:
    """The text in one line without control characters."""
    said = " ".join(audit.printable(" ".join(text.split()), LONGEST_NOTE + 1).split())
    if not said:
        raise NoteRefused("text", "Write what happened.")
    if len(said) > LONGEST_NOTE:
        raise NoteRefused("text", f"A note has at most {LONGEST_NOTE} characters.")
    if not EARLIEST <= day <= now.date():
        raise NoteRefused("day", f"A note is about a day from {EARLIEST} to today, {now:%Y-%m-%d}.")
    return said


def _record(
    action: Action,
    note: Note,
    by: User,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    hat = hat_of(able_to(Capability.WRITE_NOTES, roles_in(by, note.organization)))
    audit.record(
        action, by=by, hat=hat, organization=note.organization, target=note, before=before, after=after
    )
