"""The suite as the runtime role: on PostgreSQL every request of a test is served as production serves it.

A test makes its people as the owner. What its Client then asks is answered as `portal_app`, behind the
wall, in the middle of the test's own transaction: as fast as before. Where the transaction itself matters,
`as_portal_app`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    import psycopg

ROLE = "portal_app"


class RuntimeRole:
    """The outermost middleware: the whole request, sessions and refusals too, in the runtime role."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not connection.in_atomic_block:  # a transactional test has its own role, or none
            return self.get_response(request)
        before = len(connection.queries_log)
        with acting_as(ROLE):
            response = self.get_response(request)
        leave_out(before)
        return response


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Inside, the open transaction goes on in this role; an error that takes all back takes the role, too."""
    connection.ensure_connection()
    connection.connection.execute(f"SET LOCAL ROLE {role}")  # past Django, which would count it
    try:
        yield
    finally:
        if connection.connection.info.transaction_status == connection.Database.pq.TransactionStatus.INTRANS:
            connection.connection.execute("SET LOCAL ROLE NONE")


def leave_out(before: int) -> None:
    """The request's own transaction is a savepoint of the test's: not counted, where questions are."""
    log = list(connection.queries_log)
    savepoints = [at for at in range(before, len(log)) if "SAVEPOINT" in log[at]["sql"]]
    if savepoints and log[savepoints[0]]["sql"].startswith("SAVEPOINT"):
        for at in {savepoints[0], savepoints[-1]}:
            connection.queries_log.remove(log[at])


def first(middleware: list[str]) -> list[str]:
    return ["tests.runtime.RuntimeRole", *middleware]


@contextmanager
def logged_in_as(role: str) -> Iterator[None]:
    """Inside, every new connection of this process is a real client of this role."""
    owner = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = role
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = owner


def client() -> "psycopg.Connection[tuple[Any, ...]]":
    """A raw connection of the runtime role to the test's database, past everything of ours."""
    import psycopg

    there = connection.get_connection_params()
    return psycopg.connect(host=there["host"], dbname=there["dbname"], user=ROLE)
