"""Asking once more whether it is really them, before something sensitive: not how long that holds."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from portal.pages.asking import Asking
from portal.pages.confirming import ask_again, is_fresh

Page = Callable[..., Any]


def fresh(page: Page | None = None, *, back: str = "") -> Any:
    """A page for those who have shown lately that it is them; others do so first, and come back.

    back  the name of the page to come back to, with the same arguments, when this one only takes POSTs.
          What was posted is not kept: the person presses the button again.
    """

    def decorate(page: Page) -> Page:
        @wraps(page)
        def asking(request: Asking, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated or is_fresh(request):
                answer: HttpResponse = page(request, *args, **kwargs)
                return answer
            there = reverse(back, args=args, kwargs=kwargs) if back else request.get_full_path()
            return ask_again(request, there)

        return asking

    return decorate(page) if page else decorate
