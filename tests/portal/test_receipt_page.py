"""The receipt, as a contact opens and downloads it, and as whoever has no business there finds nothing."""

import re
from datetime import timedelta

import pytest

from scoring import pack, read, run
from scoring.models import ScorecardVersion
from tests.factories import correct
from tests.portal.scored import YESTERDAY, score, text_of
from tests.receipts import verified

pytestmark = pytest.mark.any_database

GROWTH = "sales.work_order_growth"
PAGE, FILE = "/o/orchard/receipt/", "/o/orchard/receipt.json"


@pytest.fixture
def dana_in(client, dana, orchard):
    """Dana, signed in, after one night."""
    score(orchard)
    client.force_login(dana)
    return client


def test_contact_reads_the_receipt_of_the_overall_score(dana_in, orchard):
    card = read.latest(orchard)

    page = text_of(dana_in.get(PAGE))

    assert "Equal to the published score" in page
    assert f"Published, in hundredths {card.overall.points / 100:.2f}" in page
    assert f"Shown {card.overall.whole}, {card.overall.band.name}" in page


def test_signal_shows_every_measurement_with_source_batch_and_arrival(dana_in, orchard):
    batch = orchard.observations.filter(metric__key="sales.work_orders").first().batch

    page = text_of(dana_in.get(PAGE, {"node": GROWTH}))

    assert "In full precision 61.43617021276596" in page
    assert "Newest 693 Base before it 564" in page
    assert page.count(f"tests {batch.pk}") >= 13


def test_receipts_lead_down_to_the_leaves_and_up_again(dana_in, orchard):
    seen, waiting = set(), [PAGE]
    while waiting:
        page = dana_in.get(waiting.pop())
        assert page.status_code == 200
        found = re.findall(r'href="(/o/orchard/receipt/\?[^"]+)"', page.content.decode())
        new = {link.replace("&amp;", "&") for link in found} - seen
        seen |= new
        waiting += new

    assert len(seen) == len(read.latest(orchard).by_node)


@pytest.mark.parametrize(
    ("address", "node"),
    [
        ("/o/orchard/", "overall"),
        ("/o/orchard/score/product-adoption/", "product-adoption"),
        ("/o/orchard/score/product-adoption/momentum/", "product-adoption%2Fmomentum"),
        (f"/o/orchard/score/product-adoption/?signal={GROWTH}", GROWTH),
    ],
    ids=["overview", "category", "subcategory", "signal"],
)
def test_every_score_page_leads_to_the_receipt_of_its_number(dana_in, address, node):
    page = dana_in.get(address).content.decode()

    links = re.findall(r'<a href="([^"]+)">Check this number</a>', page)

    assert any(f"node={node}&" in link for link in links)
    assert {dana_in.get(link.replace("&amp;", "&")).status_code for link in links} == {200}


def test_downloaded_files_verify_on_another_machine(dana_in, tmp_path):
    page = dana_in.get(PAGE).content.decode()
    link = re.search(r'<a href="([^"]+)" download="(receipt-orchard-[^"]+\.json)"', page)

    answer = dana_in.get(link.group(1).replace("&amp;", "&"))
    said = verified(tmp_path, answer.content)

    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == f'attachment; filename="{link.group(2)}"'
    assert f"python3 verify_receipt.py {link.group(2)}" in page
    assert re.search(r'<a href="/static/verify_receipt[^"]*\.py" download="verify_receipt.py">', page)
    assert (said.returncode, said.stderr) == (0, "")


def test_day_of_a_year_ago_and_an_earlier_revision_have_their_receipt(client, dana, orchard):
    then = YESTERDAY - timedelta(days=30)
    score(orchard, days=(then, YESTERDAY))
    correct(orchard, "sales.licenses_activated", then - timedelta(days=1), 3)
    pack.pack_due()
    again = run.open_run(ScorecardVersion.objects.get(), then, revision=1, reason="Restated with late data")
    run.work(again)
    run.publish_run(again)
    client.force_login(dana)

    newest = client.get(PAGE, {"day": then, "node": "sales.license_activation"})
    before = client.get(PAGE, {"day": then, "node": "sales.license_activation", "revision": 0})

    assert "Why this revision Restated with late data" in text_of(newest)
    assert "Published, in hundredths 0.60" in text_of(newest)
    assert "Published, in hundredths 82.40" in text_of(before)
    assert "version 1, revision 0" in text_of(newest)
    assert "Equal to the published score" in text_of(before)


def test_receipt_that_no_longer_fits_says_so(dana_in, orchard):
    orchard.observations.filter(metric__key="sales.work_orders").delete()

    page = text_of(dana_in.get(PAGE, {"node": GROWTH}))

    assert "This receipt is not equal to the published score" in page
    assert "published 61.44, OK, receipt no number, MISSING" in page


@pytest.mark.parametrize(
    "asked",
    [
        {"node": "no.such"},
        {"day": "2019-01-01"},
        {"day": "someday"},
        {"version": "2"},
        {"revision": "7"},
        {"revision": "-1"},
        {"version": "²"},
        {"version": "9" * 30},
        {"node": "overall", "scorecard": "account-health"},
    ],
    ids=str,
)
def test_what_is_not_there_is_not_found(dana_in, asked):
    assert dana_in.get(PAGE, asked).status_code == 404
    assert dana_in.get(FILE, asked).status_code == 404


@pytest.mark.parametrize("page", [PAGE, FILE], ids=["page", "document"])
def test_stranger_finds_nothing_and_not_even_that_there_is_something(client, hal, orchard, page):
    score(orchard)
    client.force_login(hal)

    foreign, unknown = client.get(page), client.get(page.replace("orchard", "nowhere"))

    assert foreign.status_code == unknown.status_code == 404
    assert text_of(foreign) == text_of(unknown)
    assert client.get(page, {"node": GROWTH}).status_code == 404


def test_internal_card_is_never_a_customers_whatever_is_set(dana_in, orchard):
    version = ScorecardVersion.objects.get()
    internal = version.text.replace('audience = "customer"', 'audience = "internal"')
    ScorecardVersion.objects.update(text=internal, digest="internal")

    assert dana_in.get(PAGE).status_code == 404
    assert dana_in.get(FILE).status_code == 404


def test_before_the_first_night_there_is_no_receipt(client, dana):
    client.force_login(dana)

    assert client.get(PAGE).status_code == 404


def test_receipt_asks_few_questions(dana_in, django_assert_max_num_queries):
    dana_in.get(PAGE)

    with django_assert_max_num_queries(30):
        dana_in.get(PAGE)
