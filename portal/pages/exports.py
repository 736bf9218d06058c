"""Exports of one organization: what can be had at once, what a worker makes, and one's own files."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Capability, is_open, looked_after, open_organization
from portal.pages import exported
from portal.pages.asking import Asking
from portal.pages.exported_portfolio import FACTS
from portal.pages.exported_portfolio import portfolio as table_of
from portal.pages.exporting import LONG, SMALL, file_name
from portal.pages.shell import shell
from portal.pages.words import FILES
from portal.reports import bell, jobs, written
from portal.reports.writing import CSV, TYPES, XLSX, about, csv_of, xlsx_of
from portal.templatetags.scores import day, file_size, moment
from scoring import read

if TYPE_CHECKING:
    from accounts.models import Organization
    from portal.models import ExportJob


@dataclass(frozen=True)
class Row:
    """One of one's own files, as ready text."""

    name: str
    asked: str
    says: str
    tone: str  # of the state, as a band is
    state: str
    href: str = ""  # once it can be fetched
    size: str = ""
    again: str = ""  # the address that asks once more
    percent: str = ""


@require_safe
def exports(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    rows = [row(organization, job) for job in jobs.of(organization, request.user)]
    page = {
        "shell": shell(request, organization, read.latest(organization), request.path),
        "organization": organization,
        "small": at_once(request, organization),
        "long": [
            (each.name, each.says, FILES[each.form], _make_href(slug, what)) for what, each in LONG.items()
        ],
        "rows": rows,
        "is_waiting": any(each.percent for each in rows),
        "days": jobs.kept_days(),
    }
    return render(request, "portal/exports.html", page)


def at_once(request: Asking, organization: "Organization") -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Name, what it holds, and a link for each kind of file, of what this person may have."""
    return [
        (
            each.name,
            each.says,
            [
                (FILES[form], reverse("export-now", args=[organization.slug, what, form]))
                for form in each.forms
            ],
        )
        for what, each in SMALL.items()
        if is_open(request.user, organization.opened, each.to)
    ]


def row(organization: "Organization", job: "ExportJob") -> Row:
    """One line of the list."""
    long = LONG.get(job.what)
    name = f"{long.name}, {FILES[long.form]}" if long else job.what
    asked = moment(job.asked_at)
    if job.state == "done":
        href = reverse("export-file", args=[organization.slug, job.public_id])
        says = f"Score of {day(job.data_day)}"
        return Row(name, asked, says, "healthy", "Ready", href=href, size=file_size(job.size))
    if job.state == "failed":
        again = reverse("export-again", args=[organization.slug, job.public_id])
        return Row(name, asked, job.why, "act", "Not made", again=again)
    percent = f"{job.done}%"
    if job.state == "waiting":
        return Row(name, asked, "Waits for its turn.", "none", "Waiting", percent=percent)
    return Row(name, asked, f"{percent} done.", "watch", "Being made", percent=percent)


def _make_href(slug: str, what: str) -> str:
    return reverse("export-make", args=[slug, what])


# ---------- at once ----------


@require_safe
def now(request: Asking, slug: str, what: str, form: str) -> HttpResponse:
    """A small table, as it is now."""
    small = SMALL.get(what)
    organization = open_organization(request.user, slug, to=small.to if small else Capability.SEE_SCORE)
    node = request.GET.get("node", exported.OVERALL)
    if small is None or form not in small.forms or (node != exported.OVERALL and not small.is_of_nodes):
        raise Http404("No such export.")
    try:
        made = small.make(organization, node)
    except KeyError:
        raise Http404("No such node.") from None
    if made is None:
        messages.error(request, jobs.NO_SCORE)
        return redirect("exports", slug)
    book, when = made
    content = csv_of(book.tables[0]) if form == CSV else xlsx_of(book)
    named = what if node == exported.OVERALL else f"{what}-{slugify(re.sub('[/.]', '-', node))}"
    written.taken(organization, f"{named}.{form}", by=request.user)
    return attached(content, file_name(organization, named, when or timezone.now().date(), form), form)


@require_safe
def portfolio(request: Asking, form: str) -> HttpResponse:
    """Everything that somebody looks after, one row an organization."""
    organizations = looked_after(request.user)
    if form not in (CSV, XLSX):
        raise Http404("No such export.")
    table = table_of(request.user, organizations)
    content = csv_of(table) if form == CSV else xlsx_of(about(table, FACTS))
    written.portfolio_taken(len(table.rows), form, by=request.user)
    return attached(content, f"portfolio-{timezone.now():%Y-%m-%d}.{form}", form)


# ---------- by a worker ----------


@require_POST
def make(request: Asking, slug: str, what: str) -> HttpResponse:
    """Ask for a file; the worker makes it."""
    long = LONG.get(what)
    organization = open_organization(request.user, slug, to=long.order.to if long else Capability.SEE_SCORE)
    if long is None:
        raise Http404("No such export.")
    try:
        jobs.ask(organization, what, by=request.user)
    except jobs.TooMany:
        messages.error(request, f"{jobs.MOST_WAITING} files are being made already. Wait for one of them.")
    else:
        bell.ring()
        messages.success(request, f"{long.name} is being made. It appears below as soon as it is ready.")
    return redirect("exports", slug)


@require_POST
def again(request: Asking, slug: str, job: UUID) -> HttpResponse:
    """Once more, for one that failed."""
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    found = get_object_or_404(jobs.of(organization, request.user), public_id=job)
    if jobs.again(found):
        bell.ring()
    return redirect("exports", slug)


@require_safe
def file(request: Asking, slug: str, job: UUID) -> HttpResponseBase:
    """The file, through the same door as the page: whoever may no longer see the score gets nothing."""
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    found = get_object_or_404(jobs.of(organization, request.user), public_id=job)
    content = jobs.opened(found)
    long = LONG.get(found.what)
    if content is None or long is None:
        messages.error(request, "This file is not ready.")
        return redirect("exports", slug)
    written.taken(organization, f"{found.what}.{long.form}", by=request.user)
    response = FileResponse(content, as_attachment=True, filename=found.name, content_type=TYPES[long.form])
    return private(response)


def attached(content: bytes, name: str, form: str) -> HttpResponse:
    """A file to keep, not a page to show."""
    response = HttpResponse(content, content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    private(response)
    return response


def private[Answer: HttpResponseBase](response: Answer) -> Answer:
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
