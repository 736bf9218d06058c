"""Ratio and growth in words: kinds that compare numbers of months."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.pages.kinds.said import Case, Told, about, as_of, nothing_known, result
from portal.templatetags.scores import in_full, month_of, quantity
from scoring.engine import Nature
from scoring.engine.options import GrowthOptions, RatioOptions, Variant

AGAINST = {
    Variant.AVG12: "{} a month on average over the 12 months before",
    Variant.YOY: "{} in the same month a year before",
    Variant.QUARTER: "{} a quarter on average over the four quarters before",
}
OF_VARIANT = {
    Variant.AVG12: ("average", "the average of the 12 months before it"),
    Variant.YOY: ("a year before", "the same month a year before"),
    Variant.QUARTER: ("quarterly average", "the average of the four quarters before it"),
}


def ratio(case: Case, options: RatioOptions) -> Told:
    kind = "Ratio: what is there as a share of what there could be. All of it scores 100."
    if options.inverse:
        kind = "Ratio, turned round: the smaller the share, the higher the score. None of it scores 100."
    if options.target != 1:
        kind = f"Ratio against a target of {in_full(options.target)} for each. Reaching it scores 100."
    if not case.has("numerator", "denominator"):
        return nothing_known(kind)
    part, of = case.number("numerator"), case.number("denominator")
    left, right = case.unit(options.numerator), case.unit(options.denominator)
    short = (
        f"{quantity(part)} / {quantity(of)} {right}"
        if left == right
        else (f"{quantity(part)} {left} / {quantity(of)} {right}")
    )
    span = _months(case, options.months)
    inputs = f"{in_full(part)} of {in_full(of)} {right}{span}."
    if left != right:
        is_mean = options.months and case.metric(options.denominator).nature is Nature.STOCK
        inputs = f"{in_full(part)} {left}; {in_full(of)} {right}{' on average' if is_mean else ''}{span}."
    return Told(f"{short}{_span_short(options.months)}", kind, inputs, _ratio_score(case, options, part, of))


def _ratio_score(case: Case, options: RatioOptions, part: float, of: float) -> SafeString:
    if of <= 0:
        return SafeString()
    total = of * options.target
    below = f"({in_full(of)} × {in_full(options.target)})" if options.target != 1 else in_full(of)
    division = f"{in_full(part)} / {below} {about(part, total)}"
    if options.inverse:
        return format_html("<code>{}</code>, <code>(1 − that) × 100 = {}</code>{}", division, *result(case))
    if part > total:
        return format_html("<code>{}</code>: more than all of it, which counts as <b>100</b>", division)
    return format_html("<code>{}</code>, <code>× 100 = {}</code>{}", division, *result(case))


def _months(case: Case, months: int | None) -> str:
    if months is None or not case.has("month"):
        return as_of(case)
    window = int(case.number("months_window")) if case.has("months_window") else months
    until = month_of(case.number("month"))
    if window == 1:
        return f" in {until}"
    known = int(case.number("months_known")) if case.has("months_known") else window
    some = f", {known} of them known" if known < window else ""
    return f" over the {window} months up to {until}{some}"


def _span_short(months: int | None) -> str:
    return f" in {months} months" if months and months > 1 else ""


def growth(case: Case, options: GrowthOptions) -> Told:
    base_short, base = OF_VARIANT[options.variant]
    current = "the last complete quarter" if options.variant == Variant.QUARTER else "the last complete month"
    per = f", per unit of {case.unit(options.per)}" if options.per else ""
    kind = f"Growth: {current} compared with {base}{per}. Standing still scores 50, doubling or more 100."
    if not case.has("numerator", "denominator"):
        return nothing_known(kind)
    now, before = case.number("numerator"), case.number("denominator")
    unit = case.unit(options.metric)
    when = month_of(case.number("month")) if case.has("month") else "the last month"
    when = f"the quarter up to {when}" if options.variant == Variant.QUARTER else when
    against = AGAINST[options.variant].format(in_full(before))
    inputs = f"{in_full(now)} {unit}{per} in {when}; {against}{_base_known(case)}."
    short = f"{quantity(now)} / {quantity(before)} {base_short} × 50"
    return Told(short, kind, inputs, _growth_score(case, now, before))


def _growth_score(case: Case, now: float, before: float) -> SafeString:
    if before <= 0:
        return (
            format_html("Nothing before, and {} now: counts as <b>100</b>", in_full(now))
            if now > 0
            else SafeString()
        )
    division = f"{in_full(now)} / {in_full(before)} {about(now, before)}"
    if now > 2 * before:
        return format_html("<code>{}</code>: more than double, which counts as <b>100</b>", division)
    cutting = " (cut, not rounded)" if "≈" in division else ""
    return format_html("<code>{}</code>{}, <code>× 50 = {}</code>{}", division, cutting, *result(case))


def _base_known(case: Case) -> str:
    if not case.has("months_known", "months_base"):
        return ""
    known, base = case.number("months_known"), case.number("months_base")
    return f" ({in_full(known)} of {in_full(base)} months known)" if known < base else ""
