"""Peers on the pages: what a customer reads about the others, and what nobody can read there."""

import csv
import io
import re
from datetime import timedelta

import pytest

from accounts.installation import ReferenceLines
from accounts.models import Action, AuditEntry, Installation, Organization
from portal.nightly import run_night
from portal.pages.peers import past
from scoring import peers, releases
from scoring.engine import parse
from scoring.engine.peers import Rung
from scoring.models import PeerClose, PeerList, PeerPlace, PeerRelease, Pointer
from scoring.peers import Comparison, Standing, Why
from tests.factories import SMALL_CARD, make_measured, make_organization, publish_small_card
from tests.portal.scored import YESTERDAY, score, text_of

CLOSE = (YESTERDAY.replace(day=1) - timedelta(days=1)).replace(day=1) - timedelta(days=1)


def neighbors(number: int, **fields) -> list[Organization]:
    """So many others of Orchard's size, each a little better than the one before."""
    made = []
    for at in range(number):
        organization = make_organization(
            f"Neighbor {at}", products=["sales", "platform"], seats=500, **fields
        )
        make_measured(
            organization, CLOSE, sales__licenses_activated={CLOSE - timedelta(days=1): 200 + 20 * at}
        )
        made.append(organization)
    return made


def close(*organizations: Organization) -> None:
    """The month's close, made again on its day: two nights of it, as the night would."""
    publish_small_card()
    for organization in organizations:
        Organization.objects.filter(pk=organization.pk).update(seats=500)
        make_measured(organization, CLOSE)
    run_night(CLOSE)
    run_night(CLOSE + timedelta(days=7))


@pytest.fixture
def compared(client, dana, orchard) -> Organization:
    """Orchard among eleven others, after one close; Dana is signed in."""
    publish_small_card()
    neighbors(11)
    close(orchard)
    client.force_login(dana)
    return orchard


def test_contact_reads_the_quarter_the_group_and_the_close(client, compared):
    page = text_of(client.get("/o/orchard/peers/"))

    found = peers.newest(compared)
    assert f"At the close of {CLOSE.day} " in page
    assert "11–24 organizations" in page
    assert "Organizations of your size (251–1,000 seats)" in page
    assert f"with {found.standings['overall'].own} you are in the" in page


@pytest.mark.parametrize("address", ["", "score/product-adoption/"])
def test_overview_and_category_show_the_peers(client, compared, address):
    page = client.get(f"/o/orchard/{address}").content.decode()

    assert 'class="plot plot--strip"' in page
    assert 'href="/o/orchard/peers/"' in page


def test_explanation_of_a_signal_has_the_median_of_the_peers(client, compared):
    page = text_of(client.get("/o/orchard/score/product-adoption/?signal=sales.license_activation"))

    median = peers.newest(compared).standings["sales.license_activation"].median
    assert f"Peer median {median} at the close of" in page


def column(page: str) -> dict[str, str]:
    """What the column of peer medians says, by signal."""
    line = r'<a class="rowlink"[^>]*>([^<]+)</a>[^\n]*data-l="Peer median" class="num">([^<]*)<'
    return dict(re.findall(line, page))


def test_table_of_a_category_has_a_column_of_released_medians(client, compared):
    page = client.get("/o/orchard/score/product-adoption/").content.decode()

    found = peers.newest(compared).standings
    assert column(page) == {
        "Sales license activation": str(found["sales.license_activation"].median),
        "Work order growth": str(found["sales.work_order_growth"].median),
    }
    assert f'data-l="Peer median">{found["product-adoption"].median}</td>' in page


def test_signal_whose_median_is_withheld_has_a_dash(client, compared):
    release = PeerRelease.objects.get()
    del release.figures["sales.work_order_growth"]
    release.save()

    page = client.get("/o/orchard/score/product-adoption/").content.decode()

    assert column(page)["Work order growth"] == "–"
    assert column(page)["Sales license activation"] != "–"


def test_table_without_a_release_says_so_once(client, dana, orchard):
    score(orchard)
    client.force_login(dana)

    page = text_of(client.get("/o/orchard/score/product-adoption/"))

    assert page.count("No column of peer medians: the first comparison is on its way.") == 1
    assert "Peer median" not in page.replace("No column of peer medians", "")


