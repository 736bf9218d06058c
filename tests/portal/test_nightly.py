"""The order of the night: each due day once, whatever was killed, asked for twice or slept through."""

import threading
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now

from accounts.models import Organization
from portal import nightly
from scoring import pack, publish, read, run
from scoring.models import (
    Batch,
    Chunk,
    MetricMonth,
    NightStep,
    Observation,
    Pointer,
    ScorecardVersion,
    ScoreSheet,
    ScoringRun,
    StepState,
)
from tests.factories import (
    SMALL_CARD,
    correct,
    make_measured,
    make_observations,
    make_organization,
    publish_small_card,
)

TODAY = date(2026, 10, 21)
DAY = TODAY - timedelta(days=1)  # the newest that can be over
SECOND = SMALL_CARD.replace('key = "customer-success"', 'key = "second"', 1)


@pytest.fixture
def version(db: None) -> ScorecardVersion:
    return publish_small_card()


@pytest.fixture
def customers(version: ScorecardVersion) -> list[Organization]:
    """Four customers whose numbers have come; nothing is packed yet."""
    return make_customers()


def make_customers(count: int = 4) -> list[Organization]:
    made = [
        make_organization(f"Customer {number}", products=["sales", "platform"]) for number in range(count)
    ]
    for each in made:
        make_measured(each, DAY)
    return made


def published_days() -> list[date]:
    return sorted(Pointer.objects.values_list("day", flat=True))


def days(first: int, last: int) -> list[date]:
    """Days of October."""
    return [date(2026, 10, day) for day in range(first, last + 1)]


# ---------- one night ----------


def test_night_packs_scores_and_publishes(customers):
    nightly.run_night(DAY)

    assert not Batch.objects.filter(packed_at=None).exists()
    assert published_days() == [DAY]
    assert read.latest(customers[0]).by_node["sales.work_order_growth"].points == 6144
    assert list(NightStep.objects.order_by("pk").values_list("name", "state")) == [
        (name, "done") for name, _ in nightly.STEPS
    ]


def test_night_asked_for_again_changes_no_byte(customers):
    nightly.run_night(DAY)
    before = everything()

    nightly.run_night(DAY)

    assert everything() == before


def test_night_scores_every_scorecard_that_is_in_force(customers):
    second = publish_small_card(SECOND)
    publish_small_card(SMALL_CARD.replace('key = "customer-success"', 'key = "later"', 1), effective_on=TODAY)
    Organization.objects.filter(pk=customers[0].pk).update(scorecard="second")

    nightly.run_night(DAY)

    runs = ScoringRun.objects.order_by("version__key").values_list("version__key", "day")
    assert list(runs) == [("customer-success", DAY), ("second", DAY)]
    assert ScoreSheet.objects.get(version=second).organization_id == customers[0].pk


def test_scorecard_published_after_a_night_is_scored_when_the_night_is_asked_for_again(customers):
    nightly.run_night(DAY)
    second = publish_small_card(SECOND)
    Organization.objects.filter(pk=customers[0].pk).update(scorecard="second")

    nightly.run_night(DAY)

    assert Pointer.objects.filter(version=second, day=DAY).exists()


def test_night_of_one_scorecard_is_no_night_of_all(customers):
    publish_small_card(SECOND)

    nightly.run_night(DAY, scorecard="second")

    assert [pointer.version.key for pointer in Pointer.objects.all()] == ["second"]
    assert not NightStep.objects.exists()
    assert nightly.due_nights(TODAY) == [DAY]


def test_scorecard_not_in_force_yet_is_an_error_only_when_asked_for(version):
    publish_small_card(SECOND, effective_on=TODAY)

    with pytest.raises(nightly.NightFailed, match="second"):
        nightly.run_night(DAY, scorecard="second")
    nightly.run_night(DAY)

    assert published_days() == [DAY]


