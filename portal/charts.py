"""Plain numbers in, geometry of server-drawn SVG out. No ORM, no Django, no words of the product.

Coordinates are text ready for an attribute: percentages where the drawing stretches with its box, plain
numbers inside a viewBox. None is a value that is not known: lines break there instead of bridging it.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

type Point = tuple[float, float | None]  # position, value

SHORT_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MOST_TICKS = 5
# Direct labels stand at least 13 px apart at the smallest height of a tall plot (14 rem less its padding).
LABEL_GAP = 7.8
LABEL_WIDTH = 0.2  # of the plot: about what the name of a band takes up
LABEL_HEIGHT = 0.04
FEW = 3  # months: with fewer, weeks are labelled
FORTNIGHT = 14
CLOSE = 8  # labels: more of them leave no room for a year beside a neighbor
COUNTED = 40  # whole numbers up to here are counted one by one, not measured
LABELS_X = 12  # more month labels than this do not fit at full width


@dataclass(frozen=True)
class Tick:
    """A mark on an axis with its label; a minor one is hidden where space is short."""

    at: str
    text: str
    anchor: str = "middle"
    is_minor: bool = False


@dataclass(frozen=True)
class Zone:
    """A stretch of the score scale in one tone."""

    tone: str
    x: str
    width: str


@dataclass(frozen=True)
class Bracket:
    """The middle half of others and their median, on a scale."""

    low: str
    high: str
    median: str


@dataclass(frozen=True)
class Gauge:
    """Where a score stands on the scale of its bands; low and high span what it could be."""

    zones: tuple[Zone, ...]
    ticks: tuple[Tick, ...]
    at: str
    text: str
    low: str
    high: str
    peers: Bracket | None = None


@dataclass(frozen=True)
class Part:
    """A stretch of a stacked bar: what is there, and where its room ends."""

    mark: str
    x: str
    width: str
    end: str


@dataclass(frozen=True)
class Spark:
    """A small line; x and y are its last known point, empty if there is none."""

    path: str
    x: str
    y: str


@dataclass(frozen=True)
class Line:
    """One line of a plot, its last known point and where the label of that point stands."""

    key: str
    path: str
    x: str
    y: str
    text: str
    label_y: str
    is_main: bool


@dataclass(frozen=True)
class Rule:
    """A dashed level across a plot; its label stands above or below it, away from the line."""

    y: str
    text: str
    dy: int


@dataclass(frozen=True)
class Plot:
    """Lines over time with both axes; band is a tinted stretch of the score scale."""

    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    band: Zone | None = None
    band_label: str = ""  # height of its name
    rule: Rule | None = None
    rules: tuple[Rule, ...] = ()  # named at the left, where several stand together


@dataclass(frozen=True)
class Strip:
    """The middle half of others on the scale, and one's own place; rules are dashed levels across it."""

    low: str
    width: str
    median: str
    ticks: tuple[Tick, ...]
    you: Tick | None
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Scale:
    """A stretch of values from bottom to top."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """0 at the bottom, 1 at the top, never beyond."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def down(self, value: float) -> float:
        """Percent from the top, as SVG counts."""
        return 100 * (1 - self.share(value))


CARD = Scale(50, 92)  # sparklines that stand side by side share one scale
SCORES = Scale(50, 95)
FULL = Scale(0, 100)
STRIP = Scale(40, 100)
# Percent of the width of a strip: half of a middle label and a space, at the width of a telephone.
STRIP_GAP = 5.0


def gauge(
    value: float,
    text: str,
    bands: Sequence[tuple[str, int]],
    low: float | None = None,
    high: float | None = None,
    peers: tuple[int, int, int] | None = None,
) -> Gauge:
    """The scale from 0 to 100 in its bands, with the score on it.

    shapes  bands: (tone, at_least), highest first; peers: lower quartile, median, upper quartile
    units   value, low, high, peers in points
    """
    edges = [at_least for _, at_least in bands]
    ends = [100, *edges]
    zones = tuple(
        Zone(tone, _percent(edge), _percent(end - edge))
        for (tone, edge), end in reversed(list(zip(bands, ends, strict=False)))
    )
    ticks = tuple(Tick(_percent(edge), str(edge)) for edge in sorted({0, *edges, 100}))
    span = ("", "") if low is None or high is None else (_percent(low), _percent(high))
    bracket = None
    if peers and not span[0]:  # one bracket at a time: the range of a provisional score says more
        bracket = Bracket(_percent(peers[0]), _percent(peers[2]), _percent(peers[1]))
    return Gauge(zones, ticks, _percent(value), text, *span, peers=bracket)


