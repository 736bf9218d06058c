"""The trends as a customer reads them: the page, the figure a script draws, the file, two days compared."""

import csv
import io
import re
from datetime import date, timedelta

import numpy as np
import pytest

from accounts import notes
from accounts.models import PlanInterval
from accounts.rows.cells import STARTS
from portal.nightly import run_night
from portal.pages.trends import events
from scoring import publish, sheets
from tests.factories import LONG_AGO, SMALL_CARD, make_plan, publish_small_card
from tests.portal.scored import TODAY, YESTERDAY, score, text_of

pytestmark = pytest.mark.any_database

TRENDS = "/o/orchard/trends/"
GROWTH = "sales.work_order_growth"
DAYS = tuple(YESTERDAY - timedelta(days=back) for back in (40, 2, 1, 0))


@pytest.fixture
def scored(orchard):
    """Four nights of Orchard."""
    score(orchard, days=DAYS)
    return orchard


@pytest.fixture
def reader(client, vera):
    """A viewer: whatever the trends show, they show to her."""
    client.force_login(vera)
    return client


def stored(organization) -> dict[date, dict[str, float | None]]:
    """Every node's points straight from the packed bytes: hundredths, little-endian (scoring.sheets)."""
    found = {}
    for sheet in organization.score_sheets.select_related("version").order_by("day", "revision"):
        card = publish.card_of(sheet.version)
        top, middle, leaf = sheets.columns(card)
        data = np.frombuffer(bytes(sheet.nodes), "u1")
        at, points = 0, {}
        for places, width in ((top, 8), (middle, 4), (leaf, 3)):
            for place in places:
                value = int(data[at]) + 256 * int(data[at + 1])
                points[card.nodes[place].id] = None if value >= 2**15 else value / 100
                at += width
        assert at == len(data)
        found[sheet.day] = points
    return found


# ---------- the page ----------


def test_reader_finds_the_lines_their_periods_and_their_numbers(reader, scored):
    page = reader.get(TRENDS)

    assert page.status_code == 200
    assert "Overall over 12 months" in text_of(page)
    assert page.content.decode().count('class="ln') == 4
    assert "Show the numbers" in text_of(page)


def test_every_node_of_the_scorecard_has_its_trend(reader, scored):
    page = reader.get(TRENDS).content.decode()
    nodes = re.findall(r'<option value="([^"]+)"', page)

    assert set(nodes) == set(stored(scored)[YESTERDAY])
    for node in nodes:
        found = reader.get(TRENDS, {"node": node})
        assert found.status_code == 200, node
        assert f'<option value="{node}" selected>' in found.content.decode()


@pytest.mark.parametrize("node", ["nowhere", "overall/x", "<script>"])
def test_node_that_is_not_there_is_not_found(reader, scored, node):
    for name in ("", "figure/", "file/"):
        assert reader.get(f"{TRENDS}{name}", {"node": node}).status_code == 404


def test_signal_shows_what_was_measured(reader, scored):
    page = text_of(reader.get(TRENDS, {"node": GROWTH}))

    assert "What was measured" in page
    assert "693" in page


def test_table_holds_every_night_when_asked(reader, scored):
    few, every = (text_of(reader.get(TRENDS, given)) for given in ({}, {"rows": "all"}))

    assert "Show every night" in few
    newest = [f"{day.day} {day:%b} {day.year}" for day in DAYS]
    assert all(f" {day} " in every for day in newest)


def test_short_period_leaves_older_nights_out(reader, orchard):
    old = YESTERDAY - timedelta(days=120)
    score(orchard, days=(old, *DAYS))

    lengths = {key: len(figure_of(reader, period=key)["days"]) for key in ("3", "12", "all")}

    assert lengths["3"] == len(DAYS) + 1  # and the gap between the first two
    assert lengths["12"] == lengths["all"] > lengths["3"]


def test_month_ends_alone_are_month_ends_and_the_newest_night(reader, orchard):
    close = TODAY.replace(day=1) - timedelta(days=1)
    score(orchard, days=tuple(sorted({close - timedelta(days=1), close, YESTERDAY})))

    days = figure_of(reader, by="close")["days"]

    assert days == [f"{day}" for day in sorted({close, YESTERDAY})]


