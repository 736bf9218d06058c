"""Packing: whatever is delivered in whatever order, the months say what the whole table says (RECIPES §2)."""

import random
import threading
from datetime import date, timedelta

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now
from hypothesis import given
from hypothesis import strategies as some

from accounts.models import Organization
from scoring import engine, pack, publish, read, run
from scoring.models import Batch, Metric, MetricMonth, Observation, ScorecardVersion, ScoreSheet, Turn
from tests.factories import (
    SMALL_CARD,
    correct,
    make_batch,
    make_measured,
    make_observations,
    make_organization,
    make_plan,
    publish_small_card,
)

FIRST = date(2026, 2, 1)  # a month of 28 days is among them
LAST = date(2026, 8, 31)


@pytest.fixture
def version(db: None) -> ScorecardVersion:
    return publish_small_card()


# ---------- the oracle ----------


@pytest.mark.parametrize("seed", range(6))
def test_any_order_with_repeats_and_corrections_packs_to_the_same_bytes(seed, version):
    chance = random.Random(seed)
    people = [make_organization(f"Customer {number}") for number in range(3)]
    for _ in range(14):
        deliver(chance, people)
        waiting = list(Batch.objects.filter(packed_at=None).values_list("pk", flat=True))
        pack_only(chance.sample(waiting, chance.randint(0, len(waiting))))
        packed = list(Batch.objects.exclude(packed_at=None).values_list("pk", flat=True))
        if packed and chance.random() < 0.4:
            Batch.objects.filter(pk=chance.choice(packed)).update(packed_at=None)  # it is packed once more

    pack.pack_due(batches_at_once=chance.choice([1, 3, 20]))

    assert stored() == packed_at_once()
    assert unpacked() == by_hand()


@pytest.mark.parametrize("seed", range(4))
def test_months_and_observations_agree_after_every_packing(seed, version):
    chance = random.Random(100 + seed)
    card = publish.card_of(version)
    people = [make_organization(f"Customer {number}") for number in range(2)]
    for _ in range(14):
        deliver(chance, people)
        waiting = list(Batch.objects.filter(packed_at=None).values_list("pk", flat=True))

        pack_only(chance.sample(waiting, chance.randint(1, len(waiting))))

        assert_panels_agree(card, people)


def deliver(chance: random.Random, people: list[Organization]) -> None:
    """One delivery: numbers of days all over the months that were not sent before, or a correction of one."""
    organization = chance.choice(people)
    sent = list(Observation.objects.filter(organization=organization).select_related("metric", "batch"))
    if sent and chance.random() < 0.4:
        fresh = [row for row in sent if row.batch.packed_at is None]  # also before it was ever packed
        row = chance.choice(fresh if fresh and chance.random() < 0.5 else sent)
        correct(organization, row.metric.key, row.day, number(chance, row.metric))
        return
    known = {(row.metric.key, row.day) for row in sent}
    numbers: dict[str, dict[date, float]] = {}
    for metric in chance.sample(list(Metric.objects.all()), 4):
        days = [FIRST + timedelta(days=chance.randrange((LAST - FIRST).days + 1)) for _ in range(8)]
        fresh = {day: number(chance, metric) for day in days if (metric.key, day) not in known}
        numbers[metric.key] = fresh
    make_observations(organization, numbers)


def number(chance: random.Random, metric: Metric) -> float:
    if metric.nature == "event":
        return float(chance.random() < 0.8)
    return chance.choice([0.0, float(chance.randrange(1000)), chance.random() * 1e6])


def pack_only(batches: list[int]) -> None:
    """Pack these as if the others were not committed yet."""
    others = Batch.objects.filter(packed_at=None).exclude(pk__in=batches)
    held_back = list(others.values_list("pk", flat=True))
    others.update(packed_at=Now())
    pack.pack_due()
    Batch.objects.filter(pk__in=held_back).update(packed_at=None)


def stored() -> dict[tuple[int, date], tuple[bytes, bytes]]:
    rows = MetricMonth.objects.values_list("organization_id", "month", "slots", "days")
    return {(organization, month): (bytes(slots), bytes(days)) for organization, month, slots, days in rows}


def packed_at_once() -> dict[tuple[int, date], tuple[bytes, bytes]]:
    MetricMonth.objects.all().delete()
    Batch.objects.update(packed_at=None, packing=None)
    pack.pack_due(batches_at_once=10_000)
    return stored()


