"""Signing in through one's company: found by e-mail, begun by a button, finished by the provider's answer.

The way there is a link on a page of ours, not a redirect of the form: `form-action 'self'` would stop it, and
the policy stays the same for every customer.
"""

import json
import time
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.account.app_settings import EmailVerificationMethod
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.core import ratelimit
from cryptography.fernet import InvalidToken
from django import forms
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from accounts import arrivals
from accounts.connections import Addresses, Kind
from accounts.isolation import EVERYONE, acting_for
from accounts.sso import saml
from accounts.sso.claims import Claims
from accounts.sso.reasons import SignInFailed, Why
from accounts.sso.secret import box
from portal.pages.asking import Asking
from portal.pages.confirming import may_go_to
from portal.pages.refusals import reference

TYPE_OF_METADATA = "application/samlmetadata+xml"
PENDING = "company_sign_ins"  # of the session: those begun, by what names them in the answer
MOST_PENDING = 5
MINUTES = 10 * 60  # seconds that a sign-in may take
SECONDS_TO_FINISH = 120  # between the provider's POST and our own page
COOKIE_AGE = 180 * 24 * 3600
SIGN_IN, TEST, LINK, AGAIN = "sign-in", "test", "link", "again"
LIMITS = {
    "company_find": "20/h/ip,3/h/key",
    "company_begin": "60/m/ip",  # a whole company may share one address
    "company_answer": "60/m/ip",
}


class Find(forms.Form):
    """Whose company's sign-in is looked for."""

    email = forms.EmailField(
        max_length=254,
        error_messages={"required": "Enter your work email.", "invalid": "Enter an email address."},
    )


# ---------- finding it ----------


@login_not_required
@acting_for(EVERYONE)  # nobody is signed in yet: the address alone says which connection it is
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """The way to the company's sign-in goes by mail: the page says the same whatever address is asked for."""
    if request.user.is_authenticated:
        return redirect("home")
    form = Find(request.POST if request.method == "POST" else None)
    if form.is_valid():
        email = form.cleaned_data["email"].lower()
        if limited := ratelimit.consume_or_429(request, action="company_find", key=email, config=LIMITS):
            return limited
        tell(request, email)
        return redirect("sso-find-sent")
    return render(request, "portal/sso_find.html", {"form": form, "known": remembered(request)})


@login_not_required
@acting_for(EVERYONE)  # nobody is signed in yet: the address alone says which connection it is
@require_safe
def find_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/sso_find_sent.html")


def tell(request: HttpRequest, email: str) -> None:
    """One mail for every address that is asked for, so that no answer comes sooner than another."""
    links = [
        (each.organization.name, request.build_absolute_uri(reverse("sso-start", args=[each.public_id])))
        for each in arrivals.find_by_address(email)
    ]
    template = "email/company_sign_in" if links else "email/no_company_sign_in"
    get_adapter().send_mail(template, email, {"email": email, "links": links})


def remembered(request: HttpRequest) -> Any:
    """The connection that this browser used before, while it is on."""
    try:
        return arrivals.find(UUID(request.COOKIES.get(cookie_name(), "")))
    except ValueError:
        return None


def cookie_name() -> str:
    """Remembers this browser's company; no other host of the domain can set it in production."""
    return "__Host-company" if settings.SESSION_COOKIE_SECURE else "company"


# ---------- there ----------


@login_not_required
@acting_for(EVERYONE)  # nobody is signed in yet: the address alone says which connection it is
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, connection: UUID) -> HttpResponse:
    """A button that goes on to the company; for whoever came through it, to show once more who they are."""
    found = known(connection)
    is_again = request.user.is_authenticated and through(request, found)
    if request.user.is_authenticated and not is_again:
        return redirect("home")
    back = request.POST.get("next", request.GET.get("next", ""))
    back = back if may_go_to(back) else ""
    if request.method == "POST":
        return begin(request, found, AGAIN if is_again else SIGN_IN, back)
    return render(request, "portal/sso_start.html", {"found": found, "next": back, "is_again": is_again})


