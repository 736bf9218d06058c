"""Who may enter with a password: not those whose organization has its own sign-in as the only way."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.http import HttpRequest

from accounts.connections import closed_by
from accounts.models import User


class Backend(AuthenticationBackend):
    """allauth's. A right password that is closed reads like a wrong one: nobody tries passwords out on it."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        user = super().authenticate(request, **credentials)
        return None if isinstance(user, User) and closed_by(user) else user
