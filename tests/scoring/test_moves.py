"""What moved: every change is split exactly, by the same way, and between the published ends."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from scoring import engine, moves, publish, sheets
from scoring.engine import Scorecard, State
from scoring.engine.rollup import roll_up
from scoring.history import History, Published, Sheet
from scoring.models import ScorecardVersion
from scoring.moves import Cause, Moved
from tests.factories import SMALL_CARD

DAY = date(2026, 10, 20)
BEFORE = DAY - timedelta(days=30)
CHANGE = DAY - timedelta(days=10)
GROWTH = "sales.work_order_growth"
ACTIVATION = "sales.license_activation"

# The same scorecard, weighed otherwise, with another curve, without one signal and with one that is new.
OTHER = (
    SMALL_CARD.replace('mark = "ce"\nweight = 20', 'mark = "ce"\nweight = 35')
    .replace("p10 = 700", "p10 = 600")
    .replace('key = "reviews.recency"', 'key = "reviews.newest"')
)
# Weights alone: no signal of it is new or has another rule.
REWEIGHED = SMALL_CARD.replace('mark = "ce"\nweight = 20', 'mark = "ce"\nweight = 35')


def version(text: str, number: int) -> ScorecardVersion:
    """A version that is nowhere stored."""
    return ScorecardVersion(
        pk=number,
        key="customer-success",
        number=number,
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


FIRST, SECOND, THIRD = version(SMALL_CARD, 1), version(OTHER, 2), version(REWEIGHED, 3)
CARD = publish.card_of(FIRST)
KEYS = [signal.key for signal in CARD.signals]
Result = tuple[State, float, int]  # state, points, observed base months of growth
Results = Mapping[str, Result]


def packed(card: Scorecard, results: Results) -> bytes:
    """The sheet of one night, made from the signals by the engine's own roll-up at full precision."""
    size = len(card.nodes)
    points, state = np.full((1, size), np.nan), np.full((1, size), State.NOT_APPLICABLE, np.uint8)
    share, history = np.ones((1, size)), np.zeros((1, size), np.uint8)
    for place, node in enumerate(card.nodes):
        if node.signal:
            mine = results.get(node.id, (State.MISSING, 0.0, 0))
            state[0, place] = mine[0]
            if mine[0] <= State.STALE_GRACE:
                points[0, place] = mine[1]
                if node.id == GROWTH:
                    history[0, place], share[0, place] = mine[2], mine[2] / 12
    scores = roll_up(card, points, state, share)
    return sheets.pack(card, replace(scores, history=history))[0]


def history(*nights: tuple[date, ScorecardVersion, Results]) -> History:
    """These nights, published."""
    made = {day: Sheet(day, of, 0, packed(publish.card_of(of), results)) for day, of, results in nights}
    out = {day: Published(day, sheet.version.pk, 0, 1, datetime.now(UTC), 0) for day, sheet in made.items()}
    return History("customer-success", out, made)


def moved(before: Results, after: Results) -> Moved:
    """What moved between two nights under one version."""
    past = history((BEFORE, FIRST, before), (DAY, FIRST, after))
    return moves.split(past, [(BEFORE, DAY)], {})[0]


def across(
    before: Results,
    last: Results,
    after: Results,
    *,
    to: ScorecardVersion = SECOND,
    pair: Results | None = None,
) -> Moved:
    """What moved over a change of version; the last night of the older one was scored under both."""
    past = history(
        (BEFORE, FIRST, before),
        (CHANGE, FIRST, last),
        (CHANGE + timedelta(days=1), to, after),
        (DAY, to, after),
    )
    under = packed(publish.card_of(to), last if pair is None else pair)
    return moves.split(past, [(BEFORE, DAY)], {CHANGE: under})[0]


def parts(found: Moved, node: str = "overall") -> dict[Cause, int]:
    assert found.moves[node].parts is not None
    return dict(found.moves[node].parts)


def fine(**changes: Result) -> Results:
    """Every signal up to date, with changes by key (`__` for the dot)."""
    usual = {key: (State.OK, 40.0 + 7 * at, 12) for at, key in enumerate(KEYS)}
    usual["reviews.newest"] = (State.OK, 55.0, 0)
    return usual | {key.replace("__", "."): result for key, result in changes.items()}


# ---------- generated histories ----------

some_nights = settings(max_examples=25, deadline=None)

SIGNAL_STATES = [State(number) for number in range(7)]
points = some.floats(0, 100, allow_nan=False)
result = some.tuples(some.sampled_from([State.OK] * 6 + SIGNAL_STATES), points, some.integers(3, 12))
scored = some.tuples(some.just(State.OK), points, some.just(12))
night = some.fixed_dictionaries(dict.fromkeys([*KEYS, "reviews.newest"], result))
full_night = some.fixed_dictionaries(dict.fromkeys([*KEYS, "reviews.newest"], scored))


