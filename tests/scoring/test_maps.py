"""Foreign tables: what a map says is what is read, and a map that cannot be is refused by name."""

import random
from datetime import date
from pathlib import Path

import pytest

from accounts.models import Organization
from scoring import observe
from scoring.models import Batch, Metric, Observation, Quarantine
from scoring.observe import IngestRefused, Report

TODAY = date(2026, 11, 21)
MAP = """
[organization]
column = "account"
[day]
column = "when"
[[metric]]
key = "calls"
column = "n"
"""


@pytest.fixture
def metrics(orchard: Organization, harbor: Organization) -> None:
    for slot, (key, nature) in enumerate(
        [("calls", "flow"), ("users", "stock"), ("speed", "gauge"), ("reviews", "event"), ("share", "gauge")]
    ):
        Metric.objects.create(
            key=key,
            name=key,
            nature=nature,
            grain="event" if nature == "event" else "month",
            cadence="monthly",
            lag=7,
            maximum=1 if key == "share" else 1e15,
            daily=False,
            slot=2 * slot,
        )


def send(folder: Path, mapping: str, table: str, **options: object) -> Report:
    (folder / "map.toml").write_text(mapping)
    (folder / "table.csv").write_text(table)
    report = observe.ingest(folder / "table.csv", today=TODAY, map_path=folder / "map.toml", **options)
    assert report.adds_up
    return report


def stored(key: str = "calls") -> dict[tuple[str, str], float]:
    rows = Observation.objects.filter(metric__key=key).values_list(
        "organization__external_id", "day", "value"
    )
    return {(organization, str(day)): value for organization, day, value in rows}


def refusals() -> list[tuple[int, str, str]]:
    return list(Quarantine.objects.order_by("line").values_list("line", "reason", "field"))


# ---------- gathering ----------


def test_lines_of_one_organization_and_day_are_added_up(tmp_path, metrics):
    report = send(
        tmp_path,
        MAP,
        "account,when,n\norchard,2026-10-01,2\nharbor,2026-10-01,5\norchard,2026-10-01,3\norchard,2026-10-02,1\n",
    )

    assert stored() == {
        ("orchard", "2026-10-01"): 5,
        ("harbor", "2026-10-01"): 5,
        ("orchard", "2026-10-02"): 1,
    }
    assert (report.lines, report.used, report.observations, report.accepted) == (4, 4, 3, 3)


@pytest.mark.parametrize(
    ("aggregate", "expected"), [("sum", 12), ("count", 4), ("distinct", 2), ("mean", 3), ("last", 4)]
)
def test_every_aggregate_gathers_as_it_is_called(tmp_path, metrics, aggregate, expected):
    mapping = MAP.replace('when"', 'when"\nper = "month"') + f'aggregate = "{aggregate}"\n'

    send(
        tmp_path,
        mapping,
        "account,when,n\n"
        "orchard,2026-10-03,2\norchard,2026-10-30,4\norchard,2026-10-09,2\norchard,2026-10-29,4\norchard,2026-10-08,\n",
    )

    assert stored() == {("orchard", "2026-10-31"): expected}


def test_lines_in_another_order_give_the_same_numbers_to_the_last_bit(tmp_path, metrics):
    chance = random.Random(5)
    lines = [
        f"orchard,2026-10-{day:02},{chance.random() * 10 ** chance.randint(-8, 8)}\n" for day in range(1, 29)
    ] * 3
    table = "account,when,n\n"
    mapping = MAP.replace('when"', 'when"\nper = "month"')
    send(tmp_path, mapping, table + "".join(lines))
    chance.shuffle(lines)

    report = send(tmp_path, mapping, table + "".join(lines))

    assert (report.accepted, report.duplicate, report.conflicting) == (0, 1, 0)


def test_one_table_feeds_several_metrics_each_from_its_lines(tmp_path, metrics):
    mapping = """
    [organization]
    column = "account"
    [day]
    column = "when"
    per = "month"
    [[metric]]
    key = "calls"
    aggregate = "count"
    where = { kind = "call" }
    [[metric]]
    key = "users"
    column = "user"
    aggregate = "distinct"
    except = { kind = ["robot", "test"] }
    [[metric]]
    key = "speed"
    column = "ms"
    aggregate = "mean"
    """

    report = send(
        tmp_path,
        mapping,
        "account,when,kind,user,ms\n"
        "orchard,2026-10-01,call,ann,100\n"
        "orchard,2026-10-02,call,ann,\n"
        "orchard,2026-10-03,mail,bob,300\n"
        "orchard,2026-10-04,robot,r2,\n",
    )

    day = ("orchard", "2026-10-31")
    assert (stored("calls"), stored("users"), stored("speed")) == ({day: 2}, {day: 2}, {day: 200})
    assert (report.lines, report.used, report.filtered) == (4, 3, 1)
    assert Batch.objects.get().metrics == ["calls", "speed", "users"]


