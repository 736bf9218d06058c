"""The peer figures of a month, made once when its close is: who contributes, and which group each is shown.

Never made again, whatever arrives or changes later: a second release of one month could be subtracted from
the first. The rules themselves are scoring.engine.peers.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from django.conf import settings
from django.db import transaction

from accounts.models import Organization
from scoring import publish, sheets
from scoring.engine import Scorecard, State, peers
from scoring.models import Observation, PeerClose, PeerList, PeerPlace, PeerRelease, Pointer, ScoreSheet

MEMORY = timedelta(days=3 * 366)  # so far back every list is kept apart from every other
ACTIVE_USERS = "platform.users"  # the size of an organization whose seats nobody entered
CERTAIN = {"overall": (State.OK,), "category": (State.OK,), "signal": (State.OK, State.STALE_GRACE)}


def due(key: str, day: date) -> list[Pointer]:
    """The closes up to a day whose figures are not released, oldest first; none older than a released one."""
    made = PeerClose.objects.filter(key=key).order_by("-day").values_list("day", flat=True).first()
    pointers = Pointer.objects.filter(version__key=key, day__lte=day, run__revision__gte=1)
    if made:
        pointers = pointers.filter(day__gt=made)
    newest = {
        each.day: each for each in pointers.order_by("version__number").select_related("run", "version")
    }
    return [
        newest[close]
        for close in sorted(newest)
        if (close + timedelta(days=1)).day == 1
        and publish.card_of(newest[close].version).audience == "customer"
    ]


@transaction.atomic
def release(pointer: Pointer) -> int:
    """How many groups were released; 0 and nothing written when this close was released already."""
    version, day, revision = pointer.version, pointer.day, pointer.run.revision
    close, is_new = PeerClose.objects.get_or_create(
        key=version.key, day=day, defaults={"version": version, "revision": revision}
    )
    if not is_new:
        return 0
    card = publish.card_of(version)
    names = _names(card)
    people, has_score = _contributors(close, card)
    made, shown = peers.release(
        people,
        _before(close, names),
        with_quartiles=np.arange(len(names)) < len(sheets.columns(card)[0]),
        rules=peers.Rules(floor=settings.PEERS_FLOOR),
    )
    rows = PeerRelease.objects.bulk_create(_row(close, each, names) for each in made)
    PeerList.objects.bulk_create(
        PeerList(
            release=row, ids=each.ids.astype("<i8").tobytes(), values=each.values.astype("<i2").tobytes()
        )
        for row, each in zip(rows, made, strict=True)
    )
    _place(close, people, has_score, shown, rows)
    return len(rows)


def _nodes(card: Scorecard) -> np.ndarray:
    """Positions of the overall score, the categories and the signals, in this order."""
    top, _, leaf = sheets.columns(card)
    return np.concatenate([top, leaf])


def _names(card: Scorecard) -> list[str]:
    return [card.nodes[at].id for at in _nodes(card)]


def _contributors(close: PeerClose, card: Scorecard) -> tuple[peers.Contributors, np.ndarray]:
    """Everyone with a sheet of the close, and whether their overall score is certain."""
    rows = ScoreSheet.objects.filter(version=close.version, day=close.day, revision=close.revision)
    found = dict(rows.order_by("organization_id").values_list("organization_id", "nodes"))
    columns = ("pk", "seats", "industry", "contributes")
    facts = {row[0]: row for row in Organization.objects.filter(pk__in=found).values_list(*columns)}
    ids = [pk for pk in found if pk in facts]
    points, states = sheets.table([bytes(found[pk]) for pk in ids], card)
    nodes = _nodes(card)
    level = [card.nodes[at].level for at in nodes]
    certain = np.stack(
        [np.isin(states[:, at], CERTAIN[each]) for at, each in zip(nodes, level, strict=True)], axis=1
    )
    values = np.where(certain, points[:, nodes], np.int16(peers.NONE)).astype(np.int16)
    people = peers.Contributors(
        ids=np.array(ids, np.int64),
        size=peers.size_of(_seats({pk: facts[pk][1] for pk in ids}, close.day)),
        industry=[facts[pk][2].strip() for pk in ids],
        family=_families(ids),
        contributes=np.array([facts[pk][3] for pk in ids], bool),
        values=values,
    )
    return people, values[:, 0] >= 0


def _seats(entered: Mapping[int, int | None], day: date) -> np.ndarray:
    """Seats as entered, else the newest number of active users; NaN for neither."""
    missing = [pk for pk, seats in entered.items() if seats is None]
    users = Observation.objects.filter(metric__key=ACTIVE_USERS, organization__in=missing, day__lte=day)
    active = dict(users.order_by("day").values_list("organization_id", "value"))
    return np.array([active.get(pk, np.nan) if n is None else n for pk, n in entered.items()], np.float64)


def _families(ids: Sequence[int]) -> np.ndarray:
    """The organization on top of each: those of one parent are one customer."""
    above = dict(Organization.ever.exclude(parent=None).values_list("pk", "parent_id"))

    def top(pk: int) -> int:
        chain = [pk]
        while (parent := above.get(chain[-1])) is not None and parent not in chain:
            chain.append(parent)
        return chain[-1] if parent is None else min(chain)  # a circle has no top

    return np.array([top(pk) for pk in ids], np.int64)


def _before(close: PeerClose, names: Sequence[str]) -> list[peers.Release]:
    """What was released of this scorecard, oldest first; its columns are those of today's nodes."""
    lists = PeerList.objects.filter(
        release__close__key=close.key,
        release__close__day__lt=close.day,
        release__close__day__gt=close.day - MEMORY,
    )
    rows = lists.order_by("release__close__day", "release__rung").select_related("release__close__version")
    return [_read(row, names, is_comparable=row.release.close.version_id == close.version_id) for row in rows]


