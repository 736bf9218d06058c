"""Who works here, for administrators: find, add, change, deactivate and let back in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import cover, staff
from accounts.access import ADMIN, AUDITOR, LEAD, admit, called
from accounts.staff import Afterwards, Given, StaffRefused
from portal.pages.asking import Asking
from portal.pages.days import DayField, midnight
from portal.pages.house import house
from portal.pages.sorting import Column, asked_sort, head
from portal.templatetags.scores import day, in_full, plural

if TYPE_CHECKING:
    from accounts.models import User

A_PAGE = 50
MOST = 200  # people deactivated at once
NAMED = 10  # organizations named of many
SHOWN = {"": "Active", "inactive": "Deactivated", "all": "Everybody"}
SORTS = {
    "name": ("called",),
    "team": ("team__name", "called"),
    "managed": ("managed", "called"),
    "guided": ("guided", "called"),
    "signed-in": ("last_login", "called"),
}


@dataclass(frozen=True)
class Row:
    """One person in the list, as ready text."""

    pk: int
    name: str
    email: str
    roles: tuple[str, ...]
    team: str
    managed: str
    guided: str
    signed_in: str
    is_active: bool
    is_you: bool


# ---------- the list ----------


@require_safe
def people(request: Asking) -> HttpResponse:
    admit(request.user, ADMIN)
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "show", "sort")}
    sort = asked_sort(asked["sort"], SORTS, "name")
    problems = []
    if sort is None:
        problems.append(f"Sort: “{asked['sort'][:40]}” is not a column; known are {', '.join(SORTS)}.")
    if asked["show"] not in SHOWN:
        problems.append(f"Show: “{asked['show'][:40]}” is not in the list.")
    everybody = staff.everybody()
    found = everybody.none() if problems else everybody
    if asked["show"] != "all":
        found = found.filter(is_active=asked["show"] != "inactive")
    if asked["q"]:
        found = staff.found(found, asked["q"])
    if sort:
        fields = [F(field) for field in SORTS[sort.key]]
        ways = [each.desc(nulls_last=True) if sort.is_down else each.asc(nulls_last=True) for each in fields]
        found = found.order_by(*ways, "pk")
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    kept = {name: text for name, text in asked.items() if text}
    by = {name: text for name, text in kept.items() if name != "sort"}
    context = {
        "house": house(request),
        "rows": [row(each, request.user) for each in page],
        "columns": [
            Column("Choose", is_hidden=True),
            head("Name", "name", sort, by),
            Column("Roles"),
            head("Team", "team", sort, by),
            head("CSM of", "managed", sort, by, is_number=True),
            head("Guide of", "guided", sort, by, is_number=True),
            head("Last sign-in", "signed-in", sort, by),
        ],
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "query": f"{urlencode(kept)}&" if kept else "",
        "asked": asked,
        "shown": [(key, text, key == asked["show"]) for key, text in SHOWN.items()],
        "problems": problems,
        "is_filtered": bool(asked["q"] or asked["show"]),
    }
    return render(request, "portal/manage/staff.html", context)


def row(user: Any, reader: "User") -> Row:
    """The person with the two numbers that the story counted."""
    return Row(
        pk=user.pk,
        name=str(user),
        email=user.email,
        roles=roles_of(user),
        team=user.team.name if user.team else "",
        managed=in_full(user.managed) if user.managed else "",
        guided=in_full(user.guided) if user.guided else "",
        signed_in=day(timezone.localtime(user.last_login)) if user.last_login else "Never",
        is_active=user.is_active,
        is_you=user.pk == reader.pk,
    )


def roles_of(user: "User") -> tuple[str, ...]:
    """The installation roles in words."""
    held = ((ADMIN, user.is_admin), (AUDITOR, user.is_auditor), (LEAD, user.is_lead))
    return tuple(called([role]) for role, holds in held if holds)


# ---------- one person ----------


class StaffForm(forms.Form):
    """Name, installation roles and team of somebody who works here."""

    name = forms.CharField(
        max_length=120, strip=True, error_messages={"required": "Enter the name that others should see."}
    )
    is_admin = forms.BooleanField(required=False)
    is_auditor = forms.BooleanField(required=False)
    is_lead = forms.BooleanField(required=False)
    team = forms.ChoiceField(
        required=False, error_messages={"invalid_choice": "“%(value)s” is not in the list."}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.teams = {str(team.pk): team for team in staff.teams()}
        field: Any = self.fields["team"]
        field.choices = [("", "No team"), *((key, team.name) for key, team in self.teams.items())]

    @property
    def given(self) -> Given:
        data = self.cleaned_data
        team = self.teams.get(data["team"])
        return Given(data["name"], data["is_admin"], data["is_auditor"], data["is_lead"], team)


class NewcomerForm(StaffForm):
    """The same of somebody who is not there yet, with the address they sign in with."""

    email = forms.EmailField(
        error_messages={
            "required": "Enter the address they sign in with.",
            "invalid": "This is not an e-mail address.",
        }
    )


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: Asking) -> HttpResponse:
    admit(request.user, ADMIN)
    form = NewcomerForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            user = staff.add(form.cleaned_data["email"], form.given, by=request.user, link=link_of(request))
        except StaffRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, f"{user} is added. A mail to {user.email} lets them choose a password.")
            return redirect("staff-person", user.pk)
    page = {"house": house(request), "form": form, "roles": roles_in(form)}
    return render(request, "portal/manage/staff_add.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def person(request: Asking, pk: int) -> HttpResponse:
    admit(request.user, ADMIN)
    user = known(pk)
    given = staff.given_to(user)
    first = given.terms() | {"team": str(given.team.pk) if given.team else ""}
    form = StaffForm(request.POST if request.method == "POST" else None, initial=first)
    if form.is_valid():
        try:
            is_new = staff.change(user, form.given, by=request.user)
        except StaffRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, "Saved." if is_new else "Nothing was different.")
            return redirect("staff-person", pk)
    page = {
        "house": house(request),
        "person": user,
        "row": row(user, request.user),
        "form": form,
        "roles": roles_in(form),
        "covers": [(each, cover.last_day(each)) for each in cover.away(user)],
        "covering": [(each, cover.last_day(each)) for each in cover.covering(user)],
    }
    return render(request, "portal/manage/staff_person.html", page)


def roles_in(form: StaffForm) -> list[tuple[Any, str, str]]:
    """The roles to tick, with what they give."""
    return [
        (form["is_admin"], called([ADMIN]), "Runs the portal: organizations, people, plans, nights."),
        (form["is_auditor"], called([AUDITOR]), "Reads the audit log and who has access; sees no score."),
        (form["is_lead"], called([LEAD]), "Works on the portfolios of everybody in the team."),
    ]


@require_POST
def mail(request: Asking, pk: int) -> HttpResponse:
    admit(request.user, ADMIN)
    user = known(pk)
    try:
        staff.ask_again(user, by=request.user, link=link_of(request))
    except StaffRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"A new mail is on its way to {user.email}.")
    return redirect("staff-person", pk)


@require_POST
def reactivate(request: Asking, pk: int) -> HttpResponse:
    admit(request.user, ADMIN)
    user = known(pk)
    is_new = staff.reactivate(user, by=request.user)
    messages.success(request, f"{user} can sign in again." if is_new else f"{user} is active.")
    return redirect("staff-person", pk)


def known(pk: int) -> Any:
    """Somebody who works here, with the numbers of their organizations; a customer's contact is not there."""
    user = staff.everybody().filter(pk=pk).first()
    if user is None:
        raise Http404("Nobody of this number works here.")
    return user


