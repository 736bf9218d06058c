"""Sign-in of an organization: connections to its own identity providers, set up step by step."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from allauth.core import ratelimit
from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import connections
from accounts.access import Capability, open_organization
from accounts.connections import ConnectionRefused, Kind, NotYet
from accounts.sso.claims import Finding
from portal.pages import sso
from portal.pages.asking import Asking
from portal.pages.confirming import ask_again, is_fresh
from portal.pages.shell import shell
from portal.pages.words import listed
from portal.templatetags.scores import day, moment

if TYPE_CHECKING:
    from accounts.models import Connection, Organization

AGAIN = "Nothing was changed: we asked once more whether it is you. Now do it again."
LIMITS = {"connection_check": "20/15m/user"}


class OidcForm(forms.Form):
    """What an OpenID Connect provider gives out."""

    name = forms.CharField(max_length=80)
    issuer = forms.CharField(max_length=500)
    client_id = forms.CharField(max_length=255)
    secret = forms.CharField(max_length=500, required=False)


class SamlForm(forms.Form):
    """What a SAML provider gives out, entered by hand."""

    name = forms.CharField(max_length=80)
    entity_id = forms.CharField(max_length=500)
    sso_url = forms.CharField(max_length=500)


class MetadataForm(forms.Form):
    """What a SAML provider gives out, as one text."""

    metadata = forms.CharField(max_length=600_000)


class CertificateForm(forms.Form):
    """One more certificate."""

    certificate = forms.CharField(max_length=30_000)


class BreakGlassForm(forms.Form):
    """Who may still come in with a password."""

    break_glass: forms.ModelChoiceField = forms.ModelChoiceField(
        queryset=None,
        empty_label="Choose a person",
        error_messages={
            "required": "Choose who can still come in with a password.",
            "invalid_choice": "Choose one of the list.",
        },
    )


@dataclass(frozen=True)
class Step:
    """Something that is asked about on a page of its own before it is done."""

    title: str
    text: str
    button: str
    does: Callable[..., None]
    done: str
    names_people: bool = False


STEPS: dict[str, Step] = {
    "on": Step(
        "Switch the connection on",
        "People of {organization} can then come in through it, beside their passwords. Only those who are "
        "invited, or have linked their account, get in.",
        "Switch on",
        connections.switch_on,
        "The connection is on.",
    ),
    "require": Step(
        "Require the connection",
        "Passwords and password resets of {organization} are then closed, but for one person whom you name "
        "below. Everybody else who is signed in is signed out now and comes back through the company.",
        "Require it",
        connections.require,
        "The connection is the only way in.",
        names_people=True,
    ),
    "optional": Step(
        "Let passwords in again",
        "People of {organization} can then sign in with their passwords again, beside the connection.",
        "Let passwords in",
        connections.stop_requiring,
        "Passwords work again.",
    ),
    "off": Step(
        "Switch the connection off",
        "Nobody of {organization} comes in through it any more. Who came in through it is signed out at the "
        "next click. Passwords work again.",
        "Switch off",
        connections.switch_off,
        "The connection is off.",
    ),
    "remove": Step(
        "Remove the connection",
        "Its secret, its certificates and the links of its people are deleted. This cannot be undone: a new "
        "connection has other addresses, and people have to be invited or linked again.",
        "Remove",
        connections.remove,
        "The connection is removed.",
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: Asking, slug: str) -> HttpResponse:
    """Every connection of the organization; a POST begins one more."""
    organization = open_organization(request.user, slug, to=Capability.MANAGE_CONNECTION)
    problem = ""
    if request.method == "POST":
        if not is_fresh(request):
            return again(request, reverse("connection", args=[slug]))
        try:
            made = connections.add(organization, request.POST.get("kind", ""), by=request.user)
        except ConnectionRefused as error:
            problem = str(error)
        else:
            return redirect("connection-detail", slug, made.public_id)
    page = {
        "shell": shell(request, organization, here=reverse("connection", args=[slug])),
        "organization": organization,
        "rows": [row(each) for each in organization.connections.all()],
        "kinds": [(kind.value, kind.label) for kind in Kind],
        "problem": problem,
    }
    return render(request, "portal/connections.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: Asking, slug: str, connection: UUID) -> HttpResponse:
    """One connection; a POST keeps what its provider gave out."""
    organization = open_organization(request.user, slug, to=Capability.MANAGE_CONNECTION)
    found = own(organization, connection)
    if request.method != "POST":
        if "change" in request.GET and not is_fresh(request):
            return ask_again(request, address(found))
        return shown(request, found)
    if not is_fresh(request):
        return again(request, address(found))
    which = request.POST.get("form", "")
    if which not in SAVED or SAVED[which].kind != found.kind:
        raise Http404("No such form.")
    saved = SAVED[which]
    form = saved.form(request.POST)
    if form.is_valid():
        try:
            saved.does(found, form.cleaned_data, request)
        except ConnectionRefused as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            messages.success(request, saved.done)
            return redirect("connection-detail", slug, found.public_id)
    return shown(request, found, status=HTTPStatus.UNPROCESSABLE_ENTITY, filled={which: form})


@dataclass(frozen=True)
class Saved:
    """A form of the page, and what it does."""

    kind: str
    form: type[forms.Form]
    does: Callable[["Connection", dict[str, str], Asking], object]
    done: str


SAVED: dict[str, Saved] = {
    "oidc": Saved(
        Kind.OIDC,
        OidcForm,
        lambda found, values, request: connections.describe_oidc(found, **values, by=request.user),
        "Kept. Check the connection next.",
    ),
    "saml": Saved(
        Kind.SAML,
        SamlForm,
        lambda found, values, request: connections.describe_saml(found, **values, by=request.user),
        "Kept. Check the connection next.",
    ),
    "metadata": Saved(
        Kind.SAML,
        MetadataForm,
        lambda found, values, request: connections.describe_by_metadata(
            found, values["metadata"], by=request.user
        ),
        "Read from the metadata. Check the connection next.",
    ),
    "certificate": Saved(
        Kind.SAML,
        CertificateForm,
        lambda found, values, request: connections.add_certificate(
            found, values["certificate"], by=request.user
        ),
        "Added. The certificates before it stay valid until you remove them.",
    ),
}


@require_POST
def remove_certificate(request: Asking, slug: str, connection: UUID, certificate: int) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.MANAGE_CONNECTION)
    found = own(organization, connection)
    if not is_fresh(request):
        return again(request, address(found))
    try:
        connections.remove_certificate(get_object_or_404(found.certificates, pk=certificate), by=request.user)
    except NotYet as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The certificate is removed.")
    return redirect("connection-detail", slug, found.public_id)


@require_POST
def check(request: Asking, slug: str, connection: UUID) -> HttpResponse:
    """What can be known before anybody signs in, shown once, each thing by its name."""
    organization = open_organization(request.user, slug, to=Capability.MANAGE_CONNECTION)
    found = own(organization, connection)
    if not is_fresh(request):
        return again(request, address(found))
    if limited := ratelimit.consume_or_429(
        request, action="connection_check", user=request.user, config=LIMITS
    ):
        return limited
    findings = connections.check(found, sso.addresses(request, found))
    return shown(request, found, findings=findings)


@require_POST
def test(request: Asking, slug: str, connection: UUID) -> HttpResponse:
    """On to the provider, to sign in there once; what comes back decides whether the connection works."""
    organization = open_organization(request.user, slug, to=Capability.MANAGE_CONNECTION)
    found = own(organization, connection)
    if not is_fresh(request):
        return again(request, address(found))
    if not organization.opened.is_customers:
        messages.error(request, "A designated contact tests it: people of the service have no account there.")
        return redirect("connection-detail", slug, found.public_id)
    if not connections.is_described(found):
        messages.error(request, "Enter what your provider gave you first.")
        return redirect("connection-detail", slug, found.public_id)
    return sso.begin(request, found, sso.TEST, address(found))


@require_http_methods(["GET", "HEAD", "POST"])
def step(request: Asking, slug: str, connection: UUID, to: str) -> HttpResponse:
    """What a step means, and a button that takes it."""
    organization = open_organization(request.user, slug, to=Capability.MANAGE_CONNECTION)
    found = own(organization, connection)
    if to not in STEPS:
        raise Http404("No such step.")
    asked = STEPS[to]
    if not is_fresh(request):
        return again(request, request.path)
    form = BreakGlassForm(request.POST if request.method == "POST" and asked.names_people else None)
    choices = connections.break_glass_choices(organization)
    form.fields["break_glass"].queryset = choices  # type: ignore[attr-defined]
    problem = ""
    if request.method == "POST" and (not asked.names_people or form.is_valid()):
        people = [form.cleaned_data["break_glass"]] if asked.names_people else []
        try:
            asked.does(found, *people, by=request.user)
        except NotYet as error:
            problem = str(error)
        except ConnectionRefused as error:
            form.add_error("break_glass", str(error))
        else:
            messages.success(request, asked.done)
            return redirect("connection", slug)
    page = {
        "shell": shell(request, organization, here=reverse("connection", args=[slug])),
        "organization": organization,
        "connection": found,
        "step": asked,
        "text": asked.text.format(organization=organization.name),
        "form": form if asked.names_people else None,
        "has_choices": choices.exists(),
        "left_out": listed([str(each) for each in connections.not_linked(found)[:10]]),
        "left_out_count": connections.not_linked(found).count(),
        "problem": problem,
    }
    return render(request, "portal/connection_step.html", page)


# ---------- the page ----------


@dataclass(frozen=True)
class Row:
    """A connection as the list shows it."""

    name: str
    href: str
    kind: str
    tone: str
    state: str
    more: str


@dataclass(frozen=True)
class Shelf:
    """A certificate as the page shows it."""

    number: int
    subject: str
    fingerprint: str
    tone: str
    word: str


def row(connection: "Connection") -> Row:
    tone, state = state_of(connection)
    used = f"last sign-in {moment(connection.last_used_at)}" if connection.last_used_at else "not used yet"
    href = address(connection)
    return Row(connection.name, href, connection.get_kind_display(), tone, state, used)


def state_of(connection: "Connection") -> tuple[str, str]:
    """The band and the word of a connection's state."""
    if connection.is_required:
        return "healthy", "Required"
    if connection.state == "on":
        return "healthy", "On, beside passwords"
    return "none", connection.get_state_display()