def unpacked() -> dict[tuple[int, date, str, int], float]:
    """Every number that is kept, by organization, month, metric and its place in the metric's own slots."""
    layout, found = pack.layout(), {}
    for (organization, month), (slots, days) in stored().items():
        for metric in layout.metrics.values():
            width = pack.DAYS if metric.daily else pack.places(metric.nature)
            row = pack.unpack([days if metric.daily else slots], pack.DAYS * layout.daily + layout.width)[0]
            first = pack.DAYS * metric.slot if metric.daily else metric.slot
            for place, value in enumerate(row[first : first + width]):
                if not np.isnan(value):
                    found[organization, month, metric.key, place] = float(value)
    return found


def by_hand() -> dict[tuple[int, date, str, int], float]:
    """The same from the observations, one after another in plain Python."""
    cells: dict[tuple[int, date, Metric], list[tuple[date, float]]] = {}
    for row in Observation.objects.select_related("metric").order_by("day"):
        key = (row.organization_id, row.day.replace(day=1), row.metric)
        cells.setdefault(key, []).append((row.day, row.value))
    found: dict[tuple[int, date, str, int], float] = {}
    for (organization, month, metric), values in cells.items():
        for place, value in places_of(metric, values).items():
            found[organization, month, metric.key, place] = value
    return found


def places_of(metric: Metric, values: list[tuple[date, float]]) -> dict[int, float]:
    total = 0.0
    for _, value in values:
        total += value
    if metric.grain == "day":
        return {day.day - 1: value for day, value in values}
    if metric.nature == "stock":
        return {0: values[-1][1], 1: values[-1][0].day}
    if metric.nature == "event":
        return {0: float(sum(2 ** (day.day - 1) for day, value in values if value > 0))}
    return {0: total / len(values) if metric.nature == "gauge" else total}


def assert_panels_agree(card: engine.Scorecard, people: list[Organization]) -> None:
    """What a night would read now is what an explanation of it will read for ever."""
    watermark = Turn.objects.get(name="pack").number
    everyone = pack.population(Organization.objects.all())
    night = pack.panel(card, everyone, LAST, watermark=watermark, places_now=pack.layout())
    for at, organization in enumerate(people):
        one = pack.panel_of(card, organization, LAST, watermark=watermark)
        np.testing.assert_array_equal(one.slots[0], night.slots[at])
        np.testing.assert_array_equal(one.days[0], night.days[at])


# ---------- what a month holds ----------


def test_stock_is_kept_with_the_day_it_is_of(orchard, version):
    deliver_now(orchard, "sales.licenses_activated", {date(2026, 7, 21): 412, date(2026, 7, 7): 400})

    assert months_of("sales.licenses_activated", 2) == [[412, 21]]


def test_older_stock_arriving_late_does_not_replace_the_newest(orchard, version):
    deliver_now(orchard, "sales.licenses_activated", {date(2026, 7, 21): 412})
    deliver_now(orchard, "sales.licenses_activated", {date(2026, 7, 14): 405})

    assert months_of("sales.licenses_activated", 2) == [[412, 21]]


def test_flow_of_several_days_is_their_sum(orchard, version):
    deliver_now(orchard, "sales.work_orders", {date(2026, 7, 1): 300, date(2026, 7, 31): 393})

    assert months_of("sales.work_orders", 1) == [[693]]


def test_gauge_of_several_days_is_their_mean(orchard, version):
    deliver_now(orchard, "reviews.satisfaction", {date(2026, 7, 1): 4, date(2026, 7, 31): 5})

    assert months_of("reviews.satisfaction", 1) == [[4.5]]


def test_event_keeps_the_days_on_which_it_happened(orchard, version):
    deliver_now(orchard, "reviews.held", {date(2026, 7, 1): 1, date(2026, 7, 12): 0, date(2026, 7, 31): 1})

    assert months_of("reviews.held", 1) == [[2**0 + 2**30]]


def test_event_that_was_taken_back_is_gone(orchard, version):
    deliver_now(orchard, "reviews.held", {date(2026, 7, 5): 1})
    correct(orchard, "reviews.held", date(2026, 7, 5), 0)
    pack.pack_due()

    assert months_of("reviews.held", 1) == [[0]]


