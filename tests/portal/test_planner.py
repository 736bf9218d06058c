"""The planner: what a person asks of it, and the plans that are saved."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts import goals
from accounts.models import Action, AuditEntry
from recommendations import roadmaps
from recommendations.models import Recommendation, Roadmap
from scoring import pack, read, run
from scoring.models import ScorecardVersion
from tests.factories import correct, make_recommendation
from tests.portal.scored import YESTERDAY, score, text_of

PLANNER = "/o/orchard/planner/"
SOON = (datetime.now(UTC).date() + timedelta(days=60)).isoformat()


@pytest.fixture
def scored(orchard):
    score(orchard)
    Recommendation.objects.all().delete()  # what the night suggested: here it is said who does what
    return orchard


def advise(organization, **fields) -> Recommendation:
    given = {
        "signal": "sales.license_activation",
        "category": "product-adoption",
        "title": "Hand out idle licenses",
        "target": 9000,
        "effort_days": 2,
    }
    return make_recommendation(organization, **given | fields)


@pytest.fixture
def licenses(scored) -> Recommendation:
    """82.4 to 90 points."""
    return advise(scored)


@pytest.fixture
def errors(scored) -> Recommendation:
    return advise(
        scored,
        signal="platform.error_days",
        category="technical-health",
        title="Fix the import job",
        target=10_000,
        effort_days=5,
        horizon="medium",
    )


@pytest.fixture
def asking(client, dana):
    client.force_login(dana)
    return client


def projected(page: str) -> float:
    """The overall score planned, from the table."""
    cells = page.split("Overall ")[-1].split()
    return float(cells[1])


def test_ticked_action_shows_where_the_score_would_land(asking, licenses):
    bare, ticked = text_of(asking.get(PLANNER)), text_of(asking.get(PLANNER, {"pick": licenses.public_id}))

    assert "Activated Sales licenses: 450 of 500 instead of 412 (+38)" in bare
    assert projected(ticked) > projected(bare)
    assert "1 of 1, 2 days" in ticked


def test_planned_score_is_the_score_of_the_night_once_it_is_done(asking, licenses, orchard):
    page = text_of(asking.get(PLANNER, {"pick": licenses.public_id}))

    correct(orchard, "sales.licenses_activated", YESTERDAY - timedelta(days=1), 450)
    pack.pack_due()
    opened = run.open_run(ScorecardVersion.objects.get(), YESTERDAY, revision=1)
    run.work(opened)
    run.publish_run(opened)

    assert projected(page) == round(read.latest(orchard).overall.points / 100, 1)


def test_planner_finds_the_cheapest_plan_and_says_the_next_best(asking, licenses, errors, orchard):
    now = read.latest(orchard).overall.points
    target = now // 100 + 1

    page = text_of(asking.get(PLANNER, {"target": target, "by": SOON, "find": 1}))

    assert f"Plans that reach {target}" in page
    assert "Cheapest" in page
    assert "You need" in page


def test_target_out_of_reach_is_said_with_what_can_be_reached(asking, licenses):
    page = text_of(asking.get(PLANNER, {"target": 100, "find": 1}))

    assert "No set of actions brings them" in page


def test_moved_input_moves_the_projection_alone(asking, scored):
    page = text_of(asking.get(PLANNER, {"metric": "sales.licenses_activated", "value": "500"}))

    assert "Activated Sales licenses, now: 412 to 500" in page
    assert projected(page) > projected(text_of(asking.get(PLANNER)))


ASKED = [
    ({"by": "2020-01-01"}, "2020-01-01 is not in the future"),
    ({"by": "soon"}, "“soon” is not a day"),
    ({"days": "-3"}, "-3 is not a number of days"),
    ({"target": "101"}, "101 is not from 0 to 100"),
    ({"pick": "abc"}, "“abc” is none of the open actions"),
    ({"metric": "sales.licenses_activated", "value": "-1"}, "-1 is not from 0"),
    ({"metric": "no.such", "value": "1"}, "“no.such” is not an input"),
    ({"move": "nonsense"}, "“nonsense” does not say which input"),
    ({"more": "1"}, "“more” is not a field"),
]


def test_what_cannot_be_is_named(asking, scored):
    answers = [asking.get(PLANNER, asked) for asked, _ in ASKED]

    assert [each.status_code for each in answers] == [422] * len(ASKED)
    assert [told for (_, told), each in zip(ASKED, answers, strict=True) if told not in text_of(each)] == []


def test_action_of_another_organization_is_none(asking, licenses, harbor):
    foreign = advise(harbor)

    response = asking.get(PLANNER, {"pick": foreign.public_id})

    assert response.status_code == 422
    assert "none of the open actions of this organization" in text_of(response)


def test_organization_without_a_score_is_told_when_to_come_back(asking, orchard):
    assert "There is no score yet" in text_of(asking.get(PLANNER))


def test_what_matters_less_is_not_chosen_unless_asked_for(asking, licenses, orchard, dana):
    goals.set_emphasis(
        orchard, "customer-success", licenses.signal, matters="not", reason="We sell it on", by=dana
    )

    without = text_of(asking.get(PLANNER, {"days": 10, "find": 1}))
    with_it = text_of(asking.get(PLANNER, {"days": 10, "find": 1, "less": "on"}))

    assert ("0 of 1" in without, "1 of 1" in with_it) == (True, True)


# ---------- saved plans ----------


def save(client, *recommendations, **fields):
    sent = {"name": "80 by March", "pick": [str(each.public_id) for each in recommendations], "by": SOON}
    return client.post(f"{PLANNER}save/", sent | fields)


def test_saved_plan_has_its_actions_days_and_projection(asking, licenses, errors, orchard, dana):
    response = save(asking, licenses, errors)

    roadmap = Roadmap.objects.get()
    assert response.status_code == 302
    assert response.url == f"{PLANNER}{roadmap.public_id}/"
    assert [each.recommendation for each in roadmap.items.all()] == [licenses, errors]
    gains = sum(each.gain for each in roadmap.items.all())
    assert roadmap.start_points + gains == roadmap.projected
    assert AuditEntry.objects.filter(action=Action.ROADMAP_SAVED, organization=orchard, actor=dana).exists()


REFUSED = [
    ({"name": ""}, "Give the plan a name"),
    ({"pick": []}, "Tick at least one action"),
    ({"pick": ["abc"]}, "“abc” is none of the open actions"),
    ({"by": "2020-01-01"}, "2020-01-01 is not in the future"),
    ({"days": "-1"}, "-1 is not a number of days"),
]


def test_plan_that_cannot_be_saved_says_why_and_loses_nothing(asking, licenses):
    answers = [save(asking, licenses, **changed) for changed, _ in REFUSED]

    assert [each.status_code for each in answers] == [422] * len(REFUSED)
    assert [told for (_, told), each in zip(REFUSED, answers, strict=True) if told not in text_of(each)] == []
    assert not Roadmap.objects.exists()


def test_owner_and_day_are_given_and_the_quicker_one_wins(asking, licenses, dana):
    save(asking, licenses)
    roadmap = Roadmap.objects.get()
    address = f"{PLANNER}{roadmap.public_id}/1/"
    sent = {"owner": str(dana.pk), "due_on": SOON, "edition": roadmap.edition}

    first, second = asking.post(address, sent), asking.post(address, sent | {"owner": ""})

    assert (first.status_code, second.status_code) == (302, 409)
    assert roadmap.items.get().owner == dana


def test_stranger_cannot_own_an_action(asking, licenses, hal):
    save(asking, licenses)
    roadmap = Roadmap.objects.get()

    response = asking.post(
        f"{PLANNER}{roadmap.public_id}/1/", {"owner": str(hal.pk), "due_on": "", "edition": 1}
    )

    assert response.status_code == 422
    assert f"“{hal.pk}” is not in the list" in text_of(response)


def test_day_that_is_over_is_refused(asking, licenses):
    save(asking, licenses)
    roadmap = Roadmap.objects.get()

    response = asking.post(
        f"{PLANNER}{roadmap.public_id}/1/", {"owner": "", "due_on": "2020-01-01", "edition": 1}
    )

    assert response.status_code == 422
    assert "2020-01-01 is over" in text_of(response)


def test_success_manager_sees_a_plan_once_it_is_shared(asking, licenses, casey, client):
    save(asking, licenses)
    roadmap = Roadmap.objects.get()
    address = f"{PLANNER}{roadmap.public_id}/"
    client.force_login(casey)
    before = client.get(address)

    roadmaps.share(roadmap, note="Is this sensible?", by=roadmap.made_by)
    after = client.get(address)

    assert (before.status_code, after.status_code) == (404, 200)
    assert "“Is this sensible?”" in text_of(after)


def test_viewer_reads_a_plan_and_changes_nothing(asking, licenses, vera, client):
    save(asking, licenses)
    roadmap = Roadmap.objects.get()
    client.force_login(vera)

    page = client.get(f"{PLANNER}{roadmap.public_id}/")

    assert "End this plan" not in text_of(page)
    assert client.post(f"{PLANNER}{roadmap.public_id}/end/").status_code == 403


def test_plan_of_another_organization_is_not_there(asking, licenses, harbor, hal, client):
    save(asking, licenses)
    roadmap = Roadmap.objects.get()
    client.force_login(hal)

    assert client.get(f"/o/harbor/planner/{roadmap.public_id}/").status_code == 404


def test_ended_plan_is_listed_no_more_and_its_actions_stay(asking, licenses):
    save(asking, licenses)
    roadmap = Roadmap.objects.get()

    asking.post(f"{PLANNER}{roadmap.public_id}/end/")

    assert "80 by March" not in text_of(asking.get(PLANNER)).replace("“80 by March”", "")
    licenses.refresh_from_db()
    assert licenses.status == "new"


def test_calendar_has_a_day_for_each_action(asking, licenses, errors):
    save(asking, licenses, errors, name="Tidy; up, now")
    roadmap = Roadmap.objects.get()

    response = asking.get(f"{PLANNER}{roadmap.public_id}/ics/")

    text = response.content.decode()
    lines = text.replace("\r\n ", "").split("\r\n")
    assert response["Content-Type"].startswith("text/calendar")
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert lines.count("BEGIN:VEVENT") == 2
    assert "X-WR-CALNAME:Tidy\\; up\\, now\\, Orchard" in lines
    first = roadmap.items.first()
    assert f"DTSTART;VALUE=DATE:{first.due_on:%Y%m%d}" in lines


def test_file_of_a_plan_holds_no_formula(asking, scored):
    advise(scored, title="=HYPERLINK(1)")
    save(asking, Recommendation.objects.get())
    roadmap = Roadmap.objects.get()

    text = asking.get(f"{PLANNER}{roadmap.public_id}/csv/").content.decode()

    assert "'=HYPERLINK(1)" in text
    assert ",=HYPERLINK" not in text


def test_night_works_out_a_plan_again_and_says_what_changed(asking, licenses, errors, orchard):
    save(asking, licenses, errors)
    Roadmap.objects.update(checked_on=YESTERDAY - timedelta(days=1))
    Recommendation.objects.filter(pk=errors.pk).update(status="archived", archived_reason="No time")

    looked, again = roadmaps.replan(YESTERDAY), roadmaps.replan(YESTERDAY)

    roadmap = Roadmap.objects.get()
    assert (looked, again) == (1, 0)
    assert roadmap.checked_on == YESTERDAY
    assert roadmap.checked_projected < roadmap.projected
    assert "“Fix the import job” was archived." in roadmap.news
    assert any("less than planned" in line for line in roadmap.news)
    assert "Since it was saved" in text_of(asking.get(f"{PLANNER}{roadmap.public_id}/"))


def test_planner_asks_few_questions(asking, licenses, django_assert_max_num_queries):
    asking.get(PLANNER)

    with django_assert_max_num_queries(45):
        asking.get(PLANNER, {"pick": licenses.public_id})


# ---------- on the overview ----------


@pytest.fixture
def planned(scored, licenses, errors):
    """A plan of two actions, one of which is complete."""
    Recommendation.objects.filter(pk=licenses.pk).update(status="complete", completed_on=YESTERDAY)
    made = scored.roadmaps.create(
        scorecard="customer-success",
        name="80 by March",
        made_at=timezone.now(),
        start_on=YESTERDAY,
        start_points=7000,
        projected=8000,
    )
    for position, each in enumerate((licenses, errors), start=1):
        made.items.create(organization=scored, recommendation=each, position=position, target=9000, gain=100)
    return made


def test_contact_sees_on_the_overview_how_far_the_plan_is(
    client, dana, planned, django_assert_max_num_queries
):
    client.force_login(dana)
    client.get("/o/orchard/")

    with django_assert_max_num_queries(12):
        page = client.get("/o/orchard/")

    assert "Your plan 80 by March : 1 of 2 actions complete; from 70.0 to 80.0" in text_of(page)
    assert f"/o/orchard/planner/{planned.public_id}/" in page.content.decode()


def test_plan_is_on_the_overview_where_no_action_is_open(client, dana, planned, orchard):
    orchard.recommendations.update(hidden_at=timezone.now())
    client.force_login(dana)

    assert "1 of 2 actions complete" in text_of(client.get("/o/orchard/"))


def test_success_manager_sees_the_plan_on_the_overview_once_it_is_shared(client, casey, dana, planned):
    client.force_login(casey)
    before = text_of(client.get("/o/orchard/"))
    roadmaps.share(planned, note="", by=dana)
    after = text_of(client.get("/o/orchard/"))

    assert ("80 by March" in before, "80 by March" in after) == (False, True)


def test_plan_that_has_ended_leaves_the_overview(client, dana, planned):
    client.force_login(dana)
    roadmaps.end(planned, by=dana)

    assert "80 by March" not in text_of(client.get("/o/orchard/"))


def test_plan_is_shared_with_the_success_manager_by_name(client, dana, casey, planned):
    client.force_login(dana)

    page = text_of(client.get(f"{PLANNER}{planned.public_id}/"))

    assert f"Share with {casey} Until then" in page
