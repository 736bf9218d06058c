"""A person's own links to their companies' sign-ins: made while signed in, removed at will."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts import arrivals
from portal.pages import sso
from portal.pages.asking import Asking
from portal.pages.confirming import ask_again, is_fresh


@require_safe
def links(request: Asking) -> HttpResponse:
    """Every company sign-in that this person could use, linked or not."""
    return render(request, "portal/company_links.html", {"links": arrivals.own_links(request.user)})


@require_POST
def link(request: Asking, connection: UUID) -> HttpResponse:
    """On to the company, to sign in there once."""
    found = next((each for each, _ in arrivals.own_links(request.user) if each.public_id == connection), None)
    if found is None:
        raise Http404("No such connection.")
    if not is_fresh(request):
        return ask_again(request, reverse("company-links"))
    return sso.begin(request, found, sso.LINK, reverse("company-links"))


@require_POST
def unlink(request: Asking, connection: UUID) -> HttpResponse:
    """Without this way in from now on."""
    for found, identity in arrivals.own_links(request.user):
        if found.public_id == connection and identity is not None:
            if not is_fresh(request):
                return ask_again(request, reverse("company-links"))
            if found.is_required and found.break_glass_id != request.user.pk:
                messages.error(request, "Your organization requires this way in, so the link stays.")
            else:
                arrivals.unlink(identity, by=request.user)
                messages.success(request, "The link is removed.")
            return redirect("company-links")
    raise Http404("No such link.")
