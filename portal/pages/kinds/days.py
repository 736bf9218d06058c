"""Indicators, error-free days and performance in words: kinds that look at days."""

from django.utils.html import format_html

from portal.pages.kinds.said import (
    Case,
    Told,
    lowered,
    measure,
    nothing_known,
    of_value,
    plain,
    result,
    steps_in_words,
    window,
)
from portal.templatetags.scores import day_of, in_full, month_of, plural
from scoring.engine.options import Curve, ErrorOptions, Form, IndicatorOptions, PerformanceOptions


def indicator(case: Case, options: IndicatorOptions) -> Told:
    unit = case.unit(options.metric)
    if not options.days and options.form != Form.RECENCY:
        return _state_of(case, options, unit)
    if options.form == Form.RECENCY:
        return _recency(case, options, unit)
    gives = steps_in_words(options.steps, "")
    kind = f"Indicator: how often it happened in the last {options.days} days. {gives}."
    if options.form == Form.BINARY:
        kind = f"Indicator: whether it happened in the last {options.days} days. Yes scores 100, no 0."
    if not case.has("value"):
        return nothing_known(kind)
    count = case.number("value")
    times = "never" if count == 0 else "once" if count == 1 else f"on {in_full(count)} days"
    last = f", last on {day_of(case.number('last_event'))}" if count and case.has("last_event") else ""
    short = f"In the last {options.days} days: {times}"
    if options.form == Form.BINARY:
        short = f"In the last {options.days} days: {'yes' if count else 'no'}"
    return Told(short, kind, f"{times.capitalize()}{window(case)}{last}.", plain(case))


def _recency(case: Case, options: IndicatorOptions, unit: str) -> Told:
    kind = f"Indicator: how long ago it last happened. {steps_in_words(options.steps, 'day')}."
    if case.has("last_event", "value"):
        since, last = plural(case.number("value"), "day"), day_of(case.number("last_event"))
        until = f" before {day_of(case.number('window_end'))}" if case.has("window_end") else " ago"
        return Told(
            f"{since} since the last, on {last}", kind, f"Last on {last}, {since}{until}.", plain(case)
        )
    if case.reading.points is not None:
        return Told("Not in the window", kind, f"Not once{window(case)}.", plain(case))
    return nothing_known(kind)


def _state_of(case: Case, options: IndicatorOptions, unit: str) -> Told:
    kind = f"Indicator: a state as last reported. {steps_in_words(options.steps, unit)}."
    return of_value(case, kind, unit)


def error(case: Case, options: ErrorOptions) -> Told:
    clean = _clean(case, options)
    kind = f"Days: the share of the last {options.days} {clean}. Days without telemetry are left out."
    if options.streak:
        kind = f"Days: how many in a row {clean}; {options.days} or more score 100."
    if not case.has("clean_days", "observed_days"):
        return nothing_known(kind)
    good, seen = case.number("clean_days"), case.number("observed_days")
    short = (
        f"{plural(good, 'day')} in a row"
        if options.streak
        else f"{in_full(good)} of {plural(seen, 'day')} clean"
    )
    formula = f"{in_full(good)} / {options.days if options.streak else in_full(seen)} × 100"
    inputs = f"{plural(good, 'clean day')} of {in_full(seen)} with telemetry{window(case)}."
    return Told(short, kind, inputs, format_html("<code>{} = {}</code>{}", formula, *result(case)))


def _clean(case: Case, options: ErrorOptions) -> str:
    """What makes a day a clean one."""
    if options.rate is not None:
        return f"with errors on at most {in_full(100 * options.rate)}% of {case.unit(options.per or '')}"
    if options.tolerance:
        metric = case.metric(options.metric)
        return f"on which {lowered(metric.name)} stayed within {measure(options.tolerance, metric.unit)}"
    return "without errors"


def performance(case: Case, options: PerformanceOptions) -> Told:
    unit = case.unit(options.metric)
    kind = f"Performance: the average of the last complete month, {_curve(options, unit)}."
    if not case.has("average"):
        return nothing_known(kind)
    average = case.number("average")
    text = measure(round(average) if abs(average) >= 100 else average, unit)
    when = f" in {month_of(case.number('month'))}" if case.has("month") else ""
    seen = f", from {plural(case.number('observed_days'), 'day')}" if case.has("observed_days") else ""
    score = format_html("<code>{}</code> gives <code>{}</code>{}", text, *result(case))
    return Told(
        f"{text} on average", kind, f"{text} on average{when}{seen}{_weighted(case, options)}.", score
    )


def _weighted(case: Case, options: PerformanceOptions) -> str:
    companion = case.metric(options.metric).companion
    if not companion or not case.has("weight"):
        return ""
    return f", weighted by {in_full(case.number('weight'))} {case.unit(companion)}"


def _curve(options: PerformanceOptions, unit: str) -> str:
    if options.curve == Curve.STEPS:
        return f"in steps. {steps_in_words(options.steps, unit)}"
    low, high = measure(options.low, unit), measure(options.high, unit)
    if options.curve == Curve.LINEAR:
        return f"on a line where {low} scores 100 and {high} scores 0"
    return f"on a curve where {low} scores 90 and {high} scores 50"
