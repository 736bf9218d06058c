"""Earlier month ends under a newer version: what the night makes of them, and what the trends show."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import Organization, Product
from portal import nightly
from portal.nightly import run_night
from scoring import engine, history, publish, read, recomputed, replay, run, sheets
from scoring.models import NightStep, Pointer, ScorecardVersion, ScoringRun, StepState
from tests.cast import Cast
from tests.crawling import undone
from tests.factories import (
    SMALL_CARD,
    believable,
    correct,
    make_observations,
    make_organization,
    make_plan,
    monthly,
    publish_small_card,
)
from tests.portal.scored import text_of

CLOSES = (date(2026, 7, 31), date(2026, 8, 31), date(2026, 9, 30))
CHANGED = date(2026, 10, 20)  # the first night of version 2
NEWER = SMALL_CARD.replace('mark = "ce"\nweight = 20', 'mark = "ce"\nweight = 60').replace(
    "p10 = 700\nmedian = 1600", "p10 = 300\nmedian = 900"
)
TRENDS = "/o/orchard/trends/"


def measure(organization, activated) -> None:
    """Numbers for every signal at each of the closes."""
    numbers = believable(CHANGED, work_orders=range(500, 530))
    days = [CHANGED - timedelta(days=n) for n in range(140)]
    numbers |= {
        "sales.licenses_activated": monthly(CHANGED, activated),
        "sales.licenses_purchased": monthly(CHANGED, (500,) * 4),
        "reviews.held": {date(2026, 5, 12): 1, date(2026, 9, 30): 1},
        "reviews.satisfaction": monthly(CLOSES[-1], (4.25, 3.5, 4.5)),
        "platform.errors": {day: float(day.day % 5 == 0) for day in days},
        "platform.page_requests": {day: 100.0 + day.day for day in days},
        "platform.page_time": {day: 600.0 + 10 * day.day for day in days},
    }
    # What is measured at the end of the running month has not come yet.
    numbers = {key: {day: v for day, v in of.items() if day <= CHANGED} for key, of in numbers.items()}
    first = CHANGED - timedelta(days=400)
    make_observations(
        organization, numbers, metrics=["reviews.held"], complete_from=first, complete_to=CHANGED
    )


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Three closes of Orchard and Harbor under version 1; version 2 is published and has no night yet."""
    with django_db_blocker.unblock(), undone():
        publish_small_card()
        for name, activated in (("Orchard", (380, 412, 431, 440)), ("Harbor", (100, 200, 300, 400))):
            organization = make_organization(name, products=["sales", "platform"])
            make_plan(organization)
            measure(organization, activated)
        for day in CLOSES:
            run_night(day)
        publish_small_card(NEWER, effective_on=CHANGED)
        yield


@pytest.fixture
def cast(world, db):
    """The people around the organizations that are there."""
    there = Cast()
    there.orchard = Organization.objects.get(slug="orchard")
    there.harbor = Organization.objects.get(slug="harbor")
    return there


@pytest.fixture
def before(orchard):
    return orchard


@pytest.fixture
def changed(before):
    """The same after the first night of version 2."""
    run_night(CHANGED)
    return before


def newer() -> ScorecardVersion:
    return ScorecardVersion.objects.get(number=2)


def made() -> list[tuple[date, int]]:
    """The closes recomputed under version 2, as (day, revision)."""
    runs = ScoringRun.objects.filter(beside=True, version=newer()).exclude(published_at=None)
    return sorted(runs.values_list("day", "revision"))


def official() -> list[tuple]:
    """Everything that people are shown as the score at the closes."""
    rows = Pointer.objects.filter(day__in=CLOSES).order_by("day")
    return list(rows.values_list("day", "version__number", "run", "run__revision", "run__watermark"))


def shown(organization) -> dict[date, read.CardReading]:
    return {day: read.latest(organization, day=day) for day in CLOSES}


# ---------- what the night makes ----------


def test_recomputed_close_is_what_the_engine_makes_of_the_observations_of_that_day(changed, harbor):
    """Scored once more from the raw observations, one organization at a time and without the night."""
    card = publish.card_of(newer())

    for organization in (changed, harbor):
        past = history.of(organization)
        nodes = [node.id for node in card.nodes]
        found = {night.day: night for night in recomputed.of(organization, past, nodes)}
        assert list(found) == list(CLOSES)
        for day, night in found.items():
            of_day = ScoringRun.objects.get(version=newer(), day=day, revision=night.revision)
            panel = replay.panel_of(organization, card, day, watermark=of_day.watermark)
            fresh = sheets.unpack(sheets.pack(card, engine.score(card, panel))[0], card)
            assert dict(night.figures) == fresh
            scored = past.sheets[day]
            was = sheets.unpack(scored.nodes, scored.card)
            assert night.points("sales.license_activation") == was["sales.license_activation"].points
            assert night.points("platform.page_speed") < was["platform.page_speed"].points
            assert night.points("overall") != was["overall"].points


