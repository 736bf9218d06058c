#!/usr/bin/env python3
"""Checks a score receipt of Cairn without Cairn: python3 verify_receipt.py receipt.json

Needs Python 3.8 or newer and nothing else: no package, no network, no account. It reads the numbers that were
measured from the receipt, works every signal and everything above it out again, and compares. It was written
from the scoring specification, not from the portal's code. It ends with 0 if all is equal, else with 1.

What it shows: that these numbers and these rules give this score, and that nobody changed the file since it
was made. What it cannot show: that the numbers were measured right. The receipt names the source of each.
"""

import hashlib
import json
import math
import sys
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

FORMAT = "cairn-receipt/1"
NEAR = 1e-9  # two ways to compute the same number may differ in the last bits

OK, GRACE, MISSING, INVALID = "OK", "STALE_GRACE", "MISSING", "INVALID"
SHORT, NOTHING, EXEMPT = "INSUFFICIENT_HISTORY", "NOT_APPLICABLE", "EXEMPT"
PROVISIONAL, TOO_LITTLE, SETTING_UP = "PROVISIONAL", "INSUFFICIENT_DATA", "SETTING_UP"

PERIOD = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92}  # days until the next value
GRACE_DAYS = {"daily": 3, "weekly": 7, "monthly": 31, "quarterly": 92}
RISK = {"high": 3, "medium": 2, "low": 1, "informational": 0}


class Broken(Exception):
    """The file is not a receipt that can be checked; says why."""


# ---------- reading the file ----------


