"""One organization for its administrator: facts, plans over time, who looks after it, merging."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from accounts import organizations
from accounts.access import ADMIN, Capability, Role, admit, open_organization
from accounts.organizations import OrganizationRefused, merging, plans
from portal.pages import standing
from portal.pages.asking import Asking
from portal.pages.house import house
from portal.pages.manage.organization_forms import (
    AssignForm,
    FactsForm,
    MergeForm,
    PlanForm,
    WithdrawForm,
    beginning,
    facts_of,
    instant,
    staff_with,
)
from portal.pages.strict import answer

if TYPE_CHECKING:
    from accounts.models import Organization

PAGE = ["GET", "HEAD", "POST"]
TO = Capability.MANAGE_ORGANIZATION
ROLES = {"csm": Role.CSM, "guide": Role.GUIDE}


@require_http_methods(PAGE)
def organization_new(request: Asking) -> HttpResponse:
    admit(request.user, ADMIN)
    form = FactsForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = organizations.create(by=request.user, **form.cleaned_data)
        except OrganizationRefused as refused:
            say(form, refused)
        else:
            messages.success(request, f"{made.name} is there. Put it on a plan and name its success manager.")
            return redirect("manage-organization", made.slug)
    return answer(request, "portal/manage/organization_new.html", {"house": house(request)}, form)


@require_http_methods(PAGE)
def organization(request: Asking, slug: str) -> HttpResponse:
    opened = open_organization(request.user, slug, to=TO)
    form = FactsForm(
        request.POST if request.method == "POST" else None,
        initial=facts_of(opened),
        standing=opened.scorecard,
    )
    title = opened.name
    if form.is_valid():
        try:
            is_other = organizations.edit(opened, by=request.user, **form.cleaned_data)
        except OrganizationRefused as refused:
            say(form, refused)
        else:
            messages.success(request, "Saved." if is_other else "Nothing was different.")
            return redirect("manage-organization", slug)
    context = {"house": house(request), "organization": opened, "title": title} | about(opened)
    return answer(request, "portal/manage/organization.html", context, form)


@require_http_methods(PAGE)
def organization_plan(request: Asking, slug: str) -> HttpResponse:
    """One more plan, or, with `begins`, the one that begins at that moment."""
    opened = open_organization(request.user, slug, to=TO)
    asked = request.POST.get("standing", "") if request.method == "POST" else request.GET.get("begins", "")
    interval = plans.beginning_at(opened, moment(asked)) if asked else None
    initial: dict[str, Any] = {}
    if interval:
        ends_on = interval.ends_at.date() if interval.ends_at else None
        initial = {
            "plan": interval.plan,
            "starts_on": interval.starts_at.date(),
            "ends_on": ends_on,
            "standing": asked,
        }
    form = PlanForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        given = form.cleaned_data
        starts_at = same_day(given["starts_on"], interval.starts_at if interval else None)
        ends_at = same_day(given["ends_on"], interval.ends_at if interval else None)
        try:
            if interval:
                wanted = plans.drafted(given["plan"], starts_at, ends_at, source="administrator")
                organizations.change_plan(opened, interval.starts_at, wanted, by=request.user)
            elif given["ends_other"]:
                organizations.move_to_plan(
                    opened, given["plan"], starts_at, ends_at, by=request.user, source="administrator"
                )
            else:
                wanted = plans.drafted(given["plan"], starts_at, ends_at, source="administrator")
                organizations.add_plan(opened, wanted, by=request.user)
        except OrganizationRefused as refused:
            say(form, refused)
        else:
            messages.success(request, "The plan is saved.")
            return redirect("manage-organization", slug)
    context = {
        "house": house(request),
        "organization": opened,
        "interval": interval,
        "can_withdraw": interval and interval.starts_at > timezone.now(),
    }
    return answer(request, "portal/manage/organization_plan.html", context, form)


@require_http_methods(["POST"])
def organization_plan_withdraw(request: Asking, slug: str) -> HttpResponse:
    """Take away a plan that has not begun."""
    opened = open_organization(request.user, slug, to=TO)
    form = WithdrawForm(request.POST)
    try:
        if not form.is_valid():
            problems = [str(error) for error in form.non_field_errors()] or ["no plan is named"]
            raise OrganizationRefused("standing", " ".join(problems))
        organizations.withdraw_plan(opened, moment(form.cleaned_data["standing"]), by=request.user)
    except OrganizationRefused as refused:
        messages.error(request, f"Not withdrawn: {str(refused).rstrip('.')}.")
    else:
        messages.success(request, "The plan is withdrawn.")
    return redirect("manage-organization", slug)


@require_http_methods(PAGE)
def organization_people(request: Asking, slug: str) -> HttpResponse:
    """Hand the organization over to another success manager or guide."""
    opened = open_organization(request.user, slug, to=TO)
    asked = (request.POST if request.method == "POST" else request.GET).get("role", "csm")
    if asked not in ROLES:
        raise Http404("No such assignment.")
    now = timezone.now()
    today = {"role": asked, "on": now.astimezone(UTC).date()}
    form = AssignForm(request.POST if request.method == "POST" else None, initial=today)
    if form.is_valid():
        given, to = form.cleaned_data, staff_with(form.cleaned_data["to"])
        try:
            organizations.hand_over(
                opened, ROLES[asked], to, by=request.user, at=instant(given["on"], now), now=now
            )
        except OrganizationRefused as refused:
            say(form, refused, at="on")
        else:
            messages.success(request, f"{ROLES[asked].label}: {to or 'nobody'} from {given['on']}.")
            return redirect("manage-organization", slug)
    context = {
        "house": house(request),
        "organization": opened,
        "role": ROLES[asked].label.lower(),
        "holders": organizations.holders_from(opened, ROLES[asked], now).select_related("user"),
    }
    return answer(request, "portal/manage/organization_people.html", context, form)


@require_http_methods(PAGE)
def organization_merge(request: Asking, slug: str) -> HttpResponse:
    """Take another organization into this one: choose it, see what moves, type its name."""
    survivor = open_organization(request.user, slug, to=TO)
    asked = (request.POST if request.method == "POST" else request.GET).get("other", "").strip()
    context = {"house": house(request), "organization": survivor, "query": request.GET.get("q", "").strip()}
    if not asked:
        context["candidates"] = merging.candidates(survivor, str(context["query"]))
        return render(request, "portal/manage/organization_merge.html", context)
    other = open_organization(request.user, asked, to=TO)
    try:
        merger = merging.preview(survivor, other)
    except OrganizationRefused as refused:
        return render(
            request, "portal/manage/organization_merge.html", context | {"problem": str(refused)}, status=422
        )
    form = MergeForm(
        request.POST if request.method == "POST" else None,
        initial={"other": other.slug, "seen": merger.digest},
    )
    if form.is_valid():
        given = form.cleaned_data
        try:
            merging.merge(survivor, other, by=request.user, name=given["name"], seen=given["seen"])
        except OrganizationRefused as refused:
            say(form, refused)
        else:
            messages.success(request, f"{other.name} is merged into {survivor.name} and closed.")
            return redirect("manage-organization", slug)
    context |= {"other": other, "merger": merger}
    return answer(request, "portal/manage/organization_merge.html", context, form)


# ---------- the parts ----------


def about(opened: "Organization") -> dict[str, Any]:
    """What stands beside the facts: plans, our people, those below, those merged, the score."""
    now = timezone.now()
    return {
        "plans": plans.over_time(opened, now=now),
        "assigned": [
            (key, role.label, organizations.holders_from(opened, role, now).select_related("user"))
            for key, role in ROLES.items()
        ],
        "now": now,
        "affiliates": list(opened.affiliates.all()[:50]),
        "standing": standing.standings([opened])[opened.pk],
        "contacts_href": f"/o/{opened.slug}/contacts/",
        "log_of_merged": [
            (each, f"{reverse('audit')}?{urlencode({'organization': each.slug})}")
            for each in merging.merged_into(opened)
        ],
    }


def say(form: Any, refused: OrganizationRefused, **other_names: str) -> None:
    """The story's reason at the field it names; above the form where there is none."""
    name = other_names.get(refused.field, refused.field)
    text = str(refused)
    form.add_error(name if name in form.fields else None, f"{text[:1].upper()}{text[1:]}.")


def moment(text: str) -> datetime:
    """The moment in an address; one that cannot be read is one at which no plan begins."""
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except ValueError:
        raise Http404("No such moment.") from None


def same_day(day: Any, known: datetime | None) -> Any:
    """The known moment, if it is of that day: saving a plan does not move it to midnight."""
    if day is None:
        return None
    return known if known and known.date() == day else beginning(day)
