"""My next actions: what is going on with the recommendations of everybody a member of staff looks after."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import looked_after
from portal.pages.actions.rows import gained
from portal.pages.asking import Asking
from portal.pages.house import house
from portal.pages.products import Chip
from portal.templatetags.scores import day
from recommendations import finding
from recommendations.finding import Going

if TYPE_CHECKING:
    from recommendations.models import Recommendation

A_PAGE = 50
RECENT = timedelta(days=30)
LISTS: dict[Going, str] = {
    Going.IN_PROGRESS: "In Progress",
    Going.OVERDUE: "Overdue",
    Going.COACHING: "Coaching asked for",
    Going.COMPLETED: "Completed",
    Going.VERIFIED: "Verified",
    Going.SLIPPED: "Slipped back",
}
EMPTY = {
    Going.IN_PROGRESS: "Nobody works on an action now. The Actions page of an org shows what is suggested.",
    Going.OVERDUE: "No action is past its due date.",
    Going.COACHING: "No session is asked for that has no answer.",
    Going.COMPLETED: "No action was completed in the last 30 days.",
    Going.VERIFIED: "No completed action was verified by its data in the last 30 days.",
    Going.SLIPPED: "No completed action slipped back in the last 30 days.",
}


@dataclass(frozen=True)
class Row:
    """One recommendation of one organization, as ready text."""

    title: str
    href: str
    organization: str
    organization_href: str
    about: str
    owner: str
    due: str
    is_late: bool
    gain: str
    unit: str


@require_safe
def next_actions(request: Asking) -> HttpResponse:
    mine = looked_after(request.user)
    asked = request.GET.get("show", "")
    is_known = not asked or asked in list(Going)
    show = Going(asked) if asked in list(Going) else Going.IN_PROGRESS
    since = timezone.localdate() - RECENT
    counts = finding.going_counts(mine, since)
    found = finding.going(mine, show, since)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "house": house(request),
        "chips": [
            Chip(text, f"?{urlencode({'show': key})}", counts[key], show == key)
            for key, text in LISTS.items()
        ],
        "title": LISTS[show],
        "rows": [row(each) for each in page],
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "query": f"{urlencode({'show': show})}&",
        "problem": "" if is_known else f"“{asked[:40]}” is not known here; this is what is in progress.",
        "nothing": EMPTY[show],
    }
    return render(request, "recommendations/next_actions.html", context)


def row(each: "Recommendation") -> Row:
    """One of them, for who looks after its organization."""
    slug = each.organization.slug
    gain, unit = gained(each)
    return Row(
        title=each.title,
        href=reverse("action", args=[slug, each.public_id]),
        organization=each.organization.name,
        organization_href=reverse("actions", args=[slug]),
        about=f"{each.get_status_display()} since {day(timezone.localtime(each.status_at).date())}"
        + (f", {each.status_by}" if each.status_by_id else ", the night"),
        owner=str(each.owner) if each.owner_id else "Nobody",
        due=day(each.due_on) if each.due_on else "",
        is_late=bool(each.due_on and each.due_on < timezone.localdate() and each.status in finding.OPEN),
        gain=gain,
        unit=unit,
    )
