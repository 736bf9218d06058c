"""The page of the trends, its figure for exploring and its file; each behind the same door."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import Capability, is_open, open_organization
from portal.pages.asking import Asking
from portal.pages.shell import shell
from portal.pages.strict import Strict
from portal.pages.trends import measured
from portal.pages.trends.asked import Asked, asked_of, choices, node_of, parent_of, periods, steps
from portal.pages.trends.drawn import Drawn, Line, drawn, lines
from portal.pages.trends.events import events
from portal.pages.trends.figure import as_file, figure
from portal.pages.trends.forms import NoteForm
from portal.pages.trends.under import Under, under
from portal.pages.words import NOTHING_YET
from scoring import course, history, read, recomputed
from scoring.course import Night
from scoring.read import CardReading, Reading

if TYPE_CHECKING:
    from accounts.models import Organization


@dataclass(frozen=True)
class Seen:
    """Everything one address shows."""

    card: CardReading
    asked: Asked
    node: Reading
    shown: list[Line]
    nights: list[Night]
    drawn: Drawn
    under: Under
    may_write: bool


@require_safe
def trends(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    return show(request, organization)


@require_safe
def trends_figure(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    seen = look(request, organization)
    if seen is None:
        return JsonResponse({"days": [], "lines": []})
    return JsonResponse(figure(seen.card, seen.shown, seen.nights, seen.drawn, seen.under))


@require_safe
def trends_file(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    seen = look(request, organization)
    if seen is None:
        return redirect("dashboard", slug)
    return _file(as_file(seen.card, seen.shown, seen.nights, seen.under), seen.card, seen.node)


@require_safe
def trends_measured(request: Asking, slug: str, node: str) -> HttpResponse:
    """What a signal was measured by, as a file."""
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    card = read.latest(organization)
    if card is None or card.overall.state in NOTHING_YET:
        return redirect("dashboard", slug)
    reading = node_of(card, Asked(node))
    found = measured.figure(card, reading)
    if found is None:
        raise Http404("No months to show.")
    return _file(measured.as_file(card, reading, found), card, reading, "-measured")


def _file(text: str, card: CardReading, node: Reading, what: str = "") -> HttpResponse:
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    of = f"{card.organization.slug}-{node.node.replace('/', '-')}{what}"
    response["Content-Disposition"] = f'attachment; filename="{of}-v{card.number}-{card.day}.csv"'
    return response


def look(request: Asking, organization: "Organization") -> Seen | None:
    """What the address asks for; None while there is no score."""
    asked = asked_of(request)
    past = history.of(organization, days=max(asked.period.days, history.YEAR))
    card = read.latest(organization, known=past)
    if card is None or card.overall.state in NOTHING_YET:
        return None
    node = node_of(card, asked)
    shown = lines(card, node)
    every = course.of(organization, [line.node for line in shown], known=past)
    nights = [night for night in every if (every[-1].day - night.day).days <= asked.period.days]
    if asked.closes:
        nights = course.closes(nights)
    again = recomputed.of(organization, past, [line.node for line in shown])
    beside = under(card.number, nights, again)
    may_write = is_open(request.user, organization.opened, Capability.WRITE_NOTES)
    found = events(organization, nights, may_write=may_write)
    picture = drawn(card, node, nights, asked, found, beside)
    return Seen(card, asked, node, shown, nights, picture, beside, may_write)


def show(request: Asking, organization: "Organization", form: Strict | None = None) -> HttpResponse:
    """The page; with a form that was not accepted, where it can be put right."""
    seen = look(request, organization)
    if seen is None:
        return redirect("dashboard", organization.slug)
    page = {"shell": shell(request, organization, seen.card, request.path), "organization": organization}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form is not None else HTTPStatus.OK
    return render(request, "portal/trends.html", page | _page(seen, form or NoteForm()), status=status)


def _page(seen: Seen, form: Strict) -> dict[str, Any]:
    card, node, slug = seen.card, seen.node, seen.card.organization.slug
    query = seen.asked.query()
    above = parent_of(card, node)
    return {
        "card": card,
        "node": node,
        "name": seen.shown[0].name,
        "above": above,
        "above_query": seen.asked.query(node=above.node) if above else "",
        "page_of_node": address_of(slug, node),
        "trend": seen.drawn,
        "measured": measured.figure(card, node),
        "measured_file": reverse("trends-measured", args=[slug, node.node]) if node.signal else "",
        "asked": seen.asked,
        "groups": list(choices(card, seen.asked)),
        "periods": periods(seen.asked),
        "steps": steps(seen.asked),
        "every": seen.asked.query(rows="all"),
        "is_cut": not (seen.asked.every or seen.asked.closes),
        "file": f"{reverse('trends-file', args=[slug])}{query}",
        "figure": f"{reverse('trends-figure', args=[slug])}{query}",
        "first": seen.nights[0].day,
        "form": form,
        "may_write": seen.may_write,
    }


def address_of(slug: str, node: Reading) -> str:
    """The page that explains a node now."""
    if node.signal is not None:
        return f"{reverse('category', args=[slug, node.signal.category])}?signal={node.node}#why"
    if node.level == "overall":
        return reverse("dashboard", args=[slug])
    return reverse(node.level, args=[slug, *node.node.split("/")])
