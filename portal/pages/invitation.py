"""The link of an invitation: looking changes nothing, a button accepts. Open to whoever holds the link."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import invitations
from accounts.access import is_open, look_up
from accounts.isolation import EVERYONE, acting_for
from accounts.memberships import last_day_of
from portal.pages.strict import Strict

if TYPE_CHECKING:
    from accounts.models import Invitation, User


class Newcomer(Strict):
    """What somebody says who was not here before; the address is the invitation's."""

    name = forms.CharField(
        label="Your name",
        max_length=120,
        error_messages={"required": "Enter the name that others should see."},
    )
    password1 = forms.CharField(
        label="Password", max_length=128, strip=False, error_messages={"required": "Choose a password."}
    )
    password2 = forms.CharField(
        label="Password, again",
        max_length=128,
        strip=False,
        error_messages={"required": "Enter the password once more."},
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        first, second = data.get("password1"), data.get("password2")
        if first and second and first != second:
            self.add_error("password2", "The two passwords are not the same.")
        return data


class Button(Strict):
    """A button and nothing else."""


@login_not_required
@acting_for(EVERYONE)  # the secret in the address stands for whoever holds it
@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """What is offered and by whom, with a button; a POST of the right person accepts."""
    person: Any = request.user if request.user.is_authenticated else None
    found = invitations.find(token)
    if found is None:
        invitations.refused(None, "No such invitation.", by=person)
        raise Http404("No such invitation.")
    try:
        invitations.check_open(found)
        if person is not None:
            return _signed_in(request, found, person)
        if invitations.is_known(found):
            return _known(request, found)
        return _newcomer(request, found)
    except invitations.NotOpen as refusal:
        invitations.refused(found, str(refusal), by=person)
        page = {"why": refusal.why, "organization": found.organization}
        return render(request, "portal/invitation_gone.html", page, status=HTTPStatus.GONE)
    except invitations.WrongPerson as refusal:
        invitations.refused(found, str(refusal), by=person)
        page = {"is_staff": person.is_staff and invitations.is_for(found, person)}
        return render(request, "portal/invitation_other.html", page, status=HTTPStatus.FORBIDDEN)


def _signed_in(request: HttpRequest, found: "Invitation", person: "User") -> HttpResponse:
    invitations.check_person(found, person)
    if request.method == "POST":
        _only(request, found, Button(request.POST))
        invitations.accept(found, by=person)
        return redirect(_first_page(found, person))
    return _page(request, found)


def _known(request: HttpRequest, found: "Invitation") -> HttpResponse:
    """Somebody has this address: they sign in, and come back here."""
    sign_in = f"{reverse('account_login')}?{urlencode({'next': request.path})}"
    if request.method == "POST":
        _only(request, found, Newcomer(request.POST))
        return redirect(sign_in)
    return _page(request, found, sign_in=sign_in)


def _newcomer(request: HttpRequest, found: "Invitation") -> HttpResponse:
    if request.method != "POST":
        return _page(request, found, form=Newcomer())
    form = Newcomer(request.POST)
    _only(request, found, form)
    if form.is_valid():
        name, password = form.cleaned_data["name"], form.cleaned_data["password1"]
        try:
            person = invitations.enroll(found, name=name, password=password)
        except invitations.AddressIsKnown:
            return _known(request, found)  # two clicks at once: the other one made the account
        except ValidationError as weak:
            form.add_error("password1", weak)
        else:
            login = Login(user=person, email=person.email, redirect_url=_first_page(found, person))
            return perform_password_login(request, {"email": person.email, "password": password}, login)
    return _page(request, found, form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _only(request: HttpRequest, found: "Invitation", form: Strict) -> None:
    """Refuse, and write down, what tries to say more than the stored invitation does."""
    if more := sorted({*request.GET, *form.unknown}):
        reason = f"The invitation takes no {', '.join(name[:40] for name in more[:5])}."
        invitations.refused(found, reason, by=request.user if request.user.is_authenticated else None)
        raise PermissionDenied(reason)


def _first_page(found: "Invitation", person: "User") -> str:
    organization = found.organization
    opened = look_up(person, [organization])[organization.pk]
    return reverse("dashboard" if is_open(person, opened) else "plan", args=[organization.slug])


def _page(request: HttpRequest, found: "Invitation", *, status: int = 200, **more: object) -> HttpResponse:
    page = {
        "invitation": found,
        "organization": found.organization,
        "by": found.invited_by,
        "opens": invitations.OPENS[found.role],
        "last_day": last_day_of(found.access_ends_at),
    }
    return render(request, "portal/invitation.html", page | more, status=status)
