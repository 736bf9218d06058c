"""A person changes the address they sign in with: asks, follows the link in the new mailbox, confirms."""

from allauth.core.ratelimit import consume_or_429
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import addresses, installation
from accounts.addresses import AddressRefused
from accounts.sessions import stay
from portal.pages.asking import Asking
from portal.pages.fresh import fresh


class NewAddress(forms.Form):
    """The address to sign in with from now on."""

    email = forms.EmailField(
        max_length=254,
        error_messages={"required": "Enter the new address.", "invalid": "This is not an address."},
    )


@fresh
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: Asking) -> HttpResponse:
    """The answer is the same whether or not somebody else has the address."""
    form = NewAddress(request.POST if request.method == "POST" else None)
    if form.is_valid():
        wait: HttpResponse | None = consume_or_429(request, action="manage_email", user=request.user)
        if wait:
            return wait
        email = form.cleaned_data["email"]
        try:
            token = addresses.token_for(request.user, email)
        except AddressRefused as refused:
            form.add_error("email", str(refused))
        else:
            link = installation.current().site_address + reverse("confirm-address", args=[token])
            addresses.ask(request.user, email, link=link)
            messages.success(
                request,
                "Look into the new mailbox: a link is on its way. Nothing changes before you follow it.",
            )
            return redirect("me")
    return render(request, "portal/address.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: Asking, token: str) -> HttpResponse:
    """Shows a button, for mail programs follow links too; a POST changes the address."""
    try:
        if request.method == "POST":
            addresses.change(request.user, token)
            stay(request, request.user)
            messages.success(
                request, "Changed. You sign in with the new address; everywhere else you are signed out."
            )
            return redirect("me")
        page = {"email": addresses.new_address(request.user, token)}
    except AddressRefused as refused:
        page = {"refusal": str(refused)}
    return render(request, "portal/confirm_address.html", page)