def test_nothing_official_changes_when_closes_are_recomputed(before, monkeypatch):
    monkeypatch.setattr(recomputed, "A_NIGHT", 0)
    run_night(CHANGED)
    cards, pointers = shown(before), official()
    monkeypatch.undo()

    run_night(CHANGED)

    assert made() != []
    assert official() == pointers
    assert [card.number for card in cards.values()] == [1, 1, 1]
    assert shown(before) == cards
    assert not Pointer.objects.filter(run__beside=True).exists()


def test_recomputed_close_has_no_receipt_and_is_no_other_score_of_the_day(changed):
    for day in CLOSES:
        assert {night.version.number for night in replay.nights_of("customer-success", day)} == {1}
        assert replay.night_of("customer-success", day, number=2) is None


def test_newest_closes_come_first_and_a_night_makes_only_so_many(before, monkeypatch):
    monkeypatch.setattr(recomputed, "A_NIGHT", 1)

    run_night(CHANGED)
    first = {day for day, _ in made()}
    run_night(CHANGED + timedelta(days=1))
    second = {day for day, _ in made()}

    assert first == {CLOSES[2]}
    assert second == {CLOSES[2], CLOSES[1]}


def test_night_that_is_run_again_recomputes_nothing_twice(changed):
    runs = list(ScoringRun.objects.order_by("pk").values())

    run_night(CHANGED)

    assert list(ScoringRun.objects.order_by("pk").values()) == runs


def test_close_restated_with_late_data_is_recomputed_with_it(changed):
    was = made()
    correct(changed, "sales.licenses_activated", CLOSES[2], 250)

    run_night(CHANGED + timedelta(days=1))

    restated = max(revision for _, _, _, revision, _ in official())
    assert set(made()) - set(was) == {(CLOSES[2], restated)}
    night = recomputed.of(changed, history.of(changed), ["sales.license_activation"])[-1]
    assert (night.day, night.points("sales.license_activation")) == (CLOSES[2], 5000)


