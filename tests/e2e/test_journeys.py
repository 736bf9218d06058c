"""Journeys through the demo in a real browser: both themes, two widths, keyboard, print, without script."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import (
    ADMIN,
    AUDITOR,
    GRETA,
    INES,
    MAREN,
    NOOR,
    PASSWORD,
    PETRA,
    SAM,
    Ear,
    opened,
    signed_in,
    state_of,
    violations,
)

pytestmark = pytest.mark.slow

OVERVIEW = "/o/aldermoor-logistics/"
ADOPTION = "/o/aldermoor-logistics/score/product-adoption/"
GROWTH = f"{ADOPTION}?signal=field.work_order_growth"
CONTACTS = f"{OVERVIEW}contacts/"
PAGES = {
    # The way to the answer; every other page of hers: test_customer_pages.
    MAREN: [OVERVIEW, ADOPTION, GROWTH, f"{OVERVIEW}signal/field.work_order_growth/", CONTACTS],
    SAM: [
        "/orgs/",
        "/o/aldermoor-sandbox-eu/",
        "/o/kestrelby-airports/",
        "/o/quillmere-press/",
        "/o/orrin-bay-marine/",
        "/o/harrow-pike-haulage/",
        "/o/amberley-trust/",
        "/o/nowhere/",
        "/sign-in/password/",
    ],
    ADMIN: [
        "/orgs/",
        "/patterns/",
        "/nights/",
        "/mail/",
        "/manage/staff/",
        "/manage/staff/add/",
        "/manage/staff/2/",
        "/manage/staff/deactivate/?person=2",
        "/manage/teams/",
        "/manage/teams/1/",
        "/manage/teams/1/delete/",
        "/manage/contacts/",
        f"{OVERVIEW}contacts/",
        "/manage/organizations/",
        "/manage/organizations/new/",
        "/manage/organizations/import/",
        "/manage/organizations/aldermoor-logistics/",
    ],
    INES: ["/portfolio/", "/portfolio/?sort=-change", "/portfolio/?q=nobody", "/portfolio/cover/"],
    PETRA: ["/o/harrow-pike-haulage/plan/", "/o/harrow-pike-haulage/access/", "/o/harrow-pike-haulage/"],
    GRETA: ["/o/lindqvist-medical/", "/o/lindqvist-medical/plan/", "/o/lindqvist-medical/access/", "/me/"],
    NOOR: [f"{OVERVIEW}plan/", f"{OVERVIEW}access/", "/me/"],
    AUDITOR: ["/orgs/", OVERVIEW, f"{OVERVIEW}plan/", f"{OVERVIEW}access/"],
    "": [
        "/privacy/",
        "/accessibility/",
        "/sign-in/",
        "/sign-in/forgotten/",
        "/sign-in/forgotten/sent/",
        "/sign-in/closed/",
    ],
}
# The customer's way in every look; other pages in each theme and at each width once.
LOOKS = [(MAREN, scheme, width) for scheme in ("light", "dark") for width in (360, 1440)] + [
    (email, *look) for email in PAGES if email != MAREN for look in (("light", 1440), ("dark", 360))
]
REFUSED = re.compile(r"status of (403|404)")  # the browser itself notes a refused page
FIRST_VIEW = 100_000  # bytes over the wire, compressed


@pytest.fixture(scope="module")
def states(browser: Browser, site: str) -> dict[str, dict | None]:
    """The session of each person, signed in once."""
    return {email: state_of(browser, site, email) if email else None for email in PAGES}


@pytest.fixture
def maren(browser: Browser, site: str, states: dict):
    """Maren at her overview."""
    context = browser.new_context(base_url=site, storage_state=states[MAREN])
    page = context.new_page()
    page.goto(OVERVIEW)
    yield page
    context.close()


def problems(page: Page) -> list[str]:
    """What axe finds, short enough to read."""
    found = violations(page)
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found]


@pytest.mark.parametrize(
    ("email", "scheme", "width"), LOOKS, ids=lambda each: str(each).partition("@")[0] or "visitor"
)
def test_every_page_is_clean(browser: Browser, site: str, states: dict, email: str, scheme: str, width: int):
    """No accessibility violation, no console message, no foreign host, nothing wider than the screen."""
    context = browser.new_context(
        base_url=site,
        storage_state=states[email],
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 900},
    )
    page, ear = opened(context)
    found = {}

    for address in PAGES[email]:
        page.goto(address)
        here = problems(page)
        if page.locator("h1").count() != 1:
            here.append("not one h1")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            here.append("wider than the screen")
        if here:
            found[address] = here
    context.close()

    assert found == {}
    assert [said for said in ear.said if not REFUSED.search(said)] == []
    assert ear.asked == {urlsplit(site).netloc}


@pytest.mark.parametrize("address", [OVERVIEW, GROWTH])
def test_details_and_menu_are_clean_when_open(browser: Browser, site: str, states: dict, address: str):
    context = browser.new_context(
        base_url=site, storage_state=states[MAREN], viewport={"width": 360, "height": 900}
    )
    page = context.new_page()
    page.goto(address)

    page.get_by_text("Show the numbers").first.click()
    opened_table = problems(page)
    page.get_by_role("button", name="Open menu").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    opened_menu = problems(page)
    context.close()

    assert opened_table == opened_menu == []


def test_first_view_weighs_less_than_a_hundred_kilobytes(browser: Browser, site: str, states: dict):
    context = browser.new_context(base_url=site, storage_state=states[MAREN])
    page = context.new_page()
    answers = []
    page.on("response", lambda answer: answers.append(answer))

    page.goto(GROWTH, wait_until="networkidle")
    weight = sum(answer.request.sizes()["responseBodySize"] for answer in answers)
    context.close()

    assert 0 < weight < FIRST_VIEW


# ---------- the way to the answer ----------


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_contact_finds_out_why(browser: Browser, site: str, script: bool):
    page = signed_in(browser, site, MAREN, java_script_enabled=script)

    page.get_by_role("link", name="Details of Product Adoption").click()
    page.get_by_role("link", name="Work order growth").first.click()

    why = page.locator("#why")
    expect(why).to_contain_text("693 / 564 ≈ 1.22 (cut, not rounded), × 50 = 61.44, rounded to 61")
    assert page.url.endswith("#why")
    page.context.close()


def test_contact_finds_out_why_by_keyboard_alone(maren: Page):
    def go_to(name: str) -> None:
        link = maren.get_by_role("link", name=name, exact=True).last
        for _ in range(120):
            maren.keyboard.press("Tab")
            if link.evaluate("each => each === document.activeElement"):
                break
        expect(link).to_be_focused()
        maren.keyboard.press("Enter")
        maren.wait_for_load_state()

    go_to("Details of Product Adoption")
    go_to("Work order growth")

    expect(maren.locator("#why")).to_be_in_viewport()


def test_first_stop_of_the_keyboard_skips_the_side_bar(maren: Page):
    maren.keyboard.press("Tab")

    skip = maren.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    maren.keyboard.press("Enter")
    expect(maren.locator("#main")).to_be_focused()


def test_focus_is_never_without_a_ring(maren: Page):
    for _ in range(12):
        maren.keyboard.press("Tab")
        width = maren.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert width == "3px"


def test_period_of_the_trend_changes_and_keeps_its_place(maren: Page):
    maren.get_by_role("navigation", name="Period").get_by_role("link", name="90 days").click()

    expect(maren.get_by_role("heading", name="Score over 90 days")).to_be_in_viewport()


def test_menu_opens_and_closes_on_a_narrow_screen(browser: Browser, site: str, states: dict):
    context = browser.new_context(
        base_url=site, storage_state=states[MAREN], viewport={"width": 360, "height": 700}
    )
    page = context.new_page()
    page.goto(OVERVIEW)
    menu = page.get_by_role("navigation", name="Main")

    expect(menu).not_to_be_visible()
    page.get_by_role("button", name="Open menu").click()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).not_to_be_visible()
    context.close()


def test_german_speaker_views_the_score_for_one_visit(browser: Browser, site: str):
    page = signed_in(browser, site, GRETA)
    page.goto("/o/lindqvist-medical/")

    page.get_by_role("button", name="View in English").click()

    expect(page.get_by_role("heading", name="Customer Success Score")).to_be_visible()
    page.context.close()


def test_premier_contact_requests_a_success_review(browser: Browser, site: str):
    page = signed_in(browser, site, PETRA)
    expect(page.get_by_role("heading", name="My Success Plan")).to_be_visible()

    page.get_by_role("button", name="Request a success review").click()

    expect(page.get_by_role("status")).to_contain_text("Your request is on its way.")
    expect(page.get_by_text("Petra Vogel asked for one on")).to_be_visible()
    assert problems(page) == []
    page.context.close()


# ---------- light and dark ----------


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_theme_is_switched_and_stays(browser: Browser, site: str, states: dict, script: bool):
    context = browser.new_context(
        base_url=site, storage_state=states[MAREN], color_scheme="light", java_script_enabled=script
    )
    page = context.new_page()
    page.goto(OVERVIEW)

    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(ADOPTION)

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    context.close()


# ---------- paper ----------


def test_paper_is_light_and_without_buttons(maren: Page):
    maren.goto(GROWTH)
    maren.emulate_media(media="print", color_scheme="dark")

    expect(maren.get_by_role("navigation", name="Main")).not_to_be_visible()
    expect(maren.get_by_role("button").first).not_to_be_visible()
    expect(maren.get_by_role("heading", level=1)).to_be_visible()
    assert maren.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_page_can_be_printed(maren: Page):
    assert maren.pdf(format="A4").startswith(b"%PDF")


# ---------- coming and going ----------


def test_wrong_password_is_said_at_its_field(browser: Browser, site: str):
    context = browser.new_context(base_url=site)
    page, ear = opened(context)
    page.goto("/sign-in/")

    page.get_by_label("Work email").fill("nobody@aldermoor.example")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.get_by_label("Password", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Email or password is not right.")).to_be_visible()
    assert problems(page) == []
    assert ear.said == []
    context.close()


def test_sign_out_leaves_nothing_behind_the_back_button(browser: Browser, site: str):
    page = signed_in(browser, site, MAREN)
    page.goto(OVERVIEW)

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.context.close()


def test_csm_finds_one_of_many_and_sees_what_the_customer_sees(browser: Browser, site: str):
    page = signed_in(browser, site, INES)

    page.get_by_label("Name or org ID").fill("harrow")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Harrow & Pike Haulage").click()
    expect(page.get_by_role("heading", name="Customer Success Score")).to_be_visible()
    page.get_by_role("button", name="See what the customer sees").click()
    expect(page.get_by_text("You see this as a contact of Harrow & Pike Haulage would")).to_be_visible()
    expect(page.get_by_role("heading", name="Your plan shares the score in a success review")).to_be_visible()
    page.get_by_role("button", name="Stop").click()

    expect(page.get_by_role("heading", name="Customer Success Score")).to_be_visible()
    page.context.close()


def test_foreign_organization_and_no_organization_look_the_same(maren: Page):
    maren.goto("/o/lindqvist-medical/")
    foreign = maren.locator("main").inner_text()
    maren.goto("/o/nowhere-at-all/")

    assert maren.locator("main").inner_text() == foreign


def test_ear_hears(browser: Browser):
    """The fixture that everything above leans on."""
    context = browser.new_context()
    page, ear = opened(context)

    page.evaluate("console.log('heard')")
    context.close()

    assert isinstance(ear, Ear)
    assert ear.said == ["heard"]
    assert PASSWORD
