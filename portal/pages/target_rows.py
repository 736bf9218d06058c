"""The lists of the targets page: what is on its way, what matters less, what has ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from portal import charts
from portal.pages.gaps import weighed, why_href
from portal.pages.goals import lowered, name_of, sentence, verdict
from portal.pages.target_forms import EmphasisForm, GoalForm, TargetForm
from portal.pages.trend import score
from portal.templatetags.scores import day, points, share, whole
from scoring import history
from scoring.read import CardReading
from scoring.targets import Progress, expected, lines, path, progress

if TYPE_CHECKING:
    from accounts.goals import Emphasis, Standing, Target
    from accounts.models import Organization


@dataclass(frozen=True)
class OnWay:
    """One target, how far it is, and the form that changes it."""

    target: "Target"
    name: str
    verdict: str
    sentence: str
    plot: charts.Plot | None
    label: str
    legend: list[tuple[str, str]]
    rows: list[tuple[str, list[str]]]
    form: GoalForm
    is_open: bool


def on_way(
    organization: "Organization", card: CardReading, stand: "Standing", sent: Mapping[str, GoalForm]
) -> list[OnWay]:
    """The targets that stand, in the order of the scorecard."""
    if not stand.targets:
        return []
    first = min(each.start_on for each in stand.targets.values())
    past = history.of(organization, card.key, until=card.day, days=max((card.day - first).days, 1))
    drawn = lines(past, [node for node in stand.targets if node in card.by_node])
    order = {node: at for at, node in enumerate(card.by_node)}
    ordered = sorted(stand.targets.values(), key=lambda each: order.get(each.node, len(order)))
    return [_way(progress(card, each), drawn.get(each.node, []), sent.get(each.node)) for each in ordered]


def _way(at: Progress, published: Sequence[tuple[date, int | None]], sent: GoalForm | None) -> OnWay:
    target, reading = at.target, at.reading
    mine = [(when, value) for when, value in published if when >= target.start_on]
    name = name_of(reading.name, target.node) if reading else target.node
    mark = (reading.mark or "all") if reading else "all"
    plot = charts.trend(
        [
            ("all" if target.node == "overall" else mark, [(when, score(value)) for when, value in mine]),
            ("goal", [(when, score(value)) for when, value in path(target)]),
        ],
        target.start_on,
        max(target.due_on, at.day),
        text=lambda value: whole(round(value * 100)),
    )
    form = sent or TargetForm(
        nodes=[(target.node, name)],
        initial={"value": target.value, "due_on": target.due_on.isoformat()},
        auto_id=f"t{target.pk}-%s",
    )
    legend = [("all" if target.node == "overall" else mark, name), ("goal", "Straight path to the target")]
    return OnWay(
        target,
        name,
        verdict(at),
        sentence(at),
        plot if mine else None,
        f"Line chart of {name} from {day(target.start_on)}, with the straight dashed path to "
        f"{target.value} on {day(target.due_on)}. {sentence(at)}",
        legend,
        _numbers(target, mine),
        form,
        is_open=sent is not None,
    )


def _numbers(target: "Target", mine: Sequence[tuple[date, int | None]]) -> list[tuple[str, list[str]]]:
    """Path and score on its first and last day, at the newest night of each month, newest first."""
    newest = {(when.year, when.month): (when, value) for when, value in mine}
    known = dict([*mine[:1], *newest.values()])
    days = sorted({target.start_on, *known, target.due_on}, reverse=True)
    return [(day(when), [points(expected(target, when)), points(known.get(when))]) for when in days]


@dataclass(frozen=True)
class Less:
    """One signal that matters less, its share of the score and of the index."""

    emphasis: "Emphasis"
    name: str
    href: str
    of_score: str
    of_index: str
    form: GoalForm
    is_open: bool


def less(
    card: CardReading, stand: "Standing", shares: Mapping[str, str], sent: Mapping[str, GoalForm]
) -> list[Less]:
    official = {signal.node: part for signal, _, part in weighed(card)}
    found = []
    for node, each in stand.emphases.items():
        reading = card.by_node.get(node)
        form = sent.get(node) or EmphasisForm(
            nodes=[(node, node)],
            initial={"matters": each.matters, "reason": each.reason},
            auto_id=f"e{each.pk}-%s",
        )
        found.append(
            Less(
                each,
                reading.name if reading else f"{node}, not in the scorecard any more",
                why_href(card, reading) if reading else "",
                share(official.get(node)),
                shares.get(node, share(None)),
                form,
                node in sent,
            )
        )
    return sorted(found, key=lambda row: row.name)


@dataclass(frozen=True)
class Earlier:
    """A goal that has ended."""

    what: str
    set_by: str
    set_at: datetime
    ended_by: str
    ended_at: datetime | None


def earlier(card: CardReading, stand: "Standing") -> list[Earlier]:
    """Everything that held once, what ended last first."""

    def name(node: str) -> str:
        reading = card.by_node.get(node)
        return name_of(reading.name, node) if reading else node

    said: list[tuple[str, Any]] = [
        (f"{name(each.node)}: {points(each.start_points)} to {each.value} by {day(each.due_on)}", each)
        for each in stand.past_targets
    ]
    said += [
        (
            f"{name(each.node)}: {lowered(each.get_matters_display())}. {each.reason}",
            each,
        )
        for each in stand.past_emphases
    ]
    said.sort(key=lambda each: each[1].ended_at or each[1].set_at, reverse=True)
    return [
        Earlier(
            text,
            str(each.set_by or "Somebody who has left"),
            each.set_at,
            str(each.ended_by or ""),
            each.ended_at,
        )
        for text, each in said
    ]
