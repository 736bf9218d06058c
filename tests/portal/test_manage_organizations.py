"""The administrator's pages of organizations: list, create, edit, plans, hand-over, merge, bulk, files."""

import gzip
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import (
    Action,
    AuditEntry,
    Membership,
    Organization,
    Plan,
    PlanInterval,
    Role,
    Upload,
    User,
)
from tests.factories import LONG_AGO, make_membership, make_organization, make_plan, make_user
from tests.portal.scored import score, text_of

LIST = "/manage/organizations/"
ORCHARD = f"{LIST}orchard/"
HEADER = "external_id,name,plan,plan_from\n"


@pytest.fixture
def admin(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def names(response) -> list[str]:
    return re.findall(r'class="rowlink" href="[^"]+">([^<]+)<', response.content.decode())


def facts(**changes: object) -> dict[str, object]:
    return {
        "name": "Orchard",
        "external_id": "orchard",
        "industry": "",
        "region": "",
        "seats": "",
        "scorecard": "customer-success",
        "parent": "",
        "products": ["sales", "platform"],
    } | changes


def tomorrow() -> datetime:
    day = timezone.now().astimezone(UTC).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


# ---------- the list ----------


def test_list_shows_plan_manager_contacts_and_score(admin, orchard, dana, vera, frank, casey):
    score(orchard)

    page = text_of(admin.get(LIST))

    assert "Orchard orchard Signature Casey 2 " in page  # Dana and Vera; Frank is gone
    assert re.search(r"(Healthy|Watch|Act now) \d+ ", page)


@pytest.mark.parametrize(
    "query", ["orch", "ORCHARD", "orchard.example", "@orchard.example", "dana@orchard.example"]
)
def test_organization_is_found_by_name_id_and_domain(query, admin, orchard, harbor, dana, hal):
    assert names(admin.get(LIST, {"q": query})) == ["Orchard"]


def test_search_that_finds_nothing_says_what_to_do(admin, orchard):
    page = text_of(admin.get(LIST, {"q": "nobody"}))

    assert "No org matches" in page
    assert "show all" in page


@pytest.mark.parametrize(
    ("show", "found"),
    [
        ("", ["Bare", "Fine", "Leaving", "Premier one", "Renewed"]),
        ("premier", ["Premier one"]),
        ("none", ["Bare"]),
        ("attention", ["Bare", "Leaving", "Premier one"]),
    ],
)
def test_chips_filter_and_count(show, found, admin, db):
    soon, person = timezone.now() + timedelta(days=10), make_user("all@customer.example")
    manager = make_user("m@vendor.example", is_staff=True)
    made = {name: make_organization(name) for name in ("Bare", "Fine", "Leaving", "Premier one", "Renewed")}
    for name, organization in made.items():
        if name != "Bare":
            make_membership(person, organization)
        if name != "Premier one":
            make_membership(manager, organization, Role.CSM)
    make_plan(made["Fine"])
    make_plan(made["Leaving"], ends_at=soon)
    make_plan(made["Premier one"], Plan.PREMIER)
    make_plan(made["Renewed"], ends_at=soon)
    make_plan(made["Renewed"], starts_at=soon)

    response = admin.get(LIST, {"show": show})

    assert names(response) == found
    counts = dict(
        re.findall(r'class="chip"[^>]*>([^<]+) <span class="count">(\d+)<', response.content.decode())
    )
    assert counts == {
        "All": "5",
        "Signature": "3",
        "Premier": "1",
        "Standard": "0",
        "No plan": "1",
        "Needs attention": "3",
    }


def test_contact_who_was_made_inactive_is_no_contact(admin, orchard, dana, casey):
    assert names(admin.get(LIST, {"show": "attention"})) == []
    User.objects.filter(pk=dana.pk).update(is_active=False)

    assert names(admin.get(LIST, {"show": "attention"})) == ["Orchard"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ({}, ["Harbor", "Meadow", "Orchard"]),
        ({"sort": "name", "down": "1"}, ["Orchard", "Meadow", "Harbor"]),
        ({"sort": "plan"}, ["Meadow", "Harbor", "Orchard"]),
        ({"sort": "csm"}, ["Orchard", "Harbor", "Meadow"]),
        ({"sort": "contacts", "down": "1"}, ["Orchard", "Harbor", "Meadow"]),
        ({"sort": "score", "down": "1"}, ["Orchard", "Harbor", "Meadow"]),
        ({"sort": "score"}, ["Orchard", "Harbor", "Meadow"]),  # without a score is last either way
    ],
)
def test_list_is_sorted_by_any_column(
    sort, order, admin, orchard, harbor, meadow, dana, vera, hal, casey, cole
):
    score(orchard)

    assert names(admin.get(LIST, sort)) == order