def shelf(connection: "Connection") -> list[Shelf]:
    """Its certificates, the one that lasts longest first."""
    now, found = timezone.now(), []
    for each in connection.certificates.all():
        left = (each.ends_at - now).days
        tone, word = "healthy", f"Until {day(each.ends_at)}"
        if each.ends_at <= now:
            tone, word = "act", f"Ended on {day(each.ends_at)}"
        elif each.begins_at > now:
            tone, word = "none", f"From {day(each.begins_at)}"
        elif left <= connections.ENDS_SOON_DAYS:
            tone, word = "watch", f"Ends in {left} days, {day(each.ends_at)}"
        found.append(Shelf(each.pk, each.subject, each.fingerprint, tone, word))
    return found


def shown(
    request: Asking,
    connection: "Connection",
    *,
    status: int = HTTPStatus.OK,
    findings: list[Finding] | None = None,
    filled: dict[str, forms.Form] | None = None,
) -> HttpResponse:
    """The page of one connection; forms that were refused come back as they were filled in."""
    organization = connection.organization
    tone, state = state_of(connection)
    known = {
        name: getattr(connection, name) for name in ("name", "issuer", "client_id", "entity_id", "sso_url")
    }
    ready, filled = connections.readiness(connection), filled or {}
    page = {
        "shell": shell(request, organization, here=reverse("connection", args=[organization.slug])),
        "organization": organization,
        "connection": connection,
        "is_oidc": connection.kind == Kind.OIDC,
        "tone": tone,
        "state": state,
        "ready": ready,
        "is_fresh": is_fresh(request),
        "may_test": organization.opened.is_customers,
        "addresses": sso.addresses(request, connection),
        "sign_in": request.build_absolute_uri(reverse("sso-start", args=[connection.public_id])),
        "linked": connection.identities.count(),
        "left_out": connections.not_linked(connection).count(),
        "break_glass_is_fit": not ready.is_required or connections.break_glass_is_fit(connection),
        "shelf": shelf(connection),
        "oidc": filled.get("oidc", OidcForm(initial=known)),
        "saml": filled.get("saml", SamlForm(initial=known)),
        "metadata": filled.get("metadata", MetadataForm()),
        "certificate": filled.get("certificate", CertificateForm()),
        "has_errors": bool(filled),
        "findings": findings,
        "is_fine": findings is not None and all(each.is_fine for each in findings),
    }
    return render(request, "portal/connection.html", page, status=status)


def own(organization: "Organization", connection: UUID) -> "Connection":
    found = get_object_or_404(organization.connections, public_id=connection)
    found.organization = organization  # as the door has opened it
    return found


def address(connection: "Connection") -> str:
    return reverse("connection-detail", args=[connection.organization.slug, connection.public_id])


def again(request: Asking, back: str) -> HttpResponse:
    """To the page that asks once more who it is; a form is not kept meanwhile: it may hold a secret."""
    if request.method == "POST":
        messages.info(request, AGAIN)
    return ask_again(request, back)
