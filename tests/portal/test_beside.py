"""What stands beside a score: how sure it is, what stands out, one product's part, filters, whom to ask."""

import re
from datetime import timedelta

import pytest

from portal.nightly import run_night
from portal.pages.backing import completion
from portal.pages.filtering import SHOWS
from scoring import read
from scoring.models import Observation
from tests.factories import make_measured, publish_small_card
from tests.portal.scored import YESTERDAY, score, text_of

ADOPTION = "/o/orchard/score/product-adoption/"
HEALTH = "/o/orchard/score/technical-health/"


@pytest.fixture
def as_dana(client, dana):
    client.force_login(dana)
    return client


@pytest.fixture
def silent(orchard):
    """Orchard's pages have not reported how fast they are."""
    score_without(orchard, "platform.page_time")
    return orchard


def score_without(orchard, metric):

    publish_small_card()
    make_measured(orchard, YESTERDAY)
    Observation.objects.filter(metric__key=metric).delete()
    run_night(YESTERDAY)


# ---------- how sure it is ----------


SURE = [
    ("/o/orchard/", "85% of the weight is backed by data: with the rest as 0 or as 100 it would be"),
    ("/o/orchard/", "50% backed by data, "),
    (HEALTH, "50% of the weight is backed by data: with the rest as 0 or as 100 it would be"),
    (f"{HEALTH}efficiency/", "50% of the weight is backed by data: with the rest as 0 or as 100"),
    (HEALTH, "Efficiency 50% backed by data, "),
    (HEALTH, "Page speed No data Performance No data 0%, 0 to 100"),
    (f"{HEALTH}?signal=platform.page_speed", "0% backed by data: with the rest as 0 or as 100 it would"),
    (f"{HEALTH}?signal=platform.error_days", "How sure. 100% backed by data."),
]


def test_every_score_says_how_sure_it_is(as_dana, silent):
    for address, words in SURE:
        assert words in text_of(as_dana.get(address)), address


def test_bounds_on_the_page_are_those_of_the_engine(as_dana, silent):
    node = read.explained(silent).by_node["technical-health"]

    page = text_of(as_dana.get(HEALTH))

    assert f"it would be {round(node.lower / 100)} to {round(node.upper / 100)}." in page


def test_what_would_complete_the_score_is_named_with_what_it_adds(as_dana, silent):
    page = text_of(as_dana.get("/o/orchard/"))

    assert "What would complete the score Adds Page speed no data: the next value counts +15.0%" in page
    assert "Not backed by data 15.0%" in page


def test_shown_parts_and_the_rest_add_up_to_what_is_missing(silent):
    Observation.objects.exclude(metric__key="platform.errors").delete()
    card = read.latest(silent)

    for node in read.walk(card.overall):
        if found := completion(card, node):
            shown = sum(float(step.adds.strip("+%")) for step in found.steps)
            assert round(shown + float(found.rest.strip("%")), 1) == float(found.missing.strip("%"))


def test_whole_score_has_nothing_to_complete(as_dana, orchard):
    score(orchard)

    assert "What would complete" not in text_of(as_dana.get("/o/orchard/"))


# ---------- what stands out ----------


def test_signal_that_costs_most_is_said_with_its_points(as_dana, orchard):
    score(orchard)
    card = read.latest(orchard)
    lost = {
        signal.name: category.share * sub.share * signal.share * (10_000 - signal.points) / 100
        for category in card.overall.children
        for sub in category.children
        for signal in sub.children
    }
    worst = max(lost, key=lost.get)

    page = text_of(as_dana.get("/o/orchard/"))
    said = re.search(rf"Costs most {worst} scores \d+ and costs ([\d.]+) of the", page)

    assert abs(float(said.group(1)) - lost[worst]) < 0.1


def test_rise_and_fall_are_those_between_the_two_nights(as_dana, orchard):
    then = YESTERDAY - timedelta(days=30)
    licenses = {then - timedelta(days=1): 300.0, YESTERDAY - timedelta(days=1): 412.0}
    score(orchard, days=(then, YESTERDAY), sales__licenses_activated=licenses)
    signals = [each for each in read.walk(read.latest(orchard).overall) if each.signal]

    page = text_of(as_dana.get("/o/orchard/"))

    most = max(signals, key=lambda each: each.change_30 or 0)
    before, now = round((most.points - most.change_30) / 100), round(most.points / 100)
    assert most.change_30 >= 2240
    assert f"Rose most {most.name} from {before} to {now} in 30 days." in page


