"""The door: role × capability × plan, the instants at which things end, and what the README says of it."""

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.http import Http404

from accounts import policy
from accounts.access import (
    CUSTOMER_ROLES,
    HATS,
    MAY,
    Capability,
    LanguageRefused,
    Needs,
    PlanRefused,
    ProductRefused,
    Refused,
    explain,
    is_open,
    look_up,
    open_organization,
    opened_by,
    plan_in_force,
    roles_in,
    visible_organizations,
)
from accounts.contacts import AlreadyDesignated, PartnerNeedsAnEnd, designate
from accounts.models import AuditEntry, Membership, Plan, PlanInterval, Product, Role, Team, User
from accounts.preferences import set_preferences
from tests.factories import make_membership, make_organization, make_plan, make_user

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
LATER = datetime(2100, 1, 1, tzinfo=UTC)

# What SECURITY §2 promises of what exists: typed here once more, so that a slip in the code is seen.
SEES = {*Role.values, "admin", "lead"}
REQUESTS = {Role.CONTACT, Role.TRAINING_ADMIN}
AIMS = {Role.CONTACT}  # where the score that they see is to be
# Whatever the plan:
ALWAYS = {
    Capability.CHOOSE_PEERS: {Role.CONTACT},
    Capability.SEE_ORGANIZATION: {*Role.values, "admin", "auditor", "lead"},
    Capability.SEE_CONTACTS: {
        *(Role.CONTACT, Role.TRAINING_ADMIN, Role.CSM, Role.GUIDE),
        *("admin", "auditor", "lead"),
    },
    Capability.MANAGE_CONTACTS: {Role.CONTACT, "admin"},
    Capability.MANAGE_CONNECTION: {Role.CONTACT, "admin"},
    Capability.MANAGE_ORGANIZATION: {"admin"},
    Capability.SEE_AS_CUSTOMER: {Role.CSM, Role.GUIDE, "lead"},
    Capability.IMPERSONATE: {"admin"},
    Capability.ANSWER_REVIEW_REQUEST: {Role.CSM, Role.GUIDE, "lead"},
    Capability.WRITE_NOTES: {Role.CONTACT, Role.TRAINING_ADMIN},
    Capability.ANSWER_FEEDBACK: {Role.CSM, Role.GUIDE, "lead"},
    Capability.SEE_AUDIT: {Role.CONTACT, Role.TRAINING_ADMIN, Role.CSM, "admin", "auditor", "lead"},
    Capability.TAILOR_RECOMMENDATIONS: {Role.CSM, Role.GUIDE, "lead"},
    Capability.ANSWER_COACHING: {Role.CSM, Role.GUIDE, "lead"},
}
# Wherever one sees the score:
WITH_SCORE = {
    Capability.SEE_SCORE: SEES,
    Capability.SET_TARGETS: AIMS,
    Capability.SEE_RECOMMENDATIONS: SEES,
    Capability.MARK_RECOMMENDATIONS: {Role.CONTACT, Role.TRAINING_ADMIN, Role.CSM, Role.GUIDE, "lead"},
    Capability.SAVE_ROADMAPS: {Role.CONTACT, Role.CSM, "lead"},
    Capability.REQUEST_COACHING: {Role.CONTACT, Role.TRAINING_ADMIN},
}
BY_PLAN = {
    Plan.SIGNATURE: {Capability.SEE_SCORE, Capability.GIVE_FEEDBACK},
    Plan.PREMIER: {Capability.REQUEST_REVIEW},
    Plan.STANDARD: set(),
    None: set(),
}


def person(role, organization):
    ours = role in (Role.CSM, Role.GUIDE, "admin", "auditor", "lead")
    user = make_user("somebody@example.org", is_staff=ours)
    if role == "lead":
        user.is_lead, user.team = True, Team.objects.create(name="North")
        make_membership(
            make_user("manager@example.org", is_staff=True, team=user.team), organization, Role.CSM
        )
    user.is_admin, user.is_auditor = role == "admin", role == "auditor"
    user.save()
    if role in Role.values:
        make_membership(user, organization, role, ends_at=LATER)
    return user


def may(user, to, at=None):
    try:
        return bool(open_organization(user, "orchard", to=to, at=at))
    except PermissionDenied:
        return False


# ---------- role × capability × plan ----------


@pytest.mark.parametrize("plan", BY_PLAN, ids=str)
@pytest.mark.parametrize("role", MAY)
def test_role_may_with_this_plan_what_it_should(role, plan, db):
    orchard = make_organization("Orchard", products=["sales"])
    if plan:
        make_plan(orchard, plan)
    user = person(role, orchard)

    found = {to for to in Capability if may(user, to)}

    expected = {to for to, whose in ALWAYS.items() if role in whose}
    is_bound = role in CUSTOMER_ROLES
    if not is_bound or Capability.SEE_SCORE in BY_PLAN[plan]:
        expected |= {to for to, whose in WITH_SCORE.items() if role in whose}
    if role in REQUESTS and Capability.REQUEST_REVIEW in BY_PLAN[plan]:
        expected.add(Capability.REQUEST_REVIEW)
    if is_bound and Capability.GIVE_FEEDBACK in BY_PLAN[plan]:
        expected.add(Capability.GIVE_FEEDBACK)
    assert found == expected


