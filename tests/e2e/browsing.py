"""What every journey does: sign in, and listen for messages on the console and for foreign hosts."""

import email
import email.policy
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal import demo

PASSWORD = demo.SIGN_INS[0][2]
MAREN = "maren.holt@aldermoor.example"
SAM = "states@cairn.example"
ADMIN = "admin@cairn.example"
PETRA = "petra.vogel@harrowpike.example"  # on Premier
GRETA = "greta.lind@lindqvist.example"  # reads German
IDRIS = "idris.bello@aldermoor.example"
NOOR = "noor.haddad@brightpath.example"  # a partner
AUDITOR = "auditor@cairn.example"
INES = next(email for who, email, _, _ in demo.SIGN_INS if who.startswith("Inês"))


@dataclass
class Ear:
    """Listens to a page: what its console says, and which hosts it asks."""

    said: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def listen(self, page: Page) -> None:
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.add(urlsplit(request.url).netloc))


def signed_in(browser: Browser, site: str, email: str, **options) -> Page:
    """A page of someone who has just signed in."""
    page = browser.new_context(base_url=site, **options).new_page()
    page.goto("/sign-in/")
    page.get_by_label("Work email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).not_to_have_url(f"{site}/sign-in/")
    return page


def state_of(browser: Browser, site: str, email: str) -> dict:
    """The cookies of a session, so that other contexts need no sign-in of their own."""
    page = signed_in(browser, site, email)
    state = page.context.storage_state()
    page.context.close()
    return state


def opened(context: BrowserContext) -> tuple[Page, Ear]:
    """A new page and someone who listens to it."""
    page, ear = context.new_page(), Ear()
    ear.listen(page)
    return page, ear


def with_authenticator(page: Page) -> None:
    """The device of this page has a key store that knows its person: Chromium's own, made of software."""
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def invitation_to(address: str, folder: Path) -> str:
    """The link of the newest invitation that was sent to this address, as the mail folder holds it."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for path in sorted(folder.glob("*.log"), reverse=True):
            letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if letter["to"] == address and (
                found := re.search(r"http\S+/invitation/\S+", letter.get_content())
            ):
                return found[0]
        time.sleep(0.2)
    raise AssertionError(f"No invitation was mailed to {address}.")


AXE = Axe()
# A color on its way to another one has any contrast.
STANDS = """() => Promise.all(document.getAnimations()
    .filter(each => each.effect.getComputedTiming().endTime !== Infinity)
    .map(each => each.finished.catch(() => null)))"""


def violations(page: Page) -> list[dict]:
    """What axe finds on the page, once everything on it stands still."""
    page.evaluate(STANDS)
    return AXE.run(page).response["violations"]