def assert_exact(found: Moved) -> None:
    """Both ends are the published numbers, and the parts are what lies between them."""
    first, last = (sheets.unpack(each.nodes, each.card) for each in (found.first, found.last))
    for node, move in found.moves.items():
        assert move.before == (first[node].points if node in first else None)
        assert move.after == (last[node].points if node in last else None)
        if move.before is None or move.after is None:
            assert move.parts is None
        else:
            assert set(move.parts) == set(Cause)
            assert all(isinstance(part, int) for part in move.parts.values())
            assert sum(move.parts.values()) == move.after - move.before


@some_nights
@given(night, night)
def test_parts_add_up_to_the_hundredth_at_every_node(before, after):
    assert_exact(moved(before, after))


@some_nights
@given(night, night, night, night)
def test_parts_add_up_across_a_new_version(before, last, after, pair):
    assert_exact(across(before, last, after, pair=pair))


@some_nights
@given(night, night, night)
def test_parts_add_up_where_the_night_was_not_scored_under_both(before, last, after):
    past = history((BEFORE, FIRST, before), (CHANGE, FIRST, last), (DAY, SECOND, after))

    assert_exact(moves.split(past, [(BEFORE, DAY)], {})[0])


@some_nights
@given(night)
def test_identical_sheets_have_no_parts(results):
    for move in moved(results, results).moves.values():
        assert move.parts is None or not any(move.parts.values())


@some_nights
@given(full_night, full_night)
def test_change_of_values_alone_is_all_yours(before, after):
    for move in moved(before, after).moves.values():
        assert move.parts == {Cause.US: 0, Cause.SCOPE: 0, Cause.FEED: 0, Cause.YOU: move.change}


@some_nights
@given(night)
def test_new_version_alone_is_all_ours(results):
    found = across(results, results, results, to=THIRD)

    for move in found.moves.values():
        if move.parts is not None:
            assert move.parts == {Cause.US: move.change, Cause.SCOPE: 0, Cause.FEED: 0, Cause.YOU: 0}


@some_nights
@given(full_night, some.sampled_from(KEYS))
def test_signal_that_falls_silent_is_all_the_feeds(results, key):
    after = results | {key: (State.MISSING, 0.0, 0)}

    for move in moved(results, after).moves.values():
        if move.parts is not None:
            assert move.parts == {Cause.US: 0, Cause.SCOPE: 0, Cause.FEED: move.change, Cause.YOU: 0}


@some_nights
@given(full_night, some.sampled_from(KEYS))
def test_signal_that_begins_to_count_is_all_scope(results, key):
    before = results | {key: (State.NOT_APPLICABLE, 0.0, 0)}

    for move in moved(before, results).moves.values():
        if move.parts is not None:
            assert move.parts == {Cause.US: 0, Cause.SCOPE: move.change, Cause.FEED: 0, Cause.YOU: 0}


@some_nights
@given(night, night)
def test_the_way_back_undoes_the_change(before, after):
    there, back = moved(before, after), moved(after, before)

    for node, move in there.moves.items():
        if move.change is not None:
            assert back.moves[node].change == -move.change


@some_nights
@given(night, night, night)
def test_data_that_came_before_the_pair_was_made_is_not_the_versions_doing(last, late, after):
    """The pair is scored a night later: where the rule is the same, its own numbers do not count."""
    clean, dirty = across(last, last, after, to=THIRD), across(last, last, after, to=THIRD, pair=late)

    for node in clean.moves:
        one, other = clean.moves[node].parts, dirty.moves[node].parts
        assert (one is None) == (other is None)
        if one is not None:
            assert abs(one[Cause.US] - other[Cause.US]) <= 1  # the signals are kept in hundredths


@some_nights
@given(night, night)
def test_effects_of_the_signals_add_up_to_the_change(before, after):
    found = moved(before, after)

    for node, move in found.moves.items():
        if move.parts is not None:
            for cause in (*Cause, None):
                told = sum(
                    each.total if cause is None else each.by_cause.get(cause, 0.0)
                    for each in moves.effects(found, node)
                )
                due = move.change if cause is None else move.parts[cause]
                assert abs(told - due) <= (moves.TRIFLE + 1) * (4 if cause is None else 1)


# ---------- worked by hand ----------


