"""The straight path of a target, and where a score stands on it."""

from datetime import date, timedelta
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import goals
from accounts.models import Target
from scoring import engine, history, read, targets
from scoring.targets import Verdict, expected, path, progress
from tests.portal.scored import YESTERDAY, score

SET_ON = date(2026, 5, 1)
DUE_ON = date(2026, 11, 1)  # 184 days later


def target(value: int = 82, start: int = 6800, first: date = SET_ON, last: date = DUE_ON) -> Target:
    return Target(node="overall", value=value, start_points=start, start_on=first, due_on=last)


def card_at(day: date, points: int | None):
    """What `progress` reads of a card: its day and the overall score."""
    whole = None if points is None else engine.shown(points)
    return SimpleNamespace(day=day, by_node={"overall": SimpleNamespace(points=points, whole=whole)})


def test_path_goes_straight_from_68_to_82_in_six_months():
    assert path(target()) == [(SET_ON, 6800), (DUE_ON, 8200)]
    assert expected(target(), SET_ON + timedelta(days=92)) == 7500  # half of 184 days, half of 14 points
    assert expected(target(), date(2026, 6, 1)) == 7036  # 31/184 × 1400 = 235.87


def test_path_is_level_before_its_start_and_after_its_end():
    assert expected(target(), SET_ON - timedelta(days=9)) == 6800
    assert expected(target(), DUE_ON + timedelta(days=9)) == 8200


def test_target_below_its_start_is_a_level_to_hold():
    assert path(target(value=60)) == [(SET_ON, 6000), (DUE_ON, 6000)]


@given(
    st.integers(0, 100),
    st.integers(0, 10_000),
    st.integers(1, 1830),
    st.integers(0, 2000),
)
def test_path_lies_between_its_ends_and_is_nowhere_off_the_line(value, start, days, gone):
    made = target(value, start, SET_ON, SET_ON + timedelta(days=days))
    (_, low), (_, high) = path(made)

    at = expected(made, SET_ON + timedelta(days=gone))

    assert low <= at <= high
    assert abs(at - (low + Fraction(high - low) * min(gone, days) / days)) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("day", "points", "verdict"),
    [
        (92, 7500, Verdict.ON_PATH),
        (92, 7599, Verdict.ON_PATH),
        (92, 7600, Verdict.AHEAD),
        (92, 7401, Verdict.ON_PATH),
        (92, 7400, Verdict.BEHIND),
        (92, 8149, Verdict.AHEAD),
        (92, 8151, Verdict.REACHED),  # shown as 82
        (92, None, Verdict.UNKNOWN),
        (183, 8000, Verdict.BEHIND),
        (184, 8149, Verdict.MISSED),
        (184, 8151, Verdict.REACHED),
        (400, 8000, Verdict.MISSED),
    ],
)
def test_verdict_follows_the_path(day, points, verdict):
    found = progress(card_at(SET_ON + timedelta(days=day), points), target())

    assert found.verdict is verdict


@pytest.mark.parametrize(
    ("day", "points", "verdict"),
    [
        (10, 6000, Verdict.ON_PATH),
        (10, 5900, Verdict.BEHIND),
        (184, 6400, Verdict.REACHED),
        (184, 5900, Verdict.MISSED),
    ],
)
def test_level_to_hold_is_kept_or_not(day, points, verdict):
    assert progress(card_at(SET_ON + timedelta(days=day), points), target(value=60)).verdict is verdict


def test_node_that_the_scorecard_dropped_is_said_to_be_gone():
    made = target()
    made.node = "sales.gone"

    assert progress(card_at(SET_ON, 7000), made).verdict is Verdict.GONE


def test_path_of_a_node_is_plain_pairs_and_empty_without_a_target(orchard, dana):
    due = YESTERDAY + timedelta(days=180)
    goals.set_target(
        orchard, orchard.scorecard, "overall", value=82, due_on=due, start=(YESTERDAY, 6800), by=dana
    )

    assert targets.path_of(orchard, "overall") == [(YESTERDAY, 6800), (due, 8200)]
    assert targets.path_of(orchard, "product-adoption") == []


def test_lines_are_what_the_sheets_say(orchard):
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    past = history.of(orchard)

    tops = targets.lines(past, ["overall", "technical-health"])
    leaf = targets.lines(past, ["platform.page_speed", "overall"])

    assert [point for _, point in tops["overall"]] == [each.points["overall"] for each in read.trend(orchard)]
    assert leaf["overall"] == tops["overall"]
    assert leaf["platform.page_speed"][-1] == (
        YESTERDAY,
        read.latest(orchard).by_node["platform.page_speed"].points,
    )


def test_target_can_be_set_on_the_whole_a_category_and_what_counts(orchard):
    score(orchard)
    card = read.latest(orchard)

    nodes = [each.node for each in targets.choices(card)]

    assert nodes[:2] == ["overall", "product-adoption"]
    assert {"technical-health", "platform.page_speed"} <= set(nodes)
    assert "product-adoption/breadth" not in nodes
