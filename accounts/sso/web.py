"""Asking an address that a customer typed: only what is public, only over TLS, little and quickly.

The name is resolved once, every answer is judged, and the connection goes to the address that was judged: a
name that points elsewhere a moment later gains nothing. There are no redirects and no proxies.
"""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

SECONDS = 5.0
MOST_BYTES = 256 * 1024
LONGEST = 500
TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # NAT64: an IPv4 address inside


class WebRefused(Exception):
    """An address that is not asked, or gave nothing of use; the message says which and why."""


def addresses_of(host: str, port: int) -> list[str]:
    """What the name means now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True)
class Web:
    """The network as a connection may use it."""

    named: frozenset[str] = frozenset()  # hosts, or host:port, that the operator allows wherever they are
    resolve: Callable[[str, int], list[str]] = addresses_of
    seconds: float = SECONDS
    tls: Callable[[], ssl.SSLContext] = field(default=ssl.create_default_context)

    def judge(self, url: str) -> SplitResult:
        """The address in parts, if it is one that may be asked or shown as a way on."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise WebRefused(f"{shown(url)} is not an address.") from error
        host = (parts.hostname or "").lower()
        if len(url) > LONGEST or not url.isascii() or any(each.isspace() for each in url):
            raise WebRefused(f"{shown(url)} is not an address.")
        if not host or parts.scheme not in ("https", "http"):
            raise WebRefused(f"{shown(url)} is not an address that begins with https://.")
        if parts.username is not None or parts.fragment:
            raise WebRefused(f"{shown(url)} must not carry a user name or a part after #.")
        if self.allows(host, port):
            return parts
        if parts.scheme != "https":
            raise WebRefused(f"{shown(url)} must begin with https://.")
        if port not in (None, 443):
            raise WebRefused(f"{shown(url)} must use port 443, not {port}.")
        return parts

    def allows(self, host: str, port: int | None) -> bool:
        """Whether the operator has named this host."""
        return host in self.named or f"{host}:{port}" in self.named

    def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at this address."""
        status, body = self.ask("GET", url, None, headers or {})
        if status != 200:
            raise WebRefused(f"{shown(url)} answered with status {status}.")
        return read_json(url, body)

    def post_form(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
        """The status and the body of the answer to these fields."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", url, urlencode(fields).encode(), kind | dict(headers))

    def ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """One question over one connection, over after so many seconds whatever the other side does."""
        parts = self.judge(url)
        connection = self._connection(parts)
        timer: threading.Timer | None = None
        is_over = threading.Event()
        try:
            connection.connect()
            timer = threading.Timer(self.seconds, _cut, [connection.sock, is_over])
            timer.daemon = True
            timer.start()
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(method, path, body, {"Accept": "application/json", **headers})
            answer = connection.getresponse()
            if 300 <= answer.status < 400:
                raise WebRefused(f"{shown(url)} leads on to another address; enter that one.")
            content = answer.read(MOST_BYTES + 1)
            if is_over.is_set() or (answer.length and len(content) <= MOST_BYTES):
                raise TimeoutError  # cut off in the middle, by us or by the other side
        except ssl.SSLError as error:
            raise WebRefused(f"{shown(url)} has no certificate that is trusted ({error.reason}).") from error
        except (OSError, http.client.HTTPException) as error:
            raise WebRefused(f"{shown(url)} does not answer, or not within {self.seconds:.0f} s.") from error
        finally:
            if timer is not None:
                timer.cancel()
            connection.close()
        if len(content) > MOST_BYTES:
            raise WebRefused(f"{shown(url)} answers with more than {MOST_BYTES // 1024} KiB.")
        return answer.status, content

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        host = (parts.hostname or "").lower()
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = self.resolve(host, port)
        # One sentence for both: which names exist inside our network is nobody's business.
        if not found or not (self.allows(host, parts.port) or all(is_public(each) for each in found)):
            raise WebRefused(f"{host} has no public address.")
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=self.seconds, context=self.tls())
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self.seconds)

        def to_the_judged(
            _: tuple[str, int], timeout: float, source: tuple[str, int] | None = None
        ) -> socket.socket:
            return socket.create_connection((found[0], port), timeout, source)

        # http.client connects through this; TLS still asks for the certificate of the name.
        connection._create_connection = to_the_judged  # type: ignore[attr-defined]
        return connection


def read_json(url: str, body: bytes) -> dict[str, Any]:
    """The JSON object in an answer."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WebRefused(f"{shown(url)} does not answer in JSON.") from error
    if not isinstance(found, dict):
        raise WebRefused(f"{shown(url)} does not answer with a JSON object.")
    return found


def is_public(text: str) -> bool:
    """Whether the address is one of the public Internet, also when it hides another inside."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if any(address in network for network in TRANSLATED):
            address = IPv4Address(int(address) & 0xFFFFFFFF)
        elif inner := address.ipv4_mapped or address.sixtofour:
            address = inner
        elif address.teredo or address in IPv6Network("::/96"):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def shown(url: str) -> str:
    """An address as a message may repeat it."""
    text = "".join(each for each in url if each.isprintable())
    return text if len(text) <= 120 else f"{text[:117]}…"


def _cut(sock: socket.socket, is_over: threading.Event) -> None:
    is_over.set()
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is over already
