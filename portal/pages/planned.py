"""What the planner page shows, as ready text: actions to pick, where the score lands, plans compared."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from portal import projection
from portal.templatetags.scores import change, day, exact, plural, points, whole
from recommendations.planning import Candidate, Plan, RunnerUp, Situation, Variant, Wish
from scoring.engine import Band, Level
from scoring.read import TrendPoint

if TYPE_CHECKING:
    from recommendations.gain import Estimate


@dataclass(frozen=True)
class Pick:
    """One action that can be ticked."""

    key: str
    title: str
    mark: str
    category: str
    moves: str  # Sales license activation 67 to 77
    effort: str
    gain: str
    is_picked: bool
    badge: str
    words: Sequence[str]  # what must change
    why_not: str  # why Cairn does not choose it


@dataclass(frozen=True)
class CategoryRow:
    """A category now and planned, in hundredths."""

    name: str
    mark: str
    now: int | None
    planned: int | None
    change: int | None


@dataclass(frozen=True)
class StepRow:
    """What the score shows by one day, in the order of the figure."""

    number: int
    day: str
    actions: Sequence[tuple[str, str]]  # title, gain


@dataclass(frozen=True)
class VariantRow:
    """One plan of those that reach the target."""

    name: str
    sub: str
    actions: int
    effort: str
    projected: str
    band: Band | None
    href: str
    is_shown: bool


def picks(at: Situation, chosen: Iterable[str], wish: Wish) -> list[Pick]:
    """All that can be ticked: what is ticked first, then by gain."""
    ticked = set(chosen)
    rows = [_pick(at, each, each.key in ticked, wish) for each in at.candidates]
    order = {each.key: at.estimates[each.key].overall for each in at.candidates}
    return sorted(rows, key=lambda row: (not row.is_picked, -(order[row.key] or -1)))


def _pick(at: Situation, each: Candidate, is_picked: bool, wish: Wish) -> Pick:
    made = at.estimates[each.key]
    node = at.ground.place.get(each.signal)
    name = at.ground.card.nodes[node].name if node is not None else each.signal
    now = at.ground.hundredths.get(each.signal)
    there = _reached(made, each)
    badge = "Under way" if each.is_under_way else "Costs money" if each.costs_money else ""
    return Pick(
        key=each.key,
        title=each.title,
        mark=mark_of(at, each.category),
        category=at.category_name(each.category),
        moves=f"{name} {whole(now)} to {whole(there)}" if there is not None else name,
        effort=work(each.effort_days),
        gain=change(made.overall) if made.overall is not None else "",
        is_picked=is_picked,
        badge=badge,
        words=made.words,
        why_not=at.why_not(each, wish),
    )


def _reached(made: "Estimate", each: Candidate) -> int | None:
    if made.after is not None:
        return made.after.get(each.signal)
    return each.target


def mark_of(at: Situation, category: str) -> str:
    return next((each.mark for each in at.ground.card.categories if each.key == category), "")


def categories(at: Situation, plan: Plan) -> list[CategoryRow]:
    """Every category, and overall at the end."""
    rows = []
    marks = {each.key: each.mark for each in at.ground.card.categories}
    top = [node for node in at.ground.card.nodes if node.level == Level.CATEGORY]
    for node in [*top, at.ground.card.nodes[0]]:
        now, then = plan.projection.before[node.id], plan.projection.after[node.id]
        moved = None if now is None or then is None else then - now
        name = "Overall" if node.level == Level.OVERALL else node.name
        rows.append(CategoryRow(name, marks.get(node.id, ""), now, then, moved))
    return rows


def levels(plan: Plan) -> list[tuple[date, float]]:
    """The overall score after each day that shows something, in points; inputs moved count from the start."""
    left = plan.projected or 0
    found: dict[date, float] = {}
    for step in reversed(plan.steps):
        found.setdefault(step.on, left / 100)
        left -= step.estimate.overall or 0
    return list(found.items())[::-1]


def steps(plan: Plan) -> list[StepRow]:
    by_day: dict[date, list[tuple[str, str]]] = {}
    for step in plan.steps:
        gain = "" if step.estimate.overall is None else change(step.estimate.overall)
        by_day.setdefault(step.on, []).append((step.candidate.title, gain))
    return [StepRow(number, day(on), found) for number, (on, found) in enumerate(by_day.items(), start=1)]


def work(days: float) -> str:
    """1 day, 1.5 days."""
    return f"{days:g} {'day' if days == 1 else 'days'}"


def figure(
    at: Situation, plan: Plan, trend: Sequence[TrendPoint], by: date | None
) -> projection.Figure | None:
    past = [
        (point.day, None if (value := point.points.get("overall")) is None else value / 100)
        for point in trend
    ]
    text = f"Target {by.day} {by:%b}" if by else ""
    return projection.figure(past, levels(plan), at.today, by, by_text=text)


def sentence(at: Situation, plan: Plan, wish: Wish) -> str:
    """73.6 today, +7.3 from 3 actions, 80.9 by 18 Jan 2027."""
    if not plan.steps:
        return f"{points(at.now)} today. Tick actions to see where the score would land."
    told = (
        f"{points(at.now)} today, {change(plan.gain)} from {plural(len(plan.steps), 'action')}, "
        f"{points(plan.projected)} by {day(plan.on)}."
    )
    if wish.by and plan.on:
        days = (wish.by - plan.on).days
        if days >= 14:
            told += f" {plural(days // 7, 'week').capitalize()} ahead of the day you chose."
        elif days < 0:
            told += f" {plural(-days, 'day').capitalize()} after the day you chose."
    return told


def answer(at: Situation, wish: Wish, variants: Sequence[Variant]) -> str:
    """What the search found, in a sentence."""
    if wish.target is None:
        return ""
    need = wish.target * 100 - (at.now or 0)
    if need <= 0:
        return f"The score is at {points(at.now)} already: nothing has to be done to reach {wish.target}."
    told = f"You need {exact(need)} more points."
    if not variants:
        most = at.best(Wish(by=wish.by, with_less=wish.with_less))
        reach = (at.now or 0) + round(100 * most.gain)
        until = f" by {day(wish.by)}" if wish.by else ""
        return (
            f"{told} No set of actions brings them{until}: all of them together would reach {points(reach)}."
        )
    cheapest = variants[0]
    told += f" The cheapest plan takes {work(cheapest.plan.effort)} of work."
    if cheapest.gap:
        told += f" Not every set could be tried: another one saves {cheapest.gap:.1f} days at most."
    if wish.budget is not None and cheapest.plan.effort > wish.budget:
        best = at.best(wish)
        reach = (at.now or 0) + round(100 * best.gain)
        told += f" That is over your {wish.budget:g}: with these the score reaches {points(reach)} at best."
    return told


def runner_up(other: RunnerUp | None) -> str:
    """Leaving out X and doing Y gives 0.4 less."""
    if other is None or not other.out:
        return ""
    out = " and ".join(f"“{each.title}”" for each in other.out)
    into = " and ".join(f"“{each.title}”" for each in other.into)
    instead = f" and doing {into} instead" if into else ""
    parts = []
    if abs(other.gain) >= 0.005:
        parts.append(f"gives {abs(other.gain):.2f} points {'more' if other.gain > 0 else 'less'}")
    if abs(other.effort) >= 0.05:
        parts.append(f"takes {work(abs(other.effort))} {'more' if other.effort > 0 else 'less'}")
    return f"The next best: leaving out {out}{instead} {' and '.join(parts) or 'comes to the same'}."


def variant_rows(
    at: Situation, variants: Sequence[Variant], shown: Iterable[str], asked: Mapping[str, object]
) -> list[VariantRow]:
    ticked = set(shown)
    return [
        VariantRow(
            each.name,
            each.sub,
            len(each.plan.steps),
            f"{each.plan.effort:g}",
            points(each.plan.projected),
            None if each.plan.projected is None else at.ground.card.band(each.plan.projected),
            f"?{urlencode({**asked, 'pick': each.plan.keys}, doseq=True)}",
            set(each.plan.keys) == ticked,
        )
        for each in variants
    ]


__all__ = [
    "CategoryRow",
    "Pick",
    "StepRow",
    "VariantRow",
    "answer",
    "categories",
    "figure",
    "levels",
    "mark_of",
    "picks",
    "runner_up",
    "sentence",
    "steps",
    "variant_rows",
    "work",
]
