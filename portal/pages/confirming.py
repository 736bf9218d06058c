"""Whether somebody has shown lately who they are, and where they are asked again before what is sensitive."""

from allauth.account.adapter import get_adapter
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts import sessions
from accounts.arrivals import came_through, own_links
from portal.pages.asking import Asking


def is_fresh(request: Asking) -> bool:
    """Whether this person has shown who they are within the last minutes."""
    return sessions.is_fresh(request.session, request.user)


def ask_again(request: Asking, back: str) -> HttpResponse:
    """To the page that asks once more, at the company for whoever came through it, and then back."""
    through = came_through(request, request.user)
    for connection, identity in own_links(request.user):
        if identity is not None and identity.pk == through:
            there = reverse("sso-start", args=[connection.public_id])
            return redirect(f"{there}?{urlencode({'next': back})}")
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}")


def may_go_to(address: str) -> bool:
    """Whether an address that a request names is one of ours."""
    return bool(address) and get_adapter().is_safe_url(address)
