"""The planner: tick actions or move an input and see where the score would land, or let it find a plan."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Capability, is_open, open_organization
from portal.pages import planned
from portal.pages.asking import Asking
from portal.pages.planner_forms import SaveForm, WishForm
from portal.pages.shell import shell
from portal.pages.words import NOTHING_YET
from portal.templatetags.scores import day, in_full, points
from recommendations import inputs, planning, roadmaps
from recommendations.inputs import Changes, Unreachable
from recommendations.planning import MOST_PICKED, Situation, Variant, Wish
from scoring import history, read

if TYPE_CHECKING:
    from accounts.models import Organization

FIRST = 10  # actions shown at once; the others on request
DRAWN = 150  # days of the past that are read for the figure


@dataclass(frozen=True)
class Moved:
    """An input that somebody moved."""

    asked: str  # as in the address
    name: str
    text: str  # 412 to 500
    without: str  # the address without it


@dataclass
class Asked:
    """What stands in the address, read and checked."""

    wish: Wish = field(default_factory=Wish)
    keys: list[str] = field(default_factory=list)
    moves: list[tuple[str, float]] = field(default_factory=list)
    changes: Changes = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@require_safe
def planner(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_RECOMMENDATIONS)
    past = history.of(organization, days=DRAWN)
    card = read.latest(organization, known=past)
    page: dict[str, Any] = {
        "shell": shell(request, organization, card, request.path),
        "organization": organization,
    }
    today = timezone.now().date()
    at = None
    if card is not None and card.overall.state not in NOTHING_YET:
        at = planning.situation(organization, today)
    if at is None:
        return render(request, "portal/planner.html", page)
    form = WishForm(request.GET, today=today)
    asked = _asked(request, form, at)
    page |= _page(request, organization, at, form, asked)
    page["figure"] = planned.figure(at, page["plan"], read.trend(organization, known=past), asked.wish.by)
    return render(request, "portal/planner.html", page, status=422 if asked.problems else 200)


# ---------- what is asked ----------


def _asked(request: Asking, form: WishForm, at: Situation) -> Asked:
    asked = Asked()
    if not form.is_valid():
        asked.problems += form.problems
    told = form.cleaned_data
    days = told.get("days")
    asked.wish = Wish(
        target=told.get("target"),
        by=told.get("by"),
        budget=None if days is None else float(days),
        with_less=bool(told.get("less")),
    )
    for key in dict.fromkeys(request.GET.getlist("pick")):
        if key in at.by_key:
            asked.keys.append(key)
        else:
            asked.problems.append(f"“{key[:60]}” is none of the open actions of this organization.")
    if len(asked.keys) > MOST_PICKED:
        asked.problems.append(f"A plan has {MOST_PICKED} actions at most; these are {len(asked.keys)}.")
        asked.keys = asked.keys[:MOST_PICKED]
    _read_moves(request, form, at, asked)
    return asked


def _read_moves(request: Asking, form: WishForm, at: Situation, asked: Asked) -> None:
    """Inputs moved before and the one just entered; the last word on an input counts."""
    wanted: dict[str, float] = {}
    for text in request.GET.getlist("move"):
        key, _, entered = text.rpartition(":")
        try:
            wanted[key] = float(entered)
        except ValueError:
            asked.problems.append(f"“{text[:80]}” does not say which input is to be which number.")
    metric, value = form.cleaned_data.get("metric"), form.cleaned_data.get("value")
    if metric and value is not None:
        wanted[metric] = value
    elif metric or value is not None:
        missing = "which input" if value is not None else "what number"
        asked.problems.append(f"To move an input, say {missing} as well.")
    ground = at.ground
    for key, number in wanted.items():
        try:
            asked.changes |= inputs.moved(ground.card, ground.panel, ground.numbers, key, number)
        except Unreachable as why:
            asked.problems.append(str(why))
        else:
            asked.moves.append((key, number))


# ---------- the page ----------


def _page(
    request: Asking, organization: "Organization", at: Situation, form: WishForm, asked: Asked
) -> dict[str, Any]:
    wish = asked.wish
    variants = at.variants(wish) if wish.target is not None and not asked.problems else []
    keys, runner_up, found = asked.keys, "", ""
    if "find" in request.GET and not asked.problems:
        keys, runner_up, found = _found(at, wish, variants)
    plan = at.plan(keys, asked.changes)
    picks = planned.picks(at, keys, wish)
    first = max(FIRST, len(keys))
    kept = _kept(asked)
    before, after = plan.projection.before["overall"], plan.projected
    card = at.ground.card
    known = inputs.movable(card, at.ground.panel, at.ground.numbers)
    return {
        "at": at,
        "form": form,
        "problems": asked.problems,
        "picks": picks[:first],
        "more_picks": picks[first:],
        "plan": plan,
        "picked": f"{len(plan.steps)} of {len(picks)}, {planned.work(plan.effort)}",
        "now": before,
        "projected": after,
        "band": None if after is None else card.band(after),
        "sentence": planned.sentence(at, plan, wish),
        "steps": planned.steps(plan),
        "categories": planned.categories(at, plan),
        "variants": planned.variant_rows(at, variants, keys, kept),
        "answer": found or planned.answer(at, wish, variants),
        "runner_up": runner_up,
        "left_out": [each for each in plan.steps if each.estimate.lack],
        "known": known,
        "moved": _moved(asked, known, keys, kept),
        "label": _label(at, plan, wish.by),
        "of_day": at.ground.night.day,
        "saved": roadmaps.of(organization),
        "may_save": is_open(request.user, organization.opened, Capability.SAVE_ROADMAPS),
        "save_form": SaveForm(
            auto_id="s-%s",
            initial={
                "name": f"{wish.target} by {day(wish.by)}" if wish.target and wish.by else "",
                "target": wish.target,
                "by": wish.by.isoformat() if wish.by else "",
                "days": "" if wish.budget is None else f"{wish.budget:g}",
            },
        ),
    }


def _found(at: Situation, wish: Wish, variants: Sequence[Variant]) -> tuple[list[str], str, str]:
    """What the search chooses, the next best in words, and a sentence of its own where there is no target."""
    if wish.target is None:
        best = at.best(wish)
        other = planned.runner_up(at.runner_up(wish, best))
        limit = "" if wish.budget is None else f" in {wish.budget:g} days of work"
        told = f"The most you can gain{limit} is {best.gain:.2f} points."
        if best.gap:
            told += f" Not every set could be tried: another one gains {best.gap:.2f} more at most."
        return list(best.keys), other, told
    cheapest = at.cheapest(wish)
    if cheapest is None:
        return list(at.best(Wish(by=wish.by, with_less=wish.with_less)).keys), "", ""
    return list(cheapest.keys), planned.runner_up(at.runner_up(wish, cheapest)), ""


def _kept(asked: Asked) -> dict[str, object]:
    """What a link to another plan keeps."""
    wish = asked.wish
    kept: dict[str, object] = {}
    if wish.target is not None:
        kept["target"] = wish.target
    if wish.by:
        kept["by"] = wish.by.isoformat()
    if wish.budget is not None:
        kept["days"] = f"{wish.budget:g}"
    if wish.with_less:
        kept["less"] = "on"
    kept["move"] = [f"{key}:{number!r}" for key, number in asked.moves]
    return kept


def _moved(
    asked: Asked, known: Sequence[inputs.Input], keys: Sequence[str], kept: dict[str, object]
) -> list[Moved]:
    by_key = {each.metric: each for each in known}
    rows = []
    for key, number in asked.moves:
        each = by_key[key]
        others = [text for text in _texts(kept) if not text.startswith(f"{key}:")]
        rows.append(
            Moved(
                f"{key}:{number!r}",
                f"{each.name}, {each.what}",
                f"{in_full(each.value)} to {in_full(number)}",
                f"?{planned.urlencode({**kept, 'move': others, 'pick': keys}, doseq=True)}",
            )
        )
    return rows


def _texts(kept: dict[str, object]) -> list[str]:
    move = kept["move"]
    return list(move) if isinstance(move, list) else []


def _label(at: Situation, plan: planning.Plan, by: date | None) -> str:
    """The figure in words."""
    told = [f"Projection: {points(at.now)} today"]
    told += [f"{level:.1f} by {day(on)}" for on, level in planned.levels(plan)]
    until = f" The day to reach it by is {day(by)}." if by else ""
    return f"{', '.join(told)}.{until} Without action it is drawn level at {points(at.now)}."
