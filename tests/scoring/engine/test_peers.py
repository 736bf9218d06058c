"""The arithmetic of the comparison with peers: quartiles, sizes, the ladder, and who is shown what."""

import csv
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine import peers
from scoring.engine.peers import Contributors, Group, Quarter, Release, Rules, Rung

ALL = np.array([True, True, False])
ACCOUNTS = Path(__file__).parents[4] / "shared" / "data" / "ravenstack" / "ravenstack_accounts.csv"
# Shares of industries and the spread of seats as in ravenstack, for a checkout without it.
TYPED_INDUSTRIES = ("DevTools", "FinTech", "Cybersecurity", "HealthTech", "EdTech")
TYPED_SEATS = (1, 1, 2, 3, 4, 5, 7, 9, 12, 15, 17, 19, 22, 25, 27, 31, 36, 44, 56, 91)


def people(values, *, size=1, industry="mills", family=None, contributes=True, ids=None) -> Contributors:
    """Organizations with these scores in hundredths, a row each."""
    table = np.array(values, np.int16).reshape(len(values), -1)
    table = np.broadcast_to(table, (len(table), 3)) if table.shape[1] == 1 else table
    ids = np.arange(1, len(table) + 1) if ids is None else np.array(ids)
    sizes = np.full(len(ids), size) if np.isscalar(size) else np.array(size)
    names = [industry] * len(ids) if isinstance(industry, str) else industry
    return Contributors(
        ids=ids,
        size=sizes,
        industry=names,
        family=ids if family is None else np.array(family),
        contributes=np.full(len(ids), contributes) if np.isscalar(contributes) else np.array(contributes),
        values=table.astype(np.int16),
    )


def scores(number, start=5000, step=150):
    return [start + step * at for at in range(number)]


def released(*months, rules=Rules()):  # noqa: B008
    """What is released month by month."""
    before: list[Release] = []
    found = []
    for each in months:
        made, shown = peers.release(each, before, with_quartiles=ALL, rules=rules)
        before += made
        found.append((made, shown.tolist()))
    return found


# ---------- the numbers ----------


@pytest.mark.parametrize(
    ("number", "shown"), [(10, [-1] * 10), (11, [0] * 11)], ids=["ten are withheld", "eleven are shown"]
)
def test_golden_vector_of_ten_and_eleven(number, shown):
    ((made, found),) = released(people(scores(number)))

    assert found == shown
    assert [peers.size_range(int(each.sizes[0])) for each in made] == ["11–24"] * (number == 11)


def test_ten_are_widened_where_a_wider_group_has_enough():
    ((made, shown),) = released(people(scores(15), industry=["mills"] * 10 + ["farms"] * 5))

    assert [each.group.rung for each in made] == [Rung.SIZE]
    assert set(shown) == {0}


def test_quartiles_of_eleven_by_hand():
    # Sorted 40, 45 … 90: the windows are 50 55 60, 60 65 70, 70 75 80.
    assert peers.quartiles(np.array([4000 + 500 * at for at in range(11)])) == (55, 65, 75)


def test_quartiles_of_twelve_take_the_place_nearer_to_the_middle():
    # Places 2.75, 5.5 and 8.25 of 0 … 11: windows around 3, 5 and 8.
    assert peers.quartiles(np.array([100 * at for at in range(12)])) == (3, 5, 8)


def test_figures_are_rounded_half_to_even_from_the_exact_sum():
    assert peers.quartiles(np.array([50, 50, 50])) == (0, 0, 0)
    assert peers.quartiles(np.array([150, 150, 150])) == (2, 2, 2)


@pytest.mark.parametrize(
    ("seats", "size"),
    [
        *[(1, 0), (50, 0), (51, 1), (250, 1), (251, 2), (1000, 2), (1001, 3), (5000, 3), (5001, 4)],
        *[(20000, 4), (20001, 5), (float("nan"), -1), (0, -1)],
    ],
)
def test_sizes_have_the_edges_of_the_book(seats, size):
    assert peers.size_of(np.array([seats], float)).tolist() == [size]


@pytest.mark.parametrize(("number", "text"), [(11, "11–24"), (24, "11–24"), (25, "25–49"), (50, "50+")])
def test_size_is_told_as_a_range(number, text):
    assert peers.size_range(number) == text


@pytest.mark.parametrize(
    ("own", "found"),
    [
        (63, Quarter.LOWEST),
        (64, Quarter.SECOND),
        (70, Quarter.SECOND),
        (71, Quarter.THIRD),
        (79, Quarter.TOP),
    ],
)
def test_quarter_follows_the_whole_numbers_that_are_shown(own, found):
    assert peers.quarter(own, 64, 71, 79) is found


@given(st.lists(st.integers(0, 10_000), min_size=11, max_size=60))
def test_no_figure_lies_outside_of_the_second_lowest_and_second_highest(values):
    lower, median, upper = peers.quartiles(np.array(values))
    ordered = sorted(values)

    assert ordered[1] / 100 - 0.5 <= lower <= median <= upper <= ordered[-2] / 100 + 0.5


# ---------- who is shown what ----------


def test_affiliates_of_one_parent_count_once():
    ((made, shown),) = released(people(scores(12), family=[1, 1, *range(3, 13)]))
    ((fewer, _),) = released(people(scores(11), family=[1, 1, *range(3, 12)]))

    assert made[0].sizes[0] == 11
    assert shown == [0] * 12  # the second affiliate sees what the first one does
    assert not fewer


def test_who_does_not_contribute_is_neither_counted_nor_shown():
    ((made, shown),) = released(people(scores(12), contributes=[False] + [True] * 11))

    assert 1 not in made[0].ids
    assert shown == [-1] + [0] * 11