def test_organization_without_a_score_is_sent_to_say_why(reader, orchard):
    for name in ("", "file/", "compare/"):
        assert reader.get(f"{TRENDS}{name}")["Location"] == "/o/orchard/"
    assert reader.get(f"{TRENDS}figure/").json()["days"] == []


def test_overview_and_category_lead_to_the_trends(reader, scored):
    assert f'href="{TRENDS}"' in reader.get("/o/orchard/").content.decode()
    page = reader.get("/o/orchard/score/product-adoption/breadth/").content.decode()

    link = re.search(rf'href="({TRENDS}\?node=[^"]+)"', page).group(1)
    assert "Trends: Breadth" in text_of(reader.get(link))


def test_number_of_questions_does_not_grow_with_the_nights(
    reader, orchard, dana, django_assert_max_num_queries, django_assert_num_queries
):
    score(orchard)
    reader.get(TRENDS)
    with django_assert_max_num_queries(14) as few:
        reader.get(TRENDS)
    for back in range(1, 12):
        run_night(YESTERDAY - timedelta(days=12 - back))
        notes.write(orchard, YESTERDAY - timedelta(days=back), "Again", by=dana)

    with django_assert_num_queries(len(few)):
        reader.get(TRENDS)


# ---------- what happened ----------


def test_plan_versions_and_notes_are_pinned_and_listed(reader, scored, dana):
    PlanInterval.objects.all().delete()
    change = LONG_AGO.replace(year=DAYS[1].year, month=DAYS[1].month, day=DAYS[1].day)
    make_plan(scored, "premier", ends_at=change)
    make_plan(scored, starts_at=change)
    notes.write(scored, DAYS[0], "Swarming turned on", by=dana)

    page = reader.get(TRENDS)

    events = figure_of(reader)["events"]
    assert [(each["letter"], each["day"], each["text"]) for each in events] == [
        ("A", f"{DAYS[0]}", "Swarming turned on"),
        ("B", f"{DAYS[1]}", "Plan changed from Premier to Signature"),
    ]
    assert page.content.decode().count('class="ring"') == 2
    assert "Plan changed from Premier to Signature" in text_of(page)


def test_new_version_of_the_scorecard_is_always_pinned(reader, orchard):
    score(orchard, days=DAYS[:2])
    changed = SMALL_CARD.replace("weight = 50", "weight = 40")
    publish_small_card(changed, effective_on=YESTERDAY)
    run_night(YESTERDAY)

    [event] = figure_of(reader)["events"]

    assert event["day"] == f"{YESTERDAY}"
    assert "version 2" in event["text"]


def test_completed_action_is_pinned_and_leads_to_where_it_is_shown(reader, scored, monkeypatch):
    done = [
        (DAYS[2], "Turned on case swarming", "/o/orchard/actions/41/"),
        (LONG_AGO.date(), "Long ago", "/"),
    ]
    monkeypatch.setattr(events, "completed", lambda organization, first, last: done)

    page = reader.get(TRENDS).content.decode()

    [event] = figure_of(reader)["events"]
    assert (event["letter"], event["day"], event["kind"]) == ("A", f"{DAYS[2]}", "Action")
    assert '<a href="/o/orchard/actions/41/">Turned on case swarming</a>' in page
    assert "Long ago" not in page


def test_plan_that_ends_or_begins_outside_of_the_time_shown_is_left_out(reader, scored):
    assert figure_of(reader)["events"] == []


# ---------- the figure and the file ----------


def figure_of(client, **asked) -> dict:
    response = client.get(f"{TRENDS}figure/", asked)
    assert response["Content-Type"] == "application/json"
    return response.json()


@pytest.mark.parametrize("node", ["overall", "product-adoption", "product-adoption/breadth", GROWTH])
def test_figure_holds_the_numbers_of_the_sheets(reader, scored, node):
    figure, expected = figure_of(reader, node=node), stored(scored)

    for line in figure["lines"]:
        found = {
            date.fromisoformat(day): value
            for day, value in zip(figure["days"], line["points"], strict=True)
            if date.fromisoformat(day) in expected
        }
        assert found == {day: points[line["node"]] for day, points in expected.items()}
    assert figure["lines"][0]["node"] == node
    assert any(value is not None for value in figure["lines"][0]["points"])


