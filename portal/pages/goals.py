"""Targets and the goal-weighted index in words, for the targets page and the overview."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from accounts import goals
from accounts.access import Capability, able_to
from portal.templatetags.scores import day, points, share, whole
from scoring import emphasis
from scoring.emphasis import Lack
from scoring.read import CardReading
from scoring.targets import Progress, Verdict, is_to_hold, progress

if TYPE_CHECKING:
    from accounts.models import Organization

OVERALL = "Overall score"
CALLED = "Your goal-weighted index, not the score"
NO_INDEX = {
    Lack.TOO_LITTLE: "There is no index: what still matters to you is too little to make one. "
    "At least {few} categories must count, with enough data.",
    Lack.CHANGED: "There is no index today: the numbers behind the score have changed since it was made. "
    "It is back after the next night.",
}


def name_of(reading_name: str, node: str) -> str:
    """What a node is called here: the overall score by what it is, not by its scorecard."""
    return OVERALL if node == "overall" else reading_name


def lowered(text: str) -> str:
    """The same inside a sentence."""
    return f"{text[:1].lower()}{text[1:]}"


# ---------- on the way ----------


def verdict(at: Progress) -> str:
    """Reached · On the path · 2.3 points behind the path."""
    match at.verdict:
        case Verdict.REACHED:
            return "Kept" if is_to_hold(at.target) else "Reached"
        case Verdict.MISSED:
            return "Not reached"
        case Verdict.ON_PATH:
            return "Kept so far" if is_to_hold(at.target) else "On the path"
        case Verdict.UNKNOWN:
            return "No number now"
        case Verdict.GONE:
            return "Not in the scorecard any more"
    side = "ahead of" if at.verdict is Verdict.AHEAD else "behind"
    return f"{points(abs(at.ahead or 0))} points {side} the path"


def sentence(at: Progress) -> str:
    """Where the score stands on its path, in a sentence that needs no chart."""
    target = at.target
    began = f"It began at {points(target.start_points)} on {day(target.start_on)}"
    if is_to_hold(target):
        aim = f"{began} and is to stay at {target.value} or more until {day(target.due_on)}."
    else:
        aim = f"{began}."
    if at.now is None:
        return f"{aim} There is no number on {day(at.day)}, so nobody can say where it stands."
    today = f"On {day(at.day)} it is {points(at.now)}"
    if at.verdict is Verdict.REACHED:
        return f"{aim} {today}: {'it was kept' if is_to_hold(target) else 'the target is reached'}."
    if at.verdict is Verdict.MISSED:
        short = points(target.value * 100 - at.now)
        return f"{aim} {today}, {short} points short of the target, and its day has come."
    if at.verdict is Verdict.ON_PATH and is_to_hold(target):
        return f"{aim} {today}."
    return f"{aim} {today}; the straight path is at {points(at.expected)}."


# ---------- the index ----------


@dataclass(frozen=True)
class IndexText:
    """The index as ready text; `score` is the official one it stands beside."""

    called: str
    whole: str
    exact: str
    score: str
    lack: str
    shares: Mapping[str, str]  # signal -> its share of the index


def index_text(card: CardReading, said: Mapping[str, str]) -> IndexText | None:
    """What the index says; None while nothing is de-emphasized."""
    found = emphasis.index(card, said)
    if found is None:
        return None
    lack = NO_INDEX[found.lack].format(few=card.scorecard.min_categories) if found.lack else ""
    shares = {node: share(part) for node, part in found.shares.items()}
    official = whole(card.overall.points)
    return IndexText(CALLED, whole(found.points), points(found.points), official, lack, shares)


# ---------- on the overview ----------


@dataclass(frozen=True)
class Brief:
    """The overview's line about goals."""

    href: str
    target: str  # empty without a target on the overall score
    others: int  # targets besides
    index: IndexText | None
    may_set: bool


def brief(organization: "Organization", card: CardReading) -> Brief:
    """What the overview says about targets, and the way to them."""
    targets, said = goals.brief(organization, card.key)
    target = targets.get("overall")
    text = ""
    if target is not None:
        at = progress(card, target)
        text = f"{target.value} by {day(target.due_on)}: {lowered(verdict(at))}"
    return Brief(
        href=reverse("targets", args=[organization.slug]),
        target=text,
        others=len(targets) - (target is not None),
        index=index_text(card, said),
        may_set=may_set(organization),
    )


def may_set(organization: "Organization") -> bool:
    """Whether the forms are shown: to its contacts, and to whoever sees the page with their eyes."""
    return bool(able_to(Capability.SET_TARGETS, organization.opened.roles))
