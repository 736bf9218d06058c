"""Which plays fire for whom: arrays in, arrays out. No database, no clock, no loop over organizations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from recommendations.plays import Play, Standing
from scoring.engine import Scorecard, State
from scoring.engine.arrays import Array, Bytes, Mask

HAS_POINTS = (State.OK, State.STALE_GRACE)
SEPARATE = "+"


class Reason(StrEnum):
    """Why a play is suggested."""

    SCORE = "score"
    TREND = "trend"
    PEERS = "peers"


@dataclass(frozen=True, eq=False)
class Seen:
    """What one night shows of some organizations.

    shapes  points, state, medians: (orgs, nodes) · before: by number of closes back, (orgs, nodes)
    units   hundredths, NaN unknown
    """

    points: Array
    state: Bytes
    before: Mapping[int, Array]
    medians: Array


@dataclass(frozen=True, eq=False)
class Fired:
    """What each play says to each organization.

    shapes  (orgs, plays); places: (plays,), the column of the play's signal among the nodes, -1 without one
    units   hundredths, NaN where there is none
    """

    places: npt.NDArray[np.int64]
    score: Mask
    trend: Mask
    peers: Mask
    points: Array
    before: Array
    medians: Array
    target: Array  # the next one above the points

    @property
    def any(self) -> Mask:
        return (self.score | self.trend | self.peers) & ~np.isnan(self.target)

    def reasons(self, org: int, play: int) -> str:
        """What fired, in a fixed order, as one text."""
        parts = ((Reason.SCORE, self.score), (Reason.TREND, self.trend), (Reason.PEERS, self.peers))
        return SEPARATE.join(reason for reason, mask in parts if mask[org, play])


def fire(card: Scorecard, plays: Sequence[Play], seen: Seen) -> Fired:
    """Each play against each organization; a play that an expert vetoed, or without a signal here, is mute.

    source  SCORING §10, recommendation rule shape
    """
    by_id = {node.id: at for at, node in enumerate(card.nodes) if node.signal and not node.signal.preview}
    places = np.array([by_id.get(play.signal, -1) for play in plays], np.int64)
    speaks = (places >= 0) & np.array([play.standing is not Standing.VETOED for play in plays], bool)
    points = np.where(np.isin(seen.state[:, places], HAS_POINTS) & speaks, seen.points[:, places], np.nan)
    before = np.full(points.shape, np.nan)
    for closes, then in seen.before.items():
        mine = np.array([play.trigger.closes == closes for play in plays], bool)
        before[:, mine] = then[:, places[mine]]
    medians = seen.medians[:, places]
    below, falling, gap = (
        np.array([100 * getattr(play.trigger, name) for play in plays])
        for name in ("below", "falling", "peer_gap")
    )
    return Fired(
        places=places,
        score=points < below,
        trend=before - points >= falling,
        # Peers are told in whole numbers, so whole numbers are compared.
        peers=medians - 100 * np.rint(points / 100) >= gap,
        points=points,
        before=before,
        medians=medians,
        target=_targets(plays, points),
    )


def _targets(plays: Sequence[Play], points: Array) -> Array:
    """The next target above the points of each organization; NaN where a play has nothing to add."""
    steps = np.full((max((len(play.targets) for play in plays), default=0), len(plays)), np.nan)
    for column, play in enumerate(plays):
        steps[: len(play.targets), column] = [100 * target for target in play.targets]
    found = np.full(points.shape, np.nan)
    for step in steps[::-1]:
        found = np.where(step > points, step, found)
    return found


def is_news(reasons: str, points: float, then: str, points_then: float | None, least: float) -> bool:
    """Whether what fires now is other than what somebody put away: a new reason, or points that moved."""
    told, before = set(filter(None, reasons.split(SEPARATE))), set(filter(None, then.split(SEPARATE)))
    return bool(told - before) or points_then is None or abs(points - points_then) >= least


def ranks(
    org: npt.NDArray[np.int64], later: Mask, priority: Array, tie: Sequence[int]
) -> npt.NDArray[np.int64]:
    """The place of each open recommendation among those of its organization, from 1.

    shapes  all (recommendations,)
    returns those that matter less come later, then those without a number, each by falling priority
    """
    unknown = np.isnan(priority)
    order = np.lexsort((np.asarray(tie), np.where(unknown, 0.0, -priority), unknown, later, org))
    place = np.empty(len(org), np.int64)
    if len(org):
        sorted_org = org[order]
        starts = np.flatnonzero(np.r_[True, np.diff(sorted_org) != 0])
        lengths = np.diff(np.r_[starts, len(org)])
        place[order] = np.arange(len(org)) - np.repeat(starts, lengths) + 1
    return place


__all__ = ["HAS_POINTS", "SEPARATE", "Fired", "Reason", "Seen", "fire", "is_news", "ranks"]
