"""Exports: the same cells as CSV and XLSX, nothing a spreadsheet computes, and files behind the same door."""

import csv
import io
import re
import stat
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import openpyxl
import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Action, AuditEntry, Membership, Plan, PlanInterval, Role, User
from accounts.rows.cells import STARTS
from portal import exporting, nightly
from portal.models import ExportJob, ExportState
from portal.pages.exporting import ORDERS
from portal.reports import jobs, tables
from portal.reports.jobs import Order
from portal.reports.tables import Book, Column, Kind, Table
from portal.reports.writing import csv_of, xlsx_of
from scoring import read
from tests.factories import make_membership, make_organization, make_plan, make_user
from tests.portal.scored import YESTERDAY, score

EXPORTS = "/o/orchard/exports/"


@pytest.fixture(autouse=True)
def kept(settings, tmp_path) -> Path:
    """Files of this test alone."""
    settings.EXPORT_DIR = tmp_path / "exports"
    return settings.EXPORT_DIR


@pytest.fixture
def dana_in(client, dana) -> Client:
    """Dana, signed in, before there is any score."""
    client.force_login(dana)
    return client


@pytest.fixture
def dana_at(client, dana, orchard) -> Client:
    """Dana, signed in, after two nights."""
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    client.force_login(dana)
    return client


