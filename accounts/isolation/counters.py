"""The cache in the database, whose counters of failed tries outlive the request that was taken back.

Somebody who finds a way to break a sign-in must not get a try for nothing: what a request wrote here before
it broke is written once more after the rollback.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache

Written = list[Callable[[], object]]
_written: ContextVar[Written | None] = ContextVar("written", default=None)


class Cache(DatabaseCache):  # the stubs know nothing of its inside
    """As Django's; remembers what a request writes as long as it may still be taken back."""

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        done = bool(super()._base_set(mode, key, value, timeout))  # type: ignore[misc]
        if done:
            _remember(lambda: self._base_set("set", key, value, timeout))
        return done

    def _base_delete_many(self, keys: list[str]) -> bool:
        _remember(lambda: self._base_delete_many(keys))  # a lock that was given back stays given back
        return bool(super()._base_delete_many(keys))  # type: ignore[misc]


def _remember(write: Callable[[], object]) -> None:
    written = _written.get()
    if written is not None:
        written.append(write)


@contextmanager
def remembered() -> Generator[Written]:
    """What is written to the cache inside."""
    written: Written = []
    token = _written.set(written)
    try:
        yield written
    finally:
        _written.reset(token)


def write_again(written: Written) -> None:
    """After a rollback: the same once more, in the same order."""
    for write in written:
        write()
