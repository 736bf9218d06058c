"""Why a signal has its score: kind, inputs, score, weight, freshness, definition, numbers over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal import charts
from portal.pages.backing import bounds, is_partial
from portal.pages.kinds import rule_of, told
from portal.pages.words import COUNTED, STATES, flags_in
from portal.templatetags.scores import (
    brief,
    day,
    day_of,
    in_full,
    month,
    percent,
    plural,
    points,
    quantity,
    share,
    whole,
)
from scoring import read
from scoring.engine import Flag, Scorecard, State
from scoring.read import CardReading, Reading

MONTHS_SHOWN = 13
LABELS = 6  # of months below a chart of half the width
CHANGED = "Its numbers have changed since this score was made. The next night shows them."
NEITHER = "It counts neither for nor against you."


@dataclass(frozen=True)
class Figure:
    """A chart beside the explanation, with the same numbers as a table."""

    title: str
    plot: charts.Plot
    label: str
    legend: list[tuple[str, str]]
    columns: list[str]
    rows: list[tuple[str, list[str]]]
    months: Sequence[tuple[date, list[float | None]]] = ()  # the measured numbers as they are, oldest first


@dataclass(frozen=True)
class Why:
    """The explanation of one signal."""

    title: str
    score: str
    tone: str
    band: str
    steps: list[tuple[str, SafeString | str]]
    figure: Figure | None


def why(
    card: CardReading,
    node: Reading,
    signal: Reading,
    history: Sequence[tuple[date, int | None]],
    gives: str,
    about: str = "",
) -> Why:
    """The panel of one signal on the page of a node; `gives` is what the table says it gives there.

    `about` is the address of the signal's own page, where the panel stands elsewhere.
    """
    words = told(card.scorecard, signal)
    steps: list[tuple[str, SafeString | str]] = [("Kind", words.kind)]
    if words.inputs:
        steps.append(("Inputs", words.inputs))
    elif signal.points is not None:
        steps.append(("Inputs", CHANGED))
    if words.score and signal.points is not None:
        steps.append(("Score", format_html("{}.", words.score)))
    steps.append(("Weight", weight(card, node, signal, gives)))
    steps.append(("State" if signal.state is not State.OK else "Data", state(card, signal)))
    if signal.coverage is not None:
        steps.append(("How sure", sure(signal)))
    steps += [("Note", text) for text in flags_in(_noted(signal))]
    if signal.change_30 is not None:
        before = (signal.points or 0) - signal.change_30
        since = card.compared.get(30)
        steps.append(
            ("Before", f"{whole(before)} on {day(since)}." if since else f"{whole(before)} thirty days ago.")
        )
    steps.append(("Definition", f"{signal.definition} {rule_of(signal).reading}"))
    if about:
        steps.append(("More", format_html('<a href="{}">About this signal</a>', about)))
    return Why(
        title=f"Why this score: {signal.name}",
        score=whole(signal.points),
        tone=signal.band.tone if signal.band else "none",
        band=signal.band.name if signal.band else STATES[signal.state],
        steps=steps,
        figure=figure(card, signal, history),
    )


def _noted(signal: Reading) -> Flag:
    """The flags that say more than the state already does."""
    flags = signal.flags | (Flag.PREVIEW if signal.is_preview else Flag(0))
    return flags & ~Flag.DORMANT if signal.state is State.NOT_APPLICABLE else flags


def weight(card: CardReading, node: Reading, signal: Reading, gives: str) -> str:
    """What the signal weighs now in the category or subcategory of the page, and what that gives."""
    category, sub = parents(card, signal)
    if signal.is_preview:
        return "None while it is a preview."
    if signal.state not in COUNTED:
        return "None: its weight is not part of the score."
    nominal = signal.weight if node is sub else sub.weight * signal.weight
    if signal.points is None:
        return f"{share(nominal)} of {node.name}, shared out among the other signals until it has a number."
    if sub.share is None or signal.share is None:
        return f"{share(signal.share)} of {sub.name}, which has no number now."
    of_category = sub.share * signal.share
    now = signal.share if node is sub else of_category
    usual = f", {share(nominal)} when everything reports" if f"{now:.3f}" != f"{nominal:.3f}" else ""
    text = f"{share(now)} of {node.name}{usual}. Gives {gives} {node.level} points"
    if category.share is None:
        return f"{text}."
    return f"{text}, {points(round(category.share * of_category * signal.points))} overall points."


def sure(signal: Reading) -> str:
    """How much of the signal is backed by data, its bounds, and what would complete it."""
    if not is_partial(signal):
        return "100% backed by data."
    said = f"{percent(signal.coverage)} backed by data: with the rest as 0 or as 100 it would be"
    return f"{said} {bounds(signal)}. Complete with {COMPLETES[signal.state]}."


COMPLETES = {
    State.OK: "each further month of history",
    State.STALE_GRACE: "the newer value that is due",
    State.MISSING: "the next value that arrives",
    State.INVALID: "a corrected value",
}


def parents(card: CardReading, signal: Reading) -> tuple[Reading, Reading]:
    """The category and the subcategory of a signal."""
    rule = rule_of(signal)
    return card.by_node[rule.category], card.by_node[f"{rule.category}/{rule.subcategory}"]


# ---------- freshness and states ----------


def state(card: CardReading, signal: Reading) -> str:
    """Whether the signal counts, and why or why not, in one or two sentences."""
    as_of = signal.inputs.get("as_of")
    until = f" The newest value is of {day_of(as_of)}." if as_of is not None else ""
    return SENTENCES[signal.state](card, signal, until)


def _fresh(card: CardReading, signal: Reading, until: str) -> str:
    return f"Up to date.{until}"


def _late(card: CardReading, signal: Reading, until: str) -> str:
    return f"Late.{until} It still counts in the score, and half in how sure we are, until it is too old."


def _missing(card: CardReading, signal: Reading, until: str) -> str:
    found = until or " Nothing usable has arrived."
    return f"No data.{found} It is left out of the score until it reports again."


def _invalid(card: CardReading, signal: Reading, until: str) -> str:
    reason = "a number is below what is possible"
    if signal.inputs.get("denominator") == 0:
        reason = "something is in use although nothing was bought"
    return f"Impossible value: {reason}.{until} It is left out of the score until a corrected value arrives."


def _young(card: CardReading, signal: Reading, until: str) -> str:
    age = card.age_days
    if age is not None and age <= 90 and rule_of(signal).kind == "growth":
        return f"Too new: growth is read from day 91 on, today is day {age}. {NEITHER}"
    known, base = signal.inputs.get("months_known"), signal.inputs.get("months_base")
    if known is not None and base is not None:
        return f"Too new: {in_full(known)} of {plural(base, 'month')} to compare with are known. {NEITHER}"
    return f"Too new: there is not enough history yet. {NEITHER}"


def _not_applicable(card: CardReading, signal: Reading, until: str) -> str:
    product = rule_of(signal).product
    owned = set(card.organization.products.values_list("key", flat=True))
    if product and product not in owned:
        return (
            f"Not applicable: {card.organization.name} does not own {product_name(card.scorecard, product)}."
        )
    return (
        f"Not applicable. {NOTHING_TO_MEASURE.get(str(rule_of(signal).kind), 'There is nothing to measure')}."
    )


def _exempt(card: CardReading, signal: Reading, until: str) -> str:
    return f"Exempt: an approved exemption is in force. {NEITHER}"


NOTHING_TO_MEASURE = {
    "ratio": "Nothing was bought or counted, so there is nothing to use",
    "growth": "No activity in 13 months, so there is nothing to compare",
    "performance": "There were no requests in the month",
    "config": "No scored setting applies",
}

SENTENCES = {
    State.OK: _fresh,
    State.STALE_GRACE: _late,
    State.MISSING: _missing,
    State.INVALID: _invalid,
    State.INSUFFICIENT_HISTORY: _young,
    State.NOT_APPLICABLE: _not_applicable,
    State.EXEMPT: _exempt,
}


def product_name(scorecard: Scorecard, key: str) -> str:
    """What the vendor calls a product."""
    return next((product.name for product in scorecard.products if product.key == key), key)


def silent_line(signal: Reading) -> str:
    """The short line of a signal without a number, for the table."""
    as_of = signal.inputs.get("as_of")
    if signal.state is State.MISSING and as_of is not None:
        return f"No data since {day_of(as_of)}"
    return STATES[signal.state]


# ---------- over time ----------


def figure(card: CardReading, signal: Reading, history: Sequence[tuple[date, int | None]]) -> Figure | None:
    """The measured months where there are any, else the score itself at each close."""
    return _measured(card, signal) or _scored(signal, history)


def _measured(card: CardReading, signal: Reading) -> Figure | None:
    options, kind = rule_of(signal).options, str(rule_of(signal).kind)
    names = {
        "growth": ("metric",),
        "ratio": ("numerator", "denominator"),
        "steps": ("metric",),
        "linear": ("metric",),
    }
    metrics = [getattr(options, name) for name in names.get(kind, ())]
    until = signal.inputs.get("month") or _month_of_day(signal.inputs.get("as_of"))
    lines = [(metric, read.series(card, metric, until=until, months=MONTHS_SHOWN)) for metric in metrics]
    lines = [(metric, line) for metric, line in lines if sum(value is not None for _, value in line) > 1]
    if not lines:
        return None
    units = [card.scorecard.metric(metric).unit for metric, _ in lines]
    names_of = [_titled(card.scorecard.metric(metric).name) for metric, _ in lines]
    keys = [signal.mark or "all", "peer"]
    level = signal.inputs.get("denominator") if kind == "growth" else None
    average = getattr(options, "variant", None)
    has_level = bool(level) and str(average) == "avg12" and not getattr(options, "per", None)
    plot = charts.months(
        [(key, line) for key, (_, line) in zip(keys, lines, strict=False)],
        text=brief,
        level=level if has_level else None,
        level_text=f"Average {quantity(level)}" if has_level else "",
    )
    newest = next((each for each in reversed(lines[0][1]) if each[1] is not None), None)
    label = f"{names_of[0]} by month"
    if newest:
        label += f", {in_full(newest[1])} in {month(newest[0])}"
    if has_level:
        label += f"; the average of the 12 months before is {in_full(level)}"
    return Figure(
        title=f"{_titled(units[0])} by month" if units[0] else f"{names_of[0]} by month",
        plot=plot,
        label=f"{label}.",
        legend=list(zip(keys, names_of, strict=False)) if len(lines) > 1 else [],
        columns=names_of,
        rows=[
            (month(lines[0][1][at][0]), [in_full(line[at][1]) for _, line in lines])
            for at in range(len(lines[0][1]) - 1, -1, -1)
        ],
        months=[(when, [line[at][1] for _, line in lines]) for at, (when, _) in enumerate(lines[0][1])],
    )


def _scored(signal: Reading, history: Sequence[tuple[date, int | None]]) -> Figure | None:
    known = [(when, value) for when, value in history if value is not None]
    if len(known) < 2:
        return None
    plot = charts.trend(
        [(signal.mark or "all", [(when, None if value is None else value / 100) for when, value in history])],
        known[0][0],
        known[-1][0],
        text=lambda value: whole(round(value * 100)),
        most_labels=LABELS,
    )
    return Figure(
        title="This signal's score over time",
        plot=plot,
        label=f"{signal.name} from {whole(known[0][1])} on {day(known[0][0])} to {whole(known[-1][1])}.",
        legend=[],
        columns=["Score"],
        rows=[(day(when), [whole(value)]) for when, value in reversed(history)],
    )


def _month_of_day(ordinal: float | None) -> float | None:
    if ordinal is None:
        return None
    when = date.fromordinal(int(ordinal))
    return when.year * 12 + when.month - 1


def _titled(text: str) -> str:
    return text[:1].upper() + text[1:]
