"""The mail of an install without a mail server, for its administrators: a letter may hold a way in."""

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.mailbox import NEWEST, is_kept, letters
from portal.pages.asking import Asking
from portal.pages.house import house

A_PAGE = 20


@require_safe
def mailbox(request: Asking) -> HttpResponse:
    """The letters, page by page: with no name in the address, no name can lead astray."""
    if not (request.user.is_authenticated and request.user.is_admin):
        raise PermissionDenied("The mailbox is for administrators.")
    if not is_kept():
        raise Http404("Mail is sent, not kept.")
    page = Paginator(letters(), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "house": house(request),
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "newest": NEWEST,
    }
    return render(request, "portal/mailbox.html", context)
