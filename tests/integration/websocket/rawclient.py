"""A WebSocket client made of one socket. It sends any bytes, valid or not."""

import json
import socket
import zlib
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from tests.waiting import PATIENCE_S

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
FIRST, MIDDLE, LAST = 0x01, 0x00, 0x80
"""The first bytes of the fragments of a text."""
DEFLATED = 0x40

MASK = b"\x01\x82\x03\x84"


def frame(first: int, payload: bytes = b"") -> bytes:
    """Return a masked frame with this first byte."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((first, 0xFE)) + size.to_bytes(2)
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8)
    key = (MASK * (size // 4 + 1))[:size]
    return head + MASK + (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


def fragments(payload: bytes, size: int, first: int = FIRST) -> list[bytes]:
    """Return a message as frames of this size."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    firsts = [first, *[MIDDLE] * (len(parts) - 1)]
    firsts[-1] |= LAST
    return [frame(*pair) for pair in zip(firsts, parts, strict=True)]


class RawClient(AbstractContextManager):
    """One connection to a gateway.

    Args:
        port: of the gateway.
        path: of the WebSocket.
        offer: the value of ``Sec-WebSocket-Extensions``.
    """

    def __init__(self, port: int, path: str, offer: str = "") -> None:
        self.is_sockjs = not path.endswith("/realtime/websocket")
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._file = self._socket.makefile("rb")
        self.extensions = self._shake_hands(path, offer)
        if self.is_sockjs:
            assert self.read_frame() == (TEXT, b"o")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._file.close()
        self._socket.close()

    def send(self, *frames: bytes, chop: int = 0) -> None:
        """Send bytes at once, or in packets of ``chop`` bytes."""
        whole = b"".join(frames)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(whole), chop or len(whole)):
            self._socket.sendall(whole[at : at + (chop or len(whole))])

    def message(self, content: dict[str, Any]) -> bytes:
        """Return the payload of a text message with a client's frame."""
        text = json.dumps(content, ensure_ascii=False)
        return (json.dumps([text], ensure_ascii=False) if self.is_sockjs else text).encode()

    def read_frame(self) -> tuple[int, bytes]:
        """Read one frame: its first byte and its payload."""
        first, size = self._read(2)
        if size >= 126:
            size = int.from_bytes(self._read(2 if size == 126 else 8))
        return first, self._read(size)

    def read_message(self) -> dict[str, Any]:
        """Read a gateway's frame."""
        first, payload = self.read_frame()
        if first & DEFLATED:
            payload = zlib.decompressobj(-zlib.MAX_WBITS).decompress(payload + b"\0\0\xff\xff")
        assert first & ~DEFLATED == TEXT, (first, payload)
        if self.is_sockjs:
            (text,) = json.loads(payload.decode().removeprefix("a"))
            return json.loads(text)
        return json.loads(payload)

    def read_close(self) -> int:
        """Read the close frame, and nothing after it; 1005 without a code."""
        first, payload = self.read_frame()
        if self.is_sockjs and first == TEXT and payload.startswith(b"c["):
            first, payload = self.read_frame()
        assert first == CLOSE, (first, payload)
        assert self._file.read(1) == b"", "the gateway sent data after its close frame"
        return int.from_bytes(payload[:2]) if payload else 1005

    def _shake_hands(self, path: str, offer: str) -> str:
        offered = f"Sec-WebSocket-Extensions: {offer}\r\n" if offer else ""
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            f"{offered}\r\n".encode()
        )
        assert self._file.readline().startswith(b"HTTP/1.1 101 ")
        headers = dict(line.split(b": ", 1) for line in iter(self._file.readline, b"\r\n"))
        return headers.get(b"Sec-WebSocket-Extensions", b"").decode().strip()

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        assert len(data) == size, f"the gateway closed after {data!r}"
        return data