def stack(parts: Sequence[tuple[str, float, float]]) -> tuple[Part, ...]:
    """One bar out of parts side by side: (mark, room, filled), rooms and fillings in percent of the whole."""
    start, bar = 0.0, []
    for mark, room, filled in parts:
        bar.append(Part(mark, _percent(start), _percent(min(filled, room)), _percent(start + room)))
        start += room
    return tuple(bar)


def strip(own: int | None, middle: tuple[int | None, int, int | None], rules: Sequence[int] = ()) -> Strip:
    """Lower quartile, median and upper quartile with one's own score, on a scale that tells nothing more.

    units   points; the scale is one of two fixed ones, whatever the others have
    """
    lower, median, upper = (middle[1] if each is None else each for each in middle)
    all_of = [lower, median, upper, *rules, *([] if own is None else [own])]
    scale = STRIP if min(all_of) >= STRIP.low else FULL

    def at(value: float) -> float:
        return 100 * scale.share(value)

    # The median stands below its line, the quartiles away from it; of equal numbers one label says all.
    labels = [Tick(_percent(at(median)), str(median))]
    if lower != median:
        labels.insert(0, Tick(_percent(min(at(lower), at(median) - STRIP_GAP)), str(lower), "end"))
    if upper != median:
        labels.append(Tick(_percent(max(at(upper), at(median) + STRIP_GAP)), str(upper), "start"))
    ticks = tuple(labels)
    you = None
    if own is not None:
        anchor = "start" if at(own) < 12 else "end" if at(own) > 88 else "middle"
        you = Tick(_percent(at(own)), f"You {own}", anchor)
    return Strip(
        _percent(at(lower)),
        _percent(at(upper) - at(lower)),
        _percent(at(median)),
        ticks,
        you,
        tuple(_percent(at(each)) for each in rules),
    )


def spark(
    points: Sequence[Point], width: float = 96, height: float = 24, scale: Scale | None = None
) -> Spark:
    """A line inside a viewBox of this size, with room for the dot at its end.

    shapes  points: position 0-1, value
    """
    known = [value for _, value in points if value is not None]
    if not known:
        return Spark("", "", "")
    scale = scale or _around(known)
    left, right, top, bottom = 2.0, width - 4, 3.0, height - 3
    placed = [
        (left + (right - left) * x, None if y is None else bottom - (bottom - top) * scale.share(y))
        for x, y in points
    ]
    x, y = next((x, y) for x, y in reversed(placed) if y is not None)
    return Spark(_path(placed, "{:.1f}"), f"{x:.1f}", f"{y:.1f}")


def shared_scale(values: Sequence[float | None]) -> Scale:
    """The scale of sparklines side by side: the usual one if all values fit, else the whole."""
    known = [value for value in values if value is not None]
    return CARD if all(CARD.low <= value <= CARD.high for value in known) else FULL


def scale_of(values: Sequence[float]) -> Scale:
    """The scale of a plot of scores: the usual one if all values fit, else the whole."""
    return SCORES if values and all(SCORES.low <= value <= SCORES.high for value in values) else FULL


