"""What Orchard's people find on their pages, nobody else finds: every address, every method, every stranger.

The crawl knows no page by name: what is built tomorrow is tried tomorrow.
"""

import csv
import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import pytest
from django.test import Client, override_settings
from django.urls import resolve, reverse
from pytest_django.plugin import DjangoDbBlocker

from accounts import audit
from accounts.models import Action, Membership, Organization, Plan, Role, User
from accounts.rows.cells import STARTS
from portal import digest
from scoring.models import ScoreSheet
from tests.crawling import Crawl, Form, crawl, starts, undone
from tests.factories import make_membership, make_organization, make_plan, make_user
from tests.portal.scored import score

MARKER = "Qvexlumara"  # in every text of Orchard's, and in no text of anybody else's
OWNERS = ("dana", "tara", "casey", "ada")
STRANGERS = {"visitor": "", "hal": "harbor", "pia": "meadow", "cole": "harbor", "frank": "", "nobody": ""}
METHODS = ("get", "head", "post", "put", "patch", "delete")
PUBLIC = frozenset({"healthz", "readyz"})
# Opened by whoever knows of it: for us, or out of a mail.
BY_ADDRESS = frozenset({"patterns"})
# Typed into forms and never to be found in a log.
SECRET = "zzq-typed-in-secret"

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@dataclass
class World:
    """Orchard with its word in all its texts, Harbor and Meadow beside it, and everybody around them."""

    people: dict[str, User]
    harbor: Organization
    found: dict[str, Crawl] = field(default_factory=dict)
    looked_changed: set[str] = field(default_factory=set)  # tables that looking has changed

    def client(self, who: str) -> Client:
        """Somebody's browser; a visitor's has no cookie."""
        client = Client()
        if who != "visitor":
            client.force_login(self.people[who])
        return client

    @property
    def addresses(self) -> list[str]:
        return sorted(set().union(*(each.addresses for each in self.found.values())))


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made and walked once: that takes longest. Every test takes back what it did."""
    with django_db_blocker.unblock(), override_settings(STAFF_SECOND_FACTOR=False), undone():
        made = build()
        before = digest.of_tables()
        made.found = {who: crawl(made.client(who), starts("orchard")) for who in OWNERS}
        made.looked_changed = {name for name, each in digest.of_tables().items() if each != before[name]}
        yield made


def build() -> World:
    orchard, harbor, meadow = (
        make_organization(name, slug=slug, products=["sales", "platform"], **more)
        for name, slug, more in (
            (
                f"Orchard {MARKER}",
                "orchard",
                {"external_id": MARKER, "industry": MARKER, "region": f"=1+1 {MARKER}"},
            ),
            ("Harbor", "harbor", {}),
            ("Meadow", "meadow", {}),
        )
    )
    for organization, plan in ((orchard, Plan.SIGNATURE), (harbor, Plan.SIGNATURE), (meadow, Plan.PREMIER)):
        make_plan(organization, plan)
    people = {}
    for who, role, organization in (
        ("dana", Role.CONTACT, orchard),
        ("tara", Role.TRAINING_ADMIN, orchard),
        ("vera", Role.VIEWER, orchard),
        ("pat", Role.PARTNER, orchard),
        ("frank", Role.CONTACT, orchard),
        ("casey", Role.CSM, orchard),
        ("hal", Role.CONTACT, harbor),
        ("cole", Role.CSM, harbor),
        ("pia", Role.CONTACT, meadow),
    ):
        is_theirs = organization is orchard and role is not Role.CSM and who != "frank"  # his own page is his
        name = f"{who.title()} {MARKER}" if is_theirs else who.title()
        email = f"{who}@{MARKER.lower()}.example" if is_theirs else f"{who}@elsewhere.example"
        people[who] = make_user(email, name=name, is_staff=role is Role.CSM)
        ends_at = datetime(2100, 1, 1, tzinfo=UTC) if role is Role.PARTNER else None
        membership = make_membership(people[who], organization, role, ends_at=ends_at)
        if who == "frank":
            membership.ends_at = membership.starts_at
            membership.save()
    User.objects.filter(pk=people["vera"].pk).update(name=f"=HYPERLINK(1) {MARKER}")
    people["vera"].refresh_from_db()
    audit.record(Action.REVIEW_REQUESTED, by=people["vera"], organization=orchard)  # her name is in the log
    people["nobody"] = make_user("nobody@elsewhere.example")
    people["ada"] = make_user("ada@elsewhere.example", is_staff=True, is_admin=True)
    score(orchard, harbor, meadow)
    return World(people, harbor)


# ---------- the crawl itself ----------


def test_crawl_reaches_what_orchards_people_see(world):
    """A crawl that finds nothing would prove nothing."""
    addresses = {urlsplit(address).path for address in world.addresses}

    assert {
        "/o/orchard/",
        "/o/orchard/plan/",
        "/o/orchard/activity/export/",
        "/manage/settings/",
    } <= addresses
    assert "/api/v1/organizations/orchard/score/" in addresses
    assert "/o/orchard/score/product-adoption/breadth/" in addresses
    assert len(world.addresses) >= 60
    marked = [each for each in world.found["dana"].answers.values() if MARKER.encode() in each.content]
    assert len(marked) >= 10
    assert any(form.method == "post" for form in world.found["dana"].forms)


def test_every_page_is_led_to_by_another(world):
    """A page that no link leads to is not there for a person."""
    opened = {
        path
        for each in world.found.values()
        for address, answer in each.answers.items()
        if answer.status_code == 200
        and answer.get("Content-Type", "").startswith("text/html")
        and resolve(path := urlsplit(address).path).view_name not in BY_ADDRESS
        and not path.startswith("/sign-in/")  # for visitors, and where a form has led them
    }

    assert opened - set().union(*(each.led_to for each in world.found.values())) == set()


def test_looking_changes_nothing(world):
    """SECURITY A31: whoever follows links, a scanner of mails too, changes nothing by it."""
    assert world.looked_changed == set()


def test_asking_for_headers_alone_changes_nothing(world):
    before, client = digest.of_tables(), world.client("dana")

    with undone():
        for address in world.found["dana"].answers:
            client.head(address)
        assert digest.of_tables() == before


def test_what_a_person_saw_is_kept_by_no_cache(world):
    for who, each in world.found.items():
        for address, answer in each.answers.items():
            if resolve(urlsplit(address).path).view_name in PUBLIC:
                continue
            assert "no-store" in answer.get("Cache-Control", ""), (who, address)
            assert "cookie" in answer.get("Vary", "").lower(), (who, address)


def test_no_page_broke(world):
    broken = {
        address: answer.status_code
        for each in world.found.values()
        for address, answer in each.answers.items()
        if answer.status_code >= 500
    }

    assert broken == {}


def test_no_file_holds_a_formula(world):
    """SECURITY A12: a spreadsheet that opens it computes nothing of ours."""
    files = {
        address: answer
        for each in world.found.values()
        for address, answer in each.answers.items()
        if answer.get("Content-Type", "").startswith("text/csv")
    }

    assert len(files) >= 2
    for address, answer in files.items():
        for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))):
            assert [cell for cell in row if cell[:1] in STARTS] == [], address


# ---------- strangers ----------


# On every database those who have something of their own beside it, a customer and one of us.
ASKED_AGAIN = ("hal", "cole")


@pytest.mark.parametrize(
    "who",
    [who if who in ASKED_AGAIN else pytest.param(who, marks=pytest.mark.any_database) for who in STRANGERS],
)
def test_stranger_finds_nothing_of_orchard_and_cannot_tell_that_it_is_there(who, world):
    before, checked, client = digest.of_tables(), 0, world.client(who)

    for path in sorted({urlsplit(address).path for address in world.addresses}):
        for foreign, nowhere in foreign_addresses(path, STRANGERS[who]):
            for method in METHODS:
                with undone():
                    theirs = look(client, method, foreign)
                with undone():
                    nothing = look(client, method, nowhere)
                assert theirs == nothing, (method, foreign, nowhere)
                checked += 1
    for address in world.addresses:
        with undone():
            assert_unmarked(client.get(address), address)
    assert checked >= 100
    assert digest.of_tables() == before


@pytest.mark.parametrize("who", ["hal", "cole"])
def test_foreign_number_in_a_form_is_no_better_than_a_made_up_one(who, world):
    """SECURITY A2: a stranger sends what Orchard's forms hold to the same page of their own."""
    client, before = world.client(who), digest.of_tables()

    for form in forms_with_numbers(world.found):
        own = form.action.replace("/orchard/", f"/{STRANGERS[who]}/")
        with undone():
            theirs = look(client, "post", own, form.data)
        with undone():
            nothing = look(client, "post", own, made_up(form.data))
        assert theirs == nothing, form

    assert digest.of_tables() == before


