"""The goal-weighted index: what it is, and that nothing of the score follows it."""

import random
import tomllib
from datetime import date, timedelta

import pytest
from django.apps import apps

from accounts import goals
from scoring import emphasis, engine, pack, publish, read
from scoring import run as nights
from scoring.emphasis import Lack
from scoring.models import ScoreSheet
from tests.factories import SMALL_CARD
from tests.portal.scored import YESTERDAY, score

SIGNALS = [each["key"] for each in tomllib.loads(SMALL_CARD)["signal"]]
FACTOR = {"less": 0.5, "not": 0.0}


@pytest.fixture
def card(orchard):
    """Orchard's card, every signal with a number."""
    score(orchard)
    found = read.latest(orchard)
    assert all(found.by_node[node].points is not None for node in SIGNALS)
    return found


def by_hand(card: read.CardReading, said: dict[str, str]) -> float | None:
    """The mean of the signals' points, each with its share of the score times its factor.

    The file is read here, and multiplied out without the engine's roll-up; only the leaves are the engine's.
    """
    file = tomllib.loads(SMALL_CARD)
    panel = pack.panel_of(card.scorecard, card.organization, card.day, watermark=card.watermark)
    leaves = engine.score(card.scorecard, panel).points[0]
    value = {node.id: float(leaves[at]) for at, node in enumerate(card.scorecard.nodes)}
    total = weight = 0.0
    for category in file["category"]:
        for sub in category["subcategory"]:
            mine = [
                each
                for each in file["signal"]
                if (each["category"], each["subcategory"]) == (category["key"], sub["key"])
            ]
            for each in mine:
                part = (
                    category["weight"]
                    / sum(other["weight"] for other in file["category"])
                    * sub["weight"]
                    / sum(other["weight"] for other in category["subcategory"])
                    * each.get("weight", 1)
                    / sum(other.get("weight", 1) for other in mine)
                    * FACTOR.get(said.get(each["key"], ""), 1.0)
                )
                total += part * value[each["key"]]
                weight += part
    return total / weight if weight else None


def test_index_equals_the_sum_worked_out_by_hand(card):
    rng = random.Random(20261120)
    for _ in range(40):
        said = {node: rng.choice(["less", "not"]) for node in rng.sample(SIGNALS, rng.randint(1, 3))}
        found = emphasis.index(card, said)
        if found.lack:
            assert found.lack is Lack.TOO_LITTLE
            continue

        assert found.points == round(by_hand(card, said) * 100)


def test_signal_alone_in_its_subcategory_counts_half_in_the_whole(card):
    """Within its subcategory alone, half of all would still be all."""
    said = {"sales.license_activation": "less"}
    part = 0.5 * (1 / 1.5)  # of the score: half of it is Product Adoption, two thirds of that Breadth

    found = emphasis.index(card, said)

    assert found.shares["sales.license_activation"] == pytest.approx(part / 2 / (1 - part / 2))
    assert sum(found.shares.values()) == pytest.approx(1)


def test_what_does_not_matter_is_no_part_of_the_index(card):
    found = emphasis.index(card, {"platform.page_speed": "not"})

    assert found.shares["platform.page_speed"] == 0


def test_all_signals_mattering_less_leave_the_score_as_it_is(card):
    found = emphasis.index(card, dict.fromkeys(SIGNALS, "less"))

    assert found.points == card.overall.points


def test_without_a_wish_there_is_no_index(card):
    assert emphasis.index(card, {}) is None
    assert emphasis.index(card, {"sales.long_gone": "not"}) is None


def test_index_is_worked_out_once_for_a_sheet(card, django_assert_num_queries):
    found = emphasis.index(card, {"reviews.recency": "less"})

    with django_assert_num_queries(0):
        again = emphasis.index(card, {"reviews.recency": "less"})

    assert again == found
    assert emphasis.index(card, {"reviews.recency": "not"}) != found


def test_too_little_left_makes_no_index(card):
    keep = "sales.license_activation"

    found = emphasis.index(card, dict.fromkeys([each for each in SIGNALS if each != keep], "not"))

    assert (found.points, found.lack) == (None, Lack.TOO_LITTLE)


