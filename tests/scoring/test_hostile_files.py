"""Files as the world sends them: every bad line is quarantined with its reason, every good one is stored."""

import gzip
import json
import resource
from datetime import date
from pathlib import Path

import pytest

from accounts.models import Organization
from accounts.rows import files
from scoring import observe
from scoring.models import Batch, Metric, Observation, Quarantine
from scoring.observe import IngestRefused, Reason, Report

TODAY = date(2026, 11, 21)
HEADER = b"organization,metric,day,value,correction\n"
GOOD = b"orchard,calls,2026-10-%02d,%d,\n"
LONG = b"orchard,calls,2026-10-01," + b"1" * 70_000 + b",\n"

# What each line is refused for, and because of which field.
BAD_CSV = [
    (b"orchard,calls,2026-10-01,NaN,", Reason.NON_FINITE, "value"),
    (b"orchard,calls,2026-10-01,Infinity,", Reason.NON_FINITE, "value"),
    (b"orchard,calls,2026-10-01,-inf,", Reason.NON_FINITE, "value"),
    (b"orchard,calls,2026-10-01,1e309,", Reason.NON_FINITE, "value"),
    (b"orchard,calls,2026-10-01,1e308,", Reason.OUT_OF_RANGE, "value"),
    (b"orchard,share,2026-10-01,1.01,", Reason.OUT_OF_RANGE, "value"),
    (b"orchard,calls,2026-10-01,-1,", Reason.NEGATIVE, "value"),
    (b"orchard,calls,2026-10-01,-0,", Reason.NEGATIVE, "value"),
    (b"orchard,balance,2026-10-01,-101,", Reason.OUT_OF_RANGE, "value"),
    (b"orchard,calls,2026-10-01,true,", Reason.BAD_NUMBER, "value"),
    (b"orchard,calls,2026-10-01,1_000,", Reason.BAD_NUMBER, "value"),
    ("orchard,calls,2026-10-01,٣,".encode(), Reason.BAD_NUMBER, "value"),
    (b'orchard,calls,2026-10-01,"1,000",', Reason.BAD_NUMBER, "value"),
    (b"orchard,calls,2026-10-01,0x10,", Reason.BAD_NUMBER, "value"),
    (b"orchard,calls,2026-10-01,,", Reason.MISSING_FIELD, "value"),
    (b"orchard,calls,2026-10-01,  ,", Reason.MISSING_FIELD, "value"),
    (b",calls,2026-10-01,1,", Reason.MISSING_FIELD, "organization"),
    (b"orchard,,2026-10-01,1,", Reason.MISSING_FIELD, "metric"),
    (b"orchard,calls,,1,", Reason.MISSING_FIELD, "day"),
    (b"nobody,calls,2026-10-01,1,", Reason.UNKNOWN_ORGANIZATION, "organization"),
    (b"ORCHARD,calls,2026-10-01,1,", Reason.UNKNOWN_ORGANIZATION, "organization"),
    (b"orchard,heartbeats,2026-10-01,1,", Reason.UNKNOWN_METRIC, "metric"),
    (b"orchard,calls,2026-02-29,1,", Reason.BAD_DAY, "day"),
    (b"orchard,calls,01.10.2026,1,", Reason.BAD_DAY, "day"),
    (b"orchard,calls,20261001,1,", Reason.BAD_DAY, "day"),
    (b"orchard,calls,2026-W40-4,1,", Reason.BAD_DAY, "day"),
    (b"orchard,calls,2026-10-01T00:00:00Z,1,", Reason.BAD_DAY, "day"),
    ("orchard,calls,٢٠٢٦-10-01,1,".encode(), Reason.BAD_DAY, "day"),
    (b"orchard,calls,2026-11-23,1,", Reason.DAY_IN_FUTURE, "day"),
    (b"orchard,calls,9999-12-31,1,", Reason.DAY_IN_FUTURE, "day"),
    (b"orchard,calls,1999-12-31,1,", Reason.DAY_TOO_OLD, "day"),
    (b"orchard,reviews,2026-10-01,2,", Reason.NOT_AN_EVENT, "value"),
    (b"orchard,reviews,2026-10-01,0.5,", Reason.NOT_AN_EVENT, "value"),
    (b"orchard,calls,2026-10-01,1,maybe", Reason.BAD_CORRECTION, "correction"),
    (b"orchard,calls,2026-10-01,1", Reason.RAGGED, ""),
    (b"orchard,calls,2026-10-01,1,,", Reason.RAGGED, ""),
    (b'orchard,calls,2026-10-01,"1,', Reason.RAGGED, ""),
    (b'orchard,calls,2026-10-01,"1"x,', Reason.RAGGED, ""),
    (b"orchard,calls,2026\r-10-01,1,", Reason.RAGGED, ""),
    (b"orch\xe4rd,calls,2026-10-01,1,", Reason.BAD_ENCODING, ""),
    (b"\xff\xfeo\x00,calls,2026-10-01,1,", Reason.BAD_ENCODING, ""),
    (b"orchard\x00,calls,2026-10-01,1,", Reason.UNKNOWN_ORGANIZATION, "organization"),
    (LONG.strip(), Reason.LINE_TOO_LONG, ""),
]
NUMBER = b'{"organization": "orchard", "metric": "calls", "day": "2026-10-01", "value": %s}'
BAD_JSON = [
    (NUMBER % b"NaN", Reason.NON_FINITE, ""),
    (NUMBER % b"-Infinity", Reason.NON_FINITE, ""),
    (NUMBER % b"1e400", Reason.NON_FINITE, "value"),
    (NUMBER % (b"9" * 5000), Reason.NON_FINITE, "value"),
    (NUMBER % b"true", Reason.BAD_NUMBER, "value"),
    (NUMBER % b"[1]", Reason.BAD_NUMBER, "value"),
    (NUMBER % b"null", Reason.MISSING_FIELD, "value"),
    (NUMBER.replace(b', "value": %s', b""), Reason.MISSING_FIELD, "value"),
    (NUMBER.replace(b'"orchard"', b'["orchard"]') % b"1", Reason.UNKNOWN_ORGANIZATION, "organization"),
    (NUMBER.replace(b"orchard", rb"\ud800") % b"1", Reason.UNKNOWN_ORGANIZATION, "organization"),
    (NUMBER.replace(b'"calls"', b"{}") % b"1", Reason.UNKNOWN_METRIC, "metric"),
    (NUMBER.replace(b'"2026-10-01"', b"20261001") % b"1", Reason.BAD_DAY, "day"),
    (NUMBER.replace(b'"2026-10-01"', b"false") % b"1", Reason.BAD_DAY, "day"),
    (NUMBER % b'1, "corection": true', Reason.UNKNOWN_FIELD, "corection"),
    (NUMBER % b'1, "value": 2', Reason.BAD_JSON, "value"),
    (b'{"organization": "orchard", "metric": "calls"', Reason.BAD_JSON, ""),
    (b'["orchard", "calls", "2026-10-01", 1]', Reason.BAD_JSON, ""),
    (b'{"a": ' * 17 + b"1" + b"}" * 17, Reason.BAD_JSON, ""),
    (b"[" * 60_000, Reason.BAD_JSON, ""),
    (b'{"organization": "\xff"}', Reason.BAD_ENCODING, ""),
]


