"""Why did it change: parts that add up on the page, for every node, and a way further down."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from portal.nightly import run_night
from portal.templatetags import scores
from portal.waterfall import waterfall
from scoring import history, moves, run
from scoring.models import Pointer, ScoringRun
from tests.factories import SMALL_CARD, believable, make_observations, publish_small_card
from tests.portal.scored import YESTERDAY, score, text_of

pytestmark = pytest.mark.any_database

BEFORE = YESTERDAY - timedelta(days=30)
CHANGED = YESTERDAY - timedelta(days=9)  # the first day of version 2
NEWER = SMALL_CARD.replace('mark = "ce"\nweight = 20', 'mark = "ce"\nweight = 60')
PAGE = "/o/orchard/moved/"


@pytest.fixture
def month(orchard):
    """Orchard over a month in which it lost users and a version came in force: four nights."""
    publish_small_card()
    numbers = believable(YESTERDAY)
    stocks = {key: numbers.pop(key) for key in ("sales.licenses_activated", "sales.licenses_purchased")}
    declared = {"complete_from": YESTERDAY - timedelta(days=400), "complete_to": YESTERDAY}
    make_observations(orchard, numbers, metrics=["reviews.held"], **declared)
    for day, licenses in (
        (BEFORE, 412),
        (CHANGED - timedelta(days=1), 380),
        (CHANGED, 380),
        (YESTERDAY, 300),
    ):
        if day == CHANGED:
            publish_small_card(NEWER, effective_on=CHANGED)
        # Of a month a stock keeps its newest reading: each comes before its own night, not earlier.
        read_on = {
            key: {day - timedelta(days=1): number}
            for key, number in zip(stocks, (licenses, 500), strict=True)
        }
        make_observations(orchard, read_on)
        run_night(day)
    return orchard


@pytest.fixture
def dana_reads(client, dana):
    client.force_login(dana)

    def read(address: str = PAGE, **asked: object) -> str:
        response = client.get(address, asked)
        assert response.status_code == 200
        return response.content.decode()

    return read


def tenths(texts: list[str]) -> list[Decimal]:
    return [Decimal(text.replace("\N{MINUS SIGN}", "-")) for text in texts]


def parts_of(page: str) -> tuple[list[Decimal], Decimal]:
    """The parts of the table beside the figure, and the change below them."""
    table = re.search(r"Parts of the change</caption>.*?</table>", page, re.S).group()
    given = tenths(re.findall(r'<td class="num b">([^<]+)</td>', table))
    return given, *tenths(re.findall(r'<td class="num">([^<]+)</td></tr></tfoot>', table))


def test_printed_parts_add_up_to_the_printed_change(month, dana_reads):
    given, change = parts_of(dana_reads())

    assert len(given) == 4
    assert sum(given) == change
    assert given[0] != 0  # us
    assert given[3] != 0  # you


@pytest.mark.parametrize("node", ["product-adoption", "product-adoption/breadth", "sales.license_activation"])
def test_every_level_has_its_own_parts(month, dana_reads, node):
    given, change = parts_of(dana_reads(node=node))

    assert sum(given) == change
    assert given[3] == change < 0  # within a category the weights above it do nothing


def test_rows_of_the_table_add_up_and_lead_further_down(month, dana_reads, client):
    page = dana_reads()
    table = re.search(r'aria-label="Changes below, table".*?</table>', page, re.S).group()
    rows = re.findall(r"<tr><th.*?</tr>", table, re.S)
    rows = [row for row in rows if 'data-l="Change"' in row and "colspan" not in row]

    for row in rows:
        change, *cells = tenths(re.findall(r'data-l="(?:Change|You|Data feed|Scope|Us)">([^<]+)<', row))
        assert sum(cells) == change
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/o/orchard/moved/[^"]+)"', table)]
    assert len(links) == 3
    assert {client.get(link).status_code for link in links} == {200}


def test_effects_add_up_to_the_change(month, dana_reads):
    page = dana_reads()
    lists = re.findall(r'<ul class="list moved">.*?</ul>', page, re.S)
    effects = tenths(re.findall(r'<span class="num b">([^<]+)</span>', "".join(lists)))

    assert sum(effects) == parts_of(page)[1]
    assert effects[: len(re.findall("<li>", lists[0]))] == sorted(
        effects[: len(re.findall("<li>", lists[0]))]
    )


def test_signal_that_lost_most_says_why(month, dana_reads):
    assert "You: 82 to 60" in re.sub(r"\s+", " ", dana_reads())


def test_figure_has_the_numbers_of_the_table_in_words(month, dana_reads):
    page = dana_reads()
    label = re.search(r'role="img" aria-label="(From [^"]+)"', page).group(1)
    given, _ = parts_of(page)

    assert (
        tenths(re.findall(r"(?:Scorecard|Scope|Data feed|You) ([+\N{MINUS SIGN}]?[\d.]+\d)", label)) == given
    )


def test_overview_and_category_explain_the_change_and_lead_on(month, dana_reads, client):
    for address in ("/o/orchard/", "/o/orchard/score/product-adoption/"):
        page = dana_reads(address)
        panel = re.search(r'<section class="card" id="moved".*?</tbody>', page, re.S).group()
        for row in re.findall(r"<tr><th scope=\"row\".*?</tr>", panel, re.S):
            change, *cells = tenths(re.findall(r'data-l="[^"]+">([^<]+)<', row))
            assert len(cells) == 4
            assert sum(cells) == change
        link = re.search(r'href="(/o/orchard/moved/\?[^"]+)"', panel).group(1).replace("&amp;", "&")
        assert client.get(link).status_code == 200


@pytest.mark.parametrize("address", [PAGE, "/o/orchard/", "/o/orchard/score/product-adoption/"])
def test_comparison_says_the_day_it_really_goes_back_to(orchard, dana_reads, address):
    long_ago = YESTERDAY - timedelta(days=95)
    score(orchard, days=(long_ago, BEFORE, YESTERDAY))

    page = dana_reads(address)

    links = re.findall(r'<a[^>]*href="[^"]*from=([\d-]+)[^"]*"[^>]*>([^<]+)</a>', page)
    named = {name for began, name in links if began == long_ago.isoformat()}
    assert named == {f"Since {scores.day(long_ago)}"}
    assert "30 days" in {name for began, name in links if began == BEFORE.isoformat()}


def test_any_two_days_can_be_compared_in_either_order(month, dana_reads):
    asked = {"from": BEFORE, "to": CHANGED - timedelta(days=1)}
    there = dana_reads(**asked)
    back = dana_reads(**{"from": asked["to"], "to": asked["from"]})

    assert parts_of(there) == parts_of(back)
    assert parts_of(there)[0][0] == 0  # no version came before its day


def test_day_that_is_not_kept_is_said(month, dana_reads):
    page = dana_reads(**{"from": BEFORE + timedelta(days=3)})

    assert "is kept; the nearest before it is shown" in page


@pytest.mark.parametrize(
    "asked", [{"from": "soon"}, {"to": "2026-13-40"}, {"from": "0001-01-01"}, {"to": "9999-12-31"}]
)
def test_days_that_are_no_days_show_something(month, dana_reads, asked):
    assert "Whose doing it was" in dana_reads(**asked)


def test_unknown_node_is_not_found(month, client, dana):
    client.force_login(dana)

    assert client.get(PAGE, {"node": "nothing"}).status_code == 404


def test_first_score_says_when_the_next_comes(client, dana, orchard):
    score(orchard)
    client.force_login(dana)

    assert "Nothing to compare yet" in text_of(client.get(PAGE))
    assert "From the second night on" in text_of(client.get("/o/orchard/"))


def test_without_a_score_the_page_leads_to_the_overview(client, dana, orchard):
    client.force_login(dana)

    assert client.get(PAGE).headers["Location"] == "/o/orchard/"


def test_signal_without_a_number_on_a_day_has_words(orchard, dana_reads):
    """The work orders begin to come after the first night."""
    score(orchard, days=(BEFORE, YESTERDAY), platform__errors={})
    make_observations(orchard, {})
    past = history.of(orchard)
    found = moves.between(orchard, past, [(BEFORE, YESTERDAY)])[0]
    silent = [node for node, move in found.moves.items() if move.parts is None]

    for node in silent:
        assert "Without a number on both days there is no change to split" in dana_reads(node=node)


def test_stranger_cannot_tell_that_there_was_a_change(month, client, hal):
    client.force_login(hal)

    known, unknown = client.get(PAGE), client.get("/o/nowhere/moved/")

    assert known.status_code == unknown.status_code == 404
    assert text_of(known) == text_of(unknown)


def test_page_asks_few_questions(month, client, dana, django_assert_max_num_queries):
    client.force_login(dana)
    client.get(PAGE)

    with django_assert_max_num_queries(12):
        client.get(PAGE)


# ---------- the pair ----------


def pairs(day=CHANGED - timedelta(days=1)) -> list[ScoringRun]:
    """The runs of a newer version's night before; other runs recompute earlier month ends."""
    return list(ScoringRun.objects.filter(beside=True, day=day, revision=0))