def test_silence_is_said_with_its_weight(as_dana, silent):
    page = text_of(as_dana.get("/o/orchard/"))

    assert "Not known Page speed has no data: 15.0% of the weight is open." in page


def test_nothing_rose_where_there_is_no_night_to_compare(as_dana, orchard):
    score(orchard)

    page = text_of(as_dana.get("/o/orchard/"))

    assert "Rose most" not in page
    assert "Fell most" not in page


# ---------- one product ----------


def test_product_shows_its_signals_and_leaves_the_official_score(as_dana, orchard):
    score(orchard)
    card = read.latest(orchard)

    page = text_of(as_dana.get("/o/orchard/", {"product": "sales"}))

    assert f"{card.overall.whole} of 100" in page
    assert "The score above counts all products and does not change by this view." in page
    assert "Sales license activation Product Adoption" in page
    given = sum(
        card.by_node["product-adoption"].share * sub.share * signal.share * signal.points
        for sub in card.by_node["product-adoption"].children
        for signal in sub.children
    )
    assert f"2 signals bring {round(given / 10) / 10:.1f} of 50.0 possible points." in page


def test_no_filter_moves_the_number(as_dana, orchard):
    score(orchard)

    for address in ("/o/orchard/", ADOPTION, HEALTH):
        numbers = {
            re.search(r'<p class="score">(\d+)<', as_dana.get(f"{address}?{query}").content.decode()).group(1)
            for query in ("", "product=sales", "product=platform", "show=moved", "show=silent")
        }
        assert len(numbers) == 1, address


def test_unknown_filter_is_not_found(as_dana, orchard):
    score(orchard)

    assert as_dana.get(f"{ADOPTION}?product=nothing").status_code == 404
    assert as_dana.get(f"{ADOPTION}?show=nothing").status_code == 404


def test_filter_says_how_much_of_the_points_it_shows(as_dana, silent):
    page = text_of(as_dana.get(HEALTH, {"show": "silent"}))

    assert "1 of 2 signals shown. They give 0.0 of" in page
    assert "Page speed No data" in page
    assert "Days without errors Error-free days" not in page


def test_choices_of_the_filter_count_what_they_leave(as_dana, silent):
    page = as_dana.get(HEALTH).content.decode()
    chip = r'class="chip" href="[^"]*"[^>]*>([^<]+) <span class="count">(\d+)</span>'

    counts = dict(re.findall(chip, page))

    assert counts == {"All": "2", "Moved": "0", "No data": "1"}
    assert set(counts) == set(SHOWS.values()) - {SHOWS["below"]}  # nothing is released to be below of


def test_filter_that_leaves_nothing_says_so(as_dana, orchard):
    score(orchard)

    assert "No signal matches" in text_of(as_dana.get(HEALTH, {"show": "silent"}))


def test_filter_stays_while_a_signal_is_opened(as_dana, silent):
    page = as_dana.get(HEALTH, {"show": "silent"}).content.decode()

    assert 'href="?signal=platform.page_speed&amp;show=silent#why"' in page


# ---------- whom to ask, and help ----------


def test_success_manager_is_named_with_an_address(as_dana, orchard, casey):
    score(orchard)

    page = as_dana.get("/o/orchard/")

    assert "Who looks after you Casey Customer success manager casey@vendor.example" in text_of(page)
    assert 'href="mailto:casey@vendor.example"' in page.content.decode()


def test_without_anybody_support_answers(as_dana, orchard, settings):
    settings.SUPPORT_EMAIL = "help@vendor.example"
    score(orchard)

    assert "No success manager is named now." in text_of(as_dana.get("/o/orchard/"))
    assert 'href="mailto:help@vendor.example"' in as_dana.get("/o/orchard/").content.decode()


def test_who_waits_for_the_first_score_sees_whom_to_ask(as_dana, orchard, casey):
    page = text_of(as_dana.get("/o/orchard/"))

    assert "Your first score comes with the next night" in page
    assert "Who looks after you Casey" in page


def test_help_stands_where_it_is_needed(as_dana, orchard):
    score(orchard)

    for address, question in (
        ("/o/orchard/", "What is this number?"),
        ("/o/orchard/", "What does backed by data mean?"),
        (ADOPTION, "What is a signal?"),
    ):
        assert f"<summary>{question}</summary>" in as_dana.get(address).content.decode()
