"""A contact connects the company's sign-in on the page, tests it, signs out, and comes back in by it."""

import oidc_provider_mock
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import opened, signed_in
from tests.e2e.test_journeys import problems

pytestmark = pytest.mark.slow

THERE = "/o/quillmere-press/connection/"


def at_the_provider(page: Page, subject: str) -> None:
    """The provider's own page: who signs in there."""
    page.locator('input[name="sub"]').fill(subject)
    page.get_by_role("button", name="Authorize").first.click()


def test_contact_connects_the_company_and_comes_back_in_by_it(browser: Browser, site: str):
    provider = oidc_provider_mock.run_server_in_thread(
        user_claims=[oidc_provider_mock.User(sub="sam", claims={"email": "states@cairn.example"})]
    )
    with provider as server:
        page = signed_in(browser, site, "states@cairn.example")
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(THERE)
        page.get_by_role("button", name="OpenID Connect").click()
        expect(page.get_by_text("/callback/")).to_be_visible()

        page.get_by_label("Name", exact=True).fill("Quillmere login")
        page.get_by_label("Issuer").fill(f"http://localhost:{server.server_port}")
        page.get_by_label("Client ID").fill("cairn")
        page.get_by_label("Client secret").fill("a secret")
        page.get_by_role("button", name="Keep").click()
        expect(page.get_by_role("status")).to_contain_text("Kept.")
        page.get_by_role("button", name="Check the connection").click()
        expect(page.get_by_text("Nothing stands against a test.")).to_be_visible()
        assert problems(page) == []

        page.get_by_role("button", name="Test: sign in once").click()
        at_the_provider(page, "sam")
        expect(page.get_by_role("heading", name="Quillmere login")).to_be_visible()
        page.get_by_role("link", name="Switch on").click()
        assert problems(page) == []
        page.get_by_role("button", name="Switch on").click()
        expect(page.get_by_role("status")).to_contain_text("The connection is on.")
        page.get_by_role("link", name="Quillmere login").click()
        address = page.get_by_text("/sso/").first.inner_text()
        assert problems(page) == []

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto(address)
        assert problems(page) == []
        page.get_by_role("button", name="Go on to Quillmere login").click()
        at_the_provider(page, "sam")

        # One organization and no other, though Sam has many with a password.
        expect(page).to_have_url(f"{site}/o/quillmere-press/")
        assert [line for line in said if "Content Security Policy" in line] == []
        page.context.close()


def test_browser_without_script_goes_on_by_itself(browser: Browser, site: str):
    context = browser.new_context(base_url=site, java_script_enabled=False)
    page, ear = opened(context)

    page.goto("/sign-in/")
    page.get_by_role("link", name="Sign in with your company").click()
    page.get_by_label("Work email").fill("nobody@nowhere.example")
    page.get_by_role("button", name="Send the link").click()

    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    assert ear.said == []
    context.close()
