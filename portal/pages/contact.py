"""One contact, for whoever manages them: role, end, transfer; and out, here or everywhere."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import memberships, roster
from accounts.access import Role
from accounts.contacts import AlreadyDesignated, PartnerNeedsAnEnd
from accounts.memberships import EndRefused, HasEnded, LastContact, NotThem, last_day_of
from portal.pages.asking import Asking
from portal.pages.contact_forms import Confirm, NewEnd, NewRole, Successor, status_of
from portal.pages.contact_list import row
from portal.pages.contact_steps import Step, around, ask, member_of, onward, opened
from portal.pages.strict import Strict
from portal.templatetags.scores import day

if TYPE_CHECKING:
    from accounts.models import Membership, Organization

WORDS = (AlreadyDesignated, EndRefused, HasEnded, NotThem, PartnerNeedsAnEnd)


@require_safe
def contact(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    return _page(request, organization, member_of(organization, public_id))


@require_POST
def change_role(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    member, form = member_of(organization, public_id), NewRole(request.POST)
    if not form.is_valid():
        return _page(request, organization, member, form)
    data = form.cleaned_data

    def change(knowing: bool) -> str:
        changed = memberships.change_role(
            member, data["role"], until=data["until"], by=request.user, knowing=knowing
        )
        return f"{changed.user} is {changed.get_role_display().lower()} now, and signs in anew."

    step = Step(
        f"Change the role of {member.user}",
        "Change the role",
        [f"{member.user} is no longer designated contact of {organization}."],
        reverse("contact-role", args=[slug, public_id]),
        [("role", data["role"]), ("until", request.POST.get("until", ""))],
        back=reverse("contact", args=[slug, public_id]),
    )
    return _carry_out(request, organization, member, form, step, change)


@require_POST
def change_end(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    member, form = member_of(organization, public_id), NewEnd(request.POST)
    if not form.is_valid():
        return _page(request, organization, member, form)
    try:
        memberships.set_end(member, form.cleaned_data["until"], by=request.user)
    except NotThem as refused:
        form.add_error(None, str(refused))
        return _page(request, organization, member, form)
    messages.success(
        request, f"The last day of {member.user} is {day(last_day_of(form.cleaned_data['until']))}."
    )
    return redirect("contacts", slug)


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    member = member_of(organization, public_id)
    form = Confirm(request.POST if request.method == "POST" else None)

    def act(knowing: bool) -> str:
        memberships.end_access(member, by=request.user, knowing=knowing)
        return f"The access of {member.user} to {organization} has ended."

    step = Step(
        f"End the access of {member.user}",
        "End the access",
        [
            f"{member.user} sees nothing of {organization} from this moment on, wherever they are signed in.",
            "This is about this organization alone: what they may do elsewhere stays.",
            "They can be invited again.",
        ],
        reverse("contact-end", args=[slug, public_id]),
        back=reverse("contact", args=[slug, public_id]),
    )
    left = memberships.last_in([member])
    return _step_by_step(request, organization, member, form, step, act, left)


@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug, as_admin=True)
    member = member_of(organization, public_id)
    form = Confirm(request.POST if request.method == "POST" else None)

    def act(knowing: bool) -> str:
        memberships.deactivate(member.user, by=request.user, knowing=knowing)
        return f"{member.user} is deactivated everywhere."

    step = Step(
        f"Deactivate {member.user} everywhere",
        "Deactivate everywhere",
        [
            f"{member.user} is signed out and cannot sign in, in any organization.",
            "Their roles are kept; reactivated, they have them again.",
        ],
        reverse("contact-deactivate", args=[slug, public_id]),
        back=reverse("contact", args=[slug, public_id]),
    )
    left = memberships.left_by([member.user])
    return _step_by_step(request, organization, member, form, step, act, left)


@require_POST
def reactivate(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug, as_admin=True)
    member, form = member_of(organization, public_id), Strict(request.POST)
    if not form.is_valid():
        return _page(request, organization, member, form)
    try:
        memberships.reactivate(member.user, by=request.user)
    except NotThem as refused:
        form.add_error(None, str(refused))
        return _page(request, organization, member, form)
    messages.success(request, f"{member.user} can sign in again.")
    return redirect("contacts", slug)


@require_POST
def hand_over(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    member, form = member_of(organization, public_id), Successor(request.POST)
    if not form.is_valid():
        return _page(request, organization, member, form)
    others = {each.public_id: each for each in memberships.successors(member)}
    to = others.get(form.cleaned_data["to"])
    if to is None:
        form.add_error("to", "Choose one of the list.")
        return _page(request, organization, member, form)
    try:
        memberships.hand_over(member, to, becomes=form.cleaned_data["becomes"], by=request.user)
    except WORDS as refused:
        form.add_error(None, str(refused))
        return _page(request, organization, member, form)
    messages.success(request, f"{to.user} is designated contact of {organization} now.")
    return onward(request, organization, member)


def _page(
    request: Asking, organization: "Organization", member: "Membership", form: Strict | None = None
) -> HttpResponse:
    line = roster.line_of(member)
    page = around(request, organization) | {
        "row": row(line, manages=True),
        "line": line,
        "member": member,
        "is_partner": member.role == Role.PARTNER,
        "is_contact": member.role == Role.CONTACT,
        "is_active": member.user.is_active,
        "is_self": member.user_id == request.user.pk,
        "is_admin": request.user.is_admin,
        "offered": [(role.value, role.label) for role in reversed(roster.ROLES) if role != member.role],
        "others": memberships.successors(member),
        "problems": form.problems if form else [],
    }
    return render(request, "portal/contact.html", page, status=status_of(form) if form else HTTPStatus.OK)


def _step_by_step(
    request: Asking,
    organization: "Organization",
    member: "Membership",
    form: Confirm,
    step: Step,
    act: Callable[[bool], str],
    left: "list[Organization]",
) -> HttpResponse:
    """First what it does, then, confirmed, that it is done."""
    if form.is_bound and not form.is_valid():
        return _page(request, organization, member, form)
    if not form.is_bound or not form.cleaned_data["confirmed"]:
        return ask(request, organization, step, left)
    return _carry_out(request, organization, member, form, step, act)


def _carry_out(
    request: Asking,
    organization: "Organization",
    member: "Membership",
    form: Strict,
    step: Step,
    act: Callable[[bool], str],
) -> HttpResponse:
    """Done; or asked about first, where it leaves nobody to manage contacts."""
    try:
        messages.success(request, act(form.cleaned_data["last"]))
    except LastContact as leaving:
        return ask(request, organization, step, leaving.organizations)
    except WORDS as refused:
        form.add_error(None, str(refused))
        return _page(request, organization, member, form)
    return onward(request, organization, member)
