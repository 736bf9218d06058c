"""Seeded random organizations that reach every rule of scoring, as raw facts and as a packed Panel.

The card is written to cover every kind and option, not to make sense to a customer.
"""

import random
import tomllib
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.scoring.engine.oracle import Card, Facts, Metric, month_of, prepare

if TYPE_CHECKING:
    from scoring.engine import Panel

# key, nature, grain, cadence, and what else the metric says
METRICS = """
stock.bought stock month weekly
stock.used stock month weekly
stock.seats stock month monthly
stock.people stock month quarterly lag=10
stock.open stock month daily
stock.people_done stock month monthly lag=3
stock.old_parts stock month weekly
stock.settings stock month weekly
stock.share stock month monthly
stock.level stock month weekly
stock.strict stock month quarterly
flow.orders flow month monthly
flow.orders_done flow month monthly lag=4
flow.granted flow month monthly
flow.spent flow month monthly
flow.tickets flow month weekly
flow.visits flow month daily lag=2
flow.quarterly flow month quarterly
flow.quarterly_part flow month quarterly
flow.calm flow month monthly
gauge.happy gauge month monthly
gauge.mood gauge month monthly minimum=-100
gauge.quarterly gauge month quarterly
flow.late flow month monthly lag=60
flow.rough flow month monthly
stock.rough stock month weekly
event.review event event monthly
event.session event event weekly
event.login event event daily lag=2
event.audit event event quarterly
event.course event event monthly lag=0
day.errors flow day daily
day.refused flow day daily lag=2
day.calls flow day daily
day.requests flow day daily lag=3
day.latency gauge day daily companion="day.requests"
day.batch gauge day daily
day.rate gauge day daily
day.unknown flow day daily
stock.unknown stock month weekly
"""