def _read(row: PeerList, names: Sequence[str], *, is_comparable: bool) -> peers.Release:
    """One kept list; a node that its version did not have is in none of its lists."""
    release = row.release
    theirs = _names(publish.card_of(release.close.version))
    ids = np.frombuffer(bytes(row.ids), "<i8").astype(np.int64)
    kept = np.frombuffer(bytes(row.values), "<i2").reshape(len(ids), len(theirs))
    values = np.full((len(ids), len(names)), peers.NONE, np.int16)
    place = {name: at for at, name in enumerate(theirs)}
    for at, name in enumerate(names):
        if name in place:
            values[:, at] = kept[:, place[name]]
    group = peers.Group(peers.Rung(release.rung), release.low, release.high, release.industry)
    return peers.Release(group, ids, values, np.empty((0, 3), np.int16), is_comparable)


def _row(close: PeerClose, made: peers.Release, names: Sequence[str]) -> PeerRelease:
    group = made.group
    figures = {
        name: [int(each) for each in three if each >= 0]
        for name, three in zip(names, made.figures, strict=True)
        if three[1] >= 0
    }
    size_range = peers.size_range(int(made.sizes[0]))
    return PeerRelease(
        close=close,
        rung=int(group.rung),
        low=group.low,
        high=group.high,
        industry=group.industry,
        size_range=size_range,
        figures=figures,
    )


def _place(
    close: PeerClose,
    people: peers.Contributors,
    has_score: np.ndarray,
    shown: np.ndarray,
    rows: Sequence[PeerRelease],
) -> None:
    """What everybody is shown of this close, or why they are shown nothing."""
    why = np.select(
        [~people.contributes, ~has_score, shown < 0],
        [PeerPlace.Why.OPTED_OUT, PeerPlace.Why.NOT_CERTAIN, PeerPlace.Why.TOO_FEW],
        PeerPlace.Why.SHOWN,
    )
    PeerPlace.objects.bulk_create(
        PeerPlace(organization_id=pk, close=close, release=rows[at] if at >= 0 else None, why=str(reason))
        for pk, at, reason in zip(people.ids.tolist(), shown.tolist(), why.tolist(), strict=True)
    )
