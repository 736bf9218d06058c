"""Every address of the site and everyone who may knock; a URL that is missing from the table fails here."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from accounts.invitations import digest
from accounts.models import (
    Connection,
    Invitation,
    Membership,
    Note,
    Organization,
    Plan,
    PlanInterval,
    ReviewRequest,
    Role,
    User,
)
from scoring import pack, run
from tests.cast import Cast
from tests.crawling import undone
from tests.factories import (
    as_if_earlier,
    make_measured,
    make_membership,
    make_plan,
    make_user,
    publish_small_card,
)
from tests.portal.advised import advise

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)  # readyz asks whether the night is fresh

# Nobody; Orchard's contact, training administrator, viewer, partner and former contact; Harbor's contact;
# Meadow's, which is on Premier; Orchard's CSM, Harbor's CSM, the lead of Orchard's CSM, Orchard's guide;
# administrator and auditor.
SIGNED_IN = (
    "dana",
    "tara",
    "vera",
    "pat",
    "frank",
    "hal",
    "pia",
    "casey",
    "cole",
    "lena",
    "gus",
    "ada",
    "otto",
)
EVERYONE = ("visitor", *SIGNED_IN)
CUSTOMERS = ("dana", "tara", "vera", "pat")
MAY_NOT_MANAGE = ("tara", "vera", "pat", "casey", "lena", "gus", "otto")
STRANGERS = ("frank", "hal", "pia", "cole")
STAFF = ("casey", "lena", "gus", "ada")
PLANNERS = ("dana", "casey", "lena")
TAILORING = ("casey", "lena", "gus")
MARKING = ("dana", "tara", "casey", "lena", "gus")
SIGN_IN = "/sign-in/"

# Mia, a viewer of Orchard, by the public id of her membership; and an invitation to Orchard with its token.
MIA = "3f0c0d5e-8a52-4c57-9d0b-5a4b7d1f0001"
INVITED = "3f0c0d5e-8a52-4c57-9d0b-5a4b7d1f0002"
WRITTEN = "3f0c0d5e-8a52-4c57-9d0b-5a4b7d1f0003"  # a note of Orchard's
DRAWN_UP = "3f0c0d5e-8a52-4c57-9d0b-5a4b7d1f0005"  # a saved plan of Orchard's, shared with ours
ADVISED = "3f0c0d5e-8a52-4c57-9d0b-5a4b7d1f0004"  # a recommendation of Orchard's
TRENDS = "/o/orchard/trends/"
TOKEN = "a-token-that-is-known-to-this-table"


@dataclass(frozen=True)
class Door:
    """One address and what each of EVERYONE gets there: a status, or the address they are sent to."""

    name: str
    expected: dict[str, int | str]
    arguments: tuple[str, ...] = ()
    takes_posts: bool = False
    depends: bool = False  # on plan, product and language
    only_posts: bool = False  # to GET everyone gets 405, to POST what is expected
    takes_patches: bool = False
    comes_from_elsewhere: bool = False  # a provider's own page posts it: it does nothing by itself

    def at(self, *arguments: str, **changes: int | str) -> "Door":
        """The same behind an address with these arguments, and with what some get there changed."""
        return replace(self, arguments=arguments, expected=self.expected | changes)

    @property
    def address(self) -> str:
        return reverse(self.name, args=self.arguments)


def of_orchard(name: str, *arguments: str, **changes: int | str) -> Door:
    """A score page of Orchard: for its own people and ours; a stranger does not even learn that it exists."""
    found = {
        "visitor": SIGN_IN,
        **dict.fromkeys(CUSTOMERS + STAFF, 200),
        **dict.fromkeys(STRANGERS, 404),
        "otto": 403,
    }
    return Door(name, found | changes, ("orchard", *arguments), depends=True)


def known_of_orchard(name: str) -> Door:
    """A page for whoever may know of Orchard, whatever its plan."""
    return replace(of_orchard(name, otto=200), depends=False)


def for_these(name: str, who: tuple[str, ...], what: int | str, *, depends: bool) -> Door:
    """A button of Orchard, for some of those who may know of it."""
    refused = dict.fromkeys((*CUSTOMERS, *STAFF, "otto"), 403)
    door = of_orchard(name, **(refused | dict.fromkeys(who, what)))
    return replace(door, takes_posts=True, only_posts=True, depends=depends)


def marking(
    name: str, what: int | str, *arguments: str, who: tuple[str, ...] = (), **more: int | str
) -> Door:
    """What is set on recommendations of Orchard: by those who work on them, while the score is open."""
    door = for_these(name, who or MARKING, what, depends=True)
    return door.at("orchard", *arguments, **more)


def log_of_orchard(name: str) -> Door:
    """Who looked at Orchard: whatever the plan, for its contact, CSM, administrator and auditor; the own
    actions for its training administrator."""
    refused = dict.fromkeys(("vera", "pat", "gus"), 403)
    return replace(of_orchard(name, otto=200, **refused), depends=False)


def notes_of_orchard(name: str, *arguments: str, **kinds: bool) -> Door:
    """What is written beside the score of Orchard: for its contact and training administrator."""
    found = dict.fromkeys(("vera", "pat", *STAFF), 403)
    if name == "trends-note":
        found |= {"dana": 200, "tara": 200}
    elif name == "trends-notes":
        found |= {"dana": 422, "tara": 422}  # nothing was typed
    else:
        found |= {"dana": f"{TRENDS}#happened", "tara": 404}  # who comes first deletes it
    return replace(of_orchard(name, *arguments, **found), takes_posts=True, depends=False, **kinds)


def contacts_of_orchard(name: str, *arguments: str, who: tuple[str, ...], **more: Any) -> Door:
    """What is done about contacts, whatever the plan: for whoever may see or manage them."""
    found = dict.fromkeys((*CUSTOMERS, *STAFF, "otto"), 403) | dict.fromkeys(who, more.pop("what", 200))
    return replace(of_orchard(name, *arguments, **found), depends=False, **more)


def impersonating_orchard(name: str) -> Door:
    """For administrators alone, of an organization."""
    refused = dict.fromkeys(("dana", "tara", "vera", "pat", "casey", "lena", "gus", "otto"), 403)
    return replace(of_orchard(name, **refused), depends=False, takes_posts=True)


def for_admins(
    name: str, *arguments: str, others: int = 403, takes_posts: bool = False, **more: int | str
) -> Door:
    found = dict.fromkeys(EVERYONE, others) | {"visitor": SIGN_IN, "ada": 200}
    return Door(name, found | more, arguments, takes_posts)


def button_for_admins(name: str) -> Door:
    """A button about somebody or something that is not there."""
    return replace(for_admins(name, "404", ada=404, takes_posts=True), only_posts=True)


def for_staff(name: str, *, takes_posts: bool = False, **more: int | str) -> Door:
    """A page for whoever works for the vendor."""
    works = dict.fromkeys(("casey", "cole", "lena", "gus", "ada", "otto"), 200)
    found = dict.fromkeys(EVERYONE, 403) | {"visitor": SIGN_IN} | works
    return Door(name, found | more, takes_posts=takes_posts)


def of_orchards_administrator(name: str, *, only_posts: str = "") -> Door:
    """A page on which Orchard is run: whoever else may know of it is refused, a stranger finds nothing."""
    refused = dict.fromkeys((*CUSTOMERS, *STAFF, "otto"), 403)
    door = of_orchard(name, **(refused | {"ada": only_posts or 200}))
    return replace(door, takes_posts=True, only_posts=bool(only_posts), depends=False)


def for_all(name: str, *arguments: str, takes_posts: bool = False) -> Door:
    return Door(name, dict.fromkeys(EVERYONE, 200), arguments, takes_posts)


def once_signed_in(name: str, what: int | str = 200, *, takes_posts: bool = True) -> Door:
    return Door(name, dict.fromkeys(EVERYONE, what) | {"visitor": SIGN_IN}, takes_posts=takes_posts)


def until_signed_in(name: str) -> Door:
    return Door(name, dict.fromkeys(EVERYONE, "/") | {"visitor": 200}, takes_posts=True)


RECORDS = ("scorecardversion", "scoringrun", "quarantine")
PLAN_PAGE = "/o/orchard/plan/"
CONTACTS = "/o/orchard/contacts/"
MANAGERS = ("dana", "ada")  # of the contacts of Orchard
FACTORS = "/me/factors/"
PLAY = "platform-book-coaching"
NOBODY = "999999"  # the number of no person and of no factor
NO_PLACE = "00000000-0000-4000-8000-000000000000"
NUMBER = "6f0c6c1e-8a52-4b36-9f5e-0d7f6b1c2a34"  # of Orchard's connection, which is on
OTHER_NUMBER = "0b9d3a77-1c55-4f0e-8a66-5b1f0c9e7d21"  # of another one of Orchard's, a SAML provider
AGAIN = "/sign-in/again/"  # nobody here has just shown who they are


def connection_of_orchard(name: str, *arguments: str, found: int | str = AGAIN, **kinds: bool) -> Door:
    """How Orchard's people sign in: for its contact and administrators, whatever the plan."""
    refused = dict.fromkeys(("tara", "vera", "pat", "casey", "lena", "gus", "otto"), 403)
    door = of_orchard(name, *arguments, **refused, dana=found, ada=found)
    return replace(door, depends=False, **kinds)


