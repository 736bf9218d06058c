"""Around every act on contacts: who may, what is asked about before it is done, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from accounts import memberships, roster
from accounts.access import ADMIN, CUSTOMER_ROLES, admit
from accounts.roster import Roster
from portal.pages.asking import Asking
from portal.pages.contact_forms import Together
from portal.pages.shell import shell
from portal.pages.words import listed
from portal.templatetags.scores import plural

if TYPE_CHECKING:
    from accounts.models import Membership, Organization

NAMED = 8  # people named in a sentence; the others are counted


@dataclass(frozen=True)
class Step:
    """Something that is asked about before it is done."""

    title: str
    button: str
    says: list[str]
    address: str
    kept: list[tuple[str, str]] = field(default_factory=list)  # what the form carries on
    back: str = ""


def opened(request: Asking, slug: str, *, as_admin: bool = False) -> "Organization":
    """The organization, for whoever manages its contacts."""
    organization = memberships.open_to_manage(request.user, slug, writes=request.method == "POST")
    if as_admin:
        admit(request.user, ADMIN)
    return organization


def member_of(organization: "Organization", public_id: UUID) -> "Membership":
    theirs = organization.memberships.filter(role__in=CUSTOMER_ROLES)
    return get_object_or_404(theirs.select_related("user", "organization"), public_id=public_id)


def around(request: Asking, organization: "Organization") -> dict[str, Any]:
    here = reverse("contacts", args=[organization.slug])
    return {"shell": shell(request, organization, here=here), "organization": organization}


def ask(
    request: Asking, organization: "Organization", step: Step, left: "list[Organization]"
) -> HttpResponse:
    page = around(request, organization) | {"step": step, "left": left}
    return render(request, "portal/contacts_confirm.html", page)


def onward(request: Asking, organization: "Organization", *members: "Membership") -> HttpResponse:
    """Back to the list; whoever changed their own access may not see it any more."""
    if any(member.user_id == request.user.pk for member in members):
        return redirect("home")
    return redirect("contacts", organization.slug)


def pick(form: Together, found: Roster) -> "list[Membership] | None":
    """Those who were picked; None, with the reason on the form, if one of them is not among these."""
    if not form.is_valid():
        return None
    members = roster.chosen(found, form.picked)
    if missing := set(form.picked) - {member.public_id for member in members}:
        form.add_error("who", f"“{min(missing)}” is nobody here.")
        return None
    return members


def listed_names(members: "Sequence[Membership]") -> str:
    """Ann, Bob and 3 others."""
    names = [str(member.user) for member in members[:NAMED]]
    if more := len(members) - len(names):
        names.append(plural(more, "other"))
    return listed(names)
