"""On which days something happened: reviews held, features used, tests made."""

from dataclasses import dataclass

import numpy as np

from portal.demo.days import Calendar
from portal.demo.shapes import Array


@dataclass(frozen=True)
class Habit:
    """From this level on it happens about every so many days, and the last time so many days ago."""

    level: float
    gap: int
    last: tuple[int, int]  # days ago, at the earliest and at the latest


NEVER = 10_000
USED = (Habit(58, 9, (1, 7)), Habit(0, 11, (70, 420)))  # a feature in daily work, or given up
PER_YEAR = (Habit(74, 120, (10, 70)), Habit(40, 345, (60, 190)), Habit(0, NEVER, (380, 800)))

HABITS: dict[str, tuple[Habit, ...]] = {
    "sales.forecast_submitted": USED,
    "service.swarm_held": USED,
    "data.identity_ruleset_run": USED,
    "field.optimization_run": (Habit(58, 5, (0, 4)), Habit(0, 6, (40, 300))),
    "analytics.dashboard_edited": (Habit(68, 10, (1, 9)), Habit(42, 75, (35, 80)), Habit(0, 170, (100, 200))),
    "platform.coaching_session": PER_YEAR,
    "platform.threshold_review": PER_YEAR,
    "platform.success_review": (
        Habit(66, 95, (8, 85)),
        Habit(40, 200, (130, 225)),
        Habit(0, 420, (250, 420)),
    ),
    "platform.event_attended": (Habit(46, 58, (4, 50)), Habit(0, 330, (190, 320))),
    "platform.customization_review": (
        Habit(68, 155, (12, 140)),
        Habit(42, 310, (190, 350)),
        Habit(0, NEVER, (380, 700)),
    ),
    "platform.alert_route_tested": (Habit(64, 42, (3, 38)), Habit(0, 300, (100, 280))),
    "platform.release_rehearsed": (Habit(66, 80, (5, 70)), Habit(0, 300, (130, 280))),
    "platform.restore_tested": (Habit(70, 120, (8, 110)), Habit(0, 400, (190, 390))),
}


def days(metric: str, level: float, draw: np.random.Generator, calendar: Calendar) -> Array:
    """Ordinals of the days on which it happened, as often as the level says."""
    habit = next(one for one in HABITS[metric] if level >= one.level)
    since = calendar.first
    if habit is HABITS[metric][0] and draw.random() < 0.4:
        since = calendar.end - int(draw.integers(100, 700))  # taken up on the way
    at = calendar.end - int(draw.integers(habit.last[0], habit.last[1] + 1))
    found = []
    while at >= since:
        found.append(at)
        # At most 4 % early: what is meant to happen once in a year happens once.
        at -= max(1, round(habit.gap * draw.uniform(0.96, 1.2)))
    return np.array(found[::-1], dtype=np.int64)
