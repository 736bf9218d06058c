"""The second wall alone: with the door broken or gone, the database shows nothing of another tenant."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as settings_
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.test.utils import isolate_apps
from django.urls import path, reverse

from accounts import access, audit
from accounts.isolation import EVERYONE, NOBODY, acting_for, guard, links, policies, tell
from accounts.models import (
    Action,
    AuditEntry,
    Connection,
    Feedback,
    Invitation,
    Membership,
    Note,
    Organization,
    OrganizationFact,
    PlanInterval,
    ReviewRequest,
    User,
)
from portal import nightly
from portal.models import ExportJob
from portal.urls import handler403, handler404, handler500, urlpatterns  # noqa: F401 - this file is a URL map, too
from recommendations import coaching, lifecycle
from scoring.models import (
    Batch,
    Correction,
    Metric,
    PeerClose,
    PeerList,
    PeerPlace,
    PeerRelease,
    Quarantine,
    ScorecardVersion,
    ScoreSheet,
)
from tests import runtime
from tests.factories import (
    PASSWORD,
    SMALL_CARD,
    believable,
    make_batch,
    make_measured,
    make_recommendation,
    publish_small_card,
)
from tests.ports import free_port
from tests.processes import Look, address_of, copy_of_the_database, start
from tests.servers import wait_for

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only on PostgreSQL")

# Tables outside the wall, and why. A new model of ours stands here, or has an organization.
OUTSIDE = {
    "accounts.AuditSeal": "digests over the whole log",
    "accounts.AuditRetirement": "which segments of the log have been let go",
    "accounts.Cover": "who stands in for whom: the vendor's own",
    "accounts.FactorReset": "a person's, of no organization",
    "accounts.Installation": "what holds for the whole house",
    "accounts.Product": "what the vendor sells",
    "accounts.RecoveryCode": "a person's, of no organization",
    "accounts.RetiredSlug": "names that are given to nobody again",
    "accounts.SignedIn": "a person's, of no organization",
    "accounts.Team": "how the vendor's people are grouped",
    "accounts.Upload": "an administrator's file that waits, of many organizations",
    "accounts.User": "people belong to nobody: which organization sees whom is a membership",
    "accounts.User_groups": "Django's own, unused",
    "accounts.User_user_permissions": "Django's own, unused",
    "recommendations.PlaybookVersion": "advice for anybody",
    "recommendations.RankerVersion": "figures per play, of five organizations at least",
    "scoring.Chunk": "ranges of ids and how far a night is",
    "scoring.Metric": "what is measured, of nobody",
    "scoring.PeerClose": "that the peer figures of a close are made",
    "scoring.PeerRelease": "figures of eleven at least, without a name or a count",
    "scoring.NightStep": "how far a night is",
    "scoring.Pointer": "which night is out",
    "scoring.ScorecardVersion": "how everyone is scored",
    "scoring.ScoringRun": "how far a night is",
    "scoring.Source": "where numbers come from",
    "scoring.Turn": "whose turn it is",
}


def advise(organization, person) -> None:
    """What is advised to an organization, and what its people make of it."""
    now = datetime.now(UTC)
    found = make_recommendation(organization)
    lifecycle.favorite(found, True, by=person)
    lifecycle.note(found, "secret", by=person, hat="contact")
    coaching.ask(found, topic="secret", wish="", by=person, hat="contact")
    plan = organization.roadmaps.create(
        scorecard="customer-success",
        name="secret",
        made_at=now,
        start_on=YESTERDAY,
        start_points=6800,
        projected=8000,
    )
    plan.items.create(organization=organization, recommendation=found, position=1, target=9000, gain=100)


@pytest.fixture
def served(orchard, harbor, dana, hal, casey) -> Organization:
    """Orchard with everything an organization can have; Harbor, the stranger's, with as much."""
    publish_small_card()
    for organization, person in ((orchard, dana), (harbor, hal)):
        make_measured(organization, YESTERDAY)
        ReviewRequest.objects.create(organization=organization, asked_by=person, asked_at=datetime.now(UTC))
        today = datetime.now(UTC)
        goal = {"scorecard": "customer-success", "set_by": person, "set_at": today}
        organization.targets.create(
            node="overall",
            value=82,
            start_points=6800,
            start_on=YESTERDAY,
            due_on=YESTERDAY + timedelta(days=90),
            **goal,
        )
        organization.emphases.create(node="reviews.recency", matters="less", reason="few reviews", **goal)
        said = {"node": "overall", "called": "Score", "day": YESTERDAY, "kind": "other", "text": "secret"}
        Feedback.objects.create(organization=organization, said_at=datetime.now(UTC), **said)
        audit.record(Action.ACCESS_GIVEN, by=person, organization=organization)
        Note.objects.create(
            organization=organization, day=YESTERDAY, text="Moved", written_at=datetime.now(UTC)
        )
        ExportJob.objects.create(organization=organization, by=person, what="report")
        batch = make_batch(organization=organization)
        Quarantine.objects.create(batch=batch, line=1, reason="bad_day", raw=f"{organization.slug},secret")
        Correction.objects.create(
            organization=organization,
            metric=Metric.objects.first(),
            day=YESTERDAY,
            value=1,
            batch=batch,
            replaced_by=batch,
        )
        way_in = Connection.objects.create(organization=organization, kind="saml", name="Company")
        now = datetime.now(UTC)
        way_in.certificates.create(
            organization=organization, pem="-", subject="-", fingerprint="0", begins_at=now, ends_at=now
        )
        way_in.identities.create(organization=organization, subject="s", user=person)
        Invitation.objects.create(
            organization=organization,
            email="somebody@example.org",
            role="viewer",
            hat="contact",
            digest=organization.slug,
            made_at=now,
            expires_at=now + timedelta(days=7),
        )
        advise(organization, person)
    nightly.run_night(YESTERDAY)
    version = ScorecardVersion.objects.get()
    close = PeerClose.objects.create(key=version.key, version=version, day=YESTERDAY, revision=1)
    for low, organization in enumerate((orchard, harbor)):
        group = {"rung": 4, "low": low, "high": 5, "size_range": "11–24", "figures": {}}
        release = PeerRelease.objects.create(close=close, **group)
        PeerList.objects.create(release=release, ids=b"", values=b"")
        PeerPlace.objects.create(organization=organization, close=close, release=release, why="shown")
    return orchard