def test_every_role_stands_in_the_table():
    assert set(MAY) == {*Role.values, "admin", "auditor", "lead"} == set(policy.WHERE) == set(HATS)


def test_no_role_inherits_another(db):
    """Whoever is administrator is no success manager by that, and the other way round."""
    orchard = make_organization("Orchard")
    ada = person("admin", orchard)

    assert not may(ada, Capability.ANSWER_REVIEW_REQUEST)
    make_membership(ada, orchard, Role.GUIDE)
    assert may(ada, Capability.ANSWER_REVIEW_REQUEST)


def test_role_in_one_organization_is_nothing_in_another(dana, casey, orchard, harbor):
    for user in (dana, casey):
        assert list(visible_organizations(user)) == [orchard]
        with pytest.raises(Http404):
            open_organization(user, "harbor")


def test_contact_of_two_sees_both_and_nobody_else(dana, orchard, harbor):
    make_organization("Third")
    make_membership(dana, harbor, Role.CONTACT)

    assert set(visible_organizations(dana)) == {orchard, harbor}


def test_person_with_two_roles_in_one_organization_sees_it_once(dana, orchard):
    make_membership(dana, orchard, Role.TRAINING_ADMIN)

    assert list(visible_organizations(dana)) == [orchard]
    assert roles_in(dana, orchard) == {Role.CONTACT, Role.TRAINING_ADMIN}


def test_affiliate_is_not_opened_by_its_parent(dana, orchard):
    make_organization("Orchard Juice", parent=orchard)

    with pytest.raises(Http404):
        open_organization(dana, "orchard-juice")


def test_csm_who_is_also_a_contact_is_not_held_back_by_the_plan(casey, orchard):
    make_membership(casey, orchard, Role.CONTACT)
    orchard.plan_intervals.all().delete()

    assert may(casey, Capability.SEE_SCORE)


def test_two_roles_may_what_either_may(orchard, otto):
    make_membership(otto, orchard, Role.VIEWER)

    assert may(otto, Capability.SEE_SCORE)


def test_viewer_and_partner_read_what_a_training_administrator_reads_and_write_nothing():
    more = {Capability.REQUEST_REVIEW, Capability.SEE_CONTACTS, Capability.SEE_AUDIT}  # SECURITY §2
    writes = {Capability.WRITE_NOTES, Capability.MARK_RECOMMENDATIONS, Capability.REQUEST_COACHING}
    reads = MAY[Role.TRAINING_ADMIN] - more - writes

    assert MAY[Role.VIEWER] == MAY[Role.PARTNER] == reads


@pytest.mark.parametrize("role", MAY)
def test_list_says_what_the_door_says(role, db):
    open_one, closed = make_organization("Orchard", products=["sales"]), make_organization("Meadow")
    make_plan(open_one)
    user = person(role, open_one)
    if role in Role.values:
        make_membership(user, closed, role, ends_at=LATER)
    if role == "lead":
        make_membership(User.objects.get(email="manager@example.org"), closed, Role.CSM)

    doors = look_up(user, [open_one, closed])

    for organization in (open_one, closed):
        try:
            says = bool(open_organization(user, organization.slug, to=Capability.SEE_SCORE))
        except PermissionDenied:
            says = False
        assert is_open(user, doors[organization.pk]) == says


def test_list_asks_as_often_for_many_as_for_one(dana, orchard, django_assert_num_queries):
    many = [make_organization(f"Field {number}") for number in range(30)]

    with django_assert_num_queries(3):
        look_up(dana, [orchard])
    with django_assert_num_queries(3):
        look_up(dana, [orchard, *many])


# ---------- strangers ----------


def test_visitor_sees_nothing(orchard):
    assert not visible_organizations(AnonymousUser()).exists()
    with pytest.raises(Http404):
        open_organization(AnonymousUser(), "orchard")


def test_stranger_gets_the_same_answer_for_a_foreign_organization_as_for_none(hal, orchard):
    with pytest.raises(Http404) as foreign:
        open_organization(hal, "orchard")
    with pytest.raises(Http404) as none:
        open_organization(hal, "nowhere")

    assert foreign.value.args == none.value.args


def test_stranger_is_not_told_about_the_plan(hal, orchard):
    PlanInterval.objects.filter(organization=orchard).delete()

    with pytest.raises(Http404):
        open_organization(hal, "orchard", to=Capability.SEE_SCORE)


