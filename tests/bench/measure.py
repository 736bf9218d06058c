"""CPU seconds of this process and of the database's processes, in nanosecond counters.

Ticks of 10 ms lose the CPU of short connections, so the kernel's schedstat is read; where there is none
(macOS) only the client's CPU counts.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection


@dataclass
class Cost:
    """CPU seconds of the client and the server, and wall seconds."""

    client: float = 0.0
    server: float = 0.0
    wall: float = 0.0

    @property
    def cpu(self) -> float:
        return self.client + self.server


def server_pids() -> list[int]:
    """The postmaster and its children; empty if they cannot be seen."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    stat = Path(f"/proc/{backend}/stat")
    if not stat.exists():
        return []
    parent = int(stat.read_text().rpartition(")")[2].split()[1])
    children = Path(f"/proc/{parent}/task/{parent}/children")
    return [parent, *map(int, children.read_text().split())]


def cpu_of(pids: list[int]) -> float:
    """CPU seconds these processes have used."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        except OSError:
            continue
    return total / 1e9


@contextmanager
def cost() -> Iterator[Cost]:
    """What the block costs."""
    result = Cost()
    pids = server_pids() if connection.vendor == "postgresql" else []
    before = cpu_of(pids), time.process_time(), time.perf_counter()
    yield result
    result.client = time.process_time() - before[1]
    result.wall = time.perf_counter() - before[2]
    result.server = cpu_of(pids) - before[0]


def peak_memory(*command: str) -> float:
    """Megabytes that a management command in a process of its own holds at most."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.bench.peak", *command], capture_output=True, text=True, check=True
    )
    return int(said.stdout.split()[-1]) / 1024