def of_the_company(
    name: str, visitor: int | str, others: int | str, number: str = NUMBER, **kinds: bool
) -> Door:
    """A page of the sign-in through a company."""
    return Door(name, dict.fromkeys(EVERYONE, others) | {"visitor": visitor}, (number,), **kinds)


DOORS = [
    Door(
        "home",
        dict.fromkeys(EVERYONE, "/orgs/")
        | {"visitor": SIGN_IN, **dict.fromkeys(CUSTOMERS, "/o/orchard/")}
        | dict.fromkeys(("casey", "cole", "lena", "gus"), "/portfolio/")
        | {"hal": "/o/harbor/", "pia": "/o/meadow/plan/"},
    ),
    once_signed_in("organizations", takes_posts=False),
    once_signed_in("how-scoring-works", takes_posts=False),
    for_all("privacy"),
    for_all("accessibility"),
    of_orchard("dashboard"),
    of_orchard("category", "product-adoption"),
    of_orchard("subcategory", "product-adoption", "breadth"),
    of_orchard("receipt"),
    of_orchard("receipt-document"),
    of_orchard("signal", "sales.license_activation"),
    of_orchard("trends"),
    of_orchard("trends-figure"),
    of_orchard("trends-file"),
    of_orchard("trends-measured", "sales.work_order_growth"),
    of_orchard("trends-compare"),
    notes_of_orchard("trends-notes", only_posts=True),
    notes_of_orchard("trends-note", WRITTEN),
    notes_of_orchard("trends-note-delete", WRITTEN, only_posts=True),
    of_orchard("peers"),
    for_these("peers-contribute", ("dana",), "/o/orchard/peers/", depends=False),
    of_orchard("targets"),
    for_these("target-set", ("dana",), 422, depends=True),
    for_these("matters-less", ("dana",), 422, depends=True),
    for_these("target-end", ("dana",), 404, depends=True).at("orchard", NO_PLACE),
    for_these("matters-again", ("dana",), 404, depends=True).at("orchard", NO_PLACE),
    of_orchard("planner"),
    for_these("roadmap-save", PLANNERS, 422, depends=True),
    of_orchard("roadmap", DRAWN_UP),
    of_orchard("roadmap-csv", DRAWN_UP),
    of_orchard("roadmap-ics", DRAWN_UP),
    for_these("roadmap-share", PLANNERS, f"/o/orchard/planner/{DRAWN_UP}/", depends=True).at(
        "orchard", DRAWN_UP
    ),
    for_these("roadmap-end", PLANNERS, "/o/orchard/planner/", depends=True).at("orchard", DRAWN_UP),
    for_these("roadmap-item", PLANNERS, 404, depends=True).at("orchard", DRAWN_UP, "1"),
    of_orchard("actions"),
    of_orchard("action", ADVISED),
    marking("actions-move", "/o/orchard/actions/"),
    marking("action-move", 422, ADVISED),
    marking("action-favorite", f"/o/orchard/actions/{ADVISED}/", ADVISED, who=(*CUSTOMERS, *STAFF)),
    marking("action-note", 422, ADVISED),
    replace(
        of_orchard("action-add", **dict.fromkeys((*CUSTOMERS, "ada"), 403)), takes_posts=True, depends=False
    ),
    marking("action-tailor", f"/o/orchard/actions/{ADVISED}/", ADVISED, who=TAILORING),
    marking("action-reword", 422, ADVISED, who=TAILORING),
    marking("action-coaching", f"/o/orchard/actions/{ADVISED}/", ADVISED, who=("dana", "tara")),
    marking("action-coaching-answer", f"/o/orchard/actions/{ADVISED}/", ADVISED, who=TAILORING),
    marking("action-arrange", f"/o/orchard/actions/{ADVISED}/", ADVISED),
    of_orchard("moved"),
    of_orchard("sources"),
    replace(of_orchard("feedback"), takes_posts=True),
    replace(
        for_these("feedback-answer", ("casey", "lena", "gus"), "/o/orchard/feedback/", depends=False),
        arguments=("orchard", NO_PLACE),
    ),
    contacts_of_orchard("contacts", who=("dana", "tara", *STAFF, "otto")),
    contacts_of_orchard("contacts-invite", who=MANAGERS, takes_posts=True),
    contacts_of_orchard("contacts-together", who=MANAGERS, what=422, takes_posts=True, only_posts=True),
    contacts_of_orchard("contact", MIA, who=MANAGERS),
    contacts_of_orchard("contact-role", MIA, who=MANAGERS, what=422, takes_posts=True, only_posts=True),
    contacts_of_orchard("contact-until", MIA, who=MANAGERS, what=422, takes_posts=True, only_posts=True),
    contacts_of_orchard("contact-transfer", MIA, who=MANAGERS, what=422, takes_posts=True, only_posts=True),
    contacts_of_orchard("contact-end", MIA, who=MANAGERS, takes_posts=True),
    contacts_of_orchard("contact-deactivate", MIA, who=("ada",), takes_posts=True),
    contacts_of_orchard("contact-reactivate", MIA, who=("ada",), what=422, takes_posts=True, only_posts=True),
    contacts_of_orchard(
        "invitation-resend", INVITED, who=MANAGERS, what=CONTACTS, takes_posts=True, only_posts=True
    ),
    contacts_of_orchard(
        # Who comes first withdraws it; the other is told, on the same page.
        "invitation-withdraw",
        INVITED,
        who=MANAGERS,
        what=CONTACTS,
        takes_posts=True,
        only_posts=True,
    ),
    # It is for nobody of these: the visitor is asked who they are, everybody else is somebody else.
    Door("invitation", dict.fromkeys(EVERYONE, 403) | {"visitor": 200}, (TOKEN,), takes_posts=True),
    for_admins("manage-contacts"),
    replace(for_admins("manage-contacts-together", takes_posts=True, ada=422), only_posts=True),
    log_of_orchard("activity"),
    log_of_orchard("activity_export"),
    for_admins("audit", casey=200, cole=200, lena=200, otto=200),
    for_admins("audit_export", casey=200, cole=200, lena=200, otto=200),
    for_staff("portfolio"),
    for_staff("next-actions"),
    for_staff("portfolio-export").at("csv"),
    of_orchard("exports"),
    of_orchard("export-now", "score", "csv"),
    replace(of_orchard("export-make", "report"), takes_posts=True, only_posts=True).at(
        "orchard", "report", **dict.fromkeys(CUSTOMERS + STAFF, "/o/orchard/exports/")
    ),
    # Of a file that nobody asked for; tests/portal/test_exports.py fetches real ones.
    replace(of_orchard("export-file", NO_PLACE, **dict.fromkeys(CUSTOMERS + STAFF, 404)), depends=False),
    replace(
        of_orchard("export-again", NO_PLACE, **dict.fromkeys(CUSTOMERS + STAFF, 404)),
        takes_posts=True,
        only_posts=True,
    ),
    for_staff("covers", gus=403, otto=403, takes_posts=True),
    replace(once_signed_in("end-cover", 404), arguments=("404",), only_posts=True),
    for_admins("staff"),
    for_admins("staff-add", takes_posts=True),
    for_admins("staff-deactivate", ada="/manage/staff/", takes_posts=True),
    for_admins("staff-person", "404", ada=404, takes_posts=True),
    for_admins("teams", takes_posts=True),
    for_admins("team", "404", ada=404, takes_posts=True),
    for_admins("team-delete", "404", ada=404, takes_posts=True),
    # The plays: read by whoever looks after customers, edited by leads and administrators.
    for_staff("playbook", otto=403),
    replace(for_staff("playbook-play", otto=403, takes_posts=True), arguments=(PLAY,)),
    replace(
        for_staff("playbook-stand", otto=403, casey=403, cole=403, gus=403, lena=422, ada=422),
        arguments=(PLAY,),
        takes_posts=True,
        only_posts=True,
    ),
    button_for_admins("team-people"),
    button_for_admins("staff-mail"),
    button_for_admins("staff-reactivate"),
    for_these("see-as-customer", ("casey", "lena", "gus"), "/o/orchard/", depends=False),
    replace(once_signed_in("stop-seeing", "/"), only_posts=True),
    connection_of_orchard("connection", found=200, takes_posts=True),
    connection_of_orchard("connection-detail", NUMBER, found=200, takes_posts=True),
    connection_of_orchard("connection-step", NUMBER, "off", takes_posts=True),
    connection_of_orchard("connection-check", NUMBER, takes_posts=True, only_posts=True),
    connection_of_orchard("connection-test", NUMBER, takes_posts=True, only_posts=True),
    connection_of_orchard("connection-certificate", NUMBER, "1", takes_posts=True, only_posts=True),
    known_of_orchard("plan"),
    known_of_orchard("conditions"),
    for_these("request-review", (), "", depends=True),  # not on Signature, by default
    for_these("answer-review", ("casey", "lena", "gus"), PLAN_PAGE, depends=False),
    impersonating_orchard("impersonate"),
    replace(once_signed_in("impersonation-end", "/"), only_posts=True),
    replace(
        of_orchard("organization-sign-in", **dict.fromkeys(MAY_NOT_MANAGE, 403)),
        takes_posts=True,
        depends=False,
    ),
    for_admins("factor-reset", takes_posts=True).at(NOBODY, ada=404),
    once_signed_in("me"),
    replace(once_signed_in("english", "/"), only_posts=True),
    replace(once_signed_in("end-session", "/me/").at(NO_PLACE), only_posts=True),
    once_signed_in("end-sessions"),
    once_signed_in("change-address"),
    once_signed_in("confirm-address").at("no-such-token"),
    once_signed_in("mfa_index", takes_posts=False),
    once_signed_in("mfa_activate_totp"),
    once_signed_in("mfa_add_webauthn"),
    once_signed_in("remove-factor", FACTORS).at(NOBODY),
    once_signed_in("recovery-codes", FACTORS),
    replace(once_signed_in("keep-factors", FACTORS), only_posts=True),
    once_signed_in("company-links", takes_posts=False),
    replace(
        of_the_company("company-link", SIGN_IN, 404, takes_posts=True, only_posts=True),
        expected=dict.fromkeys(EVERYONE, 404) | {"visitor": SIGN_IN} | dict.fromkeys(CUSTOMERS, AGAIN),
    ),
    of_the_company("company-unlink", SIGN_IN, 404, takes_posts=True, only_posts=True),
    of_the_company("sso-start", 200, "/", takes_posts=True),
    of_the_company("sso-callback", 403, 403),
    of_the_company("sso-acs", 303, 303, OTHER_NUMBER, only_posts=True, comes_from_elsewhere=True),
    of_the_company("sso-finish", 403, 403, OTHER_NUMBER),
    of_the_company("sso-metadata", 200, 200, OTHER_NUMBER),
    until_signed_in("sso-find"),
    for_all("sso-find-sent"),
    Door("theme", dict.fromkeys(EVERYONE, "/"), takes_posts=True, only_posts=True),
    for_admins("patterns", others=404),
    for_admins("mailbox"),
    for_admins("nights", takes_posts=True),
    for_admins("settings", takes_posts=True),
    for_admins("admin:index"),
    *(for_admins(f"admin:scoring_{name}_changelist") for name in RECORDS),
    *(
        replace(for_admins(f"admin:scoring_{name}_change", ada=404), arguments=("9999999",))
        for name in RECORDS
    ),
    Door("setup", dict.fromkeys(EVERYONE, 404), takes_posts=True),  # once there is an administrator
    for_admins("manage-organizations"),
    for_admins("manage-organizations-export"),
    for_admins("manage-organizations-import", takes_posts=True),
    replace(
        for_admins("manage-organizations-imported", takes_posts=True, ada=404),
        arguments=("00000000-0000-4000-8000-000000000000",),
    ),
    for_admins("manage-organizations-bulk", takes_posts=True, ada=422),  # nothing was ticked
    for_admins("manage-organization-new", takes_posts=True),
    of_orchards_administrator("manage-organization"),
    of_orchards_administrator("manage-organization-plan"),
    of_orchards_administrator(
        "manage-organization-plan-withdraw", only_posts="/manage/organizations/orchard/"
    ),
    of_orchards_administrator("manage-organization-people"),
    of_orchards_administrator("manage-organization-merge"),
    of_orchard("api-score", visitor=403),
    of_orchard("api-recommendations", visitor=403),
    replace(of_orchard("api-recommendation", ADVISED, visitor=403), takes_patches=True),
    marking("api-recommendation-move", 422, ADVISED, visitor=403),
    for_all("healthz"),
    for_all("readyz"),
    until_signed_in("account_login"),
    Door("account_logout", dict.fromkeys(EVERYONE, 200) | {"visitor": "/"}, takes_posts=True),
    until_signed_in("account_signup"),
    Door("mfa_authenticate", dict.fromkeys(EVERYONE, "/") | {"visitor": SIGN_IN}, takes_posts=True),
    Door("mfa_login_webauthn", dict.fromkeys(EVERYONE, "/") | {"visitor": SIGN_IN}, takes_posts=True),
    once_signed_in("mfa_reauthenticate", "/sign-in/again/"),
    once_signed_in("mfa_reauthenticate_webauthn", "/sign-in/again/"),
    for_all("account_inactive"),
    once_signed_in("account_reauthenticate"),
    for_all("account_email_verification_sent"),
    for_all("account_confirm_email", "no-such-key", takes_posts=True),
    once_signed_in("account_change_password"),
    once_signed_in("account_set_password", "/sign-in/password/"),
    for_all("account_reset_password", takes_posts=True),
    for_all("account_reset_password_done"),
    for_all("account_reset_password_from_key_done"),
    for_all("account_reset_password_from_key", "1", "no-such-key", takes_posts=True),
]
NOTES = (
    "trends-notes",
    "trends-note",
    "trends-note-delete",
)  # what they depend on: tests/portal/test_notes.py
OF_ONE_ORGANIZATION = [door for door in DOORS if door.arguments[:1] == ("orchard",)]
DEPENDING = [door for door in OF_ONE_ORGANIZATION if door.depends]
OF_THE_SCORE = [door for door in DEPENDING if not door.only_posts]


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """Everyone, and a published night of Orchard: made once, every test takes back what it did."""
    with django_db_blocker.unblock(), undone():
        cast = Cast()
        for who in SIGNED_IN:
            getattr(cast, who)
        furnish(cast.orchard)
        yield cast


