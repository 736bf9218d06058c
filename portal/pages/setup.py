"""The first run: a code from the server's log opens it, the first administrator closes it for good."""

import logging
from functools import cache
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import installation, setup
from portal.pages.settings import HouseForm, fields_of, try_mail

log = logging.getLogger("setup")
KNOWN = "setup"  # in the session of whoever has shown the code


class CodeForm(forms.Form):
    """The code, as the log says it."""

    code = forms.CharField(
        max_length=60, error_messages={"required": "Enter the code that stands in the server's log."}
    )


class FirstForm(HouseForm):
    """The house and its first administrator."""

    email = forms.CharField(max_length=254, error_messages={"required": "Enter your e-mail address."})
    name = forms.CharField(
        max_length=setup.LONGEST_NAME,
        error_messages={"required": "Enter the name that others should see."},
    )
    password = forms.CharField(
        max_length=128, strip=False, error_messages={"required": "Enter a password of 12 characters or more."}
    )
    again = forms.CharField(
        max_length=128, strip=False, error_messages={"required": "Enter the password once more."}
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        given = self.cleaned_data
        if given.get("password") and given.get("again") and given["password"] != given["again"]:
            self.add_error("again", "The two passwords differ.")
        return cleaned


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def first(request: HttpRequest) -> HttpResponse:
    """The code first, then the house; nothing at all once there is an administrator."""
    if not setup.is_due():
        raise Http404("Set up already.")
    if not request.session.get(KNOWN):
        return ask_for_code(request)
    form = FirstForm(request.POST if request.method == "POST" else None)
    tried = None
    if request.method == "POST":
        if request.POST.get("do") == "test":
            form, tried = FirstForm(initial=kept(request)), try_mail(request)
        elif form.is_valid() and made(form):
            request.session.flush()
            return render(request, "portal/set_up.html", {"email": form.cleaned_data["email"]})
    return render(request, "portal/setup.html", {"form": form, "tried": tried, **fields_of()})


def ask_for_code(request: HttpRequest) -> HttpResponse:
    """The page that asks for the code; asking for it makes the log say it."""
    say_code()
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if setup.is_code(form.cleaned_data["code"]):
            request.session.cycle_key()
            request.session[KNOWN] = True
            return redirect("setup")
        form.add_error("code", "This is not the code. It stands in the newest lines of the server's log.")
    return render(request, "portal/setup_code.html", {"form": form})


@cache
def say_code() -> None:
    """Once a process: whoever reads the log may set up, nobody else on the network."""
    log.warning("Nobody administers this install yet. The code of %s is %s", reverse("setup"), setup.code())


def kept(request: HttpRequest) -> dict[str, str]:
    """What was typed so far, but for passwords."""
    names = set(FirstForm.base_fields) - {"password", "again"}
    return {name: request.POST.get(name, "") for name in names}


def made(form: FirstForm) -> bool:
    """Whether the administrator and the house are there now; else the form says why not."""
    given = form.cleaned_data
    house = {field: given[field] for field in installation.FIELDS}
    try:
        setup.set_up(email=given["email"], name=given["name"], password=given["password"], house=house)
    except setup.AdministratorRefused as refused:
        for field, said in refused.problems.items():
            form.add_error(field, said)
        return False
    except installation.SettingRefused as refused:
        form.add_error(refused.field, str(refused))
        return False
    except setup.AlreadySetUp:
        raise Http404("Set up already.") from None
    return True
