"""Who is believed about the client's address, and requests that may be read in two ways."""

from contextlib import ExitStack
from typing import Any

import pytest

from .gateways import Gateway
from .visits import Visit
from .wires import HANDSHAKE, ask, dial

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("trusted", ["", "10.0.0.0/8"])
def test_stranger_is_not_believed(start_gateway: Any, trusted: str, visitor: Visit) -> None:
    gateway = start_gateway(trusted_proxies=trusted, max_per_address=2)
    more = "X-Forwarded-For: {n}\r\nX-Real-Ip: {n}\r\nForwarded: for={n}\r\n"
    wires = []
    try:
        for n in range(3):
            wires.append(dial(gateway))
            request = HANDSHAKE.format(port=gateway.port, more=more.format(n=f"10.0.0.{n}"))
            wires[-1].sendall(request.encode())
        heads = [wire.recv(65536)[:12] for wire in wires]
    finally:
        for wire in wires:
            wire.close()
    assert heads == [b"HTTP/1.1 101", b"HTTP/1.1 101", b"HTTP/1.1 503"]


@pytest.mark.parametrize(
    "more",
    [
        "X-Forwarded-For: 10.0.0.{n}, 203.0.113.9\r\n",
        "X-Forwarded-For: 10.0.0.{n}\r\nX-Forwarded-For: 203.0.113.9\r\n",
        "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=10.0.0.{n}\r\n",
        "X-Forwarded-For: 203.0.113.9\r\nX-Real-Ip: 10.0.0.{n}\r\n",
        "x-forwarded-for: 10.0.0.{n} , nonsense, 203.0.113.9 , 127.0.0.1\r\n",
    ],
)
def test_proxy_is_believed_no_further_than_what_it_wrote(start_gateway: Any, more: str) -> None:
    gateway = start_gateway(trusted_proxies="127.0.0.1", max_per_address=2)
    with ExitStack() as opened:
        wires = [opened.enter_context(dial(gateway)) for _ in range(3)]
        for n, wire in enumerate(wires):
            wire.sendall(HANDSHAKE.format(port=gateway.port, more=more.format(n=n)).encode())
        heads = [wire.recv(65536)[:12] for wire in wires]
    assert sorted(heads) == [b"HTTP/1.1 101", b"HTTP/1.1 101", b"HTTP/1.1 503"]


@pytest.mark.parametrize(
    "request_head",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: +5\r\n",
        "X: 1\r\n Content-Length: 5\r\nContent-Length: 6\r\n",
    ],
)
def test_request_of_two_lengths_is_refused(gateway: Gateway, request_head: str) -> None:
    request = (
        f"POST /realtime/000/a/xhr_send HTTP/1.1\r\nHost: x\r\n{request_head}\r\n0\r\n\r\n"
        "GET /realtime/info HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    answer = ask(gateway, request.encode())
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


def test_headers_over_the_limit_are_not_read(gateway: Gateway) -> None:
    request = b"GET /realtime/info HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"
    assert b" 200 " not in ask(gateway, request)
