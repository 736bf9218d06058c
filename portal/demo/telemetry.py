"""The measurements of one customer: 27 months of monthly numbers and 14 of daily ones, smooth and repeatable.

Everything is drawn from streams that belong to a customer and a name, so one customer's numbers never move
another's, and counted back from the day before the demo begins, so that the demo is as fresh as the day.
"""

import zlib
from collections.abc import Callable
from typing import cast

import numpy as np

from portal.demo import practices
from portal.demo.customers import LEVELS, Customer
from portal.demo.days import MONTHS, Calendar
from portal.demo.shapes import (
    FLOWS,
    NEARLY,
    PARTS,
    STOCKS,
    WEIGHT,
    Array,
    of_level,
    office_week,
    time_for,
    wave,
)
from scoring.engine import Cadence, Grain, Metric, Nature, Scorecard, Signal
from scoring.engine.options import PerformanceOptions, RatioOptions

SEED = 564
SPREAD = 8  # points, standard deviation of a signal around its category's level
ON_OR_OFF = 15  # the same of a signal that knows few steps: practices differ more than shares
MONTH = 365.2425 / 12  # days
GRID = (MONTHS + 1) * 31  # days back that noise is drawn for, so that another day draws the same

Series = tuple[Array, Array]  # ordinals of days, ascending, and the values
Numbers = dict[str, Series]  # metric: its series


def stream(*names: str) -> np.random.Generator:
    """Random numbers that belong to these names alone."""
    return np.random.default_rng([SEED, *(zlib.crc32(name.encode()) for name in names)])