def begin(request: HttpRequest, connection: Any, purpose: str, back: str = "") -> HttpResponse:
    """The page that goes on to the provider; what was begun is kept in the session."""
    if limited := ratelimit.consume_or_429(request, action="company_begin", config=LIMITS):
        return limited
    try:
        begun = arrivals.begin(connection, addresses(request, connection), again=purpose == AGAIN)
    except SignInFailed as error:
        return refused(request, connection, error, purpose)
    pending = dict(list(request.session.get(PENDING, {}).items())[1 - MOST_PENDING :])
    request.session[PENDING] = pending | {
        begun.key: {
            "connection": str(connection.public_id),
            "purpose": purpose,
            "user": request.user.pk,
            "next": back,
            "at": time.time(),
            **begun.kept,
        }
    }
    return render(request, "portal/sso_leave.html", {"found": connection, "there": begun.url})


# ---------- and back ----------


@login_not_required
@acting_for(EVERYONE)  # nobody is signed in yet: the address alone says which connection it is
@require_GET
def callback(request: HttpRequest, connection: UUID) -> HttpResponse:
    """Where an OpenID Connect provider sends the browser back to."""
    found = known(connection, is_on=False, kind=Kind.OIDC)
    if limited := ratelimit.consume_or_429(request, action="company_answer", config=LIMITS, limit_get=True):
        return limited
    answer = request.GET.dict()
    try:
        pending = taken(request, found, answer.get("state", ""))
    except SignInFailed as error:
        return refused(request, found, error, SIGN_IN)
    try:
        claims = arrivals.finish_oidc(found, addresses(request, found), pending, answer)
    except SignInFailed as error:
        return refused(request, found, error, pending["purpose"])
    return finished(request, found, pending, claims)


@login_not_required
@acting_for(EVERYONE)  # nobody is signed in yet: the address alone says which connection it is
@csrf_exempt  # the provider's own page posts it; what it may do is decided behind, where the session is known
@require_POST
def acs(request: HttpRequest, connection: UUID) -> HttpResponse:
    """Where a SAML provider posts its answer; no session comes along from another site, so it is read and
    handed on, locked, to a page of ours that has one."""
    found = known(connection, is_on=False, kind=Kind.SAML)
    if limited := ratelimit.consume_or_429(request, action="company_answer", config=LIMITS):
        return limited
    posted = request.POST.get("SAMLResponse", "")
    read: dict[str, Any]
    try:
        answer = arrivals.read_saml(found, addresses(request, found), posted)
    except SignInFailed as error:
        read = {"key": saml.claimed_request(posted), "why": error.why.name, "detail": error.detail}
    else:
        at = answer.claims.signed_in_at
        read = {
            "key": answer.request,
            "subject": answer.claims.subject,
            "email": answer.claims.email,
            "name": answer.claims.name,
            "at": at.timestamp() if at else None,
        }
    read["connection"] = str(found.public_id)
    locked = box(settings.CONNECTION_KEY, "answer").encrypt(json.dumps(read, ensure_ascii=False).encode())
    response = redirect(f"{reverse('sso-finish', args=[found.public_id])}?answer={locked.decode()}")
    response.status_code = HTTPStatus.SEE_OTHER
    return response


@login_not_required
@acting_for(EVERYONE)  # nobody is signed in yet: the address alone says which connection it is
@require_GET
def finish(request: HttpRequest, connection: UUID) -> HttpResponse:
    """The SAML answer, where the session is known that asked for it."""
    found = known(connection, is_on=False, kind=Kind.SAML)
    try:
        locked = box(settings.CONNECTION_KEY, "answer")
        read = json.loads(locked.decrypt(request.GET.get("answer", "").encode(), ttl=SECONDS_TO_FINISH))
    except InvalidToken:
        return refused(request, found, SignInFailed(Why.NOT_STARTED), SIGN_IN)
    try:
        pending = taken(request, found, read["key"])
        if read["connection"] != str(found.public_id):
            raise SignInFailed(Why.MIXED_UP)
    except SignInFailed as error:
        return refused(request, found, error, SIGN_IN)
    if "why" in read:
        return refused(request, found, SignInFailed(Why[read["why"]], read["detail"]), pending["purpose"])
    claims = Claims(read["subject"], read["email"], read["name"], arrivals.moment(read["at"]))
    return finished(request, found, pending, claims)


