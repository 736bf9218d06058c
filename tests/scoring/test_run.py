"""One night: everybody is scored once, a lost worker costs a retry, and people see all of it or nothing."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.db.models.functions import Now

from accounts.models import Organization
from scoring import pack, publish, read, run
from scoring.models import Batch, Chunk, MetricMonth, Pointer, ScorecardVersion, ScoreSheet, ScoringRun
from tests.factories import (
    SMALL_CARD,
    correct,
    make_measured,
    make_observations,
    make_organization,
    publish_small_card,
)

DAY = date(2026, 10, 20)
NEXT = DAY + timedelta(days=1)
ELSEWHERE = SMALL_CARD.replace('key = "customer-success"', 'key = "elsewhere"', 1)


@pytest.fixture
def version(db: None) -> ScorecardVersion:
    return publish_small_card()


@pytest.fixture
def seven(version: ScorecardVersion) -> list[Organization]:
    """Seven customers whose numbers have come and are packed."""
    return make_customers(7)


def make_customers(count: int) -> list[Organization]:
    customers = [make_organization(f"Customer {n}", products=["sales", "platform"]) for n in range(count)]
    for number, customer in enumerate(customers):
        make_measured(customer, DAY, sales__work_orders={date(2026, 9, 30): 400 + 17 * number})
    pack.pack_due()
    return customers


def night(version: ScorecardVersion, day: date = DAY, **fields: object) -> ScoringRun:
    """A whole night, done by one worker."""
    opened = run.open_run(version, day, **fields)
    run.work(opened)
    assert run.publish_run(opened)
    return opened


def sheets_of(day: date) -> dict[tuple[int, int], tuple[int, int, int, bytes]]:
    columns = ("organization_id", "revision", "points", "coverage", "state", "nodes")
    rows = ScoreSheet.objects.filter(day=day).values_list(*columns)
    return {row[:2]: (*row[2:5], bytes(row[5])) for row in rows}


# ---------- opening ----------


def test_opening_twice_is_one_run(seven, version, settings):
    settings.CHUNK_ORGANIZATIONS = 3

    first, second = run.open_run(version, DAY), run.open_run(version, DAY)

    assert first == second
    assert ScoringRun.objects.count() == 1
    assert first.chunks.count() == 3


@pytest.mark.parametrize("size", [1, 2, 3, 7, 5000])
def test_chunks_hold_everybody_once(size, seven, version, settings):
    settings.CHUNK_ORGANIZATIONS = size
    make_organization("Elsewhere", scorecard="elsewhere")
    later = make_organization("Later")

    chunks = list(run.open_run(version, DAY).chunks.order_by("first"))

    for organization in [*seven, later]:
        assert len([each for each in chunks if each.first <= organization.pk <= each.last]) == 1
    assert all(before.last < after.first for before, after in pairwise(chunks))
    mine = run.population_of("customer-success")
    assert all(mine.filter(pk__gte=each.first, pk__lte=each.last).count() <= size for each in chunks)


def test_scorecard_scores_its_own_customers_alone(seven, version):
    other = publish_small_card(ELSEWHERE)
    Organization.objects.filter(pk=seven[0].pk).update(scorecard="elsewhere")

    night(version)
    night(other)

    scored = dict(ScoreSheet.objects.values_list("organization_id", "version_id"))
    assert scored == {each.pk: version.pk for each in seven[1:]} | {seven[0].pk: other.pk}


def test_health_card_scores_everybody(seven, version):
    health = publish_small_card(SMALL_CARD.replace('key = "customer-success"', 'key = "account-health"', 1))
    Organization.objects.filter(pk=seven[0].pk).update(scorecard="elsewhere")

    night(health)

    assert ScoreSheet.objects.filter(version=health).count() == 7


def test_customer_whose_first_day_has_not_come_gets_no_sheet(seven, version):
    make_organization("Nothing known")

    opened = night(version)

    assert ScoreSheet.objects.count() == 7
    assert sum(opened.chunks.values_list("organizations", flat=True)) == 7


def test_night_without_any_customer_is_published(version):
    night(version)

    assert Pointer.objects.count() == 1


# ---------- chunks ----------


def test_each_chunk_is_given_out_once(seven, version, settings):
    settings.CHUNK_ORGANIZATIONS = 3
    opened = run.open_run(version, DAY)

    claimed = [run.claim(opened) for _ in range(4)]

    assert [each and each.first for each in claimed] == [seven[0].pk, seven[3].pk, seven[6].pk, None]
    assert run.held().count() == 3


def test_chunk_that_is_done_is_not_given_out_again(seven, version):
    opened = run.open_run(version, DAY)
    run.score(run.claim(opened))

    assert run.claim(opened) is None
    assert not run.held().exists()


def test_lease_that_ran_out_is_claimed_again_under_a_new_fence(seven, version):
    opened = run.open_run(version, DAY)
    first = run.claim(opened)
    lapse(first)

    second = run.claim(opened)

    assert second == first
    assert (second.fence, second.tries) == (first.fence + 1, 2)


def test_lost_lease_writes_nothing(seven, version):
    opened = run.open_run(version, DAY)
    slow = run.claim(opened)
    lapse(slow)
    quick = run.claim(opened)

    with pytest.raises(run.LeaseLost):
        run.score(slow)

    assert not ScoreSheet.objects.exists()
    assert not Chunk.objects.exclude(done_at=None).exists()
    assert run.score(quick) == 7


def test_worker_that_comes_back_late_changes_nothing(seven, version):
    opened = run.open_run(version, DAY)
    slow = run.claim(opened)
    lapse(slow)
    run.score(run.claim(opened))
    before = sheets_of(DAY)

    with pytest.raises(run.LeaseLost):
        run.score(slow)
    run.fail(slow, ValueError("too late"))

    assert sheets_of(DAY) == before
    assert not run.failed(opened).exists()
    assert run.publish_run(opened)


def test_expired_lease_that_nobody_else_took_still_counts(seven, version):
    opened = run.open_run(version, DAY)
    slow = run.claim(opened)
    lapse(slow)

    assert run.score(slow) == 7


def lapse(chunk: Chunk) -> None:
    Chunk.objects.filter(pk=chunk.pk).update(leased_until=Now() - timedelta(seconds=1))


# ---------- bytes ----------


def test_size_of_the_chunks_changes_no_byte(seven, version, settings):
    by_size = {}
    for size in (1, 3, 5000):
        settings.CHUNK_ORGANIZATIONS = size
        night(version)
        by_size[size] = sheets_of(DAY)
        forget_night()

    assert len(by_size[1]) == 7
    assert by_size[1] == by_size[3] == by_size[5000]


def test_chunk_that_was_half_written_before_is_written_over(seven, version):
    night(version)
    expected = sheets_of(DAY)
    forget_night(keep_sheets=True)
    ScoreSheet.objects.filter(organization__in=[each.pk for each in seven[:3]]).delete()
    ScoreSheet.objects.filter(organization=seven[4].pk).update(points=1, nodes=b"old")

    night(version)

    assert sheets_of(DAY) == expected


def test_night_asked_for_again_touches_no_sheet(seven, version):
    first = night(version)
    expected, published_at = sheets_of(DAY), ScoringRun.objects.get().published_at
    make_observations(seven[0], {"sales.work_orders": {date(2026, 9, 29): 1000}})
    pack.pack_due()

    assert night(version) == first
    assert sheets_of(DAY) == expected
    assert ScoringRun.objects.get().published_at == published_at


def forget_night(*, keep_sheets: bool = False) -> None:
    Pointer.objects.all().delete()
    ScoringRun.objects.all().delete()
    if not keep_sheets:
        ScoreSheet.objects.all().delete()


# ---------- an organization that cannot be scored ----------


@pytest.mark.parametrize("size", [4, 5000])
def test_poisoned_customer_keeps_the_last_score_with_the_reason_and_others_publish(size, version, settings):
    settings.CHUNK_ORGANIZATIONS = size
    customers = make_customers(51)  # one of them is below 2 %
    poisoned = customers[20]
    night(version)
    poison(poisoned)

    opened = night(version, NEXT)

    assert ScoreSheet.objects.filter(day=NEXT).count() == 50
    kept, fresh = read.latest(poisoned), read.latest(customers[0])
    assert (kept.day, kept.newest_day, fresh.day) == (DAY, NEXT, NEXT)
    assert kept.kept_because.startswith("ValueError: ")
    assert fresh.kept_because == ""
    assert [(each.first, each.last, each.organizations) for each in run.failed(opened)] == [
        (poisoned.pk, poisoned.pk, 0)
    ]


def test_too_many_failures_leave_the_night_unpublished_and_alarm(
    seven, version, settings, mailoutbox, django_capture_on_commit_callbacks
):
    settings.ADMINS = ["operator@vendor.example"]
    night(version)
    poison(seven[3])

    opened = run.open_run(version, NEXT)
    run.work(opened)
    with django_capture_on_commit_callbacks(execute=True):
        is_out = run.publish_run(opened)

    assert not is_out
    assert run.is_blocked(opened)
    assert read.latest(seven[0]).day == DAY
    assert [mail.subject.endswith("A night was not published") for mail in mailoutbox] == [True]
    assert "1 of 7 organizations" in mailoutbox[0].body


def test_exactly_two_percent_is_still_published(version):
    customers = make_customers(50)
    poison(customers[7])

    night(version)

    assert ScoreSheet.objects.count() == 49


def test_blocked_night_is_published_once_it_is_mended_and_asked_for_again(seven, version):
    mend = poison(seven[3])
    opened = run.open_run(version, DAY)
    run.work(opened)
    assert not run.publish_run(opened)
    mend()

    run.reopen(opened)
    run.work(opened)

    assert run.publish_run(opened)
    assert ScoreSheet.objects.count() == 7
    assert not run.failed(opened).exists()


def test_night_given_up_can_be_asked_for_again(seven, version):
    opened = run.open_run(version, DAY)
    run.abandon(opened, "nobody came")
    assert not run.publish_run(opened)

    run.reopen(opened)
    run.work(opened)

    assert run.publish_run(opened)


def test_published_night_cannot_be_given_up_or_opened_again(seven, version):
    opened = night(version)

    run.abandon(opened, "by mistake")
    run.reopen(opened)

    opened.refresh_from_db()
    assert opened.abandoned_at is None
    assert not opened.chunks.filter(done_at=None).exists()


def test_worker_of_before_a_reopening_writes_nothing(seven, version):
    opened = run.open_run(version, DAY)
    old = run.claim(opened)
    run.abandon(opened, "nobody came")
    run.reopen(opened)

    with pytest.raises(run.LeaseLost):
        run.score(old)


def test_chunk_that_failed_once_is_tried_again_whole(seven, version):
    mend = poison(seven[3])
    opened = run.open_run(version, DAY)
    chunk = run.claim(opened)
    with pytest.raises(ValueError, match="buffer") as failure:
        run.score(chunk)
    run.fail(chunk, failure.value)
    mend()

    run.work(opened)

    assert run.publish_run(opened)
    assert opened.chunks.get().failure == ""


def poison(organization: Organization):
    """A row that no arithmetic can read; gives back what mends it."""
    row = MetricMonth.objects.filter(organization=organization.pk).latest("month")
    mine = MetricMonth.objects.filter(organization=organization.pk, month=row.month)
    mine.update(slots=bytes(row.slots) + b"\0" * (8 * pack.layout().width + 3))
    return lambda: mine.update(slots=row.slots)


# ---------- publishing ----------


def test_half_done_night_is_never_seen(seven, version, settings):
    settings.CHUNK_ORGANIZATIONS = 3
    night(version)
    opened = run.open_run(version, NEXT)
    for _ in range(2):
        run.score(run.claim(opened))

    assert not run.publish_run(opened)
    assert ScoreSheet.objects.filter(day=NEXT, organization=seven[0].pk).exists()
    assert read.latest(seven[0]).day == DAY
    assert {day for day, _, _ in read.picker(seven).values()} == {DAY}
    assert [point.day for point in read.trend(seven[0])] == [DAY]


def test_publishing_moves_one_pointer_once(seven, version):
    opened = run.open_run(version, DAY)
    run.work(opened)

    assert run.publish_run(opened)
    first = Pointer.objects.values().get()
    assert run.publish_run(opened)

    assert Pointer.objects.values().get() == first
    assert first["run_id"] == opened.pk


def test_back_dated_night_moves_nothing_that_people_see(seven, version):
    night(version)
    before = read.latest(seven[0])

    night(version, date(2026, 10, 5))

    after = read.latest(seven[0])
    assert (after.day, after.overall) == (before.day, before.overall)
    assert read.latest(seven[0], day=date(2026, 10, 19)).day == date(2026, 10, 5)


# ---------- closes ----------

CLOSE = date(2026, 9, 30)
CLOSING = date(2026, 10, 7)  # the night of the 8th scores this day


@pytest.fixture
def september(seven: list[Organization], version: ScorecardVersion) -> ScoringRun:
    """The night of the last day of September, at revision 0."""
    return night(version, CLOSE)


def due(day: date, version: ScorecardVersion) -> list[tuple[date, int]]:
    return [(close, revision) for _, close, revision, _ in run.due_closes(lambda _: version, day)]


def close(day: date, version: ScorecardVersion) -> None:
    for which, month_end, revision, reason in list(run.due_closes(lambda _: version, day)):
        night(which, month_end, revision=revision, reason=reason)


def test_close_is_made_on_the_night_of_its_day(september, version):
    assert due(date(2026, 10, 6), version) == []
    assert due(CLOSING, version) == [(CLOSE, 1)]


def test_day_of_the_close_is_a_setting(september, version, settings):
    settings.CLOSE_DAY = 3

    assert due(date(2026, 10, 1), version) == []
    assert due(date(2026, 10, 2), version) == [(CLOSE, 1)]


def test_close_is_made_once(september, version):
    close(CLOSING, version)

    assert due(CLOSING, version) == []
    assert due(date(2026, 10, 8), version) == []


def test_close_that_was_slept_through_is_made_later(september, version):
    assert due(date(2026, 10, 19), version) == [(CLOSE, 1)]


def test_close_reads_the_feeds_that_came_after_the_month(september, seven, version):
    late = september_orders(seven[0])
    before = points_of(seven[0], CLOSE, "sales.work_order_growth")

    close(CLOSING, version)

    assert late.packed_at is not None
    after = read.latest(seven[0], day=CLOSE)
    assert (after.day, after.revision) == (CLOSE, 1)
    assert after.by_node["sales.work_order_growth"].points != before
    assert len(sheets_of(CLOSE)) == 14  # both revisions are kept


def test_late_data_restates_a_close_beside_the_old_one(september, seven, version):
    close(CLOSING, version)
    before = {key: row for key, row in sheets_of(CLOSE).items() if key[1] <= 1}
    september_orders(seven[0])

    assert due(date(2026, 10, 8), version) == [(CLOSE, 2)]
    close(date(2026, 10, 8), version)

    now = sheets_of(CLOSE)
    assert now.items() > before.items()
    assert now[seven[0].pk, 2] != now[seven[0].pk, 1]
    assert now[seven[1].pk, 2] == now[seven[1].pk, 1]
    assert read.latest(seven[0], day=CLOSE).revision == 2
    assert due(date(2026, 10, 9), version) == []


def test_correction_of_a_closed_month_restates_it(september, seven, version):
    close(CLOSING, version)
    correct(seven[0], "sales.work_orders", CLOSE, 1)
    pack.pack_due()

    assert due(date(2026, 10, 8), version) == [(CLOSE, 2)]


def test_declaration_about_a_closed_month_restates_it(september, seven, version):
    close(CLOSING, version)
    make_observations(
        seven[0], {"reviews.held": {DAY: 1}}, complete_from=date(2026, 9, 29), complete_to=date(2026, 10, 8)
    )
    pack.pack_due()

    assert due(date(2026, 10, 8), version) == [(CLOSE, 2)]


def test_data_of_the_running_month_restates_nothing(september, seven, version):
    close(CLOSING, version)
    make_observations(seven[0], {"reviews.held": {date(2026, 10, 3): 1}})
    pack.pack_due()

    assert due(date(2026, 10, 8), version) == []


def test_data_that_waits_for_packing_restates_nothing_yet(september, seven, version):
    close(CLOSING, version)
    make_observations(seven[0], {"reviews.held": {date(2026, 9, 3): 1}})

    assert due(date(2026, 10, 8), version) == []


def test_late_data_restates_for_ninety_days_and_no_longer(september, seven, version):
    close(CLOSING, version)
    september_orders(seven[0])

    assert due(CLOSE + timedelta(days=90), version) == [(CLOSE, 2)]
    assert due(CLOSE + timedelta(days=91), version) == []


def test_restated_close_is_not_what_people_see_as_current(september, seven, version):
    night(version)
    before = read.latest(seven[0])

    close(DAY, version)

    assert read.latest(seven[0]).overall == before.overall
    assert read.latest(seven[0]).day == DAY


def september_orders(organization: Organization) -> Batch:
    late = make_observations(organization, {"sales.work_orders": {date(2026, 9, 29): 1000}})
    pack.pack_due()
    late.refresh_from_db()
    return late


def points_of(organization: Organization, day: date, node: str) -> int | None:
    return read.latest(organization, day=day).by_node[node].points


def test_version_scores_its_days_though_a_newer_one_is_published(seven, version):
    newer = publish_small_card(SMALL_CARD.replace("weight = 50", "weight = 5"), effective_on=DAY)

    assert publish.in_force("customer-success", DAY - timedelta(days=1)) == version
    night(version, DAY - timedelta(days=1))
    night(newer, DAY)

    assert read.latest(seven[0], day=DAY - timedelta(days=1)).number == 1
    assert read.latest(seven[0]).number == 2