def furnish(orchard: Organization) -> None:
    """What the addresses of the table name, and a score."""
    make_membership(make_user("mia@orchard.example"), orchard, Role.VIEWER, public_id=MIA)
    Invitation.objects.create(
        public_id=INVITED,
        organization=orchard,
        email="nora@orchard.example",
        role=Role.VIEWER,
        hat="admin",
        digest=digest(TOKEN),
        made_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=7),
    )
    Note.objects.create(
        public_id=WRITTEN, organization=orchard, day=YESTERDAY, text="Moved", written_at=timezone.now()
    )
    orchard.roadmaps.create(
        public_id=DRAWN_UP,
        scorecard="customer-success",
        name="80 by March",
        made_at=timezone.now(),
        start_on=YESTERDAY,
        start_points=7000,
        projected=8000,
        shared_at=timezone.now(),
    )
    advise(orchard, public_id=ADVISED, signal="reviews.recency", category="customer-expertise")
    Connection.objects.create(organization=orchard, public_id=NUMBER, kind="oidc", name="Orchard", state="on")
    Connection.objects.create(organization=orchard, public_id=OTHER_NUMBER, kind="saml", name="Orchard")
    version = publish_small_card()
    make_measured(orchard, YESTERDAY)
    pack.pack_due()
    opened = run.open_run(version, YESTERDAY)
    run.work(opened)
    assert run.publish_run(opened)