def test_day_grain_keeps_each_day(orchard, version):
    deliver_now(orchard, "platform.errors", {date(2026, 7, 1): 3, date(2026, 7, 31): 0})

    slot = Metric.objects.get(key="platform.errors").slot
    days = pack.unpack([MetricMonth.objects.get().days], pack.DAYS * pack.layout().daily)[0]
    kept = days[pack.DAYS * slot : pack.DAYS * (slot + 1)]
    assert kept[0] == 3
    assert kept[30] == 0
    assert np.isnan(kept[1:30]).all()


def deliver_now(organization: Organization, key: str, values: dict[date, float]) -> None:
    make_observations(organization, {key: values})
    pack.pack_due()


def months_of(key: str, places: int) -> list[list[float]]:
    layout = pack.layout()
    rows = pack.unpack(
        list(MetricMonth.objects.order_by("month").values_list("slots", flat=True)), layout.width
    )
    slot = layout.month_slots[key]
    return rows[:, slot : slot + places].tolist()


# ---------- rows of another age ----------


def test_metric_added_later_takes_a_new_slot_and_changes_nothing(orchard, version):
    make_measured(orchard, LAST)
    pack.pack_due()
    slots, before, numbers = places_by_key(), stored(), unpacked()

    publish_small_card(with_tickets())

    assert stored() == before
    assert unpacked() == numbers
    assert places_by_key().items() > slots.items()


def test_month_of_before_takes_a_number_of_the_new_metric(orchard, version):
    make_measured(orchard, LAST)
    pack.pack_due()
    before = unpacked()
    publish_small_card(with_tickets())

    deliver_now(orchard, "sales.tickets", {LAST: 17})

    assert unpacked() == before | {(orchard.pk, LAST.replace(day=1), "sales.tickets", 0): 17}
    assert stored() == packed_at_once()


def test_panel_of_old_months_is_as_wide_as_todays_metrics(orchard, version):
    make_measured(orchard, LAST)
    pack.pack_due()
    card = publish.card_of(publish_small_card(with_tickets()))

    panel = night_panel(card)

    assert panel.slots.shape == (1, card.months, pack.layout().width)
    assert np.isnan(panel.slots[0, :, panel.month_slots["sales.tickets"]]).all()
    assert panel.slots[0, -1, panel.month_slots["sales.licenses_activated"]] == 412


@given(
    some.lists(
        some.lists(some.one_of(some.just(float("nan")), some.floats(-1e15, 1e15)), max_size=9), max_size=5
    )
)
def test_rows_of_any_length_come_back_padded_with_unknown(rows):
    width = 9

    back = pack.unpack([np.array(row, dtype=np.float64).tobytes() for row in rows], width)

    assert back.shape == (len(rows), width)
    for row, given_row in zip(back, rows, strict=True):
        np.testing.assert_array_equal(row, given_row + [np.nan] * (width - len(given_row)))


@given(some.lists(some.one_of(some.just(float("nan")), some.floats(-1e15, 1e15)), min_size=1, max_size=9))
def test_what_is_trimmed_comes_back(row):
    numbers = np.array([row])

    (short,) = pack.trimmed(numbers)

    assert not short or not np.isnan(np.frombuffer(short)[-1])
    np.testing.assert_array_equal(pack.unpack([short], len(row)), numbers)


def with_tickets() -> str:
    return (
        SMALL_CARD
        + """
[[metric]]
key = "sales.tickets"
unit = "tickets"
nature = "flow"
grain = "month"
cadence = "monthly"
"""
    )


def places_by_key() -> dict[str, int]:
    return pack.layout().month_slots | pack.layout().day_slots


def night_panel(card: engine.Scorecard, day: date = LAST) -> engine.Panel:
    watermark = Turn.objects.get(name="pack").number
    everyone = pack.population(Organization.objects.all())
    return pack.panel(card, everyone, day, watermark=watermark, places_now=pack.layout())


# ---------- when ----------


def test_nothing_is_packed_while_a_run_is_open(orchard, version):
    make_measured(orchard, LAST)
    pack.pack_due()
    open_one = run.open_run(version, LAST)
    before = stored()
    make_observations(orchard, {"sales.work_orders": {LAST: 1000}})

    packed_under_it = pack.pack_due()
    stored_under_it = stored()
    run.work(open_one)
    run.publish_run(open_one)

    assert packed_under_it == 0
    assert stored_under_it == before
    assert pack.pack_due() == 1


