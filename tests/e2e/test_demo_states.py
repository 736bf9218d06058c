"""The demo as a stranger meets it: `manage.py demo` from nothing, a browser, and the words of every state."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from portal import demo
from portal.demo.loading import SCORECARD
from scoring import engine
from tests.e2e.browsing import signed_in

CATEGORY = {signal.key: signal.category for signal in engine.parse(SCORECARD.read_text("utf-8")).signals}

pytestmark = pytest.mark.slow

# What a reader is told, by the promise of portal.demo.STATES that it keeps.
WORDS: dict[str, list[str]] = {
    "work orders 693 / 564 × 50 = 61": ["693 work orders in", "564 a month on average", "× 50 = 61.44"],
    "work orders 499 / 564 × 50 = 44": ["499 work orders in", "564 a month on average", "× 50 = 44.24"],
    "one signal without data": ["No data", "left out of the score until it reports again"],
    "a score without reservations": ["Healthy", "100% of the weight is backed by data"],
    "new: connected 12 days ago, setting up": ["Your first score is due on", "30 days of usage"],
    "young: connected 55 days ago, provisional": ["Provisional", "Your first 90 days are not over"],
    "too young for growth": ["Too new", "growth is read from day 91 on"],
    "a feed that stopped: provisional": ["This score is provisional", "4 signals have no data"],
    "a feed that stopped: missing": ["No data", "left out of the score until it reports again"],
    "a feed that is late, in grace": ["Late", "It still counts in the score"],
    "below the coverage floor: no number": ["No overall score", "21% of the weight is backed by data"],
    "use without entitlement: invalid": ["Impossible value", "of 0 viewers"],
    "a product that is not owned": ["Not applicable", "does not own Data platform"],
    "more used than bought": ["100", "More is in use than was bought"],
    "growth from nothing": ["100", "Nothing before"],
    "dormant: nothing in 13 months": ["Not applicable", "so there is nothing to compare"],
    "one category applies: no overall": ["No overall score", "Only Product Adoption applies"],
    "no product: no score": ["has no scorecard"],
    "a month in which all causes of a change act": [
        "Whose doing it was",
        "version 2 after",
        "Scope: counts now",
    ],
    "on Premier: shared in a success review": ["Your plan shares the score in a success review"],
    "plan lapsed 20 days ago": ["Your Signature plan ended on", "The score closes with the plan"],
    "on Standard": ["Your plan does not include the score"],
}


@pytest.fixture(scope="module")
def sam(browser: Browser, site: str) -> Iterator[Page]:
    """Contact of an organization in every state."""
    page = signed_in(browser, site, "states@cairn.example")
    yield page
    page.context.close()


def test_every_promise_has_its_words():
    assert set(WORDS) == {shown.what for shown in demo.STATES}


@pytest.mark.parametrize("shown", demo.STATES, ids=lambda shown: f"{shown.slug}: {shown.what}")
def test_page_says_what_state_it_is_in(sam: Page, shown: demo.Shown):
    is_signal = shown.where in CATEGORY
    sam.goto(
        f"/o/{shown.slug}/score/{CATEGORY[shown.where]}/?signal={shown.where}"
        if is_signal
        else f"/o/{shown.slug}/{'moved/' if shown.where == 'moved' else ''}"
    )

    place = sam.locator("#why" if is_signal else "main")
    for words in WORDS[shown.what]:
        expect(place).to_contain_text(words)


def test_designated_contact_finds_out_why_work_orders_score_61(browser: Browser, site: str):
    page = signed_in(browser, site, "maren.holt@aldermoor.example")

    expect(page.get_by_role("heading", level=1)).to_contain_text("Customer Success Score")
    page.get_by_role("link", name="Product Adoption").first.click()
    page.get_by_role("link", name="Work order growth").first.click()

    expect(page.locator("#why")).to_contain_text("693 / 564")
    expect(page.locator("#why")).to_contain_text("rounded to 61")
    page.context.close()


@pytest.mark.parametrize(
    ("who", "email", "password", "what"), demo.SIGN_INS, ids=[one[0] for one in demo.SIGN_INS]
)
def test_everybody_on_the_list_can_sign_in(browser: Browser, site: str, who, email, password, what):
    page = signed_in(browser, site, email)

    expect(page.locator("main")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.context.close()
