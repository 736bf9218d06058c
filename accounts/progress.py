"""How far a command is, said on the error stream of the command."""

import time

from django.core.management.base import OutputWrapper


class Progress:
    """Speaks on one line of a terminal, now and then in a log, and not at all if it is quick."""

    def __init__(self, out: OutputWrapper, what: str = "lines") -> None:
        self.out, self.what, self.started = out, what, time.monotonic()
        self.is_terminal = out.isatty()
        self.said_at, self.has_spoken = self.started, False

    def __call__(self, done: int, share: float) -> None:
        now = time.monotonic()
        if now - self.said_at < (1 if self.is_terminal else 5):
            return
        self.said_at, self.has_spoken = now, True
        text = f"{done:,} {self.what}, {share:.0%}, {done / (now - self.started):,.0f} a second"
        # Blanks to the end: the line before it may have been longer.
        self.out.write(f"\r{text:<70}" if self.is_terminal else text + "\n", _plain, ending="")
        self.out.flush()

    def end(self) -> None:
        """Leave the line, so that what follows begins on its own."""
        if self.is_terminal and self.has_spoken:
            self.out.write("\n", _plain, ending="")


def _plain(text: str) -> str:
    """Progress is no error: not in the color of one."""
    return text