def canonical_bytes(document):
    """The one way to write a document down: keys in order, no spaces, plain ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def load(raw):
    """The document in these bytes, whole and unchanged since it was made."""
    try:
        document = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Broken(f"this is not a JSON file: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Broken(f"this is not a receipt of the format {FORMAT}")
    said = document.get("sha256")
    body = {key: value for key, value in document.items() if key != "sha256"}
    made = hashlib.sha256(canonical_bytes(body)).hexdigest()
    if said != made:
        raise Broken(f"the file was changed: its SHA-256 is {made}, it says {said}")
    if canonical_bytes(document) != raw:
        raise Broken("the file was written anew: the numbers are whole, but not byte for byte as handed out")
    return document


def number(text):
    """A number, which a receipt writes as text so that no program rounds it."""
    if not isinstance(text, str):
        raise Broken(f"{text!r} should be a number written as text")
    try:
        value = float(text)
    except ValueError as error:
        raise Broken(f"{text!r} is not a number") from error
    if not math.isfinite(value):
        raise Broken(f"{text!r} is not a finite number")
    return value


def optional(text):
    return None if text is None else number(text)


def whole(text):
    value = number(text)
    if value != int(value):
        raise Broken(f"{text!r} should be a whole number")
    return int(value)


def day_number(text):
    """A day as a count of days, so that days can be added and compared."""
    try:
        return date(int(text[0:4]), int(text[5:7]), int(text[8:10])).toordinal()
    except (TypeError, ValueError) as error:
        raise Broken(f"{text!r} is not a day") from error


# ---------- months ----------


def month_of(day):
    """The month of a day as a count of months."""
    that = date.fromordinal(day)
    return that.year * 12 + that.month - 1


def start_of(month):
    return date(month // 12, month % 12 + 1, 1).toordinal()


def end_of(month):
    return start_of(month + 1) - 1


def period_end(month, step):
    """The last month of the period of `step` months that a month is in."""
    return month + (-(month + 1)) % step


# ---------- what was measured ----------


class Metric:
    """One measured quantity: how it behaves, its numbers, and the spans its source called complete."""

    def __init__(self, key, told, today, first_month, first_day):
        self.key, self.today = key, today
        self.first_month, self.first_day = first_month, first_day
        self.nature, self.grain, self.cadence = told["nature"], told["grain"], told["cadence"]
        if self.cadence not in PERIOD:
            raise Broken(f"metric {key}: unknown cadence {self.cadence!r}")
        self.lag, self.lowest = whole(told["lag"]), min(0.0, number(told["minimum"]))
        self.companion = told["companion"]
        self.values = {}
        for each in told["values"]:
            day = day_number(each["day"])
            if day in self.values:
                raise Broken("metric {}: two values of {}".format(key, each["day"]))
            self.values[day] = number(each["value"])
        self.kept = self.by_month()
        self.spans = []  # in order, those that touch made one
        spans = [(day_number(each["from"]), day_number(each["to"])) for each in told["complete"]]
        for first, last in sorted((first, min(last, today)) for first, last in spans):
            if self.spans and first <= self.spans[-1][1] + 1:
                self.spans[-1] = (self.spans[-1][0], max(self.spans[-1][1], last))
            elif first <= last:
                self.spans.append((first, last))

    def is_declared(self, day):
        return any(first <= day <= last for first, last in self.spans)

    # Lateness: 0 in time, 1 in grace, 2 too old or never there.

    def late_since_day(self, day):
        """For stocks, days and daily or weekly events: counted from the newest day."""
        if day is None:
            return 2
        due = day + PERIOD[self.cadence] + self.lag
        return 0 if self.today <= due else 1 if self.today <= due + GRACE_DAYS[self.cadence] else 2

    def late_since_month(self, month, step):
        """For flows and gauges of months: the next period is due at its end plus the lag."""
        if month is None:
            return 2
        if self.today <= end_of(month + step) + self.lag:
            return 0
        return 1 if self.today <= end_of(month + 2 * step) + self.lag else 2

    def late_since_declared(self, day):
        if day is None or self.cadence in ("daily", "weekly"):
            return self.late_since_day(day)
        step = 3 if self.cadence == "quarterly" else 1
        return self.late_since_month(period_end(month_of(day + 1), step) - step, step)

    # Stocks: of each month the newest number is kept, with its day; it counts from that day on.

    def by_month(self):
        kept = {}
        for day in sorted(self.values):
            kept[month_of(day)] = (day, self.values[day])
        return {month: pair for month, pair in kept.items() if pair[0] <= self.today}

    def newest(self):
        """Day and value of the newest number of a stock; (None, None) without one."""
        return self.kept[max(self.kept)] if self.kept else (None, None)

    def carried(self, month):
        """A stock as of the end of a month: an earlier number stands in until its grace has ended."""
        before = [pair for at, pair in sorted(self.kept.items()) if at <= month]
        if not before:
            return None
        day, value = before[-1]
        reach = PERIOD[self.cadence] + self.lag + GRACE_DAYS[self.cadence]
        return value if month_of(day) == month or min(end_of(month), self.today) <= day + reach else None

    # Flows and gauges of month grain.

    def by_period(self, step):
        """The last month of each ended period and its number, None for unknown."""
        sums = {}
        for day, value in self.values.items():
            sums.setdefault(month_of(day), []).append(value)
        result = {}
        for end in ended(self.today, self.first_month, step):
            months = range(end - step + 1, end + 1)
            seen = [sums[month] for month in months if month in sums]
            if self.nature == "gauge":
                means = [math.fsum(values) / len(values) for values in seen]
                enough = bool(means) if self.cadence == "quarterly" else len(means) == step
                result[end] = math.fsum(means) / len(means) if enough else None
                continue
            whole_month = [self.month_declared(month) for month in months]
            known = [month in sums or done for month, done in zip(months, whole_month)]
            enough = bool(seen) or all(whole_month) if self.cadence == "quarterly" else all(known)
            result[end] = math.fsum(value for values in seen for value in values) if enough else None
        return result

    def month_declared(self, month):
        return any(first <= start_of(month) and end_of(month) <= last for first, last in self.spans)

    # Days.

    def on(self, day):
        """The number of one day; 0 for a flow where its source called the day complete."""
        value = self.values.get(day)
        if value is None and self.nature == "flow" and self.is_declared(day):
            return 0.0
        return value

    # Events.

    def event_days(self):
        return sorted(day for day, value in self.values.items() if value > 0 and day <= self.today)

    def newest_run(self):
        """The first declared day; first and last day of the newest declared span without a gap."""
        return (self.spans[0][0], *self.spans[-1]) if self.spans else (None, None, None)


def ended(today, first_month, step):
    """The last months of all periods that ended by today, oldest first."""
    newest = month_of(today)
    if end_of(newest) > today:
        newest -= 1
    newest -= (newest + 1) % step
    count = max(0, (newest - first_month + 1) // step)
    return [newest - step * back for back in range(count - 1, -1, -1)]


# ---------- curves ----------


def clamp(value, low=0.0, high=100.0):
    return max(low, min(high, value))


def on_line(value, good, poor):
    return 100 * clamp((poor - value) / (poor - good), 0.0, 1.0)


def on_steps(steps, value):
    for step in steps:
        edge = step.get("edge")
        compare = step["compare"]
        if compare == "else":
            return number(step["points"])
        edge = number(edge)
        fits = {
            "at_least": value >= edge,
            "more_than": value > edge,
            "at_most": value <= edge,
            "less_than": value < edge,
        }
        if compare not in fits:
            raise Broken(f"unknown edge {compare!r}")
        if fits[compare]:
            return number(step["points"])
    raise Broken(f"no step takes {value!r}")


# ---------- one signal ----------


class Result:
    """What a signal comes to."""

    def __init__(self, state, points=None, flags=(), base=None, figures=None):
        self.state, self.flags, self.base = state, sorted(flags), base
        self.points = points if state in (OK, GRACE) else None
        self.figures = figures if self.points is not None and figures else {}


def decide(late, missing=False, invalid=False, short=False, nothing=False):
    """The first state that fits, in the order of the specification."""
    if late >= 2 or missing:
        return MISSING
    if invalid:
        return INVALID
    if short:
        return SHORT
    if nothing:
        return NOTHING
    return GRACE if late == 1 else OK


def ratio(options, metrics, today, contract):
    part, whole_ = metrics[options["numerator"]], metrics[options["denominator"]]
    months, month = optional(options["months"]), None
    flags, missing, short = set(), False, False
    if months is None:
        (part_day, n), (whole_day, d) = part.newest(), whole_.newest()
        late = max(part.late_since_day(part_day), whole_.late_since_day(whole_day))
        negative = (n is not None and n < 0) or (d is not None and d < 0)
    else:
        found = over_months(part, whole_, int(months), today, contract)
        if found is None:
            return Result(MISSING)
        n, d, late, missing, short, negative, changed, month = found
        if changed:
            flags.add("DENOMINATOR_CHANGED")
    raw = None
    if n is not None and d is not None and d > 0:
        share = 100 * n / d
        raw = 100 - share if options["inverse"] else share / number(options["target"])
        if raw > 100 and not options["inverse"]:
            flags.add("OVER_100")
    empty = d == 0 and n is not None
    state = decide(late, missing, negative or (empty and n > 0), short, empty and n == 0)
    points = None if raw is None else clamp(raw)
    figures = {"numerator": n, "denominator": d, "raw": raw, "month": month}
    return Result(state, points, flags if state in (OK, GRACE) else (), None, figures)


def over_months(part, whole_, months, today, contract):
    """Sums of flows and means of stocks over the same months; None if no month has all flows."""
    pair = (part, whole_)
    flows = [metric for metric in pair if metric.nature != "stock"]
    step = 3 if any(metric.cadence == "quarterly" for metric in flows) else 1
    periods = ended(today, part.first_month, step)
    by = {}
    for metric in pair:
        if metric.nature == "stock":
            by[metric.key] = {
                end: [metric.carried(month) for month in range(end - step + 1, end + 1)] for end in periods
            }
        else:
            by[metric.key] = {end: [value] for end, value in metric.by_period(step).items()}
    known = {
        metric.key: [end for end in periods if any(v is not None for v in by[metric.key][end])]
        for metric in pair
    }
    common = [end for end in periods if all(end in known[metric.key] for metric in flows)]
    if not common:
        return None
    last = common[-1]
    first, cut = last - months + step, False
    if contract is not None and period_end(month_of(contract), step) > first:
        first, cut = period_end(month_of(contract), step), True
    counted = [
        end for end in periods if first <= end <= last and end in known[part.key] and end in known[whole_.key]
    ]
    window = max((last - first) // step + 1, 0)
    values = {
        metric.key: [v for end in counted for v in by[metric.key][end] if v is not None] for metric in pair
    }
    late = 0
    for metric in pair:
        if metric.nature == "stock":
            late = max(late, metric.late_since_day(metric.newest()[0]))
        else:
            until = last
            while until + step in known[metric.key]:
                until += step
            late = max(late, metric.late_since_month(until, step))
    n, d = (total(metric, values[metric.key]) for metric in pair)
    negative = any(value < 0 for metric in pair for value in values[metric.key])
    stock = whole_.nature == "stock" and values[whole_.key]
    changed = bool(stock) and max(values[whole_.key]) > min(values[whole_.key])
    short = cut and (today - contract < 28 or window == 0)
    return n, d, late, 2 * len(counted) < window, short, negative, changed, last


def total(metric, values):
    if not values:
        return None
    return math.fsum(values) / len(values) if metric.nature == "stock" else math.fsum(values)


BASES = {"avg12": (12, 12, 3, 1), "yoy": (12, 1, 1, 1), "quarter": (4, 4, 1, 3)}  # back, size, fewest, months


def growth(options, metrics, today, contract):
    metric = metrics[options["metric"]]
    if options["variant"] not in BASES:
        raise Broken("unknown variant {!r}".format(options["variant"]))
    back, size, fewest, step = BASES[options["variant"]]
    per = metrics[options["per"]] if options["per"] else None
    numbers = growing(metric, step, today)
    ends = sorted(numbers)
    seats = {end: per.carried(end) for end in ends} if per else None
    values = numbers
    if seats is not None:
        values = {end: quotient(numbers[end], seats[end]) for end in ends}
    looked_at = numbers if metric.nature == "stock" else values
    known = [end for end in ends if looked_at[end] is not None]
    if not known:
        return Result(MISSING, base=(0, size))
    last = known[-1]
    base = [last - step * (back - at) for at in range(size)]
    in_base = [end for end in base if values.get(end) is not None]
    now, count = values[last], len(in_base)
    before = math.fsum(values[end] for end in in_base) / count if count else None
    full_of_nothing = before == 0 and count == size
    rose = full_of_nothing and now is not None and now > 0
    dormant = full_of_nothing and now == 0
    raw = 50 * now / before if now is not None and before is not None and before > 0 else None
    late = growth_lateness(metric, per, last, step)
    read = [numbers] if seats is None else [numbers, seats]
    negative = any(each.get(end) is not None and each[end] < 0 for each in read for end in [*base, last])
    state = decide(
        late, now is None, negative, count < fewest or (before == 0 and not full_of_nothing), dormant
    )
    flags = set()
    if state in (OK, GRACE):
        if rose:
            flags.add("FROM_ZERO")
        if seats is not None and in_base and seats[last] is not None:
            mean = math.fsum(seats[end] for end in in_base) / count
            if abs(seats[last] - mean) >= number(options["base_shift"]) * mean * (1 - NEAR):
                flags.add("BASE_SHIFT")
    if state == NOTHING:
        flags.add("DORMANT")
    points = 100.0 if rose else None if raw is None else clamp(raw)
    figures = {"numerator": now, "denominator": before, "raw": raw, "month": last}
    return Result(state, points, flags, (count, size), figures)


def growing(metric, step, today):
    """Numbers by period; of a stock the newest in each, also of the month that still runs."""
    if metric.nature != "stock":
        return metric.by_period(step)
    kept = metric.kept
    if step == 1:
        months = range(metric.first_month, month_of(today) + 1)
        return {month: kept[month][1] if month in kept else None for month in months}
    result = {}
    for end in ended(today, metric.first_month, step):
        inside = [kept[month][1] for month in range(end - step + 1, end + 1) if month in kept]
        result[end] = inside[-1] if inside else None
    return result


def quotient(part, whole_):
    return None if part is None or whole_ is None or whole_ == 0 else part / whole_


def growth_lateness(metric, per, last, step):
    late = metric.late_since_month(last, step)
    if metric.nature == "stock":
        by_day = metric.late_since_day(metric.newest()[0])
        late = max(late, by_day) if step == 3 else by_day
    return max(late, per.late_since_day(per.newest()[0])) if per else late


def indicator(options, metrics, today, contract):
    metric = metrics[options["metric"]]
    if metric.nature == "stock":
        day, value = metric.newest()
        if value is None:
            return Result(MISSING)
        state = decide(metric.late_since_day(day), invalid=value < metric.lowest)
        return Result(state, on_steps(options["steps"], value), figures={"value": value})
    earliest, start, until = metric.newest_run()
    late = metric.late_since_declared(until)
    end = until if late < 2 else today
    first = end - whole(options["days"])
    happened = [day for day in metric.event_days() if day >= first]
    figures = {"window_start": first, "window_end": end}
    recency = options["form"] == "recency"
    if happened:
        value = max(end - happened[-1], 0) if recency else len(happened)
        return Result(OK, on_steps(options["steps"], value), figures=dict(figures, value=value))
    reaches = until is not None and until >= end
    throughout = reaches and start <= first and first >= start_of(metric.first_month)
    newer = reaches and start == earliest and start > first
    absent = throughout or (options["absence_is_zero"] and late < 2)
    state = decide(late if absent or newer else 2, short=not throughout and newer)
    points = on_steps(options["steps"], math.inf if recency else 0)
    return Result(state, points, figures=dict(figures, value=None if recency else 0))


def stalest(read, known, last):
    """Lateness of the stalest of several daily inputs, each known up to its next gap."""
    late = 0
    for metric, days in zip(read, known):
        until = last
        while until is not None and until + 1 in days:
            until += 1
        late = max(late, metric.late_since_day(until))
    return late


def error(options, metrics, today, contract):
    metric = metrics[options["metric"]]
    per = metrics[options["per"]] if options["per"] else None
    length = whole(options["days"])
    window = range(today - length + 1, today + 1)
    errors = {day: metric.on(day) for day in window}
    known = [{day for day in window if errors[day] is not None}]
    allowed = dict.fromkeys(window, number(options["tolerance"]))
    if per:
        asked = {day: per.on(day) for day in window}
        known.append({day for day in window if asked[day] is not None})
        for day in known[1]:
            allowed[day] = -1.0 if asked[day] < 0 else number(options["rate"]) * asked[day] * (1 + NEAR)
    observed = sorted(set.intersection(*known))
    clean = [day for day in observed if errors[day] <= allowed[day]]
    dirty = [day for day in observed if errors[day] > allowed[day]]
    if options["streak"]:
        clean = [day for day in clean if not dirty or day > dirty[-1]]
    late = stalest([metric, per] if per else [metric], known, observed[-1] if observed else None)
    invalid = any(errors[day] < 0 or allowed[day] < 0 for day in observed)
    state = decide(late, len(observed) < whole(options["min_days"]), invalid)
    points = 100 * len(clean) / (length if options["streak"] else max(len(observed), 1))
    figures = {
        "clean_days": len(clean),
        "observed_days": len(observed),
        "window_start": window[0],
        "window_end": today,
    }
    return Result(state, points, figures=figures)


def performance(options, metrics, today, contract):
    metric = metrics[options["metric"]]
    weigher = metrics[metric.companion] if metric.companion else None
    month = month_of(today) - (1 if end_of(month_of(today)) > today else 0)
    first, last_day = start_of(month), end_of(month)
    days = range(first, today + 1)
    values = {day: metric.on(day) for day in days}
    if weigher:
        weights = {day: weigher.on(day) for day in days}
    else:
        weights = {day: None if values[day] is None else 1.0 for day in days}
    observed = [d for d in days if weights[d] is not None and (values[d] is not None or weights[d] == 0)]
    known = [{day for day in days if values[day] is not None}]
    if weigher:
        known.append({day for day in days if weights[day] is not None})
    late = stalest([metric, weigher] if weigher else [metric], known, observed[-1] if observed else None)
    counted = [day for day in observed if day <= last_day]
    weight = math.fsum(weights[day] for day in counted)
    mean = None
    if weight > 0:
        mean = math.fsum((values[day] or 0.0) * weights[day] for day in counted) / weight
    invalid = any(weights[d] < 0 or (values[d] is not None and values[d] < 0) for d in counted)
    invalid = invalid or (mean is not None and mean <= 0)
    state = decide(late, len(counted) < whole(options["min_days"]), invalid, nothing=weight == 0)
    points = None if mean is None or mean <= 0 else on_curve(options, mean)
    figures = {"average": mean, "weight": weight, "observed_days": len(counted), "month": month}
    return Result(state, points, figures=figures)


def on_curve(options, mean):
    if options["curve"] == "lognormal":
        low, median = number(options["low"]), number(options["high"])
        z = math.log(mean / median) * 0.9061938024368232 / -math.log(low / median)
        return 50 * math.erfc(z)
    if options["curve"] == "linear":
        return on_line(mean, number(options["low"]), number(options["high"]))
    return on_steps(options["steps"], mean)


def config(options, metrics, today, contract):
    passed, out_of, late, invalid = [], 0, 0, False
    for setting in options["settings"]:
        weight = 0 if setting["preview"] else RISK[setting["risk"]]
        metric = metrics[setting["metric"]]
        day, value = metric.newest()
        how_late = metric.late_since_day(day)
        if how_late == 2 or not weight:
            continue
        worst, best = optional(setting["worst"]), optional(setting["best"])
        share = value if worst is None else on_line(value, best, worst) / 100
        invalid = invalid or value < metric.lowest or (worst is None and not 0 <= value <= 1)
        passed.append(weight * share)
        out_of += weight
        late = max(late, how_late)
    any_scored = any(not each["preview"] and RISK[each["risk"]] for each in options["settings"])
    state = decide(late, not out_of and any_scored, invalid, nothing=not out_of)
    points = 100 * math.fsum(passed) / out_of if out_of else None
    return Result(state, points, figures={"passed": math.fsum(passed), "total": out_of})


def newest_of_periods(named, today):
    """Flows and gauges of months, all of the newest period in which all are known: value and lateness."""
    step = 3 if any(metric.cadence == "quarterly" for metric in named) else 1
    by = [metric.by_period(step) for metric in named]
    common = [end for end in sorted(by[0]) if all(each[end] is not None for each in by)]
    if not common:
        return {metric.key: (None, 2) for metric in named}
    last, late = common[-1], 0
    for metric, each in zip(named, by):
        until = last
        while each.get(until + step) is not None:
            until += step
        late = max(late, metric.late_since_month(until, step))
    return {metric.key: (each[last], late) for metric, each in zip(named, by)}


def deduction(options, metrics, today, contract):
    named = [metrics[each["metric"]] for each in options["deductions"]]
    monthly = [metric for metric in named if metric.grain == "month" and metric.nature != "stock"]
    counts, negative = newest_of_periods(monthly, today) if monthly else {}, False
    for metric in named:
        if metric.nature == "stock":
            day, value = metric.newest()
            counts[metric.key] = (value, metric.late_since_day(day))
        elif metric.grain == "day":
            window = range(today - whole(options["days"]) + 1, today + 1)
            there = {day: metric.on(day) for day in window if metric.on(day) is not None}
            late = metric.late_since_day(max(there)) if there else 2
            enough = len(there) >= whole(options["min_days"])
            counts[metric.key] = (math.fsum(there.values()), late if enough else 2)
            negative = negative or any(value < 0 for value in there.values())
    if any(value is None for value, _ in counts.values()):
        return Result(MISSING)
    negative = negative or any(value < 0 for value, _ in counts.values())
    taken = math.fsum(
        min(number(each["cap"]), counts[each["metric"]][0] * number(each["points"]))
        for each in options["deductions"]
    )
    state = decide(max(late for _, late in counts.values()), invalid=negative)
    return Result(state, max(100 - taken, 0), figures={"deducted": taken})


def newest_number(metric, today):
    """The newest number of any metric but events, and its lateness."""
    if metric.grain == "month" and metric.nature != "stock":
        return newest_of_periods([metric], today)[metric.key]
    if metric.grain == "month":
        day, value = metric.newest()
        return value, metric.late_since_day(day)
    for day in range(today, metric.first_day - 1, -1):
        if metric.on(day) is not None:
            return metric.on(day), metric.late_since_day(day)
    return None, 2


def steps(options, metrics, today, contract):
    metric = metrics[options["metric"]]
    value, late = newest_number(metric, today)
    if value is None:
        return Result(MISSING)
    points = on_steps(options["steps"], value)
    return Result(decide(late, invalid=value < metric.lowest), points, figures={"value": value})


def linear(options, metrics, today, contract):
    metric = metrics[options["metric"]]
    value, late = newest_number(metric, today)
    if value is None:
        return Result(MISSING)
    points = on_line(value, number(options["good"]), number(options["poor"]))
    return Result(decide(late, invalid=value < metric.lowest), points, figures={"value": value})


KINDS = {
    "ratio": ratio,
    "growth": growth,
    "indicator": indicator,
    "error": error,
    "performance": performance,
    "config": config,
    "deduction": deduction,
    "steps": steps,
    "linear": linear,
}


def as_told(name, value):
    """Days and months as a receipt writes them."""
    if value is None:
        return None
    if name == "month":
        return f"{value // 12}-{value % 12 + 1:02d}"
    return date.fromordinal(value).isoformat() if name.startswith("window_") else value


# ---------- the tree ----------


class Receipt:
    """A receipt worked out again, and the lines that say what came of it."""

    def __init__(self, document):
        self.card, reads = document["scorecard"], document["reads"]
        self.today = day_number(document["sheet"]["day"])
        self.age = whole(document["organization"]["age_days"])
        contract = document["organization"]["contract_started"]
        self.contract = None if contract is None else day_number(contract)
        first_month = month_of(day_number(reads["months_from"]))
        first_day = day_number(reads["days_from"])
        self.metrics = {
            key: Metric(key, told, self.today, first_month, first_day)
            for key, told in document["metrics"].items()
        }
        self.lines, self.wrong = [], 0

    def compare(self, node, mine):
        """Put one node of the receipt beside what came out here."""
        problems = []
        for name in ("exact", "lower", "upper", "coverage", "share"):
            if not near(optional(node[name]), mine[name]):
                problems.append(f"{name} is {mine[name]} here")
        points = canonical(mine["exact"])
        told = {
            "points": points,
            "shown": shown(points),
            "band": band(self.card["bands"], points),
            "state": mine["state"],
        }
        told.update({name: mine[name] for name in ("flags", "history") if name in mine})
        for name, value in told.items():
            if node[name] != value:
                problems.append(f"{name} is {value} here")
        if set(node.get("figures", {})) != set(mine.get("figures", {})):
            problems.append("its figures are others than {}".format(sorted(mine.get("figures", {}))))
        for name, value in mine.get("figures", {}).items():
            said = node["figures"].get(name)
            is_equal = said == value if isinstance(value, str) else near(optional(said), value)
            if not is_equal:
                problems.append(f"{name} is {value} here")
        said = "{} ({})".format(node["points"], node["shown"]) if node["points"] is not None else "no number"
        mark = "NOT EQUAL" if problems else "equal"
        self.lines.append(f"{mark:10} {node['node']}: {said}, {node['state']}")
        self.lines.extend(f"           {problem}" for problem in problems)
        self.wrong += bool(problems)

    def check(self, node, share=None):
        """Work a node and everything below it out, compare, and give what its parent needs."""
        mine = self.signal(node) if node["level"] == "signal" else self.branch(node)
        mine["share"] = share
        return mine

    def signal(self, node):
        if node["kind"] not in KINDS:
            raise Broken("unknown kind {!r}".format(node["kind"]))
        size = BASES[node["parameters"]["variant"]][1] if node["kind"] == "growth" else None
        if not node["owned"]:
            result = Result(NOTHING)
        elif node["exempt"]:
            result = Result(EXEMPT)
        elif node["kind"] == "growth" and self.age <= 90:
            result = Result(SHORT)
        else:
            result = KINDS[node["kind"]](node["parameters"], self.metrics, self.today, self.contract)
        flags = sorted([*result.flags, *(["PREVIEW"] if node["preview"] else [])])
        known = result.base[0] if result.base else 0
        mine = {
            "state": result.state,
            "exact": result.points,
            "flags": flags,
            "history": None if size is None else f"{known}/{size}",
            "figures": {name: as_told(name, value) for name, value in result.figures.items()},
            "coverage": None,
            "lower": None,
            "upper": None,
        }
        if result.state in (OK, GRACE, MISSING, INVALID) and not node["preview"]:
            fresh = {OK: 1.0, GRACE: 0.5}.get(result.state, 0.0)
            mine["coverage"] = fresh * (known / size if size and fresh else 1.0)
            mine["lower"] = mine["coverage"] * (result.points or 0.0)
            mine["upper"] = mine["lower"] + 100 * (1 - mine["coverage"])
        return mine

    def branch(self, node):
        children = [(child, self.check(child)) for child in node["children"]]
        counted = [
            (number(child["weight"]), mine) for child, mine in children if not child.get("preview", False)
        ]
        if any(weight <= 0 for weight, _ in counted):
            raise Broken("{}: a weight must be above 0".format(node["node"]))
        scored = math.fsum(weight for weight, mine in counted if mine["exact"] is not None)
        for child, mine in children:
            counts = mine["exact"] is not None and not child.get("preview", False)
            mine["share"] = number(child["weight"]) / scored if counts else None
            self.compare(child, mine)
        coverage = mean(counted, "coverage")
        points = mean(counted, "exact")
        floor = number(self.card["floor_" + node["level"]])
        enough = points is not None and coverage is not None and coverage + NEAR >= floor
        if node["level"] == "overall":
            number_of = sum(mine["exact"] is not None for _, mine in counted)
            enough = enough and number_of >= whole(self.card["min_categories"])
        if coverage is None:
            state = NOTHING
        elif node["level"] == "overall" and self.age <= 30:
            state = SETTING_UP
        elif not enough:
            state = TOO_LITTLE
        elif coverage < number(self.card["provisional_below"]) - NEAR or self.age <= 90:
            state = PROVISIONAL
        else:
            state = OK
        return {
            "state": state,
            "exact": points if state in (OK, PROVISIONAL) else None,
            "coverage": coverage,
            "lower": mean(counted, "lower"),
            "upper": mean(counted, "upper"),
        }


def mean(counted, name):
    """The weighted mean of those that have a value: the others' weight is shared out among them."""
    there = [(weight, mine[name]) for weight, mine in counted if mine[name] is not None]
    if not there:
        return None
    values = [value for _, value in there]
    result = math.fsum(weight * value for weight, value in there) / math.fsum(weight for weight, _ in there)
    return clamp(result, min(values), max(values))