def lines(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def sheets(content: bytes) -> dict[str, list[list[object]]]:
    """Every sheet as openpyxl reads it: a formula would come as its text with data type f."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in book:
        assert {cell.data_type for row in sheet for cell in row} <= {"s", "n", "d"}
    return {sheet.title: [[cell.value for cell in row] for row in sheet] for sheet in book}


def same(text: str, cell: object) -> bool:
    """Whether a cell of a CSV file and one of a sheet say the same."""
    if cell is None:
        return text == ""
    if isinstance(cell, datetime):
        return text == cell.date().isoformat()
    if isinstance(cell, int | float):
        return float(text) == cell
    return text == cell


def ask(client: Client, what: str) -> ExportJob:
    """Asked for and made."""
    client.post(f"{EXPORTS}make/{what}/")
    exporting.make_exports()
    return ExportJob.objects.latest("pk")


def bare(response) -> str:
    """A page without the tokens of its forms."""
    return re.sub(r'(name="csrfmiddlewaretoken" value=")\w+', r"\1", response.content.decode())


def ready(organization, by: User) -> ExportJob:
    """A file that was made, as a worker leaves it."""
    job = jobs.ask(organization, "report", by=by)
    jobs.work({"report": Order(ORDERS["report"].to, lambda *_: jobs.Made("a.pdf", b"%PDF", None))})
    job.refresh_from_db()
    assert job.state == ExportState.DONE
    return job


def fetched(client: Client, job: ExportJob) -> bytes:
    response = client.get(f"{EXPORTS}{job.public_id}/")
    assert response.status_code == 200
    return b"".join(response.streaming_content)


# ---------- the tables ----------


@pytest.mark.parametrize("what", ["score", "inputs", "history", "contacts"])
def test_both_kinds_of_file_say_the_same(dana_at, what):
    rows = lines(dana_at.get(f"{EXPORTS}now/{what}/csv/").content)
    book = sheets(dana_at.get(f"{EXPORTS}now/{what}/xlsx/").content)

    sheet = next(iter(book.values()))
    assert len(rows) == len(sheet) > 1
    for row, cells in zip(rows, sheet, strict=True):
        assert [text for text, cell in zip(row, cells, strict=True) if not same(text, cell)] == []


def test_score_has_every_node_as_the_card_has_it(dana_at, orchard):
    card = read.latest(orchard)
    head, *rows = lines(dana_at.get(f"{EXPORTS}now/score/csv/").content)

    by_node = {row[head.index("Node")]: dict(zip(head, row, strict=True)) for row in rows}
    assert set(by_node) == set(card.by_node)
    for node, reading in card.by_node.items():
        given = by_node[node]["Points (0–100)"]
        assert given == ("" if reading.points is None else f"{reading.points / 100:.2f}")


def test_contributions_in_the_file_add_up_to_the_score(dana_at, orchard):
    head, *rows = lines(dana_at.get(f"{EXPORTS}now/score/csv/").content)
    table = [dict(zip(head, row, strict=True)) for row in rows]

    given = [
        Decimal(row["Contribution (points of the level above)"])
        for row in table
        if row["Level"] == "Category"
    ]
    assert sum(given) == Decimal(table[0]["Points (0–100)"])


def test_every_row_says_version_and_data_date(dana_at):
    for what in ("score", "inputs"):
        head, *rows = lines(dana_at.get(f"{EXPORTS}now/{what}/csv/").content)

        assert {row[head.index("Data date")] for row in rows} == {YESTERDAY.isoformat()}
        assert {row[head.index("Scorecard version")] for row in rows} == {"1"}


def test_inputs_name_metric_unit_and_period(dana_at):
    head, *rows = lines(dana_at.get(f"{EXPORTS}now/inputs/csv/").content)
    growth = [
        dict(zip(head, row, strict=True)) for row in rows if row[head.index("Name")] == "Work order growth"
    ]

    by_input = {row["Input"]: row for row in growth}
    assert (by_input["numerator"]["Value"], by_input["denominator"]["Value"]) == ("693", "564")
    assert by_input["numerator"]["Unit"] == "work orders"
    last_month = YESTERDAY.replace(day=1) - timedelta(days=1)
    assert by_input["month"]["Day or last day of the month"] == last_month.isoformat()
    assert {row["Points (0–100)"] for row in growth} == {"61.44"}


def test_sheet_has_types_a_fixed_heading_and_says_what_it_is(dana_at):
    content = dana_at.get(f"{EXPORTS}now/score/xlsx/").content

    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    first = dict(zip(heads, sheet[2], strict=True))
    assert sheet.freeze_panes == "A2"
    assert first["Data date"].is_date
    assert first["Data date"].value.date() == YESTERDAY
    assert first["Points (0–100)"].data_type == "n"
    assert first["Points (0–100)"].number_format == "0.00"
    about = dict(book["About"].iter_rows(values_only=True))
    assert (about["Scorecard version"], about["Data date"].date()) == (1, YESTERDAY)


HOSTILE = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", " =1", "'=1")


def test_formula_in_a_name_comes_out_as_text(client, dana, orchard):
    score(orchard)
    client.force_login(dana)
    for name in HOSTILE:
        type(orchard).objects.filter(pk=orchard.pk).update(name=name)

        (_, row, *_) = lines(client.get(f"{EXPORTS}now/score/csv/").content)
        sheet = sheets(client.get(f"{EXPORTS}now/score/xlsx/").content)["Score"]

        for cell in (row[0], sheet[1][0]):
            assert cell.startswith("'"), name
            assert cell.endswith(name[-2:]), name


days = st.dates(date(1900, 3, 1), date(2100, 1, 1))
cells = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20),
    st.sampled_from(HOSTILE).filter(lambda text: "\r" not in text),
    st.integers(-(10**6), 10**6),
    st.decimals(-100, 100, places=2),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(cells, cells, st.none() | days), max_size=6))
def test_any_table_is_the_same_in_both_and_computes_nothing(rows):
    table = Table("Any", [Column("=a"), Column("b", Kind.NUMBER), Column("c", Kind.DAY)], rows)

    text, sheet = lines(csv_of(table)), sheets(xlsx_of(Book("Any", (), (table,))))["Any"]

    sheet += [[None] * 3] * (len(text) - len(sheet))  # rows of nothing are not written
    assert all(
        same(a, b) for row, cells in zip(text, sheet, strict=True) for a, b in zip(row, cells, strict=True)
    )
    written = [cell for row in rows for cell in row if isinstance(cell, str)]
    seen = [
        a
        for row, given in zip(text[1:], rows, strict=True)
        for a, b in zip(row, given, strict=True)
        if isinstance(b, str)
    ]
    assert len(written) == len(seen)
    assert not any(cell[:1] in STARTS for cell in [*seen, text[0][0]] if cell)


def test_sheet_name_and_day_that_a_spreadsheet_refuses_are_written_all_the_same():
    table = Table("a/b:" + "x" * 40, [Column("Day", Kind.DAY)], [(date(1899, 1, 1),)])

    book = sheets(xlsx_of(Book("t", (), (table,))))

    assert book["ab" + "x" * 29] == [["Day"], ["1899-01-01"]]


def test_month_of_the_engine_is_its_last_day():
    assert tables.month_day(2026 * 12 + 11) == date(2026, 12, 31)
    assert tables.month_day(2024 * 12 + 1) == date(2024, 2, 29)


# ---------- who may have which table ----------


@pytest.mark.parametrize(("who", "status"), [("vera", 403), ("tara", 200), ("casey", 200)])
def test_contacts_are_exported_by_those_who_see_them(client, orchard, request, who, status):
    client.force_login(request.getfixturevalue(who))

    assert client.get(f"{EXPORTS}now/contacts/csv/").status_code == status


def test_viewer_is_not_offered_what_is_refused(client, vera, orchard):
    score(orchard)
    client.force_login(vera)

    page = client.get(EXPORTS).content.decode()

    assert f"{EXPORTS}now/score/csv/" in page
    assert "now/contacts" not in page


@pytest.mark.parametrize("path", ["now/secrets/csv/", "now/score/pdf/", "now/score/exe/"])
def test_unknown_export_is_not_found(dana_at, path):
    assert dana_at.get(EXPORTS + path).status_code == 404


def test_copy_is_written_down_where_the_customer_reads_it(client, casey, dana, orchard):
    score(orchard)
    client.force_login(casey)
    client.get(f"{EXPORTS}now/score/csv/")

    entry = AuditEntry.objects.get(action=Action.SCORE_EXPORTED)
    client.force_login(dana)

    assert (entry.actor, entry.organization, entry.hat) == (casey, orchard, Role.CSM)
    assert "Exported score.csv" in client.get("/o/orchard/activity/").content.decode()


def test_export_before_the_first_score_says_so(client, dana, orchard):
    client.force_login(dana)

    response = client.get(f"{EXPORTS}now/score/csv/", follow=True)

    assert "no published score" in response.content.decode()


# ---------- the portfolio ----------


def test_portfolio_has_the_organizations_looked_after_and_no_other(client, casey, orchard, harbor):
    score(orchard, harbor)
    client.force_login(casey)

    head, *rows = lines(client.get("/portfolio/export/csv/").content)
    book = sheets(client.get("/portfolio/export/xlsx/").content)

    (row,) = [dict(zip(head, each, strict=True)) for each in rows]
    assert row["Organization"] == "Orchard"
    assert row["Points (0–100)"] == f"{read.latest(orchard).overall.points / 100:.2f}"
    assert row["Data date"] == YESTERDAY.isoformat()
    assert all(same(a, b) for a, b in zip(rows[0], book["Portfolio"][1], strict=True))
    assert AuditEntry.objects.filter(action=Action.PORTFOLIO_EXPORTED).count() == 2


def test_portfolio_asks_as_often_for_many_as_for_one(client, casey, orchard, django_assert_max_num_queries):
    others = [make_organization(f"Customer {number}", products=["sales", "platform"]) for number in range(6)]
    for other in others:
        make_plan(other)
        make_membership(casey, other, Role.CSM)
    score(orchard, *others)
    client.force_login(casey)
    client.get("/portfolio/export/csv/")

    with django_assert_max_num_queries(18):
        assert len(lines(client.get("/portfolio/export/csv/").content)) == 8


# ---------- a worker's files ----------


def test_file_is_made_by_a_worker_and_fetched_from_the_list(dana_at):
    dana_at.post(f"{EXPORTS}make/workbook/")
    assert "Waits for its turn" in dana_at.get(EXPORTS).content.decode()

    exporting.make_exports()

    job = ExportJob.objects.get()
    assert f'href="{EXPORTS}{job.public_id}/"' in dana_at.get(EXPORTS).content.decode()
    book = sheets(fetched(dana_at, job))
    assert list(book) == ["Score", "Inputs", "History", "History of every signal", "About"]


def test_history_of_every_signal_has_each_node_of_each_day(dana_at, orchard):
    head, *rows = lines(fetched(dana_at, ask(dana_at, "every-signal")))

    days = {row[head.index("Day")] for row in rows}
    assert days == {(YESTERDAY - timedelta(days=back)).isoformat() for back in (0, 30)}
    newest = {row[head.index("Node")]: row for row in rows if row[head.index("Day")] == YESTERDAY.isoformat()}
    for node, reading in read.latest(orchard).by_node.items():
        given = newest[node][head.index("Points (0–100)")]
        assert given == ("" if reading.points is None else f"{reading.points / 100:.2f}")


def test_file_lies_where_only_the_service_reads_it(dana, orchard, kept):
    job = ready(orchard, dana)

    assert stat.S_IMODE((kept / str(job.public_id)).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700


def test_other_person_of_the_same_organization_does_not_find_the_file(client, dana, vera, orchard):
    job = ready(orchard, dana)
    client.force_login(vera)

    address = f"{EXPORTS}{job.public_id}/"
    assert client.get(address).status_code == 404
    other = str(uuid4())
    nowhere = bare(client.get(f"{EXPORTS}{other}/"))
    assert bare(client.get(address)).replace(str(job.public_id), other) == nowhere
    assert client.post(f"{address}again/").status_code == 404
    assert str(job.public_id) not in client.get(EXPORTS).content.decode()


def test_file_of_another_organization_is_not_found_through_ones_own(dana, orchard, hal):
    job = ready(orchard, dana)
    stranger = Client()
    stranger.force_login(hal)

    assert stranger.get(f"{EXPORTS}{job.public_id}/").status_code == 404
    assert stranger.get(f"/o/harbor/exports/{job.public_id}/").status_code == 404


def test_link_is_dead_once_access_has_ended(dana_in, dana, orchard):
    job = ready(orchard, dana)
    assert fetched(dana_in, job) == b"%PDF"
    Membership.objects.filter(user=dana).update(ends_at=datetime.now(UTC))

    assert dana_in.get(f"{EXPORTS}{job.public_id}/").status_code == 404


def test_link_is_refused_once_the_plan_has_fallen(dana_in, dana, orchard):
    job = ready(orchard, dana)
    PlanInterval.objects.filter(organization=orchard).delete()
    make_plan(orchard, Plan.PREMIER)

    assert dana_in.get(f"{EXPORTS}{job.public_id}/").status_code == 403


def test_access_that_ended_while_it_waited_makes_no_file(dana_in, dana, orchard, kept):
    dana_in.post(f"{EXPORTS}make/report/")
    Membership.objects.filter(user=dana).update(ends_at=datetime.now(UTC))

    exporting.make_exports()

    job = ExportJob.objects.get()
    assert (job.state, job.why) == (ExportState.FAILED, jobs.NO_ACCESS)
    assert not kept.exists() or list(kept.iterdir()) == []


def test_manager_who_was_replaced_while_it_waited_gets_none(client, casey, orchard):
    client.force_login(casey)
    client.post(f"{EXPORTS}make/report/")
    Membership.objects.filter(user=casey).update(ends_at=datetime.now(UTC))

    exporting.make_exports()

    assert ExportJob.objects.get().state == ExportState.FAILED


def test_reader_in_another_language_gets_the_file_of_an_english_visit(client, dana, orchard):
    score(orchard)
    User.objects.filter(pk=dana.pk).update(language="de")
    client.force_login(dana)
    client.post("/me/in-english/")

    assert ask(client, "report").state == ExportState.DONE


def test_clicking_twice_makes_one_file(dana_in, orchard):
    dana_in.post(f"{EXPORTS}make/report/")
    dana_in.post(f"{EXPORTS}make/report/")

    assert ExportJob.objects.count() == 1


def test_fourth_waiting_file_is_refused_in_words(dana_in, dana, orchard):
    for number in range(jobs.MOST_WAITING):
        ExportJob.objects.create(organization=orchard, by=dana, what=f"waiting-{number}")

    response = dana_in.post(f"{EXPORTS}make/report/", follow=True)

    assert "3 files are being made already" in response.content.decode()
    assert ExportJob.objects.count() == jobs.MOST_WAITING


def test_failure_is_told_in_words_and_can_be_tried_again(dana_at, dana, orchard, caplog):
    def broken(*_):
        raise RuntimeError("secret detail")

    job = jobs.ask(orchard, "report", by=dana)
    jobs.work({"report": Order(ORDERS["report"].to, broken)})
    page = dana_at.get(EXPORTS).content.decode()
    assert jobs.BROKEN in page
    assert "secret detail" not in page
    assert "secret detail" in caplog.text

    dana_at.post(f"{EXPORTS}{job.public_id}/again/")
    exporting.make_exports()

    assert "Ready" in dana_at.get(EXPORTS).content.decode()


def test_file_that_is_too_large_is_not_kept(dana, orchard, monkeypatch, kept):
    monkeypatch.setattr(jobs, "MOST_BYTES", 3)
    jobs.ask(orchard, "report", by=dana)

    jobs.work({"report": Order(ORDERS["report"].to, lambda *_: jobs.Made("a.pdf", b"1234", None))})

    assert ExportJob.objects.get().state == ExportState.FAILED
    assert not kept.exists()


def test_progress_is_told_while_it_is_made(dana, orchard):
    seen = []

    def slow(organization, user, tell):
        for part in (0.25, 0.5):
            tell(part)
            seen.append(ExportJob.objects.get().done)
        return jobs.Made("a.csv", b"", None)

    jobs.ask(orchard, "report", by=dana)
    jobs.work({"report": Order(ORDERS["report"].to, slow)})

    assert seen == [25, 50]


def test_worker_that_fell_silent_loses_the_file_to_the_next(dana, orchard, kept):
    """The first comes back when the second holds it: what it made is thrown away."""
    later = datetime.now(UTC) + timedelta(hours=1)
    told = Order(ORDERS["report"].to, lambda *_: jobs.Made("second.pdf", b"second", None))

    def silent(*_):
        jobs.work({"report": told}, now=lambda: later)
        return jobs.Made("first.pdf", b"first", None)

    job = jobs.ask(orchard, "report", by=dana)
    jobs.work({"report": Order(told.to, silent)})

    job.refresh_from_db()
    assert (job.name, job.tries) == ("second.pdf", 2)
    assert [path.read_bytes() for path in kept.iterdir()] == [b"second"]


def test_worker_that_comes_back_does_not_finish_what_another_makes(dana, orchard, kept):
    later = datetime.now(UTC) + timedelta(hours=1)

    def silent(*_):
        assert jobs._claim(later).tries == 2
        return jobs.Made("first.pdf", b"first", None)

    job = jobs.ask(orchard, "report", by=dana)
    jobs.work({"report": Order(ORDERS["report"].to, silent)})

    job.refresh_from_db()
    assert (job.state, job.name, list(kept.iterdir())) == (ExportState.MAKING, "", [])


def test_file_that_kills_its_workers_is_given_up(dana, orchard):
    job = jobs.ask(orchard, "report", by=dana)
    ExportJob.objects.update(
        state=ExportState.MAKING, tries=jobs.TRIES, held_until=datetime(2026, 1, 1, tzinfo=UTC)
    )

    exporting.make_exports()

    job.refresh_from_db()
    assert job.state == ExportState.FAILED


def test_night_removes_files_whose_time_is_over(dana_in, dana, orchard, kept, settings):
    old, new = ready(orchard, dana), ready(orchard, dana)
    before = datetime.now(UTC) - timedelta(days=settings.EXPORT_DAYS, minutes=1)
    ExportJob.objects.filter(pk=old.pk).update(asked_at=before)

    nightly.remove_exports(YESTERDAY, None, nightly.Hands())

    assert [path.name for path in kept.iterdir()] == [str(new.public_id)]
    assert list(ExportJob.objects.all()) == [new]
    assert dana_in.get(f"{EXPORTS}{old.public_id}/").status_code == 404


def test_only_so_many_files_of_a_person_are_kept(dana, orchard, kept):
    first = ready(orchard, dana)
    for number in range(jobs.MOST_KEPT):
        ExportJob.objects.create(organization=orchard, by=dana, what=str(number), state=ExportState.FAILED)

    jobs.ask(orchard, "workbook", by=dana)

    assert ExportJob.objects.count() == jobs.MOST_KEPT
    assert not (kept / str(first.public_id)).exists()


def test_broker_that_is_away_loses_nothing(dana_in, orchard, monkeypatch, django_capture_on_commit_callbacks):
    def away(*_, **__):
        raise OSError("no broker")

    monkeypatch.setattr("portal.reports.bell.current_app.send_task", away)

    with django_capture_on_commit_callbacks(execute=True):
        response = dana_in.post(f"{EXPORTS}make/report/")

    assert response.status_code == 302
    assert ExportJob.objects.get().state == ExportState.WAITING


def test_staff_with_the_customers_eyes_make_no_file(client, casey, orchard):
    client.force_login(casey)
    client.post("/o/orchard/as-customer/")

    assert client.post(f"{EXPORTS}make/report/").status_code == 403
    assert ExportJob.objects.count() == 0


def test_partner_whose_time_is_over_gets_nothing_of_what_waits(client, orchard):
    partner = make_user("paul@partner.example")
    make_membership(partner, orchard, Role.PARTNER, ends_at=datetime(2100, 1, 1, tzinfo=UTC))
    client.force_login(partner)
    job = ready(orchard, partner)
    Membership.objects.filter(user=partner).update(ends_at=datetime.now(UTC))

    assert client.get(f"{EXPORTS}{job.public_id}/").status_code == 404


# ---------- of a part of the score, and of the peers ----------


@pytest.mark.parametrize("what", ["score", "inputs"])
@pytest.mark.parametrize("node", ["product-adoption", "product-adoption/momentum", "sales.work_order_growth"])
def test_export_of_a_node_holds_it_and_what_is_below(dana_at, what, node):
    whole, part = rows_of(dana_at, what, ""), rows_of(dana_at, what, f"?node={node}")

    assert part
    assert len(part) < len(whole)
    assert [row for row in whole if row in part] == part
    assert {"sales.work_order_growth"} <= {row.get("Node", row.get("Signal")) for row in part}


def rows_of(client, what: str, asked: str) -> list[dict[str, str]]:
    text = client.get(f"{EXPORTS}now/{what}/csv/{asked}").content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("address", ["now/score/csv/?node=nothing", "now/history/csv/?node=product-adoption"])
def test_export_of_a_node_that_is_none_is_not_there(dana_at, address):
    assert dana_at.get(f"{EXPORTS}{address}").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["score/product-adoption/", "score/product-adoption/momentum/", "signal/sales.work_order_growth/"],
)
def test_every_page_of_the_score_offers_what_it_shows(dana_at, address):
    page = dana_at.get(f"/o/orchard/{address}").content.decode()

    links = [link for link in re.findall(r'href="([^"]+)"', page) if link.startswith(EXPORTS)]
    assert len([link for link in links if "?node=" in link]) == 3
    assert {dana_at.get(link).status_code for link in links} == {200}
