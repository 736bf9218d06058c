"""The hand of those who look after an organization: add, reword, order, hide, pin, put into the review."""

from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Capability, open_organization
from accounts.reviews import open_request
from portal.pages.actions.detail import Sent, one
from portal.pages.actions.moving import edition, refused
from portal.pages.actions.page import Option, frame, scored
from portal.pages.actions.rows import Hand, hand
from portal.pages.asking import Asking
from recommendations import finding, tailoring
from recommendations.lifecycle import EditedMeanwhile, FieldRefused, Horizon

if TYPE_CHECKING:
    from accounts.models import Organization
    from recommendations.models import Recommendation


def opened(request: Asking, slug: str) -> "Organization":
    """The organization, for whoever sees its recommendations and may tailor them."""
    open_organization(request.user, slug, to=Capability.SEE_RECOMMENDATIONS)
    return open_organization(request.user, slug, to=Capability.TAILOR_RECOMMENDATIONS)


@require_POST
def tailor(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    """One of the buttons below a recommendation."""
    organization = opened(request, slug)
    found, able = one(request, organization, public_id)
    said = done(request, organization, found, able, request.POST.get("do", ""))
    messages.success(request, said) if said else messages.error(
        request, f"“{request.POST.get('do', '')[:40]}” is nothing that can be done here."
    )
    return redirect("action", slug, public_id)


def done(
    request: Asking, organization: "Organization", found: "Recommendation", able: Hand, what: str
) -> str:
    """What was done, in words; empty for what is not known."""
    who: dict[str, Any] = {"by": request.user, "hat": able.tailors}
    match what:
        case "pin" | "unpin":
            tailoring.pin(found, what == "pin", **who)
            return "It comes first now." if what == "pin" else "It is pinned no longer."
        case "hide":
            tailoring.hide(found, **who)
            return "The customer no longer sees it."
        case "show":
            tailoring.show(found, **who)
            return "The customer sees it again."
        case "up" | "down":
            tailoring.order(organization, moved(organization, found, -1 if what == "up" else 1), **who)
            return "The order is changed; the ranker's stays as it is."
        case "model":
            kept = [each.public_id for each in placed(organization) if each != found]
            tailoring.order(organization, kept, **who)
            return "It stands where the ranker puts it."
        case "review":
            review = open_request(organization)
            if review is None:
                return "No review is asked for now, so there is none to put it into."
            tailoring.put_into_review(found, review, **who)
            return "It is part of the review that was asked for."
        case "unreview":
            tailoring.put_into_review(found, None, **who)
            return "It is part of no review."
    return ""


def placed(organization: "Organization") -> "list[Recommendation]":
    """Those that people have put somewhere, in their order."""
    return list(organization.recommendations.exclude(position=None).order_by("position", "pk"))


def moved(organization: "Organization", found: "Recommendation", by: int) -> list[UUID]:
    """The ids in their new order, as far down as people have an order of their own."""
    open_ones = list(tailoring.ordered(organization.recommendations.filter(status__in=finding.OPEN)))
    if found not in open_ones:
        open_ones.append(found)
    at = open_ones.index(found)
    to = min(max(at + by, 0), len(open_ones) - 1)
    open_ones.insert(to, open_ones.pop(at))
    last = max(at, to, *(place for place, each in enumerate(open_ones) if each.position is not None), 0)
    return [each.public_id for each in open_ones[: last + 1]]


@require_POST
def reword(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    found, able = one(request, organization, public_id)
    title, text = request.POST.get("title", ""), request.POST.get("text", "")
    try:
        tailoring.reword(
            found, title=title, text=text, by=request.user, hat=able.tailors, edition=edition(request)
        )
    except (EditedMeanwhile, FieldRefused) as error:
        return refused(request, organization, public_id, error, Sent(title=title, text=text))
    messages.success(request, "These are its words now; no night replaces them.")
    return redirect("action", slug, public_id)


FIELDS = ("title", "text", "signal", "target", "effort_days", "horizon")


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: Asking, slug: str) -> HttpResponse:
    """A form for advice of one's own; a POST keeps it."""
    organization = opened(request, slug)
    card = scored(organization)
    if card is None:
        raise Http404("There is no score to recommend anything from.")
    sent = {name: request.POST.get(name, "").strip() for name in FIELDS}
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            made = kept(organization, sent, hand(request.user, organization), request)
        except FieldRefused as error:
            problems[error.field] = error.why
        else:
            messages.success(request, f"{made.title}: added. The next night works out what it brings.")
            return redirect("action", slug, made.public_id)
    signals = [
        (
            each.name,
            [
                Option(s.key, s.name, s.key == sent["signal"])
                for s in card.scorecard.signals
                if s.category == each.key
            ],
        )
        for each in card.scorecard.categories
    ]
    page = frame(request, organization, card) | {
        "sent": sent,
        "problems": problems,
        "signals": signals,
        "horizons": [Option(key, text, key == sent["horizon"]) for key, text in Horizon.choices],
        "back": reverse("actions", args=[slug]),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK
    return render(request, "recommendations/action_add.html", page, status=status)


def kept(organization: "Organization", sent: dict[str, str], able: Hand, request: Asking) -> "Recommendation":
    """What was typed, as a recommendation; raise FieldRefused for what cannot be."""
    target = sent["target"]
    if not (target.isascii() and target.isdecimal() and len(target) < 5):
        raise FieldRefused("target", target, f"“{target[:40]}” is not a whole number from 1 to 100.")
    try:
        effort = Decimal(sent["effort_days"])
    except InvalidOperation:
        effort = Decimal("NaN")
    if not effort.is_finite() or effort != round(effort, 1):
        raise FieldRefused(
            "effort_days",
            sent["effort_days"],
            f"“{sent['effort_days'][:40]}” is not a number of days such as 2.5.",
        )
    return tailoring.add(
        organization,
        title=sent["title"],
        text=sent["text"],
        signal=sent["signal"],
        target=int(target),
        effort_days=effort,
        horizon=sent["horizon"],
        by=request.user,
        hat=able.tailors,
    )