@pytest.fixture
def metrics(orchard: Organization) -> None:
    for slot, (key, nature, lowest, highest) in enumerate(
        [
            ("calls", "flow", 0, 1e15),
            ("share", "gauge", 0, 1),
            ("balance", "gauge", -100, 100),
            ("reviews", "event", 0, 1),
        ]
    ):
        grain = "event" if nature == "event" else "month"
        Metric.objects.create(
            key=key,
            name=key,
            nature=nature,
            grain=grain,
            cadence="monthly",
            lag=7,
            minimum=lowest,
            maximum=highest,
            daily=False,
            slot=slot,
        )


def send(folder: Path, data: bytes, name: str = "numbers.csv", **options: object) -> Report:
    path = folder / name
    path.write_bytes(data)
    report = observe.ingest(path, today=TODAY, **options)
    assert report.adds_up
    assert Batch.objects.get(pk=report.batch).lines == report.lines
    return report


def among_good_lines(bad: list[bytes]) -> tuple[bytes, list[int]]:
    """The bad lines with a good one before each and one at the end, and the line numbers of the bad ones."""
    lines: list[bytes] = []
    for number, line in enumerate(bad):
        lines += [GOOD % (number % 28 + 1, 1), line]
    return HEADER + b"\n".join([*lines, GOOD % (30, 7)]), [3 + 2 * number for number in range(len(bad))]


