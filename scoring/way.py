"""The way from one published sheet to another: its stops, and the results of the signals at each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from django.db.models import Exists, OuterRef

from accounts.models import Organization
from scoring import sheets
from scoring.engine import Scorecard, State, canonical, moves
from scoring.engine.moves import Results
from scoring.engine.rollup import roll_up
from scoring.history import History, Sheet
from scoring.models import ScoringRun
from scoring.read import BASE_PERIODS
from scoring.sheets import Figure

NOTHING = Figure(None, State.NOT_APPLICABLE, None)


@dataclass(frozen=True, eq=False)
class Stop:
    """A place on the way: the organization's results of one night under one version."""

    day: date
    number: int  # of the version
    card: Scorecard
    figures: Mapping[str, Figure]  # points are the published ones, or those of the pair
    results: Results  # one case


type Span = tuple[date, date]


def routes(past: History, spans: Sequence[Span], under: Mapping[date, bytes]) -> list[list[Stop]]:
    """The stops of each span; a stop that spans share is the same object.

    under   the nodes of older versions' last nights under the newer ones, by day
    """
    between = crossings(past, spans)
    stops = {day: _stop(past.sheets[day]) for day in {day for span in spans for day in span} | set(between)}
    across = {day: _under(stops[day], past.sheets[other], under.get(day)) for day, other in between.items()}
    ways = []
    for first, last in spans:
        way = [stops[first]]
        for day in sorted(day for day in between if first <= day < last):
            way += [stops[day], across[day]] if day > first else [across[day]]
        ways.append([*way, stops[last]])
    return ways


def crossings(past: History, spans: Sequence[Span]) -> dict[date, date]:
    """Last nights of a version, each with the day of the next one's first night."""
    ends = {day for span in spans for day in span}
    days = [day for day in sorted(past.sheets) if ends and min(ends) <= day <= max(ends)]
    return {
        one: other
        for one, other in pairwise(days)
        if past.sheets[one].version.pk != past.sheets[other].version.pk
    }


def _stop(sheet: Sheet) -> Stop:
    figures = sheets.unpack(sheet.nodes, sheet.card)
    return Stop(sheet.day, sheet.version.number, sheet.card, figures, _results(sheet.card, figures))


def _results(card: Scorecard, figures: Mapping[str, Figure]) -> Results:
    mine = [figures[node.id] if node.signal else NOTHING for node in card.nodes]
    return Results(
        np.array([[np.nan if each.points is None else each.points / 100 for each in mine]]),
        np.array([[each.state for each in mine]], np.uint8),
        np.array([[_share(card, place, each) for place, each in enumerate(mine)]]),
    )


def _share(card: Scorecard, place: int, figure: Figure) -> float:
    """The part of a growth signal's base that was observed."""
    signal = card.nodes[place].signal
    variant = getattr(signal.options, "variant", None) if signal else None
    if variant is None or figure.points is None:
        return 1.0
    return figure.history / BASE_PERIODS[str(variant)]


def stacked(stops: Sequence[Stop]) -> Results:
    return Results(
        *(
            np.concatenate([getattr(stop.results, name) for stop in stops])
            for name in ("points", "state", "share")
        )
    )


def pairs(organization: Organization, past: History, spans: Sequence[Span]) -> dict[date, bytes]:
    """The older versions' last nights under the newer ones, by day, as far as they were scored."""
    between = crossings(past, spans)
    if not between:
        return {}
    made = ScoringRun.objects.filter(
        beside=True, day=OuterRef("day"), version=OuterRef("version"), revision=0
    )
    rows = organization.score_sheets.filter(Exists(made.exclude(published_at=None)), revision=0)
    rows = rows.filter(day__in=between, version__in={past.sheets[day].version.pk for day in between.values()})
    return {
        day: bytes(nodes)
        for day, version, nodes in rows.values_list("day", "version_id", "nodes")
        if version == past.sheets[between[day]].version.pk
    }


def _under(old: Stop, newer: Sheet, pair: bytes | None) -> Stop:
    """The results of a night under the next version.

    A signal whose rule did not change keeps the result it was published with: data that came before the pair
    was made is nothing that the version did.
    """
    card = newer.card
    scored = sheets.unpack(pair, card) if pair else {}
    same = {signal.key for signal in card.signals if moves.same_rule(old.card, card, signal.key)}
    figures = {
        signal.key: old.figures[signal.key] if signal.key in same else scored.get(signal.key, NOTHING)
        for signal in card.signals
    }
    results = _results(card, figures)
    if scored and all(scored[key] == figures[key] for key in same):
        return Stop(old.day, newer.version.number, card, scored, results)
    again = roll_up(card, results.points, results.state, results.share)
    points, states = canonical(again.points[0]).tolist(), again.state[0].tolist()
    for node, value, state in zip(card.nodes, points, states, strict=True):
        if node.signal is None:
            figures[node.id] = Figure(sheets.known(value), State(state), None)
    if old.figures["overall"].state is State.SETTING_UP:
        figures["overall"] = old.figures["overall"]
    return Stop(old.day, newer.version.number, card, figures, results)
