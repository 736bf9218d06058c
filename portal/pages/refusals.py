"""Pages that say no, or sorry: they never tell whether another organization exists."""

from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import installation
from accounts.access import (
    Capability,
    LanguageRefused,
    PlanRefused,
    ProductRefused,
    Refused,
    is_open,
    opened_by,
    plans_that_open,
)
from accounts.contacts import ours
from accounts.preferences import language_of
from portal.logs import request_id
from portal.pages.asking import Asking
from portal.pages.shell import shell
from portal.pages.words import CHANGE_LANGUAGE, listed
from portal.seeing import ReadOnly
from scoring.api import PROBLEM, problem

# What stands between, and the page that says so.
PAGES: dict[type[Refused], str] = {
    PlanRefused: "portal/plan_refused.html",
    ProductRefused: "portal/no_score.html",
    LanguageRefused: "portal/language_refused.html",
    Refused: "portal/role_refused.html",
}


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: where it is about one organization, the page says what stands between."""
    if isinstance(exception, ReadOnly):
        return render(request, "portal/read_only.html", status=HTTPStatus.FORBIDDEN)
    if not isinstance(exception, Refused):
        return render(request, "403.html", status=HTTPStatus.FORBIDDEN)
    asking, organization = cast(Asking, request), exception.organization
    context: dict[str, object] = {
        "shell": shell(asking, organization, here=reverse("dashboard", args=[organization.slug])),
        "organization": organization,
        "conditions": reverse("conditions", args=[organization.slug]),
    }
    if words := WORDS.get(type(exception)):
        context |= words(asking, exception)
    return render(request, PAGES[type(exception)], context, status=HTTPStatus.FORBIDDEN)


def plan_words(request: Asking, refusal: Refused) -> dict[str, object]:
    """What the plan opens, and whom to ask."""
    organization = refusal.organization
    plan = organization.opened.plan
    return {
        "plan": plan,
        "last": refusal.last,
        "is_score": refusal.to == Capability.SEE_SCORE,
        "shares_reviews": plan is not None and Capability.REQUEST_REVIEW in opened_by(plan.plan),
        "may_request": is_open(request.user, organization.opened, Capability.REQUEST_REVIEW),
        "with_score": listed(plans_that_open(Capability.SEE_SCORE)),
        "with_review": listed(plans_that_open(Capability.REQUEST_REVIEW)),
        "managers": [member.user for member in ours(organization)],
        "support": installation.current().support_email,
    }


def product_words(request: Asking, refusal: Refused) -> dict[str, object]:
    return {"reason": "no product"}


def language_words(request: Asking, refusal: Refused) -> dict[str, object]:
    """The language that is set, and the page to come back to."""
    code, name = language_of(request.user)
    return {
        "code": code,
        "language": name,
        "change": CHANGE_LANGUAGE.get(code.partition("-")[0], ""),
        "back": request.get_full_path() if request.method == "GET" else "/",
    }


WORDS: dict[type[Refused], Callable[[Asking, Refused], dict[str, object]]] = {
    PlanRefused: plan_words,
    ProductRefused: product_words,
    LanguageRefused: language_words,
}


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: the same words whether the thing is someone else's or was never there."""
    if request.path.startswith("/api/"):
        answer = problem(HTTPStatus.NOT_FOUND, "Not Found", "There is nothing at this address.")
        return JsonResponse(answer, status=HTTPStatus.NOT_FOUND, content_type=PROBLEM)
    return render(request, "404.html", status=HTTPStatus.NOT_FOUND)


def broken(request: HttpRequest) -> HttpResponse:
    """500: asks neither the database nor the session, which may be what is broken."""
    context = {"reference": reference(), "product": settings.PRODUCT_NAME, "vendor": settings.VENDOR_NAME}
    return HttpResponse(render_to_string("500.html", context), status=HTTPStatus.INTERNAL_SERVER_ERROR)


def reference() -> str:
    """7F3A-91C2: the beginning of the request's id, which stands in full in the log."""
    name = request_id.get().upper()
    return f"{name[:4]}-{name[4:8]}" if len(name) >= 8 else "none"
