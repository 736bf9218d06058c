"""Seeing the portal as somebody of a customer: whom to choose from, the reason, and the end of it."""

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from accounts import impersonation
from accounts.access import Capability, open_organization
from accounts.impersonation import KEPT, LASTS, LONGEST_REASON, NotToBeSeen, ReasonMissing, people, role_of
from portal.pages.asking import Asking
from portal.pages.confirming import ask_again, is_fresh
from portal.pages.shell import shell
from portal.pages.strict import Strict

A_PAGE = 25
OVER = {
    "time": "The half hour is over. What you asked for last was not done.",
    "access": "The person has no access any more. What you asked for last was not done.",
}


class Why(Strict):
    """Who is to be seen, and the reason that the customer reads."""

    person = forms.IntegerField(
        error_messages={"required": "Choose a person.", "invalid": "Choose a person of the list."}
    )
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        error_messages={
            "required": "Say why: the customer reads it in their log.",
            "max_length": "At most %(limit_value)d characters, not %(show_value)d.",
        },
    )


@dataclass(frozen=True)
class Row:
    """One of the organization's people."""

    number: int
    name: str
    email: str
    role: str
    href: str


@require_http_methods(["GET", "HEAD", "POST"])
def impersonate(request: Asking, slug: str) -> HttpResponse:
    """The organization's people; a POST with a person and a reason begins to see as them."""
    organization = open_organization(request.user, slug, to=Capability.IMPERSONATE)
    form = Why(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if not is_fresh(request):
            return ask_again(request, request.get_full_path())
        given = form.cleaned_data
        try:
            seeing = impersonation.start(
                organization, given["person"], by=request.user, reason=given["reason"]
            )
        except (ReasonMissing, NotToBeSeen) as refused:
            form.add_error("reason" if isinstance(refused, ReasonMissing) else "person", str(refused))
        else:
            request.session[KEPT] = seeing.as_kept()
            return redirect("plan", slug)
    query = request.GET.get("q", "").strip()
    found = people(organization)
    if query:
        found = found.filter(Q(name__icontains=query) | Q(email__icontains=query))
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    chosen = request.POST.get("person") or request.GET.get("person", "")
    context = {
        "shell": shell(request, organization, here=request.path),
        "organization": organization,
        "form": form,
        "rows": [
            Row(each.pk, str(each), each.email, role_of(each), f"?{urlencode({'person': each.pk})}#why")
            for each in page
        ],
        "chosen": people(organization).filter(pk=int(chosen)).first() if is_number(chosen) else None,
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "query": query,
        "kept": f"{urlencode({'q': query})}&" if query else "",
        "over": OVER.get(request.GET.get("over", "")),
        "minutes": int(LASTS.total_seconds() // 60),
    }
    return render(request, "portal/impersonate.html", context)


@require_POST
def end(request: Asking) -> HttpResponse:
    """Back to being oneself, on the page where it was begun."""
    seeing = getattr(request, "seeing", None)
    if seeing is None:
        return redirect("home")
    impersonation.end(seeing)
    del request.session[KEPT]
    messages.success(request, f"You see the portal as yourself again, not as {seeing.person}.")
    return redirect("impersonate", seeing.organization.slug)


def is_number(text: str) -> bool:
    """Whether this can be a person's number."""
    return text.isascii() and text.isdigit() and len(text) < 19
