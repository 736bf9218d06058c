"""Fill an empty install with the demo, then serve it: pages, a worker and the clock, until Ctrl-C."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.shortcuts import resolve_url

from accounts.models import Organization, User

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TO_STOP = 10  # seconds a child has to stop before it is killed
TO_ANSWER = 60  # seconds the first page may take
UNFINISHED = "demo-unfinished"  # stands in var/ while the demo is loaded: a broken load is loaded again


class Command(BaseCommand):
    help = "Fill an empty install with the demo and serve it on this machine alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", help="default: PORT of the environment, or 8000")

    def handle(self, *, port: str | None, **_: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo has known passwords: it does not run with CAIRN_MODE=production.")
        number = port_of(port or os.environ.get("PORT") or "8000")
        refuse_taken(number)
        try:
            self.prepare()
        except KeyboardInterrupt:
            raise CommandError("Stopped. The next start goes on from here.") from None
        self.serve(number)

    def prepare(self) -> None:
        """Tables, static files and, the first time, the demo's data."""
        from portal import demo  # late, for it is long and a port in use should be said at once

        for stop in STOPS:
            signal.signal(stop, signal.default_int_handler)
        self.say("Preparing the database …")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        unfinished = settings.VAR_DIR / UNFINISHED
        if unfinished.exists() or not (User.objects.exists() or Organization.objects.exists()):
            unfinished.touch()
            demo.load(self.say)
            unfinished.unlink()

    def serve(self, port: int) -> None:
        """Web and worker side by side, until someone stops us or one of them dies."""
        children = Children()
        try:
            os.environ["PORT"] = str(port)  # the settings of our children: where links in mails lead
            children.start("web", web(port))
            children.start("worker", worker())
            if children.last_until(lambda: answers(port), seconds=TO_ANSWER):
                self.welcome(port)
                children.last_until(lambda: False)
        finally:
            children.stop()
        if children.dead:
            raise CommandError(f"The {children.dead} ended by itself. Why stands in {settings.LOG_DIR}.")
        self.say("Stopped.")

    def welcome(self, port: int) -> None:
        from portal import demo

        self.say(f"\n{settings.PRODUCT_NAME} is running at http://localhost:{port}\n\nSign in as:")
        who, address, password = (
            max(map(len, column)) for column in list(zip(*demo.SIGN_INS, strict=True))[:3]
        )
        for row in demo.SIGN_INS:
            self.say(f"  {row[0]:{who}}  {row[1]:{address}}  {row[2]:{password}}  {row[3]}")
        self.say(f"\nMail goes to {settings.MAIL_DIR}, logs to {settings.LOG_DIR}. Ctrl-C stops everything.")

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


class Children:
    """The processes we started, each in a group of its own; a stop ends all of them and leaves none."""

    def __init__(self) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.dead = ""  # the one that ended by itself
        self.is_stopping = False
        for stop in STOPS:
            signal.signal(stop, self._note_stop)
        settings.LOG_DIR.mkdir(exist_ok=True)

    def start(self, name: str, command: list[str]) -> None:
        environment = os.environ | {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
        with (settings.LOG_DIR / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def last_until(self, happens: Callable[[], bool], seconds: float = float("inf")) -> bool:
        """True once it happens; False when we are to stop, a child has died or the time is up."""
        deadline = time.monotonic() + seconds
        while not self.is_stopping:
            self.dead = next((name for name, child in self.running.items() if child.poll() is not None), "")
            if self.dead:
                return False
            if happens():
                return True
            if time.monotonic() > deadline:
                self.dead = "web"  # as good as: it never answered
                return False
            time.sleep(0.2)
        return False

    def stop(self) -> None:
        """Asks all to stop, gives them their time, then sees to it that nobody of their groups is left."""
        for child in self.running.values():
            signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + TO_STOP
        for child in self.running.values():
            try:
                child.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            signal_group(child, signal.SIGKILL)
            child.wait()

    def _note_stop(self, _signal: int, _frame: FrameType | None) -> None:
        # A note, not an exception: that could come between the start of a child and its entry in the list.
        self.is_stopping = True


def signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """The signal to everyone in the child's group; nobody left there is what we want."""
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says "not permitted" when only a zombie is left
        pass


def web(port: int) -> list[str]:
    options = f"--bind 127.0.0.1:{port} --threads 2 --graceful-timeout 5 --no-control-socket"
    return [sys.executable, "-m", "gunicorn", "portal.wsgi", *options.split()]


def worker() -> list[str]:
    """A worker with the clock in it. Threads: a killed parent leaves no child behind."""
    options = "-B -P threads -c 2 --without-gossip --without-mingle --loglevel INFO"
    return [sys.executable, "-m", "celery", "-A", "portal", "worker", *options.split()]


def port_of(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CommandError(f"PORT must be a whole number from 1 to 65535, not {text!r}.")
    return int(text)


def refuse_taken(port: int) -> None:
    """One line when the port is not ours to have."""
    other = f"Try another one: PORT={port + 10} make demo" if port < 65000 else "Try another one."
    try:
        # macOS lets us bind beside a server on all addresses, so we knock first.
        with socket.create_connection(("localhost", port), timeout=1):
            raise CommandError(f"Port {port} is in use. {other}")
    except OSError:
        pass
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(f"Port {port} cannot be used ({error.strerror}). {other}") from None


def answers(port: int) -> bool:
    """Whether the sign-in page is there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", resolve_url(settings.LOGIN_URL))
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
