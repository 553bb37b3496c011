"""Frames that are sent together.

Strategy: a publication to a thousand connections is encoded once for each transport, not once for
each connection. A ``Batch`` is shared by all connections that receive the same frames in the same
turn of the loop, and keeps each encoding.
"""

from collections.abc import Callable
from json.encoder import encode_basestring_ascii as _ascii
from typing import Any

import msgspec

_json = msgspec.json.Encoder()


class Batch(msgspec.Struct, eq=False, gc=False):
    """Frames (UTF-8 JSON) that are sent together, in order.

    A struct, because one is built for each private message.

    Args:
        frames: at least one.
        conflation_key: in the outbox of a slow consumer, a batch of one frame replaces the one
            with the same key; None: every frame is kept.
    """

    frames: tuple[bytes, ...]
    conflation_key: bytes | None = None
    encodings: dict[Any, bytes] = {}

    @property
    def size_bytes(self) -> int:
        """The length of all frames, without the framing of a transport."""
        return sum(map(len, self.frames))

    def encoded(self, encode: Callable[["Batch"], bytes]) -> bytes:
        """Return ``encode(self)``, computed at most once."""
        encoding = self.encodings.get(encode)
        return self.encode(encode) if encoding is None else encoding

    def encode(self, encode: Callable[["Batch"], bytes]) -> bytes:
        """Return ``encode(self)``, and keep it; for callers that have looked in ``encodings``."""
        encoding = self.encodings[encode] = encode(self)
        return encoding


def sockjs_array(batch: Batch) -> bytes:
    """Encode as a SockJS array frame, ``a["…","…"]`` (SockJS protocol 0.3.3, Framing).

    All but ASCII is escaped, because some browsers mangle certain characters over XHR.
    """
    texts = list(map(bytes.decode, batch.frames))
    array = b"a" + _json.encode(texts)
    return array if array.isascii() else f"a[{','.join(map(_ascii, texts))}]".encode()
