"""My Success Plan: the plan and its time, the ways on, who looks after the organization, what it owns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts import installation
from accounts.access import (
    Capability,
    Condition,
    Needs,
    able_to,
    conditions,
    is_open,
    last_plan,
    open_organization,
    opened_by,
    plans_that_open,
)
from accounts.contacts import ours
from accounts.preferences import remember
from accounts.reviews import AlreadyRequested, NothingToAnswer, answer, open_request, request_review
from portal.pages.actions.rows import effort, worked
from portal.pages.asking import Asking
from portal.pages.shell import shell
from portal.pages.words import listed
from recommendations import finding

if TYPE_CHECKING:
    from accounts.models import Organization
    from recommendations.models import Recommendation

OPENS = {
    Capability.SEE_SCORE: "the live score",
    Capability.REQUEST_REVIEW: "success reviews, which a guide prepares and shares",
}


@dataclass(frozen=True)
class Way:
    """A quick link, and what lies behind it."""

    text: str
    href: str
    about: str


@require_safe
def plan(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug)
    remember(request.user, organization)
    opened = organization.opened
    opens = opened_by(opened.plan.plan) if opened.plan else frozenset()
    page = {
        "shell": shell(request, organization, here=request.path),
        "organization": organization,
        "plan": opened.plan,
        "last": None if opened.plan else last_plan(organization),
        "opens": listed([text for capability, text in OPENS.items() if capability in opens]),
        "with_score": listed(plans_that_open(Capability.SEE_SCORE)),
        "ways": ways(slug, {each.needs for each in conditions(request.user, opened) if stands(each)}),
        "ours": ours(organization),
        "support": installation.current().support_email,
        "products": [product.name for product in organization.products.order_by("name")],
        "has_reviews": Capability.REQUEST_REVIEW in opens,
        "waiting": open_request(organization),
        "review": in_review(organization),
        "may_request": is_open(request.user, opened, Capability.REQUEST_REVIEW),
        # Whoever sees the score finds this beside the comparison, on the page about peers.
        "choosing": is_open(request.user, opened, Capability.CHOOSE_PEERS)
        and not is_open(request.user, opened, Capability.SEE_SCORE),
        "may_answer": is_open(request.user, opened, Capability.ANSWER_REVIEW_REQUEST),
    }
    return render(request, "portal/plan.html", page)


@dataclass(frozen=True)
class Advice:
    """One recommendation as a review tells it: what to do and how much work it is; no score, no signal."""

    title: str
    about: str
    first_step: str
    steps: tuple[str, ...]
    effort: str
    is_commercial: bool


def in_review(organization: "Organization") -> list[Advice]:
    """What the newest review brings, for those who read recommendations; the live score stays closed."""
    if not able_to(Capability.SEE_RECOMMENDATIONS, organization.opened.roles):
        return []
    return [_advice(each) for each in finding.of_newest_review(organization)]


def _advice(each: "Recommendation") -> Advice:
    play = finding.play_of(each)
    return Advice(
        each.title,
        each.own_text or (play.why if play else ""),
        play.first_step if play else "",
        play.steps if play else (),
        f"{effort(each.effort_days)[0]} effort, {worked(each.effort_days)}",
        finding.costs_money(each),
    )


def stands(condition: Condition) -> bool:
    """Whether the condition stands between this person and the score."""
    return condition.binds and not condition.is_met


def ways(slug: str, between: set[Needs]) -> list[Way]:
    """The quick links: only those that open, or need one click of the reader to."""
    found = [Way("Who can see the score", reverse("conditions", args=[slug]), "what it depends on, for you")]
    if between <= {Needs.LANGUAGE}:
        about = "in English only; you can view it for this visit" if between else "the score and its reasons"
        found.insert(0, Way("Customer Success Score", reverse("dashboard", args=[slug]), about))
    return found


@require_POST
def ask_for_review(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.REQUEST_REVIEW)
    link = installation.link(reverse("plan", args=[slug]))
    try:
        request_review(organization, by=request.user, link=link)
    except AlreadyRequested:
        messages.info(request, "A review is requested already. One request can be open at a time.")
    else:
        messages.success(request, "Your request is on its way. You hear from us to agree on a date.")
    return redirect("plan", slug)


@require_POST
def answer_review(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.ANSWER_REVIEW_REQUEST)
    try:
        answer(organization, by=request.user)
    except NothingToAnswer:
        messages.info(request, "No request is open any more.")
    else:
        messages.success(request, "Marked as arranged. They can ask again when they need the next one.")
    return redirect("plan", slug)
