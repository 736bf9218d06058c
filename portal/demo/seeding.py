"""A world for whoever tests from outside: made-up organizations, people and passwords, all from a seed.

Every organization has a word of its own in all its texts; found on somebody else's page, it is a leak.
"""

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts import installation
from accounts.contacts import designate
from accounts.models import Organization, Role, Team, User
from portal.demo.customers import PRODUCTS, Customer
from portal.demo.loading import SCORECARD, fill
from scoring import engine

Tell = Callable[[str], None]

INDUSTRIES = ("Logistics", "Healthcare", "Manufacturing", "Retail", "Technology")
REGIONS = ("Western Europe", "North America", "Asia Pacific")
KINDS = ("Freight", "Medical", "Works", "Stores", "Systems", "Press", "Energy")
NAMES = ("Avery", "Blair", "Corin", "Devon", "Ellis", "Flynn", "Greer", "Haven", "Indra", "Jules")
PLANS = ("signature", "signature", "premier", "signature", "signature", "standard")
MOST = 500  # organizations: it is a world for tests, not a load

OF_EACH = ((Role.CONTACT, "contact"), (Role.TRAINING_ADMIN, "training"), (Role.VIEWER, "viewer"))
PORTFOLIO = 6  # organizations a success manager


@dataclass(frozen=True)
class Held:
    """What somebody is to one organization, and how many days after the world's last one that ends."""

    organization: str
    role: str
    ends: int | None = None


@dataclass(frozen=True)
class Somebody:
    """A person of the world, with the password."""

    email: str
    name: str
    password: str
    totp_secret: str = ""  # of an authenticator app, in base32; empty without one
    works_for_us: bool = False
    installation_role: str = ""  # admin, auditor, lead
    held: tuple[Held, ...] = ()


@dataclass(frozen=True)
class World:
    """Everything that a number makes."""

    seed: int
    last: date  # its last day
    customers: tuple[Customer, ...]
    markers: dict[str, str]  # slug: word
    people: tuple[Somebody, ...]


