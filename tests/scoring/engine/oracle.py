"""A second, slow scoring engine in plain Python: one organization at a time, from raw observations.

It shares nothing with `scoring.engine` but the specification (SCORING), so that a mistake has to be made
twice to stay unseen. It starts before packing: what a month keeps of several days is worked out again.
"""

import math
from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

OK, STALE_GRACE, MISSING, INVALID = "OK", "STALE_GRACE", "MISSING", "INVALID"
INSUFFICIENT_HISTORY, NOT_APPLICABLE, EXEMPT = "INSUFFICIENT_HISTORY", "NOT_APPLICABLE", "EXEMPT"
PROVISIONAL, INSUFFICIENT_DATA, SETTING_UP = "PROVISIONAL", "INSUFFICIENT_DATA", "SETTING_UP"

FRESH, GRACE, GONE = 0, 1, 2
PERIOD = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92}
LAG = {"daily": 1, "weekly": 3, "monthly": 7, "quarterly": 7}
RISK = {"high": 3, "medium": 2, "low": 1, "informational": 0}
SEVERITY = {"critical": 20, "high": 12, "medium": 6, "low": 2}
NINE_TENTHS = 0.9061938024368232
DEFAULT_STEPS = {
    "ternary": [{"at_least": 2, "points": 100}, {"at_least": 1, "points": 50}, {"points": 0}],
    "recency": [{"at_most": 90, "points": 100}, {"at_most": 180, "points": 50}, {"points": 0}],
}
EDGES: dict[str, Callable[[float, float], bool]] = {
    "at_least": lambda value, edge: value >= edge,
    "more_than": lambda value, edge: value > edge,
    "at_most": lambda value, edge: value <= edge,
    "less_than": lambda value, edge: value < edge,
}
NO_FLAGS: frozenset[str] = frozenset()


@dataclass
class Facts:
    """What is known of one organization on one day, before anything is packed.

    units  age_days None = unknown; contract_started None = no contract; declared days are inclusive
    """

    day: date
    observations: dict[str, dict[date, float]] = field(default_factory=dict)
    declared: dict[str, list[tuple[date, date]]] = field(default_factory=dict)
    owned: set[str] = field(default_factory=set)
    age_days: float | None = None
    contract_started: date | None = None
    exempt: set[str] = field(default_factory=set)


class Answer(NamedTuple):
    """One node of one organization; None where there is no number."""

    points: float | None
    state: str
    coverage: float | None
    lower: float | None
    upper: float | None
    flags: frozenset[str] = NO_FLAGS


class Leaf(NamedTuple):
    """What a kind says of a signal: its state, points, and the share of it that is known."""

    state: str
    points: float | None = None
    known: float = 0.0
    flags: frozenset[str] = NO_FLAGS


class Metric(NamedTuple):
    """A declared metric with its defaults filled in."""

    key: str
    nature: str
    grain: str
    cadence: str
    lag: int
    minimum: float
    companion: str | None


@dataclass
class Card:
    """A scorecard as the oracle reads it: metrics by key, signals by subcategory."""

    text: dict[str, Any]
    metrics: dict[str, Metric]
    signals: list[dict[str, Any]]
    months: int

    def of(self, category: str, subcategory: str) -> list[dict[str, Any]]:
        """The signals of one subcategory, in the order of the file."""
        return [s for s in self.signals if (s["category"], s["subcategory"]) == (category, subcategory)]


def prepare(text: dict[str, Any]) -> Card:
    """The card of a parsed TOML file."""
    metrics = {entry["key"]: _metric(entry) for entry in text["metric"]}
    signals = text["signal"]
    return Card(text, metrics, signals, 22 if any(_reads_quarters(s, metrics) for s in signals) else 16)


def _reads_quarters(signal: dict[str, Any], metrics: dict[str, Metric]) -> bool:
    """True if it compares quarters, or a metric that it names is quarterly."""
    entries = [signal, *signal.get("settings", []), *signal.get("deductions", [])]
    named = [metrics[str(at)] for entry in entries for at in entry.values() if str(at) in metrics]
    return signal.get("variant") == "quarter" or any(metric.cadence == "quarterly" for metric in named)


def _metric(entry: dict[str, Any]) -> Metric:
    lag = entry.get("lag", LAG[entry["cadence"]])
    names = entry["key"], entry["nature"], entry["grain"], entry["cadence"]
    return Metric(*names, lag, entry.get("minimum", 0), entry.get("companion"))


def canonical(points: float | None) -> int:
    """Hundredths of a point, half to even; float noise beyond the eighth place cannot decide a tie."""
    if points is None:
        return -1
    calm = Decimal(points).quantize(Decimal("1e-8"), ROUND_HALF_EVEN)
    return int(calm.quantize(Decimal("0.01"), ROUND_HALF_EVEN) * 100)


# --- days and months: days are ordinals, a month is year * 12 + month - 1, a quarter is month // 3


