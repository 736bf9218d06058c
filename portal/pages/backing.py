"""How sure a number is, beside every number: its data, its bounds, what would complete it."""

from dataclasses import dataclass

from portal.pages.gaps import why_href
from portal.pages.words import STATES
from portal.templatetags.scores import add_up_tenths, percent, whole
from scoring.completing import Gap, gaps
from scoring.engine import State
from scoring.read import CardReading, Reading

MOST = 7
NEEDS = {
    State.STALE_GRACE: "late: a newer value counts in full",
    State.MISSING: "no data: the next value counts",
    State.INVALID: "impossible value: a corrected one counts",
    State.OK: "counts in part: each further month of history adds",
}


def backed(reading: Reading) -> str:
    """97%, 71 to 76: coverage, and the bounds unless they say nothing more."""
    if reading.coverage is None:
        return ""
    span = bounds(reading)
    return f"{percent(reading.coverage)}, {span}" if span else percent(reading.coverage)


def in_words(reading: Reading) -> str:
    """97% backed by data, 71 to 76."""
    share, comma, span = backed(reading).partition(",")
    return f"{share} backed by data{comma}{span}" if share else ""


def bounds(reading: Reading) -> str:
    """71 to 76: what the number would be with all that is missing as 0, and as 100."""
    if reading.lower is None or reading.upper is None or not is_partial(reading):
        return ""
    return f"{whole(reading.lower)} to {whole(reading.upper)}"


def is_partial(reading: Reading) -> bool:
    return reading.coverage is not None and percent(reading.coverage) != "100%"


def sentence(reading: Reading) -> str:
    """How sure the number is, in words."""
    if reading.coverage is None:
        return ""
    said = f"{percent(reading.coverage)} of the weight is backed by data"
    span = bounds(reading)
    return f"{said}: with the rest as 0 or as 100 it would be {span}." if span else f"{said}."


@dataclass(frozen=True)
class Step:
    """A signal that would add to how sure a number is."""

    name: str
    href: str
    needs: str
    adds: str


@dataclass(frozen=True)
class Completion:
    """What would complete a number; what is shown and the rest add up to what is missing."""

    title: str
    missing: str
    steps: list[Step]
    others: int
    rest: str


def completion(card: CardReading, node: Reading) -> Completion | None:
    """What keeps a node from full coverage; nothing where all is there."""
    found = gaps(node)
    if not found:
        return None
    total = sum(gap.adds for gap in found)
    texts = add_up_tenths([10_000 * gap.adds for gap in found], round(10_000 * total))
    return Completion(
        title=f"What would complete {'the score' if node.level == 'overall' else node.name}",
        missing=f"{10_000 * total / 100:.1f}%",
        steps=[step(card, gap, text) for gap, text in zip(found[:MOST], texts, strict=False)],
        others=len(found[MOST:]),
        rest=add_up(texts[MOST:]),
    )


def step(card: CardReading, gap: Gap, text: str) -> Step:
    state = gap.signal.state
    return Step(gap.signal.name, why_href(card, gap.signal), NEEDS.get(state, STATES[state]), f"+{text}%")


def add_up(texts: list[str]) -> str:
    """The sum of parts as they are shown."""
    return f"{sum(round(float(text) * 10) for text in texts) / 10:.1f}%"
