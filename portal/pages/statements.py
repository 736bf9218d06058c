"""Privacy and accessibility: what is kept and who sees it, and how the portal can be used."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import installation, sessions
from portal.pages.theme import COOKIE

DAY = 24 * 3600


@login_not_required
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Figures are those that are in force here, not typed."""
    page = {
        "support": installation.current().support_email,
        "cookies": {
            "session": settings.SESSION_COOKIE_NAME,
            "csrf": settings.CSRF_COOKIE_NAME,
            "theme": COOKIE,
        },
        "audit_days": settings.AUDIT_DAYS,
        "export_days": settings.EXPORT_DAYS,
        "peers_floor": settings.PEERS_FLOOR,
        "idle_hours": sessions.CONTACT.idle // 3600,
        "kept_days": sessions.KEPT.absolute // DAY,
    }
    return render(request, "portal/privacy.html", page)


@login_not_required
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/accessibility.html", {"support": installation.current().support_email})
