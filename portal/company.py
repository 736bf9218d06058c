"""What holds for a session that came through a company's own sign-in: one organization, as long as it is on.

Whoever runs the provider can be anyone there. So such a session opens that organization alone, ends with the
connection or the link, and cannot give the person another way in that would outlive it.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from accounts.arrivals import came_through, confinement

# Pages that give or change a way in. A password is set through a mail to the person's own address instead.
WAYS_IN = frozenset(
    {
        *("account_change_password", "account_set_password", "change-address", "confirm-address"),
        *("remove-factor", "recovery-codes"),
    }
)
OF_FACTORS = "mfa_"
STAYS_OPEN = frozenset({"mfa_authenticate", "mfa_reauthenticate"})  # these ask for a factor, and give none
CLOSED = (
    "You came in through your company, so your password and your factors cannot be changed now. "
    "Set a password through “Forgotten your password?” if you need one."
)


class Company:
    """Confines the session to the organization whose connection it came through, or ends it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated and (identity := came_through(request, user)) is not None:
            organization = confinement(user, identity)
            if organization is None:
                logout(request)
            else:
                user.confined_to = organization
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> None:
        """403 for a page that would give a confined session another way in."""
        match = request.resolver_match
        name = (match.url_name or "") if match else ""
        gives = name in WAYS_IN or (name.startswith(OF_FACTORS) and name not in STAYS_OPEN)
        if gives and getattr(request.user, "confined_to", None) is not None:
            raise PermissionDenied(CLOSED)
