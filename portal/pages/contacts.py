"""The contacts of one organization: the list for whoever may see it; inviting, and several at once."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import invitations, memberships, roster
from accounts.access import Capability, Role, is_open, open_organization
from accounts.memberships import LastContact
from portal.pages.asking import Asking
from portal.pages.contact_forms import Acts, Offer, Together, status_of
from portal.pages.contact_list import looked_up
from portal.pages.contact_steps import Step, around, ask, listed_names, onward, opened, pick
from portal.pages.strict import Strict
from portal.templatetags.scores import moment, plural

if TYPE_CHECKING:
    from accounts.models import Organization

ABOUT = {role: text[:1].upper() + text[1:] for role, text in invitations.OPENS.items()} | {
    Role.PARTNER: "See the score and its reasons, until a day that you set"
}


@require_safe
def contacts(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_CONTACTS)
    manages = is_open(request.user, organization.opened, Capability.MANAGE_CONTACTS)
    page = around(request, organization)
    page |= _list(request, organization, manages=manages)
    return render(request, "portal/contacts.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: Asking, slug: str) -> HttpResponse:
    organization = opened(request, slug)
    form = Offer(request.POST if request.method == "POST" else None)
    form.initial = {"email": request.GET.get("email", "")[:254]}
    if form.is_valid():
        data = form.cleaned_data
        try:
            made = invitations.invite(
                organization, data["email"], data["role"], until=data["until"], by=request.user
            )
        except (invitations.AlreadyMember, invitations.AlreadyInvited) as refused:
            form.add_error("email", str(refused))
        except invitations.TooManyOpen as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request, f"An invitation is on its way to {made.email}, open until {moment(made.expires_at)}."
            )
            return redirect("contacts", slug)
    offered = [(role.value, role.label, ABOUT[role]) for role in roster.ROLES]
    page = around(request, organization) | {"form": form, "offered": offered}
    return render(request, "portal/contacts_invite.html", page, status=status_of(form))


@require_POST
def resend(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    invitation = get_object_or_404(organization.invitations, public_id=public_id)
    return _about_invitation(
        request, slug, invitations.resend, invitation, "Sent again to {}; the old link is dead."
    )


@require_POST
def withdraw(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    invitation = get_object_or_404(organization.invitations, public_id=public_id)
    return _about_invitation(
        request, slug, invitations.withdraw, invitation, "The invitation of {} is withdrawn."
    )


def _about_invitation(request: Asking, slug: str, act: Any, invitation: Any, done: str) -> HttpResponse:
    form = Strict(request.POST)
    if not form.is_valid():
        return _said_no(request, slug, form.problems)
    try:
        act(invitation, by=request.user)
    except invitations.NotOpen as refused:
        messages.info(request, str(refused))
    else:
        messages.success(request, done.format(invitation.email))
    return redirect("contacts", slug)


ACTS: Acts = [
    ("end", "End their access"),
    *((role.value, f"Make {role.label.lower()}") for role in roster.ROLES if role != Role.PARTNER),
]


@require_POST
def together(request: Asking, slug: str) -> HttpResponse:
    organization = opened(request, slug)
    form = Together(request.POST, ACTS)
    members = pick(form, roster.of_organization(organization))
    if members is None:
        return _said_no(request, slug, form.problems)
    act, by = form.cleaned_data["act"], request.user
    names = listed_names(members)
    if act == "end":
        says = [f"{names}: nothing of {organization} is open to them from this moment on."]
        left = memberships.last_in(members)
    else:
        says = [f"{names}: {Role(act).label.lower()} from now on. They sign in anew."]
        left = memberships.last_in(members) if act != Role.CONTACT else []

    def carry_out(knowing: bool) -> str:
        if act == "end":
            ended = memberships.end_all(members, by=by, knowing=knowing)
            return f"{plural(ended, 'contact')} ended."
        changed = memberships.change_all(members, act, by=by, knowing=knowing)
        return f"{plural(changed, 'role')} changed."

    step = Step(
        f"{dict(ACTS)[act]}: {plural(len(members), 'contact')}",
        dict(ACTS)[act],
        says,
        reverse("contacts-together", args=[slug]),
        [("act", act), *(("who", str(member.public_id)) for member in members)],
        back=reverse("contacts", args=[slug]),
    )
    if not form.cleaned_data["confirmed"]:
        return ask(request, organization, step, left)
    try:
        messages.success(request, carry_out(form.cleaned_data["last"]))
    except LastContact as leaving:
        return ask(request, organization, step, leaving.organizations)
    return onward(request, organization, *members)


def _list(request: Asking, organization: "Organization", *, manages: bool) -> dict[str, Any]:
    found = looked_up(request, roster.of_organization(organization), manages=manages)
    return found | {
        "has_contact": memberships.has_contact(organization),
        "here": reverse("contacts", args=[organization.slug]),
        "together": reverse("contacts-together", args=[organization.slug]),
        "acts": ACTS,
        "empty": "Invite the first: they get a mail with a link."
        if manages
        else "The designated contact invites others here.",
    }


def _said_no(request: Asking, slug: str, problems: list[str]) -> HttpResponse:
    """The list again, with what was wrong."""
    organization = opened(request, slug)
    page = around(request, organization) | _list(request, organization, manages=True)
    page["problems"] = problems
    return render(request, "portal/contacts.html", page, status=HTTPStatus.UNPROCESSABLE_ENTITY)
