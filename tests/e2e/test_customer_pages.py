"""Every page that a contact reaches, in every look: both themes, two widths, paper, keyboard, without script.

The list is made by following links, not by hand; a page that the table of doors opens to contacts and that no
visit reaches fails here. Each page is opened once and asked everything.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, BrowserContext, Page

from tests.crawling import Page as Read
from tests.crawling import is_ours, starts
from tests.e2e.browsing import MAREN, Ear, opened, state_of, violations
from tests.test_doors import DOORS

pytestmark = pytest.mark.slow

SLUG = "aldermoor-logistics"
OVERVIEW = f"/o/{SLUG}/"
ADOPTION = f"{OVERVIEW}score/product-adoption/"
# The same pages with something chosen: a period, a signal, a product, a filter.
CHOSEN = [
    f"{OVERVIEW}?period=90",
    f"{OVERVIEW}?product=sales",
    f"{ADOPTION}?signal=field.work_order_growth",
    f"{ADOPTION}?show=silent",
    f"{OVERVIEW}receipt/?node=field.work_order_growth",
    f"{OVERVIEW}moved/?node=product-adoption",
    f"{OVERVIEW}trends/?node=field.work_order_growth",
    f"{OVERVIEW}feedback/?node=field.work_order_growth",
    f"{OVERVIEW}contacts/?state=asleep",
    "/sign-out/",
]
# What the demo holds nothing of, or shows to nobody who is signed in as Maren is: other tests open them.
ELSEWHERE = {
    "account_confirm_email",  # the end of a link in a mail
    "account_email_verification_sent",
    "account_inactive",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "confirm-address",
    "sso-find-sent",
    "connection-detail",  # nobody in the demo signs in through a company
    "sso-metadata",
    "api-recommendation",  # programs ask for it, no page leads there
}
OURS = {"patterns"}  # on a laptop everybody sees it

# Paper does not scroll: what lies outside it, or in a box that hides the rest of it, is cut off.
CUT = """() => {
  const limit = document.documentElement.clientWidth + 1, found = [];
  if (document.documentElement.scrollWidth > limit) found.push('page');
  for (const each of document.querySelectorAll('main *')) {
    if (!each.checkVisibility({ visibilityProperty: true }) || each.closest('.sr-only, svg')) continue;
    const box = each.getBoundingClientRect(), style = getComputedStyle(each);
    if (box.width && box.right > limit) found.push(each);
    else if (['hidden', 'clip', 'auto', 'scroll'].includes(style.overflowX)
        && each.scrollWidth > each.clientWidth + 1) found.push(each);
  }
  return found.slice(0, 3).map(each => each.outerHTML?.slice(0, 120) ?? 'the page');
}"""
# A link goes somewhere: it has an address, and what it points to on this page is there.
NOWHERE = """() => [...document.querySelectorAll('a')].filter(each => {
  const to = each.getAttribute('href');
  if (!to || to === '#') return true;
  const there = new URL(each.href);
  return there.hash && there.pathname === location.pathname && there.search === location.search
    && !document.getElementById(decodeURIComponent(there.hash.slice(1)));
}).map(each => each.outerHTML.slice(0, 120))"""
# Whatever can be pressed can be reached by Tab, in the order of the page, and shows that it is reached.
KEYS = """() => {
  const found = [...document.querySelectorAll('[tabindex]')].filter(each => each.tabIndex > 0);
  const ring = each => {
    const style = getComputedStyle(each);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  };
  const pressed = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
  for (const each of document.querySelectorAll(pressed)) {
    if (!each.checkVisibility({ visibilityProperty: true }) || each.disabled) continue;
    each.focus({ preventScroll: true });
    let around = each;
    for (let steps = 0; steps < 3 && around && !ring(around); steps++) around = around.parentElement;
    if (document.activeElement !== each || each.tabIndex < 0 || !around || !ring(around)) found.push(each);
  }
  document.activeElement?.blur();
  return found.map(each => each.outerHTML.slice(0, 120));
}"""
# Without script a button that belongs to no form and opens nothing by itself does nothing.
DEAD = """() => [...document.querySelectorAll('button')].filter(each =>
    each.checkVisibility({ visibilityProperty: true }) && !(each.form && each.type === 'submit')
    && !each.hasAttribute('popovertarget')
  ).map(each => each.outerHTML.slice(0, 120))"""
PRESSED_ON_PAPER = """() => [...document.querySelectorAll('button, .btn, nav:not(.crumbs) a, table input')]
  .filter(each => each.checkVisibility({ visibilityProperty: true }))
  .map(each => each.outerHTML.slice(0, 120))"""
HEADINGS = """() => [...document.querySelectorAll('main :is(h1, h2)')]
  .filter(each => each.checkVisibility({ visibilityProperty: true }))
  .map(each => each.innerText.trim())"""


@dataclass
class Found:
    """What a contact reaches: one address of each kind of page, and the kinds that are files."""

    pages: dict[str, str] = field(default_factory=dict)  # name of the address: the address
    files: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def maren(browser: Browser, site: str) -> dict:
    return state_of(browser, site, MAREN)


@pytest.fixture(scope="module")
def reached(browser: Browser, site: str, maren: dict) -> Found:
    context = browser.new_context(base_url=site, storage_state=maren)
    try:
        return walk(context)
    finally:
        context.close()


@pytest.fixture(scope="module")
def addresses(reached: Found) -> list[str]:
    return list(dict.fromkeys([*reached.pages.values(), *CHOSEN]))


def walk(context: BrowserContext) -> Found:
    """One page of every kind, by its links; addresses that need nothing come first, linked or not."""
    found, seen = Found(), set()
    waiting = deque([*starts(SLUG), *CHOSEN])
    while waiting:
        address = urldefrag(waiting.popleft()).url
        if not is_ours(address) or not is_mine(address) or address in seen:
            continue
        name = name_of(address)
        if name in OURS or name in found.files or (name in found.pages and address not in CHOSEN):
            continue
        seen.add(address)
        answer = context.request.get(address, max_redirects=0)
        if answer.status in (301, 302):
            waiting.append(urljoin(address, answer.headers["location"]))
        elif answer.status == 200 and "text/html" in answer.headers["content-type"]:
            found.pages.setdefault(name, address)
            read = Read(address)
            read.feed(answer.text())
            waiting.extend(urljoin(address, link) for link in read.links)
        elif answer.status == 200:
            found.files.add(name)
    return found


def is_mine(address: str) -> bool:
    try:
        return resolve(urlsplit(address).path).kwargs.get("slug", SLUG) == SLUG
    except Resolver404:
        return False


def name_of(address: str) -> str:
    return resolve(urlsplit(address).path).view_name


def test_visit_leaves_out_no_page_of_a_contact(reached):
    """Built today, looked at today: the table of doors says what a contact may open."""
    open_to_dana = {door.name for door in DOORS if door.expected["dana"] == 200 and not door.only_posts}

    visited = reached.pages.keys() | {name_of(address) for address in CHOSEN}
    assert open_to_dana - visited - reached.files - ELSEWHERE == set()
    assert len(visited) >= 30


def test_every_page_is_clean_in_every_look(browser: Browser, site: str, maren: dict, addresses: list[str]):
    """Nothing for axe, not a word on the console, no foreign host, nothing too wide, all of it by keyboard.

    Each page in each theme and at each width once; the way to the answer in all four: test_journeys.
    """
    context = browser.new_context(base_url=site, storage_state=maren, reduced_motion="reduce")
    page, ear = opened(context)
    found = {address: problems for address in addresses if (problems := list(looks(page, ear, address)))}
    context.close()

    assert found == {}
    assert ear.asked == {urlsplit(site).netloc}


def looks(page: Page, ear: Ear, address: str) -> Iterator[str]:
    """What is wrong with this page, in any look."""
    for width, scheme in ((1440, "light"), (360, "dark")):
        look = f"{scheme}, {width} px:"
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(address)
        if page.locator("h1").count() != 1:
            yield f"{look} not one h1"
        if page.evaluate("document.documentElement.scrollWidth") > width:
            yield f"{look} wider than the screen"
        for each in violations(page):
            yield f"{look} {each['id']}: {each['nodes'][0]['html'][:160]}"
        yield from (f"{look} leads nowhere: {link}" for link in page.evaluate(NOWHERE))
        yield from (f"{look} by keyboard: {each}" for each in page.evaluate(KEYS))
    yield from (f"console: {said}" for said in ear.said)
    ear.said.clear()


def test_every_page_can_be_handed_to_a_board(browser: Browser, site: str, maren: dict, addresses: list[str]):
    """On paper: light whatever the theme, headings and no way around, nothing to press, nothing cut off."""
    context = browser.new_context(
        base_url=site, storage_state=maren, color_scheme="dark", viewport=A4_BETWEEN_ITS_MARGINS
    )
    page = context.new_page()
    page.emulate_media(media="print")
    found = {address: problems for address in addresses if (problems := list(paper(page, address)))}
    context.close()

    assert found == {}


A4_BETWEEN_ITS_MARGINS = {"width": 680, "height": 990}  # 180 mm at 96 dots an inch


def paper(page: Page, address: str) -> Iterator[str]:
    page.goto(address)
    if not page.locator("h1").is_visible():
        yield "no heading"
    if page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)":
        yield "not white"
    yield from (f"to be pressed: {each}" for each in page.evaluate(PRESSED_ON_PAPER))
    yield from (f"cut off: {each}" for each in page.evaluate(CUT))


def test_every_page_says_the_same_without_script(
    browser: Browser, site: str, maren: dict, addresses: list[str]
):
    """No heading is missing, and no button stands there that would do nothing."""
    with_script = browser.new_context(base_url=site, storage_state=maren)
    without = browser.new_context(base_url=site, storage_state=maren, java_script_enabled=False)
    page, bare = with_script.new_page(), without.new_page()
    found = {}

    for address in addresses:
        page.goto(address)
        bare.goto(address)
        missing = set(page.evaluate(HEADINGS)) - set(bare.evaluate(HEADINGS))
        if here := [*missing, *bare.evaluate(DEAD)]:
            found[address] = here
    with_script.close()
    without.close()

    assert found == {}