@login_not_required
@acting_for(EVERYONE)  # nobody is signed in yet: the address alone says which connection it is
@require_safe
def metadata(request: HttpRequest, connection: UUID) -> HttpResponse:
    """Ourselves, for a SAML provider that reads it."""
    ours = addresses(request, known(connection, is_on=False, kind=Kind.SAML))
    return HttpResponse(saml.describe_ourselves(ours.acs, ours.metadata), content_type=TYPE_OF_METADATA)


def taken(request: HttpRequest, connection: Any, key: str) -> dict[str, Any]:
    """What was kept of the sign-in that this answer belongs to; it is not there a second time.

    raises  SignInFailed
    """
    everything = request.session.get(PENDING, {})
    pending = everything.pop(key, None) if key else None
    if pending is None:
        raise SignInFailed(Why.NOT_STARTED)
    request.session[PENDING] = everything
    if pending["connection"] != str(connection.public_id):
        raise SignInFailed(Why.MIXED_UP)
    if time.time() - pending["at"] > MINUTES:
        raise SignInFailed(Why.TOO_LATE)
    if pending["purpose"] != SIGN_IN and pending["user"] != request.user.pk:
        raise SignInFailed(Why.OTHER_PERSON)
    return dict(pending) | {"state": key}


def finished(request: HttpRequest, connection: Any, pending: dict[str, Any], claims: Claims) -> HttpResponse:
    """What the sign-in at the provider was for."""
    purpose, person = pending["purpose"], cast(Asking, request).user
    try:
        if purpose == TEST:
            arrivals.tested(connection, claims, by=person)
        elif purpose == LINK:
            arrivals.link(connection, claims, user=person)
        elif purpose == AGAIN:
            arrivals.asked_again(claims, pending["at"])
            identity = arrivals.arrive(connection, claims)
            if identity.user != person:
                raise SignInFailed(Why.OTHER_PERSON)
            arrivals.remember(request, identity, again=True)
        else:
            return let_in(request, arrivals.arrive(connection, claims), pending["next"])
    except SignInFailed as error:
        return refused(request, connection, error, purpose, claims.email)
    return redirect(pending["next"] or "home")


def let_in(request: HttpRequest, identity: Any, back: str) -> HttpResponse:
    """Signed in as this person, through allauth's stages: a factor of one's own is asked for here, too."""
    if request.user.is_authenticated:
        logout(request)
    arrivals.remember(request, identity)
    login = Login(
        user=identity.user,
        email_verification=EmailVerificationMethod.NONE,
        redirect_url=back or reverse("home"),
    )
    response: HttpResponse = perform_login(request, login)
    response.set_cookie(
        cookie_name(),
        str(identity.connection.public_id),
        max_age=COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def refused(
    request: HttpRequest, connection: Any, error: SignInFailed, purpose: str, email: str = ""
) -> HttpResponse:
    """Why it did not work, in words that say nothing of whom we know; whoever sets it up reads the reason."""
    arrivals.failed(connection, error, email=email)
    context = {
        "found": connection,
        "said": error.said,
        "reason": str(error) if purpose == TEST else "",
        "reference": reference(),
        "back": reverse("connection", args=[connection.organization.slug]) if purpose == TEST else "",
        "may_repeat": purpose in (SIGN_IN, AGAIN) and arrivals.find(connection.public_id) is not None,
    }
    return render(request, "portal/sso_failed.html", context, status=HTTPStatus.FORBIDDEN)


# ---------- shared ----------


def known(public_id: UUID, *, is_on: bool = True, kind: str = "") -> Any:
    """The connection of an address; 404 alike for one that is off, of another kind, or was never there."""
    found = arrivals.find(public_id, is_on=is_on)
    if found is None or (kind and found.kind != kind):
        raise Http404("No such connection.")
    return found


def through(request: HttpRequest, connection: Any) -> bool:
    """Whether this session was begun through the connection."""
    number = arrivals.came_through(request, cast(Asking, request).user)
    return number is not None and connection.identities.filter(pk=number).exists()


def addresses(request: HttpRequest, connection: Any) -> Addresses:
    """Where the connection's answers come to."""
    names = ("sso-callback", "sso-acs", "sso-metadata")
    return Addresses(
        *(request.build_absolute_uri(reverse(name, args=[connection.public_id])) for name in names)
    )
