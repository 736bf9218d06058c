"""allauth's forms where ours differ: what is remembered, what a code is, what a strange credential may do."""

import struct
from typing import Any

from allauth.account.forms import LoginForm
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.base.internal.flows import check_rate_limit, post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, LoginWebAuthnForm
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm as AgainWebAuthnForm
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from accounts import audit
from accounts.factors import use_app_code, use_recovery_code
from accounts.models import Action

# What the libraries below allauth raise for a credential that was never one.
NONSENSE = (TypeError, ValueError, KeyError, IndexError, AttributeError, struct.error)


class SignIn(LoginForm):
    """Remembers before the session is opened what allauth remembers after it."""

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        remember(request, bool(self.cleaned_data.get("remember")))
        return super().login(request, redirect_url)


def remember(request: HttpRequest, is_kept: bool) -> None:
    """Until the browser closes, or for fourteen days."""
    request.session.set_expiry(settings.ACCOUNT_SESSION_COOKIE_AGE if is_kept else 0)


class CodeForm(AuthenticateForm):
    """A code of the app, or a recovery code; five wrong ones make a pause for both."""

    reauthenticated = False
    authenticator: Authenticator | None = None

    def clean_code(self) -> str:
        clear_limit = check_rate_limit(self.user)
        code: str = self.cleaned_data["code"]
        self.authenticator = use_app_code(self.user, code)
        if self.authenticator is None and not use_recovery_code(self.user, code):
            audit.refused(Action.SIGN_IN, target=self.user, reason="The code is not right.")
            raise get_adapter().validation_error("incorrect_code")
        clear_limit()
        return code

    def save(self) -> None:
        request = context.request
        if self.authenticator:
            self.authenticator.user = self.user
            post_authentication(request, self.authenticator, reauthenticated=self.reauthenticated)
            return
        more = {"reauthenticated": True} if self.reauthenticated else {}
        record_authentication(request, self.user, "mfa", type="recovery_codes", **more)


class CodeAgainForm(CodeForm, ReauthenticateForm):
    """The same, of somebody who is signed in."""

    reauthenticated = True


class AppForm(ActivateTOTPForm):
    """The first code of a new app."""


class Hardened:
    """A credential that is none is told at the form, and is no error of ours."""

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()  # type: ignore[misc]
        except NONSENSE as error:
            raise get_adapter().validation_error("incorrect_code") from error


class AddPasskey(Hardened, AddWebAuthnForm):
    """A new passkey; every one of ours can sign in by itself, so there is nothing to choose."""

    name = forms.CharField(required=False, max_length=60, strip=True)
    passwordless = None


class HardenedAnswer:
    """The same for the answer of a passkey at sign-in; a wrong one is written down."""

    user: Any

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except (ValidationError, *NONSENSE) as error:
            audit.refused(Action.SIGN_IN, target=self.user, reason="The passkey is not right.")
            if isinstance(error, ValidationError):
                raise
            raise get_adapter().validation_error("incorrect_code") from error


class PasskeyForm(HardenedAnswer, AuthenticateWebAuthnForm):
    """A passkey after the password."""


class PasskeySignIn(HardenedAnswer, LoginWebAuthnForm):
    """A passkey instead of the password."""

    remember = forms.BooleanField(required=False)


class PasskeyAgain(HardenedAnswer, AgainWebAuthnForm):
    """A passkey of somebody who is signed in."""
