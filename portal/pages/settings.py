"""The settings of the house, for administrators: its address, who runs it, whom to ask, and the mail."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings as environment
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import installation
from accounts.access import ADMIN, admit
from portal.pages.asking import Asking
from portal.pages.confirming import ask_again, is_fresh
from portal.pages.house import house
from portal.pages.strict import Strict


class HouseForm(Strict):
    """What holds for the whole house; an empty field leaves it to the environment."""

    also = frozenset({"do", "test_email"})

    site_address = forms.CharField(max_length=200, required=False)
    vendor_name = forms.CharField(max_length=installation.LONGEST_NAME, required=False)
    support_email = forms.CharField(max_length=254, required=False)
    operator_email = forms.CharField(max_length=1000, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for field in installation.FIELDS:
            if field in self.cleaned_data:
                try:
                    self.cleaned_data[field] = installation.CLEAN[field](self.cleaned_data[field])
                except installation.SettingRefused as refused:
                    self.add_error(field, str(refused))
        return cleaned


@dataclass(frozen=True)
class Tried:
    """What became of a test mail."""

    to: str
    problem: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: Asking) -> HttpResponse:
    """What is entered, and what the environment says where nothing is; a POST keeps it or tries the mail."""
    admit(request.user, ADMIN)
    form, tried = HouseForm(initial=installation.entered()), None
    if request.method == "POST":
        if not is_fresh(request):
            return ask_again(request, request.get_full_path())
        if request.POST.get("do") == "test":
            tried = try_mail(request)
        else:
            form = HouseForm(request.POST)
            if form.is_valid():
                is_new = installation.change(form.cleaned_data, by=request.user)
                messages.success(request, "Saved." if is_new else "Nothing was changed.")
                return redirect("settings")
    page = {"house": house(request), "form": form, "tried": tried, **fields_of()}
    return render(request, "portal/settings.html", page)


def fields_of() -> dict[str, object]:
    """What both pages say beside the fields."""
    return {
        "usual": installation.of_environment(),
        "server": installation.mail_server(),
        "sender": environment.DEFAULT_FROM_EMAIL,
    }


def try_mail(request: HttpRequest) -> Tried:
    """A test mail to the address that was given, or why it could not go."""
    to = request.POST.get("test_email", "")[:254]
    try:
        installation.send_test_mail(to)
    except (installation.SettingRefused, installation.MailFailed) as failed:
        return Tried(to, str(failed))
    return Tried(to)
