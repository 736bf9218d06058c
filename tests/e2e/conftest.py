"""A real browser and a real demo for the journeys: Debian's Chromium, `manage.py demo` from nothing."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
READY = "Ctrl-C stops everything"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
CHROME = next((path for name in NAMES if (path := shutil.which(name))), MAC if Path(MAC).exists() else None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROME is None:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="no Chromium (apt-get install chromium)"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    return {**browser_type_launch_args, "executable_path": CHROME, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo keeps its files."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def mail_folder(demo_folder: Path) -> Path:
    """Where its mails arrive."""
    return demo_folder / "var" / "mail"


@pytest.fixture(scope="session")
def site(demo_folder: Path) -> Iterator[str]:
    """The address of a demo that was started from nothing."""
    folder = demo_folder
    port = free_port()
    others = {name: text for name, text in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    mine = {
        "CAIRN_MODE": "demo",
        "CAIRN_VAR": str(folder / "var"),
        "PORT": str(port),
        "CONNECTION_HOSTS": "localhost",  # where the identity provider of test_sso runs
        "PYTHONUNBUFFERED": "1",
    }
    output = folder / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo"], cwd=ROOT, env=others | mine, stdout=out, stderr=out
        )
    try:
        until = time.monotonic() + 300
        while READY not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.2)
        yield f"http://localhost:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