@pytest.mark.parametrize(
    ("query", "named"), [("?show=gold", "gold"), ("?sort=wealth", "wealth"), ("?colour=red", "colour")]
)
def test_filter_that_is_not_known_is_named_and_shows_nobody(query, named, admin, orchard):
    response = admin.get(f"{LIST}{query}")

    assert response.status_code == 422
    assert names(response) == []
    assert f"“{named}”" in text_of(response)


@pytest.mark.parametrize(
    "query", ["", "?sort=score&down=1", "?q=customer.example&sort=contacts", "?show=attention"]
)
def test_list_asks_as_often_for_sixty_as_for_three(query, admin, orchard, ada):
    score(orchard)

    def fill(first: int, last: int) -> None:
        made = Organization.objects.bulk_create(
            Organization(name=f"Org {n:03}", slug=f"org-{n}", external_id=f"X-{n}")
            for n in range(first, last)
        )
        people = [make_user(f"p{n}@customer.example") for n in range(first, last)]
        PlanInterval.objects.bulk_create(
            PlanInterval(organization=each, plan="signature", starts_at=LONG_AGO) for each in made
        )
        Membership.objects.bulk_create(
            Membership(organization=each, user=who, role=role, starts_at=LONG_AGO)
            for each, who in zip(made, people, strict=True)
            for role in (Role.VIEWER, Role.CSM)
        )

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert admin.get(f"{LIST}{query}").status_code == 200
        return len(queries)

    fill(0, 3)
    asked()
    few = asked()
    fill(3, 60)

    assert asked() == few


def test_closed_page_is_kept_by_no_cache(admin, orchard):
    for address in (LIST, f"{LIST}export/", ORCHARD):
        assert "no-store" in admin.get(address)["Cache-Control"]


# ---------- create and edit ----------


def test_new_organization_is_there_and_written_down(admin, ada, orchard):
    response = admin.post(f"{LIST}new/", facts(name="Quay", external_id="Q-1", parent="orchard", seats="5"))

    assert response["Location"] == f"{LIST}quay/"
    quay = Organization.objects.get(slug="quay")
    assert (quay.external_id, quay.parent.name, quay.seats) == ("Q-1", "Orchard", 5)
    assert sorted(quay.products.values_list("key", flat=True)) == ["platform", "sales"]
    entry = AuditEntry.objects.get(action=Action.ORGANIZATION_CREATED)
    assert (entry.actor, entry.hat, entry.organization) == (ada, "admin", quay)


EXTRA = {
    "id": "999",
    "pk": "999",
    "slug": "stolen",
    "created_at": "2000-01-01",
    "closed_at": "2000-01-01",
    "merged_into": "1",
    "opened": "1",
    "first_observed_on": "2000-01-01",
    "is_staff": "1",
    "is_admin": "1",
    "role": "contact",
    "score": "100",
    "organization": "harbor",
}


@pytest.mark.any_database
@pytest.mark.parametrize("key", EXTRA)
@pytest.mark.parametrize(
    "address", ["orchard/", "new/", "orchard/plan/", "orchard/people/", "orchard/merge/"]
)
def test_key_that_is_no_field_is_refused_and_never_stored(key, address, admin, orchard, harbor, casey, ada):
    valid = {
        "orchard/": facts(name="Other"),
        "new/": facts(name="Other", external_id="O-1"),
        "orchard/plan/": {"plan": "premier", "starts_on": f"{tomorrow():%Y-%m-%d}", "ends_other": "on"},
        "orchard/people/": {"role": "csm", "to": "ada@vendor.example", "on": f"{tomorrow():%Y-%m-%d}"},
        "orchard/merge/": {"other": "harbor", "name": "Harbor", "seen": "x"},
    }[address]
    if key in valid:
        return  # a field of this one
    tables = (Organization, PlanInterval, Membership, User)
    before = [list(table.objects.order_by("pk").exclude(pk=None).values()) for table in tables]

    response = admin.post(f"{LIST}{address}", valid | {key: EXTRA[key]})

    assert response.status_code == 422
    assert f"“{key}” is not a field of this form." in text_of(response)
    after = [list(table.objects.order_by("pk").exclude(pk=None).values()) for table in tables]
    for rows in (*before, *after):
        for row in rows:
            row.pop("last_login", None)
    assert after == before


