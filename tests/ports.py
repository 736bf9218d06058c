"""A port of this machine for a server of ours: free now, and not one that connections are given meanwhile."""

import random
import socket

OURS = range(20_000, 30_000)  # below what systems hand out by themselves


def free_port() -> int:
    """A port that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(OURS)
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) != 0:
                return port
