"""Two plans at one time: refused by the story, by the ORM and by raw SQL, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import overlap
from accounts.models import Plan, PlanInterval
from accounts.organizations import PlanOverlap, put_on_plan
from tests.factories import make_organization, make_plan

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)

# Beside Signature from new year to summer.
OVERLAPPING = [
    (NEW_YEAR - SECOND, NEW_YEAR + TICK),
    (SUMMER - TICK, NEXT_YEAR),
    (SUMMER - SECOND, None),
    (NEW_YEAR + SECOND, SUMMER - SECOND),
    (NEW_YEAR - SECOND, None),
    (NEW_YEAR - SECOND, NEXT_YEAR),
]
BESIDE = [(NEW_YEAR - SECOND, NEW_YEAR), (SUMMER, None), (SUMMER, NEXT_YEAR), (SUMMER + TICK, None)]


@pytest.fixture
def field(db):
    """On Signature from new year to summer."""
    organization = make_organization("Field")
    make_plan(organization, starts_at=NEW_YEAR, ends_at=SUMMER)
    return organization


def insert(organization, starts_at, ends_at):
    """As somebody at the console of the database would."""
    adapt = connection.ops.adapt_datetimefield_value
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_planinterval (organization_id, plan, starts_at, ends_at, source)"
            " VALUES (%s, 'premier', %s, %s, '')",
            [organization.pk, adapt(starts_at), adapt(ends_at) if ends_at else None],
        )


@pytest.mark.parametrize(("starts_at", "ends_at"), OVERLAPPING)
def test_database_refuses_two_plans_at_one_time(field, starts_at, ends_at):
    with pytest.raises(IntegrityError, match=overlap.NAME):
        insert(field, starts_at, ends_at)

    assert field.plan_intervals.count() == 1


@pytest.mark.parametrize(("starts_at", "ends_at"), BESIDE)
def test_plans_may_follow_each_other_without_a_gap(field, starts_at, ends_at):
    insert(field, starts_at, ends_at)

    assert field.plan_intervals.count() == 2


@pytest.mark.parametrize(("starts_at", "ends_at"), OVERLAPPING)
def test_other_organization_may_have_its_plan_at_the_same_time(field, starts_at, ends_at):
    insert(make_organization("Hill"), starts_at, ends_at)


def test_database_refuses_a_plan_that_is_moved_over_another(field):
    later = make_plan(field, Plan.PREMIER, starts_at=SUMMER)

    with pytest.raises(IntegrityError, match=overlap.NAME), transaction.atomic():
        PlanInterval.objects.filter(pk=later.pk).update(starts_at=SUMMER - TICK)
    with pytest.raises(IntegrityError, match=overlap.NAME), transaction.atomic():
        field.plan_intervals.filter(starts_at=NEW_YEAR).update(ends_at=None)


def test_plan_may_be_changed_where_it_stands(field):
    field.plan_intervals.update(ends_at=SUMMER + SECOND, plan=Plan.PREMIER)

    assert field.plan_intervals.get().ends_at == SUMMER + SECOND


@pytest.mark.parametrize(("starts_at", "ends_at"), OVERLAPPING)
def test_story_refuses_first_and_names_both_plans(field, starts_at, ends_at):
    with pytest.raises(PlanOverlap) as refused:
        put_on_plan(field, PlanInterval(plan=Plan.PREMIER, starts_at=starts_at, ends_at=ends_at))

    assert "Premier from" in str(refused.value)
    assert "Signature from 2026-01-01 until 2026-07-01" in str(refused.value)


def test_guards_stand_and_are_as_many_as_they_should_be(db):
    assert len(overlap.guards(connection)) == (1 if connection.vendor == "postgresql" else 2)


def test_guards_are_made_again_when_a_table_was_rebuilt(db):
    if connection.vendor != "sqlite":
        pytest.skip("only on SQLite do triggers vanish with their table")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {overlap.NAME}_insert")

    overlap.build(using="default")
    overlap.build(using="default")

    assert len(overlap.guards(connection)) == 2