def refusals() -> list[tuple[int, str, str]]:
    return list(Quarantine.objects.order_by("line").values_list("line", "reason", "field"))


# ---------- every bad line ----------


@pytest.mark.parametrize("bytes_at_once", [files.BLOCK, 64])
def test_every_bad_line_of_a_csv_file_is_quarantined_and_every_good_one_stored(
    tmp_path, metrics, monkeypatch, bytes_at_once
):
    monkeypatch.setattr(files, "BLOCK", bytes_at_once)
    bad = [line for line, _, _ in BAD_CSV]
    data, numbers = among_good_lines([line + b"\n" if line.endswith(b"\n") else line for line in bad])
    data = data.replace(b"\n\n", b"\n")  # GOOD ends its line itself

    report = send(tmp_path, data)

    expected = [(line, str(reason), field) for line, (_, reason, field) in zip(numbers, BAD_CSV, strict=True)]
    assert refusals() == expected
    assert report.quarantined == len(BAD_CSV)
    assert report.used == len(BAD_CSV) + 1
    assert Observation.objects.count() == 29  # 28 days, some of them sent again, and the 30th


@pytest.mark.parametrize("bytes_at_once", [files.BLOCK, 64])
def test_every_bad_line_of_json_is_quarantined_and_every_good_one_stored(
    tmp_path, metrics, monkeypatch, bytes_at_once
):
    monkeypatch.setattr(files, "BLOCK", bytes_at_once)
    lines, expected = [], []
    for number, (line, reason, field) in enumerate(BAD_JSON):
        good = {
            "organization": "orchard",
            "metric": "calls",
            "day": f"2026-09-{number + 1:02}",
            "value": number,
        }
        lines += [json.dumps(good).encode(), line]
        expected.append((2 * number + 2, str(reason), field))

    report = send(tmp_path, b"\n".join(lines) + b"\n\n", "numbers.jsonl")

    assert refusals() == expected
    assert (report.quarantined, report.accepted) == (len(BAD_JSON), len(BAD_JSON))
    assert Observation.objects.count() == len(BAD_JSON)


def test_raw_line_is_kept_readable_and_short(tmp_path, metrics):
    send(tmp_path, HEADER + b"a\x00b\xff,calls,2026-10-01,1,\n" + LONG)

    encoding, length = Quarantine.objects.order_by("line")
    assert encoding.raw == r"a\x00b\xff,calls,2026-10-01,1,"
    assert len(length.raw) == 8 * 1024
    assert length.raw.startswith("orchard,calls,2026-10-01,111")


def test_no_number_that_is_not_finite_or_out_of_range_ever_stands_in_the_table(tmp_path, metrics):
    data, _ = among_good_lines([line for line, _, _ in BAD_CSV])

    send(tmp_path, data)

    assert not Observation.objects.exclude(value__gte=0, value__lte=1e15).exists()


def test_minus_zero_is_zero_where_a_sign_is_allowed(tmp_path, metrics):
    send(tmp_path, HEADER + b"orchard,balance,2026-10-01,-0.0,\n")

    assert str(Observation.objects.get().value) == "0.0"


def test_tomorrow_is_accepted_because_somewhere_it_has_begun(tmp_path, metrics):
    report = send(tmp_path, HEADER + b"orchard,calls,2026-11-22,1,\norchard,calls,2000-01-01,1,\n")

    assert report.accepted == 2


# ---------- quotes and line ends ----------


def test_windows_line_ends_byte_order_mark_and_blank_lines_are_no_lines(tmp_path, metrics):
    data = b"\xef\xbb\xbforganization,metric,day,value\r\n\r\norchard,calls,2026-10-01,1\r\n\r\n"

    report = send(tmp_path, data)

    assert (report.lines, report.accepted) == (1, 1)


def test_quoted_cells_may_run_over_lines(tmp_path, metrics):
    data = (
        b'organization,metric,day,value\n"orchard","calls","2026-10-01","1"\n"orch\nard",calls,2026-10-02,1\n'
    )

    report = send(tmp_path, data)

    assert (report.lines, report.accepted) == (2, 1)
    assert refusals() == [(3, "unknown_organization", "organization")]