def canonical(points):
    """Points as published: rounded once to hundredths, a tie to the even one."""
    if points is None:
        return None
    steady = (Decimal(repr(float(points))) * 100).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
    return str(steady.quantize(Decimal(1), ROUND_HALF_EVEN) / Decimal(100) + Decimal("0.00"))


def shown(points):
    return None if points is None else str(Decimal(points).quantize(Decimal(1), ROUND_HALF_EVEN))


def band(bands, points):
    if points is None:
        return None
    inside = [each for each in bands if int(shown(points)) >= whole(each["at_least"])]
    return max(inside, key=lambda each: whole(each["at_least"]))["key"]


def near(said, mine):
    if said is None or mine is None:
        return said is None and mine is None
    return abs(said - mine) <= NEAR * max(1.0, abs(said), abs(mine))


# ---------- saying it ----------


def verify(raw):
    """The lines to print, and whether all is equal; raises Broken for a file that cannot be checked."""
    document = load(raw)
    try:
        receipt, root = Receipt(document), document["root"]
        mine = receipt.check(root)
        receipt.compare(root, mine)
        head = "Receipt of {} for {}, day {}, revision {}, scorecard {} version {}".format(
            document["organization"]["name"],
            root["name"],
            document["sheet"]["day"],
            document["sheet"]["revision"],
            document["scorecard"]["key"],
            document["scorecard"]["version"],
        )
    except Broken:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
        raise Broken(f"a part is missing or not as it should be: {problem!r}") from problem
    except (ArithmeticError, RecursionError) as problem:
        raise Broken(f"its numbers cannot be worked out: {problem!r}") from problem
    count = sum(not line.startswith(" ") for line in receipt.lines)
    lines = [head, "SHA-256 {}: unchanged".format(document["sha256"]), *receipt.lines]
    if receipt.wrong:
        lines.append(f"NOT EQUAL: {receipt.wrong} of {count} nodes differ")
    else:
        lines.append(f"EQUAL: all {count} nodes, worked out again from the measurements")
    return lines, not receipt.wrong


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 1
    return max([check_file(name) for name in arguments])


def check_file(name):
    """Print what came of one file; 0 if all is equal, else 1."""
    try:
        with open(name, "rb") as file:  # noqa: PTH123 - one file, no more names than it needs
            raw = file.read()
        lines, is_equal = verify(raw)
    except OSError as problem:
        print(f"Cannot read {name}: {problem.strerror}", file=sys.stderr)
        return 1
    except Broken as problem:
        print(f"NOT VERIFIED: {name}: {printable(str(problem), sys.stderr)}", file=sys.stderr)
        return 1
    for line in lines:
        print(printable(line, sys.stdout))
    return 0 if is_equal else 1


def printable(text, stream):
    """The text without what would steer the terminal, in letters that the terminal knows."""
    letters = stream.encoding or "ascii"
    steady = "".join(letter if letter.isprintable() else "?" for letter in text)
    return steady.encode(letters, "replace").decode(letters)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