def test_first_night_of_a_version_scores_the_night_before_under_both(month):
    (pair,) = pairs()

    assert (pair.day, pair.version.number) == (CHANGED - timedelta(days=1), 2)
    assert pair.published_at is not None
    assert month.score_sheets.filter(day=pair.day, revision=0).count() == 2


def test_pair_is_never_shown_as_the_score(month):
    past = history.of(month)

    assert past.sheets[CHANGED - timedelta(days=1)].version.number == 1
    assert not Pointer.objects.filter(run__beside=True).exists()


def test_night_that_is_run_again_makes_no_second_pair(month):
    before = list(month.score_sheets.order_by("day", "version").values_list("day", "version", "nodes"))

    run_night(CHANGED)
    run_night(YESTERDAY)

    assert len(pairs()) == 1
    assert (
        list(month.score_sheets.order_by("day", "version").values_list("day", "version", "nodes")) == before
    )


def test_version_part_is_the_difference_of_the_pair(month):
    day = CHANGED - timedelta(days=1)
    sheets = month.score_sheets.filter(day=day, revision=0).order_by("version")
    old, new = sheets.values_list("points", flat=True)

    found = moves.between(month, history.of(month), [(BEFORE, YESTERDAY)])[0]

    assert found.moves["overall"].parts[moves.Cause.US] == new - old != 0