def test_file_that_comes_under_an_open_run_is_stored_and_waits(orchard, version, tmp_path):
    opened = run.open_run(version, LAST)
    file = tmp_path / "late.csv"
    file.write_text("organization,metric,day,value\norchard,sales.work_orders,2026-08-31,1000\n")

    call_command("ingest", file)

    assert Observation.objects.get().value == 1000
    assert not MetricMonth.objects.exists()
    run.work(opened)
    run.publish_run(opened)
    assert pack.pack_due() == 1


def test_night_that_is_done_but_not_out_holds_no_file_back(orchard, version):
    make_measured(orchard, LAST)
    pack.pack_due()
    opened = run.open_run(version, LAST)
    run.work(opened)
    done = [bytes(sheet.nodes) for sheet in ScoreSheet.objects.all()]
    make_observations(orchard, {"sales.work_orders": {LAST: 1000}})

    assert pack.pack_due() == 1
    assert run.publish_run(opened)
    assert [bytes(sheet.nodes) for sheet in ScoreSheet.objects.all()] == done


@pytest.mark.django_db(transaction=True)
def test_run_opened_while_files_are_packed_reads_what_its_explanation_reads():
    version = publish_small_card()
    orchard = make_organization("Orchard", products=["sales", "platform"])
    make_plan(orchard)
    make_measured(orchard, LAST)
    for number in range(30):
        make_observations(orchard, {"sales.work_orders": {date(2026, 7, 1 + number): float(number)}})
    errors: list[Exception] = []

    def pack_one_by_one() -> None:
        try:
            while Batch.objects.filter(packed_at=None).exists():
                pack.pack_due(batches_at_once=1)  # stops where a run reads
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    packer = threading.Thread(target=pack_one_by_one)
    packer.start()
    for number in range(4):
        opened = run.open_run(version, LAST - timedelta(days=number))
        run.work(opened)
        assert run.publish_run(opened)
        card = read.latest(orchard, day=opened.day)
        explained = read.explained(orchard, day=opened.day)
        for node, reading in card.by_node.items():
            again = explained.by_node[node]
            assert (again.points, again.state) == (reading.points, reading.state)
            assert reading.points is None or reading.signal is None or again.inputs
    packer.join(60)

    assert errors == []


def test_run_given_up_does_not_hold_packing_back(orchard, version):
    make_observations(orchard, {"sales.work_orders": {LAST: 1000}})
    run.abandon(run.open_run(version, LAST), "nobody works on it")

    assert pack.pack_due() == 1


def test_packing_when_nothing_has_come_changes_no_watermark(orchard, version):
    make_measured(orchard, LAST)
    pack.pack_due()
    watermark = Turn.objects.get(name="pack").number

    assert pack.pack_due() == 0
    assert Turn.objects.get(name="pack").number == watermark


def test_correction_packed_later_is_invisible_at_the_earlier_watermark(orchard, version):
    card = publish.card_of(version)
    make_measured(orchard, LAST)
    pack.pack_due()
    watermark = Turn.objects.get(name="pack").number
    before = pack.panel_of(card, orchard, LAST, watermark=watermark)

    correct(orchard, "sales.work_orders", date(2026, 7, 31), 1)
    correct(orchard, "platform.errors", LAST, 99)
    make_observations(orchard, {"sales.work_orders": {date(2026, 7, 15): 5}})
    pack.pack_due()

    then = pack.panel_of(card, orchard, LAST, watermark=watermark)
    now = pack.panel_of(card, orchard, LAST, watermark=watermark + 1)
    np.testing.assert_array_equal(then.slots, before.slots)
    np.testing.assert_array_equal(then.days, before.days)
    assert now.slots[0, -2, now.month_slots["sales.work_orders"]] == 6
    assert now.days[0, -1, pack.DAYS * now.day_slots["platform.errors"] + LAST.day - 1] == 99