def test_category_that_too_few_have_is_withheld_alone():
    values = np.repeat(np.array(scores(12), np.int16)[:, None], 3, axis=1)
    values[:2, 1] = -1

    ((made, _),) = released(people(values))

    assert made[0].figures[1].tolist() == [-1, -1, -1]
    assert made[0].figures[0, 1] > 0


def test_signal_gets_a_median_and_nothing_else():
    ((made, _),) = released(people(scores(12)))

    assert made[0].figures[2, [0, 2]].tolist() == [-1, -1]
    assert made[0].figures[2, 1] == made[0].figures[0, 1]


@pytest.mark.parametrize(("others", "is_shown"), [(2, False), (3, True)])
def test_wider_group_is_withheld_while_few_tell_it_from_the_narrower_one(others, is_shown):
    industry = ["mills"] * 12 + ["farms"] * others

    ((_, shown),) = released(people(scores(12 + others), industry=industry))

    assert set(shown[:12]) == {0}
    assert set(shown[12:]) == ({1} if is_shown else {-1})


def test_who_joins_waits_until_three_have():
    months = [people(scores(number)) for number in (12, 13, 14, 15)]

    found = released(*months)

    assert [made[0].sizes[0] for made, _ in found] == [12, 12, 12, 15]
    assert [made[0].figures[0].tolist() for made, _ in found[:3]] == [found[0][0][0].figures[0].tolist()] * 3
    assert found[1][1][12] == 0  # and sees what the others of the group see


def test_who_leaves_stays_in_with_the_last_score():
    first = people(scores(12))
    then = people([each + 100 for each in scores(12)], contributes=[True] * 11 + [False])

    (_, ((made,), shown)) = released(first, then)

    assert made.sizes[0] == 12
    assert made.values[made.ids == 12, 0].tolist() == [scores(12)[11]]
    assert made.values[made.ids == 1, 0].tolist() == [scores(12)[0] + 100]
    assert shown[11] == -1


def test_who_was_deleted_stays_in_as_well():
    (_, ((made,), _)) = released(people(scores(12)), people(scores(11)))

    assert 12 in made.ids


def test_list_does_not_come_back_to_one_or_two_of_an_older_one():
    # Three leave, three others come, then all but one of the first list are there again.
    def month(*away):
        return people(scores(18), contributes=[at not in away for at in range(18)])

    found = released(month(15, 16, 17), month(12, 13, 14), month(14, 15, 16, 17))

    lists = [set(made[0].ids.tolist()) for made, _ in found]
    assert lists[0] != lists[1]
    assert lists[2] == lists[1]  # fourteen of the first fifteen: it would tell the fifteenth


def test_number_of_another_scorecard_version_does_not_stay():
    ((made, _),) = released(people(scores(12)))
    old = [Release(each.group, each.ids, each.values, each.figures, is_comparable=False) for each in made]

    now, shown = peers.release(people(scores(11)), old, with_quartiles=ALL)

    assert now == []
    assert set(shown.tolist()) == {-1}


def test_floor_can_be_raised():
    ((made, _),) = released(people(scores(19)), rules=Rules(floor=20))

    assert made == []


# ---------- properties ----------


@given(st.permutations(range(14)))
@settings(max_examples=30)
def test_order_of_the_organizations_changes_nothing(order):
    values = np.array(scores(14))
    ((one, _),) = released(people(values))
    ((other, _),) = released(people(values[list(order)], ids=np.array(order) + 1))

    assert one[0].figures.tolist() == other[0].figures.tolist()
    assert one[0].ids.tolist() == other[0].ids.tolist()


@given(st.integers(0, 10_000), st.integers(3, 5))
@settings(max_examples=30)
def test_organization_that_is_not_in_the_group_changes_nothing(score, size):
    ((one, _),) = released(people(scores(12)))
    ((other, _),) = released(people([*scores(12), score], size=[1] * 12 + [size]))

    assert other[0].group == one[0].group == Group(Rung.INDUSTRY, 1, 1, "mills")
    assert other[0].figures.tolist() == one[0].figures.tolist()


def of_the_file(_: np.random.Generator) -> tuple[list[str], list[float]]:
    """Industry and seats of two hundred accounts of ravenstack."""
    if not ACCOUNTS.exists():
        pytest.skip("only on a checkout with ../shared/data/ravenstack beside it")
    with ACCOUNTS.open() as file:
        rows = list(islice(csv.DictReader(file), 200))
    return [row["industry"] for row in rows], [float(row["seats"]) for row in rows]


def typed(draw: np.random.Generator) -> tuple[list[str], list[float]]:
    """The same spread as typed above, for a checkout without the file."""
    return [TYPED_INDUSTRIES[at % 5] for at in range(200)], draw.choice(TYPED_SEATS, 200).astype(
        float
    ).tolist()


@pytest.mark.parametrize("spread", [of_the_file, typed])
def test_two_hundred_organizations_of_ordinary_spread_are_nearly_all_served(spread):
    draw = np.random.default_rng(5)
    industry, seats = spread(draw)
    values = draw.normal(7000, 1200, 200).clip(0, 10_000).astype(np.int16)

    everybody = people(values, size=peers.size_of(np.array(seats)), industry=industry)
    months = []
    for _ in range(6):
        there = draw.random(200) < 0.95
        months.append(people(values, size=everybody.size, industry=industry, contributes=there))
    found = released(*months)

    for (_, shown), month in zip(found, months, strict=True):
        contributing = np.flatnonzero(month.contributes)
        assert np.mean(np.array(shown)[contributing] >= 0) >= 0.95
