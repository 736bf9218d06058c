"""The score report on paper: two accessible pages with the numbers of the page, and no name as source."""

import io
import re
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest

from portal import charts
from portal.pages import report as paper
from portal.pages.report import report
from portal.reports import drawing, pdf
from portal.templatetags.scores import exact, points
from scoring import read
from tests.portal.scored import YESTERDAY, score

TOKENS = (Path(__file__).parents[2] / "static/css/tokens.css").read_text()


def read_back(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def text_in(content: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in read_back(content).pages))


@pytest.fixture
def scored(orchard):
    """Orchard after two nights."""
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    return orchard


def test_report_is_two_tagged_pages_in_english_with_a_title(scored):
    file = read_back(pdf.typeset(report(scored).data))

    root = file.trailer["/Root"]
    assert len(file.pages) == 2
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert file.metadata.title.startswith("Customer Success Score of Orchard")
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    assert {tuple(round(float(edge)) for edge in page.mediabox[2:]) for page in file.pages} == {(595, 842)}


def test_report_says_what_the_page_says(scored):
    card = read.latest(scored)

    said = text_in(pdf.typeset(report(scored).data))

    growth = next(each for each in read.walk(card.overall) if each.name == "Work order growth")
    assert growth.points == 6144
    assert f"Work order growth Product Adoption {points(growth.points)}" in said
    assert f"The score is {exact(card.overall.points)}, shown as {card.overall.whole} of 100" in said
    for category in card.overall.children:
        assert category.name in said
        assert points(category.points) in said
    for heading in (
        "How it adds up",
        "What holds the score back",
        "How sure we are",
        "What the score does not measure",
    ):
        assert heading in said
    assert f"scorecard version {card.number}" in said
    assert "Page 2 of 2" in said


def test_every_drawing_has_words_for_who_does_not_see_it(scored):
    told = report(scored).data

    assert "of 100" in told["gauge"]["alt"]
    assert told["bar"]["alt"].startswith("Of 100 possible points")
    assert told["trend"]["alt"].startswith("Line chart from")
    with pytest.raises(Exception, match="alt"):
        pdf.typeset({**told, "bar": {**told["bar"], "alt": None}})


@pytest.mark.parametrize("name", ["#panic(1) *x* $y$", '"); #read("/etc/passwd")', "<b>_a_</b> \\ @b [c]"])
def test_name_is_text_and_never_source(scored, name):
    scored.name = name

    said = text_in(pdf.typeset(report(scored).data))

    assert re.sub(r"\s", "", name) in re.sub(r"\s", "", said)


def test_report_without_a_number_gives_the_reason(orchard):
    score(orchard, sales__licenses_activated={}, sales__work_orders={})
    card = read.latest(orchard)
    told = report(orchard).data
    assert card.overall.points is not None or told["total"] is None

    assert len(read_back(pdf.typeset(told)).pages) == 2


def test_panels_of_other_parts_find_their_place_and_keep_it_two_pages(scored, monkeypatch):
    panel = {
        "title": "How you compare",
        "text": "Among 12 organizations of your size.",
        "columns": ["Category", "You", "Median"],
        "rows": [["Product Adoption", "63", "66"], ["Customer Expertise", "75", "70"]],
    }
    monkeypatch.setattr(paper, "peers", lambda card: panel)
    monkeypatch.setattr(
        paper, "moved", lambda card, past: {**panel, "title": "What moved", "rows": panel["rows"] * 3}
    )

    content = pdf.typeset(report(scored).data)

    assert len(read_back(content).pages) == 2
    assert "How you compare" in text_in(content)
    assert "What moved" in text_in(content)


def test_report_says_whose_doing_the_change_was(orchard):
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))

    content = text_in(pdf.typeset(report(orchard).data))

    assert "Why did it change?" in content
    assert "Data feed" in content


def test_report_before_the_first_score_is_none(orchard):
    assert report(orchard) is None


# ---------- drawings ----------


def test_paper_has_the_light_colors_of_the_pages():
    found = re.findall(r"--([\w-]+): light-dark\((#\w+),", TOKENS)
    light = dict(reversed(found))  # the first of each: those for more contrast come later

    assert {tone: light[f"{tone}-fill"] for tone in drawing.TONES} == drawing.TONES
    assert {tone: light[f"{tone}-soft"] for tone in drawing.SOFT} == drawing.SOFT
    assert {mark: light[mark] for mark in drawing.MARKS if mark != "all"} == {
        mark: color for mark, color in drawing.MARKS.items() if mark != "all"
    }
    assert (light["ink"], light["ink-2"], light["ink-3"]) == (drawing.INK, drawing.INK_2, drawing.INK_3)


def test_line_on_paper_is_the_line_of_the_page():
    """The first and last points of a path in percent, worked out by hand for a box of 100 by 50."""
    path = drawing._scaled("M0.00 100.00 50.00 50.00 100.00 0.00M20.00 40.00h0", 10, 5, 100, 50)

    assert path == "M 10 55 60 30 110 5 M 30 25 h0"


def test_drawing_of_every_chart_is_well_formed_and_has_no_style():
    from xml.etree import ElementTree

    bands = [("healthy", 80), ("watch", 70), ("act", 0)]
    drawn = [
        drawing.gauge(charts.gauge(74, "74", bands, 60, 90), width=300),
        drawing.bar(charts.stack([("pa", 50, 30), ("ce", 50, 10)]), width=300),
        *(drawing.shape(tone) for tone in ("healthy", "watch", "act", "none")),
        *(drawing.key(mark) for mark in drawing.MARKS),
    ]

    for svg in drawn:
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert "style" not in svg
