"""`manage.py demo` as a stranger meets it: it really starts, answers, and leaves nothing behind."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ports import free_port

HERE = Path(__file__).resolve().parents[2]


class Demo:
    """A running `manage.py demo` and what it has said so far."""

    def __init__(self, var: Path, port: int) -> None:
        self.port, self.output = port, var.parent / f"output-{time.monotonic_ns()}"
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo"],
                cwd=HERE,
                env=environment(var, port),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str, seconds: float) -> float:
        """Seconds until it says so."""
        began = time.monotonic()
        while text not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < began + seconds, self.said
            time.sleep(0.1)
        return time.monotonic() - began

    def status(self, path: str) -> int:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=20)
        connection.request("GET", path)
        return connection.getresponse().status

    def children(self) -> list[int]:
        rows = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True
        ).stdout.splitlines()
        pairs = [tuple(map(int, row.split())) for row in rows]
        family = {self.process.pid}
        for _ in range(4):
            family |= {pid for pid, parent in pairs if parent in family}
        return sorted(family - {self.process.pid})


def environment(var: Path, port: int) -> dict[str, str]:
    mine = {"CAIRN_MODE": "demo", "CAIRN_VAR": str(var), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    others = {name: text for name, text in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return others | mine


def is_alive(pid: int) -> bool:
    found = subprocess.run(
        ["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True
    ).stdout.strip()
    return bool(found) and not found.startswith("Z")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Callable[[], Demo]]:
    """Starts the demo, again and again on the same data; ends whatever a failed test has left running."""
    var, started = tmp_path_factory.mktemp("demo") / "var", []

    def begin() -> Demo:
        started.append(Demo(var, port))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.process.wait(30)


@pytest.mark.slow
def test_demo_from_nothing_answers_and_a_term_leaves_no_process(start: Callable[[], Demo]) -> None:
    demo = start()
    demo.wait_for("Ctrl-C stops everything", seconds=300)
    family = demo.children()

    assert demo.status("/sign-in/") == 200
    assert f"http://localhost:{demo.port}" in demo.said
    assert len(family) >= 3  # gunicorn and its worker, celery

    demo.process.terminate()

    assert demo.process.wait(20) == 0, demo.said
    assert [pid for pid in family if is_alive(pid)] == []


@pytest.mark.slow
def test_second_start_keeps_the_data_and_ctrl_c_leaves_no_process(start: Callable[[], Demo]) -> None:
    demo = start()
    seconds = demo.wait_for("Ctrl-C stops everything", seconds=60)
    family = demo.children()

    assert seconds < 10
    assert "Ingested" not in demo.said

    os.killpg(demo.process.pid, signal.SIGINT)  # as a terminal does it

    assert demo.process.wait(20) == 0, demo.said
    assert [pid for pid in family if is_alive(pid)] == []


@pytest.mark.slow
def test_dead_child_ends_the_demo_with_an_error(start: Callable[[], Demo]) -> None:
    demo = start()
    demo.wait_for("Ctrl-C stops everything", seconds=60)
    family = demo.children()

    os.kill(family[0], signal.SIGKILL)

    assert demo.process.wait(20) == 1
    assert "ended by itself" in demo.said
    assert [pid for pid in family if is_alive(pid)] == []


def test_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        demo = Demo(tmp_path / "var", port)

        assert demo.process.wait(60) == 1
        assert demo.said.splitlines() == [
            f"CommandError: Port {port} is in use. Try another one: PORT={port + 10} make demo"
        ]
