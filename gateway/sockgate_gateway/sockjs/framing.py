"""SockJS frames, and how each transport writes them. Pure.

Strategy: a publication to a thousand browsers is encoded once for each transport. An ``Encoding``
turns a frame into the bytes for the socket, HTTP's chunk included. It lives as long as the process,
and is the key under which a ``Batch`` keeps the result.
"""

from collections.abc import Callable
from json.encoder import encode_basestring_ascii

from ..connections.batch import Batch, sockjs_array

OPEN_FRAME = b"o"
HEARTBEAT_FRAME = b"h"

_CHUNK_BYTES = 6
"""About as much as ``chunk`` adds. It does not count as body of a response."""


def close_frame(code: int, reason: str) -> bytes:
    """Write ``c[3000,"Go away!"]`` (SockJS protocol 0.3.3, Framing)."""
    return b"c[%d,%b]" % (code, encode_basestring_ascii(reason).encode())


def script_string(frame: bytes) -> bytes:
    """Write a frame as a JavaScript string that no HTML parser can leave (``</script>``)."""
    return encode_basestring_ascii(frame.decode()).encode().replace(b"<", b"\\u003c")


def chunk(body: bytes) -> bytes:
    """Write an HTTP/1.1 chunk (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(body), body)


class Encoding:
    """How one transport writes frames.

    Args:
        wrap: adds what the transport puts around a frame.
        is_chunked: whether HTTP adds a chunk around it.
    """

    __slots__ = ("_is_chunked", "_wrap", "batch", "overhead_bytes")

    def __init__(self, wrap: Callable[[bytes], bytes], *, is_chunked: bool = False) -> None:
        self._wrap = wrap
        self._is_chunked = is_chunked
        self.overhead_bytes = _CHUNK_BYTES if is_chunked else 0
        self.batch: Callable[[Batch], bytes] = self._encode_batch

    def frame(self, frame: bytes) -> bytes:
        """Encode one frame."""
        body = self._wrap(frame)
        return chunk(body) if self._is_chunked else body

    def _encode_batch(self, batch: Batch) -> bytes:
        return self.frame(batch.encoded(sockjs_array))
