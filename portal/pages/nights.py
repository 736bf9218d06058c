"""The nights, for whoever runs the house: what became of each, why one failed, and a way to run it now."""

from datetime import date

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import ADMIN
from portal import nightly, tasks
from portal.pages.asking import Asking
from portal.pages.house import house

PAGE = 20


@require_http_methods(["GET", "HEAD", "POST"])
def nights(request: Asking) -> HttpResponse:
    """The newest nights; a POST rings the workers."""
    if not request.user.is_admin:
        raise PermissionDenied("The nights are for administrators.")
    if request.method == "POST":
        nightly.say_by_hand(by=request.user, hat=ADMIN)
        tasks.again.delay()
        messages.success(request, "Asked for. A worker takes it up now; reload to see how far it is.")
        return redirect("nights")
    before = day_of(request.GET.get("before", ""))
    shown = nightly.nights(before=before, count=PAGE + 1)
    more = shown[PAGE - 1].day if len(shown) > PAGE else None
    page = {"house": house(request), "nights": shown[:PAGE], "more": more, "alarm": nightly.alarm()}
    return render(request, "portal/nights.html", page)


def day_of(text: str) -> date | None:
    """The day of an address; anything else shows the newest nights."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