# subcategory key, weight; then its signals: key, product or -, weight, kind and its options
TREE = """
= adoption 50
== breadth 1
bought sales 1 kind="ratio" numerator="stock.used" denominator="stock.bought"
people - 2 kind="ratio" numerator="stock.people_done" denominator="stock.people" inverse=true
per_person service 1 kind="ratio" numerator="flow.spent" denominator="stock.people" months=12 target=2
spent data 0.5 kind="ratio" numerator="flow.spent" denominator="flow.granted" months=12
free data 1 kind="ratio" numerator="flow.spent" denominator="flow.granted" months=3 inverse=true
== depth 1
done sales 1 kind="ratio" numerator="flow.orders_done" denominator="flow.orders" months=1
two_lags service 0.5 kind="ratio" numerator="flow.visits" denominator="flow.orders" months=3
doubled service 1 kind="ratio" numerator="stock.used" denominator="stock.open" target=1.5
over_seats - 1 kind="ratio" numerator="flow.visits" denominator="stock.seats" months=3
stock_over_flow - 0.25 kind="ratio" numerator="stock.seats" denominator="flow.tickets" months=3 inverse=true
quarter_mixed sales 1 kind="ratio" numerator="flow.orders" denominator="flow.quarterly" months=3
quarters data 1 kind="ratio" numerator="flow.quarterly_part" denominator="flow.quarterly" months=12
quarter_share - 1 kind="ratio" numerator="flow.quarterly" denominator="stock.seats" months=12
stock_quarter service 1 kind="ratio" numerator="stock.people" denominator="flow.quarterly" months=6 target=0.5
long_lag - 1 kind="ratio" numerator="flow.late" denominator="flow.orders" months=3
never - 0.1 kind="ratio" numerator="stock.unknown" denominator="stock.seats"
== momentum 0.5
orders sales 1 kind="growth" metric="flow.orders" variant="avg12"
tickets service 1 kind="growth" metric="flow.tickets" variant="yoy"
stock_year - 1 kind="growth" metric="stock.seats" variant="yoy"
stock_mean data 1 kind="growth" metric="stock.bought" variant="avg12"
seat_mean sales 1 kind="growth" metric="flow.visits" variant="avg12" per="stock.people"
seat_year service 1 kind="growth" metric="flow.calm" variant="yoy" per="stock.seats" base_shift=0.1
calm - 1 kind="growth" metric="flow.calm" variant="avg12"
?quarter_flow sales 1 kind="growth" metric="flow.quarterly" variant="quarter"
?quarter_months service 1 kind="growth" metric="flow.orders" variant="quarter"
?quarter_stock - 1 kind="growth" metric="stock.strict" variant="quarter"
?quarter_week data 1 kind="growth" metric="stock.bought" variant="quarter"
stock_per - 1 kind="growth" metric="stock.bought" variant="yoy" per="stock.people"
rough_mean - 1 kind="growth" metric="flow.rough" variant="avg12" per="stock.rough"
rough_stock - 1 kind="growth" metric="stock.bought" variant="avg12" per="stock.rough"
= expertise 20
== learning 2
review - 1 kind="indicator" form="binary" metric="event.review" days=30
review_year sales 1 kind="indicator" form="ternary" metric="event.review" days=365
session service 1 kind="indicator" form="ternary" metric="event.session" days=60 steps=[\
{more_than=3,points=100},{at_least=1,points=40},{points=15}]
login - 1 kind="indicator" form="binary" metric="event.login" days=14 absence_is_zero=true
audit data 1 kind="indicator" form="binary" metric="event.audit" days=365
course - 1 kind="indicator" form="ternary" metric="event.course" days=180 absence_is_zero=true steps=[\
{at_least=1,points=30},{points=80}]
== practice 1
review_recency - 1 kind="indicator" form="recency" metric="event.review"
session_recency sales 1 kind="indicator" form="recency" metric="event.session" steps=[\
{less_than=31,points=100},{at_most=120,points=55},{points=5}]
audit_recency service 1 kind="indicator" form="recency" metric="event.audit" absence_is_zero=true
trained - 1 kind="indicator" form="ternary" metric="stock.people_done"
parts data 1 kind="indicator" form="binary" metric="stock.old_parts" at_most=0
open - 1 kind="indicator" form="binary" metric="stock.open" at_least=40
any_seat sales 1 kind="indicator" form="binary" metric="stock.seats"
levels - 1 kind="indicator" form="ternary" metric="stock.level" steps=[{at_least=3,points=100},\
{at_least=1,points=50},{points=0}]
soon - 1 preview=true kind="indicator" form="binary" metric="event.login" days=90
= health 30
== errors 1
clean - 1 kind="error" metric="day.errors"
tolerant sales 1 kind="error" metric="day.refused" tolerance=2 days=14 min_days=7
rated service 1 kind="error" metric="day.errors" rate=0.01 per="day.calls"
rated_apart - 1 kind="error" metric="day.refused" rate=0.02 per="day.calls" min_days=12
streak data 1 kind="error" metric="day.errors" streak=true min_days=10
gauged - 1 kind="error" metric="day.rate" tolerance=0.5
soon_clean - 1 preview=true kind="error" metric="day.refused"
== speed 1
page - 1 kind="performance" metric="day.latency" curve="lognormal" p10=1500 median=3000
page_linear sales 1 kind="performance" metric="day.latency" curve="linear" good=500 poor=4000 min_days=3
batch service 1 kind="performance" metric="day.batch" curve="steps" steps=[{less_than=40,points=100},\
{at_most=60,points=50},{points=5}]
faster data 1 kind="performance" metric="day.batch" curve="linear" good=90 poor=10
== upkeep 1.5
settings - 1 kind="config" settings=[{metric="stock.share",risk="high"},\
{metric="stock.settings",risk="medium",worst=0,best=8},{metric="stock.old_parts",risk="low",worst=5,best=0},\
{metric="stock.level",risk="high",worst=0,best=4,preview=true},{metric="stock.open",risk="informational",worst=0,best=9}]
share sales 1 kind="config" settings=[{metric="stock.share",risk="low"}]
advice - 1 kind="config" settings=[{metric="stock.settings",risk="informational",worst=0,best=8}]
deducted service 1 kind="deduction" deductions=[\
{metric="day.refused",severity="critical",points=3,cap=45},{metric="stock.level",severity="low"},{metric="flow.calm",severity="medium",cap=70}]
deducted_days - 1 kind="deduction" days=10 min_days=4 deductions=[\
{metric="day.errors",severity="high",cap=70}]
deducted_months data 1 kind="deduction" deductions=[\
{metric="flow.orders",severity="low"},{metric="flow.orders_done",severity="low",points=0.5}]
deducted_quarter - 1 kind="deduction" deductions=[\
{metric="flow.quarterly",severity="low",points=0.2},{metric="flow.calm",severity="low",points=1}]
== mood 1
level - 1 kind="steps" metric="stock.level" steps=[{less_than=1,points=10},{at_most=3,points=60},{points=90}]
happy - 1 kind="steps" metric="gauge.happy" steps=[{more_than=4,points=100},{at_least=3,points=50},{points=0}]
orders_step sales 1 kind="steps" metric="flow.orders" steps=[{at_least=50,points=80},{points=20}]
errors_step - 1 kind="steps" metric="day.errors" steps=[{at_least=1,points=0},{points=100}]
rate_line service 1 kind="linear" metric="day.rate" good=0 poor=3
mood - 1 kind="linear" metric="gauge.mood" good=60 poor=-40
quarterly_line data 1 kind="linear" metric="gauge.quarterly" good=5 poor=0
quarterly_step - 1 kind="steps" metric="flow.quarterly" steps=[{at_least=60,points=100},{points=30}]
strict - 1 kind="linear" metric="stock.strict" good=10 poor=150
"""

