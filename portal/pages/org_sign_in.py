"""How the people of one organization sign in: whether each of them needs a second factor."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import Capability, able_to, hat_of, open_organization
from accounts.factors import demand
from portal.pages.asking import Asking
from portal.pages.fresh import fresh
from portal.pages.shell import shell


class Demand(forms.Form):
    """One switch; a value that is neither on nor off is refused."""

    second_factor = forms.ChoiceField(
        choices=[
            ("demanded", "Everyone needs a second factor"),
            ("free", "Each person decides for themselves"),
        ],
        error_messages={
            "required": "Choose one of the two.",
            "invalid_choice": "Choose one of the two, not %(value)s.",
        },
    )


@fresh
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.MANAGE_CONNECTION)
    now = {"second_factor": "demanded" if organization.demands_factor else "free"}
    form = Demand(request.POST if request.method == "POST" else None, initial=now)
    if form.is_valid():
        hat = hat_of(able_to(Capability.MANAGE_CONNECTION, organization.opened.roles))
        is_on = form.cleaned_data["second_factor"] == "demanded"
        if demand(organization, is_on, by=request.user, hat=hat):
            request.session.pop("asked", None)  # whoever asks it of others is asked at once
        messages.success(request, "Saved.")
        return redirect("organization-sign-in", slug)
    page = {
        "shell": shell(request, organization, here=request.path),
        "organization": organization,
        "form": form,
    }
    return render(request, "portal/org_sign_in.html", page)
