"""The wall of a request: one transaction, told which organizations its person may know of."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.isolation import counters
from accounts.isolation.scopes import EVERYONE, NOBODY, Scope, acting_for, again, ask, current, tell

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
END = object()

# The wall's own answer to whose person somebody is: it does not ask the door, which may be broken.
IN_FORCE = "m.starts_at <= %s AND (m.ends_at IS NULL OR m.ends_at > %s)"
OWN = f"SELECT m.organization_id FROM accounts_membership m WHERE m.user_id = %s AND {IN_FORCE}"  # noqa: S608
OF_THE_COVERED = f"""SELECT m.organization_id FROM accounts_membership m JOIN accounts_cover c
    ON c.absent_id = m.user_id WHERE c.covering_id = %s AND m.role = 'csm' AND {IN_FORCE}
    AND c.starts_at <= %s AND c.ends_at > %s"""  # noqa: S608
OF_THE_TEAM = f"""SELECT m.organization_id FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
    WHERE u.team_id = %s AND u.is_active AND m.role = 'csm' AND {IN_FORCE}"""  # noqa: S608


class Wall:
    """Right after authentication. A 500 or an error leaves nothing behind; what stands outside stays.

    Not on SQLite: there is no wall to tell, every story has a transaction of its own, and one for each
    request would take the only write lock for every page that is read. Nor for a visitor who only reads:
    who was not let in sees no row anyway, and a health check must not wait for a database that hangs.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if connection.vendor != "postgresql":
            return self.get_response(request)
        with acting_for(NOBODY):
            response = self._answer(request)
            scope = current()
        if response.streaming and not getattr(response, "file_to_stream", None):
            streamed: Any = response
            streamed.streaming_content = _told(scope, streamed.streaming_content)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated and request.method in SAFE:
            return self.get_response(request)
        with counters.remembered() as written, transaction.atomic():
            let_in(request.user)
            response = self.get_response(request)
            has_broken = getattr(request, "has_raised", False) or response.status_code >= 500
            if has_broken:
                transaction.set_rollback(True)
        if has_broken:
            counters.write_again(written)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """An error is answered deep inside, and comes back as a response like any other."""
        request.has_raised = True  # type: ignore[attr-defined]


def let_in(person: Any) -> None:
    """From here to the end of the request, what this person may know of exists, and nothing else."""
    if not person.is_authenticated or not person.is_active:
        tell(NOBODY)
    elif person.is_admin or person.is_auditor:
        tell(EVERYONE, person=person.pk)
    else:
        tell(NOBODY, person=person.pk)  # their own memberships are theirs to see
        tell(_organizations_of(person), person=person.pk)


def signed_in(user: Any, **_: Any) -> None:
    """Whoever signs in during a request is let in then; connected to `user_logged_in`."""
    if current() is not None and connection.vendor == "postgresql":
        let_in(user)


def _organizations_of(person: Any) -> list[int]:
    now = timezone.now()
    found = ask(OWN, (person.pk, now, now))
    if person.is_staff:
        with acting_for(EVERYONE):  # colleagues' memberships are not one's own
            found += ask(OF_THE_COVERED, (person.pk, now, now, now, now))
            if person.is_lead and person.team_id:
                found += ask(OF_THE_TEAM, (person.team_id, now, now))
    known = {number for (number,) in found}
    if person.confined_to is not None:  # came through that organization's own sign-in
        known &= {person.confined_to}
    return sorted(known)


def _told(scope: Scope | None, pieces: Any) -> Iterator[Any]:
    """A streamed answer, told as its request was: it runs when the request's transaction is over."""
    pieces = iter(pieces)
    while True:
        with again(scope):
            piece = next(pieces, END)
        if piece is END:
            return
        yield piece