PRODUCTS = ("sales", "service", "data")
UNKNOWN = ("day.unknown", "stock.unknown")  # declared in the card, without a slot in the panel
ROUGH = ("flow.rough", "stock.rough")  # often nothing and seldom below it, month by month
LEVELS = {
    "stock.settings": 10,
    "stock.level": 5,
    "stock.old_parts": 4,
    "stock.people_done": 3,
    "flow.calm": 6,
    "gauge.happy": 5,
    "gauge.quarterly": 6,
}


def card_text(*, quarters: bool, floors: str = "") -> str:
    """The card as a TOML file, with or without growth over quarters."""
    head = (
        f'[scorecard]\nkey = "random"\nname = "Random"\naudience = "internal"\nbands = "standard"\n{floors}\n'
    )
    products = "".join(f'[[product]]\nkey = "{key}"\nname = "{key}"\n' for key in PRODUCTS)
    metrics = "".join(_metric_text(line) for line in METRICS.split("\n") if line)
    return head + products + metrics + _tree_text(quarters)


def _metric_text(line: str) -> str:
    key, nature, grain, cadence, *rest = line.split()
    named = f'key = "{key}"\nname = "{key}"\nunit = "things"\n'
    words = f'nature = "{nature}"\ngrain = "{grain}"\ncadence = "{cadence}"\n'
    return f"[[metric]]\n{named}{words}" + "".join(f"{entry}\n" for entry in rest)


def _tree_text(quarters: bool) -> str:
    categories, signals, at = "", "", ["", ""]
    for line in TREE.strip().split("\n"):
        mark, key, *rest = line.split(" ")
        if mark == "=":
            at[0] = key
            categories += f"[[category]]\n{_named(key)}weight = {rest[0]}\n"
        elif mark == "==":
            at[1] = key
            categories += f"[[category.subcategory]]\n{_named(key)}weight = {rest[0]}\n"
        elif quarters or not mark.startswith("?"):
            signals += _signal_text(line.lstrip("?"), *at)
    return categories + signals


def _named(key: str) -> str:
    return f'key = "{key}"\nname = "{key}"\ndefinition = "What {key} means."\n'


