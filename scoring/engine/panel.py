"""The numbers of one night for some organizations, looked up by month, by day or by declared window.

Every function answers with the organizations in the last axis and NaN for unknown. Nothing is judged here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from scoring.engine.arrays import Array, Mask, Whole, added, at_row, newest_row
from scoring.engine.dates import month_end, month_number, month_start
from scoring.engine.errors import PanelInvalid
from scoring.engine.scorecard import Cadence, Metric, Nature

DAYS_A_MONTH = 31  # places kept for each month of day grain


@dataclass(frozen=True, eq=False)
class Declaration:
    """A span of days a source said to be complete; `who` None = every organization.

    One entry for each (first, last), with all its organizations in `who`, keeps a night fast.
    """

    first: date
    last: date
    who: Mask | None = None


@dataclass(frozen=True, eq=False)
class Panel:
    """The packed numbers as of a day, oldest month first; a metric without a slot was never observed.

    shapes  organizations, age_days, contract_started: (orgs,)
            slots: (orgs, months, width), the last month is that of `day`
            days: (orgs, day_months, 31 x daily), the last month is that of `day`
            owned: (orgs, products); exempt: (orgs, signals) in the order of Scorecard.signals
    units   slots: each metric's own; a stock is followed by the day of the month it is of, an event is the
            mask of its days (bit 0 = the 1st); contract_started: ordinal of a day
    source  RECIPES §2, SCORING §13
    """

    day: date
    organizations: Whole
    slots: Array
    month_slots: Mapping[str, int]
    days: Array
    day_slots: Mapping[str, int]
    products: tuple[str, ...]
    owned: Mask
    age_days: Array
    contract_started: Array
    declared: Mapping[str, tuple[Declaration, ...]] = field(default_factory=dict)
    exempt: Mask | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other: a row too many is somebody else's score."""
        arrays = (self.slots, self.days, self.owned, self.age_days, self.contract_started, self.exempt)
        if any(array is not None and len(array) != self.size for array in arrays):
            raise PanelInvalid(f"every array must hold the same {self.size} organizations")
        if self.owned.shape[1:] != (len(self.products),):
            raise PanelInvalid(f"owned is {self.owned.shape}, but there are {len(self.products)} products")

    @cached_property
    def size(self) -> int:
        return len(self.organizations)

    @cached_property
    def today(self) -> int:
        return self.day.toordinal()

    @cached_property
    def months(self) -> Whole:
        """The month numbers of `slots`, oldest first."""
        last = month_number(self.day)
        return np.arange(last - self.slots.shape[1] + 1, last + 1)

    @cached_property
    def month_starts(self) -> Array:
        return month_start(self.months)

    @cached_property
    def month_ends(self) -> Array:
        return month_end(self.months)

    @cached_property
    def first_day(self) -> int:
        """The first day of `days`."""
        return int(month_start(self.months[-1:] + 1 - self.days.shape[1])[0])

    def newest_ended(self, step: int) -> int:
        """The last month of the newest period of `step` months that ended on or before the day."""
        newest = month_number(self.day) - (int(self.month_ends[-1]) > self.today)
        return newest - (newest + 1) % step

    def ended(self, step: int) -> Whole:
        """The last months of all such periods that lie in the panel, oldest first."""
        newest = self.newest_ended(step)
        count = max(0, (newest - int(self.months[0]) + 1) // step)
        return np.arange(newest - step * (count - 1), newest + 1, step)


def month_slot(panel: Panel, metric: Metric, neighbor: int = 0) -> Array:
    """A slot as packed, shapes (months, orgs)."""
    slot = panel.month_slots.get(metric.key)
    if slot is None or slot + neighbor >= panel.slots.shape[2]:
        return np.full((len(panel.months), panel.size), np.nan)
    return np.ascontiguousarray(panel.slots[:, :, slot + neighbor].T)


def period_values(panel: Panel, metric: Metric, step: int) -> Array:
    """A flow or month-grain gauge by ended period, shapes (periods, orgs) as Panel.ended.

    A flow sums, a gauge averages. What is quarterly is known from any month of its quarter, else all months
    must be known. A flow is 0 where nothing was observed in a period declared complete.
    """
    ended = panel.ended(step)
    stop = int(ended[-1] - panel.months[0]) + 1 if len(ended) else 0
    rows = slice(stop - step * len(ended), stop)
    shape = (len(ended), step, panel.size)
    values = month_slot(panel, metric)[rows].reshape(shape)
    declared = np.zeros(shape, np.bool_)
    if metric.nature == Nature.FLOW and panel.declared.get(metric.key):
        complete = declared_months(panel, metric)[rows]
        declared = complete.reshape(len(ended), step, complete.shape[1])
    observed = ~np.isnan(values)
    if metric.cadence == Cadence.QUARTERLY:
        known = observed.any(axis=1) | declared.all(axis=1)
    else:
        known = (observed | declared).all(axis=1)
    total = added(values.swapaxes(0, 1))
    if metric.nature == Nature.GAUGE:
        total /= np.maximum(observed.sum(axis=1), 1)
    return np.where(known, total, np.nan)


def stock_values(panel: Panel, metric: Metric) -> tuple[Array, Array]:
    """A stock and the day it is of, by month, up to the panel's day; both (months, orgs)."""
    values = month_slot(panel, metric)
    days = month_slot(panel, metric, 1) + (panel.month_starts[:, None] - 1)
    known = ~np.isnan(values) & (days <= panel.today)
    return np.where(known, values, np.nan), np.where(known, days, np.nan)


def newest_stock(panel: Panel, metric: Metric) -> tuple[Array, Array]:
    """A stock's newest value on or before the panel's day and the day it is of, both (orgs,)."""
    values, days = stock_values(panel, metric)
    row = newest_row(~np.isnan(days))
    return at_row(values, row), at_row(days, row)


def carried_stock(panel: Panel, metric: Metric, months: Whole, reach: int) -> Array:
    """A stock as of the ends of months: the value of that month, else an earlier one up to `reach` days old.

    shapes  months: any, month numbers within the panel; returns the same with (orgs,) as last axis
    """
    values, days = stock_values(panel, metric)
    carried = np.empty_like(values)
    value, day = np.full(panel.size, np.nan), np.full(panel.size, np.nan)
    for row, start in enumerate(panel.month_starts):
        value, day = np.where(np.isnan(days[row]), (value, day), (values[row], days[row]))
        end = min(panel.month_ends[row], panel.today)
        carried[row] = np.where((day >= start) | (end <= day + reach), value, np.nan)
    return np.asarray(carried[months - panel.months[0]], np.float64)


def event_days(panel: Panel, metric: Metric) -> Whole:
    """The days of an event as bits by month, up to the panel's day; (months, orgs), bit 0 = the 1st."""
    masks = np.nan_to_num(month_slot(panel, metric)).astype(np.int64)
    masks[-1] &= (1 << panel.day.day) - 1
    return masks


def newest_event(panel: Panel, masks: Whole) -> Array:
    """The ordinal of the newest day in the bits of event_days, (orgs,)."""
    newest = np.full(masks.shape[1], np.nan)
    for start, mask in zip(panel.month_starts, masks, strict=True):
        newest = np.where(mask > 0, start + np.frexp(mask.astype(np.float64))[1] - 1, newest)
    return newest


def count_events(panel: Panel, masks: Whole, first: Array) -> Array:
    """How many days in the bits of event_days are on or after each first day, (orgs,)."""
    count = np.zeros(masks.shape[1])
    for start, mask in zip(panel.month_starts, masks, strict=True):
        before = np.clip(first - start, 0, DAYS_A_MONTH).astype(np.int64)
        count += np.bitwise_count(mask >> before)
    return count


def day_values(panel: Panel, metric: Metric, first: int, last: int) -> Array:
    """A metric of day grain from a first to a last day, (days, orgs); flows 0 where declared complete."""
    values = np.full((last - first + 1, panel.size), np.nan)
    slot = panel.day_slots.get(metric.key)
    if slot is not None:
        for row in range(len(values)):
            day = panel.day - timedelta(panel.today - first - row)
            month = panel.days.shape[1] - 1 - (month_number(panel.day) - month_number(day))
            place = DAYS_A_MONTH * slot + day.day - 1
            if month >= 0 and place < panel.days.shape[2]:
                values[row] = panel.days[:, month, place]
    if metric.nature == Nature.FLOW:
        for start, stop, who in _windows(panel, metric):
            rows = values[max(start - first, 0) : max(stop - first + 1, 0)]
            rows[np.isnan(rows) & who] = 0.0
    return values


def declared_months(panel: Panel, metric: Metric) -> Mask:
    """Whether all days of a month were declared complete; (months, orgs), or (months, 1) for everyone."""
    lengths = panel.month_ends - panel.month_starts + 1
    shape = (1,) if _is_for_everyone(panel, metric) else (panel.size,)
    days = np.zeros((len(lengths), *shape))
    covered = np.full(shape, panel.month_starts[0] - 1)  # the last day counted so far
    for first, last, who in _windows(panel, metric):
        start = np.maximum(first, covered + 1)
        for row in np.flatnonzero((panel.month_ends >= first) & (panel.month_starts <= last)):
            begin, end = np.maximum(start, panel.month_starts[row]), min(last, panel.month_ends[row])
            days[row] += np.where(who, np.maximum(end - begin + 1, 0), 0)
        covered = np.where(who, np.maximum(covered, last), covered)
    return np.asarray(days == lengths[:, None], np.bool_)


def declared_run(panel: Panel, metric: Metric) -> tuple[Array, Array, Array]:
    """The first declared day; the first and last of the newest run without a gap, all (orgs,)."""
    earliest, start, end = (np.full(panel.size, np.nan) for _ in range(3))
    for first, last, who in _windows(panel, metric):
        earliest = np.where(who & np.isnan(earliest), first, earliest)
        start = np.where(who & ~(end >= first - 1), first, start)
        end = np.where(who, np.fmax(end, last), end)
    return earliest, start, end


def _windows(panel: Panel, metric: Metric) -> Iterator[tuple[int, int, Mask]]:
    """Declaration windows in the order they begin, as ordinals up to the panel's day."""
    for window in sorted(panel.declared.get(metric.key, ()), key=lambda window: window.first):
        if window.first <= panel.day and window.first <= window.last:
            who = np.ones(1, np.bool_) if window.who is None else window.who
            yield window.first.toordinal(), min(window.last, panel.day).toordinal(), who


def _is_for_everyone(panel: Panel, metric: Metric) -> bool:
    return all(window.who is None for window in panel.declared.get(metric.key, ()))