def test_rename_keeps_the_address(admin, orchard):
    response = admin.post(ORCHARD, facts(name="Orchard Foods"))

    assert response["Location"] == ORCHARD
    assert names(admin.get(LIST)) == ["Orchard Foods"]
    assert admin.get("/o/orchard/plan/").status_code == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "Enter its name."),
        ({"external_id": "harbor"}, "'harbor' is Harbor already."),
        ({"seats": "many"}, "Enter a whole number of seats."),
        ({"scorecard": "gold"}, "“gold” is not in the list."),
        ({"products": ["rockets"]}, "“rockets” is not in the list."),
        ({"parent": "nowhere"}, "No organization has the external id or name 'nowhere'."),
    ],
)
def test_what_cannot_be_is_named_at_its_field(changes, said, admin, orchard, harbor):
    response = admin.post(ORCHARD, facts(name="Other") | changes)

    assert response.status_code == 422
    assert said in text_of(response)
    assert Organization.objects.get(slug="orchard").name == "Orchard"


def test_saving_keeps_a_scorecard_that_is_not_published(admin, orchard):
    Organization.objects.filter(pk=orchard.pk).update(scorecard="own-card")

    admin.post(ORCHARD, facts(name="Other", scorecard="own-card"))

    orchard.refresh_from_db()
    assert (orchard.name, orchard.scorecard) == ("Other", "own-card")


# ---------- plans and people ----------


def test_plan_is_added_changed_and_withdrawn(admin, orchard):
    day = tomorrow()
    admin.post(f"{ORCHARD}plan/", {"plan": "premier", "starts_on": f"{day:%Y-%m-%d}", "ends_other": "on"})
    signature, premier = orchard.plan_intervals.order_by("starts_at")
    assert (signature.ends_at, premier.starts_at, premier.plan) == (day, day, "premier")

    page = text_of(admin.get(ORCHARD))
    assert "Premier To come" in page
    assert "Signature In force" in page

    standing = premier.starts_at.isoformat()
    later = day + timedelta(days=30)
    form = {
        "plan": "standard",
        "starts_on": f"{day:%Y-%m-%d}",
        "ends_on": f"{later:%Y-%m-%d}",
        "standing": standing,
    }
    assert admin.post(f"{ORCHARD}plan/", form).status_code == 302
    premier.refresh_from_db()
    assert (premier.plan, premier.ends_at) == ("standard", later)

    admin.post(f"{ORCHARD}plan/withdraw/", {"standing": standing})
    assert orchard.plan_intervals.count() == 1


def test_overlap_is_refused_at_the_plan_naming_both(admin, orchard):
    response = admin.post(f"{ORCHARD}plan/", {"plan": "premier", "starts_on": "2026-12-01"})

    assert response.status_code == 422
    said = text_of(response)
    assert "Premier from 2026-12-01 without end overlaps Signature from 2020-01-01 without end." in said
    assert orchard.plan_intervals.count() == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"plan": "gold", "starts_on": "2026-12-01"}, "“gold” is not in the list."),
        ({"plan": "premier", "starts_on": "soon"}, "“soon” is not a day"),
        ({"plan": "premier", "starts_on": "2026-12-01", "ends_on": "2026-12-01"}, "is not after"),
    ],
)
def test_plan_that_cannot_be_is_named(form, said, admin, orchard):
    response = admin.post(f"{ORCHARD}plan/", form)

    assert response.status_code == 422
    assert said in text_of(response)


def test_saving_a_plan_does_not_move_its_odd_moment(admin, orchard):
    odd = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
    PlanInterval.objects.filter(organization=orchard).update(starts_at=odd)

    form = {"plan": "premier", "starts_on": "2026-01-01", "standing": odd.isoformat()}
    admin.post(f"{ORCHARD}plan/", form)

    interval = orchard.plan_intervals.get()
    assert (interval.plan, interval.starts_at) == ("premier", odd)