def test_recomputing_that_was_broken_off_goes_on_with_the_next_night(before, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(recomputed, "due", stop)
    with pytest.raises(KeyboardInterrupt):
        run_night(CHANGED)
    monkeypatch.undo()
    run.open_run(newer(), CLOSES[1], revision=dict(made_officially())[CLOSES[1]], beside=True)

    run_night(CHANGED)

    assert {day for day, _ in made()} == set(CLOSES)
    assert not run.unfinished().exists()


def made_officially() -> list[tuple[date, int]]:
    return [(day, revision) for day, _, _, revision, _ in official()]


def test_close_that_cannot_be_recomputed_keeps_no_night_from_people_and_is_let_be(before, monkeypatch):
    real, tried = run.compute, []

    def broken(chunk):
        if chunk.run.beside and chunk.run.day == CLOSES[0]:
            tried.append(chunk)
            raise ZeroDivisionError
        return real(chunk)

    monkeypatch.setattr(run, "compute", broken)
    run_night(CHANGED)
    count = len(tried)
    run_night(CHANGED + timedelta(days=1))

    assert read.latest(before).day == CHANGED + timedelta(days=1)
    assert {day for day, _ in made()} == set(CLOSES[1:])
    assert count == len(tried) > 0
    assert set(NightStep.objects.values_list("state", flat=True)) == {StepState.DONE}


def test_product_bought_since_is_none_of_the_past(before):
    """Without Sales its signals did not apply at the closes, and under version 2 they do not either."""
    sales = Product.objects.get(key="sales")
    before.products.remove(sales)
    for day in CLOSES:
        again = run.open_run(ScorecardVersion.objects.get(number=1), day, revision=7)
        run.work(again)
        assert run.publish_run(again)
    before.products.add(sales)

    run_night(CHANGED)

    nights = recomputed.of(before, history.of(before), ["sales.license_activation", "overall"])
    assert [night.day for night in nights] == list(CLOSES)
    for night in nights:
        assert night.figures["sales.license_activation"].state is engine.State.NOT_APPLICABLE
        assert night.points("overall") is not None


def test_ordinary_night_asks_one_question_more(before, django_assert_num_queries):
    version = ScorecardVersion.objects.get(number=1)

    with django_assert_num_queries(1):
        assert recomputed.due(version, CHANGED) == []


def test_history_of_one_version_asks_nothing(before, django_assert_num_queries):
    past = history.of(before)

    with django_assert_num_queries(0):
        assert recomputed.of(before, past, ["overall"]) == []


def test_step_stands_after_all_that_people_wait_for():
    names = [name for name, _ in nightly.STEPS]

    assert names.index("history") > max(map(names.index, ("score", "closes", "peers")))


# ---------- what the trends show ----------


@pytest.fixture
def reader(client, vera):
    client.force_login(vera)
    return client


def test_trend_has_a_second_line_and_says_what_it_is(reader, changed):
    page = reader.get(TRENDS)

    content = page.content.decode()
    assert len(re.findall(r'<path class="ln" data-cat="under"', content)) == 1
    assert "Overall under version 2" in text_of(page)
    assert "Under version 2 throughout, Overall" in text_of(page)
    assert "the month ends before 20 Oct 2026" in text_of(page)
    assert "what was scored then stays the score" in text_of(page)


def test_table_has_both_numbers_of_every_close(reader, changed):
    page = reader.get(TRENDS, {"by": "close"}).content.decode()

    again = {night.day: night for night in recomputed.of(changed, history.of(changed), ["overall"])}
    for day, card in shown(changed).items():
        row = re.search(rf'<th scope="row">{day.day} {day:%b} {day.year}</th>(.*?)</tr>', page).group(1)
        cells = re.findall(r'<td class="num">([^<]*)</td>', row)
        assert cells[0] == f"{card.overall.points / 100:.1f}"
        assert cells[4] == f"{again[day].points('overall') / 100:.1f}"
        assert cells[5] == "1"


def test_file_has_both_numbers_and_their_states(reader, changed):
    text = reader.get(f"{TRENDS}file/", {"node": "platform.page_speed"}).content.decode()

    rows = {row["Data date"]: row for row in csv.DictReader(io.StringIO(text))}
    for night in recomputed.of(changed, history.of(changed), ["platform.page_speed"]):
        row = rows[f"{night.day}"]
        assert float(row["Page speed under version 2"]) == night.points("platform.page_speed") / 100
        assert float(row["Page speed"]) > float(row["Page speed under version 2"])
        assert row["Page speed under version 2: state"] == row["Page speed: state"]
    newest = rows[f"{CHANGED}"]
    assert newest["Page speed"] == newest["Page speed under version 2"]


def test_figure_for_exploring_has_the_line_up_to_where_it_meets_the_score(reader, changed):
    figure = reader.get(f"{TRENDS}figure/").json()

    again = recomputed.of(changed, history.of(changed), ["overall"])
    found = {day: value for day, value in figure["recomputed"]["points"] if value is not None}
    assert figure["recomputed"]["version"] == 2
    assert [found.pop(f"{night.day}") for night in again] == [
        night.points("overall") / 100 for night in again
    ]
    assert found == {f"{CHANGED}": read.latest(changed).overall.points / 100}


def test_signal_whose_rule_did_not_change_has_one_line_and_is_said_to(reader, changed):
    page = reader.get(TRENDS, {"node": "sales.license_activation"})

    assert 'data-cat="under"' not in page.content.decode()
    assert "Sales license activation under version 2: the same at every month end" in text_of(page)
    assert reader.get(f"{TRENDS}figure/?node=sales.license_activation").json()["recomputed"] is None


def test_trend_under_one_version_has_one_line(reader, before):
    page = reader.get(TRENDS)

    assert 'data-cat="under"' not in page.content.decode()
    assert reader.get(f"{TRENDS}figure/").json()["recomputed"] is None
    assert "under version" not in text_of(page)


def test_closes_that_wait_to_be_recomputed_are_said_to(reader, before, monkeypatch):
    monkeypatch.setattr(recomputed, "A_NIGHT", 1)
    run_night(CHANGED)
    assert "Not every month end is recomputed" in text_of(reader.get(TRENDS))
    monkeypatch.undo()

    run_night(CHANGED + timedelta(days=1))

    assert "Not every month end" not in text_of(reader.get(TRENDS))