def test_event_that_stands_on_several_lines_happened_once(tmp_path, metrics):
    mapping = MAP.replace('"calls"\ncolumn = "n"', '"reviews"\naggregate = "count"')

    send(tmp_path, mapping, "account,when\norchard,2026-10-01\norchard,2026-10-01\n")

    assert stored("reviews") == {("orchard", "2026-10-01"): 1}


def test_gathered_number_that_cannot_be_is_refused_under_its_first_line(tmp_path, metrics):
    mapping = MAP.replace('"calls"', '"share"')

    report = send(
        tmp_path,
        mapping,
        "account,when,n\nharbor,2026-10-01,1\norchard,2026-10-01,0.6\norchard,2026-10-01,0.7\n",
    )

    assert stored("share") == {("harbor", "2026-10-01"): 1}
    assert (report.used, report.observations, report.refused_observations) == (3, 2, 1)
    assert refusals() == [(3, "out_of_range", "n")]


def test_fixed_organization_and_filters_leave_only_what_is_meant(tmp_path, metrics):
    mapping = """
    [organization]
    value = "harbor"
    [day]
    column = "when"
    [[metric]]
    key = "calls"
    column = "n"
    [where]
    plan = ["gold", "silver"]
    [except]
    n = 7
    """

    report = send(
        tmp_path,
        mapping,
        "when,n,plan\n2026-10-01,1,gold\n2026-10-02,7,gold\n2026-10-03,3,silver\n2026-10-04,4,tin\n",
    )

    assert stored() == {("harbor", "2026-10-01"): 1, ("harbor", "2026-10-03"): 3}
    assert (report.used, report.filtered) == (2, 2)


def test_json_lines_go_through_a_map_too(tmp_path, metrics):
    mapping = MAP + "where = { done = true }\n"

    report = send(
        tmp_path,
        mapping,
        '{"account": "orchard", "when": "2026-10-01", "n": 2, "done": true, "more": {"a": []}}\n'
        '{"account": "orchard", "when": "2026-10-01", "n": 40, "done": false}\n'
        '{"account": "orchard", "when": "2026-10-01", "n": "3", "done": true}\n',
    )

    assert stored() == {("orchard", "2026-10-01"): 5}
    assert (report.used, report.filtered) == (2, 1)


def test_line_with_one_bad_cell_is_left_out_whole(tmp_path, metrics):
    mapping = MAP + '[[metric]]\nkey = "users"\ncolumn = "m"\n'

    report = send(
        tmp_path,
        mapping,
        "account,when,n,m\norchard,2026-10-01,1,x\norchard,2026-10-02,1,-1\nharbor,2026-10-01,1,\n",
    )

    assert stored("calls") == {("harbor", "2026-10-01"): 1}
    assert stored("users") == {}
    assert refusals() == [(2, "bad_number", "m"), (3, "negative", "m")]
    assert (report.used, report.quarantined) == (1, 2)


def test_empty_cell_is_unknown_not_zero(tmp_path, metrics):
    report = send(tmp_path, MAP, "account,when,n\norchard,2026-10-01,\n")

    assert stored() == {}
    assert (report.lines, report.filtered, report.observations) == (1, 1, 0)


def test_correction_of_a_foreign_table_replaces_what_was_gathered_before(tmp_path, metrics):
    send(tmp_path, MAP, "account,when,n\norchard,2026-10-01,1\n")

    report = send(
        tmp_path, MAP, "account,when,n\norchard,2026-10-01,1\norchard,2026-10-01,1\n", are_corrections=True
    )

    assert report.corrected == 1
    assert stored() == {("orchard", "2026-10-01"): 2}


def test_conflict_of_one_metric_leaves_the_others_of_its_line_alone(tmp_path, metrics):
    mapping = MAP + '[[metric]]\nkey = "users"\ncolumn = "m"\n[[metric]]\nkey = "speed"\ncolumn = "s"\n'
    send(tmp_path, mapping, "account,when,n,m,s\norchard,2026-10-01,1,5,\n")

    report = send(tmp_path, mapping, "account,when,n,m,s\norchard,2026-10-01,2,5,9\n")

    assert (report.accepted, report.duplicate, report.conflicting) == (1, 1, 1)
    assert (stored("calls"), stored("speed")) == (
        {("orchard", "2026-10-01"): 1},
        {("orchard", "2026-10-01"): 9},
    )
    assert Quarantine.objects.get().raw == "orchard,calls,2026-10-01,2.0 (stored: 1.0)"


