"""A contact adds a passkey in a real browser and signs in with it; an app too, by a code of ours."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import IDRIS, MAREN, PASSWORD, Ear, signed_in, with_authenticator
from tests.portal.signing import code_of

pytestmark = pytest.mark.slow


def test_contact_signs_in_with_the_passkey_they_have_added(browser: Browser, site: str):
    page, ear = signed_in(browser, site, MAREN), Ear()
    ear.listen(page)
    with_authenticator(page)
    page.goto("/me/")
    page.get_by_role("link", name="Add a second factor").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("What to call it").fill("Work laptop")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("button", name="Make recovery codes").click()
    expect(page.get_by_role("listitem")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("Work laptop", exact=True)).to_be_visible()

    page.goto("/sign-out/")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/orgs/")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/orgs/"))
    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page).to_have_url(f"{site}/orgs/")
    assert ear.said == []
    assert ear.asked == {site.removeprefix("http://")}

    # With the password, the same passkey is the second factor; then it is taken away again.
    page.goto("/sign-out/")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/sign-in/")
    page.get_by_label("Work email").fill(MAREN)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Customer Success Score")
    page.goto("/me/factors/")
    page.get_by_role("link", name="Remove Work laptop").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("Work laptop removed")).to_be_visible()
    page.context.close()


def test_passkey_that_is_not_there_is_told_on_the_page(browser: Browser, site: str):
    page = browser.new_context(base_url=site).new_page()
    with_authenticator(page)
    page.goto("/sign-in/")

    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page.get_by_text("this device has no passkey for this site")).to_be_visible()
    page.context.close()


def test_without_script_the_password_is_the_way_in(browser: Browser, site: str):
    page = browser.new_context(base_url=site, java_script_enabled=False).new_page()
    page.goto("/sign-in/")

    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    page.context.close()


def test_contact_adds_an_app_and_signs_in_with_its_code(browser: Browser, site: str):
    page = signed_in(browser, site, IDRIS)
    page.goto("/me/factors/app/")
    secret = page.locator(".secret").inner_text()
    page.get_by_label("The code it shows now").fill(code_of(secret))
    page.get_by_role("button", name="Add the app").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()

    page.goto("/sign-out/")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/sign-in/")
    page.get_by_label("Work email").fill(IDRIS)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto("/orgs/")
    expect(page).to_have_url(f"{site}/sign-in/factor/")
    page.get_by_label("Code").fill(code_of(secret, steps=1))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).not_to_have_url(re.compile("/sign-in/"))

    page.goto("/me/factors/")
    page.get_by_role("link", name="Remove Authenticator app").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("Authenticator app removed")).to_be_visible()
    page.context.close()
