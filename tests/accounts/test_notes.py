"""What a customer writes of its days: what is kept, how long, by whom, and what the log says of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts import notes
from accounts.models import LONGEST_NOTE, Action, AuditEntry, Note
from accounts.notes import NoteRefused

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
TODAY = NOW.date()


def test_note_is_kept_under_the_name_of_its_writer(orchard, dana):
    made = notes.write(orchard, TODAY, "  Swarming\n turned  on ", by=dana, now=NOW)

    assert (made.day, made.text, made.written_by) == (TODAY, "Swarming turned on", dana)
    assert notes.between(orchard, TODAY, TODAY) == [made]


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07", "x" * (LONGEST_NOTE + 1)])
def test_note_without_words_or_with_too_many_is_refused(orchard, dana, text):
    with pytest.raises(NoteRefused) as refused:
        notes.write(orchard, TODAY, text, by=dana, now=NOW)

    assert refused.value.field == "text"
    assert not orchard.notes.exists()


def test_longest_note_is_kept_whole(orchard, dana):
    assert len(notes.write(orchard, TODAY, "x" * LONGEST_NOTE, by=dana, now=NOW).text) == LONGEST_NOTE


@pytest.mark.parametrize("day", [TODAY + timedelta(days=1), notes.EARLIEST - timedelta(days=1)])
def test_note_is_about_a_day_that_has_been(orchard, dana, day):
    with pytest.raises(NoteRefused) as refused:
        notes.write(orchard, day, "Soon", by=dana, now=NOW)

    assert refused.value.field == "day"


def test_there_is_room_for_so_many_notes_and_no_more(orchard, dana, monkeypatch):
    monkeypatch.setattr(notes, "MOST_NOTES", 2)
    for _ in range(2):
        kept = notes.write(orchard, TODAY, "Again", by=dana, now=NOW)

    with pytest.raises(NoteRefused, match="2 notes already"):
        notes.write(orchard, TODAY, "Once more", by=dana, now=NOW)

    notes.delete(kept, by=dana)
    assert notes.write(orchard, TODAY, "Once more", by=dana, now=NOW)


def test_changed_note_stands_under_the_name_of_who_changed_it(orchard, dana, tara):
    made = notes.write(orchard, TODAY, "Swarming on", by=dana, now=NOW)

    notes.change(made, TODAY - timedelta(days=1), "Swarming off", by=tara, now=NOW)

    made.refresh_from_db()
    assert (made.day, made.text, made.written_by) == (TODAY - timedelta(days=1), "Swarming off", tara)


def test_note_of_another_organization_is_not_found(orchard, harbor, dana):
    made = notes.write(orchard, TODAY, "Ours", by=dana, now=NOW)

    assert notes.find(orchard, made.public_id) == made
    assert notes.find(harbor, made.public_id) is None


def test_log_says_that_and_when_but_never_the_words(orchard, dana):
    made = notes.write(orchard, TODAY, "Zebra crossing", by=dana, now=NOW)
    notes.change(made, TODAY, "Zebra gone", by=dana, now=NOW)
    notes.delete(made, by=dana)

    lines = list(AuditEntry.objects.filter(organization=orchard).order_by("pk"))

    assert [line.action for line in lines] == [
        Action.NOTE_WRITTEN,
        Action.NOTE_CHANGED,
        Action.NOTE_DELETED,
    ]
    assert [line.hat for line in lines] == ["contact"] * 3
    assert not any("Zebra" in f"{line.before}{line.after}{line.reason}" for line in lines)
    assert not Note.objects.exists()


def test_saving_a_note_untouched_is_no_change(orchard, dana, tara):
    made = notes.write(orchard, TODAY, "Same", by=dana, now=NOW)

    notes.change(made, TODAY, "Same", by=tara, now=NOW)

    assert made.written_by == dana
    assert not AuditEntry.objects.filter(action=Action.NOTE_CHANGED).exists()


def test_database_refuses_a_note_without_words(orchard):
    with pytest.raises(IntegrityError), transaction.atomic():
        Note.objects.create(organization=orchard, day=TODAY, text="", written_at=NOW)
