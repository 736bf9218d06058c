"""How long a person stays signed in, where, and how recently they have shown that it is them.

A session carries its own stamps, and is held against the person's row that every request reads anyway: no
query of its own. What opens a session is Django's signal, so that no way in can forget it.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.epochs import end_sessions
from accounts.models import Action, SignedIn, User

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600

REFRESH_EVERY = 5 * MINUTE  # between two writes of a session in use; more often where idle time is short

EPOCH, SINCE, SEEN, FRESH, STRONG = "epoch", "since", "seen", "fresh", "strong"
STAMPS = frozenset({EPOCH, SINCE, SEEN, FRESH})
# allauth's names for what counts as a second factor: one of ours, or the company's own sign-in.
STRONG_METHODS = frozenset({"mfa", "sso"})


@dataclass(frozen=True)
class Limits:
    """Seconds: without a request, in all, and since the person last showed that it is them."""

    idle: int
    absolute: int
    fresh: int


ADMIN = Limits(idle=30 * MINUTE, absolute=12 * HOUR, fresh=5 * MINUTE)
STAFF = Limits(idle=8 * HOUR, absolute=24 * HOUR, fresh=15 * MINUTE)
CONTACT = Limits(idle=12 * HOUR, absolute=14 * DAY, fresh=15 * MINUTE)
KEPT = Limits(idle=14 * DAY, absolute=14 * DAY, fresh=15 * MINUTE)  # "keep me signed in"


class NoSuchSession(Exception):
    """The person is not signed in there, or not any more."""


@dataclass(frozen=True)
class Place:
    """A browser in which a person is signed in, as their own page shows it."""

    id: UUID
    browser: str
    address: str
    since: datetime
    seen_at: datetime
    is_here: bool


def limits(user: User, session: SessionBase) -> Limits:
    """What holds for this person now: whoever becomes staff is bound at the next request."""
    if user.is_admin:
        return ADMIN
    if user.is_staff:
        return STAFF
    return KEPT if session.get_expiry_age() > settings.SESSION_COOKIE_AGE else CONTACT


def begin(request: HttpRequest, user: User) -> None:
    """Stamp a session that has just been opened for this person, and note where."""
    session, now = request.session, time.time()
    if session.session_key is None:  # somebody else was signed in here: Django has emptied their session
        session.create()
    session[EPOCH] = user.auth_epoch
    session[SINCE] = session[SEEN] = session[FRESH] = now
    methods = {record.get("method") for record in get_authentication_records(request, user)}
    session[STRONG] = bool(methods & STRONG_METHODS)
    asked = audit.asking()
    at = datetime.fromtimestamp(now, UTC)
    gone = at - timedelta(seconds=KEPT.absolute)
    user.signed_in.filter(since__lt=gone).delete()
    user.signed_in.exclude(epoch=user.auth_epoch).delete()
    SignedIn.objects.update_or_create(
        session_key=session.session_key,
        defaults={
            "user": user,
            "epoch": user.auth_epoch,
            "since": at,
            "seen_at": at,
            "address": asked.address,
            "agent": audit.printable(asked.agent, audit.LONGEST_AGENT),
        },
    )


def is_over(session: SessionBase, user: User, *, now: float | None = None) -> bool:
    """Whether this session has ended: by its limits, by the person's epoch, or because nobody stamped it."""
    if not all(stamp in session for stamp in STAMPS) or session[EPOCH] != user.auth_epoch:
        return True
    bound, now = limits(user, session), time.time() if now is None else now
    return now - session[SEEN] > bound.idle or now - session[SINCE] > bound.absolute


def touch(session: SessionBase, user: User, *, now: float | None = None) -> None:
    """Move the end of a session in use; not at every request, for that would be a write for every page."""
    now = time.time() if now is None else now
    if now - session[SEEN] > min(REFRESH_EVERY, limits(user, session).idle / 30):
        session[SEEN] = now
        user.signed_in.filter(session_key=session.session_key).update(
            seen_at=datetime.fromtimestamp(now, UTC)
        )


def is_fresh(session: SessionBase, user: User, *, now: float | None = None) -> bool:
    """Whether the person showed lately enough for something sensitive that it is them."""
    now = time.time() if now is None else now
    return now - session.get(FRESH, 0) < limits(user, session).fresh


def show_again(session: SessionBase, *, is_factor: bool) -> None:
    """The person has just shown once more that it is them."""
    session[FRESH] = time.time()
    if is_factor:
        session[STRONG] = True


def is_strong(session: SessionBase) -> bool:
    """Whether a second factor, or the company's own sign-in, stood at this session's beginning."""
    return bool(session.get(STRONG))


def stay(request: HttpRequest, user: User) -> None:
    """Every session of the person ends but this one, under a new id: it has made the change."""
    end_sessions(user)
    was = request.session.session_key
    request.session.cycle_key()
    request.session[EPOCH] = user.auth_epoch
    user.signed_in.filter(session_key=was).update(
        session_key=request.session.session_key, epoch=user.auth_epoch
    )
    user.signed_in.exclude(epoch=user.auth_epoch).delete()


def places(user: User, session_key: str | None) -> list[Place]:
    """Where the person is signed in now, last used first."""
    rows = list(user.signed_in.filter(epoch=user.auth_epoch))
    live = Session.objects.filter(
        session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
    )
    keys = set(live.values_list("session_key", flat=True))
    bound = ADMIN if user.is_admin else STAFF if user.is_staff else KEPT
    now = timezone.now()
    return [
        Place(row.public_id, browser(row.agent), row.address or "", row.since, row.seen_at, is_here)
        for row in rows
        if (is_here := row.session_key == session_key)
        or (
            row.session_key in keys
            and now - row.seen_at <= timedelta(seconds=bound.idle)
            and now - row.since <= timedelta(seconds=bound.absolute)
        )
    ]


@transaction.atomic
def end_one(user: User, place: UUID) -> None:
    """That browser is signed out at its next request; raise NoSuchSession for one that is not theirs."""
    row = user.signed_in.filter(public_id=place).first()
    if row is None:
        raise NoSuchSession(str(place))
    Session.objects.filter(session_key=row.session_key).delete()
    row.delete()
    audit.record(Action.SESSIONS_ENDED, by=user, target=user, after={"where": "one browser"})


@transaction.atomic
def end_all(user: User) -> None:
    """Every browser is signed out at its next request, the one that asks with them."""
    end_sessions(user)
    user.signed_in.all().delete()
    audit.record(Action.SESSIONS_ENDED, by=user, target=user, after={"where": "everywhere"})


# A browser calls itself by the names of those it descends from: the youngest name first.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser(agent: str) -> str:
    """Firefox on Windows, from what a browser says of itself; it may say anything."""
    name = next((name for mark, name in BROWSERS if mark in agent), "A browser")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return f"{name} on {system}" if system else name


def on_login(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    begin(request, user)


def on_step(sender: Any, request: HttpRequest, method: str, **more: Any) -> None:
    """allauth has asked a person who is signed in once more."""
    if more.get("reauthenticated"):
        show_again(request.session, is_factor=method == "mfa")