@pytest.mark.any_database
@pytest.mark.parametrize("query", ["organization=orchard", "slug=orchard", "org=orchard", "q=Qvexlumara"])
def test_stranger_gets_nothing_by_naming_orchard_beside_the_address(query, world):
    for who in ("hal", "pia", "cole"):
        client = world.client(who)
        for address in starts(STRANGERS[who]):
            with undone():
                answer = client.get(f"{address}?{query}", headers={"x-organization": "orchard"})
            # A search says back what was searched for, and nothing that follows the word in the name.
            text = answer.content.decode()
            assert f"Orchard {MARKER}" not in text, (who, address)
            assert f"@{MARKER.lower()}.example" not in text, (who, address)


# ---------- forms ----------

EXTRA = {
    "is_staff": "1",
    "is_admin": "1",
    "is_auditor": "1",
    "is_lead": "1",
    "role": "contact",
    "score": "100",
    "points": "10000",
    "published": "1",
    "published_at": "2020-01-01",
    "id": "1",
    "pk": "1",
    "created_by": "1",
    "user": "1",
    "auth_epoch": "0",
}


@pytest.mark.parametrize("who", ["dana", "tara"])
def test_no_form_takes_more_than_its_own_fields(who, world):
    """SECURITY A16: nobody raises a role, a score or an organization by naming it."""
    client, before, harbor = world.client(who), powers(), world.harbor.pk

    for form in sorted(world.found[who].forms, key=str):
        if form.method != "post":
            continue
        extra = {name: value for name, value in EXTRA.items() if name not in form.data}
        with undone():
            client.post(form.action, form.data | extra | {"organization": harbor, "organization_id": harbor})
            assert powers() == before, form