def test_index_is_not_shown_over_other_numbers_than_the_sheets(card):
    """A product that went after the night takes its signals with it: an index would not fit the score."""
    card.organization.products.filter(key="platform").delete()

    found = emphasis.index(card, {"reviews.recency": "less"})

    assert (found.points, found.lack) == (None, Lack.CHANGED)


def test_missing_signal_gives_its_weight_as_in_the_score(orchard):
    """Satisfaction is not known: reviews alone are Customer Expertise, with their whole weight."""
    score(orchard, reviews__satisfaction=dict.fromkeys([date(2019, 1, 31)], 4.0))
    card = read.latest(orchard)

    found = emphasis.index(card, {"platform.page_speed": "not"})

    known = [(each, part) for each, part in _weights(card).items() if each != "platform.page_speed"]
    flat = sum(part * card.by_node[each].points for each, part in known) / sum(part for _, part in known)
    assert found.points == pytest.approx(flat, abs=1)


def _weights(card: read.CardReading) -> dict[str, float]:
    """Share of the overall score of every signal with a number."""
    return {
        signal.node: (category.share or 0) * (sub.share or 0) * signal.share
        for category in card.overall.children
        for sub in category.children
        for signal in sub.children
        if signal.share
    }


# ---------- nothing of the score follows ----------


def of_scoring() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of scoring but the clockwork of its nights, to the byte."""
    clockwork = {"Chunk", "ScoringRun", "NightStep", "Turn"}
    return {
        model.__name__: [
            tuple(bytes(each) if isinstance(each, memoryview) else each for each in row)
            for row in model.objects.order_by("pk").values_list()
        ]
        for model in apps.get_app_config("scoring").get_models()
        if model.__name__ not in clockwork
    }


def sheets_of(organization) -> list[tuple[object, ...]]:
    rows = organization.score_sheets.order_by("day").values_list(
        "day", "points", "coverage", "state", "nodes"
    )
    return [(*row[:-1], bytes(row[-1])) for row in rows]


def test_no_goal_moves_a_byte_of_the_score(card, orchard, dana):
    rng = random.Random(7)
    before, json = of_scoring(), read.as_json(card)
    nodes = [each.node for each in read.walk(card.overall) if each.level in ("overall", "category", "signal")]
    targets, wishes = {}, {}

    for _ in range(30):
        node, signal = rng.choice(nodes), rng.choice(SIGNALS)
        targets[node] = goals.set_target(
            orchard,
            card.key,
            node,
            value=rng.randint(0, 100),
            due_on=YESTERDAY + timedelta(days=rng.randint(2, 900)),
            start=(card.day, card.by_node[node].points),
            by=dana,
            seen=targets[node].public_id if node in targets else None,
        )
        wishes[signal] = goals.set_emphasis(
            orchard,
            card.key,
            signal,
            matters=rng.choice(["less", "not"]),
            reason=f"Because of {rng.random()}",
            by=dana,
            seen=wishes[signal].public_id if signal in wishes else None,
        )
        emphasis.index(card, goals.matters(orchard, card.key))

    assert read.as_json(read.latest(orchard)) == json
    assert of_scoring() == before


def test_next_night_scores_as_if_nobody_wanted_anything(card, orchard, harbor, dana, hal):
    """Harbor is measured alike and wants nothing: its sheets stay Orchard's twins."""
    score(harbor)
    ScoreSheet.objects.all().delete()
    for node in SIGNALS:
        goals.set_emphasis(orchard, card.key, node, matters="not", reason="no use to us", by=dana)
    for day in (YESTERDAY - timedelta(days=1), YESTERDAY):
        run_again(day)

    assert sheets_of(orchard) == sheets_of(harbor) != []


def run_again(day: date) -> None:
    """The night of a day, whether it was run or not."""
    version = publish.in_force("customer-success", day)
    opened = nights.open_run(version, day, revision=7)
    nights.work(opened)
    assert nights.publish_run(opened)