@pytest.fixture
def raw(served, transactional_db) -> Iterator[Any]:
    """A client of its own in the runtime role, past everything of ours."""
    with closing(runtime.client()) as client:
        yield client


def behind_the_wall() -> dict[str, str]:
    """Every table and the condition for rows of an organization."""
    return {table: policies.column_of(model) or "false" for table, model in policies.tenants().items()}


# ---------- what stands in the database ----------


@on_postgresql
def test_every_table_with_an_organization_is_behind_the_wall(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        forced = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND column_name = 'organization_id'"
        )
        with_organization = {name for (name,) in cursor.fetchall()}

    assert forced == set(policies.tenants())
    assert with_organization | {"accounts_organization"} <= forced


def test_every_model_of_ours_is_behind_the_wall_or_says_why_not():
    ours = {
        model._meta.label: model
        for app in ("accounts", "scoring", "recommendations", "portal")
        if apps.is_installed(app)
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
    }
    behind = {model._meta.label for model in policies.tenants().values()}

    assert set(ours) - behind == set(OUTSIDE)


@on_postgresql
def test_policy_that_was_changed_or_taken_away_is_made_again(db):
    before = policies.standing(connection)
    with connection.cursor() as cursor:
        cursor.execute("DROP POLICY organization ON accounts_planinterval")
        cursor.execute("COMMENT ON POLICY organization ON accounts_reviewrequest IS 'older'")
        cursor.execute("ALTER TABLE accounts_membership NO FORCE ROW LEVEL SECURITY")

    policies.build()

    assert policies.standing(connection) == before


@on_postgresql
def test_migrating_again_changes_nothing(db, django_assert_max_num_queries):
    with django_assert_max_num_queries(5) as asked:
        policies.build()

    assert not [each["sql"] for each in asked if re.match("CREATE|ALTER|DROP|COMMENT|GRANT", each["sql"])]


@on_postgresql
def test_hands_of_a_model_are_refused_when_no_such_wall_is_known():
    with isolate_apps("accounts"):

        class Fact(OrganizationFact):
            wall = "paper"

            class Meta(OrganizationFact.Meta):
                app_label = "accounts"

    with pytest.raises(ImproperlyConfigured, match=r"accounts.Fact.wall must be one of .* not 'paper'"):
        policies.wanted(Fact)


# ---------- a raw connection as the runtime role ----------


@on_postgresql
def test_connection_of_the_runtime_role_could_not_bypass_the_wall(as_portal_app):
    as_portal_app()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolinherit FROM pg_roles"
            " WHERE rolname = session_user AND rolname = current_user"
        )
        assert cursor.fetchall() == [("portal_app", False)]
        cursor.execute("SELECT count(*) FROM pg_class WHERE pg_has_role(session_user, relowner, 'USAGE')")
        assert cursor.fetchone() == (0,)
    assert guard.faults(connection) == []


