"""What holds for every request: its id in the log, its headers, how long a session lives. No business."""

import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, tzinfo
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from zoneinfo import ZoneInfo

from allauth.account.internal.stagekit import get_pending_stage
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control

from accounts import audit, factors, impersonation, installation, sessions
from accounts.access import ADMIN, hat_of, installation_roles
from accounts.impersonation import Over, Seeing
from accounts.isolation import EVERYONE, acting_for
from accounts.models import Action, Actor, User
from portal.logs import request_id

Answer = Callable[[HttpRequest], HttpResponse]

log = logging.getLogger(__name__)


class RequestId:
    """Gives the request a name of our own making; a stranger's header never gets into the log."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(uuid.uuid4().hex)
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id.get()
            return response
        finally:
            request_id.reset(token)


class Headers:
    """Headers that Django has no setting for; what a signed-in person saw is kept by no cache."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if (
            settings.SESSION_COOKIE_NAME in request.COOKIES
            or settings.SESSION_COOKIE_NAME in response.cookies
        ):
            patch_cache_control(response, private=True, no_store=True)
        return response


class Memory:
    """Tells the audit log who is asking and from where; what was refused is written when all else is over.

    Stands outside whatever opens a transaction for the request: a refusal stays after the rollback.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = audit.Asked(
            Actor.VISITOR,
            person=lambda: signed_in(request),
            seen=lambda: seen_by(request),
            seen_hat=ADMIN,
            request_id=request_id.get(),
            address=client_address(request),
            agent=request.headers.get("User-Agent", ""),
            waiting=[],
        )
        with audit.during(asked), installation.asked_once():
            response = self.get_response(request)
            asked.page = request.resolver_match.view_name if request.resolver_match else ""
            return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """A page that says no by itself; the door has written its own line."""
        if isinstance(exception, PermissionDenied) and not audit.has_refused():
            person = signed_in(request)
            where = request.resolver_match.view_name if request.resolver_match else request.path
            audit.refused(
                Action.REFUSED,
                by=person,
                hat=hat_of(installation_roles(person)) if person else "",
                reason=str(exception),
                once=(audit.MINUTE, f"{person.pk if person else '-'}:{where}"),
            )


def signed_in(request: HttpRequest) -> User | None:
    """Who really asks; None for a visitor, or before anybody has looked."""
    person: Any = getattr(request, "user", None)
    return person.impersonated_by or person if isinstance(person, User) else None


def seen_by(request: HttpRequest) -> User | None:
    """Whom the signed-in person sees the portal as; None for whoever is here as themselves."""
    seeing: Seeing | None = getattr(request, "seeing", None)
    return seeing.person if seeing else None


def client_address(request: HttpRequest) -> str | None:
    """Where the request comes from, as our outermost proxy saw it; never what a stranger claims."""
    said = request.headers.get("X-Forwarded-For", "").split(",")
    proxies = settings.TRUSTED_PROXIES
    text = said[-proxies] if 0 < proxies <= len(said) else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ip_address(text.strip().partition("%")[0]))
    except ValueError:
        return None


class SeeingAs:
    """Lets an administrator see the portal as one person of a customer: only their pages, and only to read.

    Stands after whatever says who is signed in, and before whatever acts for that person: from here on the
    request is of the person who is seen.
    """

    OPEN = frozenset({"impersonation-end", "account_logout", "theme"})

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        kept = request.session.get(impersonation.KEPT)
        if kept is None or not isinstance(request.user, User):
            return self.get_response(request)
        try:
            with acting_for(EVERYONE):  # as the administrator; the wall comes next, for who is seen
                seeing = impersonation.standing(kept, by=request.user)
        except Over as over:
            # Not the page that was asked for: meant as somebody else, it would now be done as oneself.
            del request.session[impersonation.KEPT]
            return redirect(ways_out(kept["slug"], over))
        setattr(request, "seeing", seeing)  # noqa: B010 - an attribute that mypy knows nothing of
        request.user = seeing.person
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Refuses what is not of the one organization, and what is not reading."""
        seeing: Seeing | None = getattr(request, "seeing", None)
        if seeing is None or request.resolver_match is None:
            return None
        name, slug = request.resolver_match.view_name, seeing.organization.slug
        if name == "account_logout" and request.method == "POST":
            self.leave(request, seeing)
        elif name == "home":
            return redirect("plan", slug)
        elif name not in self.OPEN and kwargs.get("slug") != slug:
            return self.refuse(request, seeing, f"Only the pages of {seeing.organization} belong to it.")
        elif name not in self.OPEN and request.method not in ("GET", "HEAD", "OPTIONS"):
            return self.refuse(request, seeing, "It is for reading: nothing can be changed or sent.")
        return None

    def leave(self, request: HttpRequest, seeing: Seeing) -> None:
        """Whoever signs out does it as themselves."""
        impersonation.end(seeing, why="Signed out.")
        del request.session[impersonation.KEPT]
        setattr(request, "seeing", None)  # noqa: B010
        request.user = seeing.by

    def refuse(self, request: HttpRequest, seeing: Seeing, why: str) -> HttpResponse:
        """403, with the way back."""
        where = request.resolver_match.view_name if request.resolver_match else ""
        audit.refused(
            Action.REFUSED,
            organization=seeing.organization,
            reason=f"While seeing as somebody else: {why}",
            once=(audit.MINUTE, f"{seeing.by.pk}:seeing:{where}"),
        )
        page = {"why": why, "seeing": seeing}
        return render(request, "portal/seeing_refused.html", page, status=HTTPStatus.FORBIDDEN)


