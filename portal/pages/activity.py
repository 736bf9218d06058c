"""Who looked and who changed: of one organization for its contact, of a portfolio, of everything."""

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts import trail
from accounts.access import Capability, open_organization
from accounts.trail import Trail, Wanted
from portal.pages.asking import Asking
from portal.pages.house import house
from portal.pages.shell import shell
from portal.templatetags.scores import day

A_PAGE = 50
NAMES = {"action": "Action", "person": "Person", "organization": "Org", "since": "From", "until": "To"}
NO_DAY = "is not a day; write it as 2026-11-20."


@require_safe
def activity(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_AUDIT)
    page = {"shell": shell(request, organization, here=request.path), "organization": organization}
    page["export"] = reverse("activity_export", args=[slug])
    return _page(request, "portal/activity.html", trail.of_organization(request.user, organization), page)


@require_safe
def activity_export(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_AUDIT)
    back = reverse("activity", args=[slug])
    return _export(request, trail.of_organization(request.user, organization), back, slug)


@require_safe
def audit(request: Asking) -> HttpResponse:
    found = trail.of_everything(request.user)
    return _page(
        request, "portal/audit.html", found, {"export": reverse("audit_export"), "house": house(request)}
    )


@require_safe
def audit_export(request: Asking) -> HttpResponse:
    return _export(request, trail.of_everything(request.user), reverse("audit"), "audit")


class Filter(forms.Form):
    """What is looked for; every field may stay empty."""

    action = forms.ChoiceField(required=False, error_messages={"invalid_choice": "is not in the list."})
    person = forms.CharField(required=False, max_length=120)
    organization = forms.CharField(required=False, max_length=200)
    since = forms.DateField(required=False, input_formats=["%Y-%m-%d"], error_messages={"invalid": NO_DAY})
    until = forms.DateField(required=False, input_formats=["%Y-%m-%d"], error_messages={"invalid": NO_DAY})

    def __init__(self, data: Any, found: Trail) -> None:
        super().__init__(data)
        action: Any = self.fields["action"]
        self.actions = action.choices = [("", "Everything"), *found.actions]

    def clean(self) -> dict[str, Any]:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", f"is before {day(since)}, where it begins.")
        return self.cleaned_data

    @property
    def wanted(self) -> Wanted | None:
        """What is looked for; None when a field cannot be read."""
        return Wanted(**self.cleaned_data) if self.is_valid() else None

    @property
    def problems(self) -> list[str]:
        """Every field that cannot be read, with what was given."""
        return [
            f"{NAMES[name]}: “{self.data.get(name, '')[:40]}” {' '.join(map(str, messages))}"
            for name, messages in self.errors.items()
        ]


def _page(request: Asking, template: str, found: Trail, more: dict[str, object]) -> HttpResponse:
    form = Filter(request.GET, found)
    wanted = form.wanted
    entries = trail.find(found, wanted) if wanted else found.entries.none()
    page = Paginator(entries.order_by("-pk"), A_PAGE).get_page(request.GET.get("page"))
    kept = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    query = urlencode(kept)
    context = {
        "lines": trail.lines(found, page.object_list),
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "query": f"{query}&" if query else "",
        "export_query": f"?{query}" if query else "",
        "form": form,
        "problems": form.problems,
        "actions": [(key, text, key == kept.get("action", "")) for key, text in form.actions],
        # A day that cannot be read is named beside the form; a browser would not show it in the field.
        "asked": {name: text for name, text in kept.items() if name in form.cleaned_data},
        "is_filtered": bool(kept),
        "is_whole": found.is_whole,
        "reads_many": found.is_whole or found.is_reads,
        "sees_own_only": found.is_own,
        "sees_reads_only": found.is_reads,
        "is_cut": page.paginator.count > trail.MOST_LINES,
        "most": trail.MOST_LINES,
    }
    return render(request, template, more | context)


def _export(request: Asking, found: Trail, back: str, name: str) -> HttpResponse:
    """The page's filter as a file; a filter that cannot be read goes back to the page, which says why."""
    wanted = Filter(request.GET, found).wanted
    if wanted is None:
        return redirect(f"{back}?{request.GET.urlencode()}")
    response = HttpResponse(trail.export(found, wanted), content_type="text/csv; charset=utf-8")
    file = f"{name}-activity-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    return response
