"""The audit log: with the change or not at all, refusals in spite of it, insert-only, sealed, no secrets."""

import json
import logging
from io import StringIO

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import audit, contacts, organizations, seals, triggers
from accounts.access import Capability, open_organization
from accounts.intake import import_organizations
from accounts.models import (
    Action,
    Actor,
    AuditEntry,
    AuditRetirement,
    AuditSeal,
    Organization,
    Plan,
    Result,
    Role,
    User,
)
from tests.factories import LONG_AGO, PASSWORD, make_plan, make_user, publish_small_card

MARKER = "marker-7f3a-of-a-secret"


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def everything_written() -> str:
    """Every column of every row, as one text."""
    return json.dumps(list(AuditEntry.objects.values()), default=str)


# ---------- with the change ----------


def test_change_and_its_entry_come_together(orchard: Organization, vera: User) -> None:
    contacts.designate(orchard, vera, Role.CONTACT)

    entry = AuditEntry.objects.get(action=Action.ACCESS_GIVEN)
    assert (entry.organization, entry.target_id, entry.after) == (orchard, str(vera.pk), {"role": "contact"})
    assert entry.at is not None


def test_change_that_is_rolled_back_leaves_no_entry(orchard: Organization, vera: User) -> None:
    with transaction.atomic():
        contacts.designate(orchard, vera, Role.CONTACT)
        transaction.set_rollback(True)

    assert actions() == []


def test_refusal_stays_when_the_request_is_rolled_back(orchard: Organization, vera: User) -> None:
    asked = audit.Asked(Actor.VISITOR, request_id="4f2a", waiting=[])

    with audit.during(asked), transaction.atomic():
        audit.record(Action.NIGHT_RUN)
        audit.refused(Action.REFUSED, by=vera, organization=orchard, reason="Not for a viewer.")
        transaction.set_rollback(True)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.result, entry.request_id) == ("refused", Result.REFUSED, "4f2a")


def test_plan_change_says_what_was_and_what_is(orchard: Organization) -> None:
    wanted = make_plan(orchard, Plan.PREMIER, starts_at=LONG_AGO.replace(year=2019), ends_at=LONG_AGO)
    wanted.pk, wanted.starts_at, wanted.ends_at, wanted.plan = None, LONG_AGO, None, "standard"

    organizations.put_on_plan(orchard, wanted)

    entry = AuditEntry.objects.get(action=Action.PLAN_CHANGED)
    assert entry.before == {"plan": "signature", "from": "2020-01-01", "until": ""}
    assert entry.after == {"plan": "standard", "from": "2020-01-01", "until": ""}


FILE = (
    "external_id,name,plan,plan_from,csm\nA-1,Amber,Signature,2026-01-01,casey@vendor.example\nB-2,Birch,,,\n"
)


def test_imported_file_is_one_entry_and_every_plan_and_access_another(db: None, tmp_path) -> None:
    (tmp_path / "customers.csv").write_text(FILE)

    call_command("import_organizations", str(tmp_path / "customers.csv"), stdout=StringIO())

    assert sorted(actions()) == [
        "access_given",
        "organization_created",
        "organization_created",
        "organizations_imported",
        "plan_changed",
    ]
    entry = AuditEntry.objects.get(action=Action.ORGANIZATIONS_IMPORTED)
    assert (entry.actor_type, entry.user_agent) == (Actor.COMMAND, "manage.py import_organizations")
    assert (entry.target_id, entry.after["created"]) == ("customers.csv", 2)


def test_dry_run_of_an_import_leaves_no_entry(db: None, tmp_path) -> None:
    (tmp_path / "customers.csv").write_text(FILE)

    import_organizations(tmp_path / "customers.csv", is_dry_run=True)

    assert actions() == []


def test_published_scorecard_is_written_down_once(db: None) -> None:
    publish_small_card()
    publish_small_card()

    assert actions() == ["scorecard_published"]


def test_night_that_is_run_by_hand_says_so(db: None) -> None:
    call_command("nightly", day=None, scorecard=None, stdout=StringIO(), verbosity=0)

    assert AuditEntry.objects.filter(action=Action.NIGHT_RUN, target_id="due").count() == 1


# ---------- who looked ----------


def test_score_that_staff_open_is_written_down_once_an_hour(orchard: Organization, casey: User) -> None:
    for _ in range(3):
        open_organization(casey, "orchard", to=Capability.SEE_SCORE)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.hat) == ("score_opened", casey, "csm")
    assert entry.organization == orchard


def test_own_score_is_opened_without_an_entry(orchard: Organization, dana: User) -> None:
    open_organization(dana, "orchard", to=Capability.SEE_SCORE)

    assert actions() == []