@pytest.mark.parametrize("address", ["", "score/product-adoption/"])
def test_organization_that_opted_out_sees_no_figure_of_the_peers(client, dana, orchard, address):
    publish_small_card()
    neighbors(11)
    Organization.objects.filter(pk=orchard.pk).update(contributes=False)
    close(orchard)
    client.force_login(dana)

    page = client.get(f"/o/orchard/{address}")

    assert PeerRelease.objects.exists()
    assert "Middle half of peers" not in page.content.decode()
    assert not re.search(r"(?i)peer median \d|bracket|below peers", text_of(page))
    assert column(page.content.decode()) == {}
    assert "ou do not contribute" in text_of(page)


@pytest.mark.parametrize(
    ("address", "node"), [("", "overall"), ("score/product-adoption/", "product-adoption")]
)
def test_gauge_has_the_bracket_of_the_peers(client, compared, address, node):
    Pointer.objects.filter(day__gt=CLOSE).delete()  # the newest score is the close's, which is certain

    page = client.get(f"/o/orchard/{address}").content.decode()

    one = peers.newest(compared).standings[node]
    assert f"Middle half of peers: {one.lower} to {one.upper}, median {one.median}." in page
    assert f'<line class="span" x1="{one.lower}%" x2="{one.upper}%" y1="11" y2="11"/>' in page
    assert f"their median is {one.median}." in page


def test_gauge_of_a_provisional_score_keeps_its_own_range(client, compared):
    page = client.get("/o/orchard/").content.decode()

    assert "Provisional" in page
    assert "Middle half of peers" not in page


def test_category_card_says_how_far_the_median_was(client, compared):
    one = peers.newest(compared).standings["product-adoption"]
    apart = one.own - one.median

    page = text_of(client.get("/o/orchard/"))

    assert apart
    assert (
        f"At the last close: peer median {one.median}, you {abs(apart)} {'below' if apart < 0 else 'above'}"
        in page
    )


def test_export_of_the_peers_holds_what_was_released_and_no_more(client, compared):
    text = client.get("/o/orchard/exports/now/peers/csv/").content.decode("utf-8-sig")

    rows = {row["Node"]: row for row in csv.DictReader(io.StringIO(text))}
    found = peers.newest(compared).standings
    assert rows.keys() == found.keys()
    assert {node: row["Median (0–100)"] for node, row in rows.items()} == {
        node: str(each.median) for node, each in found.items()
    }
    assert {row["Organizations"] for row in rows.values()} == {"11–24"}
    assert rows["sales.license_activation"]["Lower quartile (0–100)"] == ""
    assert "Neighbor" not in text


def test_signals_below_the_peers_can_be_shown_alone(client, compared):
    release = PeerRelease.objects.get()
    release.figures["sales.work_order_growth"] = [99]
    release.save()

    page = client.get("/o/orchard/score/product-adoption/", {"show": "below"}).content.decode()

    assert column(page) == {"Work order growth": "99"}
    assert 'Below peers <span class="count">1</span>' in page


def test_nothing_on_the_page_counts_or_names_the_others(client, compared):
    for address in ("peers/", "", "score/product-adoption/"):
        content = client.get(f"/o/orchard/{address}").content.decode()
        assert "Neighbor" not in content
        assert not re.search(r"\b12 (organizations|orgs|peers)", content)


def test_release_holds_neither_a_name_nor_a_count(compared):
    release = PeerRelease.objects.get()

    columns = {field.name for field in PeerRelease._meta.concrete_fields}
    assert columns == {"id", "close", "rung", "low", "high", "industry", "size_range", "figures"}
    assert all(
        isinstance(each, int) and 0 <= each <= 100 for told in release.figures.values() for each in told
    )
    assert {len(told) for told in release.figures.values()} == {1, 3}


def test_lists_behind_the_figures_are_the_houses_alone():
    assert PeerList.wall == "house"


def test_everybody_of_a_group_sees_the_same_figures(compared):
    shown = {place.release_id for place in PeerPlace.objects.filter(why="shown")}

    assert len(shown) == 1
    assert PeerPlace.objects.filter(why="shown").count() == 12


def test_releasing_again_changes_nothing(compared):
    before = list(PeerRelease.objects.values())
    Organization.objects.exclude(pk=compared.pk).update(contributes=False)

    run_night(CLOSE + timedelta(days=8))

    assert releases.due("customer-success", YESTERDAY) == []
    assert list(PeerRelease.objects.values()) == before
    assert PeerClose.objects.count() == 1


def test_close_is_released_only_when_its_feeds_are_in(client, dana, orchard):
    publish_small_card()
    make_measured(orchard, CLOSE)

    run_night(CLOSE)

    assert not PeerClose.objects.exists()