def test_declared_window_speaks_for_every_metric_of_the_map_even_without_a_line(tmp_path, metrics):
    mapping = (
        MAP
        + '[[metric]]\nkey = "reviews"\naggregate = "count"\nwhere = { n = "never" }\n'
        + "[complete]\nfrom = 2026-10-01\nto = 2026-10-31\n"
    )

    send(tmp_path, mapping, "account,when,n\norchard,2026-10-01,1\n")

    batch = Batch.objects.get()
    assert batch.metrics == ["calls", "reviews"]
    assert (batch.complete_from, batch.complete_to) == (date(2026, 10, 1), date(2026, 10, 31))


# ---------- days ----------


@pytest.mark.parametrize(
    ("day", "cell", "expected"),
    [
        ("", "2026-10-31", "2026-10-31"),
        ("", "2026-10-31T23:30:00Z", "2026-10-31"),
        ("", "2026-10-31T23:30:00-05:00", "2026-11-01"),
        ('timezone = "America/New_York"', "2026-10-31 23:30:00", "2026-11-01"),
        ('timezone = "Asia/Tokyo"', "2026-10-31T03:00", "2026-10-30"),
        ('timezone = "Asia/Tokyo"', "2026-10-31", "2026-10-31"),
        ('format = "%d.%m.%Y"', "31.10.2026", "2026-10-31"),
        ('format = "%m/%d/%y"', "10/31/26", "2026-10-31"),
        ('format = "%Y-%m-%d %H:%M %z"', "2026-10-31 23:30 -0500", "2026-11-01"),
        ('format = "%d.%m.%Y %H:%M"\ntimezone = "Europe/Berlin"', "31.10.2026 00:30", "2026-10-30"),
        ('format = "%Y-%m"', "2026-02", "2026-02-28"),
        ('format = "%B %Y"', "October 2026", "2026-10-31"),
        ('format = "%Y"', "2025", "2025-12-31"),
        ('per = "week"', "2026-10-26", "2026-11-01"),
        ('per = "month"', "2024-02-03", "2024-02-29"),
        ('per = "quarter"', "2026-07-01", "2026-09-30"),
        ('per = "year"', "2025-07-01", "2025-12-31"),
    ],
)
def test_days_are_read_as_the_map_says_and_counted_in_utc(tmp_path, metrics, day, cell, expected):
    mapping = MAP.replace('column = "when"', f'column = "when"\n{day}')

    send(tmp_path, mapping, f"account,when,n\norchard,{cell},1\n")

    assert stored() == {("orchard", expected): 1}


@pytest.mark.parametrize(
    ("day", "cells", "expected"),
    [
        ('year = "y"\nquarter = "q"', "2024,4", "2024-12-31"),
        ('year = "y"\nquarter = "q"', "2024,Q1", "2024-03-31"),
        ('year = "y"\nmonth = "q"', "2024,2", "2024-02-29"),
        ('year = "y"', "2024,", "2024-12-31"),
    ],
)
def test_period_in_columns_of_its_own_counts_as_its_last_day(tmp_path, metrics, day, cells, expected):
    mapping = MAP.replace('column = "when"', day)

    send(tmp_path, mapping, f"account,y,q,n\norchard,{cells},1\n")

    assert stored() == {("orchard", expected): 1}


@pytest.mark.parametrize(
    ("day", "cell", "reason"),
    [
        ("", "yesterday", "bad_day"),
        ("", "2026-10-31T23:30:00", "bad_day"),  # which day that is depends on a zone nobody named
        ('timezone = "Europe/Berlin"', "2026-03-29T02:30:00", "bad_day"),  # skipped that night
        ('format = "%d.%m.%Y"', "31.02.2026", "bad_day"),
        ('format = "%d.%m.%Y"', "٣١.10.2026", "bad_day"),
        ('format = "%Y-%m"', "2026-12", "day_in_future"),
        ('per = "month"', "2026-11-01", "day_in_future"),  # the month is not over
        ('format = "%Y"', "1999", "day_too_old"),
        ("", "", "missing_field"),
    ],
)
def test_day_that_cannot_be_is_quarantined_under_the_name_of_its_column(tmp_path, metrics, day, cell, reason):
    mapping = MAP.replace('column = "when"', f'column = "when"\n{day}')

    send(tmp_path, mapping, f"account,when,n\norchard,{cell},1\n")

    assert refusals() == [(2, reason, "when")]


