"""What every template may know: the house and who runs it, its mode, the reader's theme."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import installation
from accounts.impersonation import Seeing
from portal.pages.theme import chosen


def site(request: HttpRequest) -> dict[str, Any]:
    """Product, vendor, whether this is the demo, whom an administrator sees as, the theme of the cookie."""
    theme = chosen(request)
    seeing: Seeing | None = getattr(request, "seeing", None)
    return {
        "product": settings.PRODUCT_NAME,
        "vendor": installation.current().vendor_name,
        "is_demo": settings.MODE == "demo",
        "seeing": seeing,
        "is_lax": not settings.STAFF_SECOND_FACTOR,
        "theme": theme,
        "other_theme": "light" if theme == "dark" else "dark",
    }
