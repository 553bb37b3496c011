"""Forwarded addresses of trusted and untrusted peers, and ambiguous requests."""

import socket
from contextlib import ExitStack
from typing import Any

import pytest

from tests.security.gateways import Gateway
from tests.security.visits import Visit
from tests.security.wires import HANDSHAKE, ask, dial, masked

PING = 0x89
OVERLOADED = "too many connections, try again later"
CLOSED_OVERLOADED = bytes((0x88, 2 + len(OVERLOADED))) + (3002).to_bytes(2, "big")

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def open_in_turn(opened: ExitStack, gateway: Gateway, headers: list[str]) -> list[socket.socket]:
    """Open one WebSocket after another."""
    wires = []
    for more in headers:
        wires.append(opened.enter_context(dial(gateway)))
        wires[-1].sendall(HANDSHAKE.format(port=gateway.port, more=more).encode())
        assert wires[-1].recv(65536).startswith(b"HTTP/1.1 101")
    return wires


def displaced(wires: list[socket.socket]) -> list[int]:
    """List which were closed with 3002, to make room for the others of their address.

    The gateway answers a ping on those that stay.
    """
    found = []
    for n, wire in enumerate(wires):
        wire.sendall(masked(PING))
        if wire.recv(65536).startswith(CLOSED_OVERLOADED):
            found.append(n)
    return found


@pytest.mark.parametrize("trusted", ["", "10.0.0.0/8"])
def test_headers_of_an_untrusted_peer_are_ignored(
    start_gateway: Any, trusted: str, visitor: Visit
) -> None:
    gateway = start_gateway(trusted_proxies=trusted, max_per_address=2)
    more = "X-Forwarded-For: {n}\r\nX-Real-Ip: {n}\r\nForwarded: for={n}\r\n"
    with ExitStack() as opened:
        wires = open_in_turn(opened, gateway, [more.format(n=f"10.0.0.{n}") for n in range(3)])
        assert displaced(wires) == [0]


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
def test_only_the_entry_of_the_trusted_proxy_counts(start_gateway: Any, more: str) -> None:
    gateway = start_gateway(trusted_proxies="127.0.0.1", max_per_address=2)
    with ExitStack() as opened:
        wires = open_in_turn(opened, gateway, [more.format(n=n) for n in range(3)])
        assert displaced(wires) == [0]


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
