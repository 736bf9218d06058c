"""Sheets: what was scored is what is read back, node for node, from few bytes."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from accounts.models import Organization
from scoring import engine, pack, publish, run, sheets
from scoring.engine import Scorecard, Scores, State
from scoring.models import ScorecardVersion, ScoreSheet, Turn
from tests.factories import SMALL_CARD, make_measured, make_organization, make_plan, publish_small_card

DAY = date(2026, 10, 20)
FULL_CARD = Path(__file__).resolve().parents[2] / "scoring" / "scorecards" / "customer_success.toml"
CARDS = [engine.parse(SMALL_CARD), engine.parse(FULL_CARD.read_text())]


@pytest.fixture
def version(db: None) -> ScorecardVersion:
    return publish_small_card()


@pytest.fixture
def everyone(version: ScorecardVersion, orchard: Organization, harbor: Organization) -> list[Organization]:
    """One with everything, one whose feed stopped, one new, one without products, one without a number."""
    make_measured(orchard, DAY, sales__work_orders={date(2026, 9, 30): 5})
    make_measured(harbor, date(2026, 10, 11))
    newcomer = make_organization("Newcomer", products=["sales", "platform"])
    make_measured(newcomer, DAY)
    bare = make_organization("Bare")
    make_measured(bare, DAY)
    silent = make_organization("Silent", products=["sales"])
    make_plan(silent)
    pack.pack_due()
    Organization.objects.filter(pk=newcomer.pk).update(first_observed_on=date(2026, 10, 1))
    return [orchard, harbor, newcomer, bare, silent]


def scored(version: ScorecardVersion) -> tuple[Scorecard, Scores, pack.Population]:
    card = publish.card_of(version)
    people = pack.population(Organization.objects.all())
    watermark = Turn.objects.get(name="pack").number
    panel = pack.panel(card, people, DAY, watermark=watermark, places_now=pack.layout())
    return card, engine.score(card, panel), people


def test_every_node_of_a_real_score_comes_back(everyone, version):
    card, scores, _ = scored(version)

    rows = sheets.pack(card, scores)

    assert len(rows) == len(everyone)
    for organization, row in enumerate(rows):
        figures = sheets.unpack(row, card)
        assert figures.keys() == {node.id for node in card.nodes}
        for at, node in enumerate(card.nodes):
            assert_same_node(figures[node.id], scores, organization, at, node)


def assert_same_node(
    figure: sheets.Figure, scores: Scores, organization: int, at: int, node: engine.Node
) -> None:
    points = engine.canonical(scores.points[organization, at])
    assert figure.points == (None if np.isnan(scores.points[organization, at]) else int(points))
    assert figure.state == State(int(scores.state[organization, at]))
    if node.level == "signal":
        assert figure.history == scores.history[organization, at]
        return
    coverage = scores.coverage[organization, at]
    assert figure.coverage == (None if np.isnan(coverage) else round(float(np.rint(coverage * 100)) / 100, 2))
    if node.level in ("overall", "category"):
        bounds = (scores.lower[organization, at], scores.upper[organization, at])
        assert (figure.lower, figure.upper) == tuple(sheets.known(int(engine.canonical(b))) for b in bounds)


def test_states_of_the_five_are_told_apart(everyone, version):
    card, scores, _ = scored(version)

    overall = [sheets.unpack(row, card)["overall"].state for row in sheets.pack(card, scores)]

    assert overall == [
        State.OK,
        State.PROVISIONAL,
        State.SETTING_UP,
        State.INSUFFICIENT_DATA,
        State.INSUFFICIENT_DATA,
    ]


def test_plain_columns_of_a_sheet_say_the_same_as_its_packed_part(everyone, version):
    card = publish.card_of(version)
    night = run.open_run(version, DAY)
    run.work(night)
    run.publish_run(night)

    for sheet in ScoreSheet.objects.all():
        overall = sheets.unpack(sheet.nodes, card)["overall"]
        assert sheets.known(sheet.points) == overall.points
        assert State(sheet.state) == overall.state
        if overall.coverage is None:
            assert sheet.coverage == -1
        else:
            assert round(sheet.coverage / 10_000, 2) == pytest.approx(overall.coverage, abs=0.0051)


def test_tops_are_the_overall_score_and_the_categories(everyone, version):
    card, scores, _ = scored(version)
    row = sheets.pack(card, scores)[0]

    figures = sheets.unpack(row, card)

    assert sheets.tops(row, card) == {
        node.id: figures[node.id].points for node in card.nodes if node.level in ("overall", "category")
    }


@pytest.mark.parametrize("number", range(len(CARDS)))
@given(seed=some.integers(0, 2**32 - 1))
def test_any_score_comes_back(number, seed):
    card = CARDS[number]
    scores = any_scores(card, seed)

    for organization, row in enumerate(sheets.pack(card, scores)):
        figures = sheets.unpack(row, card)
        assert len(row) == size(card)
        for at, node in enumerate(card.nodes):
            assert_same_node(figures[node.id], scores, organization, at, node)


def any_scores(card: Scorecard, seed: int) -> Scores:
    chance = np.random.default_rng(seed)
    shape = (3, len(card.nodes))

    def numbers(top: float) -> np.ndarray:
        values = np.round(chance.uniform(0, top, shape), chance.integers(0, 5))
        return np.where(chance.random(shape) < 0.2, np.nan, values)

    return Scores(
        points=numbers(100),
        state=chance.integers(0, 10, shape).astype(np.uint8),
        coverage=numbers(1),
        lower=numbers(100),
        upper=numbers(100),
        flags=np.zeros(shape, np.uint8),
        history=chance.integers(0, 13, shape).astype(np.uint8),
    )


def size(card: Scorecard) -> int:
    each = {"overall": 8, "category": 8, "subcategory": 4, "signal": 3}
    return sum(each[node.level] for node in card.nodes)