@pytest.mark.parametrize("key", ["sales.work_orders", "sales.licenses_activated", "platform.errors"])
def test_value_corrected_before_it_was_packed_counts_until_the_correction_is_packed(key, orchard, version):
    card = publish.card_of(version)
    first = make_observations(orchard, {key: {LAST: 5}})
    correction = correct(orchard, key, LAST, 7)

    pack_only([first.pk])
    assert number_of(key) == 5
    assert_panels_agree(card, [orchard])

    pack_only([correction.pk])
    assert number_of(key) == 7
    assert_panels_agree(card, [orchard])


@pytest.mark.parametrize("key", ["sales.work_orders", "sales.licenses_activated", "platform.errors"])
def test_newest_correction_stands_even_if_it_is_packed_before_an_older_one(key, orchard, version):
    card = publish.card_of(version)
    deliver_now(orchard, key, {LAST: 5})
    older = correct(orchard, key, LAST, 6)
    newest = correct(orchard, key, LAST, 7)

    pack_only([newest.pk])
    assert number_of(key) == 7
    assert_panels_agree(card, [orchard])

    pack_only([older.pk])
    assert number_of(key) == 7
    assert_panels_agree(card, [orchard])


def number_of(key: str) -> float:
    """The only number of a metric that is kept."""
    (value,) = [value for (_, _, metric, place), value in unpacked().items() if metric == key and place != 1]
    return value


def test_first_measurement_is_remembered_and_only_moves_back(orchard, version):
    deliver_now(orchard, "sales.work_orders", {date(2026, 7, 15): 5})
    deliver_now(orchard, "sales.work_orders", {date(2026, 8, 15): 5})
    deliver_now(orchard, "sales.work_orders", {date(2026, 6, 3): 5})

    orchard.refresh_from_db()
    assert orchard.first_observed_on == date(2026, 6, 3)


def test_age_counts_from_the_earlier_of_plan_and_measurement(orchard, version):
    newcomer = make_organization("Newcomer")
    make_observations(newcomer, {"sales.work_orders": {LAST - timedelta(days=40): 5}})
    pack.pack_due()

    panel = night_panel(publish.card_of(version))

    assert panel.organizations.tolist() == sorted([orchard.pk, newcomer.pk])
    assert panel.age_days[list(panel.organizations).index(newcomer.pk)] == 40
    assert panel.age_days[list(panel.organizations).index(orchard.pk)] > 365


# ---------- declared windows ----------


def test_declaration_counts_from_the_packing_of_its_batch(orchard, version):
    card = publish.card_of(version)
    make_batch(metrics=["reviews.held"], complete_from=FIRST, complete_to=LAST)
    before = night_panel_declared(card)

    pack.pack_due()

    assert before == {}
    assert night_panel_declared(card) == {"reviews.held": [(FIRST, LAST, None)]}


def test_windows_that_overlap_or_touch_are_one(orchard, version):
    for first, last in [(1, 10), (11, 20), (15, 25), (27, 28)]:
        make_batch(
            metrics=["reviews.held"], complete_from=date(2026, 7, first), complete_to=date(2026, 7, last)
        )
    pack.pack_due()

    windows = night_panel_declared(publish.card_of(version))["reviews.held"]

    assert windows == [
        (date(2026, 7, 1), date(2026, 7, 25), None),
        (date(2026, 7, 27), date(2026, 7, 28), None),
    ]


def test_delivery_for_one_organization_declares_for_that_one_alone(orchard, harbor, version):
    make_batch(organization=harbor, metrics=["reviews.held"], complete_from=FIRST, complete_to=LAST)
    pack.pack_due()

    windows = night_panel_declared(publish.card_of(version))["reviews.held"]

    assert windows == [(FIRST, LAST, [False, True])]


def test_declaration_of_metrics_that_the_scorecard_does_not_know_is_left_out(orchard, version):
    make_batch(metrics=["elsewhere.visits"], complete_from=FIRST, complete_to=LAST)
    pack.pack_due()

    assert night_panel_declared(publish.card_of(version)) == {}


def night_panel_declared(card: engine.Scorecard) -> dict[str, list[tuple[date, date, list[bool] | None]]]:
    turn = Turn.objects.filter(name="pack").first()
    ids = pack.population(Organization.objects.order_by("pk")).ids
    windows = pack.declared(card, ids, LAST, watermark=turn.number if turn else 0)
    return {
        key: [(each.first, each.last, None if each.who is None else each.who.tolist()) for each in declared]
        for key, declared in windows.items()
    }
