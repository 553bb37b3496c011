"""The opening handshake of RFC 6455 section 4.2, without I/O."""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1

from .request import Request

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NONCE = re.compile(r"[A-Za-z0-9+/]{22}==")
"""Sixteen bytes in base64."""

_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n"
)


class HandshakeRefused(Exception):
    """The request opens no WebSocket: an HTTP status, and headers that explain it."""

    def __init__(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


def asks_for_websocket(headers: Mapping[str, str]) -> bool:
    """Tell whether a request wants to become a WebSocket."""
    return headers.get("upgrade", "").strip().lower() == "websocket"


def accept(request: Request, extensions: str = "") -> bytes:
    """Give the whole response that opens the WebSocket, with the extensions that it shall have.

    Raises:
        HandshakeRefused: the request is not a proper handshake.
    """
    headers = request.headers
    if request.method != "GET" or request.version != "HTTP/1.1":
        raise HandshakeRefused(400, "a handshake is a GET of HTTP/1.1")
    if "upgrade" not in _tokens(headers.get("connection", "")):
        raise HandshakeRefused(400, '"Connection" must be "Upgrade".')
    if headers.get("sec-websocket-version", "").strip() != "13":
        raise HandshakeRefused(426, "unknown version", ("Sec-WebSocket-Version", "13"))
    key = headers.get("sec-websocket-key", "").strip()
    if _NONCE.fullmatch(key) is None:
        raise HandshakeRefused(400, "Sec-WebSocket-Key is not 16 bytes in base64")
    digest = sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    agreed = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
    return _SWITCHING % b64encode(digest) + agreed.encode() + b"\r\n"


def refusal(refused: HandshakeRefused) -> bytes:
    """Write the HTTP response to a refused handshake; the connection ends after it."""
    body = refused.reason.encode()
    lines = [
        f"HTTP/1.1 {refused.status} {_PHRASES.get(refused.status, 'Refused')}",
        "Content-Type: text/plain; charset=UTF-8",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in refused.headers),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


_PHRASES = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    426: "Upgrade Required",
    503: "Service Unavailable",
}


def _tokens(header: str) -> list[str]:
    return [token.strip().lower() for token in header.split(",")]
