"""A saved plan of one organization: who does what by when, how far it is, shared, exported, ended."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Capability, is_open, open_organization
from accounts.contacts import ours
from accounts.rows.cells import Cell
from portal.pages.asking import Asking
from portal.pages.planner_forms import ItemForm, SaveForm, ShareForm
from portal.pages.shell import shell
from portal.reports import calendar
from portal.reports.tables import Column, Kind, Table
from portal.reports.writing import CSV, TYPES, csv_of
from portal.templatetags.scores import change, day, percent, points
from recommendations import planning, roadmaps
from recommendations.planning import Wish
from recommendations.roadmaps import RoadmapChanged, RoadmapRefused
from scoring import read

if TYPE_CHECKING:
    from accounts.models import Organization
    from recommendations.roadmaps import Roadmap, RoadmapItem

CONFLICT = "Not saved. Someone changed this plan a moment ago; it is shown below as it is now."
COLUMNS = (
    Column("Plan", Kind.NAME),
    Column("Position", Kind.COUNT),
    Column("Action", Kind.NAME),
    Column("Status"),
    Column("Owner", Kind.NAME),
    Column("Due", Kind.DAY),
    Column("Days of work", Kind.NUMBER, "days"),
    Column("Scope"),
    Column("Signal", Kind.NAME),
    Column("Target", Kind.POINTS, "0–100"),
    Column("Gain", Kind.POINTS, "points of the overall score"),
)


@dataclass(frozen=True)
class Row:
    """One action of the plan, as ready text."""

    item: "RoadmapItem"
    title: str
    status: str
    owner: str
    due: str
    is_late: bool
    gain: str
    effort: str
    form: ItemForm
    is_open: bool


# ---------- saving ----------


@require_POST
def save(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SAVE_ROADMAPS)
    form = SaveForm(request.POST)
    keys = list(dict.fromkeys(request.POST.getlist("pick")))
    situation = planning.situation(organization, timezone.now().date())
    if situation is None:
        form.add_error(None, "There is no score yet for a plan to start from.")
    if form.is_valid() and situation is not None:
        told = form.cleaned_data
        wish = Wish(told["target"], told["by"], None if told["days"] is None else float(told["days"]))
        try:
            made = roadmaps.save(
                organization, situation, name=told["name"], keys=keys, wish=wish, by=request.user
            )
        except RoadmapRefused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            messages.success(
                request, f"The plan “{made.name}” is saved. Say below who does what, and by when."
            )
            return redirect("roadmap", slug, made.public_id)
    page = {
        "shell": shell(request, organization, read.latest(organization)),
        "organization": organization,
        "form": form,
        "keys": keys,
        "problems": form.problems,
        "back": _back(organization, request.POST.lists()),
    }
    return render(request, "portal/roadmap_refused.html", page, status=422)


def _back(organization: "Organization", sent: Any) -> str:
    """The planner as it was left."""
    kept = {name: values for name, values in sent if name in ("pick", "target", "by", "days")}
    return f"{reverse('planner', args=[organization.slug])}?{urlencode(kept, doseq=True)}"


# ---------- the page ----------


@require_safe
def roadmap(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_RECOMMENDATIONS)
    return _answer(request, organization, _one(organization, public_id))


@require_POST
def item(request: Asking, slug: str, public_id: UUID, position: int) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SAVE_ROADMAPS)
    found = _one(organization, public_id)
    mine = next((each for each in found.items.all() if each.position == position), None)
    if mine is None:
        raise Http404("No such action in this plan.")
    people = roadmaps.people(organization)
    form = ItemForm(request.POST, people=[(str(each.pk), str(each)) for each in people])
    if form.is_valid():
        told = form.cleaned_data
        owner = next((each for each in people if str(each.pk) == told["owner"]), None)
        try:
            roadmaps.change_item(
                found, mine, owner=owner, due_on=told["due_on"], edition=told["edition"], by=request.user
            )
        except RoadmapRefused as refused:
            form.add_error(refused.field, str(refused))
        except RoadmapChanged:
            return _answer(
                request, organization, _one(organization, public_id), problems=[CONFLICT], status=409
            )
        else:
            messages.success(request, f"Saved: {mine.recommendation.title}.")
            return redirect("roadmap", slug, public_id)
    return _answer(request, organization, found, sent=(position, form), problems=form.problems, status=422)


@require_POST
def share(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SAVE_ROADMAPS)
    found = _one(organization, public_id)
    form = ShareForm(request.POST)
    if not form.is_valid():
        return _answer(request, organization, found, problems=form.problems, status=422)
    try:
        roadmaps.share(found, note=form.cleaned_data["note"], by=request.user)
    except RoadmapChanged:
        return _answer(request, organization, found, problems=[CONFLICT], status=409)
    messages.success(request, "The plan is shared: your success manager sees it with your note.")
    return redirect("roadmap", slug, public_id)


@require_POST
def end(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SAVE_ROADMAPS)
    found = _one(organization, public_id)
    try:
        roadmaps.end(found, by=request.user)
    except RoadmapChanged:
        messages.info(request, "This plan had ended already.")
    else:
        messages.success(request, f"The plan “{found.name}” has ended. Its actions stay as they are.")
    return redirect("planner", slug)


def _one(organization: "Organization", public_id: UUID) -> "Roadmap":
    found = roadmaps.one(organization, public_id)
    if found is None:
        raise Http404("No such plan.")
    return found


def _answer(
    request: Asking,
    organization: "Organization",
    found: "Roadmap",
    *,
    sent: tuple[int, ItemForm] | None = None,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    card = read.latest(organization)
    today = timezone.now().date()
    now = card.overall.points if card else None
    at = roadmaps.progress(found, now, today)
    people = [(str(each.pk), str(each)) for each in roadmaps.people(organization)]
    may_save = is_open(request.user, organization.opened, Capability.SAVE_ROADMAPS) and not found.ended_at
    managers = ours(organization)
    page: dict[str, Any] = {
        "shell": shell(request, organization, card, reverse("planner", args=[organization.slug])),
        "organization": organization,
        "roadmap": found,
        "at": at,
        "far": percent(at.share),
        "bar": round(100 * at.share),
        "rows": [_row(each, people, found, today, sent) for each in found.items.all()],
        "may_save": may_save,
        "problems": problems or [],
        "manager": str(managers[0].user) if managers else "",
        "sentence": _sentence(at, today),
    }
    return render(request, "portal/roadmap.html", page, status=status)


def _row(
    each: "RoadmapItem",
    people: list[tuple[str, str]],
    found: "Roadmap",
    today: date,
    sent: tuple[int, ItemForm] | None,
) -> Row:
    is_sent = sent is not None and sent[0] == each.position
    form = sent[1] if sent is not None and is_sent else None
    recommendation = each.recommendation
    is_open = recommendation.status not in roadmaps.FINISHED
    return Row(
        each,
        recommendation.title,
        recommendation.get_status_display(),
        str(each.owner) if each.owner else "Nobody yet",
        day(each.due_on),
        bool(is_open and each.due_on and each.due_on < today),
        change(each.gain),
        f"{float(recommendation.effort_days):g}",
        form
        or ItemForm(
            people=people,
            initial={
                "owner": str(each.owner_id or ""),
                "due_on": each.due_on.isoformat() if each.due_on else "",
                "edition": found.edition,
            },
            auto_id=f"i{each.position}-%s",
        ),
        is_sent,
    )


def _sentence(at: roadmaps.Progress, today: date) -> str:
    """2 of 5 actions are done. The score is 75.1; it began at 73.6 and the plan leads to 80.9."""
    found = at.roadmap
    told = f"{at.done} of {at.actions} actions are done."
    score = f"The score is {points(at.now)}; it" if at.now is not None else "There is no score now; it"
    told += f" {score} began at {points(found.start_points)} and the plan leads to {points(found.projected)}."
    if found.checked_projected is not None and found.checked_on:
        told += (
            f" As of {day(found.checked_on)}, what is left of it leads to {points(found.checked_projected)}."
        )
    if at.overdue:
        told += f" {at.overdue} {'is' if at.overdue == 1 else 'are'} overdue."
    return told


# ---------- files ----------


@require_safe
def as_csv(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_RECOMMENDATIONS)
    found = _one(organization, public_id)
    table = Table("Plan", COLUMNS, [_cells(found, each) for each in found.items.all()])
    return _file(csv_of(table), TYPES[CSV], organization, found, "csv")


@require_safe
def as_ics(request: Asking, slug: str, public_id: UUID) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_RECOMMENDATIONS)
    found = _one(organization, public_id)
    href = request.build_absolute_uri(reverse("roadmap", args=[slug, public_id]))
    entries = [
        calendar.Entry(
            f"{found.public_id}-{each.position}@cairn",
            each.due_on,
            each.recommendation.title,
            f"{organization.name}, {found.name}. Owner: {each.owner or 'nobody yet'}.",
            href,
        )
        for each in found.items.all()
        if each.due_on
    ]
    name = f"{found.name}, {organization.name}"
    return _file(
        calendar.calendar_of(name, entries, timezone.now()), calendar.TYPE, organization, found, "ics"
    )


def _cells(found: "Roadmap", each: "RoadmapItem") -> tuple[Cell, ...]:
    recommendation = each.recommendation
    return (
        found.name,
        each.position,
        recommendation.title,
        recommendation.get_status_display(),
        str(each.owner) if each.owner else "",
        each.due_on,
        Decimal(recommendation.effort_days),
        planning.scope_of(recommendation.play),
        recommendation.signal,
        Decimal(each.target) / 100,
        Decimal(each.gain) / 100,
    )


def _file(
    content: bytes, kind: str, organization: "Organization", found: "Roadmap", ending: str
) -> HttpResponse:
    name = f"{organization.slug}-plan-{found.made_at:%Y-%m-%d}.{ending}"
    return HttpResponse(
        content,
        headers={"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'},
    )