def ways_out(slug: str, over: Over) -> str:
    """Where somebody stands when it has ended by itself."""
    return "/" if over.word == "role" else f"{reverse('impersonate', args=[slug])}?over={over.word}"


class Letters:
    """Mails of a request go out after the answer: nobody waits for a mail server, or times it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        letters: list[EmailMessage] = []
        request.letters = letters  # type: ignore[attr-defined]
        response = self.get_response(request)
        if letters and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            close = response.close

            def close_and_send() -> None:
                close()
                post(letters)

            response.close = close_and_send  # type: ignore[method-assign]
        return response


def post(letters: list[EmailMessage]) -> None:
    """Send them; one that cannot be sent is told to the log, without what it says and to whom."""
    for letter in letters:
        try:
            letter.send()
        except OSError:  # smtplib's errors are such
            log.exception("A mail could not be sent: %s", letter.subject)


class Session:
    """Signs out whose session has ended: by its limits, or because the person's rights have changed."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            if sessions.is_over(request.session, request.user):
                logout(request)
            else:
                sessions.touch(request.session, request.user)
        return self.get_response(request)


# What a session may reach that lacks the second factor: to show it, or to set one up; and to leave.
TO_SHOW = frozenset({"mfa_authenticate", "account_login", "account_logout", "theme"})
TO_SET_UP = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "account_reauthenticate",
        "account_logout",
        "theme",
    }
)
ASK_AGAIN = 5 * 60  # seconds until a session without a second factor asks again who demands one


class HalfWay:
    """A session that gave the password alone, where more is needed, reaches the factor and nothing else."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        match = request.resolver_match
        name = match.view_name if match else ""
        if request.user.is_authenticated:
            missing, reachable, there = self.must_set_up(request), TO_SET_UP, "mfa_index"
        else:
            missing, reachable, there = shows_factor(request), TO_SHOW, "mfa_authenticate"
        if not missing or name in reachable:
            return None
        if request.path.startswith("/api/"):
            return JsonResponse({"detail": "A second factor is needed."}, status=HTTPStatus.FORBIDDEN)
        return redirect(there)

    def must_set_up(self, request: HttpRequest) -> bool:
        """Whether the person needs a second factor and came in without; asked anew now and then."""
        session, user = request.session, signed_in(request)
        if user is None or sessions.is_strong(session):
            return False
        if user.impersonated_by:  # whose session it is has shown their own factor
            return False
        if factors.staff_must(user):
            return True
        now = time.time()
        if now - session.get("asked", 0) > ASK_AGAIN:
            session["asked"], session["demanded"] = now, factors.is_demanded(user)
        return bool(session["demanded"])


def shows_factor(request: HttpRequest) -> bool:
    """Whether somebody has given their password here, and owes the factor."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    stage = get_pending_stage(request)
    return stage is not None and stage.key == AuthenticateStage.key


class Reader:
    """Whose clock the page shows, and whether this visit is in English whatever the person's language."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        request.user.is_viewing_in_english = is_in_english(request)
        with timezone.override(zone_of(request.user.time_zone)):
            return self.get_response(request)


def is_in_english(request: HttpRequest) -> bool:
    """Whether this visit is in English by the reader's own choice; seeing as somebody is no choice."""
    return bool(request.session.get("english")) and seen_by(request) is None


def zone_of(name: str) -> tzinfo:
    """The zone of this name; UTC for one that this machine no longer knows."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        return UTC
