"""Frames that leave together.

Strategy: a publication to a thousand connections is encoded once for each way of travelling,
not once for each connection. A ``Batch`` is shared by all connections that receive the same
frames in the same turn of the loop, and remembers each encoding that somebody asked for.
"""

from collections.abc import Callable
from json.encoder import encode_basestring_ascii as _ascii
from typing import Any

import msgspec

_json = msgspec.json.Encoder()


class Batch(msgspec.Struct, eq=False, gc=False):
    """Frames (UTF-8 JSON) that leave together, in order.

    A struct, for one is made for each private message.

    Args:
        frames: at least one.
        conflation_key: for a browser that does not read, a batch of one frame may take the
            place of what waits under the same key; None: every frame counts.
    """

    frames: tuple[bytes, ...]
    conflation_key: bytes | None = None
    encodings: dict[Any, bytes] = {}

    @property
    def size_bytes(self) -> int:
        """The length of all frames, without what a transport puts around them."""
        return sum(map(len, self.frames))

    def encoded(self, encode: Callable[["Batch"], bytes]) -> bytes:
        """Return ``encode(self)``, computed at most once."""
        encoding = self.encodings.get(encode)
        return self.encode(encode) if encoding is None else encoding

    def encode(self, encode: Callable[["Batch"], bytes]) -> bytes:
        """Return ``encode(self)``, and remember it; for who has looked in ``encodings``."""
        encoding = self.encodings[encode] = encode(self)
        return encoding


def sockjs_array(batch: Batch) -> bytes:
    """Encode as a SockJS array frame, ``a["…","…"]`` (SockJS protocol 0.3.3, Framing).

    All but ASCII is escaped: some browsers mangle certain characters over XHR.
    """
    texts = list(map(bytes.decode, batch.frames))
    array = b"a" + _json.encode(texts)
    return array if array.isascii() else f"a[{','.join(map(_ascii, texts))}]".encode()
