"""The world for those who test from outside: the same for the same seed, a word of its own for everyone."""

import json
import re
import stat
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from accounts.access import visible_organizations
from accounts.models import Membership, Organization, Plan, User
from portal import digest
from portal.demo import seeding
from scoring import read
from tests.factories import make_membership, make_organization, make_plan, make_user, publish_small_card
from tests.portal.signing import code_of, enters, show, sign_in

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


def seed(file: Path, *arguments: object) -> str:
    out = StringIO()
    call_command("seed", "--json", str(file), *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def small(tmp_path: Path, db: None) -> dict:
    """Six organizations, really scored."""
    file = tmp_path / "world.json"
    seed(file, "--orgs", 6, "--seed", 3, "--nights", 1, "--closes", 1)
    return json.loads(file.read_text())


# ---------- one world, and a night of it ----------


@pytest.mark.slow
def test_seed_makes_what_its_file_says(small, client):
    """One test for the whole of it: making a world takes seconds."""
    assert len(small["organizations"]) == 6
    assert set(Organization.objects.values_list("slug", flat=True)) == {
        o["slug"] for o in small["organizations"]
    }
    assert set(User.objects.values_list("email", flat=True)) == {
        person["email"] for person in small["people"]
    }

    for organization in Organization.objects.all():
        reading = read.latest(organization)
        assert reading is not None, organization
        assert reading.day == YESTERDAY

    for person in small["people"]:
        held = {(role["organization"], role["role"]) for role in person["roles"]}
        rows = Membership.objects.filter(user__email=person["email"])
        assert held == set(rows.values_list("organization__slug", "role")), person["email"]

    contact = next(each for each in small["people"] if each["email"].startswith("contact@"))
    former = next(each for each in small["people"] if each["email"].startswith("former@"))
    admin = next(each for each in small["people"] if each["installation_role"] == "admin")
    lead = next(each for each in small["people"] if each["installation_role"] == "lead")
    assert (
        client.post("/sign-in/", {"login": contact["email"], "password": contact["password"]}).status_code
        == 302
    )
    seen = User.objects.get(email=former["email"])
    assert not visible_organizations(seen).exists()
    assert visible_organizations(User.objects.get(email=admin["email"])).count() == 6
    assert visible_organizations(User.objects.get(email=lead["email"])).count() == 6

    staff = Client()
    assert sign_in(staff, User.objects.get(email=admin["email"]), admin["password"]).url == "/sign-in/factor/"
    assert not enters(staff)
    show(staff, code_of(admin["totp_secret"]))
    assert enters(staff)

    own = small["organizations"][0]
    client.force_login(User.objects.get(email=f"contact@{own['marker'].lower()}.example"))
    found = {url: client.get(url) for url in own["urls"]}
    assert {url for url, response in found.items() if response.status_code == 404} == set()
    text = "".join(response.content.decode() for response in found.values() if not response.streaming)
    assert own["marker"] in text
    for other in small["organizations"][1:]:
        assert other["marker"].lower() not in text.lower()

    with pytest.raises(CommandError, match="fills an empty install"):
        seed(Path(settings.VAR_DIR) / "again.json")


# ---------- what it imagines ----------


def test_same_seed_imagines_the_same_world(db):
    one, two = (seeding.imagine(30, 7, YESTERDAY) for _ in range(2))

    assert one == two
    assert seeding.as_json(one) == seeding.as_json(two)


def test_another_seed_imagines_another_world():
    one, two = (seeding.imagine(10, number, YESTERDAY) for number in (7, 8))

    assert not set(one.markers.values()) & set(two.markers.values())
    assert not {each.password for each in one.people} & {each.password for each in two.people}


def test_every_organization_has_a_word_of_its_own_in_all_its_texts():
    world = seeding.imagine(200, 7, YESTERDAY)

    words = [word.lower() for word in world.markers.values()]
    assert len(set(words)) == 200
    for customer in world.customers:
        word = world.markers[customer.slug].lower()
        assert word in customer.name.lower()
        assert word in customer.slug
        assert word in customer.external_id.lower()
    for person in world.people:
        if not person.works_for_us:
            word = world.markers[person.held[0].organization]
            assert word in person.name
            assert word.lower() in person.email


def test_words_are_not_found_in_any_text_of_ours():
    words = [word.lower() for word in seeding.imagine(60, 7, YESTERDAY).markers.values()]
    ours = Path(settings.BASE_DIR)
    files = [*(ours / "templates").rglob("*.html"), *(ours / "scoring" / "scorecards").glob("*.toml")]
    text = "".join(path.read_text() for path in files).lower()

    assert not [word for word in words if word in text]


def test_world_has_everybody_a_test_needs():
    people = seeding.imagine(30, 7, YESTERDAY).people

    assert {each.installation_role for each in people} == {"admin", "auditor", "lead", ""}
    assert {held.role for each in people for held in each.held} == {
        "contact",
        "training_admin",
        "viewer",
        "partner",
        "csm",
        "guide",
    }
    assert {each.plan for each in seeding.imagine(30, 7, YESTERDAY).customers} == set(Plan.values)
    assert len({each.email for each in people}) == len(people)


def test_passwords_would_be_accepted_by_the_house(db):
    from django.contrib.auth.password_validation import validate_password

    for person in seeding.imagine(6, 7, YESTERDAY).people:
        validate_password(person.password, User(email=person.email, name=person.name))


def test_file_lists_every_page_of_an_organization(db):
    urls = seeding.as_json(seeding.imagine(1, 7, YESTERDAY))["organizations"][0]["urls"]

    places = {re.sub(r"/o/[^/]+/|/organizations/[^/]+/", "/X/", url) for url in urls}
    assert {"/X/", "/X/plan/", "/X/activity/", "/X/activity/export/", "/X/score/product-adoption/"} <= places
    assert len(urls) >= 10


# ---------- what it refuses ----------


def test_production_is_never_seeded(settings, tmp_path, db):
    settings.MODE = "production"

    with pytest.raises(CommandError, match="only with CAIRN_MODE=demo or test"):
        seed(tmp_path / "world.json")


def test_file_that_is_there_is_not_overwritten(tmp_path, db):
    file = tmp_path / "world.json"
    file.write_text("mine")

    with pytest.raises(CommandError, match="is not overwritten"):
        seed(file)
    assert file.read_text() == "mine"
    assert not Organization.objects.exists()


def test_install_with_somebody_in_it_is_not_filled(tmp_path, dana):
    with pytest.raises(CommandError, match="fills an empty install"):
        seed(tmp_path / "world.json")
    assert not (tmp_path / "world.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--orgs", 0),
        ("--orgs", 501),
        ("--nights", 0),
        ("--nights", 61),
        ("--closes", 14),
        ("--day", "2999-01-01"),
    ],
)
def test_number_that_cannot_be_right_is_named(arguments, tmp_path, db):
    with pytest.raises(CommandError, match=arguments[0]):
        seed(tmp_path / "world.json", *arguments)
    assert not Organization.objects.exists()


