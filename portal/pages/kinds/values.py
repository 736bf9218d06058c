"""Configuration, deductions, steps and scales in words: kinds that read what was last reported."""

from django.utils.html import format_html

from portal.pages.kinds.said import Case, Told, measure, nothing_known, of_value, result, steps_in_words
from portal.templatetags.scores import in_full, plural
from scoring.engine.options import ConfigOptions, DeductionOptions, LinearOptions, StepsOptions

RISKS = "high risk counts 3, medium 2, low 1"


def config(case: Case, options: ConfigOptions) -> Told:
    count = sum(setting.weight > 0 for setting in options.settings)
    kind = f"Configuration: how far {plural(count, 'setting')} meet the baseline; {RISKS}."
    if not case.has("passed", "total"):
        return nothing_known(kind)
    met, total = case.number("passed"), case.number("total")
    seen = sum(each.weight > 0 and case.has(f"setting:{each.metric}") for each in options.settings)
    some = f", from the {seen} of {plural(count, 'setting')} that reported" if seen < count else ""
    inputs = f"{in_full(met)} of {in_full(total)} risk points are met{some}."
    formula = f"{in_full(met)} / {in_full(total)} × 100"
    return Told(
        f"{in_full(met)} / {in_full(total)} risk points met",
        kind,
        inputs,
        format_html("<code>{} = {}</code>{}", formula, *result(case)),
    )


def deduction(case: Case, options: DeductionOptions) -> Told:
    kind = "Deduction: starts at 100; each finding takes points by its severity, up to a cap."
    if not case.has("deducted"):
        return nothing_known(kind)
    found = [
        f"{in_full(case.number(name))} {each.severity}"
        for each in options.deductions
        if case.has(name := f"count:{each.metric}") and case.number(name)
    ]
    taken = case.number("deducted")
    formula = f"100 − {in_full(taken)}"
    return Told(
        f"{plural(taken, 'point')} taken",
        kind,
        f"Found: {', '.join(found) or 'nothing'}.",
        format_html("<code>{} = {}</code>{}", formula, *result(case)),
    )


def steps(case: Case, options: StepsOptions) -> Told:
    unit = case.unit(options.metric)
    return of_value(case, f"Steps: {steps_in_words(options.steps, unit)}.", unit)


def linear(case: Case, options: LinearOptions) -> Told:
    unit = case.unit(options.metric)
    good, poor = measure(options.good, unit), measure(options.poor, unit)
    return of_value(case, f"Scale: {good} scores 100, {poor} scores 0, even steps between.", unit)
