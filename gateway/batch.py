"""Frames that leave together.

Strategy: a publication to a thousand connections is encoded once for each way of travelling,
not once for each connection. A ``Batch`` is shared by all connections that receive the same
frames in the same turn of the loop, and remembers each encoding that somebody asked for.
"""

from collections.abc import Callable
from json.encoder import encode_basestring_ascii


class Batch:
    """Frames (UTF-8 JSON) that leave together, in order.

    Args:
        frames: at least one.
        conflation_key: for a browser that does not read, the last of these frames may take the
            place of what waits under the same key; None: every frame counts.
    """

    __slots__ = ("_encodings", "conflation_key", "frames")

    def __init__(self, frames: tuple[bytes, ...], conflation_key: bytes | None = None) -> None:
        self.frames = frames
        self.conflation_key = conflation_key
        self._encodings: dict[Callable[[Batch], bytes], bytes] = {}

    @property
    def size_bytes(self) -> int:
        """The length of all frames, without what a transport puts around them."""
        return sum(map(len, self.frames))

    def encoded(self, encode: Callable[["Batch"], bytes]) -> bytes:
        """Return ``encode(self)``, computed at most once."""
        try:
            return self._encodings[encode]
        except KeyError:
            encoding = self._encodings[encode] = encode(self)
            return encoding


def sockjs_array(batch: Batch) -> bytes:
    """Encode as a SockJS array frame, ``a["…","…"]`` (SockJS protocol 0.3.3, Framing).

    All but ASCII is escaped: some browsers mangle certain characters over XHR.
    """
    return b"a[%b]" % b",".join(
        [encode_basestring_ascii(f.decode()).encode() for f in batch.frames]
    )