@on_postgresql
def test_request_of_a_test_is_served_in_the_runtime_role(db, dana, rf):
    seen = []

    def answer(request):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, row_security_active('accounts_organization')")
            seen.append(cursor.fetchone())
        return HttpResponse()

    runtime.RuntimeRole(answer)(rf.get("/"))

    assert seen == [("portal_app", True)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("portal_owner",)


@on_postgresql
def test_raw_connection_that_was_told_nothing_sees_no_row_of_any_table(raw):
    for table in behind_the_wall():
        where = " WHERE organization_id IS NOT NULL" if table == "scoring_batch" else ""
        assert raw.execute(f"SELECT count(*) FROM {table}{where}").fetchone() == (0,), table


@on_postgresql
def test_owner_sees_rows_of_both_in_every_table(served):
    """Or the tests around would find nothing because nothing is there."""
    for table, column in behind_the_wall().items():
        with connection.cursor() as cursor:
            what = "count(*)" if column == "false" else f"count(DISTINCT {column})"
            cursor.execute(f"SELECT {what} FROM {table}")
            assert cursor.fetchone()[0] >= 2, table


@on_postgresql
def test_raw_connection_told_of_one_organization_finds_nothing_of_another(raw, served, harbor):
    raw.execute("SELECT set_config('app.orgs', %s, true)", [str(harbor.pk)])

    for table, column in behind_the_wall().items():
        foreign = f" WHERE {column} = {served.pk}" if column != "false" else ""
        assert raw.execute(f"SELECT count(*) FROM {table}{foreign}").fetchone() == (0,), table
        assert column == "false" or raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > 0, table


@on_postgresql
def test_raw_connection_changes_and_removes_nothing_of_another(raw, served, harbor):
    raw.execute("SELECT set_config('app.orgs', %s, true)", [str(harbor.pk)])

    for table, column in behind_the_wall().items():
        if column == "false" or table == "accounts_auditentry":  # the log takes neither from anybody
            continue
        where = f"{column} = {served.pk}"
        assert raw.execute(f"UPDATE {table} SET {column} = {column} WHERE {where}").rowcount == 0, table
        assert raw.execute(f"DELETE FROM {table} WHERE {where}").rowcount == 0, table


WRITES = {
    "accounts_planinterval": "INSERT INTO accounts_planinterval (organization_id, plan, starts_at, source)"
    " VALUES ({orchard}, 'signature', '2001-01-01', '')",
    "accounts_membership": "INSERT INTO accounts_membership (organization_id, user_id, role, starts_at)"
    " VALUES ({orchard}, {hal}, 'contact', '2001-01-01')",
    "accounts_organization_products": "INSERT INTO accounts_organization_products"
    " (organization_id, product_id) SELECT {orchard}, min(id) FROM accounts_product",
    "scoring_metricmonth": "INSERT INTO scoring_metricmonth (organization_id, month, slots, days)"
    " VALUES ({orchard}, '2001-01-01', '', '')",
    "scoring_observation": "INSERT INTO scoring_observation"
    " (organization_id, metric_id, day, value, batch_id) VALUES ({orchard}, 1, '2001-01-01', 1, 1)",
    "moved": "UPDATE accounts_planinterval SET organization_id = {orchard} WHERE organization_id = {harbor}",
    "shared batch": "INSERT INTO scoring_batch (source_id, file_name, metrics, lines, accepted, corrected,"
    " duplicate, conflicting, quarantined) SELECT min(id), '', '[]', 0, 0, 0, 0, 0, 0 FROM scoring_source",
}


@on_postgresql
@pytest.mark.parametrize("what", WRITES)
def test_raw_connection_writes_no_row_for_another(what, raw, served, harbor, hal):
    import psycopg

    raw.execute("SELECT set_config('app.orgs', %s, true)", [str(harbor.pk)])
    raw.execute("SELECT set_config('app.user', %s, true)", [str(hal.pk)])

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        raw.execute(WRITES[what].format(orchard=served.pk, harbor=harbor.pk, hal=hal.pk))


@on_postgresql
def test_person_sees_own_memberships_wherever_and_can_make_none(raw, served, hal):
    raw.execute("SELECT set_config('app.user', %s, true)", [str(hal.pk)])

    assert raw.execute("SELECT user_id FROM accounts_membership").fetchall() == [(hal.pk,)]
    assert raw.execute("UPDATE accounts_membership SET ends_at = NULL").rowcount == 0


@on_postgresql
def test_anybody_adds_a_line_to_the_log_and_reads_none(raw, served):
    raw.execute(
        "INSERT INTO accounts_auditentry (public_id, request_id, actor_type, hat, organization_id, action,"
        " target_type, target_id, result, reason, user_agent, before, after, key_id)"
        f" VALUES (gen_random_uuid(), '', 'visitor', '', {served.pk}, 'refused', '', '', 'refused', '', '',"
        " '{}', '{}', '')"
    )

    assert raw.execute("SELECT count(*) FROM accounts_auditentry").fetchone() == (0,)


# ---------- scopes ----------


@on_postgresql
def test_statement_outside_a_request_sees_no_row(served, as_portal_app):
    as_portal_app()

    assert not Organization.objects.exists()
    assert not Membership.objects.exists()
    assert not ScoreSheet.objects.exists()
    assert User.objects.exists()  # people stand outside


@on_postgresql
def test_acting_for_one_organization_shows_it_alone(served, harbor, as_portal_app):
    as_portal_app()

    with acting_for([harbor.pk]):
        assert [*Organization.objects.values_list("slug", flat=True)] == ["harbor"]
        with transaction.atomic():
            assert {*PlanInterval.objects.values_list("organization", flat=True)} == {harbor.pk}
    assert not Organization.objects.exists()


@on_postgresql
def test_each_transaction_of_a_scope_is_told_anew_and_none_after_it(served, as_portal_app):
    as_portal_app()

    with acting_for(EVERYONE):
        for _ in range(2):
            assert Organization.objects.count() == 2  # a transaction by itself
            with transaction.atomic(), transaction.atomic():
                assert Organization.objects.count() == 2
            with transaction.atomic():
                assert Organization.objects.count() == 2
                transaction.set_rollback(True)
    assert told() == ("none", "", "")


def told() -> tuple[str, str, str]:
    """Role, organizations and person as the database has them at this statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('role'), coalesce(current_setting('app.orgs', true), ''),"
            " coalesce(current_setting('app.user', true), '')"
        )
        return cursor.fetchone()


@on_postgresql
def test_inner_scope_ends_where_it_ends(served, harbor, as_portal_app):
    as_portal_app()

    with transaction.atomic(), acting_for([harbor.pk], person=7):
        assert told() == ("none", str(harbor.pk), "7")
        with acting_for(EVERYONE):
            assert told() == ("portal_everyone", "", "")
            with acting_for(NOBODY):
                assert told() == ("none", "", "")
                assert not Organization.objects.exists()
            assert Organization.objects.count() == 2
        assert told() == ("none", str(harbor.pk), "7")


@on_postgresql
def test_scope_that_breaks_leaves_nothing_behind(served, harbor, as_portal_app):
    as_portal_app()

    with transaction.atomic(), acting_for([harbor.pk]):
        with pytest.raises(DatabaseError), transaction.atomic(), acting_for(EVERYONE):
            Organization.objects.extra(where=["no_such_column"]).exists()
        assert told() == ("none", str(harbor.pk), "")
        with pytest.raises(ZeroDivisionError), acting_for(EVERYONE):
            raise ZeroDivisionError
        assert told() == ("none", str(harbor.pk), "")


@on_postgresql
def test_scope_that_began_before_the_transaction_and_ends_in_it_is_taken_back(served, as_portal_app):
    as_portal_app()

    with transaction.atomic():
        with acting_for(EVERYONE):
            assert Organization.objects.count() == 2
        assert told() == ("none", "", "")
        assert not Organization.objects.exists()


@on_postgresql
def test_telling_without_an_end_is_refused(served, as_portal_app):
    as_portal_app()

    with pytest.raises(RuntimeError, match="inside of acting_for"):
        tell(EVERYONE)


@on_postgresql
def test_work_on_commit_is_told_as_the_scope_is(served, harbor, as_portal_app):
    as_portal_app()
    seen = []

    with acting_for([harbor.pk]), transaction.atomic():
        transaction.on_commit(lambda: seen.extend(Organization.objects.values_list("slug", flat=True)))

    assert seen == ["harbor"]


@on_postgresql
def test_owner_is_left_in_its_role(served):
    """`migrate` comes through manage.py, too, which acts for everyone."""
    with acting_for(EVERYONE), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("portal_owner",)


# ---------- requests, through the real middleware, as a client in the runtime role ----------


def browser(who: User | None, **options: bool) -> Client:
    client = Client(**options)
    if who is not None:
        client.force_login(who)
    return client


@on_postgresql
def test_pages_of_the_portal_work_in_the_runtime_role(served, dana, casey, lena, ada, otto, as_portal_app):
    as_portal_app()
    pages = {
        dana: ["", "plan/", "access/", "activity/", "activity/export/", "score/product-adoption/"],
        casey: ["", "plan/", "access/", "activity/", "activity/export/"],
        lena: ["", "plan/", "access/", "activity/"],
        ada: ["", "plan/", "access/", "activity/", "activity/export/"],
        otto: ["plan/", "access/", "activity/"],
    }

    for who, ends in pages.items():
        client = browser(who)
        for address in ["/orgs/", "/me/", *(f"/o/orchard/{end}" for end in ends)]:
            assert client.get(address).status_code == 200, (who, address)
        foreign = client.get("/o/harbor/plan/").status_code
        assert foreign == (200 if who in (ada, otto) else 404)
    for who in (ada, otto, casey, lena):
        assert browser(who).get("/audit/export/").status_code == 200
    for address in ("/nights/", "/patterns/"):
        assert browser(ada).get(address).status_code == 200
    assert browser(dana).get(reverse("api-score", args=["orchard"])).status_code == 200
    assert browser(dana).get(reverse("api-score", args=["harbor"])).status_code == 404


@on_postgresql
@pytest.mark.parametrize("who", ["dana", "casey", "lena", "gus", "ada", "otto", "hal"])
def test_person_reads_behind_the_wall_what_the_owner_would_show(who, served, request, as_portal_app):
    for each in ("lena", "gus", "ada", "otto"):
        request.getfixturevalue(each)
    person = request.getfixturevalue(who)
    ends = ("", "score/product-adoption/", "plan/", "access/", "activity/")
    addresses = [
        *(f"/o/orchard/{end}" for end in ends),
        reverse("api-score", args=["orchard"]),
        "/orgs/",
        "/audit/",
    ]
    read(person, addresses)  # who opens a score is in the log from then on

    as_owner = read(person, addresses)
    as_portal_app()

    assert read(person, addresses) == as_owner


def read(who: User, addresses: list[str]) -> dict[str, tuple[int, str]]:
    """Status and page of each address, without what differs between two requests."""
    client = browser(who)
    found = {address: client.get(address) for address in addresses}
    differs = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|\b[0-9A-F]{4}-[0-9A-F]{4}\b')
    return {
        address: (answer.status_code, differs.sub("", answer.content.decode()))
        for address, answer in found.items()
    }


@on_postgresql
def test_person_signs_in_and_out_behind_the_wall(served, dana, as_portal_app):
    as_portal_app()
    client = Client()

    for password, status in (("wrong", 200), (PASSWORD, 302)):
        told_ = {"login": dana.email, "password": password}
        assert client.post("/sign-in/", told_, HTTP_ACCEPT_LANGUAGE="en-GB").status_code == status
    assert client.get("/o/orchard/").status_code == 200
    assert client.post("/sign-out/").status_code == 302

    with acting_for(EVERYONE):
        lines = AuditEntry.objects.filter(action__in=[Action.SIGN_IN, Action.SIGN_OUT])
        assert sorted(lines.values_list("action", "result")) == [
            ("sign_in", "done"),
            ("sign_in", "refused"),
            ("sign_out", "done"),
        ]
    dana.refresh_from_db()
    assert dana.language == "en-gb"


@on_postgresql
def test_fifth_wrong_password_is_counted_behind_the_wall(served, dana, as_portal_app):
    as_portal_app()

    for _ in range(5):
        Client().post("/sign-in/", {"login": dana.email, "password": "wrong"})
    response = Client().post("/sign-in/", {"login": dana.email, "password": PASSWORD})

    assert response.status_code == 200
    assert b"pause of 15 minutes" in response.content


@on_postgresql
@pytest.mark.parametrize("who", ["hal", "cole", "frank", None])
def test_door_that_lets_everybody_in_leads_to_nothing(
    who, served, cole, frank, monkeypatch, request, as_portal_app
):
    person = request.getfixturevalue(who) if who else None
    monkeypatch.setattr(access, "visible_organizations", lambda user, at=None: Organization.objects.all())
    monkeypatch.setattr(access, "is_open", lambda *_, **__: True)
    monkeypatch.setattr(access, "conditions", lambda *_, **__: [])
    monkeypatch.setattr(access, "portfolio", lambda user, at=None: Organization.objects.all())
    addresses = [f"/o/orchard/{end}" for end in ("", "plan/", "access/", "activity/", "activity/export/")]
    as_portal_app()
    client = browser(person)

    for address in [*addresses, reverse("api-score", args=["orchard"]), "/orgs/", "/"]:
        response = client.get(address, follow=True)
        assert b"Orchard" not in response.content, address
    assert all(client.get(address).status_code in (404, 302) for address in addresses)


def test_door_that_lets_everybody_in_is_open_without_the_wall(served, hal, monkeypatch, settings):
    """Or the test above would prove nothing."""
    monkeypatch.setattr(access, "visible_organizations", lambda user, at=None: Organization.objects.all())
    settings.MIDDLEWARE = [
        each for each in settings.MIDDLEWARE if "runtime" not in each and "Wall" not in each
    ]

    assert (
        b"Orchard"
        in browser(hal).get("/o/orchard/plan/").content + browser(hal).get("/o/orchard/access/").content
    )


@on_postgresql
def test_page_that_forgets_the_door_shows_a_stranger_nothing(served, hal, settings, as_portal_app):
    settings.ROOT_URLCONF = __name__
    as_portal_app()

    assert browser(hal).get("/tests/forgetful/").content == b"harbor"
    assert browser(None).get("/tests/forgetful/").content == b""


def forgetful(request):
    return HttpResponse(", ".join(Organization.objects.values_list("slug", flat=True)))


def streaming(request):
    return StreamingHttpResponse(
        f"{slug};" for name in "12" for slug in Organization.objects.values_list("slug", flat=True).iterator()
    )


def on_commit(request):
    transaction.on_commit(lambda: SEEN.extend(Organization.objects.values_list("slug", flat=True)))
    return HttpResponse()


def breaking(request):
    """Counts a fact, then fails as it is asked to."""
    Organization.objects.update(region="changed")
    match request.GET["how"]:
        case "error":
            raise ZeroDivisionError
        case "no":
            raise PermissionDenied
        case "database":
            Organization.objects.extra(where=["no_such_column"]).exists()
        case "500":
            return HttpResponse(status=500)
    return HttpResponse(status=422)


def narrowing(request):
    """What an API key does: the request goes on for one organization."""
    if pk := request.GET.get("key"):
        tell([int(pk)])
    return forgetful(request)


def signing_in(request):
    """What a sign-in by a connection does: a GET that ends with a person."""
    login(request, User.objects.get(email="hal@harbor.example"), settings_.AUTHENTICATION_BACKENDS[0])
    return forgetful(request)


SEEN: list[str] = []
urlpatterns = [
    *urlpatterns,
    *(
        path(f"tests/{view.__name__}/", login_not_required(view))
        for view in (forgetful, streaming, on_commit, breaking, narrowing, signing_in)
    ),
]


@on_postgresql
def test_streamed_answer_is_told_as_its_request_was(served, hal, settings, as_portal_app):
    settings.ROOT_URLCONF = __name__
    as_portal_app()

    assert b"".join(browser(hal).get("/tests/streaming/")) == b"harbor;harbor;"
    assert b"".join(browser(None).get("/tests/streaming/")) == b""


@on_postgresql
def test_what_a_request_does_on_commit_is_told_as_the_request_was(served, hal, settings, as_portal_app):
    settings.ROOT_URLCONF = __name__
    SEEN.clear()
    as_portal_app()

    browser(hal).get("/tests/on_commit/")

    assert SEEN == ["harbor"]


@on_postgresql
@pytest.mark.parametrize(
    ("how", "status", "stays"),
    [
        ("error", 500, False),
        ("database", 500, False),
        ("500", 500, False),
        ("no", 403, False),
        ("422", 422, True),
    ],
)
def test_request_that_breaks_leaves_nothing_and_says_so(
    how, status, stays, served, hal, settings, as_portal_app
):
    settings.ROOT_URLCONF = __name__
    as_portal_app()

    response = browser(hal, raise_request_exception=False).get(f"/tests/breaking/?how={how}")

    assert response.status_code == status
    assert b"went wrong" in response.content or status != 500 or how == "500"
    with acting_for(EVERYONE):
        assert Organization.objects.filter(region="changed").exists() is stays
        refusals = AuditEntry.objects.filter(action=Action.REFUSED, actor=hal)
        assert refusals.exists() is (how == "no")  # written after the rollback


@on_postgresql
def test_key_narrows_a_request_to_its_organization(served, harbor, ada, settings, as_portal_app):
    settings.ROOT_URLCONF = __name__
    as_portal_app()

    assert browser(None).get(f"/tests/narrowing/?key={harbor.pk}").content == b"harbor"
    assert browser(ada).get(f"/tests/narrowing/?key={harbor.pk}").content == b"harbor"
    assert browser(None).get("/tests/narrowing/").content == b""


@on_postgresql
def test_person_who_signs_in_during_a_request_is_let_in_then(served, settings, as_portal_app):
    settings.ROOT_URLCONF = __name__
    as_portal_app()

    assert browser(None).get("/tests/signing_in/").content == b"harbor"


@on_postgresql
def test_requests_in_turn_on_one_connection_never_leave_anything_to_the_next(
    served, dana, hal, ada, settings, as_portal_app
):
    settings.ROOT_URLCONF = __name__
    as_portal_app()
    clients = [(browser(hal), b"harbor"), (browser(ada), b"Harbor, Orchard"), (browser(None), b"")]
    clients += [(browser(dana), b"orchard"), (browser(None), b"")]

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        first = cursor.fetchone()
    for _ in range(3):
        for client, seen in clients:
            assert client.get("/tests/forgetful/").content.lower() == seen.lower()
            assert told() == ("none", "", "")
            client.get("/tests/breaking/?how=no")
            assert told() == ("none", "", "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() == first


@on_postgresql
def test_lead_sees_what_the_team_manages_and_only_as_long(served, casey, lena, settings, as_portal_app):
    settings.ROOT_URLCONF = __name__
    as_portal_app()

    assert browser(lena).get("/tests/forgetful/").content == b"orchard"
    with acting_for(EVERYONE):
        Membership.objects.filter(user=casey).update(ends_at=datetime.now(UTC))
    assert browser(lena).get("/tests/forgetful/").content == b""


@on_postgresql
def test_membership_that_ended_or_person_who_is_out_sees_nothing(served, hal, frank, settings, as_portal_app):
    settings.ROOT_URLCONF = __name__
    as_portal_app()
    client = browser(hal)

    assert browser(frank).get("/tests/forgetful/").content == b""
    assert client.get("/tests/forgetful/").content == b"harbor"
    User.objects.filter(pk=hal.pk).update(is_active=False)
    assert client.get("/tests/forgetful/").content == b""


@on_postgresql
def test_auditor_reads_everywhere_behind_the_wall(served, otto, settings, as_portal_app):
    settings.ROOT_URLCONF = __name__
    as_portal_app()

    assert browser(otto).get("/tests/forgetful/").content == b"harbor, orchard"


@on_postgresql
def test_visitor_who_only_reads_opens_no_transaction(db, settings, rf, monkeypatch):
    from accounts.isolation import wall

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a transaction was opened")

    monkeypatch.setattr(wall.transaction, "atomic", refuse)

    for address in ("/healthz", "/sign-in/"):
        assert Client().get(address).status_code == 200


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only on SQLite")
def test_page_that_is_read_takes_no_write_lock_of_sqlite(dana, transactional_db, settings):
    settings.ROOT_URLCONF = __name__
    client = browser(dana)
    client.get("/tests/forgetful/")  # the session is in use from here on

    with other_writer():
        assert client.get("/tests/forgetful/").content == b"orchard"


@contextmanager
def other_writer() -> Iterator[None]:
    """Somebody else holds the one write lock of SQLite."""
    import sqlite3

    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            writer.execute("ROLLBACK")


# ---------- what a broken request must not take back ----------


@on_postgresql
def test_try_that_was_counted_stays_counted_when_its_request_breaks(served, dana, monkeypatch, as_portal_app):
    """Somebody who finds a way to break a sign-in must not get a try for nothing."""
    from accounts.signup import Adapter

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Adapter, "_failed", broken)
    as_portal_app()
    for _ in range(5):
        client = Client(raise_request_exception=False)
        response = client.post("/sign-in/", {"login": dana.email, "password": "wrong"})
        assert response.status_code == 500
    monkeypatch.undo()

    response = Client().post("/sign-in/", {"login": dana.email, "password": PASSWORD})

    assert b"pause of 15 minutes" in response.content


# ---------- the night, commands and tasks ----------


def test_every_task_says_for_whom_it_acts():
    from portal import tasks
    from portal.celery import app

    app.autodiscover_tasks(force=True)
    ours = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
    told_ = [name for name, task in ours.items() if not hasattr(task.run, "__wrapped__")]

    assert tasks.night.name in ours
    assert told_ == []  # @acting_for(…) below @shared_task


LEFT_BEHIND = [
    "SELECT external_id, slug, name, seats, first_observed_on FROM accounts_organization ORDER BY 1",
    "SELECT organization_id, plan, starts_at, ends_at, source FROM accounts_planinterval ORDER BY 1, 3",
    "SELECT organization_id, product_id FROM accounts_organization_products ORDER BY 1, 2",
    "SELECT organization_id, user_id, role FROM accounts_membership ORDER BY 1, 2, 3",
    "SELECT organization_id, metric_id, day, value, batch_id FROM scoring_observation ORDER BY 1, 2, 3",
    "SELECT organization_id, metric_id, day, value FROM scoring_correction ORDER BY 1, 2, 3",
    "SELECT line, reason, field, raw FROM scoring_quarantine ORDER BY 1, 2",
    "SELECT organization_id, month, slots, days FROM scoring_metricmonth ORDER BY 1, 2",
    "SELECT organization_id, version_id, day, points, coverage, state, nodes FROM scoring_scoresheet"
    " ORDER BY 1, 2, 3",
    "SELECT day, name, state FROM scoring_nightstep ORDER BY 1, 2",
    "SELECT action, result, target_type, target_id, organization_id FROM accounts_auditentry ORDER BY id",
    "SELECT count FROM accounts_auditseal ORDER BY number",
]


@pytest.fixture
def delivered(tmp_path) -> dict[str, Any]:
    """Files as a customer sends them: organizations, numbers, some of them wrong, and corrections."""
    organizations = ["external_id,name,products,plan,plan_from,seats,csm"]
    numbers, corrections = ["organization,metric,day,value"], ["organization,metric,day,value"]
    for n in range(12):
        organizations.append(
            f"c{n},Customer {n},sales;platform,signature,2024-01-01,{n + 1}00,casey@vendor.example"
        )
        for key, values in believable(YESTERDAY, work_orders=range(100 + n, 120 + n)).items():
            numbers += [f"c{n},{key},{day},{value}" for day, value in values.items()]
        corrections.append(f"c{n},sales.licenses_activated,{YESTERDAY - timedelta(days=1)},{400 + n}")
    numbers += ["nobody,sales.work_orders,2026-01-31,1", "c1,sales.work_orders,soon,1"]
    files = {}
    for name, lines in (("organizations", organizations), ("numbers", numbers), ("corrections", corrections)):
        files[name] = tmp_path / f"{name}.csv"
        files[name].write_text("\n".join(lines) + "\n")
    files["card"] = tmp_path / "card.toml"
    files["card"].write_text(SMALL_CARD)
    return files


@on_postgresql
@pytest.mark.slow
def test_whole_night_ingest_and_import_leave_in_the_runtime_role_what_the_owner_leaves(
    casey, ada, delivered, transactional_db, tmp_path
):
    made = {role: work(role, delivered, tmp_path) for role in ("portal_owner", "portal_app")}

    assert made["portal_app"] == made["portal_owner"]
    assert all(made["portal_app"]["rows"])
    assert "12 created" in made["portal_app"]["said"][1] or '"created": 12' in made["portal_app"]["said"][1]


def work(role: str, files: dict[str, Any], folder) -> dict[str, Any]:
    """What is left when somebody with this role ran every command, each a process of its own."""
    commands = [
        ["publish_scorecard", files["card"]],
        ["import_organizations", files["organizations"]],
        ["import_organizations", files["organizations"]],
        ["ingest", files["numbers"], "--complete", f"{YESTERDAY - timedelta(days=400)}..{YESTERDAY}"],
        ["nightly", "--day", YESTERDAY - timedelta(days=1)],
        ["ingest", files["corrections"], "--correction"],
        ["nightly", "--day", YESTERDAY],
        ["score", "customer-3"],
        ["add_person", "new@orchard.example", "--organization", "customer-3"],
        ["audit_verify"],
    ]
    said = []
    with copy_of_the_database(f"work_{role}", folder) as database:
        for command in commands:
            process = start(
                "manage.py",
                *map(str, command),
                database=database,
                DATABASE_URL=address_of(database, role),
                CAIRN_PASSWORD=PASSWORD,
            )
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0, output
            said.append(re.sub(r"Newest seal.*|\d+(\.\d+)? s\b", "", output))
        with closing(Look(database)) as look:
            return {"said": said, "rows": [look.rows(query) for query in LEFT_BEHIND]}


# ---------- links stay inside one organization ----------


@contextmanager
def linked(*, loose: bool) -> Iterator[tuple[Any, Any]]:
    """Two tables of facts, the second linking to the first, as another module might bring them."""
    with isolate_apps("accounts", attr_name="ours"):

        class Goal(models.Model):
            organization = models.ForeignKey(
                Organization, on_delete=models.CASCADE, null=loose, related_name="+"
            )

            class Meta:
                app_label = "accounts"

            def __str__(self) -> str:
                return "a goal"

        class Step(OrganizationFact):
            organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
            goal = models.ForeignKey(Goal, null=True, on_delete=models.CASCADE)

            class Meta(OrganizationFact.Meta):
                app_label = "accounts"

    with connection.schema_editor() as editor:
        for model in (Goal, Step):
            editor.create_model(model)
    try:
        links.build(among=(Goal, Step))
        yield Goal, Step
    finally:
        links.take_down()
        links.build()
        with connection.schema_editor() as editor:
            for model in (Step, Goal):
                editor.delete_model(model)


@pytest.fixture(params=[False, True], ids=["parents of one organization", "parents that may be everybody's"])
def facts(request, transactional_db, orchard, harbor) -> Iterator[tuple[Any, Any]]:
    with linked(loose=request.param) as models_:
        yield models_


def test_fact_links_to_its_own_organization(facts, orchard):
    goals, steps = facts
    goal = goals.objects.create(organization=orchard)

    step = steps.objects.create(organization=orchard, goal=goal)
    steps.objects.filter(pk=step.pk).update(goal=None)
    steps.objects.filter(pk=step.pk).update(goal=goal)


def test_fact_cannot_link_to_another_organization(facts, orchard, harbor):
    goals, steps = facts
    foreign = goals.objects.create(organization=harbor)
    own = steps.objects.create(organization=orchard)

    with pytest.raises(IntegrityError), transaction.atomic():
        steps.objects.create(organization=orchard, goal=foreign)
    with pytest.raises(IntegrityError), transaction.atomic():
        steps.objects.filter(pk=own.pk).update(goal=foreign)
    own = steps.objects.create(organization=harbor, goal=foreign)
    with pytest.raises(IntegrityError), transaction.atomic():
        steps.objects.filter(pk=own.pk).update(organization=orchard)


def test_everybody_links_to_what_is_nobodys(transactional_db, orchard, harbor):
    with linked(loose=True) as (goals, steps):
        goal = goals.objects.create(organization=None)

        for organization in (orchard, harbor):
            steps.objects.create(organization=organization, goal=goal)


def test_where_a_fact_goes_its_own_facts_go_with_it(transactional_db, orchard, harbor):
    """Two organizations become one: what is moved first takes along what hangs on it."""
    with linked(loose=False) as (goals, steps):
        step = steps.objects.create(organization=orchard, goal=goals.objects.create(organization=orchard))

        goals.objects.update(organization=harbor)

        step.refresh_from_db()
        assert step.organization == harbor


def test_every_link_between_facts_is_guarded(db):
    wanted = {name for link in links.links() for name in links.names(connection, link)}

    assert wanted == set(links.standing(connection))
    assert {(link.table, link.column) for link in links.links()} >= {
        ("scoring_correction", "batch_id"),
        ("scoring_correction", "replaced_by_id"),
    }


def test_correction_of_one_organization_cannot_name_a_delivery_of_another(db, orchard, harbor):
    publish_small_card()
    told_ = dict(organization=orchard, metric=Metric.objects.first(), day=YESTERDAY, value=1)
    for_all, foreign = make_batch(), make_batch(organization=harbor)

    Correction.objects.create(**told_, batch=for_all, replaced_by=for_all)
    with pytest.raises(IntegrityError), transaction.atomic():
        Correction.objects.create(**told_, batch=for_all, replaced_by=foreign)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only on SQLite")
def test_table_that_links_name_can_be_made_anew_by_a_migration(transactional_db):
    """As SQLite does to alter one: it refuses while a trigger of another table speaks of it."""
    emit_pre_migrate_signal(0, interactive=False, db="default")
    with connection.schema_editor() as editor:
        editor._remake_table(Batch)
    emit_post_migrate_signal(0, interactive=False, db="default")

    assert set(links.standing(connection)) == {
        name for link in links.links() for name in links.names(connection, link)
    }


# ---------- a process does not start where the wall could be passed ----------


@pytest.fixture
def production(transactional_db, settings) -> Iterator[None]:
    """In production, as far as the guard asks; it looks no longer afterwards."""
    settings.PRODUCTION = True
    yield
    guard.connection_created.disconnect(dispatch_uid=guard.ONCE)
    connection.close()


@contextmanager
def as_superuser() -> Iterator[Any]:
    """A raw connection of whoever made the cluster, to change roles."""
    import psycopg

    there = connection.get_connection_params()
    with psycopg.connect(
        host=there["host"], dbname=there["dbname"], user="postgres", autocommit=True
    ) as client:
        yield client


@pytest.mark.alone
@on_postgresql
@pytest.mark.parametrize(
    ("change", "back", "said"),
    [
        (
            "ALTER ROLE portal_app BYPASSRLS",
            "ALTER ROLE portal_app NOBYPASSRLS",
            'role "portal_app", which has BYPASSRLS',
        ),
        (
            "ALTER ROLE portal_app SUPERUSER",
            "ALTER ROLE portal_app NOSUPERUSER",
            'role "portal_app", a superuser',
        ),
        (
            "ALTER TABLE scoring_turn OWNER TO portal_app",
            "ALTER TABLE scoring_turn OWNER TO portal_owner",
            'role "portal_app", which owns tables',
        ),
        (
            "REVOKE portal_everyone FROM portal_app",
            "GRANT portal_everyone TO portal_app",
            "may not act as portal_everyone",
        ),
        (
            "ALTER TABLE scoring_scoresheet NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE scoring_scoresheet FORCE ROW LEVEL SECURITY",
            "around the table scoring_scoresheet is down",
        ),
        (
            "ALTER TABLE accounts_organization_products DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE accounts_organization_products ENABLE ROW LEVEL SECURITY",
            "around the table accounts_organization_products is down",
        ),
        (
            "CREATE POLICY also ON scoring_scoresheet USING (true)",
            "DROP POLICY also ON scoring_scoresheet",
            "around the table scoring_scoresheet is down",
        ),
    ],
)
def test_process_refuses_to_serve_where_the_wall_could_be_passed(
    change, back, said, production, as_portal_app
):
    as_portal_app()
    guard.stand()  # all is well

    with as_superuser() as superuser:
        superuser.execute(change)
        try:
            assert [each.msg for each in guard.wall_stands(["default"])] == guard.faults(connection) != []
            with pytest.raises(ImproperlyConfigured, match=said):
                guard.stand()
            for _ in range(2):  # a database that was away at the start: no request gets past, first or second
                with pytest.raises(ImproperlyConfigured, match=said):
                    Organization.objects.exists()
        finally:
            superuser.execute(back)
    assert not Organization.objects.exists()
    assert guard.wall_stands(["default"]) == []


@on_postgresql
def test_process_in_the_owners_role_does_not_start(production):
    with pytest.raises(
        ImproperlyConfigured, match=r"portal_owner.*BYPASSRLS.*owns tables: only `manage\.py migrate`"
    ):
        guard.stand()


@on_postgresql
@pytest.mark.slow
@pytest.mark.parametrize("program", ["web", "worker"])
def test_web_and_worker_do_not_start_in_the_owners_role(program, transactional_db, tmp_path):
    what = {
        "web": ["-c", "import portal.wsgi"],
        "worker": [
            "-m",
            "celery",
            "-A",
            "portal",
            "worker",
            "-P",
            "solo",
            "--without-gossip",
            "--without-mingle",
        ],
    }
    production = {
        "CAIRN_MODE": "production",
        "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP",
        "ALLOWED_HOSTS": "score.example.com",
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "EMAIL_FROM": "score@example.com",
        "VENDOR_NAME": "Lodestone",
    }
    name = connection.settings_dict["NAME"]
    process = start(*what[program], database=name, DATABASE_URL=address_of(name), **production)

    output, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert 'DATABASE_URL names the role "portal_owner", which has BYPASSRLS' in output


@on_postgresql
def test_database_that_is_away_does_not_stop_a_process_from_starting(production, monkeypatch, as_portal_app):
    as_portal_app()
    away = connection.settings_dict["HOST"]
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    guard.stand()

    monkeypatch.setitem(connection.settings_dict, "HOST", away)
    assert not Organization.objects.exists()  # and the wall was looked at


# ---------- PgBouncer, in transaction mode ----------


@pytest.fixture
def pooled(served, dana, hal, ada, as_portal_app, tmp_path) -> Iterator[None]:
    """All connections of this process go through one pooler, which has one connection for all."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("only on machines with PgBouncer")
    with pooler(program, tmp_path) as port:
        as_portal_app()
        direct = connection.settings_dict["HOST"], connection.settings_dict["PORT"]
        connection.settings_dict["HOST"], connection.settings_dict["PORT"] = "127.0.0.1", str(port)
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["HOST"], connection.settings_dict["PORT"] = direct


@contextmanager
def pooler(program: str, folder) -> Iterator[int]:
    """PgBouncer with one connection for everybody; it refuses to be root."""
    port = free_port()
    direct = connection.get_connection_params()
    users = folder / "users.txt"
    users.write_text('"portal_app" ""\n')
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n{direct['dbname']} = host={direct['host']}\n[pgbouncer]\nlisten_addr=127.0.0.1\n"
        f"listen_port={port}\nunix_socket_dir=\nauth_type=trust\nauth_file={users}\npool_mode=transaction\n"
        "default_pool_size=1\nlogfile=\nignore_startup_parameters=extra_float_digits,options\n"
    )
    options: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for each in (folder, *folder.parents):
            if each.parent.is_relative_to(tempfile.gettempdir()):
                each.chmod(0o711)
    server = subprocess.Popen(
        [program, config],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )
    try:
        wait_for(server, lambda: answers(port), 15)
        yield port
    finally:
        server.terminate()
        server.wait(15)


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only on PostgreSQL")
def test_wall_holds_behind_a_pooler_in_transaction_mode(pooled, dana, hal, ada, settings):
    settings.ROOT_URLCONF = __name__
    clients = [(browser(hal), b"harbor"), (browser(ada), b"harbor, orchard"), (browser(None), b"")]
    clients += [(browser(dana), b"orchard")]

    for _ in range(3):
        for client, seen in clients:
            assert sorted(client.get("/tests/forgetful/").content.split(b", ")) == sorted(seen.split(b", "))
            connection.close()  # the pooler keeps its one connection to the server
            assert told() == ("none", "", "")
            assert not Organization.objects.exists()
    assert b"".join(clients[0][0].get("/tests/streaming/")) == b"harbor;harbor;"


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only on PostgreSQL")
def test_night_runs_behind_a_pooler_in_transaction_mode(pooled):
    with acting_for(EVERYONE):
        nightly.run_night(YESTERDAY - timedelta(days=1))

        assert ScoreSheet.objects.filter(day=YESTERDAY - timedelta(days=1)).count() == 2
    assert not ScoreSheet.objects.exists()
