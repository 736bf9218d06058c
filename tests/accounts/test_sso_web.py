"""Addresses that a customer typed: what is never asked, and that no answer can hold or fill us."""

import http.server
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from accounts.sso.web import Web, WebRefused, is_public


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by its path, and remembers what was asked."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Host"]))
        answer = {"/json": b'{"a": 1}', "/list": b"[1]", "/html": b"<html>", "/big": b" " * 300_000}
        if self.path == "/on":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
        elif self.path == "/gone":
            self.send_error(404)
        elif self.path == "/drip":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            for _ in range(100):
                try:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.1)
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer[self.path])

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    with serving() as running:
        yield running


def here(server: http.server.ThreadingHTTPServer, path: str = "/json") -> str:
    return f"http://localhost:{server.server_port}{path}"


NAMED = Web(frozenset({"localhost"}), seconds=1.0)


# ---------- what is not asked ----------


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/",
        "ftp://login.example.com/",
        "file:///etc/passwd",
        "gopher://localhost/",
        "https://",
        "https:///path",
        "login.example.com",
        "https://user@login.example.com/",
        "https://user:word@login.example.com/",
        "https://login.example.com:8443/",
        "https://login.example.com:99999/",
        "https://login.example.com/#part",
        "https://login.example.com/a b",
        "https://login.example.com/\r\nHost: x",
        "https://lögin.example.com/",
        "https://[::1/",
        "https://login.example.com/" + "x" * 500,
        "",
    ],
)
def test_address_that_is_none_of_ours_to_ask_is_refused_and_named(url):
    with pytest.raises(WebRefused) as refusal:
        Web().judge(url)

    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "not an address",
    ],
)
def test_address_that_is_not_public_is_not_asked(address, server):
    server.asked.clear()
    web = Web(resolve=lambda host, port: [address])

    assert not is_public(address)
    with pytest.raises(WebRefused, match=r"^login\.example\.com has no public address\.$"):
        web.get_json("https://login.example.com/")
    assert server.asked == []


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"]
)
def test_public_address_is_public(address):
    assert is_public(address)


def test_name_that_means_a_public_and_a_private_address_is_not_asked(server):
    server.asked.clear()
    web = Web(resolve=lambda host, port: ["93.184.216.34", "127.0.0.1"])

    with pytest.raises(WebRefused, match="no public address"):
        web.get_json("https://login.example.com/")
    assert server.asked == []


def test_name_that_is_unknown_and_one_that_is_inside_read_the_same():
    said = set()
    for found in ([], ["10.0.0.1"]):
        with pytest.raises(WebRefused) as refusal:
            Web(resolve=lambda host, port, found=found: found).get_json("https://vault.internal.example/")
        said.add(str(refusal.value))

    assert len(said) == 1


def test_name_is_resolved_once_and_the_judged_address_is_asked(monkeypatch):
    """A name that points elsewhere a moment later gains nothing."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    went: list[str] = []

    def connect(address, *_):
        went.append(address[0])
        raise OSError("no network in tests")

    monkeypatch.setattr("socket.create_connection", connect)
    web = Web(resolve=lambda host, port: next(answers))

    with pytest.raises(WebRefused):
        web.get_json("https://login.example.com/")

    assert went == ["93.184.216.34"]
    assert next(answers) == ["127.0.0.1"]


def test_host_that_the_operator_has_not_named_is_not_asked_on_this_machine(server):
    server.asked.clear()

    for web in (Web(), Web(frozenset({"login.example.com"})), Web(frozenset({"localhost:1"}))):
        with pytest.raises(WebRefused):
            web.get_json(here(server))
    assert server.asked == []


# ---------- what is asked ----------


@pytest.mark.parametrize("named", ["localhost", "localhost:PORT"])
def test_host_that_the_operator_has_named_is_asked(server, named):
    web = Web(frozenset({named.replace("PORT", str(server.server_port))}))

    assert web.get_json(here(server)) == {"a": 1}
    assert server.asked[-1] == ("/json", f"localhost:{server.server_port}")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/on", "leads on to another address"),
        ("/gone", "answered with status 404"),
        ("/html", "does not answer in JSON"),
        ("/list", "does not answer with a JSON object"),
        ("/big", "answers with more than 256 KiB"),
    ],
)
def test_answer_of_no_use_is_named(server, path, said):
    with pytest.raises(WebRefused, match=said):
        NAMED.get_json(here(server, path))


def test_answer_that_never_ends_is_cut_off(server):
    """Every byte comes in time; the whole does not."""
    began = time.monotonic()

    with pytest.raises(WebRefused, match="not within 1 s"):
        NAMED.get_json(here(server, "/drip"))

    assert time.monotonic() - began < 3


def test_nobody_there_is_named():
    with pytest.raises(WebRefused, match="does not answer"):
        NAMED.get_json("http://localhost:9/")


# ---------- TLS ----------


def certified(name: str, folder) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server with a certificate for this name, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    file = folder / f"{name}.pem"
    file.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=pem.decode())


def test_certificate_must_be_of_the_name_though_the_address_was_judged(tmp_path):
    server, client = certified("login.example.com", tmp_path)
    with serving(server) as running:
        port = running.server_port

        def ask(host: str, tls: ssl.SSLContext) -> dict:
            web = Web(
                frozenset({f"{host}:{port}"}), lambda host, port: ["127.0.0.1"], seconds=2.0, tls=lambda: tls
            )
            return web.get_json(f"https://{host}:{port}/json")

        assert ask("login.example.com", client) == {"a": 1}
        with pytest.raises(WebRefused, match="no certificate that is trusted"):
            ask("other.example.com", client)
        with pytest.raises(WebRefused, match="no certificate that is trusted"):
            ask("login.example.com", ssl.create_default_context())
