"""An administrator runs an organization in a real browser: made, on a plan, handed over, in the log."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import ADMIN, Ear, signed_in, violations

pytestmark = pytest.mark.slow

LIST = "/manage/organizations/"


@pytest.fixture
def ada(browser: Browser, site: str):
    page = signed_in(browser, site, ADMIN)
    yield page
    page.context.close()


def sound(page: Page) -> None:
    found = violations(page)
    assert [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found] == []


def test_administrator_creates_puts_on_a_plan_hands_over_and_reads_the_log(ada: Page):
    ear = Ear()
    ear.listen(ada)
    today = datetime.now(UTC).date()

    ada.goto("/orgs/")
    ada.goto(LIST)
    sound(ada)
    ada.get_by_role("link", name="Add org").click()
    ada.get_by_label("Name", exact=True).fill("Quayside Foods")
    ada.get_by_label("External ID", exact=True).fill("=Q-1")
    ada.get_by_label("Sales", exact=True).check()
    sound(ada)
    ada.get_by_role("button", name="Add org").click()
    expect(ada.get_by_role("heading", level=1)).to_have_text("Quayside Foods")
    expect(ada).to_have_url(f"{ada.url.partition('/manage')[0]}{LIST}quayside-foods/")

    ada.get_by_role("link", name="Add a plan").click()
    ada.get_by_label("Plan", exact=True).select_option("signature")
    ada.get_by_label("From", exact=True).fill(f"{today:%Y-%m-%d}")
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_role("region", name="Plans, table")).to_contain_text("In force")
    sound(ada)

    for name, day in (("Inês Duarte", today), ("Rafael Stein", today + timedelta(days=7))):
        ada.get_by_role("link", name="Hand over Customer success manager").click()
        person = ada.get_by_label("To", exact=True).locator("option", has_text=name).get_attribute("value")
        ada.get_by_label("To", exact=True).select_option(person)
        ada.get_by_label("From", exact=True).fill(f"{day:%Y-%m-%d}")
        sound(ada)
        ada.get_by_role("button", name="Hand over").click()
    looks_after = ada.get_by_label("Who looks after it")
    expect(looks_after).to_contain_text("Inês Duarte until")
    expect(looks_after).to_contain_text("Rafael Stein from")

    ada.goto(f"{LIST}?q=quayside")
    row = ada.get_by_role("row", name="Quayside Foods")
    expect(row).to_contain_text("Inês Duarte")
    expect(row).to_contain_text("Rafael Stein from")

    ada.goto("/o/quayside-foods/activity/")
    log = ada.get_by_role("region", name="Log, table")
    expect(log).to_contain_text("Created Quayside Foods")
    expect(log).to_contain_text("Plan: Signature")
    expect(log).to_contain_text("Made Rafael Stein customer success manager from")
    expect(log).to_contain_text("Ended the access of Inês Duarte as customer success manager from")
    assert ear.said == []


def test_administrator_tries_many_at_once_and_a_file_before_it_counts(ada: Page):
    ear = Ear()
    ear.listen(ada)

    ada.goto(f"{LIST}?q=aldermoor")
    for name in ("Tick Aldermoor Iberia", "Tick Aldermoor Cold Chain"):
        ada.get_by_label(name).check()
    ada.get_by_label("With those ticked").select_option("end")
    ada.get_by_role("button", name="Go on").click()
    ada.get_by_label("Ends on", exact=True).fill("2031-01-01")
    sound(ada)
    ada.get_by_role("button", name="See what would happen").click()
    expect(ada.get_by_role("heading", name="2 would change")).to_be_visible()
    sound(ada)

    ada.goto(f"{LIST}import/")
    file = {
        "name": "customers.csv",
        "mimeType": "text/csv",
        "buffer": b"external_id,name\nQ-8,Pier\nQ-9,\n",
    }
    ada.get_by_label("File", exact=True).set_input_files(files=[file])
    sound(ada)
    ada.get_by_role("button", name="Try the file").click()
    expect(ada.get_by_role("region", name="Refused lines, table")).to_contain_text(
        "a new organization needs one"
    )
    sound(ada)
    ada.get_by_role("button", name="Take in 1 org").click()
    expect(ada.get_by_text("Taken in")).to_be_visible()
    assert ear.said == []
