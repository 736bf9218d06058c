"""A person's own page: what they set, where they are signed in; the score in English for one visit."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from accounts import factors, sessions
from accounts.preferences import PreferenceRefused, language_of, languages, set_preferences, time_zones
from portal.pages.asking import Asking


class Preferences(forms.Form):
    """What a person may say about themselves."""

    name = forms.CharField(
        max_length=120, strip=True, error_messages={"required": "Enter the name that others should see."}
    )
    language = forms.ChoiceField()
    time_zone = forms.ChoiceField()

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for field, choices in (
            ("language", list(languages().items())),
            ("time_zone", [(zone, zone.replace("_", " ")) for zone in time_zones()]),
        ):
            self.fields[field].choices = choices  # type: ignore[attr-defined]
            self.fields[field].error_messages["invalid_choice"] = "Choose one of the list, not %(value)s."


@require_http_methods(["GET", "HEAD", "POST"])
def me(request: Asking) -> HttpResponse:
    """The settings as they are; a POST keeps what was chosen."""
    user = request.user
    code, _ = language_of(user)
    known = {"name": user.name, "language": code, "time_zone": user.time_zone}
    form = Preferences(request.POST if request.method == "POST" else None, initial=known)
    if form.is_valid():
        try:
            set_preferences(user, **form.cleaned_data)
        except PreferenceRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, "Saved.")
            return redirect("me")
    page = {
        "form": form,
        "factors": factors.factors(user),
        "places": sessions.places(user, request.session.session_key),
    }
    return render(request, "portal/me.html", page)


@require_POST
def end_session(request: Asking, place: UUID) -> HttpResponse:
    """Sign out one browser."""
    try:
        sessions.end_one(request.user, place)
    except sessions.NoSuchSession:
        messages.info(request, "You are not signed in there any more.")
    else:
        messages.success(request, "Signed out there.")
    return redirect("me")


@require_http_methods(["GET", "HEAD", "POST"])
def end_sessions(request: Asking) -> HttpResponse:
    """Asks; a POST signs out every browser, this one too."""
    if request.method != "POST":
        return render(request, "portal/end_sessions.html")
    sessions.end_all(request.user)
    logout(request)
    return redirect("account_login")


@require_POST
def english(request: Asking) -> HttpResponse:
    """The score in English until this person signs out; the setting stays as it is."""
    request.session["english"] = True
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    return redirect(back)
