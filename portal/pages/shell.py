"""What stands around every page of one organization: its name and plan, the ways on, who is signed in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.access import Capability, able_to, called, is_open
from portal import seeing
from portal.pages.asking import Asking
from scoring.read import CardReading

if TYPE_CHECKING:
    from accounts.models import Organization


@dataclass(frozen=True)
class Link:
    """A way on, and whether it leads here."""

    text: str
    href: str
    is_here: bool = False
    icon: str = ""
    count: int | None = None


@dataclass(frozen=True)
class Shell:
    """The side bar of one organization, for one person."""

    slug: str
    name: str
    plan: str
    person: str
    initials: str
    role: str
    can_switch: bool
    plan_page: Link
    overview: Link
    categories: tuple[Link, ...]
    closer: tuple[Link, ...] = ()  # pages that look at the score from another side
    improve: tuple[Link, ...] = ()  # what to do next
    contacts: Link | None = None  # for those who may see them
    activity: Link | None = None  # for those who may read it
    may_see_as_customer: bool = False
    seeing: str = ""  # with whose eyes the page is seen, if not with one's own
    impersonate: Link | None = None  # for those who may see the portal as somebody of the customer
    connection: Link | None = None  # for those who say how its people sign in


# By the name of its address: what a page beside the overview is called.
CLOSER = {
    "moved": "Why it changed",
    "trends": "Trends",
    "peers": "Peers",
    "targets": "Targets",
    "sources": "Data freshness",
    "exports": "Exports",
}


# What to do about the score: text, name of the address, icon. A page that is not there yet has no line.
IMPROVE = (("Actions", "actions", "tasks"), ("Planner", "planner", "plan"))


def shell(
    request: Asking,
    organization: "Organization",
    card: CardReading | None = None,
    here: str = "",
    *,
    actions: int | None = None,
) -> Shell:
    """The side bar.

    here     address of the page it stands beside
    actions  how many are open, where the page knows
    """
    user = request.user
    door = organization.opened
    categories = card.scorecard.categories if card else ()
    return Shell(
        slug=organization.slug,
        name=organization.name,
        plan=f"{door.plan.get_plan_display()} plan" if door.plan else "No plan in force",
        person=str(user),
        initials=initials(str(user)),
        role=called(door.own_roles),
        can_switch=door.has_others,
        plan_page=_link(
            "My Success Plan" if door.is_customers else "Success Plan",
            reverse("plan", args=[organization.slug]),
            here,
        ),
        overview=_link("Overview", reverse("dashboard", args=[organization.slug]), here),
        categories=tuple(
            _link(category.name, reverse("category", args=[organization.slug, category.key]), here)
            for category in categories
        ),
        closer=tuple(
            _link(text, reverse(name, args=[organization.slug]), here) for name, text in CLOSER.items()
        )
        if card
        else (),
        improve=_improve(organization.slug, here, actions)
        if is_open(user, door, Capability.SEE_RECOMMENDATIONS)
        else (),
        contacts=_link("Contacts", reverse("contacts", args=[organization.slug]), here)
        if able_to(Capability.SEE_CONTACTS, door.roles)
        else None,
        activity=_link("Activity", reverse("activity", args=[organization.slug]), here)
        if able_to(Capability.SEE_AUDIT, door.roles)
        else None,
        may_see_as_customer=is_open(user, door, Capability.SEE_AS_CUSTOMER),
        seeing=_seeing(request, organization),
        impersonate=_link("See as a contact", reverse("impersonate", args=[organization.slug]), here)
        if able_to(Capability.IMPERSONATE, door.roles)
        else None,
        connection=_link("Sign-in", reverse("connection", args=[organization.slug]), here)
        if able_to(Capability.MANAGE_CONNECTION, door.roles)
        else None,
    )


def _seeing(request: Asking, organization: "Organization") -> str:
    """What the banner says; empty for who looks with their own eyes."""
    now = seeing.seen(request)
    if now is None or not organization.opened.seen_by:
        return ""
    until = timezone.localtime(now.until)
    return f"You see this as a contact of {organization.name} would, to read only, until {until:%H:%M %Z}."


def initials(name: str) -> str:
    """MH for Maren Holt; an e-mail address gives the first letter of its parts."""
    words = name.partition("@")[0].replace(".", " ").replace("-", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def _improve(slug: str, here: str, actions: int | None) -> tuple[Link, ...]:
    found = []
    for text, name, icon in IMPROVE:
        try:
            href = reverse(name, args=[slug])
        except NoReverseMatch:
            continue
        found.append(Link(text, href, href == here, icon, actions if name == "actions" else None))
    return tuple(found)


def _link(text: str, href: str, here: str) -> Link:
    return Link(text, href, href == here)