def _signal_text(line: str, category: str, subcategory: str) -> str:
    key, product, weight, options = line.split(" ", 3)
    owner = "" if product == "-" else f'product = "{product}"\n'
    place = f'category = "{category}"\nsubcategory = "{subcategory}"\nweight = {weight}\n'
    texts = 'formula = "In words."\nreading = "In words."\n'
    return f"[[signal]]\n{_named(key)}{owner}{place}{texts}" + "\n".join(_options(options)) + "\n"


def _options(text: str) -> list[str]:
    """Cut at the spaces that stand before the next option."""
    cut, found = 0, []
    for at in range(len(text)):
        if text[at] == " " and text[:at].count("[") == text[:at].count("]"):
            found.append(text[cut:at])
            cut = at + 1
    return [*found, text[cut:]]


@dataclass(frozen=True)
class Population:
    """Random organizations of one day: raw, for the oracle, and what a panel needs beside them."""

    text: str
    card: Card
    day: date
    facts: list[Facts]
    declared: dict[str, list[tuple[date, date, list[bool] | None]]]

    def panel(self) -> "Panel":
        """The same organizations as the engine's packed Panel."""
        return pack(self)


def population(seed: int, day: date, size: int, *, quarters: bool = True, floors: str = "") -> Population:
    """Random organizations on a day; the same seed gives the same ones.

    Without quarters 16 months are kept, fewer than the card asks for: both engines must still agree.
    """
    dice = random.Random(seed)
    text = card_text(quarters=quarters, floors=floors)
    card = prepare(tomllib.loads(text))
    card.months = card.months if quarters else 16
    declared = {key: _windows(dice, metric, day, size) for key, metric in card.metrics.items()}
    facts = [_organization(dice, card, day, declared, row) for row in range(size)]
    return Population(text, card, day, facts, {key: list(at) for key, at in declared.items() if at})


# --- declarations

Window = tuple[date, date, list[bool] | None]


def _windows(dice: random.Random, metric: Metric, day: date, size: int) -> list[Window]:
    """What sources said to be complete: one of several stories for each organization, or one for all."""
    if metric.key in UNKNOWN or metric.key == "flow.calm":
        return []
    stories = [_story(dice, metric, day) for _ in range(9)] + [[]] * 3
    chosen = [dice.randrange(len(stories)) for _ in range(size)]
    windows: list[Window] = [
        (first, last, [at == number for at in chosen])
        for number, story in enumerate(stories)
        for first, last in story
    ]
    if dice.random() < 0.25:
        windows += [(first, last, None) for first, last in _story(dice, metric, day)]
    return windows


def _story(dice: random.Random, metric: Metric, day: date) -> list[tuple[date, date]]:
    last = _declared_last(dice, metric, day)
    first = last - timedelta(dice.choice([20, 45, 100, 300, 365, 366, 420, 500, 900]))
    if dice.random() < 0.3:
        hole = last - timedelta(dice.randrange(1, 200))
        return [(first, hole), (hole + timedelta(dice.choice([1, 2, 2, 40])), last)] if hole > first else []
    if dice.random() < 0.3:  # two batches that overlap or touch
        middle = first + (last - first) / 2
        return [(middle - timedelta(dice.randrange(5)), last), (first, middle)]
    return [(first, last)]


def _declared_last(dice: random.Random, metric: Metric, day: date) -> date:
    """The end of a declaration: a month's end or any day, sometimes after the day itself."""
    if metric.cadence == "daily" or metric.grain == "day":
        return day + timedelta(dice.choice([3, 0, 0, -1, -1, -2, -3, -4, -5, -6, -7, -8, -40]))
    if metric.cadence == "weekly" and metric.grain == "event":
        return day + timedelta(dice.choice([2, 0, -3, -7, -10, -11, -16, -17, -18, -30]))
    if dice.random() < 0.2:
        return day - timedelta(dice.randrange(-5, 120))
    back = dice.choice([0, 1, 1, 1, 2, 2, 3, 4, 6]) + (3 if metric.cadence == "quarterly" else 0)
    return _days_of(month_of(day) - back)[-1]


