"""The mail of an install without a mail server, for its administrators: a letter may hold a way in."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.mailbox import is_kept, letters


@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """Every letter on one page: with no name in the address, no name can lead astray."""
    if not (request.user.is_authenticated and request.user.is_admin):
        raise PermissionDenied("The mailbox is for administrators.")
    if not is_kept():
        raise Http404("Mail is sent, not kept.")
    return render(request, "portal/mailbox.html", {"letters": letters()})
