"""The Actions hub: one organization's recommendations, by list, filtered and sorted, and one beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from accounts.access import Capability, open_organization
from accounts.contacts import ours
from portal.pages.actions.asked import Asked, asked
from portal.pages.actions.quadrant import Placed, quadrant
from portal.pages.actions.rows import Row, hand, rows
from portal.pages.asking import Asking
from portal.pages.products import Chip
from portal.pages.shell import shell
from portal.pages.words import NOTHING_YET
from portal.templatetags.scores import plural, points
from recommendations import finding, lifecycle
from recommendations.finding import FAVORITES, LISTS, Counts, Found
from recommendations.lifecycle import Horizon, Status
from scoring import read
from scoring.engine import Scorecard
from scoring.read import CardReading

if TYPE_CHECKING:
    from accounts.models import Organization, User

A_PAGE = 25


@dataclass(frozen=True)
class Group:
    """The rows of one page that belong together."""

    key: str
    title: str
    note: str
    rows: list[Row]


@dataclass(frozen=True)
class Option:
    """One choice of a list to choose from."""

    key: str
    text: str
    is_on: bool


@require_safe
def actions(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_RECOMMENDATIONS)
    card = scored(organization)
    page = frame(request, organization, card)
    if card is not None:
        page |= hub(request, organization, card)
        page["shell"] = shell(request, organization, card, page["here"], actions=page["counts"].open_ones)
    return render(request, "recommendations/actions.html", page)


def scored(organization: "Organization") -> CardReading | None:
    """The newest card, if it says anything yet."""
    card = read.latest(organization)
    return None if card is None or card.overall.state in NOTHING_YET else card


def frame(request: Asking, organization: "Organization", card: CardReading | None) -> dict[str, Any]:
    """What stands around the hub."""
    here = here_of(organization)
    mine = ours(organization)
    return {
        "shell": shell(request, organization, card, here),
        "organization": organization,
        "card": card,
        "here": here,
        "planner": planner(organization.slug),
        "lead": str(mine[0].user) if mine else "",
        "lead_role": mine[0].called.lower() if mine else "",
    }


def here_of(organization: "Organization") -> str:
    """The address of the hub."""
    return reverse("actions", args=[organization.slug])


def planner(slug: str) -> str:
    """The address of the planner; empty in a build that has none."""
    try:
        return reverse("planner", args=[slug])
    except NoReverseMatch:
        return ""


def hub(request: Asking, organization: "Organization", card: CardReading, on: str = "") -> dict[str, Any]:
    """The list and everything that narrows it.

    on  the id of the recommendation that is open beside it
    """
    able = hand(request.user, organization)
    everything = finding.of(organization, request.user, sees_hidden=bool(able.tailors))
    owners = lifecycle.owners(organization)
    wish = asked(request.GET, card.scorecard, [each.pk for each in owners], here_of(organization))
    counts = finding.counted(everything)
    found = finding.narrowed(everything, wish.wanted)
    page = Paginator(
        found.select_related("owner", "status_by", "playbook").defer("playbook__text"), A_PAGE
    ).get_page(request.GET.get("page"))
    shown = rows(page, card.scorecard, able, slug=organization.slug, kept=wish.kept)
    return {
        "hand": able,
        "asked": wish,
        "counts": counts,
        "tabs": tabs(wish, counts),
        "chips": chips(wish, counts, card.scorecard),
        "choose": choose(wish, card.scorecard, owners, finding.tags(everything)),
        "sorts": [Option(key, text, key == wish.wanted.sort) for key, (text, _) in finding.ORDERS.items()],
        "groups": groups(shown, wish, counts),
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "query": f"{wish.kept}&" if wish.kept else "",
        "reach": points(counts.reach) if counts.reaching else "",
        "reaching": plural(counts.reaching, "open action"),
        "total": counts.by_list[""],
        "on": on,
        "total_text": plural(counts.by_list[""], "action"),
        "quadrant": quadrant(placed(found, card.scorecard)) if not wish.wanted.status else None,
        "nothing": nothing(wish, organization),
        "statuses": [Option(key, text, False) for key, text in Status.choices],
        "together": reverse("actions-move", args=[organization.slug]),
        "back": request.get_full_path(),
    }


def placed(found: Found, scorecard: Scorecard) -> list[Placed]:
    """What is open and has a number, for the figure."""
    marks = {each.key: each.mark for each in scorecard.categories}
    rows = found.filter(status__in=finding.OPEN).exclude(gain=None).order_by("pk")
    return [
        Placed(title, marks.get(category, ""), days, gain or 0)
        for title, category, days, gain in rows.values_list("title", "category", "effort_days", "gain")
    ]


def tabs(wish: Asked, counts: Counts) -> list[Chip]:
    """A list for each status and the own favorites, each with its address and count."""
    return [
        Chip(text, wish.query(status=key), counts.by_list[key], wish.wanted.status == key)
        for key, text in LISTS.items()
    ]


@dataclass(frozen=True)
class CategoryChip:
    """One category to narrow the list to."""

    name: str
    mark: str
    href: str
    count: int
    is_here: bool


def chips(wish: Asked, counts: Counts, scorecard: Scorecard) -> list[CategoryChip]:
    """A choice for each category that has any."""
    found = [
        CategoryChip(
            "All categories", "", wish.query(category=""), counts.by_list[""], not wish.wanted.category
        )
    ]
    return found + [
        CategoryChip(
            each.name,
            each.mark,
            wish.query(category=each.key, subcategory="", signal=""),
            counts.by_category.get(each.key, 0),
            wish.wanted.category == each.key,
        )
        for each in scorecard.categories
        if counts.by_category.get(each.key)
    ]


def choose(
    wish: Asked, scorecard: Scorecard, owners: "list[User]", tags: Sequence[str]
) -> list[tuple[str, str, str, list[tuple[str, list[Option]]]]]:
    """The lists to choose from: name in the address, label, the word for all, options by group."""

    def options(name: str, pairs: list[tuple[str, str]]) -> list[Option]:
        now = wish.texts.get(name, "")
        return [Option(key, text, key == now) for key, text in pairs]

    subs = [
        (
            each.name,
            options("subcategory", [(f"{each.key}/{sub.key}", sub.name) for sub in each.subcategories]),
        )
        for each in scorecard.categories
    ]
    signals = [
        (
            each.name,
            options(
                "signal", [(leaf.key, leaf.name) for leaf in scorecard.signals if leaf.category == each.key]
            ),
        )
        for each in scorecard.categories
    ]
    found = [
        ("subcategory", "Subcategory", "Every subcategory", subs),
        ("signal", "Signal", "Every signal", signals),
        (
            "product",
            "Product",
            "Every product",
            [("", options("product", [(each.key, each.name) for each in scorecard.products]))],
        ),
        ("horizon", "Horizon", "Any time", [("", options("horizon", list(Horizon.choices)))]),
        ("quick", "Size", "Any size", [("", options("quick", [("1", "Quick wins")]))]),
        (
            "owner",
            "Owner",
            "Anybody",
            [("", options("owner", [(str(each.pk), str(each)) for each in owners]))],
        ),
    ]
    if tags:
        found.append(("tag", "Tag", "Any tag", [("", options("tag", [(tag, tag) for tag in tags]))]))
    return found


def groups(shown: Sequence[Row], wish: Asked, counts: Counts) -> list[Group]:
    """What is open, then what is closed; each under its heading."""
    found = []
    for is_open, mine in groupby(shown, key=lambda each: each.is_open):
        title = (
            LISTS[wish.wanted.status]
            if wish.wanted.status
            else "Open"
            if is_open
            else "Complete and archived"
        )
        number = counts.open_ones if is_open else counts.by_list[""] - counts.open_ones
        note = "" if wish.wanted.status or wish.is_filtered else f"{number} of {counts.by_list['']}"
        found.append(Group("open" if is_open else "closed", title, note, list(mine)))
    return found


@dataclass(frozen=True)
class Nothing:
    """Why a list is empty, and what to do."""

    title: str
    text: str
    href: str = ""
    link: str = ""


def nothing(wish: Asked, organization: "Organization") -> Nothing:
    """What an empty list says."""
    words = {
        "": (
            "No actions yet",
            "Every signal is where it should be, or the next night has yet to look. The night "
            "suggests actions by itself as soon as a signal is low, falls, or is far behind its peers.",
        ),
        Status.NEW: ("Nothing new", "Everything that was suggested has been taken up."),
        Status.IN_PROGRESS: (
            "Nothing is in progress",
            "Set an action to In Progress when work on it begins.",
        ),
        Status.COMPLETE: (
            "Nothing is complete yet",
            "Set an action to Complete when it is done; from then on the nights show what it brought.",
        ),
        Status.ARCHIVED: (
            "Nothing is archived",
            "What does not fit now can be archived with a reason. It comes back only when the facts change.",
        ),
        FAVORITES: (
            "No favorites yet",
            "Use the star of an action to find it here. Only you see your stars.",
        ),
    }
    title, text = words[wish.wanted.status]
    if not wish.wanted.status:
        return Nothing(title, text, reverse("dashboard", args=[organization.slug]), "See the score")
    return Nothing(title, text, here_of(organization), "Show all actions")
