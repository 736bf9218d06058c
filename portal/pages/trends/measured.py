"""What a signal was measured by, month by month: a drawing, a table and a file for every kind of signal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.rows.cells import as_csv, safe
from portal import charts
from portal.pages.kinds import rule_of
from portal.pages.why import Figure, why
from portal.templatetags.scores import brief, in_full, month
from scoring import measured, read
from scoring.engine import Scorecard, Signal
from scoring.engine.options import Form
from scoring.measured import Numbers
from scoring.read import CardReading, Reading

Cell = float | None


@dataclass(frozen=True)
class Column:
    """One number of each month: what it is called, and where it stands among the signal's inputs."""

    name: str
    of: Callable[[Numbers], Cell]
    is_drawn: bool = False


def figure(card: CardReading, node: Reading) -> Figure | None:
    """What a signal was measured by; None for a node that is none, or with fewer than two months known."""
    if node.signal is None:
        return None
    return of_months(card, node) or of_metrics(card, node)


def of_metrics(card: CardReading, node: Reading) -> Figure | None:
    """Kinds that compare months show the months of their metrics, as beside the explanation."""
    exact = read.explained(card.organization, card.key, day=card.day)
    if exact is None:
        return None
    return why(exact, exact.by_node[rule_of(node).category], exact.by_node[node.node], (), "").figure


def of_months(card: CardReading, node: Reading) -> Figure | None:
    """Kinds that look at days, states and findings show each complete month by itself."""
    rule = rule_of(node)
    if str(rule.kind) not in TOLD:
        return None
    title, columns = TOLD[str(rule.kind)](card.scorecard, rule)
    months = measured.months(card, rule)
    while months and not months[0].is_known:
        months = months[1:]
    rows = [(each.month, [column.of(each.numbers) for column in columns]) for each in months]
    drawn = [at for at, column in enumerate(columns) if column.is_drawn]
    if sum(cells[drawn[0]] is not None for _, cells in rows) < 2:
        return None
    marks = [node.mark or "all", "peer"]
    lines = [[(when, cells[at]) for when, cells in rows] for at in drawn]
    newest = next(((when, value) for when, value in reversed(lines[0]) if value is not None), None)
    said = f": {columns[drawn[0]].name.lower()}, {in_full(newest[1])} in {month(newest[0])}" if newest else ""
    return Figure(
        title=title,
        plot=charts.months(list(zip(marks, lines, strict=False)), text=brief),
        label=f"{node.name} by month{said}.",
        legend=[(mark, columns[at].name) for mark, at in zip(marks, drawn, strict=False)]
        if len(drawn) > 1
        else [],
        columns=[column.name for column in columns],
        rows=[(month(when), [in_full(value) for value in cells]) for when, cells in reversed(rows)],
        months=rows,
    )


def as_file(card: CardReading, node: Reading, found: Figure) -> str:
    """The same numbers unrounded, a row a month; safe to open."""
    columns = ["Month", "Signal", "Scorecard", "Version", "Data date", *map(safe, found.columns)]
    known = [safe(node.name), card.key, f"{card.number}", card.day.isoformat()]
    rows = ([f"{when:%Y-%m}", *known, *map(_plain, cells)] for when, cells in found.months)
    return as_csv(columns, rows)


def _plain(value: Cell) -> str:
    return "" if value is None else f"{value:.15g}"


# ---------- what each kind has ----------


def _input(name: str) -> Callable[[Numbers], Cell]:
    return lambda numbers: numbers.get(name)


def _indicator(card: Scorecard, rule: Signal) -> tuple[str, list[Column]]:
    options: Any = rule.options
    if not options.days:
        return _state(card, rule)
    columns = [Column("Days on which it happened", _input("days"), is_drawn=True)]
    if options.form == Form.RECENCY:
        columns.append(Column("Days since the last, at the month’s end", _input("since")))
    return f"{_named(card, options.metric)}, days in each month", columns


def _state(card: Scorecard, rule: Signal) -> tuple[str, list[Column]]:
    options: Any = rule.options
    name = _named(card, options.metric)
    return f"{name}, at each month’s end", [Column(name, _input("value"), is_drawn=True)]


def _error(card: Scorecard, rule: Signal) -> tuple[str, list[Column]]:
    options: Any = rule.options
    columns = [
        Column("Clean days", _input("clean_days"), is_drawn=True),
        Column("Days with telemetry", _input("observed_days"), is_drawn=True),
    ]
    return f"{_named(card, options.metric)}, clean days in each month", columns


def _performance(card: Scorecard, rule: Signal) -> tuple[str, list[Column]]:
    options: Any = rule.options
    metric = card.metric(options.metric)
    unit = f", {metric.unit}" if metric.unit else ""
    columns = [
        Column(f"Average{unit}", _input("average"), is_drawn=True),
        Column("Days with telemetry", _input("observed_days")),
    ]
    if metric.companion:
        columns.append(Column(_named(card, metric.companion), _input("weight")))
    return f"{_named(card, options.metric)}, average of each month", columns


def _config(card: Scorecard, rule: Signal) -> tuple[str, list[Column]]:
    options: Any = rule.options
    names = [f"setting:{each.metric}" for each in options.settings if each.weight > 0]

    def reported(numbers: Numbers) -> list[float]:
        return [value for name in names if (value := numbers.get(name)) is not None]

    def share(numbers: Numbers) -> Cell:
        met, total = numbers.get("passed"), numbers.get("total")
        return 100 * met / total if met is not None and total else None

    columns = [
        Column("Share of risk points met, %", share, is_drawn=True),
        Column("Risk points met", _input("passed")),
        Column("Risk points in all", _input("total")),
        Column(
            "Settings fully met", lambda numbers: _if_any(numbers, sum(v >= 1 for v in reported(numbers)))
        ),
        Column("Settings that reported", lambda numbers: _if_any(numbers, len(reported(numbers)))),
    ]
    return "Share of risk points met, at each month’s end", columns


def _if_any(numbers: Numbers, count: int) -> Cell:
    return float(count) if numbers else None


def _deduction(card: Scorecard, rule: Signal) -> tuple[str, list[Column]]:
    options: Any = rule.options
    counted = [
        Column(_named(card, key), _input(f"count:{key}"))
        for key in dict.fromkeys(each.metric for each in options.deductions)
    ]
    return "Points taken, at each month’s end", [
        Column("Points taken", _input("deducted"), is_drawn=True),
        *counted,
    ]


def _named(card: Scorecard, key: str) -> str:
    name = card.metric(key).name
    return name[:1].upper() + name[1:]


TOLD: dict[str, Callable[[Scorecard, Signal], tuple[str, list[Column]]]] = {
    "indicator": _indicator,
    "error": _error,
    "performance": _performance,
    "config": _config,
    "deduction": _deduction,
    "steps": _state,
    "linear": _state,
}
