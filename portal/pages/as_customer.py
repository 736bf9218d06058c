"""See what the customer sees: two buttons, one that begins and one that stops."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.access import Capability, open_organization
from portal import seeing
from portal.pages.asking import Asking


@require_POST
def begin(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_AS_CUSTOMER)
    seeing.begin(request, request.user, organization)
    return redirect("dashboard", slug)


@require_POST
def stop(request: Asking) -> HttpResponse:
    """Needs no door: it gives back one's own eyes, and says nothing of the organization."""
    slug = seeing.end(request)
    return redirect("dashboard", slug) if slug else redirect("home")
