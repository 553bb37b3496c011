"""Requests that never end: how many are held, for how long, and how much memory they take."""

import select
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sockgate_gateway.http.server_streams import max_chunks

from tests.certificates import make_certificate
from tests.e2e.tabs import TABS, Tab
from tests.security.gateways import Gateway
from tests.security.wires import PATIENCE_S, ask
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

LIMIT = 20
MIB = 1024 * 1024
BODY_BYTES = 255 * 1024


def post(path: str, *headers: str, length: int = BODY_BYTES, part: int = 0) -> bytes:
    """Write the beginning of a POST whose body never ends."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + b" " * part


def polls() -> Iterator[bytes]:
    """Begin polls of many sessions: about half of them belong to another worker."""
    for number in range(10 * LIMIT):
        yield post(f"/realtime/000/session{number}/xhr", length=200, part=100)


def chunked_polls() -> Iterator[bytes]:
    for number in range(10 * LIMIT):
        head = f"POST /realtime/000/session{number}/xhr HTTP/1.1\r\nHost: x\r\n"
        yield f"{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhel".encode()


@contextmanager
def held(port: int, requests: Iterable[bytes], source: str = "127.0.0.1") -> Iterator[Any]:
    """Send the beginning of each request on a connection of its own."""
    with ExitStack() as open_wires:
        wires = []
        for request in requests:
            wire = open_wires.enter_context(
                socket.create_connection(("127.0.0.1", port), PATIENCE_S, (source, 0))
            )
            wires.append(wire)
            with suppress(ConnectionResetError, BrokenPipeError):  # It had to make room.
                wire.sendall(request)
        yield wires


def still_open(wires: list[socket.socket]) -> list[socket.socket]:
    """Return the connections that the gateway has neither answered nor closed."""
    poll = select.poll()  # select() takes no descriptor above 1023.
    for wire in wires:
        poll.register(wire, select.POLLIN)
    closed = {descriptor for descriptor, _ in poll.poll(0)}
    return [wire for wire in wires if wire.fileno() not in closed]


@pytest.mark.parametrize("requests", [polls, chunked_polls])
def test_relayed_request_counts_until_it_is_complete(start_gateway: Any, requests: Any) -> None:
    """Each of two workers holds as many connections of one address as the setting allows."""
    gateway = start_gateway(workers=2, max_per_address=LIMIT)
    with held(gateway.port, requests()) as wires:
        wait_until(lambda: len(still_open(wires)) <= 2 * LIMIT)


def test_unfinished_tls_handshake_counts(start_gateway: Any, tmp_path: Path) -> None:
    gateway = start_gateway(max_per_address=LIMIT, **make_certificate(tmp_path))
    for beginning in (b"", b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03"):
        with held(gateway.port, [beginning] * 3 * LIMIT) as wires:
            wait_until(lambda: len(still_open(wires)) <= LIMIT)


def test_silent_connections_leave_the_operations_port_free(gateway: Gateway) -> None:
    with held(gateway.ops_port, [b"", b"GET /heal"] * 150) as wires:
        wait_until(lambda: len(still_open(wires)) <= 100)
        gateway.wait_until_ready()


@contextmanager
def growth_of(gateway: Gateway) -> Iterator[Callable[[], float]]:
    """Return a function that returns by how many MiB the gateway has grown at most."""

    def peak() -> int:
        status = Path(f"/proc/{gateway.pids[0]}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    before = peak()
    yield lambda: (peak() - before) / MIB


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post("/realtime/000/a/xhr_send", "Origin: https://evil.example"), 403),
        (post("/realtime/000/a/xhr", "Referer: https://evil.example/page"), 403),
        (post("/realtime/000/a/xhr_send"), 404),
        (post("/realtime/000/a/jsonp_send"), 404),
        (post("/elsewhere"), 404),
        (post("/realtime/info"), 405),
        (post("/realtime/websocket", "Upgrade: websocket", "Connection: Upgrade"), 405),
        (post("/realtime/000/a/xhr_send", length=99_999_999), 413),
        (post("/realtime/000/a/xhr_streaming"), 413),
    ],
    ids=[
        "origin",
        "referer",
        "session",
        "jsonp",
        "path",
        "method",
        "handshake",
        "length",
        "receiver",
    ],
)
def test_request_is_refused_before_its_body_is_read(
    start_gateway: Any, request_bytes: bytes, status: int
) -> None:
    gateway = start_gateway()
    unfinished = request_bytes + b" " * (BODY_BYTES - 1)
    with growth_of(gateway) as growth, held(gateway.port, [unfinished] * 1000) as wires:
        for wire in wires[-10:]:
            assert wire.recv(65536).startswith(b"HTTP/1.1 %d " % status)
        gateway.wait_until_ready()
        assert growth() < 60
    asking = request_bytes.replace(b"\r\nHost", b"\r\nExpect: 100-continue\r\nHost")
    assert ask(gateway, asking).startswith(b"HTTP/1.1 %d " % status)


def test_accepted_bodies_take_bounded_memory(
    start_gateway: Any, tab_of: Callable[..., Tab]
) -> None:
    """An attacker begins a thousand bodies for an open session; another address is unaffected."""
    gateway = start_gateway(max_per_address=2000, connect_timeout=60)
    tab: Any = tab_of("xhr_streaming", at=gateway)
    path = f"/realtime{tab._session}xhr_send"
    honest = post(path, length=1000, part=999)
    greedy = post(path, part=BODY_BYTES - 1)
    with (
        growth_of(gateway) as growth,
        held(gateway.port, [honest], "127.0.0.2") as (wire,),
        held(gateway.port, [greedy] * 1000) as wires,
    ):
        wait_until(lambda: len(still_open(wires)) <= 130)
        assert growth() < 100
        wire.sendall(b" ")
        assert wire.recv(65536).startswith(b"HTTP/1.1 500 ")  # A thousand spaces are no JSON.


def chunked(path: str, chunks: int, body: bytes = b"") -> bytes:
    """Write a request whose body comes in so many chunks, all but the first of one space."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    first = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return head + first + b"1\r\n \r\n" * (chunks - bool(body))


