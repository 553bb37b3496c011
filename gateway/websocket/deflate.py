"""permessage-deflate (RFC 7692), without context takeover, without I/O.

Strategy: a compressor that remembers earlier messages would have to be each client's own, with
its memory, and would compress a publication once for each of them. Without that memory a
publication is compressed once for all, and an idle connection holds nothing.
"""

import zlib

from .frames import CLOSE_INVALID_DATA, CLOSE_TOO_BIG, FrameFailure

RESPONSE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

MIN_BYTES = 128
"""Shorter messages leave as they are: compressed, they would be longer."""

_LEVEL = 6
_TAIL = b"\x00\x00\xff\xff"
_HARMLESS = frozenset(
    {"server_no_context_takeover", "client_no_context_takeover", "client_max_window_bits"}
)


def is_offered(extensions: str) -> bool:
    """Tell whether a client's ``Sec-WebSocket-Extensions`` holds an offer that we can take."""
    return any(_is_acceptable(offer) for offer in extensions.split(","))


def deflate(payload: bytes) -> bytes:
    """Compress a message (section 7.2.1)."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    whole = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return whole.removesuffix(_TAIL)


def inflate(payload: bytes, limit_bytes: int) -> bytes:
    """Decompress a message (section 7.2.2), as far as the limit.

    Raises:
        FrameFailure: it is longer than the limit, or not compressed data.
    """
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        message = decompressor.decompress(payload + _TAIL, limit_bytes + 1)
    except zlib.error as error:
        raise FrameFailure(CLOSE_INVALID_DATA, "not compressed data") from error
    if len(message) > limit_bytes:
        raise FrameFailure(CLOSE_TOO_BIG, "message too large")
    return message


def _is_acceptable(offer: str) -> bool:
    name, *parameters = (part.strip().lower() for part in offer.split(";"))
    return name == "permessage-deflate" and all(
        parameter.partition("=")[0].strip() in _HARMLESS for parameter in parameters
    )
