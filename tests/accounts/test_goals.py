"""What an organization wants of its score: who said what, from when, until when."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts import goals
from accounts.access import Capability, Refused, open_organization
from accounts.goals import GoalChanged, GoalRefused
from accounts.models import AuditEntry, Organization, Role, User
from tests.factories import make_membership, make_organization, make_user

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
START = (date(2026, 11, 19), 6812)
CARD = "customer-success"


@pytest.fixture
def dora(orchard: Organization) -> User:
    """Another designated contact of Orchard."""
    user = make_user("dora@orchard.example")
    make_membership(user, orchard, Role.CONTACT)
    return user


def aim(organization: Organization, by: User, **changes):
    """82 in half a year for the overall score."""
    told = {"value": 82, "due_on": date(2027, 5, 20), "start": START, "at": NOW} | changes
    return goals.set_target(organization, CARD, told.pop("node", "overall"), by=by, **told)


def spare(organization: Organization, by: User, **changes):
    """Reviews matter less."""
    told = {"matters": "less", "reason": "We meet weekly anyway.", "at": NOW} | changes
    return goals.set_emphasis(organization, CARD, told.pop("node", "reviews.recency"), by=by, **told)


def test_target_says_who_set_it_when_and_where_it_began(orchard, dana):
    made = aim(orchard, dana)

    assert (made.set_by, made.set_at) == (dana, NOW)
    assert (made.start_on, made.start_points) == START
    assert goals.whole(orchard).targets == {"overall": made}


def test_changed_target_leaves_the_one_before_in_the_history(orchard, dana, dora):
    first = aim(orchard, dana)

    second = aim(orchard, dora, value=85, seen=first.public_id, at=NOW + timedelta(days=3))

    first.refresh_from_db()
    assert (first.value, first.ended_by, first.ended_at) == (82, dora, NOW + timedelta(days=3))
    assert goals.whole(orchard).targets == {"overall": second}
    assert list(goals.whole(orchard).past_targets) == [first]


def test_same_target_said_again_changes_nothing(orchard, dana):
    first = aim(orchard, dana)

    again = aim(orchard, dana, seen=first.public_id, at=NOW + timedelta(days=1))

    assert again == first
    assert AuditEntry.objects.filter(action="target_set").count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"value": -1}, "value"),
        ({"value": 101}, "value"),
        ({"due_on": TODAY}, "due_on"),
        ({"due_on": date(2026, 1, 1)}, "due_on"),
        ({"due_on": date(2100, 1, 1)}, "due_on"),
    ],
    ids=["below 0", "above 100", "today", "past", "far"],
)
def test_target_that_cannot_be_is_refused_at_its_field(orchard, dana, change, field):
    with pytest.raises(GoalRefused) as refused:
        aim(orchard, dana, **change)

    assert refused.value.field == field
    assert not orchard.targets.exists()


def test_who_decided_on_something_else_changes_nothing(orchard, dana, dora):
    """Dana and Casey both read the page without a target; Casey is quicker."""
    stands = aim(orchard, dora, value=90)

    for seen in (None, uuid4()):
        with pytest.raises(GoalChanged):
            aim(orchard, dana, seen=seen)

    stands.refresh_from_db()
    assert stands.ended_at is None
    assert goals.whole(orchard).targets["overall"].value == 90


def test_database_keeps_a_second_target_from_standing(orchard, dana):
    made = aim(orchard, dana)
    made.pk, made.public_id = None, uuid4()

    with pytest.raises(IntegrityError), transaction.atomic():
        made.save(force_insert=True)


def test_target_is_ended_once(orchard, dana):
    made = aim(orchard, dana)

    goals.end_target(made, by=dana, at=NOW + timedelta(hours=1))

    assert goals.whole(orchard).targets == {}
    with pytest.raises(GoalChanged):
        goals.end_target(made, by=dana)


def test_signal_matters_less_with_a_reason_and_as_much_again_later(orchard, dana):
    made = spare(orchard, dana)
    assert goals.matters(orchard, CARD) == {"reviews.recency": "less"}

    other = spare(orchard, dana, matters="not", seen=made.public_id)
    assert goals.matters(orchard, CARD) == {"reviews.recency": "not"}

    goals.end_emphasis(other, by=dana)
    assert goals.matters(orchard, CARD) == {}
    assert len(goals.whole(orchard).past_emphases) == 2
    with pytest.raises(GoalChanged):
        goals.end_emphasis(other, by=dana)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"matters": "more"}, "matters"), ({"reason": "  "}, "reason")],
    ids=["word", "reason"],
)
def test_emphasis_that_cannot_be_is_refused_at_its_field(orchard, dana, change, field):
    with pytest.raises(GoalRefused) as refused:
        spare(orchard, dana, **change)

    assert refused.value.field == field


def test_goals_of_another_scorecard_wait_in_the_history(orchard, dana):
    made = aim(orchard, dana)
    orchard.scorecard = "another"

    assert goals.whole(orchard).targets == {}
    assert list(goals.whole(orchard).past_targets) == [made]


def test_every_change_is_in_the_log_under_the_hat_of_the_contact(orchard, dana):
    goals.end_target(aim(orchard, dana), by=dana)
    goals.end_emphasis(spare(orchard, dana), by=dana)

    lines = AuditEntry.objects.filter(organization=orchard).order_by("pk")

    assert [(line.action, line.hat) for line in lines] == [
        ("target_set", "contact"),
        ("target_ended", "contact"),
        ("emphasis_set", "contact"),
        ("emphasis_ended", "contact"),
    ]
    assert lines[0].after == {"node": "overall", "value": 82, "by": "2027-05-20"}


def test_only_the_contact_may_set_targets(orchard, dana, casey, request):
    may = set()
    for who in ("dana", "tara", "vera", "pat", "casey", "lena", "gus", "ada", "otto"):
        try:
            open_organization(request.getfixturevalue(who), "orchard", to=Capability.SET_TARGETS)
            may.add(who)
        except Refused:
            pass

    assert may == {"dana"}


def test_contact_whose_plan_does_not_open_the_score_sets_no_target(meadow, pia):
    with pytest.raises(Refused):
        open_organization(pia, "meadow", to=Capability.SET_TARGETS)


def test_brief_says_the_same_as_the_whole_in_one_query(orchard, dana, django_assert_num_queries):
    made = aim(orchard, dana)
    spare(orchard, dana)
    goals.end_target(aim(orchard, dana, node="technical-health"), by=dana)

    with django_assert_num_queries(1):
        targets, said = goals.brief(orchard, CARD)

    told = ("node", "value", "due_on", "start_points", "start_on")
    assert [[getattr(each, name) for name in told] for each in targets.values()] == [
        [getattr(made, name) for name in told]
    ]
    assert said == goals.matters(orchard, CARD)


def test_goals_of_one_organization_are_not_those_of_another(orchard, dana):
    aim(orchard, dana)

    assert goals.whole(make_organization("Elsewhere")).targets == {}
