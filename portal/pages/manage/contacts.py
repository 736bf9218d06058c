"""All contacts of all organizations, for administrators: found, and several ended or deactivated at once."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts import memberships, roster
from accounts.access import ADMIN, admit
from accounts.memberships import LastContact, NotThem
from portal.pages.asking import Asking
from portal.pages.contact_forms import Acts, Together
from portal.pages.contact_list import looked_up
from portal.pages.contact_steps import Step, listed_names, pick
from portal.pages.house import house
from portal.templatetags.scores import plural

ACTS: Acts = [("end", "End their access"), ("deactivate", "Deactivate everywhere")]


@require_safe
def contacts(request: Asking) -> HttpResponse:
    admit(request.user, ADMIN)
    return _page(request)


@require_POST
def together(request: Asking) -> HttpResponse:
    admit(request.user, ADMIN)
    form = Together(request.POST, ACTS)
    members = pick(form, roster.of_everything(request.user))
    if members is None:
        return _page(request, form.problems)
    act, by = form.cleaned_data["act"], request.user
    names, people = listed_names(members), {member.user for member in members}
    if act == "end":
        left = memberships.last_in(members)
        says = [f"{names}: what is picked ends at once; what they hold elsewhere stays."]
    else:
        left = memberships.left_by(people)
        says = [f"{names}: signed out and kept out of every organization. Their roles are kept."]
    step = Step(
        f"{dict(ACTS)[act]}: {plural(len(members), 'contact')}",
        dict(ACTS)[act],
        says,
        reverse("manage-contacts-together"),
        [("act", act), *(("who", str(member.public_id)) for member in members)],
        back=reverse("manage-contacts"),
    )
    if not form.cleaned_data["confirmed"]:
        return _ask(request, step, left)
    knowing = form.cleaned_data["last"]
    try:
        if act == "end":
            said = f"{plural(memberships.end_all(members, by=by, knowing=knowing), 'contact')} ended."
        else:
            count = memberships.deactivate_all(people, by=by, knowing=knowing)
            said = f"{plural(count, 'person', 'people')} deactivated."
    except LastContact as leaving:
        return _ask(request, step, leaving.organizations)
    except NotThem as refused:
        return _page(request, [str(refused)])
    messages.success(request, said)
    return redirect("manage-contacts")


def _ask(request: Asking, step: Step, left: list[Any]) -> HttpResponse:
    page = {"house": house(request), "step": step, "left": left}
    return render(request, "portal/manage/contacts_confirm.html", page)


def _page(request: Asking, problems: list[str] | None = None) -> HttpResponse:
    page = {
        "house": house(request),
        "acts": ACTS,
        "here": reverse("manage-contacts"),
        "together": reverse("manage-contacts-together"),
        "empty": "Open an org and invite its first contact there.",
    }
    page |= looked_up(request, roster.of_everything(request.user), manages=True)
    if problems:
        page["problems"] = problems
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK
    return render(request, "portal/manage/contacts.html", page, status=status)
