"""One connection: its state, its identity, and its frames on their way out. Pure.

Strategy: the states and what follows each event are tables (``states.py``). Frames for the client
go to the outlet of its connection: its transport, or ``HeldFrames``. Frames are held back until the
connection is live, and again whenever its session is in doubt: the link to Redis was lost, or a
control message named the session. So a doubt adds no work to a delivery, and one connection in
doubt delays no other. Requests of the client wait until the connection is live again, and while a
new token is being verified.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from os import urandom

import msgspec

from ..errors import GatewayError
from .batch import Batch
from .outlet import NO_TRANSPORT, HeldFrames, Outlet, Transport
from .sources import source_of
from .states import (
    INITIAL,
    IS_VERIFYING,
    LACKS_IDENTITY,
    TOKEN_INITIAL,
    TOKEN_TRANSITIONS,
    TRANSITIONS,
    Event,
    State,
    TokenEvent,
    TokenState,
)

Claim = tuple[str, str | None]
"""A session and the user whose session the client says it is: sid, uid."""


def new_connection_id() -> str:
    """Return 16 random characters, as ``secrets.token_urlsafe`` does with four calls more."""
    return urlsafe_b64encode(urandom(12)).decode()


class Identity(msgspec.Struct, frozen=True, eq=False, gc=False):
    """The identity that a session gave when it was read last.

    Args:
        sid: of the session.
        uid: of the user; None for an anonymous visitor.
        channels: the automatic ones, which need no request.
        expires_at: when the session ends, in Unix seconds; None: never.
        rights: the name of the user's rights; it changes with them.
    """

    sid: str
    uid: str | None
    channels: tuple[str, ...]
    expires_at: float | None
    rights: str = ""


class Connection:
    """One attached browser tab or program.

    Args:
        connection_id: public; it is in logs and in ``connected``.
        transport: how bytes travel.
        address: IP address of the client, for logs; limits count ``source``, its network.
        held_limit_bytes: how much may be held back until the connection is live.

    Each field has one writer. All are written here, except ``sid`` and ``uid`` (``Registry``, when
    Redis has confirmed them), ``channels`` (``Hub``), ``opened_at``, ``claimed_uid`` (of its token)
    and ``spent_until`` (``Lifecycle``, the moment until which the budget of frames is spent).
    ``identity`` is None while ``token_state`` says that a token is awaited. ``doubts`` counts the
    events after which what was read of the session before is outdated.
    """

    __slots__ = (
        "__weakref__",
        "_held_limit_bytes",
        "_waiters",
        "address",
        "channels",
        "claimed_uid",
        "doubts",
        "id",
        "identity",
        "opened_at",
        "outlet",
        "sid",
        "source",
        "spent_until",
        "state",
        "token_state",
        "transport",
        "uid",
    )

    def __init__(
        self, connection_id: str, transport: Transport, address: str, held_limit_bytes: int
    ) -> None:
        self.id = connection_id
        self.transport = transport
        self.address = address
        self.source = source_of(address)
        self.state = INITIAL
        self.token_state = TOKEN_INITIAL
        self.sid: str | None = None
        self.uid: str | None = None
        self.claimed_uid: str | None = None
        self.identity: Identity | None = None
        self.doubts = 0
        self.opened_at = self.spent_until = 0.0
        self.channels: tuple[str, ...] = ()
        self._held_limit_bytes = held_limit_bytes
        self._waiters: tuple[Callable[[], None], ...] = ()
        self.outlet: Outlet = HeldFrames(held_limit_bytes)

    @property
    def is_open(self) -> bool:
        """Whether ``connected`` was sent, and the connection is not closed."""
        return self.state is State.LIVE or self.state is State.SUSPENDED

    @property
    def is_suspended(self) -> bool:
        """Whether the connection is open and its frames are held back."""
        return self.state is State.SUSPENDED

    @property
    def accepts_requests(self) -> bool:
        """Whether a request is answered at once, and need not wait."""
        return self.state is State.LIVE and self.token_state not in IS_VERIFYING

    @property
    def lacks_identity(self) -> bool:
        """Whether the client must show a token before the connection has an identity."""
        return self.token_state in LACKS_IDENTITY

    @property
    def waiting_requests(self) -> int:
        """How many requests wait."""
        return len(self._waiters)

    @property
    def owner(self) -> str | tuple[str | None, str]:
        """The key for limits over all connections: the uid, or a visitor's session and network."""
        return (self.sid, self.source) if self.uid is None else self.uid

    def start_check(self) -> None:
        """Note that the client has sent a token, and that its session is being read.

        Raises:
            GatewayError: it has sent one before.
        """
        self._transition(Event.TOKEN)

    def welcome(self, identity: Identity, frame: bytes) -> None:
        """Open, and send ``connected``; frames are held back until ``resume``.

        Raises:
            Disconnect: more was held back than the connection may keep.
        """
        if isinstance(self.outlet, HeldFrames):
            self.outlet.check_within_limit()
        self._transition(Event.WELCOME)
        self.token_state = TOKEN_TRANSITIONS[self.token_state][TokenEvent.IDENTITY]
        self.identity = identity
        self.send_now(frame)

    def doubt(self) -> None:
        """Hold frames back, if the connection is open, until the session was read once more."""
        self.discard_readings()
        if self.state is State.LIVE:
            self.outlet = HeldFrames(self._held_limit_bytes)
        self._transition(Event.DOUBT)

    def discard_readings(self) -> None:
        """Note that whatever is being read of the session now is outdated."""
        self.doubts += 1

    def resume(self) -> None:
        """Deliver what was held back, and hold back no more.

        Raises:
            Disconnect: more was held back than the connection may keep.
        """
        if self.state is not State.SUSPENDED:
            return
        held = self.outlet.batches() if isinstance(self.outlet, HeldFrames) else []
        self._transition(Event.VERIFIED)
        self.outlet = self.transport
        for batch in held:
            self.transport.send(batch)
        self._wake()

    def move(self, transport: Transport) -> None:
        """Continue on another transport; the present one sends no more than it has."""
        if self.outlet is self.transport:
            self.outlet = transport
        self.transport = transport

    def release(self) -> Transport:
        """Close: return the transport, and refer to it no more.

        Connection and transport refer to each other. Without the reference, both are freed at
        once, and the cyclic collector has nothing to do.
        """
        self._transition(Event.CLOSE)
        transport, self.transport = self.transport, NO_TRANSPORT
        self.outlet = NO_TRANSPORT
        self._wake()
        return transport

    def set_identity(self, identity: Identity) -> None:
        """Set what the session gives now."""
        self.token_state = TOKEN_TRANSITIONS[self.token_state][TokenEvent.IDENTITY]
        self.identity = identity

    def require_token(self) -> None:
        """Drop the identity: the client must show a token of its session.

        Raises:
            GatewayError: it must show one already.
        """
        self._token_transition(TokenEvent.REQUEST)
        self.identity = None

    def begin_refresh(self) -> None:
        """Let requests wait: a new token is being verified.

        Raises:
            GatewayError: another one is being verified.
        """
        self._token_transition(TokenEvent.REFRESH)

    def end_refresh(self) -> None:
        """Answer requests again: the new token was verified, or rejected.

        Raises:
            GatewayError: none was being verified.
        """
        self._token_transition(TokenEvent.ANSWER)
        self._wake()

    def wait(self, wake: Callable[[], None]) -> None:
        """Call back, in the order of these calls, when requests may be answered, or at the end."""
        self._waiters += (wake,)

    def drop_held(self, channel: str) -> None:
        """Drop the held frames of a channel that the connection has left."""
        if isinstance(self.outlet, HeldFrames):
            self.outlet.drop(channel)

    def send(self, *frames: bytes) -> None:
        """Send frames to this client alone, in order with its publications."""
        self.outlet.send(Batch(frames))

    def send_now(self, *frames: bytes) -> None:
        """Send frames that may overtake held frames, since they concern no channel."""
        self.transport.send(Batch(frames))

    def _transition(self, event: Event) -> None:
        """Go to the state that follows.

        Raises:
            GatewayError: the table has no such transition.
        """
        state = TRANSITIONS[self.state].get(event)
        if state is None:
            raise GatewayError(f"{event.name} cannot happen in state {self.state.name}")
        self.state = state

    def _token_transition(self, event: TokenEvent) -> None:
        state: TokenState | None = TOKEN_TRANSITIONS[self.token_state].get(event)
        if state is None:
            raise GatewayError(f"{event.name} cannot happen in state {self.token_state.name}")
        self.token_state = state

    def _wake(self) -> None:
        if not self._waiters:
            return
        waiters, self._waiters = self._waiters, ()
        for wake in waiters:
            wake()
