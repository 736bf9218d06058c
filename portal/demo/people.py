"""The people of the demo: what each of them is to which customer, and how they sign in."""

from dataclasses import dataclass
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts import notes
from accounts.contacts import designate
from accounts.models import Organization, Role, Team, User
from portal.demo.customers import INES, KOFI, RAFAEL
from portal.demo.states import STATES

PASSWORD = "stone-on-stone"  # noqa: S105  everybody's: the runner prints it


@dataclass(frozen=True)
class Person:
    """Someone who can sign in."""

    email: str
    name: str
    role: Role = Role.CONTACT
    slugs: tuple[str, ...] = ()  # of these organizations; a success manager's come with organizations.csv
    language: str = "en"
    days: int | None = None  # from today that the access lasts; a partner's must end


ADMIN = Person("admin@cairn.example", "Ada Lindgren")
MAREN = Person("maren.holt@aldermoor.example", "Maren Holt", Role.CONTACT, ("aldermoor-logistics",))
JONAS = Person(
    "jonas.reuter@aldermoor.example",
    "Jonas Reuter",
    Role.CONTACT,
    (
        "aldermoor-logistics",
        "aldermoor-cold-chain",
        "aldermoor-iberia",
        "aldermoor-sandbox-eu",
        "harrow-pike-haulage",
    ),
)
IDRIS = Person("idris.bello@aldermoor.example", "Idris Bello", Role.VIEWER, ("aldermoor-logistics",))
EWA = Person(
    "ewa.zielinska@aldermoor.example", "Ewa Zielińska", Role.TRAINING_ADMIN, ("aldermoor-logistics",)
)
NOOR = Person(
    "noor.haddad@brightpath.example", "Noor Haddad", Role.PARTNER, ("aldermoor-logistics",), days=90
)
GRETA = Person(
    "greta.lind@lindqvist.example", "Greta Lind", Role.CONTACT, ("lindqvist-medical",), language="de"
)
SAM = Person(
    "states@cairn.example",
    "Sam Okoro",
    Role.CONTACT,
    tuple(dict.fromkeys(shown.slug for shown in STATES)),
)
MANAGERS = (
    Person(INES, "Inês Duarte"),
    Person(RAFAEL, "Rafael Stein"),
    Person(KOFI, "Kofi Asante"),
)
OTHERS = (
    Person("petra.vogel@harrowpike.example", "Petra Vogel", Role.CONTACT, ("harrow-pike-haulage",)),
    Person("nuria.campos@castellan.example", "Núria Campos", Role.CONTACT, ("castellan-freight",)),
    Person("tom.ashdown@amberley.example", "Tom Ashdown", Role.CONTACT, ("amberley-trust",)),
    Person("leena.rask@vessbrook.example", "Leena Rask", Role.CONTACT, ("vessbrook-paper",)),
    Person("piotr.zielinski@ostrava.example", "Piotr Zieliński", Role.CONTACT, ("ostrava-components",)),
    Person("mae.torres@orrinbay.example", "Mae Torres", Role.CONTACT, ("orrin-bay-marine",)),
    Person("ruth.calder@kestrelby.example", "Ruth Calder", Role.CONTACT, ("kestrelby-airports",)),
    Person("owen.price@wexcombe.example", "Owen Price", Role.CONTACT, ("wexcombe-diagnostics",)),
)
GUIDE = Person("mira.okafor@cairn.example", "Mira Okafor", Role.GUIDE, ("harrow-pike-haulage",))
LEAD = Person("astrid.moen@cairn.example", "Astrid Moen")
AUDITOR = Person("auditor@cairn.example", "Hugo Brandt")
PETRA = OTHERS[0]
NOTES = (  # days ago, and what a contact wrote of them
    (240, "New warehouse in Antwerp opened"),
    (110, "Sales reorganized into three regions"),
    (18, "Case swarming turned on"),
)
TEAM = (*MANAGERS[:2], GUIDE, LEAD)
STAFF = (*MANAGERS, GUIDE, LEAD, ADMIN, AUDITOR)
PEOPLE = (*MANAGERS, GUIDE, LEAD, MAREN, JONAS, EWA, IDRIS, NOOR, GRETA, SAM, *OTHERS, ADMIN, AUDITOR)

SIGN_INS: tuple[tuple[str, str, str, str], ...] = (  # who, address, password, what they see
    ("Maren Holt, contact", MAREN.email, PASSWORD, "Aldermoor Logistics; work orders grew 693 / 564"),
    ("Jonas Reuter, contact", JONAS.email, PASSWORD, "five organizations: one is new, one on Premier"),
    ("Idris Bello, viewer", IDRIS.email, PASSWORD, "Aldermoor Logistics, without changing anything"),
    ("Ewa Zielińska, training admin", EWA.email, PASSWORD, "Aldermoor Logistics, as a contact does"),
    ("Noor Haddad, partner", NOOR.email, PASSWORD, "Aldermoor Logistics, for 90 days"),
    ("Petra Vogel, contact", PETRA.email, PASSWORD, "a Premier plan: how to request a success review"),
    ("Greta Lind, contact", GRETA.email, PASSWORD, "the score in English only: her language is German"),
    ("Mira Okafor, success guide", GUIDE.email, PASSWORD, "Harrow & Pike Haulage, whose reviews she holds"),
    ("Inês Duarte, success manager", INES, PASSWORD, "her 12 organizations"),
    ("Rafael Stein, success manager", RAFAEL, PASSWORD, "his organizations"),
    ("Astrid Moen, success lead", LEAD.email, PASSWORD, "the portfolios of her team: Inês's and Rafael's"),
    ("Ada Lindgren, administrator", ADMIN.email, PASSWORD, "all 40 organizations"),
    ("Hugo Brandt, auditor", AUDITOR.email, PASSWORD, "every org, its plan and the audit log, no score"),
    ("Sam Okoro, contact", SAM.email, PASSWORD, "an organization for every state a score can be in"),
)


@transaction.atomic
def create() -> None:
    """Make everybody who can sign in, all or none; success managers are there already, as addresses."""
    organizations = {organization.slug: organization for organization in Organization.objects.all()}
    # Hashing is slow on purpose, and this password is printed anyway: one hash does for all.
    password = make_password(PASSWORD)
    team, _ = Team.objects.get_or_create(name="Customer success North")
    for person in PEOPLE:
        known = {
            "name": person.name,
            "password": password,
            "is_admin": person is ADMIN,
            "is_auditor": person is AUDITOR,
            "is_lead": person is LEAD,
            "is_staff": person in STAFF,
            "team": team if person in TEAM else None,
            "language": person.language,
        }
        user, _ = User.objects.update_or_create(email=person.email, defaults=known)
        is_known = {"verified": True, "primary": True}
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults=is_known)
        for slug in person.slugs:
            until = timezone.now() + timedelta(days=person.days) if person.days else None
            designate(organizations[slug], user, person.role, until=until)
    _write(organizations[MAREN.slugs[0]], User.objects.get(email=MAREN.email))


def _write(organization: Organization, by: User) -> None:
    """What Maren noted beside the score of her organization."""
    if organization.notes.exists():
        return
    today = timezone.now().date()
    for back, text in NOTES:
        notes.write(organization, today - timedelta(days=back), text, by=by)


def are_there() -> bool:
    """Whether the people were made: they come last, so everything else of the demo is there then too."""
    return User.objects.filter(email=ADMIN.email).exists()