def link_of(request: Asking) -> Callable[[str], str]:
    """Where the holder of a key chooses a password."""

    def link(key: str) -> str:
        owner, _, secret = key.partition("-")
        return request.build_absolute_uri(reverse("account_reset_password_from_key", args=[owner, secret]))

    return link


# ---------- leaving ----------


class LeavingForm(forms.Form):
    """Who looks after the organizations of those who leave."""

    CHOICES = (
        ("hand-over", "Hand them over for good"),
        ("cover", "Have them covered for a while"),
        ("nobody", "Leave them without a success manager for now"),
    )
    then = forms.ChoiceField(
        choices=CHOICES,
        error_messages={
            "required": "Choose what happens to the organizations.",
            "invalid_choice": "“%(value)s” is not in the list.",
        },
    )
    to = forms.ChoiceField(
        required=False, error_messages={"invalid_choice": "“%(value)s” is not in the list."}
    )
    until = DayField(required=False)

    def __init__(self, data: Any, leaving: Any, *, is_needed: bool) -> None:
        super().__init__(data)
        going = {user.pk for user in leaving}
        self.people = {str(user.pk): user for user in cover.stand_ins() if user.pk not in going}
        to: Any = self.fields["to"]
        to.choices = [("", "Choose"), *((key, str(user)) for key, user in self.people.items())]
        self.fields["then"].required = is_needed

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("then") in ("hand-over", "cover") and not data.get("to") and "to" not in self.errors:
            self.add_error("to", "Choose who looks after them.")
        if data.get("then") == "cover" and not data.get("until") and "until" not in self.errors:
            self.add_error("until", "Enter the last day: cover always ends.")
        return data

    @property
    def afterwards(self) -> Afterwards | None:
        data = self.cleaned_data
        if data["then"] not in ("hand-over", "cover"):
            return None
        until = midnight(data["until"] + timedelta(days=1)) if data["then"] == "cover" else None
        return Afterwards(self.people[data["to"]], until)


@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: Asking) -> HttpResponse:
    """What it would do; a POST does it."""
    admit(request.user, ADMIN)
    posted = request.POST if request.method == "POST" else None
    asked = [int(text) for text in (posted or request.GET).getlist("person")[:MOST] if text.isdecimal()]
    leaving = list(staff.everybody().filter(pk__in=asked, is_active=True).order_by("called"))
    if not leaving:
        messages.info(request, "Nobody was chosen who is active. Tick somebody in the list first.")
        return redirect("staff")
    alone = staff.left_alone(leaving)
    count = alone.count()
    form = LeavingForm(posted, leaving, is_needed=count > 0)
    refused = ""
    if form.is_valid():
        try:
            gone = staff.deactivate(leaving, by=request.user, afterwards=form.afterwards)
        except StaffRefused as refusal:
            if refusal.field in form.fields:
                form.add_error(refusal.field, str(refusal))
            else:
                refused = str(refusal)
        else:
            whom = str(gone[0]) if len(gone) == 1 else plural(len(gone), "person", "people")
            messages.success(request, f"Deactivated {whom}. They are signed out everywhere.")
            return redirect("staff")
    page = {
        "house": house(request),
        "leaving": [row(user, request.user) for user in leaving],
        "alone": [each.name for each in alone[:NAMED]],
        "count": count,
        "others": count - NAMED,
        "form": form,
        "refused": refused,
    }
    return render(request, "portal/manage/staff_deactivate.html", page)
