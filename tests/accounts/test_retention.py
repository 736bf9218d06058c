"""The audit log is kept for a time: then whole sealed segments go, nothing else can, and the log says so."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import audit, retention, seals, triggers
from accounts.models import Action, Actor, AuditEntry, AuditRetirement, AuditSeal, Result
from portal import nightly

OLD = timedelta(days=500)


def entries(count: int, age: timedelta, reason: str = "old") -> list[AuditEntry]:
    """Lines that were written so long ago."""
    return [
        AuditEntry.objects.create(
            at=timezone.now() - age,
            actor_type=Actor.NIGHT,
            action=Action.NIGHT_RUN,
            result=Result.DONE,
            reason=reason,
        )
        for _ in range(count)
    ]


@pytest.fixture
def segments(db: None, monkeypatch) -> list[AuditSeal]:
    """Two old segments of three entries, and one of new ones."""
    monkeypatch.setattr(seals, "SEGMENT", 3)
    entries(6, OLD)
    made = seals.seal()[:2]
    # The seals' own lines are of today, and so is the segment that holds them.
    assert [each.count for each in made] == [3, 3]
    return made


def verified() -> str:
    out = StringIO()
    call_command("audit_verify", stdout=out)
    return out.getvalue()


def by_the_owner(statement: str, *values: object) -> None:
    """What only the owner of the database can: past the triggers."""
    triggers.remove()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
    triggers.build()


# ---------- what goes ----------


def test_whole_old_segments_go_and_new_ones_stay(segments):
    new = entries(4, timedelta(days=10), "new")
    seals.seal()

    gone = retention.retire()

    assert (gone.number, gone.entries) == (2, 6)
    assert not AuditEntry.objects.filter(reason="old").exists()
    assert AuditEntry.objects.filter(pk__in=[each.pk for each in new]).count() == 4
    assert AuditSeal.objects.filter(number__in=[1, 2]).count() == 2


def test_segment_with_one_young_entry_stays_whole(db):
    entries(2, OLD)
    entries(1, timedelta(days=399))
    seals.seal()

    assert retention.retire() is None
    assert AuditEntry.objects.filter(reason="old").count() == 3


def test_entries_that_are_not_sealed_stay(db):
    entries(3, OLD)

    assert retention.retire() is None
    assert AuditEntry.objects.count() == 3


def test_segments_go_in_order_only(segments, monkeypatch):
    """An old segment behind a younger one waits: the chain is cut at its beginning and nowhere else."""
    entries(3, timedelta(days=1), "new")
    seals.seal()
    entries(3, OLD, "old but later")
    seals.seal()

    assert retention.retire().number == 2
    assert AuditEntry.objects.filter(reason="old but later").count() == 3


def test_going_twice_removes_nothing_twice(segments):
    retention.retire()

    assert retention.retire() is None
    assert AuditRetirement.objects.count() == 1


def test_log_says_what_went_and_a_seal_covers_that(segments):
    retention.retire()

    said = AuditEntry.objects.get(action=Action.RETIRED)
    assert (said.target_id, said.after["entries"], said.after["digest"]) == ("2", 6, segments[1].digest)
    assert any(first <= said.pk <= last for seal in AuditSeal.objects.all() for first, last in seal.stretches)


def test_days_are_a_setting(segments, settings):
    settings.AUDIT_DAYS = 600

    assert retention.retire() is None

    settings.AUDIT_DAYS = 499

    assert retention.retire() is not None


def test_night_does_it_after_the_seal(segments):
    names = [name for name, _ in nightly.STEPS]
    said: list[str] = []

    nightly.run_night(timezone.now().date() - timedelta(days=1), tell=said.append)

    assert names.index("audit retention") == names.index("audit seal") + 1
    assert [line for line in said if line.startswith("Removed 6 entries of the audit log")]


# ---------- verifying ----------


def test_log_verifies_after_its_oldest_part_has_gone(segments):
    retention.retire()

    assert "are in order" in verified()
    assert "The entries of the oldest 2 seals were removed" in verified()
    assert seals.verify().retired == 2


def test_log_verifies_after_many_years(segments, settings):
    for _ in range(3):
        entries(3, OLD)
        seals.seal()
        retention.retire()

    assert "are in order" in verified()


@pytest.mark.parametrize("place", ["first", "last"])
def test_planted_gap_is_found(segments, place):
    entries(3, timedelta(days=1), "new")
    seals.seal()
    retention.retire()
    kept = AuditSeal.objects.get(number=3)

    by_the_owner("DELETE FROM accounts_auditentry WHERE id = %s", getattr(kept, place))

    with pytest.raises(CommandError, match=rf"Entry {getattr(kept, place)} of segment 3 is missing"):
        verified()


def test_segments_removed_behind_the_logs_back_are_found(segments):
    by_the_owner("DELETE FROM accounts_auditentry WHERE reason = %s", "old")

    with pytest.raises(CommandError, match=r"of segment 1 is missing"):
        verified()


def test_retirement_that_nobody_wrote_down_is_found(segments):
    by_the_owner("DELETE FROM accounts_auditentry WHERE reason = %s", "old")
    AuditRetirement.objects.create(number=2, digest=segments[1].digest, entries=6, before=timezone.now())

    with pytest.raises(CommandError, match="does not say that its segments up to 2 were removed"):
        verified()


def test_entry_put_back_into_a_removed_segment_is_found(segments):
    retention.retire()
    back = entries(1, OLD)[0]

    by_the_owner("UPDATE accounts_auditentry SET id = %s WHERE id = %s", segments[0].first, back.pk)

    with pytest.raises(CommandError, match="stands in segment 1, which was removed"):
        verified()


def test_seal_of_a_removed_segment_cannot_be_made_anew(segments):
    retention.retire()

    by_the_owner("UPDATE accounts_auditseal SET digest = %s WHERE number = 2", "0" * 64)

    with pytest.raises(CommandError, match="Seal 2 is another one"):
        verified()


# ---------- what the database refuses ----------


def refused(delete) -> None:
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        delete()


def test_old_entries_cannot_be_removed_without_a_retirement(segments):
    refused(AuditEntry.objects.filter(reason="old").delete)


def test_retirement_opens_no_younger_segment(segments):
    new = entries(3, timedelta(days=1), "new")
    seals.seal()
    AuditRetirement.objects.create(number=99, digest="", entries=0, before=timezone.now())

    refused(AuditEntry.objects.filter(pk=new[0].pk).delete)


def test_retirement_opens_no_entry_outside_its_segments(segments):
    late = entries(1, OLD, "never sealed")[0]
    AuditRetirement.objects.create(number=2, digest="", entries=0, before=timezone.now())

    refused(AuditEntry.objects.filter(pk=late.pk).delete)


def test_entry_of_a_retired_segment_cannot_be_changed(segments):
    AuditRetirement.objects.create(number=2, digest="", entries=0, before=timezone.now())

    refused(lambda: AuditEntry.objects.filter(reason="old").update(reason="mended"))


def test_retirement_itself_stays(segments):
    retention.retire()

    refused(AuditRetirement.objects.all().delete)
    refused(lambda: AuditRetirement.objects.update(number=99))


def test_lowered_number_is_refused_until_the_owner_migrates(db, settings):
    entries(3, timedelta(days=100))
    seals.seal()
    settings.AUDIT_DAYS = 60

    with pytest.raises(retention.Kept, match=r"manage\.py migrate"):
        retention.retire()
    assert AuditEntry.objects.filter(reason="old").count() == 3
    assert not AuditRetirement.objects.exists()

    said: list[str] = []
    nightly.retire_audit(timezone.now().date(), None, nightly.Hands(tell=said.append))
    assert "AUDIT_DAYS was lowered" in said[0]

    triggers.build()
    assert retention.retire() is not None


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only on PostgreSQL")
@pytest.mark.parametrize(("role", "may"), [("portal_app", False), ("portal_everyone", True)])
def test_only_the_nights_role_may_try_to_remove(role, may, db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'accounts_auditentry', 'DELETE')", [role])
        assert cursor.fetchone() == (may,)
        for table in ("accounts_auditseal", "accounts_auditretirement"):
            cursor.execute("SELECT has_table_privilege(%s, %s, 'DELETE')", [role, table])
            assert cursor.fetchone() == (False,)
        cursor.execute("SELECT has_table_privilege(%s, 'accounts_auditentry', 'UPDATE')", [role])
        assert cursor.fetchone() == (False,)


def test_customer_and_administrator_read_in_words_what_went(segments, ada, client):
    with audit.during(audit.Asked(Actor.NIGHT)):
        retention.retire()
    client.force_login(ada)

    assert b"Removed 6 entries from before" in client.get("/audit/").content
