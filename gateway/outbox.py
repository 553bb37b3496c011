"""What a connection has not been given yet: a queue that is bounded in bytes. Pure."""

from collections import deque

from .errors import Refused
from .wire.closecodes import CloseCode


class Outbox:
    """Chunks in order, at most ``limit_bytes`` of them together.

    For a socket, a chunk is what the kernel did not take; for a polling browser it is a frame
    that waits for the next poll.
    """

    __slots__ = ("_chunks", "limit_bytes", "size_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.size_bytes = 0
        self._chunks: deque[bytes] = deque()

    def __bool__(self) -> bool:
        return self.size_bytes > 0

    def put(self, chunk: bytes) -> None:
        """Append a chunk.

        Raises:
            Refused: the reader is too slow; nothing was appended.
        """
        if self.size_bytes + len(chunk) > self.limit_bytes:
            raise Refused(CloseCode.SLOW_CONSUMER, f"{self.size_bytes} bytes unread")
        self._chunks.append(chunk)
        self.size_bytes += len(chunk)

    def take(self) -> tuple[bytes, ...]:
        """Empty the outbox and return what was in it."""
        chunks = tuple(self._chunks)
        self.clear()
        return chunks

    def first(self) -> bytes:
        """Return the chunk that leaves next, without removing it."""
        return self._chunks[0]

    def drop(self, sent_bytes: int) -> None:
        """Remove bytes from the front of the first chunk."""
        chunk = self._chunks.popleft()
        if sent_bytes < len(chunk):
            self._chunks.appendleft(chunk[sent_bytes:])
        self.size_bytes -= sent_bytes

    def keep_first(self) -> None:
        """Forget all but the chunk that leaves next, for a part of it may have left already."""
        first = self._chunks.popleft() if self._chunks else b""
        self.clear()
        if first:
            self.put(first)

    def clear(self) -> None:
        """Forget everything."""
        self._chunks.clear()
        self.size_bytes = 0