@pytest.mark.parametrize("cells", ["2024,5", "2024,0", "2024,x", "20x4,1", "2024,", ",1"])
def test_period_that_is_none_is_quarantined(tmp_path, metrics, cells):
    mapping = MAP.replace('column = "when"', 'year = "y"\nquarter = "q"')

    report = send(tmp_path, mapping, f"account,y,q,n\norchard,{cells},1\n")

    assert report.quarantined == 1


# ---------- maps that cannot be ----------


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        ("[organization", "is not TOML"),
        (MAP + "[extra]\n", "knows no 'extra'"),
        (MAP.replace("column = ", "colum = ", 1), "knows no 'colum'"),
        (MAP.replace("[day]", "[days]"), "knows no 'days'"),
        (MAP.replace('[day]\ncolumn = "when"', ""), r"needs a table \[day\]"),
        (MAP.replace('column = "account"', ""), r"\[organization\] needs either column or value"),
        (MAP.replace('column = "account"', 'column = "a"\nvalue = "b"'), "needs either column or value"),
        (MAP.replace('column = "when"', 'column = "when"\nyear = "y"'), "either column, or year"),
        (MAP.replace('column = "when"', 'quarter = "q"'), "either column, or year"),
        (MAP.replace('column = "when"', 'year = "y"\nmonth = "m"\nquarter = "q"'), "not both"),
        (MAP.replace('column = "when"', 'year = "y"\nformat = "%Y"'), "go with column"),
        (
            MAP.replace('column = "when"', 'column = "w"\nformat = "%Y-%m-%d %H:%M"'),
            "has a time of day but no zone",
        ),
        (
            MAP.replace('column = "when"', 'column = "w"\ntimezone = "Mars/Olympus"'),
            "'Mars/Olympus' is not known",
        ),
        (MAP.replace('column = "when"', 'column = "w"\nper = "fortnight"'), "per is one of"),
        (MAP.replace('column = "when"', "column = 3"), r"\[day\] column is a text"),
        (MAP.split("[[metric]]")[0], r"at least one \[\[metric\]\]"),
        (MAP.replace('key = "calls"', ""), r"metric\[0\] needs a key"),
        (MAP.replace('key = "calls"', 'key = "heartbeats"'), "'heartbeats' is not declared"),
        (MAP + '[[metric]]\nkey = "calls"\ncolumn = "m"\n', "'calls' stands there twice"),
        (
            MAP + 'aggregate = "median"\n',
            "aggregate is one of sum, count, distinct, mean, last, not 'median'",
        ),
        (MAP.replace('column = "n"', 'aggregate = "mean"'), "needs a column"),
        (MAP.replace('"calls"', '"reviews"'), "'reviews' is an event"),
        (MAP + "where = { n = [] }\n", "where.n is a text or a list of texts"),
        (MAP + '[complete]\nfrom = "2026-10-01"\nto = 2026-10-31\n', "from is a day like"),
        (MAP + "[complete]\nfrom = 2026-10-01\n", "to is a day like"),
        ('delimiter = ";;"\n' + MAP, "delimiter is one character"),
        (MAP.replace('"n"', '"m"'), "has no column 'm'; it has account, when, n"),
        (MAP + "where = { kind = 1 }\n", "has no column 'kind'"),
    ],
)
def test_map_that_cannot_be_is_one_clear_error_before_anything_is_written(
    tmp_path, metrics, mapping, complaint
):
    with pytest.raises(IngestRefused, match=complaint):
        send(tmp_path, mapping, "account,when,n\norchard,2026-10-01,1\n")

    assert not Batch.objects.exists()


def test_missing_map_is_said_by_name(tmp_path, metrics):
    with pytest.raises(IngestRefused, match=r"none\.toml: No such file"):
        observe.ingest(tmp_path / "table.csv", today=TODAY, map_path=tmp_path / "none.toml")


def test_other_separators_are_named_in_the_map(tmp_path, metrics):
    send(tmp_path, 'delimiter = ";"\nsource = "erp"\n' + MAP, 'account;when;n\n"orchard";2026-10-01;2\n')

    assert stored() == {("orchard", "2026-10-01"): 2}
    assert Batch.objects.get().source.key == "erp"