def test_nothing_that_is_typed_gets_into_the_log(world, caplog):
    """SECURITY A30: passwords, reasons, names and codes stay out, whether they are right or wrong."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("django.db.backends").setLevel(logging.WARNING)

    for who in ("dana", "ada", "visitor"):
        client = world.client(who)
        open_ones = crawl(client, ["/sign-in/", "/sign-in/forgotten/"]).forms
        forms = world.found[who].forms if who in world.found else open_ones
        for form in sorted(forms, key=str):
            with undone():
                getattr(client, form.method)(form.action, form.data | dict.fromkeys(form.texts, SECRET))

    assert SECRET not in caplog.text


# ---------- how it is compared ----------


def look(client: Client, method: str, address: str, data: dict[str, str] | None = None) -> tuple:
    """All that a stranger can tell from the answer, but for what they asked themselves."""
    cookies = dict(client.cookies)
    answer = getattr(client, method)(address, data or {})
    client.cookies.clear()
    client.cookies.update(cookies)
    assert answer.status_code < 500, (method, address)
    assert_unmarked(answer, address)
    headers = {
        name: plain(value, address)
        for name, value in answer.headers.items()
        if name not in ("X-Request-Id", "Content-Length", "Expires")
    }
    return answer.status_code, plain(answer.content.decode(errors="replace"), address), headers


def plain(text: str, address: str) -> str:
    """Without tokens, references and the address itself, however it is written."""
    path = urlsplit(address).path
    text = re.sub(r'(name="csrfmiddlewaretoken" value=")\w+', r"\1", text)
    for form in (address, quote(address), quote(address, safe=""), path, quote(path, safe="")):
        text = text.replace(form, "*")
    for part in path.strip("/").split("/"):
        if part in ("orchard", NOWHERE, str(NUMBER)):
            text = re.sub(rf"\b{re.escape(part)}\b", "*", text)
    return re.sub(r"\b[0-9A-F]{4}-[0-9A-F]{4}\b", "", text)


NOWHERE = "xqzzyva"  # a slug as long as Orchard's
NUMBER = 30011  # of nothing; small enough for every kind of key


OF_NOBODY = ("playbook-play", "playbook-stand")  # advice for anybody; whoever may read it reads all of it


def foreign_addresses(address: str, own: str) -> Iterator[tuple[str, str]]:
    """Pairs: an address of Orchard's, and the same one of something that is not there."""
    match = resolve(urlsplit(address).path)
    given = dict(match.kwargs)
    if not given or given.get("slug", "orchard") != "orchard":
        return  # another organization's, which an administrator has found
    if given.get("slug") == "orchard":
        yield address, reverse(match.view_name, kwargs=given | {"slug": NOWHERE})
    others = {name: other_than(value) for name, value in given.items() if is_identity(name, value)}
    if not others:
        return
    if given.get("slug") != "orchard":
        if match.view_name in OF_NOBODY:
            return
        yield address, reverse(match.view_name, kwargs=given | others)
    elif own:
        mine = given | {"slug": own}
        yield reverse(match.view_name, kwargs=mine), reverse(match.view_name, kwargs=mine | others)


