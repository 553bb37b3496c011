"""Bare sockets at the gateway, for what no browser would send."""

import socket
import time
from contextlib import suppress

from tests.security.gateways import Gateway

PATIENCE_S = 15
WEBSOCKETS = ("websocket", "rawwebsocket")
HANDSHAKE = (
    "GET /realtime/websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Version: 13\r\n{more}\r\n"
)


def dial(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), PATIENCE_S)


def ask(gateway: Gateway, request: bytes) -> bytes:
    """Send bytes; give everything that comes back until the gateway closes."""
    with dial(gateway) as wire:
        wire.sendall(request)
        return b"".join(iter(lambda: wire.recv(65536), b""))


def is_closed(wire: socket.socket) -> bool:
    """Wait until the gateway closes."""
    try:
        while wire.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def ask_until_nothing_is_taken(wire: socket.socket) -> None:
    wire.settimeout(1)
    with suppress(TimeoutError):
        while True:
            wire.sendall(b"GET /realtime/sockjs.js HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)


def is_shut_out(wire: socket.socket) -> bool:
    """Wait, without reading, until the gateway refuses what is sent."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            wire.send(b"\r\n")
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


def masked(first: int, payload: bytes = b"") -> bytes:
    """Write a short frame as a client does, under a mask that changes nothing."""
    return bytes((first, 0x80 | len(payload), 0, 0, 0, 0)) + payload


def masked_text(content: str) -> bytes:
    """Write a text frame as a client does, under a mask that changes nothing."""
    size = len(content)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2)
    return head + bytes(4) + content.encode()


def assert_alive(gateway: Gateway) -> None:
    answer = ask(gateway, b"GET /realtime/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
