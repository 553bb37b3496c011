"""One attached browser: its state, its identity, and its frames on their way out. Pure.

Strategy: the states and what may follow each are data. A connection that is being checked is
already on its channels; what arrives there is held back until it is welcomed, so that nothing
falls between the check and the welcome, and nothing reaches a browser before it is known.
"""

from collections.abc import Callable
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


class Transport(Protocol):
    """How bytes travel to one browser."""

    @property
    def name(self) -> str:
        """The SockJS name: ``websocket``, ``xhr_streaming``, …; ``rawwebsocket`` without SockJS."""

    def send(self, batch: Batch) -> None:
        """Give frames to the browser, or keep them until it can take them.

        Never raises and never calls back: what goes wrong is reported to the endpoint in a
        later turn of the loop. So a fan-out may run over the routing table itself.
        """

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


class Connection:
    """One attached browser.

    Args:
        connection_id: public; stands in logs and in the welcome.
        transport: how bytes travel.
        address: the browser's IP address, for limits and logs.
        held_limit_bytes: how much may be held back during the check.

    ``deliver`` gives the browser frames: it holds them back until the browser is welcomed, and is
    the transport's own ``send`` from then on.
    """

    __slots__ = (
        "_held",
        "_held_bytes",
        "address",
        "channels",
        "deliver",
        "has_moved",
        "held_limit_bytes",
        "id",
        "identity",
        "is_doubted",
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
        self.held_limit_bytes = held_limit_bytes
        self.state = State.WAITING
        self.sid: str | None = None
        self.uid: str | None = None
        self.identity: Identity | None = None
        self.is_doubted = False
        self.has_moved = False
        self.spent_until = 0.0
        self.channels: tuple[str, ...] = ()
        self._held: list[Batch] = []
        self._held_bytes = 0
        self.deliver: Callable[[Batch], None] = self._hold

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
        held = self._held
        del self._held  # An empty list for each of many connections would be memory for nothing.
        self.deliver = self.transport.send
        if self._held_bytes > self.held_limit_bytes:
            raise Refused(CloseCode.SLOW_CONSUMER, "too much held back during the check")
        self.send(frame)
        for batch in held:
            self.transport.send(batch)

    def send(self, *frames: bytes) -> None:
        """Send frames to this browser alone."""
        self.transport.send(Batch(frames))

    def _hold(self, batch: Batch) -> None:
        """Keep a batch for the welcome; what is too much is not kept, and refuses the welcome."""
        self._held_bytes += batch.size_bytes
        if self._held_bytes <= self.held_limit_bytes:
            self._held.append(batch)
        else:
            self._held.clear()