def test_two_staff_are_two_entries(orchard: Organization, casey: User, ada: User) -> None:
    open_organization(casey, "orchard", to=Capability.SEE_SCORE)
    open_organization(ada, "orchard", to=Capability.SEE_SCORE)

    assert sorted(AuditEntry.objects.values_list("hat", flat=True)) == ["admin", "csm"]


# ---------- requests ----------


def test_sign_in_and_sign_out_are_written_down_with_where_from(client: Client, dana: User) -> None:
    client.post(
        "/sign-in/", {"login": dana.email, "password": PASSWORD}, headers={"User-Agent": "Lynx\x07" * 90}
    )
    client.post("/sign-out/")

    came, learned, went = AuditEntry.objects.order_by("pk")
    assert (came.action, came.result, came.actor) == ("sign_in", "done", dana)
    assert (learned.action, learned.actor, learned.after) == ("person_changed", dana, {"language": "en"})
    assert (went.action, went.actor) == ("sign_out", dana)
    assert came.address == "127.0.0.1"
    assert came.user_agent == ("Lynx" * 90)[:200]
    assert len(came.request_id) == 32
    assert came.request_id != went.request_id


def test_wrong_password_is_written_down_without_the_address_that_was_typed(
    client: Client, dana: User
) -> None:
    client.post("/sign-in/", {"login": dana.email, "password": "wrong password"})

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.result, entry.actor_type) == ("sign_in", "refused", "visitor")
    assert entry.target_id == str(dana.pk)
    assert "dana@" not in everything_written()


def test_pause_after_five_tries_is_written_down_once(client: Client, dana: User) -> None:
    for _ in range(8):
        client.post("/sign-in/", {"login": dana.email, "password": "wrong password"})

    assert AuditEntry.objects.filter(reason__startswith="Too many tries").count() == 1
    assert AuditEntry.objects.count() == 6


def test_no_password_gets_into_the_log(client: Client, dana: User, monkeypatch) -> None:
    client.post("/sign-in/", {"login": f"{MARKER}@orchard.example", "password": MARKER})
    client.post("/sign-in/", {"login": dana.email, "password": MARKER})
    monkeypatch.setenv("CAIRN_PASSWORD", MARKER)
    call_command("add_person", "new@orchard.example", name="Nobody Inparticular", stdout=StringIO())
    call_command("add_person", "new@orchard.example", name="Nobody Inparticular", stdout=StringIO())
    client.post("/sign-in/", {"login": "new@orchard.example", "password": MARKER})

    assert actions() == ["sign_in", "sign_in", "person_added", "person_changed", "sign_in", "person_changed"]
    assert AuditEntry.objects.filter(action=Action.PERSON_CHANGED).last().after["password"] == "set"
    for hidden in (MARKER, "new@orchard", "Inparticular"):
        assert hidden not in everything_written()


def test_what_the_door_refuses_is_written_down_with_the_page(
    client: Client, orchard: Organization, vera: User
) -> None:
    client.force_login(vera)

    for _ in range(2):
        client.get("/o/orchard/activity/")

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.organization, entry.hat) == ("refused", orchard, "viewer")
    assert (entry.target_type, entry.target_id) == ("page", "activity")


def test_plan_that_refuses_is_written_down(client: Client, orchard: Organization, dana: User) -> None:
    orchard.plan_intervals.all().delete()
    client.force_login(dana)

    client.get("/o/orchard/")
    client.get("/api/v1/o/orchard/score/")

    entry = AuditEntry.objects.get()
    assert "does not open this" in entry.reason
    assert entry.actor == dana


def test_page_that_refuses_by_itself_is_written_down(client: Client, dana: User) -> None:
    client.force_login(dana)

    client.get("/nights/")

    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.target_id, entry.reason) == (
        dana,
        "nights",
        "The nights are for administrators.",
    )


def test_stranger_who_gets_404_leaves_no_line_for_orchard(
    client: Client, orchard: Organization, hal: User
) -> None:
    client.force_login(hal)

    client.get("/o/orchard/")

    assert actions() == []


@pytest.mark.parametrize(
    ("proxies", "said", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),  # a stranger's header says nothing
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        (2, "203.0.113.9", "127.0.0.1"),  # fewer than there are proxies: none of ours has spoken
        (1, "not an address", None),
        (1, "fe80::1%eth0", "fe80::1"),
    ],
)
def test_address_is_the_one_our_own_proxy_saw(client, dana, settings, proxies, said, address) -> None:
    settings.TRUSTED_PROXIES = proxies
    client.force_login(dana)

    client.get("/nights/", headers={"X-Forwarded-For": said})

    assert AuditEntry.objects.get().address == address


