"""A person's second factors: the list, adding an app or a passkey, taking one away, recovery codes.

What a browser and a passkey say to each other is allauth's; these pages dress it and tell the story.
"""

from typing import Any, cast

from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.internal.auth import begin_registration
from allauth.mfa.webauthn.views import AddWebAuthnView, LoginWebAuthnView
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import factors, lost_factors
from accounts.factors import CODES, FactorRefused
from accounts.forms import remember
from accounts.lost_factors import ResetRefused
from accounts.sessions import show_again, stay
from portal.pages.asking import Asking
from portal.pages.fresh import fresh


@require_safe
def index(request: Asking) -> HttpResponse:
    """What the person has, who asks for it, and the ways on."""
    user = request.user
    mine = factors.factors(user)
    page = {
        "factors": mine,
        "has_app": any(factor.kind == factors.APP for factor in mine),
        "codes_left": factors.codes_left(user) if mine else 0,
        "codes": CODES,
        "demanded_by": factors.demanded_by(user),
        "reset": lost_factors.waiting(user),
    }
    return render(request, "mfa/index.html", page)


class AddApp(ActivateTOTPView):
    """A code to scan, and the first code of the app as proof."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if any(factor.kind == factors.APP for factor in factors.factors(cast(Asking, request).user)):
            return redirect("mfa_index")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            super().form_valid(form)
            factors.use_app_code(self.request.user, form.cleaned_data["code"])  # so it opens nothing else
            return after_adding(cast(Asking, self.request), factors.APP)


class AddPasskey(AddWebAuthnView):
    """A passkey that can sign in by itself: it knows the person and asks them for more than a touch."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["form"] = kwargs.get("form") or self.get_form()
        context["js_data"] = {"creation_options": begin_registration(self.request.user, True)}
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            super().form_valid(form)
            return after_adding(cast(Asking, self.request), factors.PASSKEY)


def after_adding(request: Asking, kind: str) -> HttpResponse:
    """Tell the story; whoever has no recovery codes yet is sent to make some."""
    factors.added(request.user, kind)
    show_again(request.session, is_factor=True)
    stay(request, request.user)
    messages.success(request, f"{factors.CALLED[kind]} added. Everywhere else you are signed out.")
    return redirect("mfa_index" if factors.codes_left(request.user) else "recovery-codes")


add_app = fresh(AddApp.as_view())
add_passkey = fresh(AddPasskey.as_view())


@fresh
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: Asking, factor: int) -> HttpResponse:
    """Asks; a POST takes the factor away."""
    found = next((each for each in factors.factors(request.user) if each.id == factor), None)
    if found is None:
        messages.info(request, "This factor is not there any more.")
        return redirect("mfa_index")
    refusal = ""
    if request.method == "POST":
        try:
            factors.remove(request.user, factor)
        except FactorRefused as refused:
            refusal = str(refused)
        else:
            stay(request, request.user)
            messages.success(request, f"{found.name} removed. Everywhere else you are signed out.")
            return redirect("mfa_index")
    return render(request, "mfa/remove.html", {"factor": found, "refusal": refusal})


@fresh
@require_http_methods(["GET", "HEAD", "POST"])
def codes(request: Asking) -> HttpResponse:
    """How many are left; a POST makes ten new ones and shows them, this once."""
    page: dict[str, Any] = {"left": factors.codes_left(request.user), "count": CODES}
    if request.method == "POST":
        try:
            page |= {"codes": factors.make_codes(request.user)}
        except FactorRefused as refused:
            messages.info(request, str(refused))
            return redirect("mfa_index")
        stay(request, request.user)
    elif not factors.has_factor(request.user):
        return redirect("mfa_index")
    return render(request, "mfa/codes.html", page)


@require_POST
def keep(request: Asking) -> HttpResponse:
    """No, the factor is not lost: the reset that an administrator asked for is off."""
    try:
        lost_factors.cancel(request.user, by=request.user)
    except ResetRefused as refused:
        messages.info(request, str(refused))
    else:
        messages.success(request, "You keep your second factor. The reset is cancelled.")
    return redirect("mfa_index")


class PasskeySignIn(LoginWebAuthnView):
    """In with a passkey alone. What it answers to a stranger is the same whoever that may be."""

    def form_invalid(self, form: Any) -> HttpResponse:
        messages.error(self.request, "That passkey did not work here. Try again, or use your password.")
        return HttpResponseRedirect(reverse("account_login"))

    def form_valid(self, form: Any) -> HttpResponse:
        remember(self.request, form.cleaned_data["remember"])
        answer: HttpResponse = super().form_valid(form)
        return answer


passkey_sign_in = PasskeySignIn.as_view()