def test_ten_are_not_shown(client, dana, orchard):
    publish_small_card()
    neighbors(9)
    close(orchard)
    client.force_login(dana)

    page = client.get("/o/orchard/peers/")

    assert "Not enough peers" in text_of(page)
    assert "plot--strip" not in page.content.decode()


def test_organization_that_opted_out_neither_counts_nor_sees(client, dana, orchard):
    publish_small_card()
    neighbors(11)
    client.force_login(dana)
    answer = client.post("/o/orchard/peers/contribute/", {"contribute": "no"}, follow=True)
    assert "From the next close on you do not contribute" in text_of(answer)

    close(orchard)

    page = client.get("/o/orchard/peers/")
    assert "You do not contribute" in text_of(page)
    assert "plot--strip" not in page.content.decode()
    assert PeerPlace.objects.get(organization=orchard).why == "opted_out"
    entry = AuditEntry.objects.get(action=Action.PEERS_CHOSEN)
    assert (entry.organization_id, entry.after, entry.hat) == (orchard.pk, {"contributes": False}, "contact")


def test_choice_holds_from_the_next_close_on(client, compared):
    client.post("/o/orchard/peers/contribute/", {"contribute": "no"})

    page = client.get("/o/orchard/peers/")

    assert "plot--strip" in page.content.decode()
    assert "This was chosen since the last close" in text_of(page)


def test_success_manager_sees_what_the_customer_sees_and_cannot_choose(client, compared, casey):
    mine = client.get("/o/orchard/peers/").content.decode()
    client.force_login(casey)

    page = client.get("/o/orchard/peers/").content.decode()

    strip = re.compile(r"<figure>.*?</figure>", re.S)
    assert strip.findall(page) == strip.findall(mine)
    assert "Stop contributing" not in page


def test_merged_organization_leaves_and_the_releases_stay(compared):
    before = list(PeerRelease.objects.values())
    gone = Organization.objects.get(slug="neighbor-0")
    Organization.objects.filter(pk=gone.pk).update(merged_into=compared, closed_at="2026-01-01T00:00Z")

    assert list(PeerRelease.objects.values()) == before
    assert gone.pk in [int(each) for each in memoryview(PeerList.objects.get().ids).cast("B").cast("q")]


def test_deleted_organization_leaves_the_releases_untouched(compared):
    before = list(PeerRelease.objects.values())

    Organization.objects.get(slug="neighbor-0").delete()

    assert list(PeerRelease.objects.values()) == before
    assert PeerList.objects.count() == 1


def test_reference_lines_are_off_until_an_administrator_draws_them(client, compared, ada, dana):
    assert "industry reference" not in text_of(client.get("/o/orchard/peers/"))
    client.force_login(ada)
    client.post(
        "/manage/settings/",
        {"do": "lines", "has_reference_lines": "on", "reference_top": "85", "reference_average": "75"},
    )
    client.force_login(dana)

    page = client.get("/o/orchard/peers/")

    assert "75 average and 85 top quartile, an unattributed industry reference" in text_of(page)
    assert page.content.decode().count('class="axis dash"') == 2


def test_reference_lines_stand_in_the_comparison_over_the_closes():
    found = [
        Comparison(
            CLOSE + timedelta(days=at),
            Why.SHOWN,
            parse(SMALL_CARD),
            1,
            Rung.ALL,
            standings={"overall": Standing("overall", 60 + at, 70, 66, 80)},
        )
        for at in (31, 0)
    ]

    drawn, bare = past(found, ReferenceLines(85, 75)), past(found)

    average, top = drawn.plot.rules
    assert (average.text, top.text) == ("Average 75", "Top quartile 85")
    median = next(line for line in drawn.plot.lines if line.key == "peer")
    assert float(top.y[:-1]) < float(average.y[:-1]) < float(median.y[:-1])
    assert "75 average and 85 top quartile, an unattributed industry reference" in drawn.references
    assert (bare.plot.rules, bare.references) == ((), "")


@pytest.mark.parametrize(("top", "average"), [("70", "75"), ("101", "75"), ("85", "-1"), ("x", "75")])
def test_reference_lines_must_be_scores_in_order(client, ada, top, average):
    client.force_login(ada)

    client.post(
        "/manage/settings/",
        {"do": "lines", "has_reference_lines": "on", "reference_top": top, "reference_average": average},
    )

    assert not Installation.objects.filter(has_reference_lines=True).exists()


def test_new_organization_reads_that_the_comparison_comes(client, dana, orchard):
    client.force_login(dana)

    assert "Nothing to compare yet" in text_of(client.get("/o/orchard/peers/"))