def month_of(day: date) -> int:
    """The month a day lies in."""
    return day.year * 12 + day.month - 1


@cache
def month_at(ordinal: int) -> int:
    """The month an ordinal day lies in."""
    return month_of(date.fromordinal(ordinal))


@cache
def month_start(month: int) -> int:
    """Ordinal of the month's first day."""
    return date(month // 12, month % 12 + 1, 1).toordinal()


@cache
def month_end(month: int) -> int:
    """Ordinal of the month's last day."""
    return month_start(month) + monthrange(month // 12, month % 12 + 1)[1] - 1


def rank(day: int, due: int, late: int) -> int:
    """FRESH up to the day a newer value is due, GRACE up to the late one, then GONE."""
    return FRESH if day <= due else GRACE if day <= late else GONE


def stock_dues(metric: Metric, seen: int) -> tuple[int, int]:
    """Due and late day of a stock that was last seen on a day."""
    due = seen + PERIOD[metric.cadence] + metric.lag
    return due, due + (3 if metric.cadence == "daily" else PERIOD[metric.cadence])


def period_dues(metric: Metric, month: int, span: int) -> tuple[int, int]:
    """Due and late day of a flow or gauge that is known up to a month, and read by so many months."""
    return month_end(month + span) + metric.lag, month_end(month + 2 * span) + metric.lag


def daily_dues(metric: Metric, last: int) -> tuple[int, int]:
    """Due and late day of a day-grain metric that is known up to a day."""
    return last + 1 + metric.lag, last + 1 + metric.lag + 3


def event_dues(metric: Metric, last: int) -> tuple[int, int]:
    """Due and late day of events that are declared complete up to a day."""
    if metric.cadence in ("daily", "weekly"):
        due = last + PERIOD[metric.cadence] + metric.lag
        return due, due + (3 if metric.cadence == "daily" else 7)
    span = 3 if metric.cadence == "quarterly" else 1
    closing = month_at(last + 1) // span * span + span - 1
    return month_end(closing) + metric.lag, month_end(closing + span) + metric.lag


class Reader:
    """The facts of one organization as a sheet of its day may read them."""

    def __init__(self, card: Card, facts: Facts) -> None:
        self.card, self.facts = card, facts
        self.day = facts.day.toordinal()
        self.month = month_of(facts.day)
        self.oldest = self.month - card.months + 1
        self.ended = self.month if month_end(self.month) == self.day else self.month - 1
        self._packed: dict[str, dict[int, Any]] = {}
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self._daily: dict[str, dict[int, float]] = {}

    def metric(self, key: str) -> Metric:
        """The metric of a key."""
        return self.card.metrics[key]

    # what was declared complete

    def spans(self, key: str) -> list[tuple[int, int]]:
        """Stretches of days declared complete, joined, within the kept months and up to the day."""
        if key not in self._spans:
            self._spans[key] = self._join(self.facts.declared.get(key, ()))
        return self._spans[key]

    def _join(self, windows: Iterable[tuple[date, date]]) -> list[tuple[int, int]]:
        joined: list[tuple[int, int]] = []
        for first, last in sorted(windows):
            start, stop = max(first.toordinal(), month_start(self.oldest)), min(last.toordinal(), self.day)
            if start > stop:
                continue
            if joined and start <= joined[-1][1] + 1:
                joined[-1] = joined[-1][0], max(stop, joined[-1][1])
            else:
                joined.append((start, stop))
        return joined

    def complete(self, key: str, first: int, last: int) -> bool:
        """True if every day from first to last was declared complete."""
        return any(start <= first and last <= stop for start, stop in self.spans(key))

    # month grain

    def packed(self, key: str) -> dict[int, Any]:
        """What the months keep: the sum of a flow, the mean of a gauge, (day, value) of a stock's newest."""
        if key not in self._packed:
            nature = self.metric(key).nature
            months = _by_month(self.facts.observations.get(key, {}), self.oldest, self.month)
            self._packed[key] = {month: KEEP[nature](sent) for month, sent in months.items()}
        return self._packed[key]

    def newest(self, key: str) -> tuple[int, float] | None:
        """Day and value of the newest stock that a month keeps and that is not later than the day."""
        kept = [(seen, value) for seen, value in self.packed(key).values() if seen <= self.day]
        return max(kept) if kept else None

    def stock_in(self, key: str, month: int) -> float | None:
        """The stock of a month: its own value, or an earlier one that is not out of grace at its end.

        The running month ends, so far, with the day.
        """
        packed, end = self.packed(key), min(month_end(month), self.day)
        for back in range(month, self.oldest - 1, -1):
            if back in packed and packed[back][0] <= self.day:
                seen, value = packed[back]
                fits = back == month or end <= stock_dues(self.metric(key), seen)[1]
                return value if fits else None
        return None

    def amount(self, key: str, month: int) -> float | None:
        """A flow or gauge of a month that has ended: observed, or for flows 0 if declared complete."""
        if month > self.ended or month < self.oldest:
            return None
        observed: float | None = self.packed(key).get(month)
        if observed is not None or self.metric(key).nature != "flow":
            return observed
        return 0.0 if self.complete(key, month_start(month), month_end(month)) else None

    def quarter(self, key: str, quarter: int) -> float | None:
        """A flow or gauge of a quarter that has ended, and of which all months are kept."""
        months = range(3 * quarter, 3 * quarter + 3)
        if months[-1] > self.ended or months[0] < self.oldest:  # a part of a quarter would be too little
            return None
        metric = self.metric(key)
        if metric.cadence != "quarterly":
            known = [at for month in months if (at := self.amount(key, month)) is not None]
            return sum(known) if len(known) == 3 else None
        observed: list[float] = [self.packed(key)[m] for m in months if m in self.packed(key)]
        if observed:
            return sum(observed) if metric.nature == "flow" else sum(observed) / len(observed)
        declared = metric.nature == "flow" and self.complete(
            key, month_start(months[0]), month_end(months[-1])
        )
        return 0.0 if declared else None

    def last_arrived(self, keys: list[str]) -> int | None:
        """The last month, or last month of a quarter, ended by the day, in which all these are known."""
        if self.span(keys) == 3:
            for quarter in range((self.ended + 1) // 3 - 1, self.oldest // 3 - 1, -1):
                if all(self.quarter(key, quarter) is not None for key in keys):
                    return 3 * quarter + 2
            return None
        for month in range(self.ended, self.oldest - 1, -1):
            if all(self.amount(key, month) is not None for key in keys):
                return month
        return None

    # day grain

    def daily(self, key: str) -> dict[int, float]:
        """Known days up to the day, by ordinal: observed, or for flows 0 where declared complete."""
        if key not in self._daily:
            start = month_start(self.month - 2)
            known = {}
            if self.metric(key).nature == "flow":
                for first, last in self.spans(key):
                    known.update(dict.fromkeys(range(max(first, start), last + 1), 0.0))
            for day, value in self.facts.observations.get(key, {}).items():
                ordinal = day.toordinal()
                if start <= ordinal <= self.day:
                    known[ordinal] = value
            self._daily[key] = known
        return self._daily[key]

    def events(self, key: str) -> list[int]:
        """Days up to the day on which it happened."""
        sent = self.facts.observations.get(key, {}).items()
        days = [day.toordinal() for day, value in sent if value == 1]
        return [day for day in days if month_start(self.oldest) <= day <= self.day]

    # freshness

    def stock_rank(self, key: str, seen: int) -> int:
        """How fresh a stock is."""
        return rank(self.day, *stock_dues(self.metric(key), seen))

    def span(self, keys: list[str]) -> int:
        """Months of the period that these flows or gauges are read by: a quarter if one is quarterly."""
        return 3 if any(self.metric(key).cadence == "quarterly" for key in keys) else 1

    def period_rank(self, keys: list[str], month: int) -> int:
        """How fresh flows are that are read up to a month: as the stalest, each known up to its next gap."""
        span = self.span(keys)
        ends = [(key, self.known_to(key, month, span)) for key in keys]
        return max(rank(self.day, *period_dues(self.metric(key), end, span)) for key, end in ends)

    def known_to(self, key: str, month: int, span: int) -> int:
        """The last month of the period before the next one after this that is unknown."""
        while self.period(key, month + span, span) is not None:
            month += span
        return month

    def period(self, key: str, month: int, span: int) -> float | None:
        """A flow or gauge of a month, or of the quarter that a month ends."""
        return self.quarter(key, month // 3) if span == 3 else self.amount(key, month)

    def daily_rank(self, keys: list[str], last: int | None) -> int:
        """How fresh day-grain metrics are that are known up to a day: as the stalest."""
        if last is None:
            return GONE
        ends = [(key, self.known_day(key, last)) for key in keys]
        return max(rank(self.day, *daily_dues(self.metric(key), end)) for key, end in ends)

    def known_day(self, key: str, day: int) -> int:
        """The last day before the next one after this that is unknown."""
        while day + 1 in self.daily(key):
            day += 1
        return day


def _by_month(sent: dict[date, float], oldest: int, newest: int) -> dict[int, list[tuple[date, float]]]:
    months: dict[int, list[tuple[date, float]]] = {}
    for day, value in sent.items():
        month = day.year * 12 + day.month - 1
        if oldest <= month <= newest:
            months.setdefault(month, []).append((day, value))
    return months


def _keep_newest(sent: list[tuple[date, float]]) -> tuple[int, float]:
    day, value = max(sent)
    return day.toordinal(), value


KEEP: dict[str, Callable[[list[tuple[date, float]]], Any]] = {
    "flow": lambda sent: math.fsum(value for _, value in sent),
    "gauge": lambda sent: math.fsum(value for _, value in sent) / len(sent),
    "stock": _keep_newest,
}


# --- kinds: each says state, points and known share of one signal


def clamp(value: float, low: float = 0.0, high: float = 100.0) -> float:
    """The value, or the nearer end."""
    return max(low, min(high, value))


def scored(fresh: int, points: float, history: float = 1.0, flags: Iterable[str] = ()) -> Leaf:
    """A leaf with a number: OK, or STALE_GRACE that counts half."""
    state, share = (OK, 1.0) if fresh == FRESH else (STALE_GRACE, 0.5)
    return Leaf(state, points, share * history, frozenset(flags))


def step(steps: list[dict[str, float]], value: float) -> float:
    """Points of the first entry whose edge holds."""
    for entry in steps:
        if all(EDGES[name](value, edge) for name, edge in entry.items() if name != "points"):
            return entry["points"]
    raise AssertionError("the last entry of steps has no edge")


def between(value: float, good: float, poor: float) -> float:
    """100 at good, 0 at poor, straight between, in either direction."""
    return 100 * clamp((poor - value) / (poor - good), 0, 1)


def ratio(read: Reader, signal: dict[str, Any]) -> Leaf:
    """Share of what is there that is used."""
    keys = [signal["numerator"], signal["denominator"]]
    if any(read.metric(key).nature == "flow" for key in keys):
        return _ratio_of_months(read, signal, keys)
    seen = [read.newest(key) for key in keys]
    if seen[0] is None or seen[1] is None:
        return Leaf(MISSING)
    fresh = max(read.stock_rank(key, at[0]) for key, at in zip(keys, seen, strict=True) if at)
    if fresh == GONE:
        return Leaf(MISSING)
    return _share(signal, seen[0][1], seen[1][1], fresh)


def _share(signal: dict[str, Any], part: float, whole: float, fresh: int, flags: Iterable[str] = ()) -> Leaf:
    if part < 0 or whole < 0 or (whole == 0 and part > 0):
        return Leaf(INVALID)
    if whole == 0:
        return Leaf(NOT_APPLICABLE)
    if signal.get("inverse"):
        return scored(fresh, clamp(100 * (1 - part / whole)), 1, flags)
    raw = 100 * (part / whole) / signal.get("target", 1)
    return scored(fresh, clamp(raw), 1, [*flags, *(["OVER_100"] if raw > 100 else [])])


def _ratio_of_months(read: Reader, signal: dict[str, Any], keys: list[str]) -> Leaf:
    flows = [key for key in keys if read.metric(key).nature == "flow"]
    last = read.last_arrived(flows)
    seen = {key: read.newest(key) for key in keys if key not in flows}
    if last is None or None in seen.values():
        return Leaf(MISSING)
    ranks = [read.stock_rank(key, at[0]) for key, at in seen.items() if at]
    fresh = max(read.period_rank(flows, last), *ranks, FRESH)
    if fresh == GONE:
        return Leaf(MISSING)
    return _over_window(read, signal, keys, last, fresh)


def _over_window(read: Reader, signal: dict[str, Any], keys: list[str], last: int, fresh: int) -> Leaf:
    """The ratio over the window's months, or over its quarters if a flow is quarterly."""
    span = read.span([key for key in keys if not _stock(read, key)])
    last, first, started = last // span, (last - signal["months"] + 1) // span, read.facts.contract_started
    cut = started is not None and month_of(started) // span > first
    if cut and started:
        first = month_of(started) // span
    if first > last:
        return Leaf(INSUFFICIENT_HISTORY)
    pairs = _pairs(read, keys, range(first, last + 1), span)
    if 2 * len(pairs) < last - first + 1:
        return Leaf(MISSING)
    leaf = _of_pairs(read, signal, keys, pairs, fresh)
    young = cut and started is not None and read.day - started.toordinal() < 28
    return Leaf(INSUFFICIENT_HISTORY) if young and leaf.state != INVALID else leaf


def _of_pairs(
    read: Reader, signal: dict[str, Any], keys: list[str], pairs: list[list[list[float]]], fresh: int
) -> Leaf:
    parts, wholes = ([value for pair in pairs for value in pair[side]] for side in (0, 1))
    if any(value < 0 for value in [*parts, *wholes]):
        return Leaf(INVALID)
    part, whole = _side(read, keys[0], parts), _side(read, keys[1], wholes)
    changed = _stock(read, keys[1]) and len(set(wholes)) > 1
    return _share(signal, part, whole, fresh, ["DENOMINATOR_CHANGED"] if changed else [])


def _stock(read: Reader, key: str) -> bool:
    return read.metric(key).nature == "stock"


def _side(read: Reader, key: str, values: list[float]) -> float:
    return sum(values) / len(values) if _stock(read, key) else sum(values)


def _pairs(read: Reader, keys: list[str], periods: range, span: int) -> list[list[list[float]]]:
    """Both sides of the months or quarters in which both are known."""
    found = [[_in_period(read, key, period, span) for key in keys] for period in periods]
    return [pair for pair in found if all(pair)]


def _in_period(read: Reader, key: str, period: int, span: int) -> list[float]:
    """What is known of a month or quarter: one number of a flow, of a stock those of its months."""
    if _stock(read, key):
        values = [read.stock_in(key, month) for month in range(period * span, period * span + span)]
    else:
        values = [read.quarter(key, period) if span == 3 else read.amount(key, period)]
    return [at for at in values if at is not None]


class Series(NamedTuple):
    """A growth signal's numbers: of now, of the known base periods, the seats of each, and all as sent."""

    fresh: int
    now: float | None
    base: list[float]
    seats_now: float | None
    seats: list[float]
    sent: list[float]


def growth(read: Reader, signal: dict[str, Any]) -> Leaf:
    """50 = steady; twice the base or more = 100."""
    age = read.facts.age_days
    if age is not None and age <= 90:
        return Leaf(INSUFFICIENT_HISTORY)
    series = _quarters(read, signal) if signal["variant"] == "quarter" else _months(read, signal)
    if series is None or series.fresh == GONE or series.now is None:
        return Leaf(MISSING)
    if min(series.sent) < 0:
        return Leaf(INVALID)
    return _grown(signal, series)


def _grown(signal: dict[str, Any], series: Series) -> Leaf:
    full, least = {"avg12": (12, 3), "yoy": (1, 1), "quarter": (4, 1)}[signal["variant"]]
    known = len(series.base)
    if known < least or series.now is None:
        return Leaf(INSUFFICIENT_HISTORY)
    base = sum(series.base) / known
    flags = ["BASE_SHIFT"] if _shifted(signal, series) else []
    if base > 0:
        return scored(series.fresh, clamp(50 * series.now / base), known / full, flags)
    if known < full:
        return Leaf(INSUFFICIENT_HISTORY)
    if series.now == 0:
        return Leaf(NOT_APPLICABLE, flags=frozenset(["DORMANT"]))
    return scored(series.fresh, 100.0, 1, ["FROM_ZERO", *flags])


def _shifted(signal: dict[str, Any], series: Series) -> bool:
    if series.seats_now is None:
        return False
    seats = [Fraction(at) for at in series.seats]  # exact, so that noise cannot decide a tie
    mean = sum(seats, Fraction(0)) / len(seats)
    return abs(Fraction(series.seats_now) - mean) >= Fraction(str(signal.get("base_shift", 0.2))) * mean


def _months(read: Reader, signal: dict[str, Any]) -> Series | None:
    """The numbers of avg12 and yoy."""
    key, per = signal["metric"], signal.get("per")
    found = _newest_month(read, key, per)
    if found is None:
        return None
    month, fresh = found
    if per is not None:
        seen = read.newest(per)
        fresh = max(fresh, read.stock_rank(per, seen[0]) if seen else GONE)
    before = range(month - 12, month) if signal["variant"] == "avg12" else range(month - 12, month - 11)
    now = _per_seat(read, key, per, month)
    base = [at for at in (_per_seat(read, key, per, m) for m in before) if at is not None]
    seats = [at[1] for at in base if at[1] is not None]
    sent = [
        at for m in (month, *before) for at in (_number(read, key, m), _seats(read, per, m)) if at is not None
    ]
    return Series(fresh, now and now[0], [at[0] for at in base], now and now[1], seats, sent)


def _newest_month(read: Reader, key: str, per: str | None) -> tuple[int, int] | None:
    """Month and freshness of the newest number; a flow's month is known when its seats are known too."""
    if _stock(read, key):
        seen = read.newest(key)
        return (month_at(seen[0]), read.stock_rank(key, seen[0])) if seen else None
    for month in range(read.ended, read.oldest - 1, -1):
        if _per_seat(read, key, per, month) is not None:
            return month, rank(read.day, *period_dues(read.metric(key), month, 1))
    return None


def _number(read: Reader, key: str, month: int) -> float | None:
    if not _stock(read, key):
        return read.amount(key, month)
    kept: tuple[int, float] | None = read.packed(key).get(month)
    return kept[1] if kept and kept[0] <= read.day else None


def _seats(read: Reader, per: str | None, month: int) -> float | None:
    return None if per is None else read.stock_in(per, month)


def _per_seat(read: Reader, key: str, per: str | None, month: int) -> tuple[float, float | None] | None:
    """The number of a month, divided by its seats if asked for, and the seats; None if unknown."""
    number, seats = _number(read, key, month), _seats(read, per, month)
    if per is None or number is None:
        return None if number is None else (number, None)
    return (number / seats, seats) if seats else None


def _quarters(read: Reader, signal: dict[str, Any]) -> Series | None:
    """The numbers of the quarter variant."""
    key = signal["metric"]
    stock = _stock(read, key)
    value = _stock_of_quarter if stock else Reader.quarter
    for quarter in range((read.ended + 1) // 3 - 1, read.oldest // 3 - 1, -1):
        now = value(read, key, quarter)
        if now is not None:
            base = [value(read, key, q) for q in range(quarter - 4, quarter)]
            known = [at for at in base if at is not None]
            return Series(_quarter_rank(read, key, 3 * quarter + 2), now, known, None, [], [now, *known])
    return None


def _quarter_rank(read: Reader, key: str, month: int) -> int:
    fresh = rank(read.day, *period_dues(read.metric(key), month, 3))
    if not _stock(read, key):
        return fresh
    seen = read.newest(key)
    return max(fresh, read.stock_rank(key, seen[0])) if seen else GONE


def _stock_of_quarter(read: Reader, key: str, quarter: int) -> float | None:
    kept = [read.packed(key)[m] for m in range(3 * quarter, 3 * quarter + 3) if m in read.packed(key)]
    return max(kept)[1] if kept else None


def indicator(read: Reader, signal: dict[str, Any]) -> Leaf:
    """Whether, how often or how long ago something happened."""
    if read.metric(signal["metric"]).nature == "event":
        return _of_events(read, signal)
    return _of_newest(read, signal["metric"], lambda value: _held(signal, value))


def _held(signal: dict[str, Any], value: float) -> float:
    if signal["form"] == "ternary":
        return step(signal.get("steps", DEFAULT_STEPS["ternary"]), value)
    if "at_most" in signal:
        return 100.0 if value <= signal["at_most"] else 0.0
    return 100.0 if value >= signal.get("at_least", 1) else 0.0


def _window(signal: dict[str, Any]) -> int:
    """Days of the window: of recency its last edge."""
    if signal["form"] != "recency":
        return int(signal["days"])
    edged = [entry for entry in signal.get("steps", DEFAULT_STEPS["recency"]) if len(entry) > 1]
    return int(next(edge for name, edge in edged[-1].items() if name != "points"))


def _of_events(read: Reader, signal: dict[str, Any]) -> Leaf:
    key, days = signal["metric"], _window(signal)
    spans = read.spans(key)
    last = spans[-1][1] if spans else None
    fresh = GONE if last is None else rank(read.day, *event_dues(read.metric(key), last))
    end = read.day if fresh == GONE or last is None else last
    happened = [day for day in read.events(key) if day >= end - days]
    if happened:
        return scored(FRESH, _happened(signal, len(happened), max(0, end - max(happened))))
    if read.complete(key, end - days, end):
        return scored(fresh, _happened(signal, 0, math.inf))
    if _newer(read, key, end - days, end):
        return Leaf(INSUFFICIENT_HISTORY)
    if signal.get("absence_is_zero") and fresh != GONE:
        return scored(fresh, _happened(signal, 0, math.inf))
    return Leaf(MISSING)


def _newer(read: Reader, key: str, start: int, end: int) -> bool:
    """True if the source's first declared day lies in the window, and no gap after it.

    A declaration that only begins before the kept months is no new source: that is not known, but missing.
    """
    spans = read.spans(key)
    begun = min((first.toordinal() for first, _ in read.facts.declared.get(key, [])), default=start)
    return begun > start and len(spans) == 1 and spans[0][1] == end


def _happened(signal: dict[str, Any], count: int, since: float) -> float:
    """Points of so many events, the last so many days ago; of none, longer ago than any edge."""
    if signal["form"] == "binary":
        return 100.0 if count else 0.0
    steps = signal.get("steps", DEFAULT_STEPS[signal["form"]])
    return step(steps, count if signal["form"] == "ternary" else since)


def error(read: Reader, signal: dict[str, Any]) -> Leaf:
    """Share of the observed days that were clean, or the clean days since the last that was not."""
    days, least = signal.get("days", 30), signal.get("min_days", 20)
    keys = [signal["metric"], *([signal["per"]] if "rate" in signal else [])]
    known = [read.daily(key) for key in keys]
    both = known[0].keys() & known[-1].keys()
    observed = sorted(day for day in both if day > read.day - days)
    fresh = read.daily_rank(keys, max(both, default=None))
    if len(observed) < least or fresh == GONE:
        return Leaf(MISSING)
    if any(side[day] < 0 for side in known for day in observed):
        return Leaf(INVALID)
    allowed = {day: _allowed(signal, known[-1][day]) for day in observed}
    clean = [known[0][day] <= allowed[day] for day in observed]
    if signal.get("streak"):
        since = clean[::-1].index(False) if False in clean else len(clean)
        return scored(fresh, 100 * min(1, since / days))
    return scored(fresh, 100 * sum(clean) / len(clean))


def _allowed(signal: dict[str, Any], per: float) -> float:
    return float(signal["rate"] * per if "rate" in signal else signal.get("tolerance", 0))


def performance(read: Reader, signal: dict[str, Any]) -> Leaf:
    """The weighted mean of the last complete month, through a curve."""
    metric = read.metric(signal["metric"])
    keys = [metric.key, *([metric.companion] if metric.companion else [])]
    days = _weighed(read, metric)
    observed = [at for day, at in days.items() if month_start(read.ended) <= day <= month_end(read.ended)]
    fresh = read.daily_rank(keys, max(days, default=None))
    if fresh == GONE or len(observed) < signal.get("min_days", 10):
        return Leaf(MISSING)
    if any(weight < 0 or (mean is not None and mean < 0) for weight, mean in observed):
        return Leaf(INVALID)
    total = sum(weight for weight, _ in observed)
    if total == 0:
        return Leaf(NOT_APPLICABLE)
    average = sum(weight * mean for weight, mean in observed if mean is not None) / total
    return Leaf(INVALID) if average <= 0 else scored(fresh, _curve(signal, average))


def _weighed(read: Reader, metric: Metric) -> dict[int, tuple[float, float | None]]:
    """Weight and mean of every observed day; a day without traffic needs no mean."""
    means = read.daily(metric.key)
    if metric.companion is None:
        return {day: (1.0, mean) for day, mean in means.items()}
    weights = read.daily(metric.companion)
    return {day: (w, means.get(day)) for day, w in weights.items() if w == 0 or day in means}


def _curve(signal: dict[str, Any], average: float) -> float:
    if signal["curve"] == "steps":
        return step(signal["steps"], average)
    if signal["curve"] == "linear":
        return between(average, signal["good"], signal["poor"])
    spread = -math.log(signal["p10"] / signal["median"])
    return 100 * math.erfc(math.log(average / signal["median"]) * NINE_TENTHS / spread) / 2


def config(read: Reader, signal: dict[str, Any]) -> Leaf:
    """Settings that comply, weighted by risk."""
    used = [at for at in signal["settings"] if not at.get("preview") and RISK[at["risk"]]]
    if not used:
        return Leaf(NOT_APPLICABLE)
    total, passed, stalest = 0.0, 0.0, FRESH
    for setting in used:
        seen = read.newest(setting["metric"])
        fresh = read.stock_rank(setting["metric"], seen[0]) if seen else GONE
        if seen is None or fresh == GONE:
            continue
        if _negative(read, setting["metric"], seen[1]) or ("best" not in setting and not 0 <= seen[1] <= 1):
            return Leaf(INVALID)
        stalest = max(stalest, fresh)
        total += RISK[setting["risk"]]
        passed += RISK[setting["risk"]] * _compliance(setting, seen[1])
    return scored(stalest, 100 * passed / total) if total else Leaf(MISSING)


def _compliance(setting: dict[str, Any], value: float) -> float:
    if "best" not in setting:
        return value
    return clamp((value - setting["worst"]) / (setting["best"] - setting["worst"]), 0, 1)


def deduction(read: Reader, signal: dict[str, Any]) -> Leaf:
    """100 less the capped points of what went wrong."""
    entries = signal["deductions"]
    flows = [at["metric"] for at in entries if _is(read, at["metric"], "flow", "month")]
    last = read.last_arrived(flows) if flows else None
    counts = [_count(read, signal, at["metric"], flows, last) for at in entries]
    if None in counts:
        return Leaf(MISSING)
    known = [count for count in counts if count is not None]
    if max(fresh for fresh, _ in known) == GONE:
        return Leaf(MISSING)
    if any(value < 0 for _, values in known for value in values):
        return Leaf(INVALID)
    lost = sum(
        min(at.get("cap", 100), sum(values) * at.get("points", SEVERITY[at["severity"]]))
        for at, (_, values) in zip(entries, known, strict=True)
    )
    return scored(max(fresh for fresh, _ in known), max(0.0, 100 - lost))


def _is(read: Reader, key: str, nature: str, grain: str) -> bool:
    return (read.metric(key).nature, read.metric(key).grain) == (nature, grain)


def _count(
    read: Reader, signal: dict[str, Any], key: str, flows: list[str], last: int | None
) -> tuple[int, list[float]] | None:
    """Freshness and the numbers that add up to the count; None if unknown."""
    if key in flows:
        value = None if last is None else read.period(key, last, read.span(flows))
        return None if value is None or last is None else (read.period_rank(flows, last), [value])
    if _stock(read, key):
        seen = read.newest(key)
        return (read.stock_rank(key, seen[0]), [seen[1]]) if seen else None
    known = read.daily(key)
    values = [value for day, value in known.items() if day > read.day - signal.get("days", 30)]
    if len(values) < signal.get("min_days", 20):
        return None
    return read.daily_rank([key], max(known)), values


def steps(read: Reader, signal: dict[str, Any]) -> Leaf:
    """The newest number through steps."""
    return _of_newest(read, signal["metric"], lambda value: step(signal["steps"], value))


def linear(read: Reader, signal: dict[str, Any]) -> Leaf:
    """The newest number between good and poor."""
    return _of_newest(read, signal["metric"], lambda value: between(value, signal["good"], signal["poor"]))


def _of_newest(read: Reader, key: str, curve: Callable[[float], float]) -> Leaf:
    found = _newest_number(read, key)
    if found is None or found[0] == GONE:
        return Leaf(MISSING)
    if _negative(read, key, found[1]):
        return Leaf(INVALID)
    return scored(found[0], curve(found[1]))


def _negative(read: Reader, key: str, value: float) -> bool:
    """True below zero, unless the metric says that it may be."""
    return value < min(0, read.metric(key).minimum)


def _newest_number(read: Reader, key: str) -> tuple[int, float] | None:
    """Freshness and value of the newest stock, the last arrived month, or the last known day."""
    metric = read.metric(key)
    if metric.grain == "day":
        known = read.daily(key)
        last = max(known, default=None)
        return None if last is None else (read.daily_rank([key], last), known[last])
    if metric.nature == "stock":
        seen = read.newest(key)
        return (read.stock_rank(key, seen[0]), seen[1]) if seen else None
    month = read.last_arrived([key])
    value = None if month is None else read.period(key, month, read.span([key]))
    return None if month is None or value is None else (read.period_rank([key], month), value)


KINDS: dict[str, Callable[[Reader, dict[str, Any]], Leaf]] = {
    "ratio": ratio,
    "growth": growth,
    "indicator": indicator,
    "error": error,
    "performance": performance,
    "config": config,
    "deduction": deduction,
    "steps": steps,
    "linear": linear,
}


# --- the tree


def judge(card: Card, facts: Facts, *, exemptions: bool = True) -> dict[str, Answer]:
    """The answers of every node by its id: signals, subcategories, categories, overall."""
    read = Reader(card, facts)
    answers = {s["key"]: _signal(read, s, exemptions) for s in card.signals}
    top = []
    for category in card.text["category"]:
        middle = []
        for sub in category["subcategory"]:
            leaves = [(s.get("weight", 1), answers[s["key"]]) for s in card.of(category["key"], sub["key"])]
            answer = branch(card, facts, leaves, "subcategory")
            answers[f"{category['key']}/{sub['key']}"] = answer
            middle.append((sub.get("weight", 1), answer))
        answers[category["key"]] = branch(card, facts, middle, "category")
        top.append((category.get("weight", 1), answers[category["key"]]))
    answers["overall"] = branch(card, facts, top, "overall")
    return answers


def _signal(read: Reader, signal: dict[str, Any], exemptions: bool) -> Answer:
    """A signal's own answer; a preview has no part in coverage and bounds."""
    leaf = _leaf(read, signal, exemptions)
    if signal.get("preview"):
        return Answer(leaf.points, leaf.state, None, None, None, leaf.flags | {"PREVIEW"})
    if leaf.state in (NOT_APPLICABLE, EXEMPT, INSUFFICIENT_HISTORY):
        return Answer(None, leaf.state, None, None, None, leaf.flags)
    low = leaf.known * leaf.points if leaf.points is not None else 0.0
    return Answer(leaf.points, leaf.state, leaf.known, low, low + 100 * (1 - leaf.known), leaf.flags)


def _leaf(read: Reader, signal: dict[str, Any], exemptions: bool) -> Leaf:
    if "product" in signal and signal["product"] not in read.facts.owned:
        return Leaf(NOT_APPLICABLE)
    if exemptions and signal["key"] in read.facts.exempt:
        return Leaf(EXEMPT)
    return KINDS[signal["kind"]](read, signal)


FLOORS = {"subcategory": 0.5, "category": 0.5, "overall": 0.6}


def branch(card: Card, facts: Facts, children: Sequence[tuple[float, Answer]], level: str) -> Answer:
    """Mean of the children that have a number; coverage and bounds over all that are applicable."""
    rules = card.text["scorecard"]
    young = level == "overall" and facts.age_days is not None and facts.age_days <= 30
    counted = [(weight, child) for weight, child in children if child.coverage is not None]
    if not counted:
        return Answer(None, NOT_APPLICABLE, None, None, None)
    coverage = _mean([(weight, child.coverage) for weight, child in counted])
    bounds = _mean([(w, c.lower) for w, c in counted]), _mean([(w, c.upper) for w, c in counted])
    numbers = [(weight, child.points) for weight, child in counted if child.points is not None]
    least = rules.get("min_categories", 2) if level == "overall" else 1
    floor = rules.get(f"floor_{level}", FLOORS[level])
    if young:
        return Answer(None, SETTING_UP, coverage, *bounds)
    if len(numbers) < least or coverage + 1e-9 < floor:
        return Answer(None, INSUFFICIENT_DATA, coverage, *bounds)
    new = facts.age_days is not None and facts.age_days <= 90
    weak = coverage < rules.get("provisional_below", 0.8) - 1e-9
    return Answer(_mean(numbers), PROVISIONAL if new or weak else OK, coverage, *bounds)


def _mean(pairs: Sequence[tuple[float, float | None]]) -> float:
    return math.fsum(w * (v or 0.0) for w, v in pairs) / math.fsum(w for w, _ in pairs)