def test_refusal_outside_a_request_is_written_at_once(orchard: Organization, vera: User) -> None:
    with pytest.raises(PermissionDenied):
        open_organization(vera, "orchard", to=Capability.SEE_AUDIT)

    assert actions() == ["refused"]


# ---------- only grows ----------


def test_every_trigger_is_there(db: None) -> None:
    assert triggers.standing() == triggers.names()
    assert len(triggers.names()) == 6


@pytest.mark.parametrize("model", [AuditEntry, AuditSeal])
def test_nobody_changes_or_removes_a_line(model, orchard: Organization) -> None:
    audit.record(Action.NIGHT_RUN, organization=orchard)
    seals.seal()

    for attempt in (
        lambda: model.objects.update(**{model._meta.fields[-2].attname: "2"}),
        model.objects.all().delete,
    ):
        with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
            attempt()
    assert model.objects.exists()


def test_organization_that_is_deleted_leaves_its_lines(orchard: Organization, casey: User) -> None:
    open_organization(casey, "orchard", to=Capability.SEE_SCORE)

    orchard.plan_intervals.all().delete()
    orchard.delete()

    assert actions() == ["score_opened"]


def as_runtime_role(statement: str) -> list[tuple]:
    """What a client of its own gets who signs in as the web and the workers do, and acts for everyone."""
    there = connection.get_connection_params()
    with psycopg.connect(host=there["host"], dbname=there["dbname"], user="portal_app") as client:
        client.execute("SET LOCAL ROLE portal_everyone")
        answer = client.execute(statement)
        return answer.fetchall() if answer.description else []


@pytest.fixture
def granted(transactional_db: None) -> None:
    """A line in the log, and what deploy/roles.sql grants on every table of the owner's."""
    with connection.cursor() as cursor:
        for table in triggers.KEPT:
            cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO portal_app, portal_everyone")
    audit.record(Action.NIGHT_RUN)
    seals.seal()
    AuditRetirement.objects.create(number=1, digest="", entries=0, before=timezone.now())


ATTEMPTS = [f"{verb} {table}" for table in triggers.KEPT for verb in ("UPDATE", "DELETE FROM")]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only on PostgreSQL")
@pytest.mark.parametrize(
    "attempt", [*ATTEMPTS, "TRUNCATE accounts_auditentry", "DROP TABLE accounts_auditentry"]
)
def test_runtime_role_has_no_right_to_change_the_log(granted: None, attempt: str) -> None:
    triggers.build()
    # Old entries may go, by the night: whether one is old enough, the trigger says.
    is_the_nights = attempt == "DELETE FROM accounts_auditentry"
    refused = psycopg.errors.RestrictViolation if is_the_nights else psycopg.errors.InsufficientPrivilege

    with pytest.raises(refused):
        as_runtime_role(f"{attempt} SET id = id" if attempt.startswith("UPDATE") else attempt)
    assert as_runtime_role("SELECT count(*) FROM accounts_auditentry") == [(2,)]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only on PostgreSQL")
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_trigger_refuses_the_runtime_role_even_with_the_right(granted: None, attempt: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="insert-only"):
        as_runtime_role(f"{attempt} SET id = id" if attempt.startswith("UPDATE") else attempt)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only on PostgreSQL")
def test_runtime_role_writes_new_lines(granted: None) -> None:
    triggers.build()

    as_runtime_role(
        "INSERT INTO accounts_auditentry (public_id, request_id, actor_type, hat, action, target_type,"
        " target_id, result, reason, user_agent, before, after, key_id)"
        " VALUES (gen_random_uuid(), '', 'night', '', 'night_run', '', '', 'done', '', '', '{}', '{}', '')"
    )

    assert actions().count("night_run") == 2


# ---------- seals ----------


@pytest.fixture
def sealed(orchard: Organization) -> Organization:
    """Three sealed segments of two or three entries."""
    for day in ("2026-11-01", "2026-11-02", "2026-11-03"):
        for _ in range(2):
            audit.record(Action.NIGHT_RUN, organization=orchard, target=("night", day))
        seals.seal()
    return orchard


def as_owner(statement: str) -> None:
    """What somebody does who may do everything in the database."""
    triggers.remove()
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_log_that_nobody_touched_is_in_order(sealed: Organization) -> None:
    out = StringIO()

    call_command("audit_verify", stdout=out)

    assert "3 seals over 8 entries are in order; 1 entries wait" in out.getvalue()


def test_night_in_which_nothing_happened_makes_no_seal(sealed: Organization) -> None:
    assert seals.seal() == []