def trend(
    series: Sequence[tuple[str, Sequence[tuple[date, float | None]]]],
    first: date,
    last: date,
    *,
    text: Callable[[float], str],
    band: tuple[str, float, float] | None = None,
    most_labels: int = LABELS_X,
    unlabelled: Collection[str] = (),
    levels: Sequence[tuple[float, str]] = (),
) -> Plot:
    """Scores over days, one line a key; the first series is the main line and is drawn last.

    units   values in points; `band` is (tone, from, up to) in points; lines of `unlabelled` keys end without
            a dot and a number, because they end where another one goes on; `levels` are dashed, each named
    """
    values = [value for _, line in series for _, value in line if value is not None]
    values += [value for value, _ in levels]
    scale = scale_of(values)
    days = max((last - first).days, 1)
    lines = []
    for key, line in series:
        placed = [(100 * (day - first).days / days, value) for day, value in line if first <= day <= last]
        if any(value is not None for _, value in placed):
            said = (lambda _: "") if key in unlabelled else text
            lines.append(_line(key, placed, scale, said, is_main=key == series[0][0]))
    zone = None
    if band and band[2] > scale.low and band[1] < scale.high:
        top, bottom = scale.down(band[2]), scale.down(band[1])
        zone = Zone(band[0], _percent(top), _percent(bottom - top))
    label = _percent(_calmest(series, first, last, scale, band[1], band[2])) if zone and band else ""
    ups = range(50, 91, 10) if scale is SCORES else range(0, 101, 25)
    up = tuple(Tick(_percent(scale.down(value)), str(value)) for value in ups)
    rules = tuple(Rule(_percent(scale.down(value)), said, -5) for value, said in levels)
    across = _month_ticks(first, last, most_labels)
    return Plot(tuple(_spread(lines)[::-1]), across, up, zone, label, rules=rules)


def months(
    series: Sequence[tuple[str, Sequence[tuple[date, float | None]]]],
    *,
    text: Callable[[float], str],
    level: float | None = None,
    level_text: str = "",
) -> Plot:
    """Measured numbers month by month, evenly spaced, with an optional dashed level.

    shapes  series: (key, (first day of month, value)), all of the same months
    """
    values = [value for _, line in series for _, value in line if value is not None]
    ticks = _nice([*values, level] if level is not None else values)
    if level is None and all(0 <= value <= COUNTED and value == int(value) for value in values):
        ticks = _whole(max(values, default=0))
    scale = Scale(ticks[0], ticks[-1])
    count = max(len(series[0][1]) - 1, 1)
    lines = []
    for key, line in series:
        placed = [(100 * index / count, value) for index, (_, value) in enumerate(line)]
        if any(value is not None for _, value in placed):
            lines.append(_line(key, placed, scale, text, is_main=key == series[0][0]))
    rule = None
    if level is not None:
        newest = next((value for _, value in reversed(series[0][1]) if value is not None), level)
        rule = Rule(_percent(scale.down(level)), level_text, 16 if newest >= level else -7)
    across = tuple(
        Tick(
            _percent(100 * index / count),
            _month_text(day, index == 0),
            _anchor(100 * index / count),
            is_minor=index % 6 != 0,
        )
        for index, (day, _) in enumerate(series[0][1])
        if index % 3 == 0
    )
    up = tuple(Tick(_percent(scale.down(value)), axis_text(value)) for value in ticks)
    return Plot(tuple(_spread(lines)[::-1]), across, up, rule=rule)


def axis_text(value: float) -> str:
    """1.2k, 5M: a tick label that fits beside the axis."""
    for size, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}".replace("-", "\N{MINUS SIGN}")
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _calmest(
    series: Sequence[tuple[str, Sequence[tuple[date, float | None]]]],
    first: date,
    last: date,
    scale: Scale,
    low: float,
    high: float,
) -> float:
    """Where in a band, at the left, its name is farthest from every line: percent from the top."""
    until = first + (last - first) * LABEL_WIDTH
    near = [value for _, line in series for day, value in line if first <= day <= until and value is not None]
    margin = (scale.high - scale.low) * LABEL_HEIGHT
    places = (low + margin, (low + high) / 2, high - margin)
    return scale.down(max(places, key=lambda at: min((abs(at - value) for value in near), default=0.0)))


def _line(
    key: str, placed: list[Point], scale: Scale, text: Callable[[float], str], *, is_main: bool
) -> Line:
    high: list[Point] = [(x, None if value is None else scale.down(value)) for x, value in placed]
    x, value = next((x, value) for x, value in reversed(placed) if value is not None)
    y = scale.down(value)
    return Line(key, _path(high, "{:.2f}"), _percent(x), _percent(y), text(value), _percent(y), is_main)