def imagine(orgs: int, seed: int, last: date) -> World:
    """The world of this number: the same whenever and wherever it is made."""
    draw = random.Random(f"cairn {seed} {orgs}")  # noqa: S311 - made up, and meant to be made up again
    words = _words(draw, orgs)
    managers = [f"csm{number + 1}@vendor.example" for number in range(-(-orgs // PORTFOLIO))]
    customers = tuple(
        _customer(
            draw, word, number, managers[number // PORTFOLIO], words[number - 1] if number % 10 == 5 else ""
        )
        for number, word in enumerate(words)
    )
    markers = {customer.slug: word for customer, word in zip(customers, words, strict=True)}
    people = [*_ours(draw, customers, managers)]
    for number, customer in enumerate(customers):
        people += _theirs(draw, customer, markers[customer.slug], number)
    return World(seed, last, customers, markers, tuple(people))


def make(world: World, tell: Tell, *, nights: int, closes: int) -> None:
    """Put the world into an empty install: organizations, telemetry, real nights, then the people."""
    fill(
        settings.VAR_DIR / "seed",
        world.last,
        tell,
        customers=world.customers,
        stories={},
        nights=nights,
        closes=closes,
    )
    with transaction.atomic():
        for done, person in enumerate(world.people, start=1):
            _let_in(person, world.last)
            if done % 50 == 0 or done == len(world.people):
                tell(f"Made {done} of {len(world.people)} people.")


def as_json(world: World) -> dict[str, Any]:
    """What whoever tests needs: who signs in how, what they are where, each organization's word and pages."""
    card = engine.parse(SCORECARD.read_text(encoding="utf-8"))
    return {
        "seed": world.seed,
        "day": world.last.isoformat(),
        "site_address": installation.current().site_address,
        "sign_in": reverse("account_login"),
        "people": [
            {name: value for name, value in asdict(person).items() if name != "held"}
            | {"roles": [_as_role(held, world.last) for held in person.held]}
            for person in world.people
        ],
        "organizations": [
            {
                "slug": customer.slug,
                "external_id": customer.external_id,
                "name": customer.name,
                "marker": world.markers[customer.slug],
                "plan": "" if customer.plan_ended else customer.plan,
                "products": list(customer.products),
                "csm": customer.csm,
                "urls": [*_urls(customer.slug, card)],
            }
            for customer in world.customers
        ],
    }


# ---------- imagining ----------


def _words(draw: random.Random, count: int) -> list[str]:
    """Words that no text of ours holds, none within another."""
    found: list[str] = []
    while len(found) < count:
        word = "".join(draw.choice("bdfgkmnprtvxz") + draw.choice("aeiou") for _ in range(4)) + draw.choice(
            "qxz"
        )
        if word not in found:
            found.append(word)
    return [word.capitalize() for word in found]


def _password(draw: random.Random) -> str:
    return "-".join(word.lower() for word in _words(draw, 3))


def _secret(draw: random.Random) -> str:
    """What an authenticator app is given: 20 bytes in base32, as RFC 4226 asks for."""
    return base64.b32encode(draw.randbytes(20)).decode()


def _customer(draw: random.Random, word: str, number: int, csm: str, parent: str) -> Customer:
    others = "".join(
        sorted(draw.sample([letter for letter in PRODUCTS if letter != "P"], draw.randint(1, 4)))
    )
    return Customer(
        f"{word} {KINDS[number % len(KINDS)]}",
        INDUSTRIES[number % len(INDUSTRIES)],
        REGIONS[number % len(REGIONS)],
        draw.choice((60, 240, 900, 2400)),
        f"P{others}",
        levels=(draw.randint(45, 92), draw.randint(45, 90), draw.randint(55, 94)),
        drift=draw.randint(-8, 6),
        growth=draw.randint(-6, 14),
        plan=PLANS[number % len(PLANS)],
        parent=f"{parent} {KINDS[(number - 1) % len(KINDS)]}" if parent else "",
        plan_ended=20 if number % 10 == 9 else 0,
        manager=csm,
    )


def _ours(draw: random.Random, customers: tuple[Customer, ...], managers: list[str]) -> Iterator[Somebody]:
    """Who works for the vendor, each with an app: an administrator, an auditor, a lead, managers, a guide."""
    for role in ("admin", "auditor", "lead"):
        signs_in = _password(draw), _secret(draw)
        yield Somebody(f"{role}@vendor.example", f"{role.title()} Vendor", *signs_in, True, role)
    for number, email in enumerate(managers, start=1):
        held = tuple(Held(each.slug, Role.CSM) for each in customers if each.csm == email)
        yield Somebody(email, f"Manager {number}", _password(draw), _secret(draw), True, held=held)
    guided = tuple(Held(each.slug, Role.GUIDE) for each in customers if each.plan == "premier")
    signs_in = _password(draw), _secret(draw)
    yield Somebody("guide@vendor.example", "Guide Vendor", *signs_in, True, held=guided)


def _theirs(draw: random.Random, customer: Customer, word: str, number: int) -> Iterator[Somebody]:
    """The customer's own people: one of each role, a partner, and somebody who has left."""
    place = f"{word.lower()}.example"
    names = draw.sample(NAMES, 5)

    def somebody(at: int, what: str, role: str, ends: int | None = None) -> Somebody:
        held = (Held(customer.slug, role, ends),)
        return Somebody(f"{what}@{place}", f"{names[at]} {word}", _password(draw), held=held)

    for at, (role, what) in enumerate(OF_EACH):
        yield somebody(at, what, role)
    if number % 2 == 0:
        yield somebody(3, "partner", Role.PARTNER, 90)
    if number % 3 == 0:
        yield somebody(4, "former", Role.CONTACT, 0)


# ---------- making ----------


def _let_in(person: Somebody, last: date) -> None:
    """The person as imagined; success managers are there already, as addresses of organizations.csv."""
    user = User.objects.filter(email=person.email).first() or User(email=person.email)
    user.name, user.language = person.name, "en"
    user.is_staff = person.works_for_us
    user.is_admin, user.is_auditor = (person.installation_role == role for role in ("admin", "auditor"))
    if person.installation_role == "lead" or person.email == "csm1@vendor.example":
        user.team, _ = Team.objects.get_or_create(name="North")
        user.is_lead = person.installation_role == "lead"
    user.set_password(person.password)
    user.save()
    known = {"verified": True, "primary": True}
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults=known)
    if person.totp_secret:
        TOTP.activate(user, person.totp_secret)
    for held in person.held:
        if held.role == Role.CSM:
            continue
        organization = Organization.objects.get(slug=held.organization)
        until = _moment(last, held.ends) if held.ends else None
        membership = designate(organization, user, Role(held.role), until=until)
        if held.ends == 0:
            membership.ends_at = membership.starts_at
            membership.save(update_fields=["ends_at"])


def _moment(last: date, days: int) -> datetime:
    return datetime.combine(last + timedelta(days=days), time(), tzinfo=UTC)


# ---------- telling ----------


def _as_role(held: Held, last: date) -> dict[str, Any]:
    until = None if held.ends is None else _moment(last, held.ends).isoformat()
    return {"organization": held.organization, "role": str(held.role), "until": until}


def _urls(slug: str, card: engine.Scorecard) -> Iterator[str]:
    """Every address of one organization that the site map knows, and every category of the score."""
    for name in sorted(_names(get_resolver())):
        yield reverse(name, args=[slug])
    for category in card.categories:
        yield reverse("category", args=[slug, category.key])


def _names(resolver: URLResolver) -> Iterator[str]:
    """Names of addresses that take a slug and nothing else."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern)
        elif isinstance(pattern, URLPattern) and pattern.name and set(pattern.pattern.converters) == {"slug"}:
            yield pattern.name
