"""Pins above a chart: which letter belongs to which day, and where they stand."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import charts, pins

FIRST = date(2026, 1, 1)
LAST = FIRST + timedelta(days=100)


@pytest.mark.parametrize(
    ("number", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
)
def test_letters_go_on_after_z(number, name):
    assert pins.letter(number) == name


def test_days_close_together_share_a_pin():
    letters, shown = pins.pinned([FIRST, FIRST + timedelta(days=2), FIRST + timedelta(days=50)], FIRST, LAST)

    assert letters == ["A", "A", "B"]
    assert [pin.x for pin in shown] == ["0.00%", "50.00%"]


@given(st.lists(st.integers(0, 100), max_size=60))
def test_pins_of_one_level_never_overlap(offsets):
    days = [FIRST + timedelta(days=n) for n in sorted(offsets)]

    letters, shown = pins.pinned(days, FIRST, LAST)

    assert len(letters) == len(days)
    assert set(letters) == {pin.letter for pin in shown}
    for level in {pin.y for pin in shown}:
        places = [float(pin.x[:-1]) for pin in shown if pin.y == level]
        assert all(later - earlier >= 2 * pins.SHARED for earlier, later in pairwise(places))


def test_stretch_of_a_single_day_is_seen():
    [(_, width)] = pins.spans([(FIRST, FIRST)], FIRST, LAST)

    assert width == "0.50%"


def test_rings_stand_on_the_line_and_nowhere_without_a_number():
    found = pins.rings([(FIRST, 95.0), (LAST, None)], charts.SCORES, FIRST, LAST)

    assert [(ring.x, ring.y) for ring in found] == [("0.00%", "0.00%")]