def test_hand_over_of_today_is_at_once(admin, orchard, casey, cole):
    form = {"role": "csm", "to": cole.email, "on": f"{timezone.now().astimezone(UTC):%Y-%m-%d}"}
    admin.post(f"{ORCHARD}people/", form)

    old, new = Client(), Client()
    old.force_login(casey)
    new.force_login(cole)
    assert old.get("/o/orchard/plan/").status_code == 404
    assert new.get("/o/orchard/plan/").status_code == 200


def test_hand_over_of_tomorrow_changes_nothing_today(admin, orchard, casey, cole):
    form = {"role": "csm", "to": cole.email, "on": f"{tomorrow():%Y-%m-%d}"}
    admin.post(f"{ORCHARD}people/", form)

    old, new = Client(), Client()
    old.force_login(casey)
    new.force_login(cole)
    assert old.get("/o/orchard/plan/").status_code == 200
    assert new.get("/o/orchard/plan/").status_code == 404
    assert "Cole from" in text_of(admin.get(LIST))
    assert orchard.memberships.get(user=cole).starts_at == tomorrow()


def test_customer_cannot_be_made_manager_by_a_forged_form(admin, orchard, dana, casey):
    form = {"role": "guide", "to": dana.email, "on": f"{tomorrow():%Y-%m-%d}"}
    response = admin.post(f"{ORCHARD}people/", form)

    assert response.status_code == 422
    assert f"“{dana.email}” is not in the list." in text_of(response)
    assert not User.objects.get(pk=dana.pk).is_staff


@pytest.mark.parametrize(("to", "left"), [("", ["casey@vendor.example"]), ("nobody", [])])
def test_only_who_says_nobody_leaves_an_organization_without_a_manager(to, left, admin, orchard, casey):
    day = f"{timezone.now().astimezone(UTC):%Y-%m-%d}"
    admin.post(f"{ORCHARD}people/", {"role": "csm", "to": to, "on": day})

    holding = orchard.memberships.filter(role=Role.CSM, ends_at=None)
    assert list(holding.values_list("user__email", flat=True)) == left


# ---------- merge ----------


def test_merge_is_shown_then_done_by_typing_the_name(admin, orchard, harbor, hal):
    shown = admin.get(f"{ORCHARD}merge/", {"other": "harbor"})
    assert "Hal, designated contact" in text_of(shown)
    seen = re.search(r'name="seen" value="(\w+)"', shown.content.decode())[1]

    wrong = admin.post(f"{ORCHARD}merge/", {"other": "harbor", "seen": seen, "name": "harbour"})
    assert wrong.status_code == 422
    assert Organization.objects.filter(slug="harbor").exists()
    done = admin.post(f"{ORCHARD}merge/", {"other": "harbor", "seen": seen, "name": "Harbor"})

    assert done["Location"] == ORCHARD
    page = text_of(admin.get(ORCHARD))
    assert "Harbor (harbor)" in page
    log = admin.get("/audit/", {"organization": "harbor"})
    assert "Merged harbor into orchard" in text_of(log)
    assert b"/o/harbor/" not in log.content  # it leads nowhere now


@pytest.mark.parametrize(
    "address", ["/o/harbor/", "/o/harbor/plan/", "/o/harbor/activity/", "/manage/organizations/harbor/"]
)
def test_old_links_are_404_for_contact_and_administrator_alike(address, admin, orchard, harbor, hal, ada):
    from accounts.organizations import merging

    seen = merging.preview(orchard, harbor).digest
    merging.merge(orchard, harbor, by=ada, name="Harbor", seen=seen)
    contact = Client()
    contact.force_login(hal)

    assert contact.get(address).status_code == admin.get(address).status_code == 404
    assert names(admin.get(LIST)) == ["Orchard"]


def test_get_never_merges(admin, orchard, harbor):
    query = {"other": "harbor", "name": "Harbor", "seen": "x"}
    admin.get(f"{ORCHARD}merge/", query)

    assert Organization.objects.count() == 2


# ---------- many at once ----------


