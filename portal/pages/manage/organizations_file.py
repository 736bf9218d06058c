"""Organizations from a file: sent, tried, shown with every line that is refused, and taken on a word."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import intake
from accounts.access import ADMIN, admit
from accounts.intake import IntakeRefused, TakenAlready
from accounts.intake.checks import COLUMNS
from accounts.intake.uploads import MOST_BYTES, MOST_LINES
from portal.pages.asking import Asking
from portal.pages.house import house
from portal.pages.strict import Strict, answer

COUNTED = {"created": "New", "updated": "Changed", "unchanged": "Unchanged", "refused": "Refused"}


class FileForm(Strict):
    """The file."""

    file = forms.FileField(
        label="File",
        max_length=500,
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(
                f"{file.name[:60]} is larger than {MOST_BYTES // 1024 // 1024} MiB; "
                "send it with manage.py import_organizations."
            )
        return file


@require_http_methods(["GET", "HEAD", "POST"])
def organizations_import(request: Asking) -> HttpResponse:
    admit(request.user, ADMIN)
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            kept = intake.receive(file.name, file.read(), by=request.user)
        except IntakeRefused as refused:
            form.add_error("file", str(refused))
        else:
            return redirect("manage-organizations-imported", kept.public_id)
    context = {
        "house": house(request),
        "columns": COLUMNS,
        "most": MOST_BYTES // 1024 // 1024,
        "most_lines": MOST_LINES,
    }
    return answer(request, "portal/manage/organizations_import.html", context, form)


@require_http_methods(["GET", "HEAD", "POST"])
def organizations_imported(request: Asking, upload: UUID) -> HttpResponse:
    """GET: what the file would do, or did; POST: take it."""
    admit(request.user, ADMIN)
    kept = intake.waiting(str(upload), by=request.user)
    if kept is None:
        raise Http404("No such file.")
    form = Strict(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            intake.take(kept, by=request.user)
        except TakenAlready as refused:
            messages.error(request, str(refused))
        return redirect("manage-organizations-imported", upload)
    report = kept.report
    context = {
        "house": house(request),
        "file": kept,
        "report": report,
        "counts": [(text, report[name]) for name, text in COUNTED.items()],
        "details": report["details"][:200],
        "is_cut": len(report["details"]) > 200 or report["refused"] > len(report["details"]),
        "changes": report["created"] + report["updated"],
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "portal/manage/organizations_imported.html", context, status=status)
