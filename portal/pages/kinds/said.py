"""What the words of every kind are made of: the case at hand, and how numbers, edges and results are said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.templatetags.scores import cut, day_of, exact, in_full, plural, whole
from scoring.engine import Metric
from scoring.engine.options import Compare, Step
from scoring.read import Reading

YES_OR_NO = "yes or no"  # units that are said in another way than a number and a word
PARTS_OF_ONE = ("share", "compliance")
COUNTED_ONE_BY_ONE = ("day",)
EDGES = {
    Compare.AT_LEAST: "{} or more",
    Compare.MORE_THAN: "more than {}",
    Compare.AT_MOST: "up to {}",
    Compare.LESS_THAN: "less than {}",
    Compare.ELSE: "anything else",
}


@dataclass(frozen=True)
class Told:
    """One signal in words: a short line for tables, and three steps of an explanation."""

    short: str
    kind: str
    inputs: str
    score: SafeString


@dataclass(frozen=True)
class Case:
    """What the words of a kind are made from."""

    reading: Reading
    inputs: Mapping[str, float | None]
    metric: Callable[[str], Metric]

    def unit(self, metric: str) -> str:
        return self.metric(metric).unit

    def has(self, *names: str) -> bool:
        return all(self.inputs.get(name) is not None for name in names)

    def number(self, name: str) -> float:
        """An input that `has` has seen."""
        return self.inputs[name] or 0.0


def nothing_known(kind: str) -> Told:
    """A kind whose inputs are not there."""
    return Told("", kind, "", SafeString())


def of_value(case: Case, kind: str, unit: str) -> Told:
    if not case.has("value"):
        return Told("", kind, "", SafeString())
    value = measure(case.number("value"), unit)
    value = value[:1].upper() + value[1:]
    return Told(value, kind, f"{value}{as_of(case)}.", plain(case))


def as_of(case: Case) -> str:
    return f" as of {day_of(case.number('as_of'))}" if case.has("as_of") else ""


def window(case: Case) -> str:
    if not case.has("window_start", "window_end"):
        return ""
    return f" from {day_of(case.number('window_start'))} to {day_of(case.number('window_end'))}"


def steps_in_words(rules: tuple[Step, ...], unit: str) -> str:
    """4 or more gives 100, 3 or more gives 50, anything else gives 0."""
    first, *rest = (f"{_edge(rule, unit)} gives {in_full(rule.points)}" for rule in rules)
    return ", ".join([first[0].upper() + first[1:], *rest])


def _edge(rule: Step, unit: str) -> str:
    if unit == YES_OR_NO:
        return "anything else" if rule.compare is Compare.ELSE else "yes"
    if rule.compare is Compare.AT_MOST and rule.edge == 0:
        return measure(0, unit)
    return EDGES[rule.compare].format(measure(rule.edge, unit))


def measure(value: float, unit: str) -> str:
    """5 days, 59%, yes: a number with its unit, as people say it."""
    if unit == YES_OR_NO:
        return "yes" if value else "no"
    if unit in PARTS_OF_ONE:
        return f"{in_full(100 * value)}%"
    return plural(value, unit) if unit in COUNTED_ONE_BY_ONE else f"{in_full(value)} {unit}".strip()


def lowered(name: str) -> str:
    """A name inside a sentence; API and other short forms keep their capitals."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def about(part: float, of: float) -> str:
    """≈ 1.22, cut; or = 0.5 where nothing was cut off."""
    text = cut(part, of)
    return f"= {in_full(part / of)}" if abs(float(text) - part / of) < 1e-12 else f"≈ {text}"


def result(case: Case) -> tuple[str, SafeString]:
    """61.44, and how it is rounded; nothing to say where it is whole."""
    points = case.reading.points
    text = exact(points)
    if points is None or points % 100 == 0:
        return (whole(points), SafeString())
    return (text, format_html(", rounded to <b>{}</b>", whole(points)))


def plain(case: Case) -> SafeString:
    """The score of a rule that needs no arithmetic."""
    if case.reading.points is None:
        return SafeString()
    return format_html("That gives <b>{}</b>", whole(case.reading.points))
