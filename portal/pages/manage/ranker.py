"""What was learned of the plays, training by training: the model card and the figures that may be told."""

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.pages.asking import Asking
from portal.pages.house import LIBRARY_READERS, house
from portal.pages.manage.playbook import admitted
from recommendations import evidence, playbook, training

A_PAGE = 5


@require_safe
def ranker(request: Asking) -> HttpResponse:
    """Every version, newest first."""
    admitted(request, LIBRARY_READERS)
    page = Paginator(training.versions(), A_PAGE).get_page(request.GET.get("page"))
    plays = playbook.in_force().by_key
    shown = [(version, _told(version.numbers, plays)) for version in page]
    return render(
        request,
        "portal/manage/ranker.html",
        {
            "house": house(request),
            "page": page,
            "numbers": page.paginator.get_elided_page_range(page.number),
            "versions": shown,
            "floor": (evidence.COMPLETIONS, evidence.ORGANIZATIONS),
        },
    )


def _told(numbers: dict[str, Any], plays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The plays of which something may be told, by name."""
    rows = []
    for key, figures in numbers["evidence"].items():
        told = evidence.told(numbers, key)
        if told is not None:
            title = plays[key].title if key in plays else key
            alone = round(100 * told.alone)
            rows.append({"title": title, "sentence": f"{told}.", "gain": figures["gain"], "alone": alone})
    return sorted(rows, key=lambda row: row["title"])
