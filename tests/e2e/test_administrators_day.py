"""An administrator's first hour with a new customer, in a real browser: until a contact is in."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import ADMIN, Ear, invitation_to, signed_in, with_authenticator

pytestmark = pytest.mark.slow

PASSWORD = "a lighthouse in the fog"
NELL = "nell.ford@tideway.example"


def test_administrator_gets_a_new_customer_in_and_reads_all_of_it_in_the_log(
    browser: Browser, site: str, mail_folder: Path
):
    today = datetime.now(UTC).date()
    ada, ear = signed_in(browser, site, ADMIN), Ear()
    ear.listen(ada)

    ada.get_by_role("link", name="Organizations").first.click()
    ada.get_by_role("link", name="Add org").click()
    ada.get_by_label("Name", exact=True).fill("Tideway Foods")
    ada.get_by_label("External ID", exact=True).fill("T-1")
    ada.get_by_label("Sales", exact=True).check()
    ada.get_by_role("button", name="Add org").click()
    ada.get_by_role("link", name="Add a plan").click()
    ada.get_by_label("Plan", exact=True).select_option("signature")
    ada.get_by_label("From", exact=True).fill(f"{today:%Y-%m-%d}")
    ada.get_by_role("button", name="Save").click()
    hand_over(ada, "Inês Duarte", f"{today:%Y-%m-%d}")
    ada.get_by_role("link", name="Contacts").last.click()
    ada.get_by_role("link", name="Invite a contact").first.click()
    ada.get_by_label("Work email").fill(NELL)
    ada.get_by_role("radio", name="Designated contact").check()
    ada.get_by_role("button", name="Send invitation").click()

    nell = browser.new_context(base_url=site).new_page()
    ear.listen(nell)
    with_authenticator(nell)
    nell.goto(invitation_to(NELL, mail_folder))
    nell.get_by_label("Your name").fill("Nell Ford")
    nell.get_by_label("Password", exact=True).fill(PASSWORD)
    nell.get_by_label("Password, again").fill(PASSWORD)
    nell.get_by_role("button", name="Accept and sign in").click()
    expect(nell.get_by_role("heading", level=1)).to_contain_text("Your first score is due on")
    nell.goto("/me/factors/passkey/")
    nell.get_by_label("What to call it").fill("Work laptop")
    nell.get_by_role("button", name="Add a passkey").click()
    nell.get_by_role("button", name="Make recovery codes").click()
    nell.get_by_role("link", name="I have kept them").click()
    nell.goto("/sign-out/")
    nell.get_by_role("button", name="Sign out").click()
    nell.goto("/sign-in/")
    nell.get_by_role("button", name="Sign in with a passkey").click()
    expect(nell).to_have_url(re.compile("/o/tideway-foods/"))
    nell.goto("/o/tideway-foods/plan/")
    expect(nell.get_by_text("Inês Duarte")).to_be_visible()

    ada.goto("/manage/organizations/tideway-foods/")
    hand_over(ada, "Rafael Stein", f"{today + timedelta(days=7):%Y-%m-%d}")
    ada.goto("/o/tideway-foods/activity/")
    log = ada.get_by_role("region", name="Log, table")
    for said in (
        "Created Tideway Foods",
        "Plan: Signature from",
        "Made Inês Duarte customer success manager from",
        f"Invited {NELL} as Designated contact",
        "Accepted the invitation as Designated contact",
        "Ended the access of Inês Duarte as customer success manager from",
        "Made Rafael Stein customer success manager from",
    ):
        expect(log).to_contain_text(said)
    ada.get_by_role("link", name="Audit log of all orgs").click()
    ada.get_by_label("Person").fill("Nell Ford")
    ada.get_by_role("button", name="Filter").click()
    expect(ada.get_by_role("region", name="Log, table")).to_contain_text("Second factor added")
    assert ear.said == []
    assert ear.asked == {site.removeprefix("http://")}
    ada.context.close()
    nell.context.close()


def hand_over(page: Page, name: str, day: str) -> None:
    """The organization on this page gets that success manager from that day on."""
    page.get_by_role("link", name="Hand over Customer success manager").click()
    person = page.get_by_label("To", exact=True).locator("option", has_text=name).get_attribute("value")
    page.get_by_label("To", exact=True).select_option(person)
    page.get_by_label("From", exact=True).fill(day)
    page.get_by_role("button", name="Hand over").click()