# --- one organization


@cache
def _days_of(month: int) -> tuple[date, ...]:
    year, number = month // 12, month % 12 + 1
    return tuple(date(year, number, at + 1) for at in range(monthrange(year, number)[1]))


def _organization(
    dice: random.Random, card: Card, day: date, declared: dict[str, list[Window]], row: int
) -> Facts:
    own = {
        key: [(first, last) for first, last, who in windows if who is None or who[row]]
        for key, windows in declared.items()
    }
    poor = dice.choice([0.0, 0.0, 0.1, 0.2, 0.3, 0.5])  # so that some have nearly all, and a fifth is missing
    sent = {key: _observed(dice, metric, day, own[key], poor) for key, metric in card.metrics.items()}
    return Facts(
        day,
        {key: values for key, values in sent.items() if values},
        {key: windows for key, windows in own.items() if windows},
        _owned(dice),
        _age(dice),
        _contract(dice, day),
        _exempt(dice, card),
    )


def _owned(dice: random.Random) -> set[str]:
    return set() if dice.random() < 0.05 else {product for product in PRODUCTS if dice.random() < 0.85}


def _age(dice: random.Random) -> float | None:
    return dice.choices(
        [None, dice.choice([0, 5, 29, 30]), dice.choice([31, 60, 89, 90]), dice.choice([91, 92, 400, 3000])],
        [5, 6, 12, 77],
    )[0]


def _contract(dice: random.Random, day: date) -> date | None:
    back = dice.choices(
        [None, dice.randrange(400, 3000), dice.randrange(29, 400), dice.choice([0, 1, 26, 27, 28]), -10],
        [30, 35, 28, 6, 1],
    )[0]
    return None if back is None else day - timedelta(back)


def _exempt(dice: random.Random, card: Card) -> set[str]:
    share = dice.choices([0, 0.05, 0.4, 1], [65, 27, 4, 4])[0]
    return {signal["key"] for signal in card.signals if dice.random() < share}


def _observed(
    dice: random.Random, metric: Metric, day: date, windows: list[tuple[date, date]], poor: float
) -> dict[date, float]:
    if metric.key in UNKNOWN or dice.random() < poor:
        return {}
    if metric.grain == "day":
        return _daily(dice, metric, day, poor)
    if metric.grain == "event":
        return _events(dice, metric, day, windows)
    return _monthly(dice, metric, day, poor)


def _monthly(dice: random.Random, metric: Metric, day: date, poor: float) -> dict[date, float]:
    """A feed that began somewhere, ended somewhere and has holes."""
    newest, neat = month_of(day), dice.random() > 2 * poor
    began = newest - (24 if neat else dice.choice([3, 6, 12, 13, 14, 24]))
    behind = dice.choice([0, 0, 1] if neat else [0, 0, 1, 1, 2, 3, 4, 7])
    holes = dice.choice([0, 0, 0.08] if neat else [0, 0.08, 0.4])
    draw, found = _values(dice, metric), {}
    for month in range(began, newest - behind + 1):
        if metric.cadence == "quarterly" and month % 3 != 2 and dice.random() > 0.15:
            continue
        if dice.random() >= holes:
            for at in _days_sent(dice, metric, month, day):
                found[at] = draw(month == newest - 1 or month == newest)
    if metric.nature == "stock" and behind == 0:
        found[day - timedelta(dice.choice(NEAR[metric.cadence]))] = draw(True)
    return found


NEAR = {
    "daily": (-2, 0, 0, 1, 1, 2, 3, 5, 6),
    "weekly": (-3, 0, 1, 5, 9, 10, 11, 17, 18),
    "monthly": (0, 3, 20, 38, 39, 69, 70),
    "quarterly": (0, 20, 101, 102, 103, 195),
}  # how many days before the day a stock was last sent: fresh, on the edges of grace, past it, and later


