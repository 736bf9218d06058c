"""Plays from files and from the hands of experts, published as versions that never change."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Action, User
from recommendations import plays
from recommendations.models import PlaybookVersion
from recommendations.plays import Difference, Play, Playbook, Standing
from scoring import cards, engine, publish
from scoring.engine import Scorecard
from scoring.models import Turn

SCORECARD = "customer-success"
LONGEST_REASON = 300
PARSED: dict[str, Playbook] = {}  # by digest of the text: a version never changes, and there are few


class ChangeRefused(ValueError):
    """A change to a play that cannot be; names the field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class PlayUnknown(LookupError):
    """No play has this key."""


class PlayChanged(ChangeRefused):
    """Somebody else changed the play meanwhile; `differences` says how, from what was seen to now."""

    def __init__(self, version: PlaybookVersion, differences: tuple[Difference, ...]) -> None:
        who = version.made_by or "A newer release"
        super().__init__("seen", f"{who} has changed this play meanwhile. Nothing of yours was saved yet.")
        self.version = version
        self.differences = differences


@dataclass(frozen=True)
class Edit:
    """One version in which a play became different."""

    number: int
    at: datetime
    by: str  # empty: it came with the files
    reason: str
    differences: tuple[Difference, ...]


# ---------- reading ----------


def in_force() -> Playbook:
    """The newest playbook; before the first was published, the one of the files. It writes nothing."""
    digest = PlaybookVersion.objects.order_by("-number").values_list("digest", flat=True).first()
    if digest is None:
        return shipped()
    found = PARSED.get(digest)
    return found if found is not None else playbook_of(PlaybookVersion.objects.filter(digest=digest)[0])


def newest() -> PlaybookVersion | None:
    """The version in force; None before the first."""
    return PlaybookVersion.objects.order_by("-number").first()


def playbook_of(version: PlaybookVersion) -> Playbook:
    """The plays of a version; parsed once a process."""
    found = PARSED.get(version.digest)
    if found is None:
        found = PARSED[version.digest] = plays.parse(version.text)
    return found


def play_of(key: str) -> Play:
    """The play in force; PlayUnknown if there is none."""
    try:
        return in_force().by_key[key]
    except KeyError as error:
        raise PlayUnknown(f"There is no play {key!r}.") from error


def history(key: str, *, most: int = 20) -> list[Edit]:
    """The newest versions in which a play became different, newest first; the first version is no change."""
    edits: list[Edit] = []
    newer: PlaybookVersion | None = None
    for version in PlaybookVersion.objects.order_by("-number").select_related("made_by").iterator():
        if newer is not None and (found := _between(version, newer, key)):
            edits.append(_edit(newer, found))
        if len(edits) == most:
            return edits
        newer = version
    if newer is not None and key in playbook_of(newer).by_key:
        edits.append(_edit(newer, ()))
    return edits


def _between(older: PlaybookVersion, newer: PlaybookVersion, key: str) -> tuple[Difference, ...]:
    was, now = playbook_of(older).by_key.get(key), playbook_of(newer).by_key.get(key)
    return plays.differences(was, now) if now else ()


def _edit(version: PlaybookVersion, differences: tuple[Difference, ...]) -> Edit:
    by = str(version.made_by) if version.made_by else ""
    return Edit(version.number, version.made_at, by, version.reason, differences)


def scorecard() -> Scorecard:
    """The scorecard that plays are checked against: the one in force, else the one we ship."""
    version = publish.in_force(SCORECARD, timezone.now().date())
    return publish.card_of(version) if version else shipped_scorecard()


@cache
def shipped_scorecard() -> Scorecard:
    return engine.parse(cards.SHIPPED.read_text(encoding="utf-8"))


@cache
def shipped() -> Playbook:
    """The playbook of the files we ship; read once a process."""
    return plays.read(plays.shipped_texts(), shipped_scorecard())


@cache
def _shipped_digest() -> str:
    return plays.digest_of(plays.shipped_texts())


# ---------- publishing ----------


@transaction.atomic
def load(*, by: User | None = None) -> PlaybookVersion:
    """The newest version, made of the files if they have changed since; what experts wrote is kept.

    raises  PlaybookInvalid with every problem, its file and its place
    """
    files = _shipped_digest()
    before = _newest_alone()
    if before is not None and before.files_digest == files:
        return before
    playbook = plays.renewed(playbook_of(before), shipped()) if before else shipped()
    version = _publish(before, playbook, files, by=by, reason="Files of this release")
    audit.record(
        Action.PLAYBOOK_CHANGED,
        by=by,
        target=("playbook", version.number),
        after={"plays": len(playbook.plays), "digest": version.digest},
        reason=version.reason,
    )
    return version


