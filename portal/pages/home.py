"""Sends each person to their first page."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from accounts.access import installation_roles, is_open, look_up, visible_organizations
from portal.pages.asking import Asking


@require_safe
def home(request: Asking) -> HttpResponse:
    """Who works for the vendor sees their portfolio; a customer of one organization its overview, or its plan
    while that is closed; others choose."""
    if request.user.is_staff and not installation_roles(request.user):
        return redirect("portfolio")
    organizations = visible_organizations(request.user)[:2]
    if len(organizations) != 1:
        return redirect("organizations")
    opened = look_up(request.user, organizations)[organizations[0].pk]
    if not opened.is_customers:
        return redirect("organizations")
    return redirect("dashboard" if is_open(request.user, opened) else "plan", organizations[0].slug)
