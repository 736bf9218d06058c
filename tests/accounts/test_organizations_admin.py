"""Running organizations: created, renamed, put on plans, handed over, merged; names that are given once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone

from accounts import organizations
from accounts.access import Capability, open_organization, portfolio, roles_in, visible_organizations
from accounts.contacts import ours
from accounts.intake import export_organizations, import_organizations
from accounts.models import (
    Action,
    AuditEntry,
    Membership,
    Organization,
    Plan,
    PlanInterval,
    RetiredSlug,
    Role,
    User,
)
from accounts.organizations import Newcomer, OrganizationRefused, PlanOverlap, bulk, merging, plans
from accounts.rows.cells import bare, safe
from scoring.models import Observation, ScoreSheet
from tests.factories import make_membership, make_organization, make_plan, make_user

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
THEN = datetime(2026, 12, 1, tzinfo=UTC)  # when the next one takes over
INSTANT = timedelta(microseconds=1)


def said(action: Action) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("pk"))


def facts_of(organization: Organization, **changes: object) -> dict[str, object]:
    known = {
        name: getattr(organization, name)
        for name in ("name", "external_id", "industry", "region", "seats", "scorecard")
    }
    return known | {"products": ["sales", "platform"]} | changes


# ---------- the instant of a hand-over ----------


@pytest.fixture
def handed(orchard: Organization, casey: User, cole: User, ada: User) -> Organization:
    """Orchard, which Casey hands over to Cole on 1 December."""
    organizations.hand_over(orchard, Role.CSM, cole, by=ada, at=THEN, now=NOW)
    return orchard


def test_rights_begin_and_end_at_the_instant_of_the_hand_over(handed, casey, cole):
    before, then = THEN - INSTANT, THEN

    assert open_organization(casey, "orchard", to=Capability.SEE_SCORE, at=before) == handed
    assert open_organization(cole, "orchard", to=Capability.SEE_SCORE, at=then) == handed
    for who, at in ((cole, before), (casey, then)):
        with pytest.raises(Http404):
            open_organization(who, "orchard", at=at)
        assert handed not in visible_organizations(who, at=at)
        assert handed not in portfolio(who, at=at)
        assert roles_in(who, handed, at=at) == frozenset()


def test_lead_of_the_next_manager_waits_for_the_same_instant(handed, cole):
    from accounts.models import Team

    cole.team = Team.objects.create(name="South")
    cole.save()
    lead = make_user("lou@vendor.example", is_staff=True, is_lead=True, team=cole.team)

    assert handed not in visible_organizations(lead, at=THEN - INSTANT)
    assert handed in visible_organizations(lead, at=THEN)


def test_customer_is_told_of_the_manager_of_that_instant(handed, casey, cole):
    assert [row.user for row in ours(handed, at=THEN - INSTANT)] == [casey]
    assert [row.user for row in ours(handed, at=THEN)] == [cole]


def test_membership_made_today_holds_at_once(orchard):
    user = make_user("new@orchard.example")
    Membership.objects.create(user=user, organization=orchard, role=Role.VIEWER)

    assert open_organization(user, "orchard") == orchard


def test_hand_over_is_written_down_for_both(handed, casey, cole, ada):
    (ended,), (assigned,) = said(Action.ACCESS_ENDED), said(Action.ASSIGNED)

    assert (ended.target_id, ended.actor, ended.hat) == (str(casey.pk), ada, "admin")
    assert (ended.before["until"], ended.after["until"]) == ("", "2026-12-01 00:00 UTC")
    assert assigned.target_id == str(cole.pk)
    assert assigned.after == {"role": "csm", "from": "2026-12-01 00:00 UTC", "until": ""}


def test_hand_over_can_be_taken_back_before_it_comes(handed, casey, cole, ada):
    organizations.hand_over(handed, Role.CSM, casey, by=ada, at=THEN, now=NOW)

    assert [row.user for row in ours(handed, at=THEN)] == [casey]
    assert not handed.memberships.filter(user=cole).exists()


def test_manager_who_comes_back_has_no_rights_in_between(orchard, casey, cole, ada):
    organizations.hand_over(orchard, Role.CSM, cole, by=ada, at=NOW, now=NOW)
    organizations.hand_over(orchard, Role.CSM, casey, by=ada, at=THEN, now=NOW + timedelta(hours=1))

    assert roles_in(casey, orchard, at=NOW + timedelta(hours=2)) == frozenset()
    assert roles_in(casey, orchard, at=THEN) == {"csm"}


def test_organization_can_be_left_without_a_manager(orchard, casey, ada):
    organizations.hand_over(orchard, Role.CSM, None, by=ada, at=NOW, now=NOW)

    assert ours(orchard, at=NOW) == []


@pytest.mark.parametrize(
    ("who", "at", "field"),
    [
        ("dana", THEN, "to"),  # a customer
        ("casey", THEN, "to"),  # holds it already
        ("cole", NOW - timedelta(days=1), "at"),  # the past is not changed
    ],
)
def test_hand_over_that_cannot_be_is_refused_and_changes_nothing(
    who, at, field, orchard, casey, ada, request
):
    before = list(orchard.memberships.values_list("user", "starts_at", "ends_at"))
    to = request.getfixturevalue(who)

    with pytest.raises(OrganizationRefused) as refused:
        organizations.hand_over(orchard, Role.CSM, to, by=ada, at=at, now=NOW)

    assert refused.value.field == field
    kept = orchard.memberships.exclude(role=Role.CONTACT).values_list("user", "starts_at", "ends_at")
    assert list(kept) == before
    assert said(Action.ASSIGNED) == []


def test_person_who_left_cannot_be_made_manager(orchard, cole, ada):
    User.objects.filter(pk=cole.pk).update(is_active=False)
    cole.refresh_from_db()

    with pytest.raises(OrganizationRefused, match="does not work here"):
        organizations.hand_over(orchard, Role.CSM, cole, by=ada, at=NOW, now=NOW)


# ---------- create and edit ----------


def test_rename_keeps_slug_ids_and_links(orchard, dana, ada):
    pk = orchard.pk

    organizations.edit(orchard, by=ada, **facts_of(orchard, name="Orchard Foods"))

    known = Organization.objects.get(pk=pk)
    assert (known.name, known.slug, known.external_id) == ("Orchard Foods", "orchard", "orchard")
    assert open_organization(dana, "orchard") == known
    (entry,) = said(Action.ORGANIZATION_CHANGED)
    assert entry.before == {"organization": "Orchard"}
    assert entry.after == {"organization": "Orchard Foods"}


def test_edit_that_changes_nothing_leaves_no_line(orchard, ada):
    assert organizations.edit(orchard, by=ada, **facts_of(orchard)) is False
    assert said(Action.ORGANIZATION_CHANGED) == []


def test_products_are_written_down_as_they_were_and_are(orchard, ada):
    organizations.edit(orchard, by=ada, **facts_of(orchard, products=["sales"]))

    (entry,) = said(Action.ORGANIZATION_CHANGED)
    assert (entry.before, entry.after) == ({"products": "platform, sales"}, {"products": "sales"})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Orch\x00ard"}, "name"),
        ({"external_id": "harbor"}, "external_id"),
        ({"external_id": "x" * 121}, "external_id"),
        ({"scorecard": "no such thing"}, "scorecard"),
        ({"seats": 0}, "seats"),
        ({"parent": "nowhere"}, "parent"),
        ({"parent": "orchard"}, "parent"),
        ({"products": ["rockets"]}, "products"),
    ],
)
def test_edit_that_cannot_be_names_the_field_and_changes_nothing(changes, field, orchard, harbor, ada):
    before = Organization.objects.filter(pk=orchard.pk).values().get()

    with pytest.raises(OrganizationRefused) as refused:
        organizations.edit(orchard, by=ada, **facts_of(orchard, **({"name": "Other"} | changes)))

    assert refused.value.field == field
    assert Organization.objects.filter(pk=orchard.pk).values().get() == before
    assert said(Action.ORGANIZATION_CHANGED) == []


def test_nobody_stands_below_themselves(orchard, harbor, meadow, ada):
    organizations.edit(harbor, by=ada, **facts_of(harbor, parent="orchard"))
    organizations.edit(meadow, by=ada, **facts_of(meadow, parent="harbor"))

    with pytest.raises(OrganizationRefused, match="stands below Orchard"):
        organizations.edit(orchard, by=ada, **facts_of(orchard, parent="meadow"))


def test_new_organization_never_takes_the_address_of_a_page(ada, db):
    made = organizations.create(by=ada, external_id="C-1", name="New", scorecard="customer-success")

    assert made.slug == "new-2"


# ---------- plans ----------


def test_plans_meet_without_overlapping_and_each_instant_has_one(orchard, ada):
    organizations.move_to_plan(orchard, Plan.PREMIER, THEN, by=ada)

    assert plans.over_time(orchard, now=THEN - INSTANT)[1][1] == "In force"
    assert [(each.plan, word) for each, word in plans.over_time(orchard, now=THEN)] == [
        ("premier", "In force"),
        ("signature", "Past"),
    ]


def test_second_plan_at_the_same_time_is_refused_naming_both(orchard, ada):
    wanted = plans.drafted("premier", THEN, None, source="")

    with pytest.raises(PlanOverlap) as refused:
        organizations.add_plan(orchard, wanted, by=ada)

    assert "Premier from 2026-12-01" in str(refused.value)
    assert "Signature from 2020-01-01" in str(refused.value)


def test_plan_that_begins_with_another_does_not_replace_it_without_a_word(orchard, ada):
    standing = orchard.plan_intervals.get()
    wanted = plans.drafted("premier", standing.starts_at, None, source="")

    with pytest.raises(PlanOverlap):
        organizations.add_plan(orchard, wanted, by=ada)


def test_change_of_a_plan_keeps_what_it_was(orchard, ada):
    standing = orchard.plan_intervals.get().starts_at
    organizations.change_plan(
        orchard, standing, plans.drafted("signature", standing, THEN, source=""), by=ada
    )

    (entry,) = said(Action.PLAN_CHANGED)
    assert (entry.before["until"], entry.after["until"], entry.hat) == ("", "2026-12-01", "admin")


def test_only_a_plan_that_has_not_begun_is_withdrawn(orchard, ada):
    begun = orchard.plan_intervals.get().starts_at
    organizations.end_plan(orchard, THEN, by=ada)
    organizations.add_plan(orchard, plans.drafted("premier", THEN, None, source=""), by=ada)

    with pytest.raises(OrganizationRefused, match="has begun"):
        organizations.withdraw_plan(orchard, begun, by=ada, now=NOW)
    organizations.withdraw_plan(orchard, THEN, by=ada, now=NOW)

    assert orchard.plan_intervals.count() == 1


# ---------- many at once ----------


def test_bulk_does_each_whole_and_names_who_is_refused(orchard, harbor, meadow, ada):
    organizations.end_plan(harbor, NOW, by=ada)
    act = bulk.ending(THEN, by=ada)

    outcomes = bulk.for_each([harbor, meadow, orchard], act, is_dry_run=False)

    assert [bool(each.refused) for each in outcomes] == [True, False, False]
    assert outcomes[0].refused == "no plan is in force on 2026-12-01"
    assert orchard.plan_intervals.get().ends_at == THEN


def test_half_of_an_act_is_undone_with_it(orchard, harbor, ada):
    make_plan(meadow := make_organization("Later"), Plan.SIGNATURE, ends_at=None)
    PlanInterval.objects.filter(organization=meadow).update(ends_at=THEN)
    make_plan(meadow, Plan.STANDARD, starts_at=THEN)
    act = bulk.moving("premier", NOW, None, by=ada, source="")  # ends one plan, then meets the other

    (outcome,) = bulk.for_each([meadow], act, is_dry_run=False)

    assert "overlaps Standard from 2026-12-01" in outcome.refused
    assert [each.ends_at for each in meadow.plan_intervals.order_by("starts_at")] == [THEN, None]
    assert said(Action.PLAN_CHANGED) == []


def test_refused_act_leaves_nothing_of_what_it_had_done(orchard):
    def act(organization: Organization) -> str:
        organizations.change(organization, industry="Half")
        raise OrganizationRefused("plan", "no")

    bulk.for_each([orchard], act, is_dry_run=False)

    assert Organization.objects.get(pk=orchard.pk).industry == ""
    assert said(Action.ORGANIZATION_CHANGED) == []


def test_dry_run_says_the_same_and_does_nothing(orchard, casey, cole, ada):
    act = bulk.assigning(cole, THEN, by=ada, now=NOW)

    (tried,) = bulk.for_each([orchard], act, is_dry_run=True)
    assert said(Action.ASSIGNED) == []
    (done,) = bulk.for_each([orchard], act, is_dry_run=False)

    assert tried.done == done.done == "Casey → Cole"


# ---------- names are given once (A32) ----------


def test_deleted_organization_leaves_its_names_to_nobody(harbor, ada):
    number = harbor.pk
    harbor.delete()

    again = organizations.create(by=ada, external_id="H-2", name="Harbor", scorecard="customer-success")

    assert again.slug == "harbor-2"
    assert again.pk > number
    assert RetiredSlug.objects.get().number == number
    with pytest.raises(OrganizationRefused, match="not given again"):
        organizations.create(by=ada, external_id="harbor", name="Harbor", scorecard="customer-success")


@pytest.mark.parametrize("field", ["slug", "external_id"])
def test_database_itself_refuses_a_name_that_was_given(field, harbor, orchard):
    Organization.objects.filter(pk=harbor.pk).delete()
    names = {"slug": "fresh", "external_id": "fresh"} | {field: "harbor"}

    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.create(name="Harbor", **names)
    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.filter(pk=orchard.pk).update(**{field: "harbor"})


# ---------- merging (A32) ----------


@pytest.fixture
def merged(orchard: Organization, harbor: Organization, dana: User, hal: User, ada: User) -> Organization:
    """Harbor, merged into Orchard."""
    do_merge(orchard, harbor, ada)
    return Organization.ever.get(slug="harbor")


def do_merge(survivor: Organization, other: Organization, by: User) -> merging.Merger:
    seen = merging.preview(survivor, other).digest
    return merging.merge(survivor, other, by=by, name=other.name, seen=seen)


def test_merged_organization_is_404_for_everybody(merged, hal, ada, otto, cole):
    for who in (hal, ada, otto, cole):
        with pytest.raises(Http404):
            open_organization(who, "harbor")
        assert merged not in visible_organizations(who)


def test_contact_of_the_merged_one_is_contact_of_the_survivor(merged, hal):
    assert open_organization(hal, "orchard", to=Capability.SEE_SCORE).slug == "orchard"


@pytest.mark.parametrize("there", [Role.VIEWER, Role.TRAINING_ADMIN])
def test_merger_raises_nobodys_role(there, orchard, harbor, hal, ada):
    make_membership(hal, orchard, there)

    done = do_merge(orchard, harbor, ada)

    assert [row.user for row in done.people if row.role == Role.CONTACT] == []
    assert roles_in(hal, orchard) == {there}


def test_merger_gives_nobody_back_what_was_taken(orchard, harbor, frank, ada):
    make_membership(frank, harbor, Role.CONTACT)

    do_merge(orchard, harbor, ada)

    assert roles_in(frank, orchard) == frozenset()
    with pytest.raises(Http404):
        open_organization(frank, "orchard")


def test_survivor_keeps_its_own_manager(orchard, harbor, casey, cole, ada):
    do_merge(orchard, harbor, ada)

    assert [row.user for row in ours(orchard)] == [casey]
    assert roles_in(cole, orchard) == frozenset()
    assert Membership.objects.get(user=cole).ends_at <= timezone.now()


def test_manager_moves_to_a_survivor_that_has_none(orchard, harbor, cole, ada):
    do_merge(orchard, harbor, ada)

    assert [row.user for row in ours(orchard)] == [cole]


def test_plans_that_overlap_stay_and_the_others_move(orchard, harbor, ada):
    PlanInterval.objects.all().delete()
    day = datetime(2026, 1, 1, tzinfo=UTC)
    make_plan(orchard, starts_at=day)
    make_plan(harbor, Plan.PREMIER, starts_at=day - timedelta(days=365), ends_at=day)
    make_plan(harbor, Plan.STANDARD, starts_at=day, ends_at=None)

    do_merge(orchard, harbor, ada)

    assert [each.plan for each in orchard.plan_intervals.order_by("starts_at")] == ["premier", "signature"]
    assert [each.plan for each in PlanInterval.objects.filter(organization=harbor)] == ["standard"]


def test_those_below_the_merged_one_stand_below_the_survivor_without_a_circle(orchard, harbor, meadow, ada):
    north = make_organization("North", parent=harbor)
    Organization.objects.filter(pk=harbor.pk).update(parent=meadow)
    Organization.objects.filter(pk=orchard.pk).update(parent=harbor)

    do_merge(Organization.objects.get(pk=orchard.pk), Organization.objects.get(pk=harbor.pk), ada)

    parents = dict(Organization.objects.values_list("slug", "parent__slug"))
    assert parents == {"orchard": "meadow", "north": "orchard", "meadow": None}
    assert north.pk


def test_products_of_both_are_owned_and_measurements_stay_where_they_are(orchard, harbor, ada):
    from tests.portal.scored import score

    score(orchard, harbor)
    harbor.products.set([])
    tables = (ScoreSheet, Observation)
    before = [list(table.objects.order_by("pk").values()) for table in tables]

    do_merge(orchard, harbor, ada)

    assert [list(table.objects.order_by("pk").values()) for table in tables] == before
    assert orchard.products.count() == 2


def test_closed_organization_is_scored_no_more(orchard, harbor, ada):
    from scoring import run

    do_merge(orchard, harbor, ada)

    assert list(run.population_of("customer-success")) == [orchard]
    assert list(run.population_of("account-health")) == [orchard]


def test_merger_is_written_down_on_both_and_the_old_log_stays(merged, orchard, hal, ada):
    entries = said(Action.ORGANIZATION_MERGED)

    assert {entry.organization for entry in entries} == {orchard, merged}
    assert {(entry.after["from"], entry.after["into"]) for entry in entries} == {("harbor", "orchard")}
    assert AuditEntry.objects.filter(organization=merged, action=Action.ACCESS_ENDED).exists()


def test_name_that_is_not_typed_merges_nothing(orchard, harbor, ada):
    seen = merging.preview(orchard, harbor).digest

    with pytest.raises(OrganizationRefused, match="is not the name"):
        merging.merge(orchard, harbor, by=ada, name="harbor", seen=seen)
    assert Organization.objects.count() == 2


def test_merger_that_would_do_something_else_than_was_shown_does_nothing(orchard, harbor, ada):
    seen = merging.preview(orchard, harbor).digest
    make_membership(make_user("late@harbor.example"), harbor, Role.CONTACT)

    with pytest.raises(OrganizationRefused, match="changed since"):
        merging.merge(orchard, harbor, by=ada, name="Harbor", seen=seen)
    assert Organization.objects.count() == 2


def test_organization_cannot_be_merged_into_itself(orchard):
    with pytest.raises(OrganizationRefused, match="itself"):
        merging.preview(orchard, orchard)


def test_file_that_still_names_the_merged_one_is_told_who_survives(merged, tmp_path):
    path = tmp_path / "customers.csv"
    path.write_text("external_id,name,parent\nharbor,Harbor,\nC-9,Quay,harbor\n")

    report = import_organizations(path)

    assert [(each.line, each.field) for each in report.refusals] == [(2, "external_id"), (3, "parent")]
    assert "merged into Orchard (orchard)" in report.refusals[0].reason


def test_slug_of_the_merged_one_is_never_given_again(merged, ada):
    again = organizations.create(by=ada, external_id="H-2", name="Harbor", scorecard="customer-success")

    assert again.slug == "harbor-2"


def test_every_table_of_an_organization_has_a_word_on_mergers():
    pointing = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in [*model._meta.fields, *model._meta.many_to_many]
        if field.related_model is Organization and not model._meta.auto_created
    }

    assert pointing == set(merging.DECIDED)


# ---------- out and in again ----------


@pytest.mark.parametrize("text", ["=1+1", "'=1+1", "''-x", "-5", " =x", "plain", "'quoted", "", "@x", "＝x"])
def test_cell_comes_back_as_it_went(text):
    assert bare(safe(text)) == text
    assert safe(text)[:1] not in ("=", "+", "-", "@", "＝")


@pytest.fixture
def varied(orchard: Organization, harbor: Organization, casey: User, ada: User) -> None:
    """Organizations with what is hard to write: formulas, commas, several plans, an odd moment, a parent."""
    Organization.objects.filter(pk=orchard.pk).update(
        name='=cmd|" /C calc"!A0', external_id="-7", industry="@sum(1)", region="'=x", seats=12
    )
    Organization.objects.filter(pk=harbor.pk).update(parent=orchard, name='Harbor, "Bay"; and Sons')
    organizations.move_to_plan(orchard, Plan.PREMIER, THEN, by=ada)
    PlanInterval.objects.filter(organization=harbor).update(ends_at=NOW + timedelta(seconds=1.5))
    organizations.create_all([Newcomer("C-3", "Plain")])


def state() -> list[object]:
    return [
        list(Organization.objects.order_by("pk").values()),
        list(
            PlanInterval.objects.order_by("organization", "starts_at").values("plan", "starts_at", "ends_at")
        ),
        sorted(Organization.objects.values_list("external_id", "products__key", "parent__external_id")),
        list(Membership.objects.order_by("pk").values()),
    ]


def test_what_is_exported_comes_in_again_and_changes_nothing(varied, ada, tmp_path: Path):
    text = export_organizations(Organization.objects.all(), by=ada)
    before = state()
    path = tmp_path / "customers.csv"
    path.write_text(text, newline="")

    report = import_organizations(path)

    assert report.counts() | {"unchanged": 0} == dict.fromkeys(report.COUNTS, 0), report.refusals
    assert report.unchanged == 4
    assert state() == before


def test_nothing_in_an_export_is_a_formula(varied, ada):
    import csv
    import io

    rows = list(csv.reader(io.StringIO(export_organizations(Organization.objects.all(), by=ada))))

    assert [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")] == []
    (entry,) = said(Action.ORGANIZATIONS_EXPORTED)
    assert (entry.actor, entry.hat, entry.after) == (ada, "admin", {"lines": 4})


def test_export_makes_the_same_organizations_in_an_empty_portal(varied, ada, tmp_path: Path):
    text = export_organizations(Organization.objects.all(), by=ada)
    before = state()[1:3]
    Organization.objects.all().delete()
    RetiredSlug.objects.all().delete()
    path = tmp_path / "customers.csv"
    path.write_text(text, newline="")

    report = import_organizations(path)

    assert report.refused == 0, report.refusals
    assert sorted(map(str, state()[1])) == sorted(map(str, before[0]))
    assert state()[2] == before[1]
