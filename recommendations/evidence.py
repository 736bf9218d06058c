"""What was learned from outcomes, as far as it may be told: the newest version, the sentence, the chance.

Figures per play only, from ten completions at five organizations on: nobody learns who stands behind them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommendations import ranking
from recommendations.models import RankerVersion
from recommendations.plays import Play
from scoring.engine import peers
from scoring.engine.arrays import Array, Whole

COMPLETIONS = 10  # fewer say nothing of the next one
ORGANIZATIONS = 5  # fewer would say something of one of them: the floor of peers
TOP = 100.0  # points: what is learned is the share of the gap to it that a play closes
OTHERS = ""  # segments of too few organizations, together


@dataclass(frozen=True)
class Evidence:
    """How a play went where it was done."""

    kept: int  # organizations whose gain was kept after 90 days
    organizations: int
    alone: float  # share of similar organizations that rose as far without it

    def __str__(self) -> str:
        return f"{self.kept} of {self.organizations} organizations kept the gain after 90 days"


def newest() -> RankerVersion | None:
    """The version in force; None until there were outcomes to learn from."""
    return RankerVersion.objects.order_by("-number").first()


def evidence(play: str) -> Evidence | None:
    """What may be told of a play; None where too few have done it."""
    version = newest()
    return told(version.numbers, play) if version else None


def told(numbers: Mapping[str, Any], play: str) -> Evidence | None:
    """What these numbers tell of a play; the floor is asked again, whatever was written."""
    found = numbers["evidence"].get(play)
    if found is None or found["completions"] < COMPLETIONS or found["organizations"] < ORGANIZATIONS:
        return None
    return Evidence(found["kept"], found["organizations"], found["alone"])


def segment_of(industry: str, seats: float) -> str:
    """The segment an organization is learned with: industry and size, as for peers."""
    size = int(peers.size_of(np.array([seats], np.float64))[0])
    return f"{industry.strip()}/{size}"


def probability_of(version: RankerVersion | None, play: Play, segment: str) -> float:
    """The chance that the gain is kept; the playbook's where nothing was learned of the play."""
    if version is None or play.key not in version.numbers["plays"]:
        return play.prior.mean
    fitted = fitted_of(version)
    at = np.array([version.numbers["plays"].index(play.key)])
    return float(ranking.probability(fitted, at, _segments(version.numbers, [segment]))[0])


def shares(
    version: RankerVersion | None,
    plays: Sequence[Play],
    segments: Sequence[str],
    points: Array,
    promised: Array,
) -> Array:
    """Of what each play promises each organization, the share to be expected: chance × gain kept ÷ promise.

    What is promised times this share is the gain to be expected, so that it ranks as the ranker does.

    shapes  points, promised: (orgs, plays); the signal now, and how far the play is to lift it; NaN unknown
    returns (orgs, plays), 0-1; the playbook's where nothing was learned of the play
    """
    prior = np.array([play.prior.mean for play in plays])
    result = np.broadcast_to(prior, promised.shape).copy()
    if version is None:
        return result
    known = {key: at for at, key in enumerate(version.numbers["plays"])}
    columns = [at for at, play in enumerate(plays) if play.key in known]
    if not columns or not len(segments):
        return result
    gap = np.nan_to_num(TOP - points[:, columns])  # what was learned is the share of the way to the top
    asked = np.nan_to_num(promised[:, columns])
    there = np.array([known[plays[at].key] for at in columns])
    found = ranking.predict(
        fitted_of(version),
        np.tile(there, len(segments)),
        np.repeat(_segments(version.numbers, segments), len(columns)),
        gap.ravel(),
    )
    expected = found.expected.reshape(asked.shape)
    kept = np.clip(expected / np.where(asked > 0, asked, 1), 0, 1)
    result[:, columns] = np.where((asked > 0) & (gap > 0), kept, result[:, columns])
    return result


def _segments(numbers: Mapping[str, Any], segments: Sequence[str]) -> Whole:
    known = {name: at for at, name in enumerate(numbers["segments"])}
    return np.array([known.get(name, known.get(OTHERS, -1)) for name in segments], np.int64)


def fitted_of(version: RankerVersion) -> ranking.Fitted:
    """The numbers of a version as the ranker knows them."""
    kept = version.numbers["fitted"]
    arrays = {name: np.array(value) if isinstance(value, list) else value for name, value in kept.items()}
    return ranking.Fitted(**arrays | {"half_life": kept["half_life"] or float("inf")})
