"""All organizations for their administrator: searched, filtered, sorted, and as a file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import ADMIN, admit
from accounts.intake import export_organizations
from accounts.organizations import listing
from accounts.organizations.listing import Wanted
from portal.pages import standing
from portal.pages.asking import Asking
from portal.pages.house import house
from portal.pages.manage.organizations_bulk import ACTS
from portal.pages.strict import Strict
from portal.templatetags.scores import day

if TYPE_CHECKING:
    from accounts.models import Organization

A_PAGE = 50
COLUMNS = (("name", "Org"), ("plan", "Plan"), ("csm", "CSM"), ("contacts", "Contacts"), ("score", "Score"))
UNKNOWN = {"invalid_choice": "“%(value)s” is not in the list."}


@dataclass(frozen=True)
class Line:
    """One organization in the list, as ready text."""

    slug: str
    name: str
    href: str
    external_id: str
    plan: str
    is_signature: bool
    plan_note: str
    csm: str
    csm_note: str
    contacts: int
    contacts_note: str
    standing: standing.Standing


class Search(Strict):
    """What is looked for; every field may stay empty."""

    q = forms.CharField(required=False, max_length=200)
    show = forms.ChoiceField(required=False, choices=list(listing.SHOWN.items()), error_messages=UNKNOWN)
    sort = forms.ChoiceField(
        required=False, choices=[(name, name) for name in listing.SORTS], error_messages=UNKNOWN
    )
    down = forms.ChoiceField(required=False, choices=[("1", "down")], error_messages=UNKNOWN)
    page = forms.CharField(required=False, max_length=10)

    @property
    def wanted(self) -> Wanted | None:
        """What is looked for; None when a field cannot be read."""
        if not self.is_valid():
            return None
        given = self.cleaned_data
        return Wanted(given["q"], given["show"], given["sort"] or "name", bool(given["down"]))


@require_safe
def organizations(request: Asking) -> HttpResponse:
    admit(request.user, ADMIN)
    form = Search(request.GET)
    wanted = form.wanted
    asked = wanted or Wanted()
    found: Any = listing.find(asked)
    if not wanted:
        found = found.none()
    elif wanted.sort == listing.BY_SCORE:
        found = standing.by_score(list(found.only("pk", "scorecard")), is_down=wanted.is_down)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    total, people = listing.totals()
    counts = listing.counts(asked.query)
    context = {
        "house": house(request),
        "lines": lines(list(page.object_list)),
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "problems": [message for messages in form.errors.values() for message in messages],
        "wanted": asked,
        "chips": [
            (text, counts[key], "?" + kept(asked, show=key), key == asked.show)
            for key, text in listing.SHOWN.items()
        ],
        "columns": [column(asked, name, text) for name, text in COLUMNS],
        "kept": f"{kept(asked)}&" if kept(asked) else "",
        "export": f"{reverse('manage-organizations-export')}?{kept(asked)}",
        "is_filtered": bool(asked.query or asked.show),
        "total": total,
        "people": people,
        "acts": [(key, act.text) for key, act in ACTS.items()],
    }
    return render(request, "portal/manage/organizations.html", context, status=200 if wanted else 422)


@require_safe
def export(request: Asking) -> HttpResponse:
    """What the page's filter finds, as a file that the import takes again."""
    admit(request.user, ADMIN)
    wanted = Search(request.GET).wanted
    if wanted is None:
        return redirect(f"{reverse('manage-organizations')}?{request.GET.urlencode()}")
    text = export_organizations(listing.find(wanted), by=request.user)
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="organizations-{timezone.now():%Y-%m-%d}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def lines(some: "list[Organization | int]") -> list[Line]:
    """The rows of one page; ids where they were sorted by what the database does not know."""
    shown = [each for each in some if not isinstance(each, int)]
    shown = shown or listing.by_ids([each for each in some if isinstance(each, int)])
    scores = standing.standings(shown)
    return [_line(row, scores[row.organization.pk]) for row in listing.rows(shown)]


def _line(row: listing.Row, where: standing.Standing) -> Line:
    csms, following = list(row.csms), row.next_csm
    return Line(
        slug=row.organization.slug,
        name=row.organization.name,
        href=reverse("manage-organization", args=[row.organization.slug]),
        external_id=row.organization.external_id,
        plan=row.plan.get_plan_display() if row.plan else "",
        is_signature=bool(row.plan and row.plan.plan == "signature"),
        plan_note=f"Ends {day(row.ends_at)}, none follows" if row.ends_at else "",
        csm=", ".join(csms),
        csm_note=f"{following[0]} from {day(following[1])}" if following else "",
        contacts=row.contacts,
        contacts_note="" if row.has_contact else "No designated contact",
        standing=where,
    )


def kept(wanted: Wanted, **changes: str) -> str:
    """The query of an address that looks for the same, but for the changes."""
    query = {
        "q": wanted.query,
        "show": wanted.show,
        "sort": "" if wanted.sort == "name" else wanted.sort,
        "down": "1" if wanted.is_down else "",
    }
    return urlencode({name: value for name, value in (query | changes).items() if value})


def column(wanted: Wanted, name: str, text: str) -> tuple[str, str, str, bool]:
    """Text, address that sorts by it, how it is sorted now, whether it holds numbers."""
    is_here = wanted.sort == name
    down = "1" if is_here and not wanted.is_down else ""
    href = "?" + kept(wanted, sort="" if name == "name" else name, down=down)
    now = ("descending" if wanted.is_down else "ascending") if is_here else ""
    return text, href, now, name in ("contacts", "score")
