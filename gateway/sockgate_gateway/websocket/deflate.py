"""permessage-deflate (RFC 7692) without context takeover. Pure.

Strategy: with context takeover, each client needs its own compressor and its memory, and each
publication is compressed once for each client. Without it, a publication is compressed once for all
clients, and an idle connection holds no memory.
"""

import re
import zlib

from .frames import CLOSE_INVALID_DATA, CLOSE_TOO_BIG, WebSocketProtocolError

_RESPONSE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
_FULL_WINDOW = ("server_max_window_bits", "15")
"""The one value that is accepted: it limits nothing, and all clients share what is compressed."""

MAX_FINAL_BLOCKS = 256
"""How often a message may end its compressed data and start again (section 7.2.3.4). Each start
costs about 2 microseconds, and a client can write one in two bytes."""

MIN_BYTES = 128
"""Shorter messages are sent uncompressed; compression would lengthen them."""

_LEVEL = 6
_TAIL = b"\x00\x00\xff\xff"
_LAST_BLOCK = b"\x01\x00\x00\xff\xff"
"""An empty last block, which can be read only where another block has ended."""

MAX_OFFER_BYTES = 1024
"""Longer lists of extensions are declined unread; browsers send about 50 bytes."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(
    rf'\s*;\s*(?P<name>{_TOKEN})(?:\s*=\s*(?:(?P<bare>{_TOKEN})|"(?P<quoted>{_TOKEN})"))?'
)
_FLAGS = frozenset({"server_no_context_takeover", "client_no_context_takeover"})
_WINDOW_BITS = frozenset(str(bits) for bits in range(8, 16))


def negotiate(extensions: str) -> str:
    """Return the response to the first acceptable offer in ``Sec-WebSocket-Extensions``.

    Returns:
        The value of the response's header (RFC 7692 section 7.1); empty without such an offer.
    """
    if len(extensions) > MAX_OFFER_BYTES:
        return ""
    for offer in extensions.split(","):
        parameters = _read_offer(offer.strip())
        if parameters is not None and all(map(_is_supported, parameters, parameters.values())):
            is_asked = _FULL_WINDOW[0] in parameters
            return f"{_RESPONSE}; {'='.join(_FULL_WINDOW)}" if is_asked else _RESPONSE
    return ""


def deflate(payload: bytes) -> bytes:
    """Compress a message (section 7.2.1)."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    whole = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return whole.removesuffix(_TAIL)


def inflate(payload: bytes, limit_bytes: int) -> bytes:
    """Decompress a message (section 7.2.2) up to a limit.

    A block with the BFINAL bit ends the compressed data, but not the message. The bytes after it
    are decompressed from a new start (section 7.2.3.4).

    Raises:
        WebSocketProtocolError: the message is too long, incomplete or not compressed data.
    """
    if not payload:
        return b""
    try:
        return _inflate(payload + _TAIL, limit_bytes)
    except zlib.error as error:
        raise WebSocketProtocolError(CLOSE_INVALID_DATA, "not compressed data") from error


def _inflate(data: bytes, limit_bytes: int) -> bytes:
    message = b""
    for _ in range(MAX_FINAL_BLOCKS):
        decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
        message += decompressor.decompress(data, limit_bytes + 1 - len(message))
        if len(message) > limit_bytes:
            raise WebSocketProtocolError(CLOSE_TOO_BIG, "message too large")
        if not decompressor.eof:
            _check_complete(decompressor)
            return message
        data = decompressor.unused_data
        if len(data) <= len(_TAIL):  # All that the client sent has been read.
            return message
    raise WebSocketProtocolError(CLOSE_INVALID_DATA, "too many final blocks")


def _check_complete(decompressor: "zlib._Decompress") -> None:
    decompressor.decompress(_LAST_BLOCK, 1)
    if not decompressor.eof:
        raise WebSocketProtocolError(CLOSE_INVALID_DATA, "compressed data is cut off")


def _read_offer(offer: str) -> dict[str, str | None] | None:
    """Return the parameters of an offer; None when it is malformed or of another extension."""
    name = re.match(_TOKEN, offer)
    if name is None or name[0].lower() != "permessage-deflate":
        return None
    return _read_parameters(offer, name.end())


def _read_parameters(offer: str, at: int) -> dict[str, str | None] | None:
    """Return the parameters; None when one is malformed or repeated."""
    parameters: dict[str, str | None] = {}
    while at < len(offer):
        found = _PARAMETER.match(offer, at)
        if found is None or found["name"].lower() in parameters:
            return None
        parameters[found["name"].lower()] = found["bare"] or found["quoted"]
        at = found.end()
    return parameters


def _is_supported(name: str, value: str | None) -> bool:
    if name in _FLAGS:
        return value is None
    if name == "client_max_window_bits":
        return value is None or value in _WINDOW_BITS
    return (name, value) == _FULL_WINDOW