def _spread(lines: list[Line]) -> list[Line]:
    """The same lines with their labels pushed apart, from the top down and then back from the bottom."""
    order = sorted((i for i in range(len(lines)) if lines[i].text), key=lambda i: float(lines[i].y[:-1]))
    at = [float(lines[i].y[:-1]) for i in order]
    for i in range(1, len(at)):
        at[i] = max(at[i], at[i - 1] + LABEL_GAP)
    for i in range(len(at) - 1, -1, -1):
        at[i] = min(at[i], 100 - LABEL_GAP * (len(at) - 1 - i))
    moved = {order[i]: _percent(at[i]) for i in range(len(at))}
    return [replace(line, label_y=moved.get(i, line.y)) for i, line in enumerate(lines)]


def _path(points: Sequence[Point], form: str) -> str:
    """M and L commands; a point with nothing known on either side becomes a dot (a line of no length)."""
    runs: list[list[str]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append(f"{form.format(x)} {form.format(y)}")
    return "".join(f"M{' '.join(run)}" + ("h0" if len(run) == 1 else "") for run in runs if run)


def _around(values: Sequence[float]) -> Scale:
    """A scale of its own for a sparkline; a flat line lies where its value is on the whole scale."""
    low, high = min(values), max(values)
    return Scale(low, high) if high - low > 1e-9 else FULL


def _nice(values: Sequence[float]) -> list[float]:
    """At most five round numbers that span the values."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high == low:
        low, high = (low - abs(low) / 2, high + abs(high) / 2) if low else (0.0, 1.0)
    power = 10 ** math.floor(math.log10((high - low) / (MOST_TICKS - 1)))
    for times in (1, 2, 2.5, 5, 10, 20):
        step = times * power
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first < MOST_TICKS:
            break
    return [round(index * step, 10) for index in range(first, last + 1)]


def _whole(highest: float) -> list[float]:
    """At most five whole numbers from 0 on: a count, of days say, has no halves."""
    step = max(1, math.ceil(highest / (MOST_TICKS - 1)))
    return [float(step * index) for index in range(max(1, math.ceil(highest / step)) + 1)]


def _month_ticks(first: date, last: date, most: int) -> tuple[Tick, ...]:
    """The first days of months between two days; as many as fit, every third of them always."""
    days = max((last - first).days, 1)
    starts = [
        date(index // 12, index % 12 + 1, 1)
        for index in range(first.year * 12 + first.month, last.year * 12 + last.month)
    ]
    if len(starts) < FEW:
        return _fortnight_ticks(first, last)
    step = math.ceil(len(starts) / most)
    ticks = []
    shown = starts[::step]
    if len(shown) > CLOSE and shown[1].month == 1:
        shown = shown[1:]  # the year beside January needs the room of its neighbor
    for index, start in enumerate(shown):
        x = 100 * (start - first).days / days
        is_minor = len(starts) > 4 and index % 3 != 1
        ticks.append(
            Tick(_percent(x), _month_text(start, index == 0 or start.month == 1), _anchor(x), is_minor)
        )
    return tuple(ticks)


def _fortnight_ticks(first: date, last: date) -> tuple[Tick, ...]:
    """The last day and every second week before it."""
    days = (last - first).days
    back = range(0, days + 1, FORTNIGHT)
    ticks = [(100 * (days - n) / days if days else 0, last - timedelta(days=n)) for n in back]
    return tuple(
        Tick(_percent(x), f"{day.day} {SHORT_MONTHS[day.month - 1]}", _anchor(x)) for x, day in ticks[::-1]
    )


def _month_text(day: date, has_year: bool) -> str:
    year = f" \N{RIGHT SINGLE QUOTATION MARK}{day.year % 100:02d}" if has_year else ""
    return f"{SHORT_MONTHS[day.month - 1]}{year}"


def _anchor(x: float) -> str:
    return "start" if x < 3 else "end" if x > 97 else "middle"


def _percent(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"
