"""Exploring a trend in a real browser: the library from our own host, under the policy, and without it."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import MAREN, opened, state_of, violations

pytestmark = pytest.mark.slow

TRENDS = "/o/aldermoor-logistics/trends/"


@pytest.fixture(scope="module")
def maren(browser: Browser, site: str) -> dict:
    """Her session."""
    return state_of(browser, site, MAREN)


def explore(page: Page) -> None:
    page.goto(TRENDS)
    page.get_by_role("button", name="Explore").click()
    expect(page.get_by_role("button", name="Whole period")).to_be_visible(timeout=30_000)


def numbers(figure: dict) -> list[list[float]]:
    """Of every line, the one under the newer version last."""
    recomputed = figure["recomputed"]
    newer = [[value for _, value in recomputed["points"]]] if recomputed else []
    return [line["points"] for line in figure["lines"]] + newer


def problems(page: Page) -> list[str]:
    """What axe finds, short enough to read."""
    found = violations(page)
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 360)])
def test_library_opens_without_a_word_on_the_console_and_without_leaving_the_host(
    browser: Browser, site: str, maren: dict, scheme: str, width: int
):
    context = browser.new_context(
        base_url=site,
        storage_state=maren,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
    )
    page, ear = opened(context)

    explore(page)
    lines = numbers(page.request.get(f"{TRENDS}figure/").json())
    expect(page.locator("[data-canvas] .scatterlayer .trace")).to_have_count(len(lines))
    if width == 1440:
        page.locator(".side [data-theme-form] button").click()  # drawn again in the other colors
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    found = problems(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    hosts = {host for host in ear.asked if host}  # pictures that the page draws for itself have none
    context.close()

    assert found == []
    assert wide <= width
    assert ear.said == []
    assert hosts == {urlsplit(site).netloc}


def test_chart_is_zoomed_by_keyboard_and_keeps_the_numbers_of_the_figure(
    browser: Browser, site: str, maren: dict
):
    context = browser.new_context(base_url=site, storage_state=maren)
    page = context.new_page()
    explore(page)
    figure = page.request.get(f"{TRENDS}figure/").json()

    drawn = page.evaluate("document.querySelector('[data-canvas]').data.map((line) => [...line.y])")
    before = page.evaluate("document.querySelector('[data-canvas]')._fullLayout.xaxis.range")
    expect(page.get_by_role("button", name="Zoom in")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-said]")).to_contain_text("From 20")
    after = page.evaluate("document.querySelector('[data-canvas]')._fullLayout.xaxis.range")
    context.close()

    assert figure["recomputed"] is not None
    assert drawn == numbers(figure)
    assert before[0] < after[0] < after[1] < before[1]


def test_day_that_is_clicked_is_ready_to_be_compared(browser: Browser, site: str, maren: dict):
    context = browser.new_context(base_url=site, storage_state=maren)
    page = context.new_page()
    explore(page)

    box = page.locator("[data-canvas] .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("[data-said]")).to_contain_text("is ready to be compared")
    page.get_by_role("button", name="Compare").click()

    expect(page.get_by_role("heading", name="Every score on both days")).to_be_visible()
    context.close()


def test_library_that_does_not_come_leaves_the_page_as_it_was(browser: Browser, site: str, maren: dict):
    context = browser.new_context(base_url=site, storage_state=maren)
    page = context.new_page()
    page.route("**/plotly*", lambda route: route.abort())

    page.goto(TRENDS)
    page.get_by_role("button", name="Explore").click()

    expect(page.get_by_text("The numbers below are complete")).to_be_visible()
    expect(page.locator("[data-drawn] svg").first).to_be_visible()
    context.close()


def test_without_script_everything_is_said(browser: Browser, site: str, maren: dict):
    context = browser.new_context(base_url=site, storage_state=maren, java_script_enabled=False)
    page = context.new_page()

    page.goto(TRENDS)
    expect(page.get_by_role("button", name="Explore")).to_be_hidden()
    page.get_by_label("Show", exact=True).select_option("technical-health")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="Trends: Technical Health")).to_be_visible()
    page.get_by_text("Show the numbers").first.click()
    expect(page.get_by_role("table", name="Technical Health over 12 months", exact=True)).to_be_visible()
    page.get_by_role("textbox", name="What happened").fill("Written without a script")
    page.get_by_label("Day", exact=True).fill("2026-01-05")
    page.get_by_role("button", name="Add the note").click()
    expect(page.get_by_text("is kept")).to_be_visible()
    context.close()
