"""The portfolio: whose organizations, in which order, counted; and pages seen with the customer's eyes."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Action, AuditEntry, Cover, Membership, Plan, PlanInterval, Role, User
from portal import seeing
from scoring import portfolio as scored
from scoring import read
from scoring.models import ScoreSheet
from tests.factories import make_membership, make_organization, make_plan, make_user
from tests.portal.scored import YESTERDAY, score, text_of

PAGE = "/portfolio/"
DAY = timedelta(days=1)


def names(response):
    """The organizations of the list, in order."""
    return re.findall(r'class="rowlink" href="/o/([a-z0-9-]+)/"', response.content.decode())


@pytest.fixture
def grove(casey):
    organization = make_organization("Grove", products=["sales", "platform"], external_id="GR-77")
    make_membership(casey, organization, Role.CSM)
    return organization


@pytest.fixture
def as_casey(client, casey):
    client.force_login(casey)
    return client


@pytest.fixture
def as_lena(client, lena):
    client.force_login(lena)
    return client


# ---------- whose ----------


@pytest.mark.parametrize("who", ["casey", "lena", "gus", "cole"])
def test_staff_land_on_their_portfolio(who, client, request, orchard, harbor):
    client.force_login(request.getfixturevalue(who))

    assert client.get("/").url == PAGE


def test_each_sees_their_own_and_nothing_of_others(casey, cole, gus, lena, orchard, harbor, client):
    for who, expected in ((casey, ["orchard"]), (cole, ["harbor"]), (gus, ["orchard"]), (lena, ["orchard"])):
        client.force_login(who)
        assert names(client.get(PAGE)) == expected


def test_newcomer_reads_what_to_do(client, db):
    client.force_login(make_user("new@vendor.example", is_staff=True))

    assert "No org is assigned to you" in client.get(PAGE).content.decode()


def test_membership_as_a_customer_is_no_portfolio(client, orchard, db):
    user = make_user("both@vendor.example", is_staff=True)
    make_membership(user, orchard, Role.CONTACT)
    client.force_login(user)

    assert names(client.get(PAGE)) == []


def test_reassigned_success_manager_gets_404_in_the_open_tab(as_casey, casey, cole, orchard):
    score(orchard)
    assert as_casey.get("/o/orchard/").status_code == 200

    Membership.objects.filter(user=casey).update(ends_at=timezone.now())
    make_membership(cole, orchard, Role.CSM)

    assert as_casey.get("/o/orchard/").status_code == 404
    assert as_casey.get("/api/v1/organizations/orchard/score/").status_code == 404
    assert as_casey.post("/o/orchard/as-customer/").status_code == 404
    assert names(as_casey.get(PAGE)) == []
    assert as_casey.get("/audit/").status_code == 403


# ---------- search, sorting, paging ----------


@pytest.mark.parametrize("words", ["harbor", "HARBOR", "arb"])
def test_search_never_finds_the_organizations_of_others(words, as_casey, orchard, harbor):
    page = as_casey.get(PAGE, {"q": words})

    assert names(page) == []
    assert "No org matches" in text_of(page)
    assert "Harbor" not in page.content.decode().replace(f'value="{words}"', "")


def test_search_finds_by_name_and_external_id(as_casey, orchard, grove):
    assert names(as_casey.get(PAGE, {"q": "gr-7"})) == ["grove"]
    assert names(as_casey.get(PAGE, {"q": "orch"})) == ["orchard"]


def test_row_says_score_band_change_plan_and_last_sign_in(as_casey, dana, orchard):
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    ends = timezone.now() + timedelta(days=40)
    PlanInterval.objects.update(ends_at=ends)
    User.objects.filter(pk=dana.pk).update(last_login=timezone.now() - 3 * DAY)

    text = text_of(as_casey.get(PAGE))

    card = read.latest(orchard)
    seen = timezone.now() - 3 * DAY
    assert f"Orchard orchard {card.overall.band.name} {card.overall.whole}" in text
    assert f"Signature ends {ends.day} {ends:%b} {ends.year} {seen.day} {seen:%b} {seen.year}" in text


def test_change_is_that_of_the_overview(orchard, grove, casey):
    score(orchard, grove, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    sheets = ScoreSheet.objects.filter(organization=orchard)
    sheets.filter(day=YESTERDAY).update(points=7000)
    sheets.exclude(day=YESTERDAY).update(points=6400)
    ScoreSheet.objects.filter(organization=grove, day=YESTERDAY).update(points=-1)

    found = scored.scores_of(type(orchard).objects.all())

    assert found.changes([orchard.pk, grove.pk]) == {orchard.pk: 600, grove.pk: None}


def test_who_could_not_be_scored_keeps_the_number_and_shows_no_change(as_casey, orchard, grove):
    score(orchard, grove, days=(YESTERDAY - timedelta(days=31), YESTERDAY - DAY, YESTERDAY))
    ScoreSheet.objects.filter(organization=grove, day=YESTERDAY).delete()
    ScoreSheet.objects.filter(organization=grove, day=YESTERDAY - DAY).update(points=1200)
    ScoreSheet.objects.filter(organization=orchard, day=YESTERDAY).update(points=5000)

    found = scored.scores_of(type(orchard).objects.all())
    points = dict(found.with_points(type(orchard).objects.all()).values_list("slug", "points"))

    assert points == {"orchard": 5000, "grove": 1200}
    assert found.changes([grove.pk]) == {grove.pk: None}
    assert names(as_casey.get(PAGE, {"sort": "score"})) == ["grove", "orchard"]
    before = YESTERDAY - DAY
    assert f"12 {before.day} {before:%b} {before.year}" in text_of(as_casey.get(PAGE))


def test_unpublished_revision_counts_for_nothing(orchard, casey):
    score(orchard)
    known = ScoreSheet.objects.get(organization=orchard)
    before = known.points
    ScoreSheet.objects.create(
        organization=orchard,
        version=known.version,
        day=known.day,
        revision=7,
        points=100,
        coverage=known.coverage,
        state=known.state,
        nodes=known.nodes,
    )

    found = scored.scores_of(type(orchard).objects.all()).with_points(type(orchard).objects.all())

    assert found.get().points == before


def test_every_column_sorts_both_ways_with_the_unknown_last(as_casey, casey, orchard, grove):
    score(orchard, grove, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    blank = make_organization("Blank")
    make_membership(casey, blank, Role.CSM)
    make_plan(grove, Plan.PREMIER)
    sheets = ScoreSheet.objects.filter(day=YESTERDAY)
    sheets.filter(organization=orchard).update(points=7100)
    sheets.filter(organization=grove).update(points=9100)
    ScoreSheet.objects.exclude(day=YESTERDAY).update(points=8000)
    for organization, days in ((orchard, 3), (grove, 30)):
        person = make_user(f"someone@{organization.slug}.example")
        make_membership(person, organization, Role.CONTACT)
        User.objects.filter(pk=person.pk).update(last_login=timezone.now() - days * DAY)

    up = {key: names(as_casey.get(PAGE, {"sort": key})) for key in ("score", "change", "plan", "signed-in")}
    down = {key: names(as_casey.get(PAGE, {"sort": f"-{key}"})) for key in up}

    assert up == {
        "score": ["orchard", "grove", "blank"],
        "change": ["orchard", "grove", "blank"],
        "plan": ["grove", "orchard", "blank"],
        "signed-in": ["grove", "orchard", "blank"],
    }
    assert down == {key: [found[1], found[0], "blank"] for key, found in up.items()}
    assert names(as_casey.get(PAGE)) == ["blank", "grove", "orchard"]
    assert names(as_casey.get(PAGE, {"sort": "-name"})) == ["orchard", "grove", "blank"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"sort": "revenue"}, "Sort: “revenue” is not a column"),
        ({"csm": "99999"}, "Success manager: “99999” is not in your team."),
    ],
)
def test_what_cannot_be_read_is_named_and_shows_nothing(asked, words, as_casey, orchard):
    page = as_casey.get(PAGE, asked)

    assert words in text_of(page)
    assert names(page) == []


def test_last_sign_in_is_of_the_customers_own_people(as_casey, casey, pat, frank, gus, orchard):
    User.objects.update(last_login=timezone.now())

    assert "Never" in text_of(as_casey.get(PAGE))


def test_lead_filters_by_success_manager_of_the_team_alone(as_lena, casey, lena, cole, orchard, harbor):
    second = make_user("second@vendor.example", is_staff=True, team=lena.team)
    meadow = make_organization("Meadow")
    make_membership(second, meadow, Role.CSM)

    assert names(as_lena.get(PAGE)) == ["meadow", "orchard"]
    assert names(as_lena.get(PAGE, {"csm": second.pk})) == ["meadow"]
    foreign = as_lena.get(PAGE, {"csm": cole.pk})
    assert names(foreign) == []
    assert "is not in your team" in text_of(foreign)
    assert "Cole" not in foreign.content.decode()
    assert names(as_lena.get(PAGE, {"sort": "manager"})) == ["orchard", "meadow"]


def test_list_comes_in_pages(as_casey, casey):
    for number in range(60):
        make_membership(casey, make_organization(f"Grove {number:02}"), Role.CSM)

    first, second = as_casey.get(PAGE, {"q": "grove"}), as_casey.get(PAGE, {"q": "grove", "page": 2})

    assert (len(names(first)), len(names(second))) == (50, 10)
    assert "?q=grove&amp;page=2" in first.content.decode()
    assert not set(names(first)) & set(names(second))


def test_page_asks_the_same_number_of_questions_however_many_organizations(as_lena, casey, orchard, grove):
    score(orchard)

    def asked() -> list[int]:
        counts = []
        for sort in ("name", "-score", "change", "plan", "signed-in", "manager"):
            with CaptureQueriesContext(connection) as queries:
                as_lena.get(PAGE, {"sort": sort})
            counts.append(len(queries))
        return counts

    as_lena.get(PAGE)
    few = asked()
    for number in range(5):
        make_membership(casey, make_organization(f"Wood {number}"), Role.CSM)

    assert asked() == few
    assert max(few) <= 26


# ---------- totals ----------


def test_totals_are_those_of_what_is_seen(casey, lena, cole, orchard, grove, harbor, client):
    score(orchard, grove, harbor)
    for organization, points in ((orchard, 7000), (grove, 9000), (harbor, 1000)):
        ScoreSheet.objects.filter(organization=organization).update(points=points)

    for who, number, mean in ((casey, 2, "80.0"), (lena, 2, "80.0"), (cole, 1, "10.0")):
        client.force_login(who)
        text = text_of(client.get(PAGE))
        assert f"{number} org{'s' * (number > 1)} Mean score {mean}, of {number} with a number" in text
    client.force_login(casey)
    assert "1 org found Mean score 90.0, of 1 with a number" in text_of(client.get(PAGE, {"q": "grove"}))


def test_bands_add_up_to_the_number_of_organizations_with_a_score(casey, orchard, grove):
    score(orchard, grove)
    ScoreSheet.objects.filter(organization=grove).update(points=-1)

    totals = scored.scores_of(type(orchard).objects.all()).totals(type(orchard).objects.all())

    assert (totals.number, totals.scored) == (2, 1)
    assert sum(band.number for band in totals.bands) == 1


# ---------- cover ----------


def test_who_covers_reads_for_whom_and_until_when(casey, cole, lena, orchard, harbor, client):
    now = timezone.now()
    Cover.objects.create(absent=casey, covering=cole, starts_at=now, ends_at=now + 5 * DAY)
    client.force_login(cole)

    page = client.get(PAGE)

    assert names(page) == ["harbor", "orchard"]
    assert "You cover for Casey until" in text_of(page)
    assert "you cover for Casey until" in text_of(page)
    client.force_login(lena)
    assert "Cole covers for Casey until" in text_of(client.get(PAGE))


@pytest.mark.parametrize("who", ["casey", "lena", "cole"])
def test_success_manager_lead_and_cover_read_the_same_log(
    who, casey, lena, cole, ada, orchard, client, request
):
    now = timezone.now()
    Cover.objects.create(absent=casey, covering=cole, starts_at=now, ends_at=now + 5 * DAY)
    for action in (Action.SCORE_OPENED, Action.PLAN_CHANGED):
        AuditEntry.objects.create(
            organization=orchard, actor=ada, actor_type="person", action=action, result="done"
        )
    client.force_login(request.getfixturevalue(who))

    for address in ("/o/orchard/activity/", "/audit/"):
        page = client.get(address)
        assert "Opened the score" in text_of(page)
        assert "Changed the plan" not in text_of(page)
        assert 'value="plan_changed"' not in page.content.decode()


# ---------- with the customer's eyes ----------


@pytest.fixture
def seeing_orchard(as_casey, orchard):
    score(orchard)
    assert as_casey.post("/o/orchard/as-customer/").url == "/o/orchard/"
    return as_casey


def test_casey_sees_the_pages_of_a_contact_under_a_banner(seeing_orchard):
    page = text_of(seeing_orchard.get("/o/orchard/plan/"))

    assert "You see this as a contact of Orchard would, to read only, until" in page
    assert "My Success Plan" in page
    assert "Casey" in page
    assert "It binds the customer, not you" not in text_of(seeing_orchard.get("/o/orchard/access/"))


def test_plan_that_closes_the_score_closes_it_to_the_customers_eyes(seeing_orchard, orchard):
    orchard.plan_intervals.update(plan=Plan.PREMIER)

    page = seeing_orchard.get("/o/orchard/")

    assert page.status_code == 403
    assert "Your plan shares the score in a success review" in text_of(page)
    assert "You see this as a contact of Orchard would" in text_of(page)
    assert seeing_orchard.get("/api/v1/organizations/orchard/score/").status_code == 403


def test_product_condition_binds_the_customers_eyes(seeing_orchard, orchard):
    orchard.products.clear()

    assert seeing_orchard.get("/o/orchard/").status_code == 403


def test_customer_reads_who_saw_it_with_their_eyes(seeing_orchard, dana, client):
    client.force_login(dana)

    page = text_of(client.get("/o/orchard/activity/"))

    assert "Casey Customer success manager Looked with the eyes of a contact, for 30 minutes at most" in page


def test_score_opened_with_the_customers_eyes_is_opened_by_staff(seeing_orchard):
    seeing_orchard.get("/o/orchard/")

    assert AuditEntry.objects.get(action=Action.SCORE_OPENED).hat == "csm"


@pytest.mark.parametrize(
    "address", ["/o/orchard/plan/review/", "/o/orchard/plan/review/arranged/", "/o/orchard/as-customer/"]
)
def test_nothing_is_changed_with_the_customers_eyes(address, seeing_orchard, orchard):
    orchard.plan_intervals.update(plan=Plan.PREMIER)

    response = seeing_orchard.post(address)

    assert response.status_code == 403
    assert "Nothing can be changed now" in text_of(response)
    assert not orchard.review_requests.exists()
    assert AuditEntry.objects.filter(action=Action.REFUSED, actor__email="casey@vendor.example").exists()


def test_other_organizations_are_seen_and_worked_on_as_before(seeing_orchard, grove):
    assert "You see this" not in text_of(seeing_orchard.get("/o/grove/plan/"))
    assert seeing_orchard.post("/o/grove/plan/review/arranged/").status_code == 302


def test_customers_eyes_never_open_more_than_ones_own_role(client, gus, dana, orchard):
    client.force_login(gus)
    assert client.get("/o/orchard/activity/").status_code == 403

    client.post("/o/orchard/as-customer/")

    assert client.get("/o/orchard/plan/").status_code == 200
    assert client.get("/o/orchard/activity/").status_code == 403  # a guide reads no log, a contact does


def test_log_read_with_the_customers_eyes_is_the_success_managers(seeing_orchard, ada, orchard):
    AuditEntry.objects.create(
        organization=orchard, actor=ada, actor_type="person", action=Action.PLAN_CHANGED, result="done"
    )

    assert "Plan:" not in text_of(seeing_orchard.get("/o/orchard/activity/"))


def test_stop_gives_back_ones_own_eyes(seeing_orchard, orchard):
    orchard.plan_intervals.update(plan=Plan.PREMIER)

    assert seeing_orchard.post("/as-customer/stop/").url == "/o/orchard/"

    page = seeing_orchard.get("/o/orchard/")
    assert page.status_code == 200
    assert "You see this" not in text_of(page)


def test_it_ends_by_itself_after_thirty_minutes(seeing_orchard):
    session = seeing_orchard.session
    left = session[seeing.KEY]["until"] - timezone.now().timestamp()
    assert 29 * 60 < left <= 30 * 60
    session[seeing.KEY] = session[seeing.KEY] | {"until": int(timezone.now().timestamp())}
    session.save()

    assert "You see this" not in text_of(seeing_orchard.get("/o/orchard/plan/"))
    assert seeing.KEY not in seeing_orchard.session


def test_it_ends_with_the_sign_out(seeing_orchard, casey):
    seeing_orchard.post("/sign-out/")
    seeing_orchard.force_login(casey)

    assert "You see this" not in text_of(seeing_orchard.get("/o/orchard/plan/"))


def test_it_ends_for_who_is_reassigned(seeing_orchard, casey):
    Membership.objects.filter(user=casey).update(ends_at=timezone.now())

    assert seeing_orchard.get("/o/orchard/plan/").status_code == 404
    assert seeing_orchard.post("/as-customer/stop/").status_code == 302


@pytest.mark.parametrize("who", ["dana", "ada", "otto"])
def test_customers_administrators_and_auditors_have_no_such_button(who, client, orchard, request):
    client.force_login(request.getfixturevalue(who))

    assert "See what the customer sees" not in client.get("/o/orchard/plan/").content.decode()
    assert client.post("/o/orchard/as-customer/").status_code == 403


# ---------- select an org ----------


def test_last_organization_is_offered_first(client, dana, orchard, harbor):
    make_membership(dana, harbor)
    client.force_login(dana)
    assert "again" not in text_of(client.get("/orgs/"))

    client.get("/o/harbor/plan/")

    page = client.get("/orgs/")
    assert "Open Harbor again" in text_of(page)
    assert text_of(page).count("Last used") == 1


def test_last_organization_that_is_closed_by_now_is_not_offered(client, dana, orchard, harbor, meadow):
    membership = make_membership(dana, harbor)
    make_membership(dana, meadow)
    client.force_login(dana)
    client.get("/o/harbor/plan/")
    Membership.objects.filter(pk=membership.pk).update(ends_at=timezone.now())

    assert "Harbor" not in client.get("/orgs/").content.decode()


def test_success_review_is_requested_from_the_list(client, pia, meadow, orchard):
    make_membership(pia, orchard)
    client.force_login(pia)
    page = client.get("/orgs/").content.decode()
    assert 'action="/o/meadow/plan/review/"' in page
    assert 'action="/o/orchard/plan/review/"' not in page

    client.post("/o/meadow/plan/review/")

    page = client.get("/orgs/")
    assert 'action="/o/meadow/plan/review/"' not in page.content.decode()
    assert "Review requested" in text_of(page)
