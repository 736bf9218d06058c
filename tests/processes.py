"""Programs of ours that a test starts for real, each on a database that is named to it."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from tests.runtime import ROLE

ROOT = Path(__file__).resolve().parent.parent


def address_of(name: str, role: str = "portal_owner") -> str:
    """The DATABASE_URL of a database beside the test's own, or of that."""
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    return re.sub(r"^(\w+://)[^@/]*@", rf"\g<1>{role}@", url)


def environment(database: str, **more: str) -> dict[str, str]:
    """What a process is given to work on this database, in the runtime role as in production."""
    return {
        **os.environ,
        "DATABASE_URL": address_of(database, ROLE),
        "CAIRN_MODE": "test",
        "CAIRN_VAR": str(settings.VAR_DIR),
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def start(*arguments: str, database: str, **more: str) -> subprocess.Popen[str]:
    """Our Python with these arguments, e.g. `manage.py`, `nightly`."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(database, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def copy_of_the_database(name: str, folder: Path) -> Iterator[str]:
    """The test's own database once more, to be worked on by others; gone afterwards."""
    connection.close()
    if connection.vendor == "sqlite":
        path = folder / f"{name}.sqlite3"
        with sqlite3.connect(connection.settings_dict["NAME"]) as source, sqlite3.connect(path) as copy:
            source.backup(copy)
        yield str(path)
        return
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{connection.settings_dict["NAME"]}"')
    try:
        yield name
    finally:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            # Not WITH (FORCE): an owner may not end an autovacuum worker that way; a plain DROP sends it off.
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = current_user",
                [name],
            )
            server.execute(f'DROP DATABASE "{name}"')


class Look:
    """A second pair of eyes on a database that another process works on."""

    def __init__(self, database: str) -> None:
        if connection.vendor == "sqlite":
            self.connection = sqlite3.connect(database, timeout=20, isolation_level=None)
        else:
            import psycopg

            self.connection = psycopg.connect(address_of(database), autocommit=True)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """The answer, alike on both databases: days as text, packed numbers as bytes."""
        return [tuple(map(alike, row)) for row in self.connection.execute(query).fetchall()]

    def number(self, query: str) -> int:
        return int(str(self.rows(query)[0][0]))

    def close(self) -> None:
        self.connection.close()


def alike(value: object) -> object:
    if isinstance(value, memoryview | bytes):
        return bytes(value)
    return value if value is None or isinstance(value, int | float) else str(value)