def _days_sent(dice: random.Random, metric: Metric, month: int, day: date) -> list[date]:
    """One day or several; of a stock seldom a later one than the day, which hides the earlier ones."""
    days = _days_of(month)
    if metric.nature == "stock" and days[-1] >= day and dice.random() < 0.85:
        days = days[: day.day]
    if metric.nature == "flow" and dice.random() < 0.7:
        return [days[-1]]
    first = days[int(len(days) * dice.random())]
    if dice.random() < 0.8:
        return [first]
    return [first, days[int(len(days) * dice.random())], days[-1 - int(len(days) / 5 * dice.random())]]


def _values(dice: random.Random, metric: Metric) -> Any:
    """How the numbers of one feed fall: around a level, zero always, before or lately, or seldom below."""
    roll, level = dice.random(), LEVELS.get(metric.key, 0) or dice.choice([20, 60, 100, 180])
    if metric.key == "stock.share":
        return lambda late: 7.0 if roll < 0.03 else dice.choice([0, 0.5, 1, 1, 0.25])
    if metric.key == "gauge.mood":
        return lambda late: dice.uniform(-70, 90) if roll > 0.05 else -101.0
    if metric.key in ROUGH:
        return lambda late: dice.choices((12.0, 8.0, 0.0, -1.0), (60, 30, 8, 2))[0]
    if roll < 0.10:
        return lambda late: 0.0
    if roll < 0.13:
        return lambda late: float(dice.randrange(1, level + 1)) if late else 0.0
    if roll < 0.16:
        return lambda late: 0.0 if late else float(level)
    if roll < 0.20:
        return lambda late: -1.0 if dice.random() < 0.1 else float(level)
    if roll < 0.55 and metric.nature == "stock":
        return lambda late: float(level)
    return lambda late: float(int(level * (0.4 + 0.8 * dice.random())))


def _events(
    dice: random.Random, metric: Metric, day: date, windows: list[tuple[date, date]]
) -> dict[date, float]:
    """A few days, many of them just in, on or past the edges that rules know."""
    ends = [day, *[last for _, last in windows if last <= day]]
    found = {}
    for _ in range(dice.choice([0, 0, 1, 1, 2, 4])):
        if dice.random() < 0.5:
            at = dice.choice(ends) - timedelta(
                dice.choice([14, 30, 60, 90, 120, 180, 365]) + dice.choice([-1, 0, 1])
            )
        else:
            at = day - timedelta(dice.choice([-2, -1, 0, 1, dice.randrange(3, 60), dice.randrange(60, 500)]))
        found[at] = 0.0 if dice.random() < 0.1 else 1.0
    return found


DAILY: dict[str, Callable[[random.Random], float]] = {
    "day.errors": lambda dice: float(dice.choice((0, 0, 0, 0, 1, 3))),
    "day.refused": lambda dice: float(dice.choice((0, 0, 1, 2, 3))),
    "day.calls": lambda dice: float(dice.choice((0, 100, 200, 300, 150))),
    "day.requests": lambda dice: float(int(400 * dice.random())),
    "day.latency": lambda dice: 800 + 4000 * dice.random() ** 2,
    "day.batch": lambda dice: 5 + 90 * dice.random(),
    "day.rate": lambda dice: dice.choice((0.0, 0.2, 0.5, 0.51, 2.0)),
}


def _daily(dice: random.Random, metric: Metric, day: date, poor: float) -> dict[date, float]:
    """Two months and the day's own, to the end of it or to a few days before the day."""
    newest, roll, chance = month_of(day), dice.random(), dice.random
    days = [at for month in range(newest - 2, newest + 1) for at in _days_of(month)]
    behind = (0, 0, 1) if dice.random() > 2 * poor else (0, 1, 2, 3, 4, 5, 6, 7, 8, 20)
    last = dice.choice([days[-1], *[day - timedelta(back) for back in behind]])
    density, draw = dice.choice([1, 1, 0.95, 0.75, 0.6, 0.3]), DAILY[metric.key]
    found = {at: draw(dice) for at in days if at <= last and chance() < density}
    if roll < 0.08:
        return dict.fromkeys(found, 0.0)
    if roll < 0.11 and found:
        found[dice.choice(list(found))] = -1.0
    return found