def is_identity(name: str, value: object) -> bool:
    """Whether part of an address says which row; words of the score are no secret."""
    return name not in ("slug", "category", "subcategory", "signal", "what", "form")


def other_than(value: object) -> object:
    """One of the same kind that nothing is called."""
    if isinstance(value, int):
        return NUMBER
    if not isinstance(value, str):
        return type(value)(int=7)  # a UUID
    return re.sub(r"[a-z]", "q", re.sub(r"[A-Z]", "Q", re.sub(r"\d", "7", value)))


def assert_unmarked(answer, address: str) -> None:
    """Nothing of Orchard's is in body or headers."""
    text = answer.content.decode(errors="replace") + "".join(answer.headers.values())
    assert MARKER.lower() not in text.lower(), address
    assert "61.44" not in text or "orchard" not in address, address


def forms_with_numbers(found: dict[str, Crawl]) -> list[Form]:
    """Forms of Orchard's that send the number of something."""
    every = set().union(*(each.forms for each in found.values()))
    wanted = [form for form in every if form.method == "post" and "/o/orchard/" in form.action]
    return sorted((form for form in wanted if made_up(form.data) != form.data), key=str)


def made_up(data: dict[str, str]) -> dict[str, str]:
    return {name: str(NUMBER) if value.isdigit() else value for name, value in data.items()}


def powers() -> tuple:
    """Who may do what, who is where, and every score."""
    people = User.objects.order_by("pk").values_list("pk", "is_staff", "is_admin", "is_auditor", "is_lead")
    held = Membership.objects.order_by("pk").values_list("organization_id", "user_id", "role")
    points = ScoreSheet.objects.order_by("organization_id", "day").values_list("organization_id", "points")
    strong = [row for row in held if row[2] in (Role.CONTACT, Role.CSM, Role.GUIDE)]
    return (
        list(people),
        strong,
        list(points),
        list(Organization.objects.order_by("pk").values_list("pk", "slug")),
    )