def test_many_are_shown_what_would_happen_before_it_does(admin, orchard, harbor, meadow, casey, cole):
    chosen = admin.get(f"{LIST}bulk/", {"act": "csm", "o": ["orchard", "harbor", "meadow"]})
    assert "For 3 orgs" in text_of(chosen)
    form = {
        "act": "csm",
        "organizations": "harbor meadow orchard",
        "to": cole.email,
        "on": f"{tomorrow():%Y-%m-%d}",
        "step": "try",
    }

    tried = admin.post(f"{LIST}bulk/", form)
    assert "2 would change, 1 would be refused" in text_of(tried)
    assert "Cole is customer success manager already" in text_of(tried)
    assert not AuditEntry.objects.filter(action=Action.ASSIGNED).exists()

    done = admin.post(f"{LIST}bulk/", form | {"step": "do"})
    assert "2 changed, 1 refused" in text_of(done)
    assert set(cole.memberships.values_list("organization__slug", flat=True)) == {
        "orchard",
        "harbor",
        "meadow",
    }


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"act": "csm"}, "No organization is ticked."),
        ({"act": "csm", "o": "nowhere"}, "No organization has the slug “nowhere”."),
        ({"act": "delete", "o": "orchard"}, "“delete” is not in the list."),
        ({"o": "orchard"}, "Choose what to do."),
    ],
)
def test_choice_that_cannot_be_is_named(query, said, admin, orchard):
    response = admin.get(f"{LIST}bulk/", query)

    assert response.status_code == 422
    assert said in text_of(response)


def test_forged_slug_stops_the_whole_lot(admin, orchard):
    form = {"act": "scorecard", "organizations": "orchard nowhere", "scorecard": "x", "step": "do"}
    response = admin.post(f"{LIST}bulk/", form)

    assert response.status_code == 422
    assert "“nowhere”" in text_of(response)


def test_all_that_match_are_taken_from_every_page(admin, orchard, harbor, meadow):
    page = text_of(admin.get(f"{LIST}bulk/", {"act": "end", "all": "1", "show": "signature"}))

    assert "For 2 orgs" in page


def test_more_than_can_be_done_at_once_are_refused(admin, orchard, harbor, monkeypatch):
    monkeypatch.setattr("accounts.organizations.bulk.MOST", 1)

    response = admin.get(f"{LIST}bulk/", {"act": "end", "all": "1"})

    assert response.status_code == 422
    assert "too many at once" in text_of(response)


def test_plan_of_many_from_a_day_and_scorecard_and_end(admin, orchard, harbor):
    day = tomorrow()
    both = {"organizations": "orchard harbor", "step": "do"}
    admin.post(f"{LIST}bulk/", both | {"act": "plan", "plan": "premier", "starts_on": f"{day:%Y-%m-%d}"})
    assert {each.ends_at for each in PlanInterval.objects.filter(plan="signature")} == {day}
    later = day + timedelta(days=9)
    admin.post(f"{LIST}bulk/", both | {"act": "end", "ends_on": f"{later:%Y-%m-%d}"})
    assert {each.ends_at for each in PlanInterval.objects.filter(plan="premier")} == {later}
    score(orchard)
    Organization.objects.filter(slug="harbor").update(scorecard="other")
    done = admin.post(f"{LIST}bulk/", both | {"act": "scorecard", "scorecard": "customer-success"})
    assert "1 changed, 1 refused" in text_of(done)


# ---------- files ----------


def send(admin: Client, content: bytes | str, name: str = "customers.csv"):
    body = content.encode() if isinstance(content, str) else content
    return admin.post(f"{LIST}import/", {"file": SimpleUploadedFile(name, body)})


def test_file_is_tried_shown_and_taken_on_a_word(admin, orchard, ada):
    sent = send(admin, HEADER + "Q-1,Quay,signature,2026-01-01\nQ-2,,,\n")
    assert not Organization.objects.filter(external_id="Q-1").exists()
    assert not AuditEntry.objects.filter(action=Action.ORGANIZATIONS_IMPORTED).exists()
    tried = text_of(admin.get(sent["Location"]))
    assert "Nothing is in yet" in tried
    assert "New 1 Changed 0 Unchanged 0 Refused 1" in tried
    assert "3 name is missing; a new organization needs one" in tried

    admin.post(sent["Location"])

    done = text_of(admin.get(sent["Location"]))
    assert "Taken in" in done
    quay = Organization.objects.get(external_id="Q-1")
    assert quay.plan_intervals.get().source == "customers.csv"
    entry = AuditEntry.objects.get(action=Action.ORGANIZATIONS_IMPORTED)
    assert (entry.actor, entry.hat, entry.target_id) == (ada, "admin", "customers.csv")
    assert bytes(Upload.objects.get().content) == b""


