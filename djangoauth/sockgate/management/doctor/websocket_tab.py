"""The connection over WebSocket, on the standard library alone, so that it is always tried.

The package ``websockets``, and so the Python client, is installed with ``sockgate[client]`` only,
and a site without it has the same proxies, which this step examines. It speaks as much of RFC 6455
as the gateway does to a client without extensions.
"""

import json
from base64 import b64encode
from contextlib import suppress
from hashlib import sha1
from http.client import HTTPException
from itertools import cycle
from os import urandom
from typing import Any

from ...checks.site_http import open_connection, path_of
from ...deadline import Deadline
from .report import StepFailed
from .tabs import WEBSOCKET, Tab, no_websocket, refused

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_FINAL, _MASKED = 0x80, 0x80
_MAX_MESSAGE_BYTES = 1024 * 1024


class WebSocketTab(Tab):
    """SockJS over a WebSocket, as sockjs-client opens it."""

    name = WEBSOCKET

    def __init__(self, url: str, origin: str, timeout_s: float) -> None:
        super().__init__(url, origin, timeout_s)
        self._sock: Any = None
        self._file: Any = None

    def open(self) -> None:
        """Open the WebSocket."""
        try:
            self._open()
        except (OSError, HTTPException, ValueError) as error:
            raise no_websocket(str(error) or type(error).__name__) from error

    def send(self, text: str) -> None:
        """Send a message."""
        with suppress(OSError):
            self._write(_TEXT, json.dumps([text]).encode())

    def read_frame(self) -> str:
        """Read a message of the WebSocket."""
        try:
            with Deadline(self._timeout_s, self._sock):
                return self._read_message()
        except TimeoutError:
            raise
        except OSError:
            return ""

    def close(self) -> None:
        """Close the WebSocket."""
        if self._sock is not None:
            with suppress(OSError):
                self._write(_CLOSE, b"")
            self._file.close()
            self._sock.close()
            self._sock = None

    def _open(self) -> None:
        url = f"{self._session_url}/websocket"
        connection = open_connection(url, self._timeout_s)
        connection.connect()
        self._sock = connection.sock
        self._file = self._sock.makefile("rb")
        key = b64encode(urandom(16))
        headers = {
            "Origin": self._origin,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key.decode(),
        }
        with Deadline(self._timeout_s, self._sock):
            connection.request("GET", path_of(url), headers=headers)
            status, fields = self._read_head()
        if status != 101:
            raise refused(status, self.name, self._url, self._origin)
        accepted = b64encode(sha1(key + _GUID, usedforsecurity=False).digest()).decode()
        if fields.get("sec-websocket-accept") != accepted:
            raise no_websocket("what answers is not a WebSocket server")

    def _read_head(self) -> tuple[int, dict[str, str]]:
        """Read the response's head; what follows stays in the file."""
        version, _, rest = self._file.readline(_MAX_MESSAGE_BYTES).decode("latin-1").partition(" ")
        if not version.startswith("HTTP/"):
            raise ValueError("no HTTP response")
        fields = {}
        while line := self._file.readline(_MAX_MESSAGE_BYTES).decode("latin-1").strip():
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        return int(rest[:3]), fields

    def _read_message(self) -> str:
        """Read a text message; empty: the server has closed the connection."""
        text = b""
        while True:
            is_final, opcode, payload = self._read_raw()
            if opcode == _CLOSE:
                return ""
            if opcode == _PING:
                self._write(_PONG, payload)
            elif opcode != _PONG:
                text += payload
                if is_final:
                    return text.decode(errors="replace")

    def _read_raw(self) -> tuple[bool, int, bytes]:
        first, second = self._read(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(self._read(2 if size == 126 else 8), "big")
        if second & _MASKED or size > _MAX_MESSAGE_BYTES:
            raise StepFailed(*_BROKEN)
        return bool(first & _FINAL), first & 0x0F, self._read(size)

    def _read(self, size: int) -> bytes:
        data: bytes = self._file.read(size)
        if len(data) < size:
            raise ConnectionError("connection lost")
        return data

    def _write(self, opcode: int, payload: bytes) -> None:
        size, mask = len(payload), urandom(4)
        length = bytes((_MASKED | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        masked = bytes(one ^ other for one, other in zip(payload, cycle(mask), strict=False))
        self._sock.sendall(bytes((_FINAL | opcode,)) + length + mask + masked)


_BROKEN = (
    "What answers the WebSocket breaks the protocol (RFC 6455).",
    "Let the proxy pass the bytes of an upgraded connection on as they are.",
    "no-websocket",
)
