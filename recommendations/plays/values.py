"""A play and a playbook as values, with what may stand in them. No file, no database, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Horizon(StrEnum):
    """By when the signal can show that it worked."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"

    @property
    def days(self) -> int:
        """The last day of it; long ends when a signal that reads a whole year has surely seen the work."""
        return {Horizon.SHORT: 30, Horizon.MEDIUM: 90, Horizon.LONG: 540}[self]


class Scope(StrEnum):
    """What sort of work it is."""

    CONFIGURATION = "configuration"
    TRAINING = "training"
    PROCESS = "process"
    DEVELOPMENT = "development"


class LinkKind(StrEnum):
    """What a link leads to."""

    ARTICLE = "article"
    TRAIL = "trail"
    COACHING = "coaching"


class Standing(StrEnum):
    """What an expert ordered about a play, whatever the ranking says."""

    FREE = ""
    PINNED = "pinned"
    VETOED = "vetoed"


@dataclass(frozen=True)
class Link:
    """Where to read, learn or ask on; `path` lies below the vendor's help site."""

    kind: LinkKind
    title: str
    minutes: int
    path: str
    modules: int = 0  # of a trail
    included_in: tuple[str, ...] = ()  # plans in which coaching costs nothing more


@dataclass(frozen=True)
class Trigger:
    """When a play fires: any of the three is enough."""

    below: float  # points of the signal
    falling: float  # points lost
    closes: int  # over so many closes
    peer_gap: float  # points behind the peers' median


@dataclass(frozen=True)
class Prior:
    """What is believed of success before anyone did it: Beta(alpha, beta)."""

    alpha: float = 2.0
    beta: float = 2.0

    @property
    def mean(self) -> float:
        return self.alpha / (self.alpha + self.beta)


@dataclass(frozen=True)
class Play:
    """A reusable piece of advice that moves one signal."""

    key: str
    title: str
    signal: str
    targets: tuple[float, ...]  # rising; the next one above now is what the signal is to reach
    trigger: Trigger
    why: str
    first_step: str
    steps: tuple[str, ...]
    evidence: str
    effort_days: float
    horizon: Horizon
    scope: Scope
    owner_hint: str
    prerequisites: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    costs_money: bool = False
    cost_note: str = ""
    prior: Prior = Prior()
    standing: Standing = Standing.FREE
    by_hand: bool = False  # an expert changed it in the portal: newer files leave it as it is

    def target_above(self, points: float) -> float | None:
        """What the signal is to reach from here; None where this play has nothing to add."""
        return next((target for target in self.targets if target > points), None)


@dataclass(frozen=True)
class Playbook:
    """All plays, and what they have in common; never changed once published."""

    trigger: Trigger
    plays: tuple[Play, ...]

    @cached_property
    def by_key(self) -> Mapping[str, Play]:
        return {play.key: play for play in self.plays}

    @cached_property
    def by_signal(self) -> Mapping[str, tuple[Play, ...]]:
        found: dict[str, list[Play]] = {}
        for play in self.plays:
            found.setdefault(play.signal, []).append(play)
        return {signal: tuple(plays) for signal, plays in found.items()}

    def for_signal(self, signal: str) -> tuple[Play, ...]:
        """The plays that move a signal, in the order of the files."""
        return self.by_signal.get(signal, ())


class PlaybookInvalid(Exception):
    """Plays that cannot be used; `problems` holds every (path, message) found in them."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {message}" for path, message in self.problems))