@pytest.mark.parametrize("workers", [1, 2])
def test_chunks_of_a_body_are_limited(start_gateway: Any, workers: int) -> None:
    gateway = start_gateway(workers=workers)
    for _ in range(3):
        tab: Any = TABS["xhr_streaming"](gateway.url, None)
        tab.open()
        path = f"/realtime{tab._session}xhr_send"
        most = max_chunks(8 * 32 * 1024)
        requests = [
            chunked(path, most - 1, b"[]") + b"0\r\n\r\n",
            chunked(path, most + 1, b"[]"),
            chunked(path, 100 * most),
        ]
        with held(gateway.port, requests) as wires:
            for wire, status in zip(wires, (204, 413, 413), strict=True):
                assert wire.recv(65536).startswith(b"HTTP/1.1 %d " % status)
        tab.close()


@pytest.mark.parametrize("receiver", ["xhr", "xhr_streaming"])
def test_body_of_a_receiver_is_as_long_as_a_secret(gateway: Gateway, receiver: str) -> None:
    for number, (length, status) in enumerate([(256, 200), (257, 413), (300, 413)]):
        path = f"/realtime/000/{receiver}{number}/{receiver}"
        whole = post(path.replace("/000/", "/001/a"), length=length, part=length)
        parts = chunked(path, length) + (b"0\r\n\r\n" if status == 200 else b"")
        with held(gateway.port, [whole, parts]) as wires:
            for wire in wires:
                assert wire.recv(65536).startswith(b"HTTP/1.1 %d " % status)


def test_expected_body_is_requested(start_gateway: Any) -> None:
    """With several workers, the worker that owns the session asks."""
    gateway = start_gateway(workers=2)
    for _ in range(4):
        tab: Any = TABS["xhr_streaming"](gateway.url, None)
        tab.open()
        path = f"/realtime{tab._session}xhr_send"
        with held(gateway.port, [post(path, "Expect: 100-continue", length=2)]) as (wire,):
            assert wire.recv(65536).startswith(b"HTTP/1.1 100 ")
            wire.sendall(b"[]")
            assert wire.recv(65536).startswith(b"HTTP/1.1 204 ")
        tab.close()