# --- packing, once more and apart from scoring.pack


def pack(people: Population) -> "Panel":
    """The engine's Panel of a population."""
    from scoring.engine import Panel

    known = [metric for key, metric in people.card.metrics.items() if key not in UNKNOWN]
    slots, month_slots = _pack_months(people, [metric for metric in known if metric.grain != "day"])
    days, day_slots = _pack_days(people, [metric for metric in known if metric.grain == "day"])
    signals = [signal["key"] for signal in people.card.signals]
    facts, none = people.facts, float("nan")
    return Panel(
        day=people.day,
        organizations=np.arange(1, len(facts) + 1, dtype=np.int64),
        slots=slots,
        month_slots=month_slots,
        days=days,
        day_slots=day_slots,
        declared=_pack_declared(people),
        products=PRODUCTS,
        owned=np.array([[product in at.owned for product in PRODUCTS] for at in facts]),
        age_days=np.array([none if at.age_days is None else at.age_days for at in facts], dtype=float),
        contract_started=np.array(
            [none if at.contract_started is None else at.contract_started.toordinal() for at in facts],
            dtype=float,
        ),
        exempt=np.array([[key in at.exempt for key in signals] for at in facts]),
    )


def _pack_declared(people: Population) -> dict[str, Any]:
    from scoring.engine import Declaration

    return {
        key: tuple(
            Declaration(first, last, None if who is None else np.array(who)) for first, last, who in windows
        )
        for key, windows in people.declared.items()
    }


def _pack_months(people: Population, metrics: list[Metric]) -> tuple[np.ndarray, dict[str, int]]:
    places, width = {}, 0
    for metric in metrics:
        places[metric.key] = width
        width += 2 if metric.nature == "stock" else 1
    months = people.card.months
    oldest = month_of(people.day) - months + 1
    slots = np.full((len(people.facts), months, width), np.nan)
    for row, facts in enumerate(people.facts):
        for metric in metrics:
            sent = facts.observations.get(metric.key, {})
            _pack_cells(slots[row, :, places[metric.key] :], metric.nature, sent, oldest)
    return slots, places


def _pack_cells(cells: np.ndarray, nature: str, sent: dict[date, float], oldest: int) -> None:
    """Write one metric of one organization; cells: (months, the metric's slot and those after it)."""
    grouped: dict[int, list[tuple[date, float]]] = {}
    for day, value in sent.items():
        month = day.year * 12 + day.month - 1 - oldest
        if 0 <= month < len(cells):
            grouped.setdefault(month, []).append((day, value))
    for month, found in grouped.items():
        if nature == "stock":
            day, value = max(found)
            cells[month, 0], cells[month, 1] = value, day.day
        elif nature == "event":
            cells[month, 0] = sum(value * 2 ** (day.day - 1) for day, value in found)
        else:
            total = sum(value for _, value in found)
            cells[month, 0] = total if nature == "flow" else total / len(found)


def _pack_days(people: Population, metrics: list[Metric]) -> tuple[np.ndarray, dict[str, int]]:
    places = {metric.key: number for number, metric in enumerate(metrics)}
    newest = month_of(people.day)
    months = 3 if month_of(people.day - timedelta(29)) == newest - 2 else 2
    days = np.full((len(people.facts), months, 31 * len(metrics)), np.nan)
    for row, facts in enumerate(people.facts):
        cells = days[row]
        for key, place in places.items():
            for day, value in facts.observations.get(key, {}).items():
                month = day.year * 12 + day.month - 1 - newest + months - 1
                if 0 <= month < months:
                    cells[month, 31 * place + day.day - 1] = value
    return days, places