def test_folder_that_is_not_there_is_named_before_the_work(tmp_path, db):
    with pytest.raises(CommandError, match="there is no folder"):
        seed(tmp_path / "nowhere" / "world.json")
    assert not Organization.objects.exists()


def test_file_with_passwords_is_its_owners_alone(tmp_path):
    from portal.management.commands.seed import write

    write(str(tmp_path / "world.json"), {})

    assert stat.S_IMODE((tmp_path / "world.json").stat().st_mode) == 0o600


# ---------- the digest ----------


def told(**more: object) -> str:
    out = StringIO()
    call_command("state_digest", stdout=out, **more)
    return out.getvalue().strip()


def test_digest_is_the_same_until_something_changes(orchard, dana, client):
    before = told()
    client.force_login(dana)
    client.get("/o/orchard/plan/")

    assert told() == before

    Organization.objects.filter(pk=orchard.pk).update(name="Orchard Ltd")

    assert told() != before


@pytest.mark.parametrize(
    "change",
    [
        lambda orchard, dana: make_plan(make_organization("New"), Plan.PREMIER),
        lambda orchard, dana: orchard.products.clear(),
        lambda orchard, dana: make_membership(make_user("new@orchard.example"), orchard),
        lambda orchard, dana: User.objects.filter(pk=dana.pk).update(is_active=False),
        lambda orchard, dana: orchard.plan_intervals.update(ends_at=datetime(2030, 1, 1, tzinfo=UTC)),
        lambda orchard, dana: dana.memberships.update(ends_at=datetime(2130, 1, 1, tzinfo=UTC)),
        lambda orchard, dana: dana.memberships.all().delete(),
    ],
)
def test_digest_sees_every_change_of_the_business(change, orchard, dana):
    before = told()

    change(orchard, dana)

    assert told() != before


def test_digest_knows_neither_row_numbers_nor_their_order(db):
    def tell(*names: str) -> str:
        with transaction.atomic():
            for name in names:
                organization = make_organization(name, products=["sales"])
                make_membership(make_user(f"p@{name.lower()}.example"), organization)
            found = told()
            transaction.set_rollback(True)
        return found

    assert tell("Elm", "Oak") == tell("Oak", "Elm")


def test_digest_names_the_table_that_differs(orchard):
    before = json.loads(told(json=True))["tables"]
    orchard.products.clear()
    after = json.loads(told(json=True))["tables"]

    assert {name for name in before if before[name] != after[name]} == {"accounts_organization_products"}


def test_every_business_table_of_the_house_is_in_it():
    kept = {model._meta.label_lower for model in digest.business()}

    assert {"accounts.user", "accounts.membership", "scoring.observation", "scoring.scoresheet"} <= kept
    assert not kept & digest.LEFT_OUT
    assert set(digest.CALLED) <= kept


def test_night_of_a_day_can_be_run_by_command(db):
    publish_small_card()
    out = StringIO()

    call_command("nightly", "--day", YESTERDAY.isoformat(), stdout=out)

    assert f"{YESTERDAY}" in out.getvalue()