@pytest.fixture
def cast(stage: Cast, db: None) -> Cast:
    """Those on the stage, as they are in the database: a test may change its own copies."""
    return deepcopy(stage)


@pytest.fixture
def site(cast: Cast, settings, tmp_path) -> Organization:
    """Orchard with its night, and a mailbox that is kept; an administrator has set it up."""
    settings.STAFF_SECOND_FACTOR = False
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": tmp_path},
        }
    }
    return cast.orchard


def browser(who: str, request: pytest.FixtureRequest, **options: bool) -> Client:
    client = Client(**options)
    if who != "visitor":
        client.force_login(request.getfixturevalue(who))
    return client


def visiting(who: str, door: Door, request: pytest.FixtureRequest) -> Client:
    """Where it matters, somebody who has not shown for long that it is them."""
    client = browser(who, request)
    stale = who != "visitor" and door.name.startswith(("connection-", "company-", "sso-"))
    return as_if_earlier(client) if stale else client


def names(resolver: URLResolver) -> Iterator[str]:
    """The name of every address; one without a name could not stand in the table."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inside = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from (f"{inside}{name}" for name in names(pattern))
        else:
            assert isinstance(pattern, URLPattern)
            assert pattern.name, f"{pattern.pattern} has no name"
            yield pattern.name


# ---------- the table ----------


def test_every_address_is_in_the_table():
    assert sorted(names(get_resolver())) == sorted(door.name for door in DOORS)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_everyone_gets_what_the_table_says(door, site, request):
    found = {who: answer(visiting(who, door, request), door) for who in EVERYONE}

    assert found == door.expected


@pytest.mark.any_database
@pytest.mark.parametrize("door", [door for door in DOORS if door.only_posts], ids=lambda door: door.name)
def test_button_is_no_page(door, site, request):
    found = {who: browser(who, request).get(door.address).status_code for who in SIGNED_IN}

    assert found == dict.fromkeys(SIGNED_IN, 405)


def knock(client: Client, door: Door):
    return client.post(door.address) if door.only_posts else client.get(door.address)


def answer(client: Client, door: Door) -> int | str:
    response = knock(client, door)
    if response.status_code != 302:
        return response.status_code
    there, _, query = response["Location"].partition("?")
    if there == SIGN_IN and not door.name.startswith("mfa_"):
        assert query == f"next={door.address}"
    return there


# allauth's pages answer unknown methods as if they were GET; home sends everyone on, whatever they ask.
ALLAUTH = ("account_", "mfa_")
OUR_OWN = [door for door in DOORS if door.name != "home" and not door.name.startswith(ALLAUTH)]


@pytest.mark.any_database
@pytest.mark.parametrize("door", OUR_OWN, ids=lambda door: door.name)
def test_no_page_takes_a_method_it_does_not_know(door, site, request):
    client = browser("ada", request)

    takes_posts = door.takes_posts or door.comes_from_elsewhere
    others = ["patch"] * (not door.takes_patches) + ["post"] * (not takes_posts)
    for method in ["put", "delete", "trace", *others]:
        assert getattr(client, method)(door.address).status_code == 405


@pytest.mark.any_database
@pytest.mark.parametrize("door", [door for door in DOORS if door.takes_posts], ids=lambda door: door.name)
@pytest.mark.parametrize("who", ["visitor", "ada"])
def test_foreign_page_cannot_post_in_somebodys_name(door, who, site, request):
    response = browser(who, request, enforce_csrf_checks=True).post(door.address, {"theme": "dark"})

    assert response.status_code == 403


# ---------- strangers ----------


@pytest.mark.any_database
@pytest.mark.parametrize("door", OF_ONE_ORGANIZATION, ids=lambda door: door.name)
@pytest.mark.parametrize("method", ["get", "head", "post", "options"])
def test_stranger_cannot_tell_orchard_from_an_organization_that_is_not_there(door, method, site, hal):
    client = Client()
    client.force_login(hal)

    foreign = getattr(client, method)(door.address)
    nowhere = getattr(client, method)(door.address.replace("orchard", "nowhere"))

    assert foreign.status_code == nowhere.status_code
    assert plain(foreign.content, "orchard") == plain(nowhere.content, "nowhere")
    assert headers(foreign) == headers(nowhere)


@pytest.mark.any_database
@pytest.mark.parametrize("door", OF_ONE_ORGANIZATION, ids=lambda door: door.name)
def test_visitor_cannot_tell_orchard_from_an_organization_that_is_not_there(door, site, client):
    known, nowhere = client.get(door.address), client.get(door.address.replace("orchard", "nowhere"))

    assert known.status_code == nowhere.status_code
    assert known.content == nowhere.content
    assert known.get("Location", "").replace("orchard", "nowhere") == nowhere.get("Location", "")


def plain(body: bytes, slug: str) -> str:
    """A page without what differs between two requests: the token of its forms, the slug asked for."""
    text = re.sub(r'(name="csrfmiddlewaretoken" value=")\w+', r"\1", body.decode())
    return re.sub(r"\b[0-9A-F]{4}-[0-9A-F]{4}\b", "", text).replace(f"/{slug}/", "/")


def headers(response) -> dict[str, str]:
    return {
        name: value
        for name, value in response.headers.items()
        if name not in ("X-Request-Id", "Content-Length")
    }


@pytest.mark.parametrize("door", OF_ONE_ORGANIZATION, ids=lambda door: door.name)
def test_nobody_guesses_names_by_their_case_or_a_missing_slash(door, site, hal):
    client = Client()
    client.force_login(hal)

    for other in ("Orchard", "..%2Forchard"):
        guess = door.address.replace("orchard", other)
        assert (client.post if door.only_posts else client.get)(guess).status_code == 404


# ---------- those who were let in before ----------


@pytest.mark.parametrize("door", OF_ONE_ORGANIZATION, ids=lambda door: door.name)
def test_membership_that_ended_closes_every_page(door, site, vera, request):
    client = browser("vera", request)
    Membership.objects.filter(user=vera).update(
        starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2026, 1, 2, tzinfo=UTC)
    )

    assert knock(client, door).status_code == 404


@pytest.mark.parametrize("door", OF_ONE_ORGANIZATION, ids=lambda door: door.name)
def test_partner_is_out_the_instant_their_time_ends(door, site, pat, request):
    client = browser("pat", request)
    Membership.objects.filter(user=pat).update(ends_at=timezone.now())

    assert knock(client, door).status_code == 404


@pytest.mark.parametrize("door", OF_ONE_ORGANIZATION, ids=lambda door: door.name)
def test_person_who_was_made_inactive_is_out_at_once(door, site, dana, request):
    client = browser("dana", request)
    User.objects.filter(pk=dana.pk).update(is_active=False)

    response = knock(client, door)

    assert response.status_code in (302, 403, 404)
    assert b"Orchard" not in response.content


CLOSED = (
    dict.fromkeys(CUSTOMERS, 403) | dict.fromkeys(STRANGERS, 404) | dict.fromkeys(STAFF, 200) | {"otto": 403}
)


@pytest.mark.any_database
@pytest.mark.parametrize("door", OF_THE_SCORE, ids=lambda door: door.name)
@pytest.mark.parametrize("plan", [Plan.PREMIER, Plan.STANDARD, None])
def test_plan_that_does_not_open_the_score_closes_it_to_the_customer_alone(door, plan, site, request):
    PlanInterval.objects.filter(organization=site).delete()
    if plan:
        make_plan(site, plan)

    statuses = {who: browser(who, request).get(door.address).status_code for who in SIGNED_IN}

    assert statuses == CLOSED


@pytest.mark.any_database
@pytest.mark.parametrize("door", OF_THE_SCORE, ids=lambda door: door.name)
def test_organization_without_a_product_has_no_score_for_the_customer(door, site, request):
    site.products.clear()

    statuses = {who: browser(who, request).get(door.address).status_code for who in (*CUSTOMERS, *STRANGERS)}

    assert statuses == dict.fromkeys(CUSTOMERS, 403) | dict.fromkeys(STRANGERS, 404)


@pytest.mark.any_database
@pytest.mark.parametrize("door", OF_THE_SCORE, ids=lambda door: door.name)
def test_language_that_is_not_english_closes_the_score_to_the_customer_alone(door, site, request):
    for who in SIGNED_IN:
        request.getfixturevalue(who)
    User.objects.update(language="de")

    statuses = {who: browser(who, request).get(door.address).status_code for who in SIGNED_IN}

    assert statuses == CLOSED


OPEN_ON_PREMIER = (
    *("plan", "conditions", "activity", "activity_export"),
    *("contacts", "contacts-invite", "connection", "organization-sign-in"),
)
MARKS = (
    *("actions-move", "action-move", "action-favorite", "action-note", "action-arrange", "action-add"),
    *("action-tailor", "action-reword", "action-coaching", "action-coaching-answer"),
    "api-recommendation-move",
)
STAFFS = ("answer-review", "see-as-customer", "impersonate", "feedback-answer")
GOALS = ("target-set", "matters-less", "target-end", "matters-again")
ROADMAPS = ("roadmap-save", "roadmap-share", "roadmap-end", "roadmap-item")
# Of Meadow there is no such person, no such invitation and no such connection.
OF_ORCHARD_ALONE = [door.name for door in DOORS if {MIA, INVITED, NUMBER} & set(door.arguments)]


@pytest.mark.parametrize("door", OF_ONE_ORGANIZATION, ids=lambda door: door.name)
def test_premier_contact_finds_the_plan_open_and_the_score_closed(door, site, pia, request):
    address = door.address.replace("orchard", "meadow")
    client = browser("pia", request)

    status = (client.post if door.only_posts else client.get)(address).status_code

    closed = dict.fromkeys([each.name for each in OF_THE_SCORE], 403) | dict.fromkeys(
        (*STAFFS, *NOTES, *GOALS, *ROADMAPS, *MARKS), 403
    )
    closed |= dict.fromkeys(("export-make", "export-file", "export-again"), 403)
    closed |= {each.name: 403 for each in OF_ONE_ORGANIZATION if each.name.startswith("manage-")}
    posts = {"request-review": 302, "contacts-together": 422, "peers-contribute": 302} | dict.fromkeys(
        OF_ORCHARD_ALONE, 404
    )
    admins = {"contact-deactivate": 403, "contact-reactivate": 403}  # before anybody is looked for
    found = dict.fromkeys(OPEN_ON_PREMIER, 200) | posts | closed | admins
    assert status == found[door.name]


@pytest.mark.parametrize("who", SIGNED_IN)
@pytest.mark.parametrize("plan", [Plan.PREMIER, Plan.STANDARD, None])
def test_success_review_is_requested_by_those_who_may_with_the_plan_that_opens_it(who, plan, site, request):
    PlanInterval.objects.filter(organization=site).delete()
    if plan:
        make_plan(site, plan)

    status = browser(who, request).post("/o/orchard/plan/review/").status_code

    able = 302 if plan == Plan.PREMIER and who in ("dana", "tara") else 403
    assert status == (404 if who in STRANGERS else able)
    assert ReviewRequest.objects.count() == (status == 302)


@pytest.mark.any_database
@pytest.mark.parametrize("door", OF_ONE_ORGANIZATION, ids=lambda door: door.name)
def test_plan_that_closes_the_score_shows_none_of_it(door, site, request):
    PlanInterval.objects.filter(organization=site).update(ends_at=datetime.now(UTC))

    page = browser("dana", request).get(door.address).content.decode()

    assert "Work order growth" not in page
    assert "61.44" not in page


def test_unknown_node_of_an_own_score_is_not_there(site, dana, client):
    client.force_login(dana)

    assert client.get("/o/orchard/score/elsewhere/").status_code == 404
    assert client.get("/o/orchard/score/product-adoption/elsewhere/").status_code == 404
    assert client.get("/o/orchard/score/product-adoption/engagement/").status_code == 404
