"""A status set in a real browser: no page is loaded, focus stays, what happened is said; nothing else is."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import MAREN, opened, state_of, violations

pytestmark = pytest.mark.slow

NEW = "/o/aldermoor-logistics/actions/?status=new"


def test_status_is_set_without_a_page_load_and_without_losing_the_place(browser: Browser, site: str):
    context = browser.new_context(base_url=site, storage_state=state_of(browser, site, MAREN))
    page, ear = opened(context)
    page.goto(NEW)
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    row = page.locator(".rec").first
    address, title = row.get_attribute("id"), row.locator("h3").inner_text()
    chosen = page.locator(f"#{address} select")

    chosen.focus()
    chosen.select_option("in_progress")
    expect(page.locator("#said")).to_have_text(f"{title}: In Progress.")
    expect(chosen).to_be_focused()
    assert loads == []
    chosen.select_option("new")
    expect(page.locator("#said")).to_have_text(f"{title}: New.")
    page.locator(f"#{address} h3 a").click()
    expect(page.locator("#dt")).to_be_focused()

    found = violations(page)
    context.close()
    assert found == []
    assert ear.said == []