def test_file_goes_in_once(admin, orchard):
    sent = send(admin, HEADER + "Q-1,Quay,,\n")
    admin.post(sent["Location"])
    Organization.objects.filter(external_id="Q-1").update(name="Renamed")

    again = admin.post(sent["Location"], follow=True)

    assert "is in already" in text_of(again)
    assert Organization.objects.get(external_id="Q-1").name == "Renamed"


def test_file_of_one_administrator_is_not_there_for_another(admin, orchard):
    sent = send(admin, HEADER + "Q-1,Quay,,\n")
    other = Client()
    other.force_login(make_user("bea@vendor.example", is_staff=True, is_admin=True))

    assert other.get(sent["Location"]).status_code == other.post(sent["Location"]).status_code == 404


def test_file_waits_a_day_and_no_longer(admin, orchard):
    sent = send(admin, HEADER + "Q-1,Quay,,\n")
    Upload.objects.update(sent_at=timezone.now() - timedelta(days=2))
    send(admin, HEADER + "Q-2,Pier,,\n")

    assert admin.get(sent["Location"]).status_code == 404


BOMB = gzip.compress(b"external_id,name\n" + b"x" * 72_000_000)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"PK\x03\x04" + b"x" * 100, "zip archive or a workbook"),
        (b"\xff\xfe" + b"x" * 100, "UTF-16"),
        (b"id;name\n1;Quay\n", "no column 'external_id'"),
        (b"external_id,name,is_admin\nQ-1,Quay,1\n", "'is_admin' that is not known"),
        (b"<svg onload=alert(1)>", "no column"),
        (b"external_id,name\n" + b"x" * (5 * 1024 * 1024), "larger than 5 MiB"),
        (b"external_id,name\n" + b"Q-1,Quay\n" * 20_001, "more than 20,000 lines"),
        (BOMB, "too large, unpacked"),
    ],
    ids=["empty", "zip", "utf-16", "other", "unknown column", "svg", "large", "long", "bomb"],
)
def test_file_that_cannot_be_used_is_refused_at_once_and_not_kept(content, said, admin, orchard):
    began = time.monotonic()
    response = send(admin, content)

    assert response.status_code == 422
    assert said in text_of(response)
    assert Upload.objects.count() == 0
    assert time.monotonic() - began < 5  # a bound on runaways; on a free machine it is under one


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "...", "a\\b\\c.csv", "x" * 300 + ".csv", "名" * 200, "=cmd.csv"]
)
def test_name_of_a_file_is_only_a_name(name, admin, orchard):
    sent = send(admin, HEADER + "Q-1,Quay,,\n", name)

    assert sent.status_code == 302
    kept = Upload.objects.get().name
    assert "/" not in kept
    assert "\\" not in kept
    assert 0 < len(kept) <= 60


def test_export_is_what_the_filter_finds_and_is_written_down(admin, ada, orchard, harbor, meadow):
    response = admin.get(f"{LIST}export/", {"show": "premier"})

    lines = response.content.decode().splitlines()
    assert lines[0].startswith("external_id,name,plan,plan_from,plan_to")
    assert [line.split(",")[0] for line in lines[1:]] == ["meadow"]
    assert "attachment" in response["Content-Disposition"]
    entry = AuditEntry.objects.get(action=Action.ORGANIZATIONS_EXPORTED)
    assert (entry.actor, entry.after) == (ada, {"lines": 1})


def test_exported_file_sent_back_changes_nothing(admin, orchard, harbor, meadow, casey):
    Organization.objects.filter(slug="harbor").update(name="=1+1")
    text = admin.get(f"{LIST}export/").content

    sent = send(admin, text)

    assert "New 0 Changed 0 Unchanged 3 Refused 0" in text_of(admin.get(sent["Location"]))


# ---------- what the customer reads of it ----------


def test_contact_reads_that_facts_changed_but_not_which_values(admin, orchard, dana):
    admin.post(ORCHARD, facts(scorecard="customer-success", industry="Secret segment", seats="4711"))
    contact = Client()
    contact.force_login(dana)

    page = text_of(contact.get("/o/orchard/activity/"))

    assert "Changed industry, seats" in page
    assert "Secret segment" not in page
    assert "4711" not in page
    assert "industry: nothing → Secret segment" in text_of(admin.get("/o/orchard/activity/"))
