"""Once a month: what completed plays brought, as arrays, learned from and kept as a new RankerVersion.

It reads many organizations at once, as the release of the peers does: it belongs to the night, and what it
writes are figures per play and segment, never of one organization. Who does not contribute to the comparison
with peers does not contribute here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import transaction

from accounts.models import Organization
from recommendations import playbook, ranking
from recommendations.evidence import COMPLETIONS, ORGANIZATIONS, OTHERS, newest, segment_of
from recommendations.models import Change as What
from recommendations.models import RankerVersion, RecommendationChange, Status
from recommendations.plays import Play
from scoring import publish, sheets
from scoring.models import Pointer, ScoreSheet
from scoring.receipts import canonical_bytes

CLOSES = 36  # months that are looked back on
TARGET = 100.0  # of a play that leads as high as its signal goes
METHOD = (
    "Matched difference in differences on the play's signal: from the close before the completion to the "
    "first close 90 days later, less the same of up to 20 organizations that were alike then (level, "
    "recent course, segment) and did no play on the signal. Pulled toward the segment, the play and the "
    "playbook's Beta prior by empirical Bayes. Old outcomes count less only where that foretold newer ones "
    "better."
)
LIMITS = (
    "What is not in the scores cannot be matched: organizations that act may differ in what nobody measures.",
    "Work that showed in the signal before the completion is counted as its level before, not as gain.",
    "The promise of a play is taken to lie at its highest target.",
    "On the simulated worlds the order reaches the figures of recommendations/README.md, not the oracle's.",
)


@dataclass(frozen=True)
class Gathered:
    """What the database says, as the ranker takes it, and the names behind its positions."""

    outcomes: ranking.Outcomes
    plays: tuple[Play, ...]
    segments: tuple[str, ...]
    closes: tuple[date, ...]


def retrain_due(day: date) -> RankerVersion | None:
    """The version of the newest close that is made again by this day, if it is not made yet; else None.

    It may be called every night: a close is learned from once, and no outcomes make no version.
    """
    closes = _closes(day)
    if not closes or RankerVersion.objects.filter(trained_on__gte=closes[-1].day).exists():
        return None
    return train(closes[-1].day)


@transaction.atomic
def train(day: date) -> RankerVersion | None:
    """A new version of all outcomes up to a day; None if there are none to compare, or it is made already."""
    gathered = gather(day)
    if gathered is None or RankerVersion.objects.filter(trained_on=gathered.closes[-1]).exists():
        return None
    found = ranking.realized(gathered.outcomes)
    if not len(found.gain):
        return None
    fitted = ranking.learn(found, gathered.outcomes.prior, len(gathered.segments))
    numbers = _numbers(gathered, found, fitted)
    before = RankerVersion.objects.order_by("-number").values_list("number", flat=True).first() or 0
    return RankerVersion.objects.create(
        number=before + 1,
        trained_on=gathered.closes[-1],
        numbers=numbers,
        card=_card(gathered, found, fitted, numbers),
        digest=hashlib.sha256(canonical_bytes(numbers)).hexdigest(),
    )


# ---------- from the database to arrays ----------


def _closes(day: date) -> list[Pointer]:
    """The newest version of each close that was made again, oldest first."""
    rows = Pointer.objects.filter(version__key=playbook.SCORECARD, day__lte=day, run__revision__gte=1)
    newest_of = {row.day: row for row in rows.order_by("version__number").select_related("run", "version")}
    months = [each for each in sorted(newest_of) if (each + timedelta(days=1)).day == 1]
    return [newest_of[each] for each in months[-CLOSES:]]


def gather(day: date) -> Gathered | None:
    """All closes and completions up to a day; None before there are enough closes to see 90 days."""
    closes = _closes(day)
    if len(closes) <= ranking.LATER:
        return None
    months = _months(closes[0].day, closes[-1].day)
    plays = playbook.in_force().plays
    signals = tuple(dict.fromkeys(play.signal for play in plays))
    facts = Organization.objects.filter(contributes=True).order_by("pk")
    people = {
        pk: segment_of(industry, np.nan if seats is None else seats)
        for pk, industry, seats in facts.values_list("pk", "industry", "seats")
    }
    row = {pk: at for at, pk in enumerate(people)}
    segments = _segments(list(people.values()))
    levels = np.full((len(row), len(signals), len(months)), np.nan)
    for pointer in closes:
        _read(pointer, levels[:, :, months.index(pointer.day)], row, signals)
    who, what, when = _completions(months, row, {play.key: at for at, play in enumerate(plays)})
    outcomes = ranking.Outcomes(
        levels=levels,
        segment=np.array(
            [segments.index(each if each in segments else OTHERS) for each in people.values()], np.int64
        ),
        organization=who,
        play=what,
        close=when,
        signal=np.array([signals.index(play.signal) for play in plays], np.int64),
        prior=np.array([(play.prior.alpha, play.prior.beta) for play in plays], np.float64),
        target=TARGET,
    )
    return Gathered(outcomes, plays, segments, tuple(months))


def _months(first: date, last: date) -> list[date]:
    """The last day of every month between two of them: a month without a close leaves a gap, not a jump."""
    days = [last]
    while days[-1] > first:
        days.append(days[-1].replace(day=1) - timedelta(days=1))
    return days[::-1]


def _segments(names: Sequence[str]) -> tuple[str, ...]:
    """Segments of enough organizations to say something of; the rest stands together."""
    large = {name for name in names if names.count(name) >= ORGANIZATIONS} if len(set(names)) > 1 else set()
    return (OTHERS, *sorted(large))


def _read(pointer: Pointer, into: np.ndarray, row: dict[int, int], signals: Sequence[str]) -> None:
    """The points of the signals at one close, where they have a number."""
    card = publish.card_of(pointer.version)
    place = {node.id: at for at, node in enumerate(card.nodes)}
    rows = ScoreSheet.objects.filter(version=pointer.version, day=pointer.day, revision=pointer.run.revision)
    found = [(pk, bytes(nodes)) for pk, nodes in rows.values_list("organization_id", "nodes") if pk in row]
    if not found:
        return
    points, _ = sheets.table([nodes for _, nodes in found], card)
    mine = np.array([row[pk] for pk, _ in found])
    for at, signal in enumerate(signals):
        if signal in place:
            hundredths = points[:, place[signal]]
            into[mine, at] = np.where(hundredths < 0, np.nan, hundredths / 100)


def _completions(
    months: Sequence[date], row: dict[int, int], plays: dict[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every first completion, also of what slipped back later: leaving those out would praise every play."""
    changes = RecommendationChange.objects.filter(
        what=What.MOVED,
        after=Status.COMPLETE,
        day__lte=months[-1],
        recommendation__scorecard=playbook.SCORECARD,
    ).order_by("day", "pk")
    first: dict[tuple[int, str], date] = {}
    for organization, play, day in changes.values_list("organization_id", "recommendation__play", "day"):
        if organization in row and play in plays:
            first.setdefault((organization, play), day)
    rows = [
        (row[organization], plays[play], close)
        for (organization, play), day in first.items()
        if (close := sum(month < day for month in months) - 1) >= 0
    ]
    who, what, when = np.array(rows, np.int64).reshape(-1, 3).T
    return who, what, when


