"""Outlets: where the frames of a connection go. Its transport, or held frames, or nowhere. Pure."""

from typing import Protocol

from ..errors import Disconnect
from ..wire.closecodes import CloseCode
from ..wire.frame_content import is_content
from .batch import Batch


class Outlet(Protocol):
    """Where the frames of a connection go."""

    def send(self, batch: Batch) -> None:
        """Send frames to the client, or keep them until it can take them.

        Never raises and never calls back: an error is reported to the lifecycle in a later turn of
        the loop. So a fan-out may run over the hub's map itself.
        """


class Transport(Outlet, Protocol):
    """How bytes travel to one client."""

    @property
    def name(self) -> str:
        """The SockJS name: ``websocket``, ``xhr_streaming``, …; ``rawwebsocket`` without SockJS."""

    @property
    def agent(self) -> str:
        """The user agent, as the client says."""

    @property
    def is_over_http(self) -> bool:
        """Whether what the client sends comes in requests with sockets of their own."""

    @property
    def has_unsent(self) -> bool:
        """Whether frames wait for the client to read."""

    @property
    def unsent_bytes(self) -> int:
        """How much waits for the client to read."""

    @property
    def has_unread(self) -> bool:
        """Whether the client has sent something that nobody has read yet."""

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Send the code after all frames, and close; does nothing when already closed.

        The reason is in place of the code's own.
        """


class NoTransport:
    """The transport of a closed connection: it discards frames."""

    name = "none"
    agent = ""
    has_unsent = has_unread = is_over_http = False
    unsent_bytes = 0

    def send(self, batch: Batch) -> None:
        """Discard frames."""

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Do nothing: the connection is closed."""


NO_TRANSPORT = NoTransport()


class HeldFrames:
    """Frames for a client that may not be delivered yet.

    Args:
        limit_bytes: how much is kept; beyond it, the connection will be closed.
    """

    __slots__ = ("_batches", "_limit_bytes", "_size_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._batches: list[Batch] = []

    def send(self, batch: Batch) -> None:
        """Keep frames; beyond the limit, drop all of them."""
        self._size_bytes += batch.size_bytes
        if self._size_bytes <= self._limit_bytes:
            self._batches.append(batch)
        else:
            self._batches.clear()

    def drop(self, channel: str) -> None:
        """Drop the publications of a channel; their bytes still count."""
        kept = [[f for f in batch.frames if not is_content(f, channel)] for batch in self._batches]
        self._batches = [Batch(tuple(frames)) for frames in kept if frames]

    def check_within_limit(self) -> None:
        """Check that nothing was dropped; raises as ``batches`` does."""
        if self._size_bytes > self._limit_bytes:
            raise _too_much()

    def batches(self) -> list[Batch]:
        """Return what was kept.

        Raises:
            Disconnect: it was more than the limit.
        """
        if self._size_bytes > self._limit_bytes:
            raise _too_much()
        return self._batches


def _too_much() -> Disconnect:
    return Disconnect(CloseCode.SLOW_CONSUMER, "more was held back than max_outbox allows")