class Telemetry:
    """Draws the numbers of one customer; the stories in portal.demo.stories change them afterwards."""

    def __init__(self, customer: Customer, card: Scorecard, calendar: Calendar) -> None:
        self.customer, self.card, self.calendar = customer, card, calendar
        self.signals: dict[str, Signal] = {}
        for signal in reversed(card.signals):
            self.signals |= dict.fromkeys(signal.metrics, signal)
        # A part belongs to the signal that divides by its whole, whichever comes first in the file.
        for signal in card.signals:
            if isinstance(signal.options, RatioOptions):
                self.signals[signal.options.numerator] = signal
        self.start = calendar.end - customer.connected + 1 if customer.connected else 0

    def numbers(self) -> Numbers:
        """Every metric of the products that the customer owns."""
        owned = [metric for metric in self.card.metrics if metric.product in self.customer.products]
        return {metric.key: self.series(metric) for metric in owned}

    def series(self, metric: Metric) -> Series:
        if metric.nature == Nature.EVENT:
            days = self._since(
                practices.days(metric.key, self.level(metric.key), self._stream(metric.key), self.calendar)
            )
            return days, np.ones(len(days))
        days = self._since(self._days(metric))
        return days, self.values(metric.key, days)

    def _days(self, metric: Metric) -> Array:
        if metric.grain == Grain.DAY:
            return self.calendar.days
        if metric.nature == Nature.STOCK and metric.cadence == Cadence.WEEKLY:
            return self.calendar.readings
        closes = self.calendar.closes
        # Who is new has its first inventory taken on the second day, not at the month's end.
        return np.append(closes, self.start + 1) if self.start and metric.nature == Nature.STOCK else closes

    def _since(self, days: Array) -> Array:
        return np.unique(days[days >= self.start])

    # ---------- where a signal stands ----------

    def level(self, metric: str) -> float:
        """Where the signal of this metric stands on the last day, 0 to 100."""
        signal = self.signals[metric]
        if signal.key in self.customer.pins:
            return self.customer.pins[signal.key]
        usual = dict(zip(LEVELS, self.customer.levels, strict=True))[signal.category]
        # Settings stand apart from each other; the parts of other signals do not.
        name = metric if metric.startswith("platform.setting_") else signal.key
        spread = ON_OR_OFF if signal.kind in ("indicator", "config") else SPREAD
        return float(np.clip(usual + self._stream("level", name).normal(0, spread), 6, 98))

    def path(self, metric: str, days: Array) -> Array:
        """Where the signal of this metric stood on these days: a slow drift with a gentle wiggle."""
        back, wiggle = np.arange(MONTHS + 4), [0.0]
        for step in self._stream("path", metric).normal(0, 1.3, len(back) - 1).tolist():
            wiggle.append(0.85 * wiggle[-1] + step)
        points = np.clip(self.level(metric) - self.customer.drift * back / 12 + np.array(wiggle), 4, 99)
        return np.interp(days, self.calendar.end - MONTH * back[::-1], points[::-1])

    # ---------- numbers ----------

    def values(self, key: str, days: Array) -> Array:
        """The metric's values on these days."""
        signal = self.signals[key]
        if key in PARTS:
            share = self.path(key, days) / 100
            if isinstance(signal.options, RatioOptions) and signal.options.inverse:
                share = 1 - share
            return np.rint(self.values(PARTS[key], days) * share)
        if key in STOCKS:
            return self._stock(key, days)
        if key in NEARLY:
            whole, times = NEARLY[key]
            return np.rint(self.values(whole, days) * times * self._noise(key, days, 0.01))
        if key in FLOWS:
            return self._flow(key, days)
        return MADE.get(key, Telemetry._other)(self, key, days)

    def seats(self, key: str) -> float:
        """Licensed seats of the metric's product; all seats for the products that are not sold by seat."""
        product = key.partition(".")[0]
        if product not in WEIGHT:
            return self.customer.seats
        all_of_them = sum(WEIGHT.get(name, 0) for name in self.customer.products)
        return self.customer.seats * WEIGHT[product] / all_of_them

    def _stock(self, key: str, days: Array) -> Array:
        """A stock that is bought in steps: two or three of them over the time of the demo."""
        size, draw = STOCKS[key], self._stream(key)
        now = min(max(size.a_seat * self.seats(key), size.least), size.most)
        bought = self.calendar.end - draw.integers(110, 800, 3)
        grown = 1 + np.clip(draw.normal(self.customer.growth / 100, 0.03, 3), -0.12, 0.18)
        before = np.prod(np.where(days[:, None] < bought, grown, 1), axis=1)
        return np.maximum(np.rint(now / before / size.round_to), 1) * size.round_to

    def _flow(self, key: str, days: Array) -> Array:
        """A volume that grows by a steady share a year, with its season and a little noise."""
        volume, draw = FLOWS[key], self._stream(key)
        grown = 1 + np.clip(self.customer.growth + draw.normal(0, 5), -30, 60) / 100
        years = (days - self.calendar.end) / 365.2425
        now = max(volume.a_seat * self.seats(key), volume.least) * draw.uniform(0.8, 1.25)
        return np.rint(
            now * grown**years * wave(days, volume.season, volume.peak) * self._noise(key, days, 0.03)
        )

    def _badges(self, key: str, days: Array) -> Array:
        """A twelfth of the target a month, as far as people come."""
        users = self.values("platform.users", days)
        return np.rint(users * 2 / 12 * self.path(key, days) / 100 * self._noise(key, days, 0.12))

    def _failures(self, key: str, days: Array) -> Array:
        """How many on each day; none on the clean ones."""
        draw, at = self._stream(key), self.calendar.end - days
        is_bad, size = draw.random(GRID), 1 + draw.poisson(2.5, GRID)
        return np.where(is_bad[at] * 100 > self.path(key, days), size[at], 0)

    def _rate(self, key: str, days: Array) -> Array:
        """Failed callouts: a few in a thousand, beyond one in a hundred on bad days."""
        draw, at = self._stream("rate", key), self.calendar.end - days
        usual, bad = np.clip(draw.lognormal(-5.8, 0.35, GRID), 0, 0.0095), draw.uniform(0.011, 0.03, GRID)
        return np.round(np.where(self._failures(key, days) > 0, bad[at], usual[at]), 4)

    def _time(self, key: str, days: Array) -> Array:
        """Daily means that average to where the signal stands."""
        options = cast(PerformanceOptions, self.signals[key].options)
        mean = time_for(self.path(key, days), options) * self._noise(key, days, 0.05)
        return np.round(mean, 3) if options.high < 10 else np.rint(mean)  # a share, or milliseconds

    def _requests(self, key: str, days: Array) -> Array:
        return np.rint(self._flow(key, days) * office_week(days, 0.15 if "page" in key else 0.4))

    def _batches(self, key: str, days: Array) -> Array:
        return np.rint(48 * self._noise(key, days, 0.05))

    def _other(self, key: str, days: Array) -> Array:
        return of_level(key, self.path(key, days), self.values("platform.users", days))

    def _noise(self, key: str, days: Array, height: float) -> Array:
        """A factor around 1 for each day, the same whichever days are asked for."""
        grid = np.exp(self._stream("noise", key).normal(0, height, GRID))
        return grid[self.calendar.end - days]

    def _stream(self, *names: str) -> np.random.Generator:
        return stream(self.customer.slug, *names)


MADE: dict[str, Callable[[Telemetry, str, Array], Array]] = {
    "platform.badges_earned": Telemetry._badges,
    "platform.unhandled_errors": Telemetry._failures,
    "platform.limit_rejections": Telemetry._failures,
    "commerce.checkout_failure_bursts": Telemetry._failures,
    "service.callout_failure_rate": Telemetry._rate,
    "platform.page_time": Telemetry._time,
    "platform.api_time": Telemetry._time,
    "data.batch_window_used": Telemetry._time,
    "platform.page_requests": Telemetry._requests,
    "platform.api_requests": Telemetry._requests,
    "data.batches": Telemetry._batches,
}
