"""After each night: which plays fire for whom, what each would bring, and what became of those taken up.

The newest published night alone speaks, and it may speak twice: the second time finds nothing to write. What
people wrote is theirs; of a status the night changes only what recommendations.lifecycle lets it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import batched
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Emphasis, Matters, Organization
from recommendations import evidence, lifecycle, playbook, reasons
from recommendations.firing import HAS_POINTS, SEPARATE, Fired, Reason, Seen, fire, is_news, ranks
from recommendations.models import (
    Change,
    PlaybookVersion,
    Recommendation,
    RecommendationChange,
    Status,
)
from recommendations.plays import Play, Standing
from scoring import engine, pack, publish, run, sheets
from scoring.engine import Scorecard, Scores, State
from scoring.engine.arrays import Array, Mask
from scoring.engine.options import IndicatorOptions
from scoring.engine.rollup import roll_up as engine_roll_up
from scoring.models import PeerClose, PeerPlace, Pointer, ScoreSheet, ScoringRun, Turn

type Whole = npt.NDArray[np.int64]
# What share of its promise each play keeps, (orgs, plays), of these organizations: ids, plays and what fired.
type Believe = Callable[[npt.NDArray[np.int64], Sequence[Play], Fired], Array]

SLICE = 100  # organizations in memory at once
CASES = 4000  # trees rolled up at once
NIGHTS = 7  # running, until data counts as an answer
BELOW = 500  # hundredths below the target: it has slipped
LATER = timedelta(days=90)  # after completion, what it brought is no longer told apart from the rest
MOVED = 1000  # hundredths that make news of what was put away
USUAL = 0.5  # chance of success of what has no play: the mean of Beta(2, 2)
EARLY = time(2, tzinfo=UTC)  # the night of a day is dated to the early morning after it

# What the night says anew of one that is open, and of one that is complete.
NUMBERS = (
    "playbook_id",
    "title",
    "product",
    "effort_days",
    "horizon",
    "why",
    "facts",
    "points",
    "target",
    "gain",
    "effects",
    "not_estimated",
    "probability",
    "priority",
    "model_rank",
    "refreshed_on",
)
ANSWERS = (
    "points",
    "brought",
    "brought_on",
    "verified_on",
    "nights_held",
    "nights_below",
    "counted_on",
    "refreshed_on",
    "edition",
)
COLUMNS = (
    "pk",
    "organization_id",
    "play",
    "signal",
    "status",
    "points",
    "target",
    "gain",
    "model_rank",
    "probability",
    "priority",
    "facts",
    "not_estimated",
    "archived_reason",
    "pinned_at",
    "review_id",
    "playbook_id",
    "effort_days",
    "points_before",
    "completed_on",
    "counted_on",
    "nights_held",
    "nights_below",
    "verified_on",
    "brought",
    "title",
    "reworded_by_id",
    "product",
    "horizon",
    "why",
)


@dataclass
class Done:
    """What one night changed."""

    suggested: int = 0
    changed: int = 0
    withdrawn: int = 0
    again: int = 0
    verified: int = 0
    slipped: int = 0

    @property
    def is_something(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        told = {
            "suggested": self.suggested,
            "suggested again": self.again,
            "withdrawn": self.withdrawn,
            "verified": self.verified,
            "slipped back": self.slipped,
            "with new numbers": self.changed,
        }
        return ", ".join(f"{count} {what}" for what, count in told.items() if count) or "nothing new"


@dataclass(frozen=True, eq=False)
class Night:
    """What is the same for everyone."""

    run: ScoringRun
    at: datetime
    card: Scorecard
    book: PlaybookVersion
    plays: tuple[Play, ...]
    closes: Mapping[int, Pointer]  # by how many back
    peers: PeerClose | None
    medians: Mapping[int, Array]  # by release, (nodes,)
    places: pack.Layout
    believe: Believe

    @property
    def day(self) -> date:
        return self.run.day

    @cached_property
    def by_play(self) -> Mapping[str, int]:
        return {play.key: at for at, play in enumerate(self.plays)}

    @cached_property
    def by_node(self) -> Mapping[str, int]:
        return {node.id: at for at, node in enumerate(self.card.nodes)}

    @cached_property
    def happens(self) -> Mask:
        """Nodes of which it is known at once that it happened: signals that count events."""
        return np.array(
            [
                node.signal is not None
                and isinstance(node.signal.options, IndicatorOptions)
                and self.card.metric(node.signal.metrics[0]).nature == "event"
                for node in self.card.nodes
            ]
        )

    @cached_property
    def stamp(self) -> str:
        """Which closes and peers the reasons are of: told anew when these are others."""
        close = self.closes[min(self.closes)].day if self.closes else ""
        return f"@{close}/{self.peers.day if self.peers else ''}"


def usual(ids: npt.NDArray[np.int64], plays: Sequence[Play], fired: Fired) -> Array:
    """What the playbook believes before anybody did it."""
    return np.broadcast_to([play.prior.mean for play in plays], (len(ids), len(plays)))


def learned() -> Believe:
    """What the ranker of today expects of each play for organizations like these; the playbook's before."""
    version = evidence.newest()
    if version is None:
        return usual

    def believe(ids: npt.NDArray[np.int64], plays: Sequence[Play], fired: Fired) -> Array:
        inside = Organization.objects.filter(pk__gte=int(ids[0]), pk__lte=int(ids[-1]))
        known = {
            pk: evidence.segment_of(industry, float("nan") if seats is None else seats)
            for pk, industry, seats in inside.values_list("pk", "industry", "seats")
        }
        segments = [known[pk] for pk in ids.tolist()]
        promised = (fired.target - fired.points) / 100
        return evidence.shares(version, plays, segments, fired.points / 100, promised)

    return believe


