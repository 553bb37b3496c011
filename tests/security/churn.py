"""Connections of every kind that are opened and left at once, by the thousand, on bare sockets.

A kind is a function that makes one connection. ``python -m tests.security.churn`` is a program of
its own, so that the test's process and the gateway's share nothing.
"""

import json
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.security.wires import HANDSHAKE, masked_text

AT_ONCE = 16
PATIENCE_S = 30
UPGRADE = HANDSHAKE.format(port=80, more="").encode()
FRAGMENT = bytes((0x01, 0xFE)) + (32 * 1024).to_bytes(2) + bytes(4) + bytes(32 * 1024 - 1)
POST = "POST /realtime/000/{session}/{what} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
GET = "GET /realtime/000/{session}/{what} HTTP/1.1\r\nHost: x\r\n\r\n"

WINDOW_BYTES = 4096
"""Small, so that what is not read waits in the gateway, and not in the kernel."""


class Churn:
    """Make connections to a gateway.

    Args:
        port: of the gateway.
        token: of a user.
    """

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._connect = masked_text(json.dumps({"type": "connect", "token": token}))

    def run(self, count: int) -> None:
        """Make so many connections, of every kind in turn."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(self._make_one, range(count)):
                pass

    def _make_one(self, number: int) -> None:
        kind = KINDS[number % len(KINDS)]
        with socket.socket() as wire:
            wire.settimeout(PATIENCE_S)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
            wire.connect(("127.0.0.1", self._port))
            kind(self, wire, number)

    def plain(self, wire: socket.socket, number: int) -> None:
        """Open a WebSocket."""
        ask(wire, UPGRADE)

    def welcomed(self, wire: socket.socket, number: int) -> None:
        """Log in."""
        ask(wire, UPGRADE)
        ask(wire, self._connect)

    def closed(self, wire: socket.socket, number: int) -> None:
        """Log in, and close as RFC 6455 has it."""
        self.welcomed(wire, number)
        ask(wire, b"\x88\x80\0\0\0\0")

    def fragment(self, wire: socket.socket, number: int) -> None:
        """Leave before a fragment of 32 KiB is complete."""
        ask(wire, UPGRADE)
        wire.sendall(FRAGMENT)

    def never_reads(self, wire: socket.socket, number: int) -> None:
        """Log in, ask for much, and read none of it."""
        self.welcomed(wire, number)
        with suppress(OSError):
            wire.sendall(LONG_PING * 40)

    def half_a_head(self, wire: socket.socket, number: int) -> None:
        """Leave within the headers."""
        wire.sendall(b"GET /realtime/info HTTP/1.1\r\nHo")

    def half_a_body(self, wire: socket.socket, number: int) -> None:
        """Leave within a body."""
        wire.sendall(POST.format(session=number, what="xhr_send", size=9999).encode() + b"[")

    def poll(self, wire: socket.socket, number: int) -> None:
        """Open an HTTP session, and come back no more."""
        ask(wire, POST.format(session=number, what="xhr", size=0).encode())

    def jsonp(self, wire: socket.socket, number: int) -> None:
        """The same, by a script."""
        ask(wire, GET.format(session=number, what="jsonp?c=x").encode())

    def stream(self, wire: socket.socket, number: int) -> None:
        """Open a stream, and break it off."""
        ask(wire, POST.format(session=number, what="xhr_streaming", size=0).encode())

    def events(self, wire: socket.socket, number: int) -> None:
        """Open a stream of events, and break it off."""
        ask(wire, GET.format(session=number, what="eventsource").encode())

    def page(self, wire: socket.socket, number: int) -> None:
        """Open a page that never ends, and break it off."""
        ask(wire, GET.format(session=number, what="htmlfile?c=x").encode())


KINDS: tuple[Callable[[Churn, socket.socket, int], None], ...] = (
    Churn.plain,
    Churn.welcomed,
    Churn.closed,
    Churn.fragment,
    Churn.fragment,
    Churn.never_reads,
    Churn.half_a_head,
    Churn.half_a_body,
    Churn.poll,
    Churn.jsonp,
    Churn.stream,
    Churn.events,
    Churn.page,
)


def ask(wire: socket.socket, request: bytes) -> None:
    """Send, and wait until something comes back."""
    wire.sendall(request)
    wire.recv(65536)


LONG_PING = masked_text(json.dumps({"type": "ping", "id": "x" * 30_000}))


def main(port: str, token: str, count: str) -> None:
    Churn(int(port), token).run(int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