def change(
    key: str, fields: Mapping[str, Any], *, by: User, reason: str, seen: int | None = None, hat: str = ""
) -> PlaybookVersion:
    """The version in which one play has these fields; the newest as it is if nothing is different.

    fields  as a file has them
    seen    number of the version the editor looked at
    raises  PlayUnknown, PlaybookInvalid, ChangeRefused without a reason, PlayChanged if somebody was faster
    """
    return _edited(
        key,
        lambda playbook: plays.with_change(playbook, key, fields, _scorecard_of(playbook, key, fields)),
        by=by,
        reason=reason,
        seen=seen,
        hat=hat,
    )


def pin(key: str, *, by: User, reason: str, hat: str = "") -> PlaybookVersion:
    """The version in which this play comes first wherever it fits."""
    return _stand(key, Standing.PINNED, by=by, reason=reason, hat=hat)


def veto(key: str, *, by: User, reason: str, hat: str = "") -> PlaybookVersion:
    """The version in which this play is suggested to nobody."""
    return _stand(key, Standing.VETOED, by=by, reason=reason, hat=hat)


def release(key: str, *, by: User, reason: str, hat: str = "") -> PlaybookVersion:
    """The version in which this play is ranked like any other again."""
    return _stand(key, Standing.FREE, by=by, reason=reason, hat=hat)


def _stand(key: str, standing: Standing, *, by: User, reason: str, hat: str) -> PlaybookVersion:
    return _edited(
        key,
        lambda playbook: plays.with_standing(playbook, key, standing),
        by=by,
        reason=reason,
        seen=None,
        hat=hat,
    )


@transaction.atomic
def _edited(
    key: str, edit: Callable[[Playbook], Playbook], *, by: User, reason: str, seen: int | None, hat: str
) -> PlaybookVersion:
    """What an edit makes of the newest version, written down with its differences."""
    reason = " ".join(reason.split())
    if not reason:
        raise ChangeRefused("reason", "Say why: everybody who reads the play sees it.")
    if len(reason) > LONGEST_REASON:
        raise ChangeRefused("reason", f"May hold {LONGEST_REASON} characters, not {len(reason)}.")
    before = _newest_alone() or load()
    playbook = playbook_of(before)
    if key not in playbook.by_key:
        raise PlayUnknown(f"There is no play {key!r}.")
    _refuse_if_changed(key, before, seen)
    edited = edit(playbook)
    found = plays.differences(playbook.by_key[key], edited.by_key[key])
    if not found:
        return before
    version = _publish(before, edited, before.files_digest, by=by, reason=reason)
    audit.record(
        Action.PLAYBOOK_CHANGED,
        by=by,
        hat=hat,
        target=("play", key),
        before={each.field: each.before for each in found},
        after={each.field: each.after for each in found},
        reason=reason,
    )
    return version


def _refuse_if_changed(key: str, now: PlaybookVersion, seen: int | None) -> None:
    if seen is None or seen == now.number:
        return
    looked_at = PlaybookVersion.objects.filter(number=seen).first()
    if looked_at is None:
        raise ChangeRefused("seen", f"There is no version {seen} of the playbook.")
    if found := _between(looked_at, now, key):
        raise PlayChanged(now, found)


def _scorecard_of(playbook: Playbook, key: str, fields: Mapping[str, Any]) -> Scorecard:
    """The scorecard in force; if it lacks the signal, the one we ship: such a play stays editable."""
    found = scorecard()
    signal = fields.get("signal", playbook.by_key[key].signal)
    return found if any(each.key == signal for each in found.signals) else shipped_scorecard()


def _newest_alone() -> PlaybookVersion | None:
    """The newest version, with everybody else who publishes made to wait until the transaction ends."""
    Turn.objects.select_for_update().get_or_create(name="playbook")
    return newest()


def _publish(
    before: PlaybookVersion | None, playbook: Playbook, files: str, *, by: User | None, reason: str
) -> PlaybookVersion:
    text = plays.write(playbook)
    version = PlaybookVersion.objects.create(
        number=before.number + 1 if before else 1,
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        files_digest=files,
        made_by=by,
        reason=reason,
    )
    version.refresh_from_db(fields=["made_at"])
    return version