@pytest.mark.parametrize("who", ["dana", "casey", "ada", "otto"])
def test_person_who_was_made_inactive_sees_nothing(who, orchard, request):
    user = request.getfixturevalue(who)
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.refresh_from_db()

    assert not visible_organizations(user).exists()
    with pytest.raises(Http404):
        open_organization(user, "orchard")


# ---------- what a plan opens is configuration ----------


def test_plan_opens_what_the_setting_says(dana, orchard, settings):
    settings.PLAN_OPENS = {"signature": frozenset({"review"}), "premier": frozenset({"score"})}

    assert not may(dana, Capability.SEE_SCORE)
    assert may(dana, Capability.REQUEST_REVIEW)
    orchard.plan_intervals.update(plan=Plan.PREMIER)
    assert may(dana, Capability.SEE_SCORE)


def test_plan_that_the_setting_does_not_name_opens_nothing(settings):
    settings.PLAN_OPENS = {}

    assert [opened_by(plan) for plan in Plan] == [frozenset()] * 3


# ---------- the instants ----------


@pytest.mark.parametrize(
    ("at", "is_in_force"),
    [
        (NOON - INSTANT, False),
        (NOON, True),
        (NOON + timedelta(hours=1) - INSTANT, True),
        (NOON + timedelta(hours=1), False),
    ],
)
def test_interval_begins_with_its_first_instant_and_ends_before_its_last(dana, orchard, at, is_in_force):
    orchard.plan_intervals.all().delete()
    make_plan(orchard, starts_at=NOON, ends_at=NOON + timedelta(hours=1))

    assert may(dana, Capability.SEE_SCORE, at) == is_in_force


def test_signature_becomes_premier_at_noon(dana, orchard):
    orchard.plan_intervals.update(ends_at=NOON)
    make_plan(orchard, Plan.PREMIER, starts_at=NOON)

    before = open_organization(dana, "orchard", to=Capability.SEE_SCORE, at=NOON - INSTANT)
    with pytest.raises(PlanRefused) as refused:
        open_organization(dana, "orchard", to=Capability.SEE_SCORE, at=NOON)

    assert before.opened.plan.plan == "signature"
    assert refused.value.organization.opened.plan.plan == "premier"
    assert refused.value.last.plan == "signature"


def test_partner_is_in_until_the_instant_and_not_at_it(pat, orchard):
    pat.memberships.update(ends_at=NOON + timedelta(days=9000))
    end = pat.memberships.get().ends_at

    assert open_organization(pat, "orchard", at=end - INSTANT)
    with pytest.raises(Http404):
        open_organization(pat, "orchard", at=end)
    assert not visible_organizations(pat, at=end).exists()


def test_ended_role_gives_nothing_beside_a_running_one(casey, orchard):
    make_membership(casey, orchard, Role.CONTACT)
    casey.memberships.filter(role=Role.CSM).update(starts_at=NOON - timedelta(days=9), ends_at=NOON - INSTANT)
    orchard.plan_intervals.all().delete()

    assert roles_in(casey, orchard, at=NOON) == {Role.CONTACT}
    with pytest.raises(PlanRefused):
        open_organization(casey, "orchard", to=Capability.SEE_SCORE, at=NOON)


def test_change_of_plan_leaves_no_instant_without_one(orchard):
    orchard.plan_intervals.update(plan=Plan.PREMIER, ends_at=NOON)
    make_plan(orchard, Plan.SIGNATURE, starts_at=NOON)

    assert plan_in_force(orchard, at=NOON - INSTANT).plan == Plan.PREMIER
    assert plan_in_force(orchard, at=NOON).plan == Plan.SIGNATURE


def test_partner_without_an_end_is_refused_by_the_story(orchard):
    with pytest.raises(PartnerNeedsAnEnd, match=r"pat@partner\.example"):
        designate(orchard, make_user("pat@partner.example"), Role.PARTNER)


def test_partner_without_an_end_is_refused_by_the_database(orchard):
    user = make_user("pat@partner.example")

    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(organization=orchard, user=user, role=Role.PARTNER)


def test_partner_gets_more_time_by_being_designated_again(pat, orchard):
    with pytest.raises(AlreadyDesignated):
        designate(orchard, pat, Role.PARTNER, until=LATER)
    designate(orchard, pat, Role.PARTNER, until=LATER + timedelta(days=1))

    assert pat.memberships.get().ends_at == LATER + timedelta(days=1)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.organization, entry.target_id) == ("access_given", orchard, str(pat.pk))
    assert (entry.before["until"], entry.after["until"]) == ("2100-01-01 00:00", "2100-01-02 00:00")


# ---------- product and language ----------