def test_days_without_a_sheet_are_no_points_in_the_figure(reader, scored):
    figure = figure_of(reader)

    gaps = [day for day in figure["days"] if date.fromisoformat(day) not in DAYS]

    assert gaps == [f"{DAYS[0] + timedelta(days=1)}"]
    assert figure["lines"][0]["points"][figure["days"].index(gaps[0])] is None


def test_file_holds_every_night_with_its_data_date_and_scorecard_version(reader, scored):
    response = reader.get(f"{TRENDS}file/")
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    expected = stored(scored)

    assert f"-v1-{YESTERDAY}.csv" in response["Content-Disposition"]
    assert [row["Data date"] for row in rows] == [f"{day}" for day in DAYS]
    for row in rows:
        points = expected[date.fromisoformat(row["Data date"])]
        assert (row["Scorecard"], row["Version"]) == ("customer-success", "1")
        assert float(row["Overall"]) == points["overall"]
        assert float(row["Technical Health"]) == points["technical-health"]


def test_file_holds_nothing_that_a_spreadsheet_computes(reader, orchard):
    evil = SMALL_CARD.replace('name = "Breadth"', 'name = "=1+1"')
    publish_small_card(evil)
    score(orchard, days=DAYS)

    text = reader.get(f"{TRENDS}file/", {"node": "product-adoption/breadth"}).content.decode()

    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert any("=1+1" in cell for cell in cells)
    assert [cell for cell in cells if cell[:1] in STARTS and cell] == []


# ---------- two days ----------


def test_two_days_stand_side_by_side_with_the_difference(reader, scored):
    asked = {"from": f"{DAYS[0]}", "to": f"{YESTERDAY}"}

    page = reader.get(f"{TRENDS}compare/", asked)

    expected = stored(scored)
    rows = re.findall(
        r'<th scope="row"><a class="rowlink" href="[^"]+\?node=([^"]+)">.*?</tr>', page.content.decode(), re.S
    )
    assert len(rows) == len(expected[YESTERDAY])
    first = re.search(r'\?node=overall".*?</tr>', page.content.decode(), re.S).group()
    before, now = (f"{expected[day]['overall']:.1f}" for day in (DAYS[0], YESTERDAY))
    assert [before, now] == re.findall(r">(\d+\.\d)</td>", first)
    assert f'href="/o/orchard/moved/?from={DAYS[0]}&amp;to={YESTERDAY}"' in page.content.decode()


def test_day_without_a_score_stands_for_the_last_one_before(reader, scored):
    asked = {"from": f"{DAYS[1] - timedelta(days=1)}", "to": f"{TODAY}"}

    page = text_of(reader.get(f"{TRENDS}compare/", asked))

    assert f"on {DAYS[0].day} {DAYS[0]:%b} {DAYS[0].year} and on {YESTERDAY.day} {YESTERDAY:%b}" in page


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"from": "soon"}, "From: “soon” is not a day"),
        ({"from": f"{TODAY}", "to": f"{YESTERDAY}"}, "is not before"),
        ({"from": "2001-01-01"}, "There is no score of 1 Jan 2001 or shortly before."),
        ({"to": "2001-01-01", "from": "2000-01-01"}, "There is no score of"),
    ],
    ids=["no day", "the wrong way round", "long before", "both long before"],
)
def test_days_that_cannot_be_compared_are_refused_with_the_reason(reader, scored, asked, says):
    page = text_of(reader.get(f"{TRENDS}compare/", asked))

    assert says in page
    assert "Every score on both days" not in page


def test_other_version_is_named_as_ours(reader, orchard):
    score(orchard, days=DAYS[:2])
    publish_small_card(SMALL_CARD.replace("weight = 50", "weight = 40"), effective_on=YESTERDAY)
    run_night(YESTERDAY)

    page = text_of(reader.get(f"{TRENDS}compare/", {"from": f"{DAYS[1]}"}))

    assert "scored by different versions, so part of the difference is ours" in page