@pytest.mark.parametrize("bytes_at_once", [files.BLOCK, 64])
def test_stray_quote_costs_only_its_own_line(tmp_path, metrics, monkeypatch, bytes_at_once):
    monkeypatch.setattr(files, "BLOCK", bytes_at_once)
    good = b"".join(GOOD % (day, day) for day in range(2, 29))

    report = send(tmp_path, HEADER + b'"orchard,calls,2026-10-01,1,\n' + good * 100)

    assert refusals() == [(2, "ragged", "")]
    assert (report.accepted, report.duplicate) == (27, 99 * 27)


# ---------- gzip ----------


def test_gzip_is_known_by_its_content_not_by_its_name(tmp_path, metrics):
    data = gzip.compress(HEADER + GOOD % (1, 1)) + gzip.compress(GOOD % (2, 2))

    report = send(tmp_path, data, "numbers.csv")

    assert report.accepted == 2


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_file_cut_in_the_middle_gives_its_whole_lines_and_declares_nothing(tmp_path, metrics, kept):
    lines = HEADER + b"".join(
        b"orchard,calls,20%02d-%02d-%02d,%d,\n" % (year, month, day, year * month * day)
        for year in range(10, 26)
        for month in range(1, 13)
        for day in range(1, 29)
    )
    whole = gzip.compress(lines, mtime=0)

    report = send(tmp_path, whole[: int(len(whole) * kept)], complete=(date(2026, 1, 1), date(2026, 1, 31)))

    assert 0 < report.accepted < 16 * 12 * 28
    assert report.reasons == {"truncated": 1}
    assert report.complete is None
    assert Batch.objects.get(pk=report.batch).complete_from is None
    assert any("cut off" in note for note in report.notes)
    again = send(tmp_path, whole)
    assert (again.duplicate, again.accepted + again.duplicate) == (report.accepted, 16 * 12 * 28)
    assert send(tmp_path, whole).accepted == 0


def test_damaged_file_is_refused_whole_because_any_line_may_be_wrong(tmp_path, metrics):
    lines = HEADER + b"".join(GOOD % (day, day * turn) for turn in range(2000) for day in range(1, 29))
    data = bytearray(gzip.compress(lines, compresslevel=0, mtime=0))
    data[len(data) // 2] ^= 0x01

    with pytest.raises(IngestRefused, match=r"numbers\.csv is damaged"):
        send(tmp_path, bytes(data))

    assert not Batch.objects.exists()
    assert not Observation.objects.exists()


def test_bomb_is_only_a_long_file(tmp_path, metrics):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = gzip.compress(HEADER) + gzip.compress(b"\0" * (200 << 20)) + gzip.compress(b"\n" + GOOD % (1, 1))

    report = send(tmp_path, data)

    assert refusals() == [(2, "line_too_long", "")]
    assert report.accepted == 1
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 260 << 10
    )  # kB; compressing took 200 MB


# ---------- files that are no table ----------


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        ("organization,metric,day,value\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04whatever", "zip archive or a workbook"),
        (b'[{"organization": "orchard"}]', "one object a line"),
        (b"organization,metric,value\n", "no column 'day'; it has organization, metric, value"),
        (b"organization,metric,day,value,value\n", "names the column 'value' twice"),
        (b"organization,metric,day,value,corection\n", "'corection' that the long form does not know"),
        (b"organization;metric;day;value\n", "no column 'organization'"),
        (b"caf\xe9,metric,day,value\n", "must name the columns, in UTF-8"),
        (b"x" * 70_000, "longer than 64 kB"),
        (gzip.compress(HEADER, mtime=0)[:9], "cannot be read"),
    ],
)
def test_file_that_is_no_table_is_one_clear_error_before_anything_is_written(
    tmp_path, metrics, data, complaint
):
    with pytest.raises(IngestRefused, match=complaint):
        send(tmp_path, data)

    assert not Batch.objects.exists()


def test_missing_file_and_folder_are_said_by_name(tmp_path, metrics):
    with pytest.raises(IngestRefused, match=r"nowhere\.csv: No such file"):
        observe.ingest(tmp_path / "nowhere.csv", today=TODAY)
    with pytest.raises(IngestRefused, match="Is a directory"):
        observe.ingest(tmp_path, today=TODAY)
