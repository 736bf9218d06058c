"""Coaching beside a recommendation: asked for by the customer, answered by those who look after it."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.access import Capability, able_to, hat_of, open_organization
from portal.pages.actions.detail import Sent, one
from portal.pages.actions.moving import refused
from portal.pages.asking import Asking
from recommendations import coaching
from recommendations.coaching import AlreadyAsked, AnsweredAlready
from recommendations.lifecycle import FieldRefused

if TYPE_CHECKING:
    from accounts.models import Organization


def opened(request: Asking, slug: str, to: Capability) -> "tuple[Organization, str]":
    """The organization, and the hat under which this person does that there."""
    open_organization(request.user, slug, to=Capability.SEE_RECOMMENDATIONS)
    organization = open_organization(request.user, slug, to=to)
    return organization, hat_of(able_to(to, organization.opened.own_roles))


@require_POST
def ask(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization, hat = opened(request, slug, Capability.REQUEST_COACHING)
    found, _ = one(request, organization, public_id)
    wish = request.POST.get("wish", "")
    try:
        coaching.ask(found, topic=found.title, wish=wish, by=request.user, hat=hat)
    except FieldRefused as error:
        return refused(request, organization, public_id, error, Sent(wish=wish))
    except AlreadyAsked as error:
        messages.info(request, f"{error} The answer will stand here.")
    else:
        messages.success(request, "Asked for. The answer will stand here.")
    return redirect("action", slug, public_id)


@require_POST
def answer(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization, hat = opened(request, slug, Capability.ANSWER_COACHING)
    found, _ = one(request, organization, public_id)
    text = request.POST.get("answer", "")
    waiting = found.coaching_requests.filter(answered_at=None).first()
    if waiting is None:
        messages.info(request, "Nothing waits for an answer any more.")
        return redirect("action", slug, public_id)
    try:
        coaching.answer(organization, waiting.public_id, text=text, by=request.user, hat=hat)
    except FieldRefused as error:
        return refused(request, organization, public_id, error, Sent(answer=text))
    except AnsweredAlready as error:
        messages.info(request, str(error))
    except coaching.NotAsked as error:
        raise Http404("No such request.") from error
    else:
        messages.success(request, "Answered. They read it beside the action.")
    return redirect("action", slug, public_id)
