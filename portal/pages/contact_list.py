"""The list of contacts as a page shows it, of one organization or of all: looked for, sorted, counted."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.urls import reverse
from django.utils.http import urlencode

from accounts import roster
from accounts.roster import Roster, Sort, State, Wanted
from portal.pages.asking import Asking
from portal.templatetags.scores import day, moment

A_PAGE = 50
STATES = {
    State.ACTIVE: ("healthy", "Active"),
    State.INVITED: ("watch", "Invited"),
    State.EXPIRED: ("act", "Expired"),
    State.ENDED: ("none", "Ended"),
    State.DEACTIVATED: ("none", "Deactivated"),
}


class Looking(forms.Form):
    """What is looked for; every field may stay empty."""

    q = forms.CharField(required=False, max_length=120)
    state = forms.ChoiceField(required=False, choices=[(state.value, state.value) for state in State])
    role = forms.ChoiceField(required=False, choices=[(role.value, role.label) for role in roster.ROLES])
    sort = forms.ChoiceField(
        required=False, choices=[(sign + sort, sort) for sort in Sort for sign in ("", "-")]
    )

    @property
    def wanted(self) -> Wanted | None:
        """What is looked for; None when a field cannot be read."""
        if not self.is_valid():
            return None
        data = self.cleaned_data
        sort = data["sort"] or Sort.NAME
        return Wanted(data["q"].strip(), data["state"], data["role"], sort.lstrip("-"), sort.startswith("-"))

    @property
    def problems(self) -> list[str]:
        """Every field that cannot be read, with what was given."""
        return [f"“{self.data.get(name, '')[:40]}” is not known for {name}." for name in self.errors]


@dataclass(frozen=True)
class Row:
    """One line of the list, as ready text."""

    line: roster.Line
    tone: str
    word: str
    seen: str
    href: str  # where it is managed
    can_pick: bool
    resend: str = ""
    withdraw: str = ""


@dataclass(frozen=True)
class Chip:
    """A filter, how many it finds, and whether it is on."""

    text: str
    href: str
    count: int
    is_on: bool


@dataclass(frozen=True)
class Column:
    """A heading to sort by."""

    text: str
    href: str
    sorted: str  # ascending, descending, or empty


def looked_up(request: Asking, found: Roster, *, manages: bool) -> dict[str, Any]:
    """The page of the list that is asked for, and everything around it."""
    form = Looking(request.GET)
    wanted = form.wanted
    asked = wanted or Wanted()
    page = Paginator(roster.find(found, asked), A_PAGE).get_page(request.GET.get("page"))
    kept = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    rows = [row(line, manages=manages) for line in roster.lines(found, page.object_list)]
    return {
        "rows": rows if wanted else [],
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "query": f"{urlencode(kept)}&" if kept else "",
        "asked": kept,
        "problems": form.problems,
        "is_filtered": bool({"q", "state", "role"} & set(kept)),
        "chips": chips(roster.counts(found, asked), kept),
        "columns": {sort.value: column(text, sort, asked, kept) for sort, text in COLUMNS.items()},
        "roles": [(role.value, role.label, role == kept.get("role")) for role in roster.ROLES],
        "picks": any(each.can_pick for each in rows),
        "manages": manages,
    }


COLUMNS = {
    Sort.NAME: "Contact",
    Sort.ORGANIZATION: "Org",
    Sort.ROLE: "Role",
    Sort.SEEN: "Last sign-in",
}


def row(line: roster.Line, *, manages: bool) -> Row:
    """The line in words; with the ways on of whoever manages contacts."""
    tone, word = STATES[line.state]
    if line.state is State.INVITED:
        word = (
            "Invited, but by someone who has left"
            if line.is_void
            else f"Invited, ends {day(line.expires_at)}"
        )
    elif line.state is State.ENDED:
        word = f"Ended {day(line.ends_at)}"
    elif line.last_day and line.state is State.ACTIVE:
        word = f"Active until {day(line.last_day)}"
    names = [line.slug, line.public_id]
    return Row(
        line,
        tone,
        word,
        seen=moment(line.seen_at) if line.seen_at else "Never" if line.is_here else "–",
        href=reverse("contact", args=names) if manages and not line.is_invitation else "",
        can_pick=manages and line.is_here,
        resend=reverse("invitation-resend", args=names) if manages and line.is_invitation else "",
        withdraw=reverse("invitation-withdraw", args=names) if manages and line.is_invitation else "",
    )


def chips(counted: dict[str, int], kept: dict[str, str]) -> list[Chip]:
    """All, and each state."""
    names = {"": "All"} | {state.value: STATES[state][1] for state in State}
    rest = {name: text for name, text in kept.items() if name != "state"}
    return [
        Chip(text, "?" + urlencode(rest | ({"state": state} if state else {})), counted[state], on)
        for state, text in names.items()
        if (on := kept.get("state", "") == state) or counted[state] or not state
    ]


def column(text: str, sort: Sort, wanted: Wanted, kept: dict[str, str]) -> Column:
    """A heading; asked again, it turns the order around."""
    is_on = wanted.sort == sort
    sign = "-" if is_on and not wanted.descending else ""
    order = ("descending" if wanted.descending else "ascending") if is_on else ""
    return Column(text, "?" + urlencode(kept | {"sort": f"{sign}{sort}"}), order)