def test_night_asked_for_in_earnest_takes_the_pairs_place(month):
    """The newer version is made to be in force a day earlier, and that night is run again."""
    day = CHANGED - timedelta(days=1)
    (pair,) = pairs()
    type(pair.version).objects.filter(pk=pair.version.pk).update(effective_on=day)

    run_night(day)

    assert history.of(month).sheets[day].version.number == 2


def test_pair_that_cannot_be_made_keeps_no_night_from_people(orchard, monkeypatch):
    score(orchard, days=(YESTERDAY - timedelta(days=1),))
    publish_small_card(NEWER, effective_on=YESTERDAY)
    real = run.compute

    def broken(chunk):
        if chunk.run.beside:
            raise ZeroDivisionError
        return real(chunk)

    monkeypatch.setattr(run, "compute", broken)
    run_night(YESTERDAY)

    assert history.of(orchard).sheets[YESTERDAY].version.number == 2
    assert pairs(YESTERDAY - timedelta(days=1))[0].abandoned_at is not None


# ---------- the figure ----------


def test_waterfall_ends_where_the_last_level_is():
    figure = waterfall(("a", 70, "70.0"), [("up", 5, "+5.0"), ("down", -8, "-8.0")], ("b", 67, "67.0"))

    assert [bar.tone for bar in figure.bars] == ["end", "healthy", "act", "end"]
    assert figure.bars[-1].y == figure.joins[-1].y
    assert all(0 <= float(bar.y[:-1]) <= 100 for bar in figure.bars)
