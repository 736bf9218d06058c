"""What happened to some of the customers: exact figures, feeds that stopped, features turned on.

A story changes the numbers of one customer after they were drawn. Most are there to show one state.
"""

from collections.abc import Callable

import numpy as np

from portal.demo.days import Calendar
from portal.demo.shapes import Array
from portal.demo.telemetry import Numbers

Story = Callable[[Numbers, Calendar], None]


def exactly(now: int, mean: int, metric: str, *followers: str) -> Story:
    """The newest month brings `now`, the twelve before `mean` on average; followers keep their share."""

    def tell(numbers: Numbers, calendar: Calendar) -> None:
        days, values = numbers[metric]
        told = np.rint(values * 12 * mean / values[-13:-1].sum())
        told[-1] = now
        # The rounding of twelve months is at most 6: it goes to the oldest of them, one each.
        missing = int(12 * mean - told[-13:-1].sum())
        told[-13 : -13 + abs(missing)] += np.sign(missing)
        numbers[metric] = days, told
        for follower in followers:
            numbers[follower] = days, np.rint(numbers[follower][1] / values * told)

    return tell


def stopped(days_ago: int, *prefixes: str, keep: tuple[str, ...] = ()) -> Story:
    """Nothing came any more of these metrics since then; a month that was not over did not come either."""

    def tell(numbers: Numbers, calendar: Calendar) -> None:
        for metric, (days, values) in numbers.items():
            if metric.startswith(prefixes) and metric not in keep:
                came = days <= calendar.end - days_ago
                numbers[metric] = days[came], values[came]

    return tell


def late(days_ago: int, *metrics: str) -> Story:
    """The newest reading of these stocks is that old: the last two came as one, on that day."""

    def tell(numbers: Numbers, calendar: Calendar) -> None:
        for metric in metrics:
            days, values = numbers[metric]
            told = days.copy()
            told[-2] = calendar.end - days_ago
            numbers[metric] = told[:-1], values[:-1]

    return tell


def expansion(days_ago: int, added: int, purchased: int, before: float, after: float, now: float) -> Story:
    """Licenses were added at once: activation fell from `before` to `after`, and has come up to `now`."""

    def tell(numbers: Numbers, calendar: Calendar) -> None:
        days = numbers["sales.licenses_purchased"][0]
        ago = calendar.end - days
        bought = np.where(ago <= days_ago, purchased, purchased - added)
        share = np.where(
            ago <= days_ago, np.interp(ago, [0, days_ago], [now, after]), before - 0.006 * ago / 30
        )
        active = numbers["sales.users_active_7d"][1] / numbers["sales.licenses_activated"][1]
        activated = np.rint(bought * share)
        numbers["sales.licenses_purchased"] = days, bought * 1.0
        numbers["sales.licenses_activated"] = days, activated
        numbers["sales.users_active_7d"] = days, np.rint(activated * active)

    return tell


def happened(metric: str, *days_ago: int) -> Story:
    """It happened on these days and on no other."""

    def tell(numbers: Numbers, calendar: Calendar) -> None:
        days = calendar.end - np.array(sorted(days_ago, reverse=True), dtype=np.int64)
        numbers[metric] = days, np.ones(len(days))

    return tell


def since(days_ago: int, metric: str) -> Story:
    """It never happened before that day."""

    def tell(numbers: Numbers, calendar: Calendar) -> None:
        days, values = numbers[metric]
        is_later = days >= calendar.end - days_ago
        numbers[metric] = days[is_later], values[is_later]

    return tell


def set_to(value: float, *metrics: str, after: int = 10_000, until: int = -1) -> Story:
    """These metrics stand at one value, between so many days ago and so many days ago."""

    def tell(numbers: Numbers, calendar: Calendar) -> None:
        for metric in metrics:
            days, values = numbers[metric]
            ago = calendar.end - days
            numbers[metric] = days, np.where((ago <= after) & (ago > until), value, values)

    return tell


def share_of(whole: str, part: str, share: float, after: int) -> Story:
    """From so many days ago on, the part is this share of the whole."""

    def tell(numbers: Numbers, calendar: Calendar) -> None:
        days, values = numbers[part]
        is_later: Array = calendar.end - days <= after
        numbers[part] = days, np.where(is_later, np.rint(numbers[whole][1] * share), values)

    return tell


WORK_ORDERS = ("field.work_orders", "field.work_orders_closed", "field.work_orders_closed_on_mobile")
ONBOARDING: tuple[Story, ...] = (  # a new customer and its success manager keep busy
    happened("platform.success_review", 9),
    happened("platform.coaching_session", 3, 8),
    happened("platform.event_attended", 5),
    happened("platform.customization_review", 6),
    happened("platform.alert_route_tested", 4),
    happened("platform.threshold_review", 2),
)

STORIES: dict[str, tuple[Story, ...]] = {
    "Aldermoor Logistics": (
        exactly(693, 564, *WORK_ORDERS),
        expansion(89, added=300, purchased=1600, before=0.75, after=0.61, now=0.67),
        set_to(480, "service.licenses_purchased", after=300),
        share_of("service.licenses_purchased", "service.licenses_activated", 438 / 480, after=10),
        since(17, "service.swarm_held"),
        happened("platform.coaching_session", 96, 470),
        happened("platform.threshold_review", 38, 383, 560),
        stopped(39, "data.sources_active"),
    ),
    "Castellan Freight": (exactly(499, 564, *WORK_ORDERS),),
    "Aldermoor Sandbox EU": ONBOARDING,
    "Wexcombe Diagnostics": (
        *ONBOARDING,
        happened("platform.success_review", 12, 46),
        happened("platform.threshold_review", 20, 41),
    ),
    "Ostrava Components": (stopped(70, "data."),),
    "Vessbrook Paper": (
        late(
            11,
            *("sales.licenses_purchased", "sales.licenses_activated", "sales.users_active_7d"),
            *("sales.deals_open", "sales.deals_open_complete"),
        ),
    ),
    "Kestrelby Airports": (
        stopped(128, "sales.", "service."),
        stopped(118, "platform.", keep=("platform.success_review",)),
    ),
    "Delmar Ceramics": (set_to(0, "analytics.viewers_licensed", after=74),),
    "Pellaro Systems": (
        share_of("sales.licenses_purchased", "sales.licenses_activated", 1.06, after=60),
        share_of("sales.licenses_activated", "sales.users_active_7d", 0.83, after=60),
    ),
    "Corvane Retail": (
        set_to(0, "marketing.sends", "marketing.sends_from_journeys", until=152),
        set_to(0, "marketing.contacts_messaged_90d", until=152),
    ),
    "Marchetti & Figli": (set_to(0, *WORK_ORDERS), happened("field.optimization_run")),
    "Lumenbrook Schools": (  # a month in which all causes of a change act at once
        set_to(0, "analytics.viewers_licensed", "analytics.viewers_active_30d", until=19),  # bought then
        stopped(24, "service.licenses_"),
        set_to(9, "platform.unhandled_errors", after=14, until=5),
    ),
    "Tidewell Utilities": (
        set_to(14, "platform.unhandled_errors", after=16, until=9),
        set_to(23, "platform.limit_rejections", after=15, until=11),
    ),
}
