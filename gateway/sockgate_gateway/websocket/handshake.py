"""The opening handshake of RFC 6455 section 4.2, without I/O."""

import re
from base64 import b64encode
from hashlib import sha1

from ..http.plain_request import Request
from ..http.request_head import lists_token
from ..http.responses import RequestRefused

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NONCE = re.compile(r"[A-Za-z0-9+/]{22}==")
"""Sixteen bytes in base64."""

_UPGRADE = ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")

_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n"
)


def accept_handshake(request: Request, extensions: str = "") -> bytes:
    """Return the whole response that accepts a handshake.

    Args:
        request: the handshake.
        extensions: the value of ``Sec-WebSocket-Extensions`` in the response.

    Raises:
        RequestRefused: the request is not a valid handshake.
    """
    headers = request.headers
    if request.method != "GET":
        raise RequestRefused(
            405, "", ("Allow", "GET, HEAD")
        )  # The SockJS protocol requires an empty body.
    if request.version != "HTTP/1.1":
        raise RequestRefused(400, "A WebSocket handshake must use HTTP/1.1.")
    if not lists_token(headers.get("connection", ""), "upgrade"):
        raise RequestRefused(400, '"Connection" must be "Upgrade".')
    if headers.get("sec-websocket-version", "").strip() != "13":
        raise RequestRefused(426, "Sec-WebSocket-Version must be 13.", *_UPGRADE)
    has_length = "content-length" in headers and headers["content-length"].strip("0")
    if has_length or "transfer-encoding" in headers:
        raise RequestRefused(400, "A WebSocket handshake must not have a body.")
    key = headers.get("sec-websocket-key", "").strip()
    if _NONCE.fullmatch(key) is None:
        raise RequestRefused(400, "Sec-WebSocket-Key must be 16 bytes in base64.")
    digest = sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    negotiated = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
    return _SWITCHING % b64encode(digest) + negotiated.encode() + b"\r\n"