def refresh(
    day: date,
    key: str = playbook.SCORECARD,
    *,
    at: datetime | None = None,
    believe: Believe | None = None,
    is_past: bool = False,
) -> Done:
    """What the published night of this day changed; nothing where it is not the newest, or not published.

    is_past  newer nights may be published: somebody tells a past, night after night, as the demo does
    """
    done = Done()
    newest = Pointer.objects.filter(version__key=key).order_by("-day", "-version__number")
    if is_past:
        newest = newest.filter(day=day)
    pointer = newest.select_related("run", "version").first()
    if pointer is None or pointer.day != day or publish.card_of(pointer.version).audience != "customer":
        return done
    night = _night(
        pointer, at or min(timezone.now(), datetime.combine(day + timedelta(days=1), EARLY)), believe
    )
    ids = run.population_of(key).order_by("pk").values_list("pk", flat=True)
    for some in batched(ids.iterator(chunk_size=SLICE), SLICE):
        with transaction.atomic():
            Turn.objects.select_for_update().get_or_create(name="suggest")  # two nights at once take turns
            _refresh(night, some[0], some[-1], done)
    return done


# ---------- what the night knows ----------


def _night(pointer: Pointer, at: datetime, believe: Believe | None) -> Night:
    key, day = pointer.version.key, pointer.day
    card = publish.card_of(pointer.version)
    book = playbook.newest() or playbook.load()
    signals = {node.id for node in card.nodes if node.signal}
    plays = tuple(play for play in playbook.playbook_of(book).plays if play.signal in signals)
    peers = PeerClose.objects.filter(key=key, day__lte=day).order_by("-day").first()
    return Night(
        run=pointer.run,
        at=at,
        card=card,
        book=book,
        plays=plays,
        closes=_closes(key, day, {play.trigger.closes for play in plays}),
        peers=peers,
        medians=_medians(peers, card),
        places=pack.layout(),
        believe=believe or learned(),
    )


def _closes(key: str, day: date, wanted: Iterable[int]) -> dict[int, Pointer]:
    """The closes so many back, where there are as many."""
    ends, end = [], run.last_close(day)
    for _ in range(max(wanted, default=0)):
        ends.append(end)
        end = run.last_close(end)
    found = {
        each.day: each
        for each in Pointer.objects.filter(version__key=key, day__in=ends)
        .select_related("run", "version")
        .order_by("version__number")
    }
    return {back: found[ends[back - 1]] for back in wanted if ends[back - 1] in found}


