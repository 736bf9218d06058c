"""The customer's own notes: written, changed and deleted by its contacts, read by whoever sees the score."""

from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import notes
from accounts.access import Capability, open_organization
from accounts.notes import NoteRefused
from portal.pages.asking import Asking
from portal.pages.shell import shell
from portal.pages.trends.forms import NoteForm
from portal.pages.trends.page import show
from portal.templatetags.scores import day

if TYPE_CHECKING:
    from accounts.models import Note, Organization


def opened(request: Asking, slug: str) -> "Organization":
    """The organization, for whoever sees its score and may write beside it."""
    open_organization(request.user, slug, to=Capability.SEE_SCORE)
    return open_organization(request.user, slug, to=Capability.WRITE_NOTES)


def note_of(organization: "Organization", public_id: UUID) -> "Note":
    found = notes.find(organization, public_id)
    if found is None:
        raise Http404("No such note.")
    return found


def back(slug: str) -> str:
    return f"{reverse('trends', args=[slug])}#happened"


@require_POST
def write(request: Asking, slug: str) -> HttpResponse:
    organization = opened(request, slug)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            made = notes.write(organization, **form.cleaned_data, by=request.user)
        except NoteRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, f"Your note on {day(made.day)} is kept.")
            return redirect(back(slug))
    return show(request, organization, form)


@require_http_methods(["GET", "HEAD", "POST"])
def note(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    found = note_of(organization, public_id)
    kept = {"day": found.day.isoformat(), "text": found.text}
    form = NoteForm(request.POST if request.method == "POST" else None, initial=kept)
    if form.is_valid():
        try:
            notes.change(found, **form.cleaned_data, by=request.user)
        except NoteRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, f"The note on {day(found.day)} is changed.")
            return redirect(back(slug))
    page = {
        "shell": shell(request, organization, here=request.path),
        "organization": organization,
        "note": found,
        "form": form,
        "back": back(slug),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "portal/trends_note.html", page, status=status)


@require_POST
def delete(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = opened(request, slug)
    found = note_of(organization, public_id)
    when = day(found.day)
    notes.delete(found, by=request.user)
    messages.success(request, f"The note on {when} is deleted.")
    return redirect(back(slug))
