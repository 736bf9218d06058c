"""The library of plays: read by whoever looks after customers, edited by leads and administrators."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ADMIN, LEAD, hat_of
from portal.pages.asking import Asking
from portal.pages.house import LIBRARY_READERS, house, roles_of
from portal.pages.manage.play_form import CALLED, HORIZONS, PlayForm, first_of
from portal.pages.sorting import Column, asked_sort, head
from portal.pages.strict import Strict
from portal.templatetags.scores import plural
from recommendations import playbook
from recommendations.playbook import ChangeRefused, Edit, PlayChanged, PlayUnknown
from recommendations.plays import Difference, Play, PlaybookInvalid, Standing
from scoring.engine import Scorecard

A_PAGE = 25
FOLDED = ("below", "falling", "closes", "peer_gap", "prior_alpha", "prior_beta")  # opened where one is wrong
EDITORS = frozenset({ADMIN, LEAD})
STANDINGS = {
    "": "All",
    "pinned": "Pinned",
    "vetoed": "Vetoed",
    "by-hand": "Edited here",
    "costs": "Costs money",
}
MOVES = {"pin": playbook.pin, "veto": playbook.veto, "release": playbook.release}
MOVED = {
    "pin": "is pinned: it comes first wherever it fits",
    "veto": "is vetoed: nobody gets it suggested",
    "release": "is ranked like any other again",
}


@dataclass(frozen=True)
class Row:
    """One play in the list, as ready text."""

    play: Play
    signal: str
    category: str
    mark: str
    horizon: str
    effort: str
    target: str
    place: int  # of its signal in the scorecard


def admitted(request: Asking, roles: frozenset[str]) -> str:
    """The role under which this person comes in; PermissionDenied for whoever holds none of them."""
    if held := roles_of(request.user) & roles:
        return hat_of(held)
    raise PermissionDenied("This is not for you: it takes another role.")


# ---------- the list ----------


@require_safe
def plays(request: Asking) -> HttpResponse:
    admitted(request, LIBRARY_READERS)
    card = playbook.scorecard()
    everything = [row(play, card) for play in playbook.in_force().plays]
    names = ("q", "category", "signal", "horizon", "show", "sort")
    asked = {name: request.GET.get(name, "").strip() for name in names}
    choices = {
        "category": {"": "All", **{each.key: each.name for each in card.categories}},
        "signal": {"": "All", **signals_of(card)},
        "horizon": {"": "All", **{key.value: text for key, text in HORIZONS.items()}},
        "show": STANDINGS,
    }
    sort = asked_sort(asked["sort"], KEYS, "signal")
    problems = [
        f"{name.capitalize()}: “{asked[name][:40]}” is not in the list."
        for name, known in choices.items()
        if asked[name] not in known
    ]
    if sort is None:
        problems.append(f"Sort: “{asked['sort'][:40]}” is not a column; known are {', '.join(sorted(KEYS))}.")
    found = [] if problems else [each for each in everything if is_found(each, asked)]
    if sort:
        found.sort(key=KEYS[sort.key], reverse=sort.is_down)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    kept = {name: text for name, text in asked.items() if text}
    by = {name: text for name, text in kept.items() if name != "sort"}
    context = {
        "house": house(request),
        "rows": list(page),
        "columns": [
            head("What to do", "title", sort, by),
            head("Signal", "signal", sort, by),
            Column("Horizon"),
            Column("Target", is_number=True),
            head("Days of work", "effort", sort, by, is_number=True),
        ],
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number),
        "query": f"{urlencode(kept)}&" if kept else "",
        "asked": asked,
        "choices": [
            (name, text, [(key, each, key == asked[name]) for key, each in choices[name].items()])
            for name, text in (
                ("category", "Category"),
                ("signal", "Signal"),
                ("horizon", "Horizon"),
                ("show", "Show"),
            )
        ],
        "problems": problems,
        "is_filtered": any(asked[name] for name in names if name != "sort"),
        "total": len(everything),
        "may_edit": bool(roles_of(request.user) & EDITORS),
        "version": playbook.newest(),
    }
    return render(request, "portal/manage/playbook.html", context, status=422 if problems else 200)


KEYS: dict[str, Callable[[Row], Any]] = {
    "signal": lambda row: (
        row.place,
        row.play.effort_days,
    ),  # in the order of the scorecard, quick wins first
    "title": lambda row: row.play.title.casefold(),
    "effort": lambda row: row.play.effort_days,
}


def row(play: Play, card: Scorecard) -> Row:
    places = [node.id for node in card.nodes]
    signal = next((each for each in card.signals if each.key == play.signal), None)
    category = next((each for each in card.categories if signal and each.key == signal.category), None)
    return Row(
        play=play,
        signal=signal.name if signal else play.signal,
        category=category.name if category else "Not in the scorecard",
        mark=category.mark if category else "",
        horizon=HORIZONS[play.horizon].partition(",")[0],
        effort=f"{play.effort_days:g} day{'' if play.effort_days == 1 else 's'}",
        target=", then ".join(f"{each:g}" for each in play.targets),
        place=places.index(signal.key) if signal else len(places),
    )


def is_found(each: Row, asked: dict[str, str]) -> bool:
    """Whether the filters leave this play."""
    play = each.play
    shows = {
        "": True,
        "pinned": play.standing == Standing.PINNED,
        "vetoed": play.standing == Standing.VETOED,
        "by-hand": play.by_hand,
        "costs": play.costs_money,
    }
    text = " ".join((play.title, play.key, play.why, each.signal, play.owner_hint)).casefold()
    return (
        all(word in text for word in asked["q"].casefold().split())
        and asked["signal"] in ("", play.signal)
        and asked["horizon"] in ("", play.horizon)
        and (not asked["category"] or each.category == category_name(asked["category"]))
        and shows[asked["show"]]
    )


def category_name(key: str) -> str:
    return next(each.name for each in playbook.scorecard().categories if each.key == key)


def signals_of(card: Scorecard) -> dict[str, str]:
    """The scored signals, by their keys."""
    return {each.key: each.name for each in card.signals if not each.preview}


# ---------- one play ----------


class StandForm(Strict):
    """What an expert orders about a play, and why."""

    what = forms.ChoiceField(
        choices=[(key, key) for key in MOVES],
        error_messages={
            "required": "Choose what to do.",
            "invalid_choice": "“%(value)s” is none of pin, veto and release.",
        },
    )
    reason = forms.CharField(
        max_length=300, error_messages={"required": "Say why: everybody who reads the play sees it."}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def play(request: Asking, key: str) -> HttpResponse:
    """The play; a POST edits it."""
    if request.method == "POST":
        admitted(request, EDITORS)
    else:
        admitted(request, LIBRARY_READERS)
    found = known(key)
    version = playbook.newest()
    card = playbook.scorecard()
    signals = {found.signal: found.signal} | signals_of(card)
    seen = version.number if version else 0
    posted = request.POST if request.method == "POST" else None
    form = PlayForm(posted, signals, initial=first_of(found, seen))
    meanwhile: tuple[Difference, ...] = ()
    if form.is_valid():
        try:
            changed = playbook.change(
                key,
                form.given,
                by=request.user,
                reason=form.cleaned_data["reason"],
                seen=form.cleaned_data["seen"] or None,
                hat=hat_of(roles_of(request.user) & EDITORS),
            )
        except PlaybookInvalid as invalid:
            form.refuse(invalid, key)
        except PlayChanged as quicker:
            # What was typed stays; sending it again is then on top of what the other one did.
            form.add_error(None, str(quicker))
            form.data = request.POST.dict() | {"seen": str(quicker.version.number)}
            meanwhile = quicker.differences
        except ChangeRefused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            is_new = changed.number != seen
            messages.success(request, f"Saved as {changed}." if is_new else "Nothing was different.")
            return redirect("playbook-play", key)
    status = 409 if meanwhile else 422 if form.errors else 200
    return shown(request, found, form, StandForm(), status=status, meanwhile=meanwhile)


@require_POST
def stand(request: Asking, key: str) -> HttpResponse:
    """Pin, veto or release it."""
    hat = admitted(request, EDITORS)
    found = known(key)
    form = StandForm(request.POST)
    if form.is_valid():
        what = form.cleaned_data["what"]
        try:
            MOVES[what](key, by=request.user, reason=form.cleaned_data["reason"], hat=hat)
        except ChangeRefused as refused:
            form.add_error("reason", str(refused))
        else:
            messages.success(request, f"“{found.title}” {MOVED[what]}.")
            return redirect("playbook-play", key)
    version = playbook.newest()
    signals = {found.signal: found.signal} | signals_of(playbook.scorecard())
    plain = PlayForm(None, signals, initial=first_of(found, version.number if version else 0))
    return shown(request, found, plain, form, status=422)


def shown(
    request: Asking,
    found: Play,
    form: PlayForm,
    stand_form: StandForm,
    *,
    status: int,
    meanwhile: tuple[Difference, ...] = (),
) -> HttpResponse:
    """The page of one play, with what was typed."""
    everything = playbook.in_force()
    context: dict[str, Any] = {
        "house": house(request),
        "row": row(found, playbook.scorecard()),
        "play": found,
        "form": form,
        "stand_form": stand_form,
        "may_edit": bool(roles_of(request.user) & EDITORS),
        "fires": fires(found),
        "trigger_errors": any(name in form.errors for name in FOLDED),
        "first": [everything.by_key[each] for each in found.prerequisites],
        "then": [each for each in everything.plays if found.key in each.prerequisites],
        "links": [(link, link_about(link)) for link in found.links],
        "orders": [(key, text) for key, text in ORDERS.items() if key != UNDOES[found.standing]],
        "history": [history_row(edit) for edit in playbook.history(found.key)],
        "meanwhile": [said(each) for each in meanwhile],
    }
    return render(request, "portal/manage/play.html", context, status=status)


ORDERS = {"pin": "Pin", "veto": "Veto", "release": "Release"}
# By where a play stands: the order that would change nothing.
UNDOES = {Standing.FREE: "release", Standing.PINNED: "pin", Standing.VETOED: "veto"}


def fires(found: Play) -> str:
    """When it is suggested, as a sentence without its beginning."""
    trigger = found.trigger
    return (
        f"below {trigger.below:g} points, after a fall of {trigger.falling:g} over "
        f"{plural(trigger.closes, 'month end')}, or {trigger.peer_gap:g} behind peers"
    )


def known(key: str) -> Play:
    try:
        return playbook.play_of(key)
    except PlayUnknown as error:
        raise Http404("No such play.") from error


def link_about(link: Any) -> str:
    """Trail, 3 modules, 100 min."""
    parts = [link.kind.value.capitalize()]
    if link.modules:
        parts.append(plural(link.modules, "module"))
    parts.append(f"{link.minutes} min")
    if link.included_in:
        parts.append(f"included in {' and '.join(plan.capitalize() for plan in link.included_in)}")
    return ", ".join(parts)


def history_row(edit: Edit) -> tuple[Edit, list[tuple[str, str, str]]]:
    return edit, [said(each) for each in edit.differences]


def said(each: Difference) -> tuple[str, str, str]:
    """The field as it is called on screen, before and after."""
    return CALLED.get(each.field, each.field), each.before, each.after
