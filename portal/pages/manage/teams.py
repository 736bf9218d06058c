"""Teams of success managers and guides, for administrators: made, renamed, filled, deleted."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import cover, staff
from accounts.access import ADMIN, admit
from accounts.staff import StaffRefused
from portal.pages.asking import Asking
from portal.pages.house import house
from portal.pages.manage.staff import row

if TYPE_CHECKING:
    from accounts.models import Team

PLACES = {"member": "is in the team", "lead": "leads the team", "out": "is no longer in the team"}


class NameForm(forms.Form):
    """How a team is called."""

    name = forms.CharField(
        max_length=80, strip=True, error_messages={"required": "Enter a name for the team."}
    )


class PersonForm(forms.Form):
    """Who is in the team, as what, or no longer."""

    person = forms.ChoiceField(
        error_messages={"required": "Choose somebody.", "invalid_choice": "“%(value)s” is not in the list."}
    )
    place = forms.ChoiceField(
        choices=[(key, key) for key in PLACES],
        error_messages={"required": "Choose a place.", "invalid_choice": "“%(value)s” is not a place."},
    )

    def __init__(self, data: Any, people: Any) -> None:
        super().__init__(data)
        self.people = {str(user.pk): user for user in people}
        person: Any = self.fields["person"]
        person.choices = [(key, str(user)) for key, user in self.people.items()]


@require_http_methods(["GET", "HEAD", "POST"])
def teams(request: Asking) -> HttpResponse:
    """Every team; a POST makes one."""
    admit(request.user, ADMIN)
    form = NameForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = staff.create_team(form.cleaned_data["name"], by=request.user)
        except StaffRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, f"The team {made} is there. Move people into it.")
            return redirect("team", made.pk)
    words = request.GET.get("q", "").strip()
    found = staff.teams()
    page = {
        "house": house(request),
        "form": form,
        "q": words,
        "teams": staff.with_leads(found.filter(name__icontains=words) if words else found),
    }
    return render(request, "portal/manage/teams.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def team(request: Asking, pk: int) -> HttpResponse:
    """Its people; a POST renames it."""
    admit(request.user, ADMIN)
    found = known(pk)
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": found.name})
    if form.is_valid():
        try:
            staff.rename_team(found, form.cleaned_data["name"], by=request.user)
        except StaffRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, "Saved.")
            return redirect("team", pk)
    inside = list(staff.everybody().filter(team=found).order_by("called"))
    outside = [user for user in cover.stand_ins() if user.team_id != pk]
    page = {
        "house": house(request),
        "team": known(pk),
        "form": form,
        "rows": [(row(user, request.user), user.is_lead) for user in inside],
        "outside": [(str(user.pk), str(user)) for user in outside],
    }
    return render(request, "portal/manage/team.html", page)


@require_POST
def people(request: Asking, pk: int) -> HttpResponse:
    """Somebody into the team, its lead, or out of it."""
    admit(request.user, ADMIN)
    found = known(pk)
    form = PersonForm(request.POST, staff.everybody())
    if not form.is_valid():
        for field, problems in form.errors.items():
            messages.error(request, f"{field.capitalize()}: {' '.join(map(str, problems))}")
        return redirect("team", pk)
    user, place = form.people[form.cleaned_data["person"]], form.cleaned_data["place"]
    try:
        if place != "out":
            staff.move(user, found, is_lead=place == "lead", by=request.user)
        elif user.team_id == pk:  # who is in another by now stays there
            staff.move(user, None, by=request.user)
    except StaffRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{user} {PLACES[place]}.")
    return redirect("team", pk)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Asking, pk: int) -> HttpResponse:
    """What it would do; a POST does it."""
    admit(request.user, ADMIN)
    found = known(pk)
    inside = list(staff.everybody().filter(team=found).order_by("called"))
    refused = ""
    if request.method == "POST":
        try:
            staff.delete_team(found, with_people=request.POST.get("with_people") == "yes", by=request.user)
        except StaffRefused as refusal:
            refused = str(refusal)
        else:
            messages.success(request, f"The team {found.name} is deleted.")
            return redirect("teams")
    page = {
        "house": house(request),
        "team": found,
        "rows": [(row(user, request.user), user.is_lead) for user in inside],
        "refused": refused,
    }
    return render(request, "portal/manage/team_delete.html", page)


def known(pk: int) -> "Team":
    found = staff.teams().filter(pk=pk).first()
    if found is None:
        raise Http404("No such team.")
    return found