def test_entry_that_was_edited_is_found(sealed: Organization) -> None:
    victim = AuditEntry.objects.filter(target_id="2026-11-02").first()

    as_owner(f"UPDATE accounts_auditentry SET target_id = '2026-12-24' WHERE id = {victim.pk}")

    with pytest.raises(CommandError, match="Segment 2 is not what was sealed"):
        call_command("audit_verify")


@pytest.mark.parametrize("column", [c for c in seals.COLUMNS if c != "id"])
def test_edit_of_any_column_is_found(sealed: Organization, column: str) -> None:
    entry = AuditEntry.objects.order_by("pk").first()
    text = "77" if column in ("actor_id", "on_behalf_of_id", "organization_id") else "'x'"
    others = {
        "public_id": "'00000000000000000000000000000000'",
        "at": "'2026-01-01 00:00:00'",
        "before": "'{\"a\": 1}'",
        "after": "'{\"a\": 1}'",
        "address": "'10.0.0.1'",
    }

    as_owner(f"UPDATE accounts_auditentry SET {column} = {others.get(column, text)} WHERE id = {entry.pk}")

    with pytest.raises(seals.Broken, match="Segment 1 "):
        seals.verify()


@pytest.mark.parametrize("place", [0, 1])
def test_entry_that_was_removed_is_named(sealed: Organization, place: int) -> None:
    victim = AuditEntry.objects.filter(target_id="2026-11-03").order_by("pk")[place]

    as_owner(f"DELETE FROM accounts_auditentry WHERE id = {victim.pk}")

    with pytest.raises(seals.Broken, match=f"Entry {victim.pk} of segment 3 is missing"):
        seals.verify()


def test_seal_that_was_removed_is_named(sealed: Organization) -> None:
    as_owner("DELETE FROM accounts_auditseal WHERE number = 2")

    with pytest.raises(seals.Broken, match="Seal 2 is missing"):
        seals.verify()


def test_newest_seal_that_was_removed_is_named_by_the_log_itself(sealed: Organization) -> None:
    as_owner("DELETE FROM accounts_auditseal WHERE number = 3")

    with pytest.raises(seals.Broken, match="Seal 3 is missing: entry"):
        seals.verify()


def test_past_that_was_written_anew_with_its_seals_differs_from_the_log_stream(sealed: Organization) -> None:
    noted = AuditSeal.objects.get(number=3)
    as_owner("DELETE FROM accounts_auditseal")
    as_owner("DELETE FROM accounts_auditentry WHERE action = 'sealed'")
    as_owner("UPDATE accounts_auditentry SET target_id = '2026-12-24' WHERE target_id = '2026-11-01'")
    triggers.build()
    seals.seal()

    assert seals.verify().seals == 1
    with pytest.raises(CommandError, match="Seal 3 is missing"):
        call_command("audit_verify", seal=f"3:{noted.digest}")


def test_seal_goes_to_the_log_stream(orchard: Organization, caplog) -> None:
    audit.record(Action.NIGHT_RUN)

    with caplog.at_level(logging.INFO, logger="audit.seal"):
        seals.seal()

    assert AuditSeal.objects.get().digest in caplog.text


def test_row_that_commits_late_is_in_the_next_seal(sealed: Organization) -> None:
    as_owner("DELETE FROM accounts_auditseal")
    as_owner("DELETE FROM accounts_auditentry WHERE action = 'sealed'")
    triggers.build()
    rows = list(AuditEntry.objects.order_by("pk"))
    late = rows[2]
    triggers.remove()
    AuditEntry.objects.filter(pk=late.pk).delete()
    triggers.build()
    seals.seal()
    late.save(force_insert=True)

    seals.seal()

    assert [each.stretches for each in AuditSeal.objects.all()][1][0] == [late.pk, late.pk]
    assert seals.verify().seals == 2


def test_row_planted_into_the_sealed_past_is_named(sealed: Organization) -> None:
    first = AuditEntry.objects.order_by("pk").first()
    planted = AuditEntry.objects.get(pk=first.pk)
    planted.pk, planted.public_id, planted.at = -5, audit.AuditEntry().public_id, LONG_AGO
    planted.save(force_insert=True)

    with pytest.raises(seals.Broken, match="Entry -5 lies between sealed ones"):
        seals.verify()


def test_person_who_is_gone_still_has_their_lines(orchard: Organization) -> None:
    leaver = make_user("leaver@vendor.example")
    audit.record(Action.NIGHT_RUN, by=leaver)
    number = leaver.pk

    leaver.delete()

    assert AuditEntry.objects.get().actor_id == number