def test_close_is_made_in_the_night_of_its_day(customers):
    nightly.run_night(date(2026, 9, 30))
    nightly.run_night(date(2026, 10, 6))
    make_observations(customers[0], {"sales.work_orders": {date(2026, 9, 29): 1000}})

    nightly.run_night(date(2026, 10, 7))

    pointer = Pointer.objects.get(day=date(2026, 9, 30))
    assert pointer.run.revision == 1
    assert pointer.run.reason == "Close, with the month's feeds"
    assert ScoreSheet.objects.filter(day=date(2026, 9, 30)).count() == 8


def test_late_data_makes_the_next_night_restate_the_close(customers):
    for day in (date(2026, 9, 30), date(2026, 10, 7)):
        nightly.run_night(day)
    make_observations(customers[0], {"sales.work_orders": {date(2026, 9, 29): 1000}})

    nightly.run_night(date(2026, 10, 8))
    nightly.run_night(date(2026, 10, 9))

    runs = ScoringRun.objects.filter(day=date(2026, 9, 30)).order_by("revision")
    assert [each.revision for each in runs] == [0, 1, 2]
    assert runs[2].reason == "Restated with late data"
    assert Pointer.objects.get(day=date(2026, 9, 30)).run == runs[2]


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All that a night leaves behind, in order."""
    sheets = ScoreSheet.objects.order_by("organization_id", "version_id", "day", "revision")
    months = MetricMonth.objects.order_by("organization_id", "month")
    pointers = Pointer.objects.order_by("version_id", "day").values_list("version_id", "day", "run__revision")
    return {
        "sheets": [tuple(map(plain, row)) for row in sheets.values_list()],
        "months": [tuple(map(plain, row)) for row in months.values_list()],
        "pointers": list(pointers),
    }


def plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


# ---------- which nights ----------


def test_first_night_of_an_installation_is_yesterdays(customers):
    assert nightly.catch_up(TODAY) == [DAY]
    assert nightly.catch_up(TODAY) == []


def test_nights_slept_through_are_made_up_for_in_order(customers):
    nightly.run_night(date(2026, 10, 16))

    assert nightly.catch_up(TODAY) == days(17, 20)
    made = ScoringRun.objects.filter(day__gt=date(2026, 10, 16)).order_by("opened_at", "pk")
    assert [each.day for each in made] == days(17, 20)


def test_at_most_fourteen_nights_are_made_up_for(customers):
    nightly.run_night(date(2026, 8, 1))

    assert nightly.due_nights(TODAY) == days(7, 20)


def test_night_left_out_before_a_newer_one_is_made_up_for(customers):
    nightly.run_night(date(2026, 10, 17))
    nightly.run_night(DAY)

    assert nightly.due_nights(TODAY) == days(18, 19)


def test_back_dated_night_leaves_no_gap_of_a_fortnight_behind(customers):
    nightly.run_night(DAY)

    nightly.run_night(date(2026, 9, 30))

    assert nightly.due_nights(TODAY) == days(7, 19)


def test_clock_set_back_asks_for_nothing_again(customers):
    nightly.catch_up(TODAY)

    assert nightly.catch_up(TODAY - timedelta(days=1)) == []
    assert nightly.catch_up(TODAY) == []


@pytest.mark.parametrize(
    ("today", "due"),
    [
        (date(2028, 3, 1), [date(2028, 2, 28), date(2028, 2, 29)]),
        (date(2027, 3, 1), [date(2027, 2, 27), date(2027, 2, 28)]),
        (date(2028, 1, 1), [date(2027, 12, 30), date(2027, 12, 31)]),
        (date(2026, 3, 30), [date(2026, 3, 28), date(2026, 3, 29)]),  # Europe loses an hour
    ],
)
def test_each_day_of_the_calendar_has_one_night(today, due, version):
    nightly.run_night(due[0] - timedelta(days=1))

    assert nightly.catch_up(today) == due
    assert ScoringRun.objects.filter(day__in=due).count() == 2


# ---------- what broke off ----------


def test_night_killed_in_the_middle_goes_on_where_it_stood(customers, settings):
    settings.CHUNK_ORGANIZATIONS = 1
    opened = broken_off_after("pack")
    run.score(run.claim(opened))
    first = ScoreSheet.objects.get()

    assert nightly.catch_up(TODAY) == [DAY]

    assert ScoringRun.objects.get() == opened
    assert [chunk.tries for chunk in opened.chunks.all()] == [1, 1, 1, 1]
    assert ScoreSheet.objects.get(organization=first.organization_id).nodes == first.nodes
    assert published_days() == [DAY]


def test_night_killed_again_and_again_is_still_due(customers):
    for _ in range(5):
        broken_off_after("pack")
    NightStep.objects.create(day=TODAY, name=nightly.STEPS[-1][0], state=StepState.DONE)

    assert nightly.due_nights(TODAY + timedelta(days=1)) == [DAY]


LAST = nightly.STEPS[-1][0]


def test_step_that_raised_is_tried_three_times(customers):
    nightly.run_night(DAY)
    NightStep.objects.filter(name=LAST).update(state=StepState.FAILED, tries=1)
    assert nightly.due_nights(TODAY) == [DAY]

    NightStep.objects.filter(name=LAST).update(tries=nightly.TRIES)

    assert nightly.due_nights(TODAY) == []


def test_older_night_that_raises_does_not_hold_the_newer_ones_up(customers, monkeypatch):
    nightly.run_night(date(2026, 10, 17))
    monkeypatch.setattr(nightly, "STEPS", [*nightly.STEPS[:-1], (LAST, breaks_on(date(2026, 10, 18)))])
    told: list[str] = []

    assert nightly.catch_up(TODAY, tell=told.append) == days(18, 20)

    assert published_days() == days(17, 20)
    assert "The night of 2026-10-18 failed: disk full" in told
    assert NightStep.objects.get(day=date(2026, 10, 18), name=LAST).state == StepState.FAILED
    assert nightly.due_nights(TODAY) == [date(2026, 10, 18)]


def test_newest_night_that_raises_says_so(customers, monkeypatch):
    monkeypatch.setattr(nightly, "STEPS", [*nightly.STEPS[:-1], (LAST, breaks_on(DAY))])

    with pytest.raises(OSError, match="disk full"):
        nightly.catch_up(TODAY)

    assert NightStep.objects.get(day=DAY, name=LAST).message == "disk full"


def breaks_on(bad: date):
    def step(day: date, scorecard: str | None, tell: nightly.Tell) -> None:
        if day == bad:
            raise OSError("disk full")

    return step


def broken_off_after(step: str) -> ScoringRun:
    """A night whose worker was killed in the step after this one, the run just opened."""
    for name, do in nightly.STEPS:
        nightly._begin(DAY, name, None)
        do(DAY, None, nightly.Hands())
        nightly._end(DAY, name, None, StepState.DONE)
        if name == step:
            break
    nightly._begin(DAY, "score", None)
    return run.open_run(publish.in_force("customer-success", DAY), DAY)


# ---------- the sweeper ----------


def test_sweeper_finishes_a_night_without_any_broker(customers, settings):
    settings.CHUNK_ORGANIZATIONS = 1
    opened = broken_off_after("pack")
    run.score(run.claim(opened))
    long_ago()

    nightly.sweep()

    assert published_days() == [DAY]
    assert nightly.due_nights(TODAY) == []


def test_sweeper_goes_on_with_a_night_killed_between_two_steps(customers):
    for name in ("give up", "pack"):
        NightStep.objects.create(day=DAY, name=name, state=StepState.DONE)
    pack.pack_due()
    long_ago()

    nightly.sweep()

    assert published_days() == [DAY]


def test_sweeper_leaves_a_night_alone_that_somebody_works_on(customers, settings):
    settings.CHUNK_ORGANIZATIONS = 1
    opened = broken_off_after("pack")
    run.claim(opened)
    long_ago()

    nightly.sweep()

    assert not ScoreSheet.objects.exists()


def test_sweeper_leaves_a_night_alone_that_began_just_now(customers):
    NightStep.objects.create(day=DAY, name="give up", state=StepState.OPEN)

    nightly.sweep()

    assert not ScoringRun.objects.exists()


def test_sweeper_finishes_the_run_of_one_scorecard_asked_for_by_hand(customers, version):
    pack.pack_due()
    opened = run.open_run(version, DAY)
    nightly.sweep()

    assert Pointer.objects.get().run == opened
    assert not NightStep.objects.exists()


def test_sweeper_packs_what_arrived_under_the_open_run(customers, version):
    pack.pack_due()
    run.open_run(version, DAY)
    make_observations(customers[0], {"sales.work_orders": {date(2026, 8, 30): 5}})
    assert pack.pack_due() == 0

    nightly.sweep()

    assert not Batch.objects.filter(packed_at=None).exists()


def test_sweeper_begins_no_night_and_ends_without_work(customers):
    nightly.sweep()

    assert not ScoringRun.objects.exists()
    assert not NightStep.objects.exists()


def test_sweeper_does_not_try_a_blocked_night_again(customers):
    nightly.run_night(DAY - timedelta(days=1))
    poison(customers[0])
    with pytest.raises(nightly.NightFailed):
        nightly.run_night(DAY)
    long_ago()
    tries = list(Chunk.objects.values_list("fence", flat=True))

    nightly.sweep()

    assert list(Chunk.objects.values_list("fence", flat=True)) == tries
    assert nightly.alarm().startswith(f"The night of {DAY} was not published")


def long_ago() -> None:
    NightStep.objects.update(changed_at=Now() - timedelta(hours=1))


# ---------- a night that cannot be published ----------


def test_blocked_night_is_retried_given_up_by_the_next_and_can_be_asked_for_again(customers, settings):
    nightly.run_night(DAY - timedelta(days=1))
    mend = poison(customers[0])

    with pytest.raises(nightly.NightFailed, match="1 organizations failed"):
        nightly.run_night(DAY)
    assert published_days() == [DAY - timedelta(days=1)]
    with pytest.raises(nightly.NightFailed):
        nightly.catch_up(TODAY + timedelta(days=1))
    blocked = ScoringRun.objects.get(day=DAY)
    assert "given up by the night of 2026-10-21" in blocked.reason
    mend()

    nightly.run_night(TODAY)
    nightly.run_night(DAY)

    assert published_days() == [DAY - timedelta(days=1), DAY, TODAY]
    assert NightStep.objects.exclude(state=StepState.DONE).count() == 0
    assert read.latest(customers[0]).day == TODAY


def test_data_that_mends_a_blocked_night_is_packed_and_read_by_the_next_try(customers):
    mend = poison(customers[0])
    with pytest.raises(nightly.NightFailed):
        nightly.run_night(DAY)
    correct(customers[0], "sales.work_orders", date(2026, 9, 30), 564)
    mend()

    nightly.run_night(DAY)

    assert read.latest(customers[0]).by_node["sales.work_order_growth"].points == 5000


def test_operator_who_mended_the_cause_runs_what_is_due_and_what_was_blocked(customers):
    nightly.run_night(DAY - timedelta(days=1))
    mend = poison(customers[0])
    with pytest.raises(nightly.NightFailed):
        nightly.run_night(DAY)
    mend()

    nightly.again(TODAY + timedelta(days=1))

    assert published_days() == [DAY - timedelta(days=1), DAY, TODAY]
    assert nightly.alarm() == ""


def test_nights_are_reported_to_the_operator(customers):
    nightly.run_night(DAY - timedelta(days=1))
    poison(customers[0])
    with pytest.raises(nightly.NightFailed):
        nightly.run_night(DAY)

    newest, before = nightly.nights()

    assert (newest.day, newest.is_fine, before.is_fine) == (DAY, False, True)
    assert newest.reports[0].state == "not published"
    assert newest.reports[0].failures[0].startswith(f"Organization {customers[0].pk}: ValueError")
    assert before.reports[0].organizations == 4


def poison(organization: Organization):
    """A packed row that no arithmetic can read; gives back what mends it."""
    pack.pack_due()
    row = MetricMonth.objects.filter(organization=organization.pk).latest("month")
    mine = MetricMonth.objects.filter(organization=organization.pk, month=row.month)
    mine.update(slots=bytes(row.slots) + b"\0" * (8 * pack.layout().width + 3))
    return lambda: mine.update(slots=row.slots)


# ---------- two at once ----------


@pytest.mark.django_db(transaction=True)
def test_two_nights_at_once_score_everybody_once(settings):
    settings.CHUNK_ORGANIZATIONS = 2
    publish_small_card()
    customers = make_customers(12)
    expected_packed = Batch.objects.count()
    start, errors = threading.Barrier(2), []

    def night() -> None:
        try:
            start.wait(20)
            nightly.run_night(DAY)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    both = [threading.Thread(target=night) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(60)

    assert errors == []
    assert ScoringRun.objects.count() == 1
    assert [chunk.tries for chunk in Chunk.objects.all()] == [1] * 6
    assert ScoreSheet.objects.count() == 12
    assert published_days() == [DAY]
    assert Batch.objects.exclude(packed_at=None).count() == expected_packed
    twice = everything()
    forget_the_night()
    nightly.run_night(DAY)
    assert everything() == twice
    assert Observation.objects.filter(organization=customers[0]).exists()


def forget_the_night() -> None:
    Pointer.objects.all().delete()
    ScoringRun.objects.all().delete()
    ScoreSheet.objects.all().delete()
    NightStep.objects.all().delete()
    MetricMonth.objects.all().delete()
    Batch.objects.update(packed_at=None, packing=None)


# ---------- by hand ----------


def test_command_runs_a_night_and_tells_how_it_goes(customers, capsys):
    call_command("nightly", "--day", DAY.isoformat())

    told = capsys.readouterr().out
    assert "Packed 4 batches." in told
    assert f"Published Customer Success Score v1 {DAY} r0." in told
    assert published_days() == [DAY]


def test_command_says_so_when_the_night_is_out_already(customers, capsys):
    call_command("nightly", "--day", DAY.isoformat())
    capsys.readouterr()

    call_command("nightly", "--day", DAY.isoformat())

    assert f"Published Customer Success Score v1 {DAY} r0." in capsys.readouterr().out


def test_command_runs_one_scorecard(customers):
    publish_small_card(SECOND)

    call_command("nightly", "--day", DAY.isoformat(), "--scorecard", "second", verbosity=0)

    assert [pointer.version.key for pointer in Pointer.objects.all()] == ["second"]


def test_command_without_a_day_catches_up_and_then_has_nothing_to_do(customers, capsys):
    call_command("nightly")
    assert "Done: " in capsys.readouterr().out

    call_command("nightly")

    assert "Nothing is due" in capsys.readouterr().out
    assert Pointer.objects.count() == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--day", "yesterday"], '"yesterday" is not a day; write it as 2026-11-20.'),
        (["--day", "2999-01-01"], "2999-01-01 has not come yet."),
        (["--scorecard", "none"], 'There is no scorecard "none". Published: customer-success.'),
    ],
)
def test_command_refuses_in_one_sentence(options, message, version):
    with pytest.raises(CommandError) as refused:
        call_command("nightly", *options)

    assert str(refused.value) == message


def test_command_fails_when_the_night_could_not_be_published(customers):
    poison(customers[0])

    with pytest.raises(CommandError, match="1 organizations failed; not published"):
        call_command("nightly", "--day", DAY.isoformat(), verbosity=0)
