"""Cover for absences: who stands in for whom. The absent, their lead or an administrator arranges it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import cover
from accounts.cover import CoverRefused
from portal.pages.asking import Asking
from portal.pages.days import DayField, midnight
from portal.pages.house import house


class CoverForm(forms.Form):
    """Who is away, who stands in, from which day to which; both days included."""

    absent = forms.ChoiceField(error_messages={"required": "Choose who is away."})
    covering = forms.ChoiceField(error_messages={"required": "Choose who stands in."})
    since = DayField(error_messages={"required": "Enter the first day."})
    until = DayField(error_messages={"required": "Enter the last day: cover always ends."})

    def __init__(self, data: Any, absences: Any, stand_ins: Any, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.people = {str(user.pk): user for user in (*absences, *stand_ins)}
        for name, people in (("absent", absences), ("covering", stand_ins)):
            field: Any = self.fields[name]
            field.choices = [("", "Choose"), *((str(user.pk), str(user)) for user in people)]
            field.error_messages["invalid_choice"] = "“%(value)s” is not in the list."


@require_http_methods(["GET", "HEAD", "POST"])
def covers(request: Asking) -> HttpResponse:
    absences = list(cover.absences_of(request.user))
    if not absences:
        raise PermissionDenied("Cover is arranged by success managers, their leads and administrators.")
    first = {"since": timezone.localdate().isoformat(), "absent": request.GET.get("absent", "")}
    if len(absences) == 1:
        first["absent"] = str(absences[0].pk)
    posted = request.POST if request.method == "POST" else None
    form = CoverForm(posted, absences, list(cover.stand_ins()), initial=first)
    if form.is_valid() and arranged(request, form):
        return redirect("covers")
    page = {
        "house": house(request),
        "form": form,
        "covers": [(each, cover.last_day(each)) for each in cover.arranged(request.user)],
        "now": timezone.now(),
    }
    return render(request, "portal/covers.html", page)


def arranged(request: Asking, form: CoverForm) -> bool:
    """Whether it could be; a refusal stands at its field."""
    given = form.cleaned_data
    absent, covering = form.people[given["absent"]], form.people[given["covering"]]
    try:
        made = cover.arrange(
            absent,
            covering,
            starts_at=midnight(given["since"]),
            ends_at=midnight(given["until"] + timedelta(days=1)),
            by=request.user,
        )
    except CoverRefused as refused:
        form.add_error(refused.field, str(refused))
        return False
    messages.success(request, f"{made.covering} covers for {made.absent}. It ends by itself.")
    return True


@require_POST
def end(request: Asking, pk: int) -> HttpResponse:
    found = cover.arranged(request.user).filter(pk=pk).first()
    if found is None:
        raise Http404("No such cover.")
    cover.end(found, by=request.user)
    messages.success(request, f"{found.covering} no longer covers for {found.absent}.")
    return redirect("covers")