# ---------- from arrays to what is kept ----------


def _numbers(gathered: Gathered, found: ranking.Realized, fitted: ranking.Fitted) -> dict[str, Any]:
    kept = {
        name: value.round(4).tolist() if isinstance(value, np.ndarray) else round(value, 4)
        for name, value in vars(fitted).items()
        if name != "half_life"
    }
    half_life = None if np.isinf(fitted.half_life) else fitted.half_life
    return {
        "plays": [play.key for play in gathered.plays],
        "segments": list(gathered.segments),
        "fitted": {**kept, "half_life": half_life},
        "evidence": _evidence(gathered, found),
    }


def _evidence(gathered: Gathered, found: ranking.Realized) -> dict[str, Any]:
    """Counts of the plays that enough organizations did; of the others nothing is written."""
    told = {}
    for at, play in enumerate(gathered.plays):
        mine = found.play == at
        organizations = np.unique(found.organization[mine])
        if mine.sum() < COMPLETIONS or len(organizations) < ORGANIZATIONS:
            continue
        kept = np.unique(found.organization[mine & (found.gain >= ranking.KEPT)])
        told[play.key] = {
            "completions": int(mine.sum()),
            "organizations": len(organizations),
            "kept": len(kept),
            "gain": round(float(found.gain[mine].mean()), 2),
            "alone": round(float(found.alone[mine].mean()), 2),
        }
    return told


def _card(
    gathered: Gathered, found: ranking.Realized, fitted: ranking.Fitted, numbers: dict[str, Any]
) -> dict[str, Any]:
    """What a reader needs to judge the numbers by."""
    return {
        "method": METHOD,
        "limits": list(LIMITS),
        "from": gathered.closes[0].isoformat(),
        "to": gathered.closes[-1].isoformat(),
        "closes": len(gathered.closes),
        "organizations": len(gathered.outcomes.segment),
        "completions": len(gathered.outcomes.play),
        "compared": len(found.gain),
        "plays": len(gathered.plays),
        "plays_told": len(numbers["evidence"]),
        "segments": len(gathered.segments),
        "half_life": numbers["fitted"]["half_life"],
        "noise": round(fitted.noise, 1),
    }


# ---------- for who looks after the ranker ----------


def versions() -> Any:
    """Every training, newest first."""
    return RankerVersion.objects.order_by("-number")


__all__ = ["Gathered", "gather", "newest", "retrain_due", "train", "versions"]
