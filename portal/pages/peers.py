"""Peers: how an organization stands among others of its kind, and whether it wants to be among them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import installation
from accounts.access import Capability, is_open, open_organization
from accounts.installation import ReferenceLines
from accounts.peers import choose
from portal import charts
from portal.pages.asking import Asking
from portal.pages.peer_panel import SHORT, drawn, group
from portal.pages.shell import shell
from portal.templatetags.scores import day
from scoring import peers, read
from scoring.peers import Comparison, Why


@dataclass(frozen=True)
class Past:
    """The overall score and its peers, close by close."""

    plot: charts.Plot | None
    label: str
    columns: list[str]
    rows: list[tuple[str, list[str]]]
    references: str = ""


@require_safe
def page(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    card = read.latest(organization)
    found = peers.comparisons(organization)
    newest = found[0] if found else None
    context = {
        "shell": shell(request, organization, card, request.path),
        "organization": organization,
        "panel": drawn(organization, newest, card.overall) if card else None,
        "past": past(found, installation.reference_lines()),
        "legend": [("all", "You"), ("peer", "Median of your peers")],
        "is_wider": newest is not None and newest.rung is not None and newest.rung > 1,
        "contributes": organization.contributes,
        "is_pending": newest is not None and (newest.why == Why.OPTED_OUT) is organization.contributes,
        "may_choose": is_open(request.user, organization.opened, Capability.CHOOSE_PEERS),
    }
    return render(request, "portal/peers.html", context)


@require_POST
def contribute(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.CHOOSE_PEERS)
    contributes = request.POST.get("contribute") == "yes"
    sees = is_open(request.user, organization.opened, Capability.SEE_SCORE)
    if not choose(organization, contributes=contributes, by=request.user):
        messages.info(request, "Nothing was changed.")
    elif contributes:
        more = ", and see the comparison from then on" if sees else ""
        messages.success(request, f"You contribute from the next close on{more}.")
    else:
        more = ", and see no comparison" if sees else ""
        messages.success(request, f"From the next close on you do not contribute{more}.")
    # A plan that does not open the score has its choice on the page of the plan.
    return redirect("peers" if sees else "plan", slug)


def past(found: Sequence[Comparison], lines: ReferenceLines | None = None) -> Past:
    """The closes with an overall comparison; the plot from two of them on, with the levels set beside it."""
    shown = [(each, each.standings["overall"]) for each in found if "overall" in each.standings]
    plot = None
    if len(shown) > 1:
        plot = charts.trend(
            [
                ("all", [(each.day, one.own) for each, one in shown[::-1]]),
                ("peer", [(each.day, one.median) for each, one in shown[::-1]]),
            ],
            shown[-1][0].day,
            shown[0][0].day,
            text=lambda value: str(round(value)),
            levels=[(lines.average, f"Average {lines.average}"), (lines.top, f"Top quartile {lines.top}")]
            if lines
            else (),
        )
    label = ""
    if plot:
        (last, now), (first, then) = shown[0], shown[-1]
        label = (
            f"From {day(first.day)} to {day(last.day)} the median of your peers "
            f"{_moved(then.median, now.median)}, and your score {_moved(then.own, now.own)}."
        )
    return Past(
        plot,
        label,
        ["You", "Lower quartile", "Median", "Upper quartile", "Your quarter", "Compared with"],
        [
            (
                day(each.day),
                [
                    _text(one.own),
                    _text(one.lower),
                    _text(one.median),
                    _text(one.upper),
                    SHORT[one.quarter] if one.quarter else "–",
                    f"{each.size_range} {group(each)}",
                ],
            )
            for each, one in shown
        ],
        references=lines.text if plot and lines else "",
    )


def _moved(then: int | None, now: int | None) -> str:
    return f"stayed at {_text(now)}" if then == now else f"went from {_text(then)} to {_text(now)}"


def _text(value: int | None) -> str:
    return "–" if value is None else str(value)
