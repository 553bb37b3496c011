"""One attached browser: its state, its identity, and its frames on their way out. Pure.

Strategy: the states and what may follow each are data. A connection that is being checked is
already on its channels; what arrives there is held back until it is welcomed, so that nothing
falls between the check and the welcome, and nothing reaches a browser before it is known.
"""

from enum import Enum, auto
from typing import Protocol

from .batch import Batch
from .errors import GatewayError, Refused
from .wire.closecodes import CloseCode


class State(Enum):
    """Where a connection stands."""

    WAITING = auto()
    """Open, and no token shown yet."""

    CHECKING = auto()
    """A token was shown; its session is being read."""

    OPEN = auto()
    """Welcomed; publications flow."""

    CLOSED = auto()
    """Over."""


_NEXT = {
    State.WAITING: {State.CHECKING, State.CLOSED},
    State.CHECKING: {State.OPEN, State.CLOSED},
    State.OPEN: {State.CLOSED},
    State.CLOSED: set[State](),
}


class Outlet(Protocol):
    """Where frames for a browser go."""

    def send(self, batch: Batch) -> None:
        """Give frames to the browser, or keep them until it can take them.

        Never raises and never calls back: what goes wrong is reported to the endpoint in a
        later turn of the loop. So a fan-out may run over the routing table itself.
        """


class Transport(Outlet, Protocol):
    """How bytes travel to one browser."""

    @property
    def name(self) -> str:
        """The SockJS name: ``websocket``, ``xhr_streaming``, …; ``rawwebsocket`` without SockJS."""

    def close(self, code: CloseCode) -> None:
        """Say why, after what was sent before, and end; does nothing when already ended."""


class Identity:
    """Whose connection it is, as Redis said at the last check.

    ``uid`` is None for an anonymous visitor; ``expires_at`` is in Unix seconds; ``rights`` names
    what the user may do.
    """

    __slots__ = ("channels", "expires_at", "rights", "sid", "uid")

    def __init__(
        self,
        sid: str,
        uid: str | None,
        channels: tuple[str, ...],
        expires_at: float | None,
        rights: str = "",
    ) -> None:
        self.sid = sid
        self.uid = uid
        self.channels = channels
        self.expires_at = expires_at
        self.rights = rights


class Backlog:
    """What arrives for a browser before it is welcomed.

    Args:
        limit_bytes: how much is kept; more is not, and the welcome will be refused.
    """

    __slots__ = ("_batches", "_limit_bytes", "_size_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._batches: list[Batch] = []

    def send(self, batch: Batch) -> None:
        """Keep frames."""
        self._size_bytes += batch.size_bytes
        if self._size_bytes <= self._limit_bytes:
            self._batches.append(batch)
        else:
            self._batches.clear()

    def batches(self) -> list[Batch]:
        """Give back what was kept.

        Raises:
            Refused: it was too much.
        """
        if self._size_bytes > self._limit_bytes:
            raise Refused(CloseCode.SLOW_CONSUMER, "too much held back during the check")
        return self._batches


class Connection:
    """One attached browser.

    Args:
        connection_id: public; stands in logs and in the welcome.
        transport: how bytes travel.
        address: the browser's IP address, for limits and logs.
        held_limit_bytes: how much may be held back during the check.

    ``outlet`` takes what is for the browser: a backlog until it is welcomed, then its transport.
    ``identity`` is None until then, and while an open one was asked for a token.
    """

    __slots__ = (
        "_backlog",
        "address",
        "channels",
        "doubts",
        "id",
        "identity",
        "outlet",
        "sid",
        "spent_until",
        "state",
        "transport",
        "uid",
    )

    def __init__(
        self,
        connection_id: str,
        transport: Transport,
        address: str,
        held_limit_bytes: int,
    ) -> None:
        self.id = connection_id
        self.transport = transport
        self.address = address
        self.state = State.WAITING
        self.sid: str | None = None
        self.uid: str | None = None
        self.identity: Identity | None = None
        self.doubts = 0  # How often it was told that something of its session has changed.
        self.spent_until = 0.0
        self.channels: tuple[str, ...] = ()
        self._backlog = Backlog(held_limit_bytes)
        self.outlet: Outlet = self._backlog

    def enter(self, state: State) -> None:
        """Go to another state.

        Raises:
            GatewayError: the state table has no such step.
        """
        if state not in _NEXT[self.state]:
            raise GatewayError(f"from {self.state.name} there is no way to {state.name}")
        self.state = state

    def welcome(self, identity: Identity, frame: bytes) -> None:
        """Open: send the welcome, then what was held back.

        Raises:
            Refused: more was held back than the connection may keep.
        """
        self.enter(State.OPEN)
        self.identity = identity
        held = self._backlog.batches()
        del self._backlog  # Of no use any more, and there are many connections.
        self.outlet = self.transport
        self.send(frame)
        for batch in held:
            self.transport.send(batch)

    def send(self, *frames: bytes) -> None:
        """Send frames to this browser alone."""
        self.transport.send(Batch(frames))
