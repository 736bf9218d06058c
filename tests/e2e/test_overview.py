"""A contact goes into the overview: how sure, how fresh, one product, what is wrong and who answers."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import INES, MAREN, opened, signed_in, state_of, violations

pytestmark = pytest.mark.slow

OVERVIEW = "/o/aldermoor-logistics/"


@pytest.fixture(scope="module")
def marens(browser: Browser, site: str) -> dict:
    return state_of(browser, site, MAREN)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_contact_finds_what_is_missing_and_when_it_is_due(
    browser: Browser, site: str, marens: dict, script: bool
):
    context = browser.new_context(base_url=site, storage_state=marens, java_script_enabled=script)
    page, ear = opened(context)
    page.goto(OVERVIEW)

    expect(page.get_by_text("98% of the weight is backed by data")).to_be_visible()
    page.get_by_role("link", name="When is what due?").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Data freshness")
    expect(page.get_by_role("row", name="Active data sources")).to_contain_text("Missing")
    page.get_by_role("link", name="Data sources connected").first.click()
    expect(page.locator("#why")).to_contain_text("0% backed by data")
    assert ear.said == []
    context.close()


def test_contact_looks_through_one_product_by_keyboard_and_comes_back(
    browser: Browser, site: str, marens: dict
):
    context = browser.new_context(base_url=site, storage_state=marens)
    page = context.new_page()
    page.goto(OVERVIEW)
    headline = page.locator(".score").first.inner_text()

    press(page, page.get_by_role("link", name="Field Service", exact=False).first)
    expect(page.get_by_role("table", name="Signals of Field Service")).to_be_visible()
    assert page.locator(".score").first.inner_text() == headline
    press(page, page.get_by_role("table", name="Signals of Field Service").get_by_role("link").first)
    expect(page.locator("#why")).to_be_in_viewport()
    page.go_back()

    expect(page.get_by_role("table", name="Signals of Field Service")).to_be_visible()
    context.close()


def test_contact_says_what_is_wrong_and_is_answered(browser: Browser, site: str, marens: dict):
    context = browser.new_context(base_url=site, storage_state=marens, viewport={"width": 360, "height": 800})
    page, ear = opened(context)
    page.goto(f"{OVERVIEW}score/product-adoption/?signal=field.work_order_growth")
    page.get_by_role("link", name="Something wrong?").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Choose one.")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("A value is wrong").check()
    page.get_by_label("In your words").fill("We closed 720 work orders in October.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("It is with us.")

    ines = signed_in(browser, site, INES)
    ines.goto("/portfolio/")
    expect(ines.get_by_role("row", name="Aldermoor Logistics")).to_contain_text(
        "1 question about the score open"
    )
    ines.goto(f"{OVERVIEW}feedback/")
    ines.get_by_label("Answer about Work order growth").fill("The file was cut. Tonight it is whole.")
    assert violations(ines) == []
    ines.get_by_role("button", name="Answer").click()
    expect(ines.get_by_text("Answered in less than an hour")).to_be_visible()
    ines.context.close()

    page.reload()
    expect(page.get_by_text("The file was cut. Tonight it is whole.")).to_be_visible()
    assert violations(page) == []
    assert [said for said in ear.said if "422" not in said] == []
    context.close()


def test_help_opens_in_place_and_paper_leaves_it_out(browser: Browser, site: str, marens: dict):
    context = browser.new_context(base_url=site, storage_state=marens)
    page = context.new_page()
    page.goto(OVERVIEW)

    page.get_by_text("What is this number?").click()
    expect(page.get_by_text("no click and no person moves it")).to_be_visible()
    assert violations(page) == []
    page.emulate_media(media="print")

    expect(page.get_by_text("no click and no person moves it")).not_to_be_visible()
    expect(page.get_by_role("heading", name="How sure we are")).to_be_visible()
    expect(page.get_by_role("navigation", name="Product")).not_to_be_visible()
    context.close()


def press(page: Page, link) -> None:
    """Go to a link by Tab alone, and follow it."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if link.evaluate("each => each === document.activeElement"):
            break
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_load_state()
