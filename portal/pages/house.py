"""What stands around the pages of the house, which are of no one organization: the ways on, who is here."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from accounts.access import ADMIN, AUDITOR, LEAD, called, installation_roles, portfolio
from portal import mailbox
from portal.pages.asking import Asking
from portal.pages.shell import Link, initials

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True)
class Group:
    """Ways on that belong together."""

    text: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class House:
    """The side bar of the house, for one person."""

    person: str
    initials: str
    role: str
    groups: tuple[Group, ...]


# Who may read the plays: whoever looks after customers, and who runs the house.
LIBRARY_READERS = frozenset({"staff", "csm", LEAD, ADMIN})

# Text, name of the address, who has use for it. A page that is not there yet has no line.
PLACES: dict[str, tuple[tuple[str, str, frozenset[str]], ...]] = {
    "Customers": (
        ("Portfolio", "portfolio", frozenset({"staff", LEAD, "csm"})),
        ("My next actions", "next-actions", frozenset({"staff", LEAD, "csm"})),
        ("Organizations", "manage-organizations", frozenset({ADMIN})),
        ("Contacts", "manage-contacts", frozenset({ADMIN})),
    ),
    "Library": (("Recommendations", "playbook", LIBRARY_READERS),),
    "People": (("Staff", "staff", frozenset({ADMIN})), ("Teams", "teams", frozenset({ADMIN}))),
    "Running": (
        ("Nights", "nights", frozenset({ADMIN})),
        ("Scoring records", "admin:index", frozenset({ADMIN})),
        ("Settings", "settings", frozenset({ADMIN})),
    ),
    "Security": (("Audit log", "audit", frozenset({ADMIN, AUDITOR, "csm"})),),
}


def house(request: Asking) -> House:
    """The side bar beside the page that is asked for."""
    roles = roles_of(request.user)
    groups = []
    for text, places in PLACES.items():
        links = [_link(request, name, address) for name, address, whose in places if roles & whose]
        if text == "Running" and ADMIN in roles and mailbox.is_kept():
            links.append(_link(request, "Mail", "mailbox"))
        if links:
            groups.append(Group(text, tuple(links)))
    return House(
        person=str(request.user),
        initials=initials(str(request.user)),
        role=called(roles - {"csm"}) or called(roles) or "Success team",
        groups=tuple(groups),
    )


def roles_of(user: "User") -> frozenset[str]:
    """The installation roles; "csm" for whoever has a portfolio, "staff" for who works here without any."""
    roles = installation_roles(user)
    if user.is_lead:
        return roles | {LEAD, "csm"}
    if portfolio(user).exists():
        return roles | {"csm"}
    return roles or frozenset({"staff"} if user.is_staff else ())


def _link(request: Asking, text: str, address: str) -> Link:
    href = reverse(address)
    is_here = request.path.startswith(href) and not any(
        request.path.startswith(longer) for longer in _longer(href)
    )
    return Link(text, href, is_here)


def _longer(href: str) -> list[str]:
    """The addresses of other places that lie below this one."""
    others = [reverse(address) for places in PLACES.values() for _, address, _ in places]
    return [each for each in others if each != href and each.startswith(href)]
