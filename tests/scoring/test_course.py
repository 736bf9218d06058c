"""How figures went from night to night: the numbers of the sheets, and lines that end where they must."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from scoring import course, history, sheets
from scoring.course import Night
from scoring.engine import State
from scoring.sheets import Figure
from tests.portal.scored import YESTERDAY, score

FIRST = date(2026, 3, 1)


def nights(*points, step=1, **options):
    """Nights so many days apart with these points of the overall score; None is no number."""
    return [
        Night(FIRST + timedelta(days=step * n), 1, 0, {"overall": Figure(value, State.OK, 1.0)}, **options)
        for n, value in enumerate(points)
    ]


def test_every_figure_is_that_of_the_sheet(orchard):
    """Read one by one with `struct`, against the whole sheet read with NumPy."""
    score(orchard)
    sheet = orchard.score_sheets.get()
    past = history.of(orchard)
    card = past.sheets[YESTERDAY].card

    found = {node.id: sheets.figure(bytes(sheet.nodes), card, node.id) for node in card.nodes}

    assert found == sheets.unpack(sheet.nodes, card)
    assert any(figure.points is not None for figure in found.values())


def test_node_that_a_version_does_not_have_has_no_figure(orchard):
    score(orchard)
    past = history.of(orchard)

    [night] = course.of(orchard, ["overall", "no.such_signal"], known=past)

    assert set(night.figures) == {"overall"}
    assert night.points("no.such_signal") is None


def test_night_that_could_not_score_the_organization_is_a_gap(orchard):
    days = tuple(YESTERDAY - timedelta(days=back) for back in (2, 1, 0))
    score(orchard, days=days)
    past = history.of(orchard)
    kept = {day: sheet for day, sheet in past.sheets.items() if day != days[1]}

    found = course.of(orchard, ["overall"], known=replace(past, sheets=kept))

    assert [night.day for night in found] == list(days)
    line = course.line(found, "overall")
    assert [value is None for _, value in line] == [False, True, False]


def test_nights_before_the_first_sheet_are_no_part_of_the_course(orchard):
    days = tuple(YESTERDAY - timedelta(days=back) for back in (2, 1, 0))
    score(orchard, days=days)
    past = history.of(orchard)
    kept = {day: sheet for day, sheet in past.sheets.items() if day == days[2]}

    assert [night.day for night in course.of(orchard, ["overall"], known=replace(past, sheets=kept))] == [
        days[2]
    ]


def test_number_that_is_not_there_is_no_point():
    line = course.line(nights(7000, None, 7100), "overall")

    assert [value for _, value in line] == [7000, None, 7100]


@pytest.mark.parametrize(("step", "gaps"), [(31, 0), (32, 2)])
def test_closes_are_joined_and_longer_stretches_are_not(step, gaps):
    line = course.line(nights(7000, 7100, 7200, step=step), "overall")

    assert sum(value is None for _, value in line) == gaps


def test_provisional_stretches_are_from_the_first_to_the_last_night_of_each():
    found = nights(1, 2, 3, 4, 5)
    thin = {"overall": Figure(1, State.PROVISIONAL, 0.7)}
    marked = [replace(night, figures=thin) if n in (0, 1, 4) else night for n, night in enumerate(found)]

    assert list(course.provisional(marked, "overall")) == [
        (FIRST, FIRST + timedelta(days=1)),
        (FIRST + timedelta(days=4), FIRST + timedelta(days=4)),
    ]


def test_version_is_told_on_its_first_night_and_a_gap_hides_none():
    found = nights(1, 2, 3, 4)
    changed = [found[0], replace(found[1], number=0, figures={}), replace(found[2], number=2), found[3]]

    assert course.versions(changed) == [(found[2].day, 2), (found[3].day, 1)]


def test_closes_are_the_last_days_of_months_and_the_newest_night():
    found = nights(*range(40))

    assert [night.day for night in course.closes(found)] == [date(2026, 3, 31), found[-1].day]
