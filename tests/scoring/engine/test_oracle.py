"""The engine agrees with the oracle on random organizations, and the oracle with SCORING's own vectors."""

import math
import tomllib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from tests.scoring.engine import oracle
from tests.scoring.engine.oracle import Answer, Facts, branch, canonical, judge, prepare
from tests.scoring.engine.random_panels import Population, card_text, population

if TYPE_CHECKING:
    from scoring.engine import Scores

# --- the engine against the oracle


class Case(NamedTuple):
    """A random population: its seed, its day, and which card it is scored with."""

    seed: int
    day: date
    quarters: bool
    floors: str = ""


LOW = "floor_subcategory = 0.2\nfloor_category = 0.3\nfloor_overall = 0.4\nmin_categories = 1\n"
HIGH = "floor_subcategory = 0.6\nfloor_category = 0.55\nmin_categories = 3\nprovisional_below = 0.9\n"
CASES = [
    Case(1, date(2026, 5, 8), True),
    Case(2, date(2026, 2, 28), False),
    Case(3, date(2026, 3, 1), True),  # its 30 days reach into January
    Case(4, date(2024, 2, 29), False, LOW),
    Case(5, date(2025, 12, 31), True),
    Case(6, date(2026, 1, 7), False),
    Case(7, date(2026, 1, 8), True, HIGH),
    Case(8, date(2026, 6, 30), True),
    Case(9, date(2026, 7, 1), False),
    Case(10, date(2025, 8, 15), False, LOW),
]
SIZE = 500


@lru_cache(maxsize=1)
def people(case: Case, size: int = SIZE) -> Population:
    """The organizations of a case; only the last are kept, for they are large."""
    return population(case.seed, case.day, size, quarters=case.quarters, floors=case.floors)


@cache
def judged(case: Case) -> list[dict[str, Answer]]:
    """The oracle's answers, kept for the test of what the cases reach."""
    crowd = people(case)
    return [judge(crowd.card, facts) for facts in crowd.facts]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.day}")
def test_engine_agrees_with_the_oracle(case: Case) -> None:
    from scoring.engine import parse, score

    crowd = people(case)

    scores = score(parse(crowd.text), crowd.panel())

    check(crowd, scores, judged(case))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: f"{case.day}")
def test_engine_agrees_with_the_oracle_without_exemptions(case: Case) -> None:
    from scoring.engine import parse, score

    crowd = people(case, SIZE // 5)

    scores = score(parse(crowd.text), crowd.panel(), exemptions=False)

    check(crowd, scores, [judge(crowd.card, facts, exemptions=False) for facts in crowd.facts])


def check(crowd: Population, scores: "Scores", expected: list[dict[str, Answer]]) -> None:
    """Fail with the first differences, leaves first, or pass."""
    from scoring.engine import parse

    nodes = [node.id for node in parse(crowd.text).nodes]
    assert set(nodes) == set(expected[0])
    found = list(differences(scores, nodes, expected))
    leaves = {signal["key"] for signal in crowd.card.signals}
    found.sort(key=lambda at: at[1] not in leaves)
    assert not found, "\n\n".join([f"{len(found)} differences", *(told(crowd, *at) for at in found[:8])])


def differences(
    scores: "Scores", nodes: list[str], expected: list[dict[str, Answer]]
) -> Iterator[tuple[int, str, Answer, Answer]]:
    """Organization, node, the oracle's answer and the engine's, where they differ."""
    columns: list[Any] = [
        scores.points,
        scores.state,
        scores.coverage,
        scores.lower,
        scores.upper,
        scores.flags,
    ]
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for row, (answers, cells) in enumerate(zip(expected, rows, strict=True)):
        for node, *got in zip(nodes, *cells, strict=True):
            if not same(answers[node], engines := engine_answer(*got)):
                yield row, node, answers[node], engines


def engine_answer(
    points: float, state: int, coverage: float, lower: float, upper: float, flags: int
) -> Answer:
    """The engine's numbers in the oracle's words."""
    number, share, low, high = (
        None if math.isnan(value) else value for value in (points, coverage, lower, upper)
    )
    return Answer(number, state_name(state), share, low, high, flag_names(flags))


@cache
def state_name(number: int) -> str:
    """The name of the engine's state."""
    from scoring.engine import State

    return str(State(number).name)


@cache
def flag_names(number: int) -> frozenset[str]:
    """The names of the engine's flags."""
    from scoring.engine import Flag

    return frozenset(str(flag.name) for flag in Flag if flag & number)


def same(ours: Answer, theirs: Answer) -> bool:
    """Equal to the hundredth in points, to 1e-9 in coverage and bounds, and exactly in the rest."""
    return (
        (ours.state, ours.flags) == (theirs.state, theirs.flags)
        and (ours.points == theirs.points or canonical(ours.points) == canonical(theirs.points))
        and near(ours.coverage, theirs.coverage)
        and near(ours.lower, theirs.lower, 1e-7)
        and near(ours.upper, theirs.upper, 1e-7)
    )


def near(one: float | None, other: float | None, by: float = 1e-9) -> bool:
    """Both unknown, or as good as equal."""
    return one is other if one is None or other is None else abs(one - other) <= by


def told(crowd: Population, row: int, node: str, ours: Answer, theirs: Answer) -> str:
    """One difference in words, with the facts that the node reads."""
    facts = crowd.facts[row]
    about = f"owned {sorted(facts.owned)}, age {facts.age_days}, contract {facts.contract_started}"
    lines = [f"organization {row} on {facts.day}, node {node}", f"  oracle {ours}", f"  engine {theirs}"]
    signal = next((signal for signal in crowd.card.signals if signal["key"] == node), None)
    named = [key for key in crowd.card.metrics if f"'{key}'" in str(signal)]
    named += [str(crowd.card.metrics[key].companion) for key in named if crowd.card.metrics[key].companion]
    for key in named:
        sent = sorted(facts.observations.get(key, {}).items())
        lines.append(f"  {key}: " + ", ".join(f"{day} {value:g}" for day, value in sent))
        lines += [f"    declared {first} to {last}" for first, last in facts.declared.get(key, [])]
    return "\n".join([*lines, f"  signal {signal}", f"  {about}"])


def test_engine_and_oracle_make_the_same_hundredths() -> None:
    from scoring.engine import canonical as of_engine

    points = [0.005, 0.015, 0.125, 0.135, 62.5, 61.436170212765958, 99.995, 99.985, 100.0, 0.0, math.nan]

    hundredths = of_engine(np.array(points)).tolist()

    assert hundredths == [canonical(None if math.isnan(at) else at) for at in points]


def test_engine_and_oracle_ask_for_the_same_months() -> None:
    from scoring.engine import parse

    text = card_text(quarters=False)

    assert parse(text).months == prepare(tomllib.loads(text)).months == 22


def test_a_wrong_answer_of_the_engine_would_be_seen() -> None:
    right = Answer(50.0, "OK", 1.0, 50.0, 50.0)

    wrong = [
        right._replace(points=50.01),
        right._replace(points=None),
        right._replace(state="STALE_GRACE"),
        right._replace(coverage=0.999999),
        right._replace(lower=49.99),
        right._replace(upper=None),
        right._replace(flags=frozenset(["OVER_100"])),
    ]

    assert same(right, right)
    assert not any(same(right, answer) for answer in wrong)


# --- what the random organizations reach


@cache
def reached() -> dict[tuple[str, str], set[Answer]]:
    """Answers by node and state, one or more of each, over all cases."""
    found: dict[tuple[str, str], set[Answer]] = {}
    for case in CASES:
        for answers in judged(case):
            for node, answer in answers.items():
                found.setdefault((node, answer.state), set()).add(answer)
    return found


def signals() -> list[dict[str, Any]]:
    """The signals of the fuller card."""
    return prepare(tomllib.loads(card_text(quarters=True))).signals


EVERYWHERE = {"OK", "STALE_GRACE", "MISSING", "INVALID", "NOT_APPLICABLE", "EXEMPT"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(oracle.KINDS))
def test_random_organizations_reach_every_state_of_every_kind(kind: str) -> None:
    keys = {signal["key"] for signal in signals() if signal["kind"] == kind}
    young = {"INSUFFICIENT_HISTORY"} if kind in ("ratio", "growth", "indicator") else set()

    states = {state for node, state in reached() if node in keys}

    assert states == EVERYWHERE | young


@pytest.mark.slow
@pytest.mark.parametrize("level", ["subcategory", "category", "overall"])
def test_random_organizations_reach_every_state_of_every_branch(level: str) -> None:
    leaves = {signal["key"] for signal in signals()}
    depth = {"subcategory": 1, "category": 0, "overall": 0}[level]
    setting_up = {"SETTING_UP"} if level == "overall" else set()

    states = {
        state
        for node, state in reached()
        if node not in leaves and node.count("/") == depth and (node == "overall") == (level == "overall")
    }

    assert states == {"OK", "PROVISIONAL", "INSUFFICIENT_DATA", "NOT_APPLICABLE"} | setting_up


@pytest.mark.slow
def test_random_organizations_reach_every_flag() -> None:
    flags = {flag for answers in reached().values() for answer in answers for flag in answer.flags}

    assert flags == {"OVER_100", "FROM_ZERO", "DORMANT", "BASE_SHIFT", "DENOMINATOR_CHANGED", "PREVIEW"}


@pytest.mark.slow
def test_random_organizations_give_every_signal_numbers_fresh_and_in_grace() -> None:
    never = {"never", "advice"}  # its metric is unknown to the panel; none of its settings counts
    keys = {signal["key"] for signal in signals()} - never

    poor = [
        (key, state)
        for key in sorted(keys)
        for state, least in (("OK", 2), ("STALE_GRACE", 1))
        if len(reached().get((key, state), ())) < least
    ]

    assert poor == []


def test_random_card_has_every_kind_and_option() -> None:
    text = card_text(quarters=True)
    kinds = {signal["kind"] for signal in signals()}
    options = {option for signal in signals() for option in signal}

    wanted = (
        "numerator denominator months inverse target variant per base_shift form days steps at_least "
        "at_most absence_is_zero tolerance rate streak min_days curve p10 median good poor settings "
        "deductions preview"
    )

    assert kinds == set(oracle.KINDS)
    assert set(wanted.split()) <= options
    assert all(f'cadence = "{cadence}"' in text for cadence in oracle.PERIOD)


# --- the oracle against SCORING's own vectors

DAY = date(2026, 4, 30)
METRICS = """
a stock month weekly, b stock month weekly, c stock month weekly, d stock month weekly, e stock month weekly
f stock month weekly, sales flow month monthly, event event event monthly, errors flow day daily
page gauge day daily, mood gauge month monthly
"""


def card_of(**signal: Any) -> oracle.Card:
    """A card of one signal, named signal."""
    words = ("key", "nature", "grain", "cadence")
    metrics = [
        dict(zip(words, at.split(), strict=True)) for at in METRICS.replace("\n", ",").split(",") if at
    ]
    place = {"key": "signal", "category": "all", "subcategory": "all"}
    category = {"key": "all", "weight": 1, "subcategory": [{"key": "all", "weight": 1}]}
    rules = {"min_categories": 1}
    return prepare(
        {"scorecard": rules, "metric": metrics, "category": [category], "signal": [place | signal]}
    )


def answer(observations: dict[str, dict[date, float]], day: date = DAY, **signal: Any) -> Answer:
    """The answer of one signal; event and errors are declared complete for two years."""
    declared = {key: [(day - timedelta(730), day)] for key in ("event",)}
    return judge(card_of(**signal), Facts(day, observations, declared, age_days=1000))["signal"]


def whole(points: float | None) -> int | None:
    """As displayed: half to even, from hundredths."""
    return None if points is None else round(canonical(points) / 100)


def back(days: int, *, of: date = DAY) -> date:
    """So many days before."""
    return of - timedelta(days)


@pytest.mark.parametrize(
    ("part", "total", "state", "points", "flags"),
    [
        (67, 100, "OK", 67, set()),
        (0, 0, "NOT_APPLICABLE", None, set()),
        (5, 0, "INVALID", None, set()),
        (120, 100, "OK", 100, {"OVER_100"}),
        (-1, 100, "INVALID", None, set()),
    ],
)
def test_oracle_holds_the_vectors_of_ratio(
    part: float, total: float, state: str, points: int | None, flags: set[str]
) -> None:
    sent = {"a": {DAY: part}, "b": {DAY: total}}

    found = answer(sent, kind="ratio", numerator="a", denominator="b")

    assert (found.state, whole(found.points), set(found.flags)) == (state, points, flags)


GROWTH = [
    (693, 564, "OK", 61, set()),
    (499, 564, "OK", 44, set()),
    (15, 12, "OK", 62, set()),
    (13, 15, "OK", 43, set()),
    (564, 564, "OK", 50, set()),
    (1128, 564, "OK", 100, set()),
    (1200, 564, "OK", 100, set()),
    (0, 564, "OK", 0, set()),
    (0, 0, "NOT_APPLICABLE", None, {"DORMANT"}),
    (7, 0, "OK", 100, {"FROM_ZERO"}),
]


@pytest.mark.parametrize("variant", ["avg12", "yoy", "quarter"])
@pytest.mark.parametrize(("now", "base", "state", "points", "flags"), GROWTH)
def test_oracle_holds_the_vectors_of_growth(
    variant: str, now: float, base: float, state: str, points: int | None, flags: set[str]
) -> None:
    day = date(2026, 3, 31)
    sent = dict.fromkeys(months_before(day, 20), base)
    newest = {"quarter": sorted(sent)[-3:]}.get(variant, [day])

    found = answer(
        {"sales": sent | dict.fromkeys(newest, now)}, day, kind="growth", metric="sales", variant=variant
    )

    assert (found.state, whole(found.points), set(found.flags)) == (state, points, flags)


def months_before(day: date, count: int) -> list[date]:
    """The first days of so many months, the day's last."""
    ends = [day.year * 12 + day.month - 1 - number for number in range(count)]
    return [day, *(date(at // 12, at % 12 + 1, 1) for at in ends[1:])]


@pytest.mark.parametrize(
    ("months", "points", "coverage"), [(2, None, None), (3, 50.0, 0.25), (11, 50.0, 11 / 12)]
)
def test_oracle_counts_a_partial_base_in_coverage(
    months: int, points: float | None, coverage: float | None
) -> None:
    sent = {"sales": dict.fromkeys(months_before(DAY, months + 1), 8.0)}

    found = answer(sent, kind="growth", metric="sales", variant="avg12")

    assert (found.points, found.coverage) == (points, coverage)
    assert found.state == ("OK" if points else "INSUFFICIENT_HISTORY")


@pytest.mark.parametrize(
    ("form", "steps", "points"),
    [
        ("ternary", [{"at_least": 1, "points": 100}, {"points": 30}], 30),
        ("recency", [{"at_most": 90, "points": 100}, {"points": 20}], 20),
        ("binary", None, 0),
    ],
)
def test_oracle_takes_a_known_absence_through_the_steps(form: str, steps: Any, points: int) -> None:
    rules = {"form": form, "days": 60} | ({"steps": steps} if steps else {})

    found = answer({}, kind="indicator", metric="event", **rules)

    assert (found.state, found.points) == ("OK", points)


@pytest.mark.parametrize(("count", "points"), [(0, 0), (1, 50), (2, 100), (9, 100)])
def test_oracle_holds_the_vectors_of_ternary(count: int, points: int) -> None:
    sent = {"event": {back(365 - 30 * number): 1.0 for number in range(count)}}

    found = answer(sent, kind="indicator", form="ternary", metric="event", days=365)

    assert (found.state, found.points) == ("OK", points)


@pytest.mark.parametrize(("days", "points"), [(0, 100), (90, 100), (91, 50), (180, 50), (181, 0)])
def test_oracle_holds_the_vectors_of_recency(days: int, points: int) -> None:
    found = answer({"event": {back(days): 1.0}}, kind="indicator", form="recency", metric="event")

    assert (found.state, found.points) == ("OK", points)


@pytest.mark.parametrize(
    ("clean", "observed", "points"), [(30, 30, 100), (27, 30, 90), (20, 22, 91), (18, 19, None)]
)
def test_oracle_holds_the_vectors_of_error(clean: int, observed: int, points: int | None) -> None:
    sent = {"errors": {back(number): float(number >= clean) for number in range(observed)}}

    found = answer(sent, kind="error", metric="errors")

    assert (found.state, whole(found.points)) == ("OK" if points else "MISSING", points)


SPEED = [(500, 9995), (1000, 9789), (1500, 9000), (2000, 7733), (2500, 6320), (3000, 5000), (4000, 2974)]


@pytest.mark.parametrize(("mean", "hundredths"), [*SPEED, (6000, 1000), (9000, 211)])
def test_oracle_holds_the_vectors_of_performance(mean: float, hundredths: int) -> None:
    sent = {"page": {back(number): float(mean) for number in range(30)}}

    found = answer(sent, kind="performance", metric="page", curve="lognormal", p10=1500, median=3000)

    assert canonical(found.points) == hundredths


def test_oracle_holds_the_vector_of_configuration() -> None:
    values = {"a": 1, "b": 0.5, "c": 1, "d": 0, "e": 1, "f": 0}
    risks = ["high", "high", "medium", "medium", "low", "informational"]
    settings = [{"metric": key, "risk": risk} for key, risk in zip(values, risks, strict=True)]

    found = answer({key: {DAY: at} for key, at in values.items()}, kind="config", settings=settings)

    assert canonical(found.points) == 6818


NOBODY = Answer(None, "NOT_APPLICABLE", None, None, None)


def test_oracle_holds_the_worked_roll_up() -> None:
    adoption = Answer(72.4, "OK", 1.0, 72.4, 72.4)
    expertise = Answer(None, "INSUFFICIENT_DATA", 0.3, 15, 85)
    health = Answer(81.0, "OK", 0.8, 64.8, 84.8)
    card = prepare({"scorecard": {}, "metric": [], "signal": [], "category": []})

    found = branch(card, Facts(DAY), [(1, adoption), (1, expertise), (1, health)], "overall")

    assert (found.state, whole(found.points)) == ("PROVISIONAL", 77)
    assert [round(at or 0, 2) for at in found[2:5]] == [0.70, 50.73, 80.73]


def test_oracle_holds_the_vector_of_account_health() -> None:
    earned = [(10, 10), (10, 5), (10, 10), (20, 14.8), (5, None), (15, 10), (10, 10), (10, 7.5), (10, None)]
    children = [(most, NOBODY if points is None else scored(100 * points / most)) for most, points in earned]
    card = prepare({"scorecard": {"min_categories": 1}, "metric": [], "signal": [], "category": []})

    found = branch(card, Facts(DAY), children, "overall")

    assert (canonical(found.points), whole(found.points)) == (7918, 79)


def scored(points: float) -> Answer:
    """A fresh child."""
    return Answer(points, "OK", 1.0, points, points)


@pytest.mark.parametrize(
    ("metric", "sent", "value"),
    [
        ("sales", {date(2026, 3, 2): 5, date(2026, 3, 30): 7, date(2026, 4, 29): 100}, 12),
        ("mood", {date(2026, 3, 2): 5, date(2026, 3, 30): 7, date(2026, 4, 29): 100}, 6),
        ("a", {date(2026, 4, 2): 5, date(2026, 4, 20): 7}, 7),
        ("a", {date(2026, 4, 22): 5, date(2026, 4, 30): 7, date(2026, 4, 12): 9}, None),
    ],
    ids=[
        "a flow is summed",
        "a gauge is averaged",
        "the newest stock counts",
        "a later stock hides earlier ones",
    ],
)
def test_oracle_packs_the_days_of_a_month(metric: str, sent: dict[date, float], value: float | None) -> None:
    found = answer({metric: sent}, date(2026, 4, 29), kind="linear", metric=metric, good=100, poor=0)

    assert canonical(found.points) == canonical(value)


@pytest.mark.parametrize(
    ("seen", "state"),
    [(10, "OK"), (11, "STALE_GRACE"), (17, "STALE_GRACE"), (18, "MISSING")],
)
def test_oracle_counts_a_weekly_stock_in_grace_for_one_period(seen: int, state: str) -> None:
    found = answer({"a": {back(seen): 1.0}}, kind="indicator", form="binary", metric="a")

    assert found.state == state


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2026, 5, 31), "OK"),
        (date(2026, 6, 7), "OK"),
        (date(2026, 6, 8), "STALE_GRACE"),
        (date(2026, 7, 7), "STALE_GRACE"),
        (date(2026, 7, 8), "MISSING"),
    ],
)
def test_oracle_counts_a_monthly_flow_in_grace_for_one_period(day: date, state: str) -> None:
    found = answer({"sales": {DAY: 60.0}}, day, kind="linear", metric="sales", good=100, poor=0)

    assert (found.state, found.points) == (state, None if state == "MISSING" else 60)


def kinds_of_nothing() -> list[Callable[[], Answer]]:
    """One signal of each kind of a card, about which nothing was ever sent."""
    return [
        lambda: answer({}, kind="ratio", numerator="a", denominator="b"),
        lambda: answer({}, kind="growth", metric="sales", variant="avg12"),
        lambda: answer({}, kind="error", metric="errors"),
        lambda: answer({}, kind="performance", metric="page", curve="linear", good=1, poor=2),
        lambda: answer({}, kind="config", settings=[{"metric": "a", "risk": "high"}]),
        lambda: answer({}, kind="deduction", deductions=[{"metric": "errors", "severity": "low"}]),
        lambda: answer({}, kind="linear", metric="a", good=1, poor=2),
    ]


@pytest.mark.parametrize("ask", kinds_of_nothing())
def test_oracle_calls_what_never_arrived_missing_and_not_zero(ask: Callable[[], Answer]) -> None:
    assert ask() == Answer(None, "MISSING", 0.0, 0.0, 100.0)
