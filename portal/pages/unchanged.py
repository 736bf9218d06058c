"""Answers "not changed" to whoever has the page already: an ETag over what it shows, and to whom.

The tag is taken from the finished page, so nothing that a page shows can be forgotten in it: the run, the
scorecard version, what this person may do, the theme. It saves bytes, never a question at the door: a 304
is given only to who was let in just now. What was seen is still kept by no cache (portal.middleware.Headers
says `no-store`): the tag is for those who ask by themselves, as a script or a screen on a wall does.
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.cache import get_conditional_response

from portal.pages.asking import Asking

type Page = Callable[..., HttpResponse]

# A token is masked anew for each page, over the secret of the cookie.
TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=")\w+')


def conditional(page: Page) -> Page:
    """The same page, and nothing of it for who has it already."""

    @wraps(page)
    def answered(request: Asking, *args: Any, **kwargs: Any) -> HttpResponse:
        response = page(request, *args, **kwargs)
        secret = request.COOKIES.get(settings.CSRF_COOKIE_NAME)
        # The tokens of a page that somebody has fit the cookie they were made for and no other: under
        # another one the tag is another, and without one there is none.
        if response.status_code == 200 and secret and secret == request.META.get("CSRF_COOKIE"):
            response["ETag"] = tag(response.content, secret, request.user.pk)
            return get_conditional_response(request, etag=response["ETag"], response=response) or response
        return response

    return answered


def tag(content: bytes, secret: str, person: int) -> str:
    """The same for the same page of the same person in the same session; it tells nothing of either."""
    seen = hashlib.sha256(f"{person}:{secret}:".encode() + TOKEN.sub(rb"\1", content))
    return f'"{seen.hexdigest()[:32]}"'
