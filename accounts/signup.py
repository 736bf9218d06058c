"""Who may enter: people who were made here by name. There is no sign-up, and no message says whom we know."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context as allauth
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import audit, installation, lost_factors
from accounts.arrivals import came_through, signed_in_through
from accounts.connections import closed_by
from accounts.epochs import end_sessions
from accounts.factors import key_of
from accounts.letters import tell
from accounts.models import Action, User
from accounts.preferences import learn_language
from accounts.sessions import is_fresh

MISMATCH = "Email or password is not right. After five tries there is a pause of 15 minutes."
PAUSE = "That was the fifth try. There is a pause of 15 minutes; then try again."
# What somebody showed, by allauth's words for it: method, and type of factor.
SHOWN = {
    ("password", None): "password",
    ("mfa", "totp"): "authenticator app",
    ("mfa", "webauthn"): "passkey",
    ("mfa", "recovery_codes"): "recovery code",
    ("sso", None): "company sign-in",
}

AGAIN = {
    "reauthenticate": "Use your password",
    "mfa_reauthenticate": "Use a code",
    "mfa_reauthenticate:webauthn": "Use your passkey",
}


class Adapter(DefaultAccountAdapter):
    """allauth with our words, and closed."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": MISMATCH,
        "too_many_login_attempts": PAUSE,
        "rate_limited": PAUSE,
        "incorrect_password": "The password is not right.",
        "enter_current_password": "Enter the password you have now.",
        "invalid_password_reset": "This link no longer works. Ask for a new one.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: accounts are by invitation."""
        return False

    def pre_login(self, request: HttpRequest, user: User, **more: Any) -> HttpResponse | None:
        """As allauth does; a lost factor whose day is over is asked for no more.

        Not in by another way where the organization allows its own alone; passwords never get here.
        """
        if closed_by(user) and came_through(request, user) is None:
            return redirect("sso-find")
        if user.is_active:
            lost_factors.carry_out(user)
        return super().pre_login(request, user, **more)

    def login(self, request: HttpRequest, user: User) -> None:
        """In; the first time, the browser says the person's language."""
        with transaction.atomic():
            shown = how(request, user)
            super().login(request, user)
            through = signed_in_through(request, user) or {"after": {"with": shown} if shown else None}
            audit.record(Action.SIGN_IN, by=user, target=user, **through)
            learn_language(user, request.headers.get("Accept-Language", ""))

    def logout(self, request: HttpRequest) -> None:
        if isinstance(request.user, User):
            audit.record(Action.SIGN_OUT, by=request.user, target=request.user)
            request.user.signed_in.filter(session_key=request.session.session_key).delete()
        super().logout(request)

    def set_password(self, user: User, password: str) -> None:
        """Set, changed or forgotten: whoever was signed in with the old one is out."""
        with transaction.atomic():
            user.set_password(password)
            user.save(update_fields=["password"])
            end_sessions(user)
            audit.record(Action.PASSWORD_CHANGED, by=user, target=user, after={"password": "set"})
            tell(user, "password_changed")

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Whether allauth's own pages ask once more: where ours would."""
        request = allauth.request
        return not is_fresh(request.session, request.user)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """allauth's ways to show once more that it is them, in our words."""
        found = super().get_reauthentication_methods(user)
        return [{**way, "description": AGAIN.get(way["id"], way["description"])} for way in found]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """As allauth does; that somebody has to wait is written down once an hour."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            address = audit.fingerprint(credentials.get("email") or "")
            self._failed("Too many tries; a pause of 15 minutes.", credentials, (audit.HOUR, address))
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        self._failed("E-mail or password is not right.", credentials)

    def _failed(
        self, reason: str, credentials: dict[str, Any], once: tuple[Any, object] | None = None
    ) -> None:
        """Whoever was meant, if we know them, and a hash of what was typed: it may be anything."""
        email = credentials.get("email") or ""
        known = User.objects.filter(email__iexact=email).first()
        audit.refused(Action.SIGN_IN, target=known, after={"email": email}, reason=reason, once=once)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """At our own address, whatever the request called us."""
        return installation.from_here(super().get_reset_password_from_key_url(key))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return installation.from_here(super().get_email_confirmation_url(request, emailconfirmation))

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Whose organization has its own sign-in alone is led there: a new password would open nothing."""
        if connection := closed_by(user):
            link = installation.current().site_address + reverse("sso-start", args=[connection.public_id])
            links = [(connection.organization.name, link)]
            self.send_mail("email/company_sign_in", email, {"email": email, "links": links})
        else:
            super().send_password_reset_mail(user, email, context)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail that names the house. Within a request it goes out when the answer is given: how long a mail
        server takes tells nobody whether an address is known, and one that is down stops nobody.
        """
        house = {"product": settings.PRODUCT_NAME, "vendor": installation.current().vendor_name}
        message = self.render_mail(template_prefix, email, {"email": email, **context, **house})
        waiting: list[EmailMessage] | None = getattr(allauth.request, "letters", None)
        if waiting is None:
            message.send()
        else:
            waiting.append(message)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: the page that follows shows what happened; a queue would show it late."""


def how(request: HttpRequest, user: User) -> str:
    """What the person showed to get in: password, authenticator app."""
    records = get_authentication_records(request, user)
    shown = (SHOWN.get((record["method"], record.get("type"))) for record in records)
    return ", ".join(dict.fromkeys(each for each in shown if each))


class FactorAdapter(DefaultMFAAdapter):
    """allauth's factors with our words; an app's secret is closed before it goes into the database."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That is not right. Try again.",
        "unverified_email": "Confirm your address first; then add a second factor.",
    }

    def get_totp_issuer(self) -> str:
        return f"{settings.PRODUCT_NAME} ({installation.current().vendor_name})"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": settings.PRODUCT_NAME}

    def generate_authenticator_name(self, user: User, type: str) -> str:
        return "Passkey"

    def encrypt(self, text: str) -> str:
        return _locks().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _locks().decrypt(encrypted_text.encode()).decode()


def _locks() -> MultiFernet:
    """The newest secret key closes; older ones still open."""
    return MultiFernet(
        [Fernet(key_of(str(secret))) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )
