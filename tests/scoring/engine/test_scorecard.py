"""A scorecard file is read whole or refused with everything that is wrong with it, each with its place."""

import pytest

from scoring.engine import Cadence, Grain, Level, Nature, ScorecardInvalid, ScoringError, parse
from scoring.engine.kind_options import READERS
from scoring.engine.kinds import KINDS
from tests.scoring.engine.builders import card, category, metric, signal, table

STOCKS = metric("used", "stock") + metric("there", "stock")
SHARE = signal("share", "ratio", numerator="used", denominator="there")
GOOD = card(STOCKS, SHARE)

EVERYTHING = (
    metric("stock", "stock")
    + metric("flow", "flow")
    + metric("quarterly", "flow", cadence="quarterly")
    + metric("monthly", "gauge")
    + metric("event", "event")
    + metric("errors", "flow", "day")
    + metric("time", "gauge", "day", companion="errors")
)


def problems(text):
    with pytest.raises(ScorecardInvalid) as refused:
        parse(text)
    return [f"{path}: {message}" for path, message in refused.value.problems]


def only_problem(kind, **options):
    """The one problem of a card whose only signal has these options."""
    found = problems(card(EVERYTHING, signal("it", kind, **options)))
    assert len(found) == 1, found
    return found[0].removeprefix('signal[1] "it".')


def accepted(kind, **options):
    """The options of the only signal of a card."""
    return parse(card(EVERYTHING, signal("it", kind, **options))).signals[0].options


# ---------- what is read ----------


def test_scorecard_is_read_with_its_defaults():
    scorecard = parse(GOOD)

    assert (scorecard.key, scorecard.name, scorecard.audience) == ("small", "Small", "customer")
    assert (scorecard.floor_subcategory, scorecard.floor_category, scorecard.floor_overall) == (0.5, 0.5, 0.6)
    assert (scorecard.min_categories, scorecard.provisional_below) == (1, 0.8)
    assert scorecard.signals[0].metrics == ("used", "there")
    assert scorecard.signals[0].options.target == 1


def test_two_categories_are_needed_unless_said_otherwise():
    text = card(
        STOCKS,
        SHARE,
        SHARE.replace("share", "b").replace('"use"', '"skill"'),
        categories=category("use") + category("skill"),
    )

    assert parse(text).min_categories == 2


def test_nodes_are_depth_first_with_their_parents():
    text = card(
        STOCKS,
        SHARE.replace("share", "last").replace('"use"', '"skill"'),
        SHARE,
        SHARE.replace("share", "more").replace("breadth", "depth"),
        categories=category("use", "breadth", "depth", weight=50) + category("skill"),
    )

    nodes = parse(text).nodes

    assert [node.id for node in nodes] == [
        "overall",
        "use",
        "use/breadth",
        "share",
        "use/depth",
        "more",
        "skill",
        "skill/breadth",
        "last",
    ]
    assert [node.parent for node in nodes] == [-1, 0, 1, 2, 1, 4, 0, 6, 7]
    assert nodes[1].weight == 50
    assert nodes[3].level == Level.SIGNAL
    assert nodes[3].signal.key == "share"


@pytest.mark.parametrize(("cadence", "lag"), [("daily", 1), ("weekly", 3), ("monthly", 7), ("quarterly", 7)])
def test_lag_follows_the_cadence(cadence, lag):
    scorecard = parse(card(STOCKS, metric("x", "stock", cadence=cadence), SHARE))

    assert scorecard.metric("x").lag == lag


def test_metric_is_read_with_its_defaults():
    used = parse(GOOD).metric("used")

    assert (used.nature, used.grain, used.cadence) == (Nature.STOCK, Grain.MONTH, Cadence.MONTHLY)
    assert (used.minimum, used.maximum, used.companion) == (0, 1e15, None)


def test_average_reads_its_companion_too():
    text = card(EVERYTHING, signal("it", "performance", metric="time", curve="linear", good=1, poor=2))

    assert parse(text).signals[0].metrics == ("time", "errors")


def test_months_reach_further_back_for_quarters():
    monthly = card(EVERYTHING, signal("it", "growth", metric="flow", variant="avg12"))
    quarterly = card(EVERYTHING, signal("it", "growth", metric="flow", variant="quarter"))

    assert parse(monthly).months == 16
    assert parse(quarterly).months == 22


@pytest.mark.parametrize(
    "leaf",
    [
        signal("it", "ratio", numerator="quarterly", denominator="stock", months=12),
        signal("it", "indicator", metric="rare", form="binary", days=365),
    ],
)
def test_months_reach_further_back_for_quarterly_metrics(leaf):
    text = card(EVERYTHING, metric("rare", "event", cadence="quarterly"), leaf)

    assert parse(text).months == 22


def test_every_kind_that_can_be_read_can_be_computed():
    assert set(READERS) == set(KINDS)


def test_indicator_has_the_default_steps():
    ternary = accepted("indicator", form="ternary", metric="event", days=365).steps
    recency = accepted("indicator", form="recency", metric="event")

    assert [next(step.points for step in ternary if step.takes(count)) for count in (0, 1, 2, 9)] == [
        0,
        50,
        100,
        100,
    ]
    assert [
        next(step.points for step in recency.steps if step.takes(days)) for days in (90, 91, 180, 181)
    ] == [100, 50, 50, 0]
    assert recency.days == 180


def test_severity_gives_the_points_of_a_deduction():
    entries = [
        {"metric": "errors", "severity": "critical"},
        {"metric": "stock", "severity": "low", "points": 9, "cap": 30},
    ]

    read = accepted("deduction", deductions=entries).deductions

    assert [(entry.points, entry.cap) for entry in read] == [(20, 100), (9, 30)]


# ---------- bands ----------


@pytest.mark.parametrize(
    ("preset", "edges"),
    [
        ("standard", {80: "Healthy", 70: "Watch", 0: "Act now"}),
        ("maturity", {75: "Leading", 60: "Established", 40: "Developing", 0: "Foundational"}),
        ("lighthouse", {90: "Good", 50: "Needs improvement", 0: "Poor"}),
    ],
)
def test_preset_of_bands(preset, edges):
    bands = parse(GOOD.replace('"standard"', f'"{preset}"')).bands

    assert {band.at_least: band.name for band in bands} == edges


def test_security_preset_has_five_bands():
    bands = parse(GOOD.replace('"standard"', '"security"')).bands

    assert [band.at_least for band in bands] == [90, 80, 70, 55, 0]


def test_own_bands_are_ordered_from_the_highest():
    own = "".join(
        table("band", key=key, name=key, at_least=edge, tone=tone)
        for key, edge, tone in [("low", 0, "act"), ("high", 60, "healthy")]
    )

    scorecard = parse(card(STOCKS, SHARE, own).replace('bands = "standard"\n', ""))

    assert [band.key for band in scorecard.bands] == ["high", "low"]
    assert scorecard.band(5950).key == "high"
    assert scorecard.band(5949).key == "low"


def test_no_number_has_no_band():
    with pytest.raises(ScoringError, match="no band"):
        parse(GOOD).band(-1)


def test_bands_that_leave_numbers_out_are_refused():
    own = table("band", key="a", name="a", at_least=10, tone="act") * 2

    found = problems(card(STOCKS, SHARE, own).replace('bands = "standard"\n', ""))

    assert found == [
        "band[2] \"a\".key: 'a' is there twice",
        "band: two bands begin at the same points",
        "band: one band must begin at 0, so that every number has a band",
    ]


def test_preset_and_own_bands_do_not_go_together():
    own = table("band", key="a", name="a", at_least=0, tone="act")

    assert problems(card(STOCKS, SHARE, own)) == [
        "scorecard.bands: give either a preset or [[band]], not both"
    ]


# ---------- refusals of the whole ----------


def test_broken_toml_is_one_problem_with_its_line():
    found = problems(GOOD + "\n[[signal\n")

    assert len(found) == 1
    assert found[0].startswith(f"line {GOOD.count(chr(10)) + 2}: not TOML")


def test_empty_file_says_what_is_missing():
    assert problems("") == [
        "scorecard: is missing",
        "category: there must be at least one category",
        "signal: there must be at least one signal",
    ]


def test_every_problem_is_reported_at_once_with_its_place():
    text = card(
        STOCKS,
        signal("sales.x", "ratio", numerator="nowhere", denominator="there", weight=0, colour="red"),
        signal("sales.y", "magic"),
    ).replace('audience = "customer"', 'audience = "everyone"')

    assert problems(text) == [
        'signal[1] "sales.x".weight: must be greater than 0, not 0',
        "signal[1] \"sales.x\".numerator: names 'nowhere', which no [[metric]] declares",
        'signal[1] "sales.x".colour: unknown key',
        f"signal[2] \"sales.y\".kind: must be one of {', '.join(READERS)}, not 'magic'",
        "scorecard.audience: must be one of customer, internal, not 'everyone'",
    ]


def test_refusal_reads_as_lines():
    with pytest.raises(ScorecardInvalid, match=r'signal\[1\] "share".weight: must be greater than 0, not -1'):
        parse(GOOD + "weight = -1\n")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('key = "small"', 'key = "Small One"', "scorecard.key: must be of lower-case"),
        ('name = "Small"', "name = 3", "scorecard.name: must be a text, not 3"),
        ('name = "Small"\n', "", "scorecard.name: is missing"),
        ("min_categories = 1", "min_categories = 2", "scorecard.min_categories: is 2 of 1 categories"),
        ("min_categories = 1", "min_categories = 0", "scorecard.min_categories: must be at least 1, not 0"),
        ("min_categories = 1", "min_categories = 1.5", "scorecard.min_categories: must be a whole number"),
        ("min_categories = 1", "min_categories = 1\nfloor_overall = 1.1", "floor_overall: must be at most 1"),
        ("min_categories = 1", "min_categories = 1\nfloor_overall = nan", "must be a finite number, not nan"),
        (
            "min_categories = 1",
            "min_categories = 1\nfloor_overall = true",
            "must be a finite number, not True",
        ),
        ("min_categories = 1", "min_categories = 1" + "0" * 400, "must be a finite number"),
        ("min_categories = 1", "min_categories = 1" + "0" * 5000, "not TOML"),
        ("min_categories = 1", "min_categories = 1\ncolor = 1", "scorecard.color: unknown key"),
        ('bands = "standard"', 'bands = "rainbow"', "scorecard.bands: must be one of standard, maturity"),
        ('definition = "d"\n', "", 'signal[1] "share".definition: is missing'),
        ('reading = "r"', 'reading = " "', 'signal[1] "share".reading: must be a text'),
        ('category = "use"', 'category = "usage"', "names 'usage', which no [[category]] declares"),
        ('subcategory = "breadth"', 'subcategory = "width"', "names 'width', which 'use' does not have"),
        (
            'kind = "ratio"',
            'kind = "ratio"\nproduct = "sales"',
            "names 'sales', which no [[product]] declares",
        ),
        ('kind = "ratio"', 'kind = "ratio"\npreview = "yes"', "preview: must be true or false, not 'yes'"),
        (
            'cadence = "monthly"',
            'cadence = "yearly"',
            'metric[1] "used".cadence: must be one of daily, weekly',
        ),
        ('cadence = "monthly"', 'cadence = "monthly"\nlag = -1', "lag: must be at least 0, not -1"),
        ('cadence = "monthly"', 'cadence = "monthly"\nmaximum = inf', "maximum: must be a finite number"),
        ('cadence = "monthly"', 'cadence = "monthly"\nminimum = 9\nmaximum = 9', "must be below the maximum"),
        ('cadence = "monthly"', 'cadence = "monthly"\ncompanion = "there"', "only a gauge is weighted"),
        ('grain = "month"', 'grain = "event"', "events, and only they, are of event grain"),
        ('grain = "month"', 'grain = "day"', "a metric of day grain must be daily, not monthly"),
    ],
)
def test_refusal_names_the_place(old, new, problem):
    assert old in GOOD

    found = problems(GOOD.replace(old, new, 1))

    assert any(problem in line for line in found), found


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        (SHARE, "signal[2] \"share\".key: 'share' is there twice"),
        (metric("used", "stock"), "metric[3] \"used\".key: 'used' is there twice"),
        (category("use"), "category[2] \"use\".key: 'use' is there twice"),
        (category("overall"), "category[2] \"overall\".key: 'overall' is the root of the tree"),
        (category("empty"), 'category[2] "empty".subcategory[1] "breadth": has no signal'),
        (category("use2", "x", "x"), 'category[2] "use2".subcategory[2] "x".key: \'x\' is there twice'),
        (table("category", key="bare", name="Bare", weight=1), "there must be at least one subcategory"),
        (SHARE.replace('"share"', '"use"', 1), 'signal[2] "use".key: a category or the root of the tree'),
        (table("product", key="p", name="P") * 2, "product[2] \"p\".key: 'p' is there twice"),
        (table("product", key="p"), 'product[1] "p".name: is missing'),
        ("[widget]\nx = 1\n", "widget: unknown key"),
        ("[[signal]]\nx = 1\n", "signal[2].key: is missing"),
    ],
)
def test_refusal_of_what_is_too_much(extra, problem):
    found = problems(GOOD + extra)

    assert any(problem in line for line in found), found


def test_metric_with_a_problem_of_its_own_blames_nobody_else():
    found = problems(GOOD.replace('nature = "stock"', 'nature = "liquid"', 1))

    assert found == ["metric[1] \"used\".nature: must be one of stock, flow, event, gauge, not 'liquid'"]


@pytest.mark.parametrize(
    "leaf",
    [
        signal("it", "ratio", numerator="hurt", denominator="there", months=3),
        signal("it", "indicator", metric="hurt", form="binary", days=30, absence_is_zero=True),
        signal("it", "indicator", metric="hurt", form="binary", at_most=0),
        signal("it", "growth", metric="hurt", variant="yoy", per="hurt", base_shift=0.1),
        signal("it", "performance", metric="hurt", curve="linear", good=1, poor=2),
        signal("it", "steps", metric="hurt", steps=[{"points": 1}]),
    ],
)
def test_options_of_a_metric_with_a_problem_are_not_judged(leaf):
    hurt = metric("hurt", "liquid")

    assert problems(card(STOCKS, hurt, SHARE, leaf)) == [
        "metric[3] \"hurt\".nature: must be one of stock, flow, event, gauge, not 'liquid'"
    ]


def test_inverse_that_is_off_may_have_a_target():
    assert accepted("ratio", numerator="stock", denominator="stock", inverse=False, target=3).target == 3


def test_companion_must_be_a_declared_flow_of_the_same_grain():
    gauge = metric("time", "gauge", "day", companion="used")

    assert problems(GOOD + gauge) == [
        "metric[3] \"time\".companion: must be a flow of day grain; 'used' is a stock of month grain"
    ]
    assert "no [[metric]] declares" in problems(GOOD + gauge.replace('"used"', '"none"'))[0]


def test_list_must_hold_tables():
    assert "product: must be a list of tables" in problems("product = 3\n" + GOOD)[0]


# ---------- refusals by kind ----------


def test_flows_need_months_and_two_stocks_refuse_them():
    assert only_problem("ratio", numerator="flow", denominator="stock") == "months: is missing"
    assert (
        only_problem("ratio", numerator="flow", denominator="flow", months=13)
        == "months: must be at most 12, not 13"
    )
    assert only_problem("ratio", numerator="stock", denominator="stock", months=3).startswith(
        "months: two stocks"
    )
    assert only_problem("ratio", numerator="quarterly", denominator="flow", months=4).startswith(
        "months: must be whole quarters"
    )


def test_ratio_is_inverse_or_has_a_target():
    pair = {"numerator": "stock", "denominator": "stock"}

    assert only_problem("ratio", **pair, inverse=True, target=2).startswith("target: inverse and target")
    assert only_problem("ratio", **pair, target=0) == "target: must be greater than 0, not 0"


def test_metric_must_be_of_a_nature_and_grain_that_fit():
    assert only_problem("ratio", numerator="event", denominator="stock") == (
        "numerator: must be: stock of month grain or flow of month grain; 'event' is: event of event grain"
    )
    assert only_problem("growth", metric="errors", variant="yoy").startswith(
        "metric: must be: stock of month grain"
    )
    assert only_problem("error", metric="flow").startswith("metric: must be: flow of day grain")
    assert only_problem("performance", metric="errors", curve="linear", good=1, poor=2).startswith(
        "metric: must be: gauge"
    )
    assert only_problem("indicator", metric="stock", form="recency").startswith("metric: must be: event")
    assert only_problem("steps", metric="event", steps=[{"points": 1}]).startswith("metric: must be: stock")
    assert only_problem("config", settings=[{"metric": "flow", "risk": "low"}]).startswith(
        'settings[1] "flow".metric'
    )


def test_growth_options_are_checked():
    assert only_problem("growth", metric="flow", variant="week").startswith("variant: must be one of")
    assert only_problem("growth", metric="flow", variant="yoy", base_shift=0.3).startswith(
        "base_shift: has no meaning"
    )
    assert only_problem("growth", metric="quarterly", variant="yoy").startswith("variant: must be quarter")
    assert only_problem("growth", metric="flow", variant="yoy", per="flow").startswith("per: must be: stock")
    assert only_problem("growth", metric="flow", variant="quarter", per="stock") == (
        "per: per goes with avg12 or yoy, not with quarter"
    )


def test_window_of_events_is_required_and_at_most_a_year():
    assert only_problem("indicator", metric="event", form="binary") == "days: is missing"
    assert (
        only_problem("indicator", metric="event", form="binary", days=366)
        == "days: must be at most 365, not 366"
    )
    assert only_problem("indicator", metric="event", form="recency", days=30) == "days: unknown key"
    assert only_problem("indicator", metric="stock", form="binary", days=30) == "days: unknown key"


def test_indicator_options_are_checked():
    assert only_problem("indicator", metric="stock", form="binary", absence_is_zero=True).startswith(
        "absence_is_zero: only"
    )
    assert only_problem("indicator", metric="stock", form="binary", at_least=1, at_most=2).startswith(
        "at_most: at_least and"
    )
    assert (
        only_problem("indicator", metric="event", form="binary", days=9, at_least=2)
        == "at_least: unknown key"
    )
    assert only_problem("indicator", metric="event", form="recency", steps=[{"points": 5}]).startswith(
        "steps: recency needs"
    )
    too_far = [{"at_most": 400, "points": 5}, {"points": 0}]
    assert only_problem("indicator", metric="event", form="recency", steps=too_far).startswith(
        "steps: edges of recency"
    )


def test_window_of_days_must_hold_its_minimum():
    assert only_problem("error", metric="errors", days=14) == "min_days: may not exceed days: 20 of 14"
    assert only_problem("error", metric="errors", days=31) == "days: must be at most 30, not 31"
    assert accepted("error", metric="errors", days=14, min_days=14).min_days == 14


def test_rate_and_per_go_together_and_not_with_a_tolerance():
    assert only_problem("error", metric="errors", rate=0.1) == "per: rate and per go together"
    assert only_problem("error", metric="errors", per="errors") == "rate: rate and per go together"
    assert only_problem("error", metric="errors", per="errors", rate=0, tolerance=1).startswith(
        "tolerance: tolerance and"
    )


def test_curves_have_possible_thresholds():
    lognormal = {"metric": "time", "curve": "lognormal"}

    assert only_problem("performance", **lognormal, p10=3000, median=1500) == (
        "p10: must be less than the median: 3000 and 1500"
    )
    assert (
        only_problem("performance", **lognormal, p10=0, median=1500) == "p10: must be greater than 0, not 0"
    )
    assert only_problem("performance", metric="time", curve="linear", good=5, poor=5).startswith(
        "good: good and poor"
    )
    assert only_problem("performance", **lognormal, p10=1, median=2, good=5) == "good: unknown key"
    assert (
        only_problem("linear", metric="stock", good=5, poor=5)
        == "good: good and poor must differ: both are 5"
    )


def test_settings_are_checked():
    def setting(**more):
        return only_problem("config", settings=[{"metric": "stock", "risk": "high"} | more])

    assert setting(risk="deadly").startswith('settings[1] "stock".risk: must be one of high, medium, low')
    assert setting(worst=1) == 'settings[1] "stock".best: worst and best go together'
    assert setting(worst=1, best=1) == 'settings[1] "stock".best: worst and best must differ: both are 1'
    assert setting(colour=1) == 'settings[1] "stock".colour: unknown key'
    twice = [{"metric": "stock", "risk": "high"}] * 2
    assert only_problem("config", settings=twice) == "settings[2] \"stock\".metric: 'stock' is there twice"
    assert only_problem("config", settings=[]) == "settings: must hold at least one setting"


def test_deductions_are_checked():
    def deduction(**more):
        return only_problem("deduction", deductions=[{"metric": "stock"} | more])

    assert deduction() == 'deductions[1] "stock".points: is missing'
    assert deduction(severity="mild").startswith('deductions[1] "stock".severity: must be one of critical')
    assert deduction(points=0) == 'deductions[1] "stock".points: must be greater than 0, not 0'
    assert only_problem("deduction", deductions=[]) == "deductions: must hold at least one deduction"


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([], "steps: must hold at least one step"),
        ([{"at_least": 1, "points": 5}], "steps[1].at_least: the last step must have no edge"),
        (
            [{"points": 5}, {"points": 0}],
            "steps[1]: needs exactly one edge of at_least, more_than, at_most, less_than",
        ),
        ([{"at_least": 1, "at_most": 2, "points": 5}, {"points": 0}], "steps[1]: needs exactly one edge"),
        ([{"at_least": 1, "points": 101}, {"points": 0}], "steps[1].points: must be at most 100, not 101"),
        (
            [{"at_least": 1, "points": 9}, {"at_least": 2, "points": 8}, {"points": 0}],
            "steps[2]: can never be reached",
        ),
        (
            [{"at_least": 1, "points": 9}, {"less_than": 1, "points": 8}, {"points": 0}],
            "steps[3]: can never be reached",
        ),
        ([{"at_least": 1, "points": 9, "x": 1}, {"points": 0}], "steps[1].x: unknown key"),
    ],
)
def test_steps_are_checked(steps, problem):
    assert only_problem("steps", metric="stock", steps=steps).startswith(problem)


def test_step_between_two_edges_can_be_reached():
    steps = [{"more_than": 1, "points": 9}, {"less_than": 1, "points": 8}, {"points": 0}]

    assert len(accepted("steps", metric="stock", steps=steps).steps) == 3