def _medians(close: PeerClose | None, card: Scorecard) -> dict[int, Array]:
    if close is None:
        return {}
    found = {}
    for pk, figures in close.releases.values_list("pk", "figures"):
        told = [figures.get(node.id, []) for node in card.nodes]
        found[pk] = np.array([100.0 * each[len(each) // 2] if each else np.nan for each in told])
    return found


def _seen(night: Night, ids: Whole, scores: Scores) -> Seen:
    return Seen(
        points=_hundredths(scores.points),
        state=scores.state,
        before={back: _at_close(night, ids, pointer) for back, pointer in night.closes.items()},
        medians=_of_peers(night, ids),
    )


def _at_close(night: Night, ids: Whole, pointer: Pointer) -> Array:
    """The points of that close in the columns of tonight's scorecard."""
    found = np.full((len(ids), len(night.card.nodes)), np.nan)
    rows = list(
        ScoreSheet.objects.filter(
            organization_id__gte=int(ids[0]),
            organization_id__lte=int(ids[-1]),
            version=pointer.version,
            day=pointer.day,
            revision=pointer.run.revision,
        ).values_list("organization_id", "nodes")
    )
    if not rows:
        return found
    then = publish.card_of(pointer.version)
    points, _ = sheets.table([bytes(nodes) for _, nodes in rows], then)
    org, mine = _places(ids, [pk for pk, _ in rows])
    columns = {node.id: at for at, node in enumerate(then.nodes)}
    for at, node in enumerate(night.card.nodes):
        if node.id in columns:
            told = points[:, columns[node.id]].astype(np.float64)
            found[org[mine], at] = np.where(told < 0, np.nan, told)[mine]
    return found


def _of_peers(night: Night, ids: Whole) -> Array:
    """What each is shown of its peers; nothing where it shares nothing."""
    found = np.full((len(ids), len(night.card.nodes)), np.nan)
    if night.peers is None:
        return found
    rows = list(
        PeerPlace.objects.filter(
            close=night.peers,
            why=PeerPlace.Why.SHOWN,
            organization__contributes=True,
            organization_id__gte=int(ids[0]),
            organization_id__lte=int(ids[-1]),
        ).values_list("organization_id", "release_id")
    )
    org, mine = _places(ids, [pk for pk, _ in rows])
    for at, is_mine, (_, release) in zip(org.tolist(), mine.tolist(), rows, strict=True):
        if is_mine and release is not None:
            found[at] = night.medians[release]
    return found


def _said(night: Night, ids: Whole) -> tuple[Mask, Mask]:
    """Which signals matter less to whom, and which not at all; both (orgs, nodes)."""
    less, none = (np.zeros((len(ids), len(night.card.nodes)), bool) for _ in range(2))
    rows = Emphasis.objects.filter(
        scorecard=night.card.key,
        ended_at=None,
        organization_id__gte=int(ids[0]),
        organization_id__lte=int(ids[-1]),
    )
    for pk, node, matters in rows.values_list("organization_id", "node", "matters"):
        org, mine = _places(ids, [pk])
        if mine[0] and node in night.by_node:
            (none if matters == Matters.NOT else less)[org[0], night.by_node[node]] = True
    return less, none


def _places(ids: Whole, wanted: Sequence[int]) -> tuple[Whole, Mask]:
    """Where each stands among the ascending ids, and whether it does."""
    asked = np.array(wanted, np.int64)
    at = np.minimum(np.searchsorted(ids, asked), len(ids) - 1)
    return at, ids[at] == asked


def _hundredths(points: Array) -> Array:
    """As they are stored; NaN where there is no number."""
    stored = engine.canonical(points).astype(np.float64)
    return np.where(stored < 0, np.nan, stored)


# ---------- what is there ----------


@dataclass(frozen=True, eq=False)
class Rows:
    """The recommendations that are there, column by column; (rows,)."""

    told: Mapping[str, Sequence[Any]]
    org: Whole
    play: Whole  # -1: written by one of ours, or no longer in the playbook
    place: Whole  # of the signal among the nodes; -1 without one

    def __len__(self) -> int:
        return len(self.org)

    def number(self, name: str) -> Array:
        return np.array([np.nan if each is None else each for each in self.told[name]], np.float64)

    def has(self, name: str) -> Mask:
        return np.array([each is not None for each in self.told[name]], bool)

    def day(self, name: str) -> Array:
        return np.array(
            [np.nan if each is None else each.toordinal() for each in self.told[name]], np.float64
        )

    def text(self, name: str) -> npt.NDArray[np.object_]:
        return np.array(self.told[name], object)

    @cached_property
    def status(self) -> npt.NDArray[np.object_]:
        return self.text("status")

    @cached_property
    def is_of_play(self) -> Mask:
        return np.array([bool(each) for each in self.told["play"]], bool)


def _rows(night: Night, ids: Whole) -> Rows:
    found = Recommendation.objects.filter(
        scorecard=night.card.key, organization_id__gte=int(ids[0]), organization_id__lte=int(ids[-1])
    )
    rows = list(found.order_by("pk").values_list(*COLUMNS))
    _, mine = _places(ids, [row[1] for row in rows])
    rows = [row for row, is_mine in zip(rows, mine.tolist(), strict=True) if is_mine]
    told = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(COLUMNS, ())
    org, _ = _places(ids, told["organization_id"])
    return Rows(
        told,
        org if rows else np.empty(0, np.int64),
        np.array([night.by_play.get(key, -1) for key in told["play"]], np.int64),
        np.array([night.by_node.get(key, -1) for key in told["signal"]], np.int64),
    )


# ---------- what tonight makes of it ----------


@dataclass(frozen=True, eq=False)
class Open:
    """What stands open after tonight: rows that are there (row ≥ 0) and new ones; (recommendations,)."""

    row: Whole
    org: Whole
    play: Whole
    place: Whole
    target: Array
    points: Array
    gain: Array = field(default_factory=lambda: np.empty(0))
    after: npt.NDArray[np.int16] = field(default_factory=lambda: np.empty((0, 0), np.int16))
    probability: Array = field(default_factory=lambda: np.empty(0))
    priority: Array = field(default_factory=lambda: np.empty(0))
    rank: Whole = field(default_factory=lambda: np.empty(0, np.int64))


def _refresh(night: Night, first: int, last: int, done: Done) -> None:
    here = run.population_of(night.card.key).filter(pk__gte=first, pk__lte=last)
    people = pack.started_by(pack.population(here), night.day)
    if not len(people.ids):
        return
    scores = engine.score(
        night.card,
        pack.panel(night.card, people, night.day, watermark=night.run.watermark, places_now=night.places),
    )
    seen = _seen(night, people.ids, scores)
    fired = fire(night.card, night.plays, seen)
    less, none = _said(night, people.ids)
    wanted = fired.any & ~none[:, fired.places]
    rows = _rows(night, people.ids)
    chunk = Chunk(night, people.ids, scores, seen, fired, wanted, less, none, rows)
    chunk.write(done)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some organizations, and all that is known of them tonight."""

    night: Night
    ids: Whole
    scores: Scores
    seen: Seen
    fired: Fired
    wanted: Mask
    less: Mask
    none: Mask
    rows: Rows

    # ----- rows that are there -----

    @cached_property
    def points(self) -> Array:
        """Of each row's signal; NaN unknown."""
        rows = self.rows
        known = (rows.place >= 0) & np.isin(self.seen.state[rows.org, rows.place], HAS_POINTS)
        return np.where(known, self.seen.points[rows.org, rows.place], np.nan)

    @cached_property
    def target(self) -> Array:
        """Tonight's of what is new; of what somebody works on the one it had."""
        rows = self.rows
        kept = rows.number("target")
        if not len(self.night.plays):
            return kept
        follows = (rows.status == Status.NEW) | (rows.status == Status.ARCHIVED)
        follows &= (rows.play >= 0) & ~np.isnan(self.fired.points[rows.org, rows.play])
        return np.where(follows, self.fired.target[rows.org, rows.play], kept)

    @cached_property
    def withdrawn(self) -> dict[int, str]:
        """Rows that are no longer needed, and why."""
        rows = self.rows
        free = (rows.status == Status.NEW) & rows.is_of_play & ~rows.has("pinned_at") & ~rows.has("review_id")
        vetoed = np.array([play.standing is Standing.VETOED for play in self.night.plays] + [True])
        state = np.where(rows.place >= 0, self.seen.state[rows.org, rows.place], State.NOT_APPLICABLE)
        why = np.select(
            [
                vetoed[rows.play],
                (rows.place >= 0) & self.none[rows.org, rows.place],
                np.isin(state, (State.NOT_APPLICABLE, State.EXEMPT)),
                ~np.isnan(self.points) & np.isnan(self.target),
            ],
            [1, 2, 3, 4],
            0,
        )
        words = (
            "",
            "The playbook no longer recommends it.",
            "You said that this signal does not matter to you.",
            "The signal no longer applies to you.",
            "The signal is at its target.",
        )
        return {int(at): words[why[at]] for at in np.flatnonzero(free & (why > 0))}

    @cached_property
    def again(self) -> dict[int, str]:
        """Rows that were put away and are suggested again, and why."""
        rows, found = self.rows, {}
        if not len(self.night.plays):
            return {}
        away = (rows.status == Status.ARCHIVED) & (rows.play >= 0) & self.wanted[rows.org, rows.play]
        then = rows.number("points")
        for at in np.flatnonzero(away).tolist():
            org, play = rows.org[at], rows.play[at]
            was = None if np.isnan(then[at]) else float(then[at])
            told = self.fired.reasons(org, play)
            points = float(self.points[at])
            if is_news(told, points, rows.told["facts"][at].partition("@")[0], was, MOVED):
                why = self.why(org, play)
                found[at] = reasons.of_return(why, rows.told["archived_reason"][at], rows.told["points"][at])
        return found

    # ----- what is open after tonight -----

    @cached_property
    def open(self) -> Open:
        rows = self.rows
        stays = np.isin(rows.status, [Status.NEW, Status.IN_PROGRESS])
        stays[list(self.withdrawn)] = False
        stays[list(self.again)] = True
        kept = np.flatnonzero(stays)
        there = np.zeros(self.wanted.shape, bool)
        there[rows.org[rows.play >= 0], rows.play[rows.play >= 0]] = True
        org, play = np.nonzero(self.wanted & ~there)
        asked = Open(
            row=np.concatenate([kept, np.full(len(org), -1)]),
            org=np.concatenate([rows.org[kept], org]),
            play=np.concatenate([rows.play[kept], play]),
            place=np.concatenate([rows.place[kept], self.fired.places[play]]),
            target=np.concatenate([self.target[kept], self.fired.target[org, play]]),
            points=np.concatenate([self.points[kept], self.fired.points[org, play]]),
        )
        return self.ranked(asked)

    def ranked(self, asked: Open) -> Open:
        """The same with what each would bring, how likely, and in which order."""
        night = self.night
        overall = self.seen.points[asked.org, 0]
        known = ~np.isnan(overall) & ~np.isnan(asked.points) & ~np.isnan(asked.target)
        moves = known & (asked.target > asked.points)
        after = np.full((len(asked.org), len(night.card.nodes)), -1, np.int16)
        after[known] = engine.canonical(self.scores.points)[asked.org[known]]
        after[moves] = self.rolled(asked.org[moves], asked.place[moves], asked.target[moves])
        gain = np.where(known & (after[:, 0] >= 0), after[:, 0] - overall, np.nan)
        believed = night.believe(self.ids, night.plays, self.fired)
        is_play = asked.play >= 0
        probability = np.full(len(asked.org), np.nan)
        probability[is_play] = believed[asked.org[is_play], asked.play[is_play]]
        effort = np.array([play.effort_days for play in night.plays] + [1.0])[asked.play]
        own = ~is_play & (asked.row >= 0)
        effort[own] = self.rows.number("effort_days")[asked.row[own]] if len(self.rows) else 1.0
        chance = np.where(np.isnan(probability), USUAL, probability)
        priority = np.round(gain / 100 * chance / effort, 6)
        tie = np.where(is_play, asked.play, 10_000 + asked.row)
        later = (asked.place >= 0) & self.less[asked.org, asked.place]
        return Open(
            **{name: getattr(asked, name) for name in ("row", "org", "play", "place", "target", "points")},
            gain=gain,
            after=after,
            probability=probability,
            priority=priority,
            rank=ranks(asked.org, later, priority, tie.tolist()),
        )

    def rolled(self, org: Whole, place: Whole, to: Array) -> npt.NDArray[np.int16]:
        """Every node once one signal has other points, by the engine itself: (cases, nodes), hundredths."""
        asked = np.stack([org, place, to.astype(np.int64)], axis=1)
        cases, back = np.unique(asked, axis=0, return_inverse=True)
        found = np.empty((len(cases), len(self.night.card.nodes)), np.int16)
        for start in range(0, len(cases), CASES):
            who, at, hundredths = cases[start : start + CASES].T
            points, state = self.scores.points[who], self.scores.state[who]
            line = np.arange(len(who))
            rises = hundredths > self.seen.points[who, at]
            points[line, at] = hundredths / 100
            # What happened is known at once.
            state[line, at] = np.where(rises & self.night.happens[at], State.OK, state[line, at])
            made = engine_roll_up(self.night.card, points, state, self.share[who])
            found[start : start + CASES] = engine.canonical(made.points)
        return found[back.reshape(-1)]

    @cached_property
    def share(self) -> Array:
        """How much of a growth signal's base was observed: its coverage, less what its freshness took."""
        fresh = np.where(self.scores.state == State.STALE_GRACE, 2.0, 1.0)
        coverage = self.scores.coverage
        return np.where(np.isnan(coverage), 1.0, np.minimum(fresh * coverage, 1.0))

    # ----- why, in numbers -----

    @cached_property
    def told(self) -> npt.NDArray[np.object_]:
        """What fired of each play for each organization, and of which closes: (orgs, plays)."""
        texts = np.array(
            [
                SEPARATE.join(reason for bit, reason in enumerate(Reason) if code >> bit & 1)
                + self.night.stamp
                for code in range(8)
            ],
            object,
        )
        fired = self.fired
        found: npt.NDArray[np.object_] = texts[fired.score * 1 + fired.trend * 2 + fired.peers * 4]
        return found

    def why(self, org: int, play: int) -> dict[str, Any]:
        """What fired, with its numbers in hundredths."""
        fired, night, chosen = self.fired, self.night, self.night.plays[play]
        why: dict[str, Any] = {"points": _number(fired.points[org, play])}
        if fired.score[org, play]:
            why["threshold"] = round(100 * chosen.trigger.below)
        if fired.trend[org, play]:
            closes = chosen.trigger.closes
            why["trend"] = {
                "from": _number(fired.before[org, play]),
                "closes": closes,
                "day": night.closes[closes].day.isoformat(),
            }
        if fired.peers[org, play] and night.peers:
            why["peers"] = {
                "median": _number(fired.medians[org, play]),
                "day": night.peers.day.isoformat(),
            }
        if chosen.standing is Standing.PINNED:
            why["pinned"] = True  # by the experts: told beside the rank, which stays the model's
        if self.less[org, fired.places[play]]:
            why["less"] = True
        return why

    def effects(self, at: int) -> dict[str, list[int]]:
        """Points before and after, of the signal and everything above it."""
        made, night = self.open, self.night
        if np.isnan(made.gain[at]):
            return {}
        found, place = {}, int(made.place[at])
        while place >= 0:
            before = self.seen.points[made.org[at], place]
            if not np.isnan(before):
                found[night.card.nodes[place].id] = [int(before), int(made.after[at, place])]
            place = night.card.nodes[place].parent
        return found

    def lack(self, at: int) -> str:
        """Why there is no number of what it would bring; empty where there is one."""
        made = self.open
        if not np.isnan(made.gain[at]):
            return ""
        place = int(made.place[at])
        if place < 0:
            return reasons.UNKNOWN[State.NOT_APPLICABLE]
        if np.isnan(made.points[at]):
            return reasons.UNKNOWN.get(
                State(int(self.seen.state[made.org[at], place])), reasons.UNKNOWN[State.MISSING]
            )
        return reasons.NO_SCORE

    # ----- writing -----

    def write(self, done: Done) -> None:
        """Put down what is other than before, and nothing else."""
        made, rows, night = self.open, self.rows, self.night
        new = np.flatnonzero(made.row < 0)
        self._suggest(new, done)
        if not len(rows):
            return
        other = np.flatnonzero((made.row >= 0) & self._is_other()).tolist()
        put_down([self._numbers(at) for at in other])
        done.changed += len(other)
        checks = self._checks()
        wanted = {*self.withdrawn, *self.again, *checks}
        if not wanted:
            return
        pks = {rows.told["pk"][row]: row for row in wanted}
        found = Recommendation.objects.select_for_update(of=("self",)).filter(pk__in=pks)
        answered: list[Recommendation] = []
        gone: list[Recommendation] = []
        moves: list[tuple[Recommendation, str, str]] = []
        lines: list[RecommendationChange] = []
        for each in found.order_by("pk"):
            row = pks[each.pk]
            if each.status != rows.told["status"][row]:
                continue  # somebody was quicker: the next night looks again
            if row in self.withdrawn:
                each.facts, each.model_rank = "", None  # whatever fires again is news
                each.points = _number(self.points[row])
                gone.append(each)
                moves.append((each, Status.ARCHIVED, self.withdrawn[row]))
            elif row in self.again:
                moves.append((each, Status.NEW, self.again[row]))
            else:
                checks[row](each, moves, lines)
                answered.append(each)
        Recommendation.objects.bulk_update(gone, ["facts", "model_rank", "points"], batch_size=200)
        Recommendation.objects.bulk_update(answered, ANSWERS, batch_size=100)
        RecommendationChange.objects.bulk_create(lines, batch_size=500)
        lifecycle.move_by_night(moves, night.day, night.at)
        done.withdrawn += len(gone)
        done.again += sum(to == Status.NEW for _, to, _ in moves)
        done.slipped += sum(to == Status.IN_PROGRESS for _, to, _ in moves)
        done.verified += len(lines)
        done.changed += len(answered)

    def _suggest(self, new: Whole, done: Done) -> None:
        """The ones that were never there before."""
        night, made = self.night, self.open
        rows = []
        for at in new.tolist():
            play = night.plays[made.play[at]]
            signal = night.card.nodes[made.place[at]].signal
            if signal is None:
                continue
            each = Recommendation(
                organization_id=int(self.ids[made.org[at]]),
                scorecard=night.card.key,
                signal=signal.key,
                category=signal.category,
                play=play.key,
                status_at=night.at,
                suggested_on=night.day,
            )
            for name, value in zip(NUMBERS, self._numbers(at)[0], strict=True):
                setattr(each, name, value)
            rows.append(each)
        Recommendation.objects.bulk_create(rows, batch_size=500)
        RecommendationChange.objects.bulk_create(
            (
                lifecycle.change_by_night(
                    each, Change.SUGGESTED, night.day, night.at, after=Status.NEW, note=self._reason(each)
                )
                for each in rows
            ),
            batch_size=500,
        )
        done.suggested += len(rows)

    def _reason(self, each: Recommendation) -> str:
        node = self.night.card.nodes[self.night.by_node[each.signal]]
        return " ".join(reasons.sentences(each.why, node.name))

    def _is_other(self) -> Mask:
        """Which of the open ones differ from their rows."""
        made, rows = self.open, self.rows
        if not len(rows):
            return np.zeros(len(made.row), bool)
        row = made.row
        other = np.zeros(len(row), bool)
        for name, now, least in (
            ("points", made.points, 1),
            ("target", made.target, 1),
            # By one hundredth the rounding of the whole moves what the signal itself never touched.
            ("gain", made.gain, 2),
            ("model_rank", made.rank.astype(np.float64), 1),
            ("probability", made.probability, 1e-9),
        ):
            was = rows.number(name)[row]
            other |= (np.isnan(was) != np.isnan(now)) | (np.abs(was - now) >= least)
        is_play = made.play >= 0
        told = np.full(len(row), "", object)
        told[is_play] = self.told[made.org[is_play], made.play[is_play]]
        other |= is_play & (told != rows.text("facts")[row])
        other |= is_play & (rows.number("playbook_id")[row] != self.night.book.pk)
        return other

    def _numbers(self, at: int) -> tuple[list[Any], int, str]:
        """Tonight's numbers in the order of NUMBERS; of which row and status, -1 for a new one.

        Its words too, unless one of ours has put in others.
        """
        made, night, rows = self.open, self.night, self.rows
        play, row, org = int(made.play[at]), int(made.row[at]), int(made.org[at])
        was = {name: rows.told[name][row] for name in rows.told} if row >= 0 else {}
        told = {
            "points": _number(made.points[at]),
            "target": was.get("target") if np.isnan(made.target[at]) else int(made.target[at]),
            "gain": _number(made.gain[at]),
            "effects": self.effects(at),
            "not_estimated": self.lack(at),
            "probability": None if np.isnan(made.probability[at]) else float(made.probability[at]),
            "priority": None if np.isnan(made.priority[at]) else float(made.priority[at]),
            "model_rank": int(made.rank[at]),
            "refreshed_on": night.day,
        }
        if play >= 0:
            chosen, signal = night.plays[play], night.card.nodes[made.place[at]].signal
            told |= {
                "playbook_id": night.book.pk,
                "title": was["title"] if was.get("reworded_by_id") else chosen.title,
                "product": (signal.product or "") if signal else "",
                "effort_days": Decimal(str(chosen.effort_days)),
                "horizon": chosen.horizon.value,
                "facts": self.told[org, play],
                "why": was.get("why", {}) if np.isnan(made.points[at]) else self.why(org, play),
            }
        return [told.get(name, was.get(name)) for name in NUMBERS], was.get("pk", -1), was.get("status", "")

    # ----- what became of it -----

    def _checks(self) -> dict[int, "Check"]:
        """By row: what tonight's data says of those that somebody called complete."""
        rows, night = self.rows, self.night
        is_done = (rows.status == Status.COMPLETE) & (rows.day("completed_on") <= night.day.toordinal())
        points, target = self.points, rows.number("target")
        # A night without a number counts neither way; one that was counted is not counted again.
        counts = is_done & ~np.isnan(points) & ~np.isnan(target)
        counts &= ~(rows.day("counted_on") >= night.day.toordinal())
        verified = rows.has("verified_on")
        held = np.where(counts & (points >= target), rows.number("nights_held") + 1, 0)
        below = np.where(counts & (points < target - BELOW), rows.number("nights_below") + 1, 0)
        held = np.where(verified, rows.number("nights_held"), held)  # it has been answered
        moved = (held != rows.number("nights_held")) | (below != rows.number("nights_below"))
        brought = self._brought(is_done)
        brings = ~np.isnan(brought) & (brought != rows.number("brought"))
        found = {}
        for at in np.flatnonzero((counts & moved) | brings).tolist():
            found[at] = Check(
                night=night,
                held=int(held[at]) if counts[at] else None,
                below=int(below[at]),
                points=_number(points[at]),
                brought=int(brought[at]) if brings[at] else None,
            )
        return found

    def _brought(self, is_done: Mask) -> Array:
        """The overall score less what it would be with each signal as it was when work began."""
        rows, before = self.rows, self.rows.number("points_before")
        until = rows.day("completed_on") + LATER.days
        overall = self.seen.points[rows.org, 0]
        known = is_done & (until >= self.night.day.toordinal()) & ~np.isnan(before)
        known &= ~np.isnan(self.points) & ~np.isnan(overall)
        found = np.full(len(rows), np.nan)
        then = self.rolled(rows.org[known], rows.place[known], before[known])[:, 0].astype(np.float64)
        found[known] = np.where(then < 0, np.nan, overall[known] - then)
        return found


@dataclass(frozen=True)
class Check:
    """What one night's data says of one that somebody called complete."""

    night: Night
    held: int | None  # nights in a row at the target; None: this night does not count
    below: int
    points: int | None
    brought: int | None

    def __call__(
        self,
        each: Recommendation,
        moves: list[tuple[Recommendation, str, str]],
        lines: list[RecommendationChange],
    ) -> None:
        night = self.night
        if self.brought is not None:
            each.brought, each.brought_on = self.brought, night.day
        if self.held is None:
            return
        each.points, each.refreshed_on = self.points, night.day
        each.nights_held, each.nights_below, each.counted_on = self.held, self.below, night.day
        target, points = engine.shown(each.target or 0), engine.shown(self.points or 0)
        if self.held >= NIGHTS and each.verified_on is None:
            each.verified_on = night.day
            each.edition += 1
            note = f"The signal has been at {target} or above for {NIGHTS} nights running."
            lines.append(lifecycle.change_by_night(each, Change.VERIFIED, night.day, night.at, note=note))
        if self.below >= NIGHTS:
            edge = target - BELOW // 100
            note = f"The signal has been below {edge} for {NIGHTS} nights running, now {points}."
            moves.append((each, Status.IN_PROGRESS, note))


def put_down(rows: Sequence[tuple[Sequence[Any], int, str]]) -> None:
    """Numbers, in the order of NUMBERS, of rows by their id, as long as their status is still this one.

    In the database's own words: as objects it would cost many times the night.
    """
    table = Recommendation._meta.db_table
    fields = [Recommendation._meta.get_field(name.removesuffix("_id")) for name in NUMBERS]
    sets = ", ".join(f"{name} = %s" for name in NUMBERS)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET {sets} WHERE id = %s AND status = %s",  # noqa: S608 - our own names
            [
                [
                    *(
                        field.get_db_prep_save(value, connection)  # type: ignore[union-attr]
                        for field, value in zip(fields, values, strict=True)
                    ),
                    pk,
                    status,
                ]
                for values, pk, status in rows
            ],
        )


def _number(value: float) -> int | None:
    return None if np.isnan(value) else int(value)


__all__ = ["Believe", "Done", "learned", "refresh", "usual"]
