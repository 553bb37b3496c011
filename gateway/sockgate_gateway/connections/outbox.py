"""The outbox: what a connection has not sent yet, bounded in bytes. Pure."""

from collections import OrderedDict
from itertools import count

from ..errors import Disconnect
from ..histogram import BYTES, Histogram
from ..wire.closecodes import CloseCode

WAITING = Histogram(BYTES)
"""What waited in an outbox of this process, each time that something was added."""


class Outbox:
    """Chunks in order, at most ``limit_bytes`` of them together.

    For a socket, a chunk is what the kernel did not take; for a polling browser it is a frame
    that waits for the next poll.
    """

    __slots__ = ("_chunks", "_numbers", "limit_bytes", "size_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.size_bytes = 0
        self._chunks: OrderedDict[bytes | int, bytes] = OrderedDict()
        self._numbers = count()

    def __bool__(self) -> bool:
        return self.size_bytes > 0

    def put(self, chunk: bytes, conflation_key: bytes | None = None) -> None:
        """Append a chunk, or replace the one with the same key.

        Raises:
            Disconnect: the client reads too slowly; nothing was appended.
        """
        key = next(self._numbers) if conflation_key is None else conflation_key
        size_bytes = self.size_bytes + len(chunk) - len(self._chunks.get(key, b""))
        if size_bytes > self.limit_bytes:
            raise Disconnect(CloseCode.SLOW_CONSUMER, f"{self.size_bytes} bytes unread")
        self._chunks[key] = chunk
        self.size_bytes = size_bytes
        WAITING.observe(size_bytes)

    def take(self) -> tuple[bytes, ...]:
        """Empty the outbox and return what was in it."""
        chunks = tuple(self._chunks.values())
        self.clear()
        return chunks

    def first(self) -> bytes:
        """Return the chunk that is sent next, without removing it."""
        return next(iter(self._chunks.values()))

    def drop(self, sent_bytes: int) -> None:
        """Remove sent bytes from the first chunk; the rest of it stays first."""
        _, chunk = self._chunks.popitem(last=False)
        if sent_bytes < len(chunk):
            self._put_first(chunk[sent_bytes:])
        self.size_bytes -= sent_bytes

    def keep_first(self) -> None:
        """Drop all but the chunk that is sent next; a part of it may be sent already."""
        first = self.first() if self._chunks else b""
        self.clear()
        if first:
            self.put(first)

    def clear(self) -> None:
        """Drop everything."""
        self._chunks.clear()
        self.size_bytes = 0

    def _put_first(self, chunk: bytes) -> None:
        number = next(self._numbers)
        self._chunks[number] = chunk
        self._chunks.move_to_end(number, last=False)
