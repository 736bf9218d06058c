"""The request of someone who is signed in, for annotations: the settings close every page to strangers."""

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from accounts.models import User


class Asking(HttpRequest):
    """A request with a known person."""

    user: "User"