def test_organization_without_a_product_is_refused(dana, orchard):
    orchard.products.clear()

    with pytest.raises(ProductRefused):
        open_organization(dana, "orchard", to=Capability.SEE_SCORE)


def test_product_is_not_asked_for_where_no_scorecard_declares_one(dana, orchard):
    orchard.products.clear()
    Product.objects.all().delete()

    assert may(dana, Capability.SEE_SCORE)


def test_product_is_not_asked_for_where_the_setting_says_so(dana, orchard, settings):
    settings.SCORE_PRODUCT_CONDITION = False
    orchard.products.clear()

    assert may(dana, Capability.SEE_SCORE)


@pytest.mark.parametrize(
    ("language", "is_english"), [("", True), ("en", True), ("en-gb", True), ("de", False)]
)
def test_score_is_for_readers_of_english(dana, orchard, language, is_english):
    dana.language = language

    assert may(dana, Capability.SEE_SCORE) == is_english


def test_language_does_not_matter_where_the_setting_says_so(dana, orchard, settings):
    settings.SCORE_LANGUAGE_CONDITION = False
    dana.language = "de"

    assert may(dana, Capability.SEE_SCORE)


def test_review_is_requested_in_any_language(pia, meadow):
    set_preferences(pia, name="Pia", language="de", time_zone="UTC")

    assert open_organization(pia, "meadow", to=Capability.REQUEST_REVIEW)


def test_first_thing_that_stands_between_is_the_one_that_is_named(dana, orchard):
    dana.language = "de"
    with pytest.raises(LanguageRefused):
        open_organization(dana, "orchard", to=Capability.SEE_SCORE)
    orchard.products.clear()
    with pytest.raises(ProductRefused):
        open_organization(dana, "orchard", to=Capability.SEE_SCORE)
    orchard.plan_intervals.all().delete()
    with pytest.raises(PlanRefused):
        open_organization(dana, "orchard", to=Capability.SEE_SCORE)


@pytest.mark.parametrize("between", ["role", "plan", "product", "language"])
def test_whatever_refuses_is_written_down_with_its_reason(between, dana, otto, orchard):
    user = otto if between == "role" else dana
    if between == "plan":
        orchard.plan_intervals.all().delete()
    elif between == "product":
        orchard.products.clear()
    elif between == "language":
        user.language = "de"

    assert not may(user, Capability.SEE_SCORE)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.result, entry.actor, entry.organization) == (
        "refused",
        "refused",
        user,
        orchard,
    )
    assert {"role": "not for auditor", "language": "English"}.get(between, between) in entry.reason
    assert entry.hat == ("auditor" if between == "role" else "contact")


def test_auditor_knows_of_everything_and_sees_no_score(otto, orchard, harbor):
    assert visible_organizations(otto).count() == 2
    with pytest.raises(Refused) as refused:
        open_organization(otto, "orchard", to=Capability.SEE_SCORE)
    assert type(refused.value) is Refused


def test_conditions_come_in_order_with_what_is_unmet(dana, orchard):
    orchard.products.clear()

    found = [(each.needs, each.is_met) for each in explain(dana, orchard)]

    assert found == [(Needs.ROLE, True), (Needs.PLAN, True), (Needs.PRODUCT, False), (Needs.LANGUAGE, True)]


def test_conditions_of_the_customer_do_not_bind_its_success_manager(casey, orchard):
    orchard.plan_intervals.all().delete()

    plan = explain(casey, orchard)[1]

    assert (plan.is_met, plan.binds) == (False, False)


# ---------- what is written of it ----------


def test_readme_holds_the_table_of_the_code():
    readme = (Path(settings.BASE_DIR) / "accounts" / "README.md").read_text()

    assert policy.table() in readme


def test_policy_is_dumped_as_the_door_has_it(capsys):
    out = StringIO()

    call_command("policy_dump", "--json", stdout=out)

    said = json.loads(out.getvalue())
    able = {
        role: {capability for capability, how in cells.items() if how}
        for role, cells in said["roles"].items()
    }
    assert able == {str(role): set(map(str, capabilities)) for role, capabilities in MAY.items()}
    assert said["plans"] == {
        "signature": ["give feedback", "see score"],
        "premier": ["request success review"],
        "standard": [],
    }
    assert said["roles"]["contact"]["see score"]["needs"] == ["plan", "product", "language"]
    assert said["roles"]["csm"]["see score"]["needs"] == []


def test_policy_is_dumped_as_a_table():
    out = StringIO()

    call_command("policy_dump", stdout=out)

    assert re.search(r"^\| see organization \| own \|", out.getvalue(), re.M)


def test_settings_name_the_plans_and_routes_of_the_code():
    from accounts.access import ROUTES
    from portal import settings as ours

    assert set(Plan.values) == ours.PLANS
    assert set(ROUTES) == ours.ROUTES
