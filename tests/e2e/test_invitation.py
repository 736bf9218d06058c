"""A contact invites somebody, who reads the mail, accepts and sees the score: in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import MAREN, invitation_to, opened, signed_in

pytestmark = pytest.mark.slow

PASSWORD = "a lighthouse in the fog"


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_contact_invites_a_viewer_who_accepts_and_sees_the_score(
    browser: Browser, site: str, mail_folder: Path, script: bool
):
    address = f"nora.{'with' if script else 'without'}@aldermoor.example"
    page = signed_in(browser, site, MAREN, java_script_enabled=script)
    page.get_by_role("link", name="Contacts").first.click()
    page.get_by_role("link", name="Invite a contact").click()
    page.get_by_label("Work email").fill(address)
    page.get_by_role("radio", name="Viewer").check()
    page.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_role("row", name=address)).to_contain_text("Invited, ends")

    link = invitation_to(address, mail_folder)
    context = browser.new_context(java_script_enabled=script)
    guest, ear = opened(context)
    guest.goto(link)
    expect(guest.get_by_role("heading", name="You are invited to Aldermoor Logistics")).to_be_visible()
    guest.get_by_label("Your name").fill("Nora Blix")
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_label("Password, again").fill(PASSWORD)
    guest.get_by_role("button", name="Accept and sign in").click()

    expect(guest).to_have_url(f"{site}/o/aldermoor-logistics/")
    expect(guest.locator("#c-product-adoption")).to_be_visible()
    assert ear.said == []
    page.reload()
    expect(page.get_by_role("row", name=address)).to_contain_text("Active")
    guest.goto(link)
    expect(guest.get_by_text("This invitation was accepted already")).to_be_visible()
    page.context.close()
    context.close()