def test_worked_example_of_all_four_causes():
    """Adoption is breadth (weight 1) and momentum (0.5), each of one signal; it weighs 50 of 100."""
    before = fine(
        sales__license_activation=(State.OK, 80.0, 0), sales__work_order_growth=(State.OK, 50.0, 12)
    )
    last = before
    after = fine(
        sales__license_activation=(State.OK, 60.0, 0), sales__work_order_growth=(State.MISSING, 0.0, 0)
    )
    found = across(before, last, after, to=THIRD)

    # (80 + 0.5 × 50) / 1.5 = 70; without momentum 80; then 60.
    assert found.moves["product-adoption"].before == 7000
    assert parts(found, "product-adoption") == {
        Cause.US: 0,
        Cause.SCOPE: 0,
        Cause.FEED: 1000,
        Cause.YOU: -2000,
    }
    # Overall, before: (50 × 70 + 20 × e + 30 × t) / 100; under the new version the weights are 50, 35, 30.
    expertise = (54.0 + 0.5 * 61.0) / 1.5
    technical = (68.0 + 75.0) / 2
    old = (50 * 70 + 20 * expertise + 30 * technical) / 100
    new = (50 * 70 + 35 * expertise + 30 * technical) / 115
    assert parts(found)[Cause.US] == pytest.approx(100 * (new - old), abs=1.01)
    assert parts(found)[Cause.FEED] == pytest.approx(100 * 50 * 10 / 115, abs=1.01)
    assert parts(found)[Cause.YOU] == pytest.approx(-100 * 50 * 20 / 115, abs=1.01)


def test_value_behind_a_feed_that_stopped_is_not_yours():
    """A signal falls to 0 and is then silent: what is not known any more cannot be the customer's doing."""
    found = moved(fine(), fine(sales__work_order_growth=(State.MISSING, 0.0, 0)))

    assert parts(found)[Cause.YOU] == 0
    assert parts(found)[Cause.FEED] != 0


def test_signal_that_comes_back_with_another_value_is_the_feeds():
    found = moved(fine(sales__license_activation=(State.MISSING, 0.0, 0)), fine())

    assert parts(found)[Cause.YOU] == 0


def test_signal_of_a_new_version_has_words_instead_of_numbers():
    found = across(fine(), fine(), fine())

    assert found.moves["reviews.newest"].parts is None
    assert found.moves["reviews.newest"].state_before is None
    assert found.moves["reviews.recency"].state_after is None
    assert parts(found)[Cause.US] != 0


def test_rule_that_changed_is_told_by_the_pair():
    """Page speed has another curve in version 2: under it the same night scored 30 instead of its points."""
    pair = fine(platform__page_speed=(State.OK, 30.0, 0))
    found = across(fine(), fine(), pair, pair=pair)
    was = fine()["platform.page_speed"][1]

    assert parts(found, "platform.page_speed")[Cause.US] == round(100 * (30 - was))


def test_step_that_leaves_no_number_changes_nothing():
    """One review signal stops counting, the silent other one reports: between the two there is no number."""
    before = fine(reviews__recency=(State.OK, 80.0, 0), reviews__satisfaction=(State.MISSING, 0.0, 0))
    after = fine(reviews__recency=(State.NOT_APPLICABLE, 0.0, 0), reviews__satisfaction=(State.OK, 40.0, 0))
    found = moved(before, after)

    assert parts(found, "customer-expertise/engagement") == {
        Cause.US: 0,
        Cause.SCOPE: 0,
        Cause.FEED: -4000,
        Cause.YOU: 0,
    }


def test_signal_that_lost_most_comes_first():
    before, after = fine(), fine(sales__license_activation=(State.OK, 10.0, 0))
    found = moved(before, after)

    first = moves.effects(found, "overall")[0]

    assert first.node == ACTIVATION
    assert first.total == pytest.approx(100 * (10 - before[ACTIVATION][1]) * 0.5 / 1.5, abs=1)


# ---------- which days ----------


def test_usual_days_are_of_thirty_and_ninety_days_and_the_last_close():
    close = date(2026, 9, 30)
    past = history(*((day, FIRST, fine()) for day in (DAY - timedelta(days=95), BEFORE, close, DAY)))

    assert moves.usual(past) == {"30": BEFORE, "90": DAY - timedelta(days=95), "close": close}


def test_one_night_has_nothing_to_be_compared_with():
    assert moves.usual(history((DAY, FIRST, fine()))) == {}


def test_weights_alone_leave_every_rule_the_same():
    other = engine.parse(OTHER)

    assert all(engine.moves.same_rule(CARD, publish.card_of(THIRD), key) for key in KEYS)
    assert not engine.moves.same_rule(CARD, other, "platform.page_speed")
    assert engine.moves.same_rule(CARD, other, GROWTH)
