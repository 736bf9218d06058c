"""An administrator helps somebody who has lost their second factor: it goes in a day, unless they say no."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import lost_factors
from accounts.access import ADMIN, admit
from accounts.factors import factors
from accounts.lost_factors import DELAY, ResetRefused
from portal.pages.asking import Asking
from portal.pages.fresh import fresh
from portal.pages.house import house

ANSWERS = {"ask": lost_factors.ask, "cancel": lost_factors.cancel}


@fresh
@require_http_methods(["GET", "HEAD", "POST"])
def factor_reset(request: Asking, person: int) -> HttpResponse:
    admit(request.user, ADMIN)
    whose = lost_factors.person(person)
    if whose is None:
        raise Http404("No such person.")
    refusal = ""
    if request.method == "POST":
        story = ANSWERS.get(request.POST.get("do", ""))
        if story is None:
            refusal = f"Ask for the reset or cancel it; {request.POST.get('do', '')[:40]!r} is neither."
        else:
            try:
                story(whose, by=request.user)
            except ResetRefused as refused:
                refusal = str(refused)
            else:
                messages.success(request, f"Done. {whose} has been told at every address we know.")
                return redirect("factor-reset", person)
    page = {
        "house": house(request),
        "person": whose,
        "factors": factors(whose),
        "reset": lost_factors.waiting(whose),
        "hours": int(DELAY.total_seconds() // 3600),
        "refusal": refusal,
        "is_self": whose.pk == request.user.pk,
    }
    return render(request, "portal/factor_reset.html", page)
