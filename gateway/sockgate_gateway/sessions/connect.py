"""From a verified token to ``connected``, for many connections at once.

Strategy: connects come in storms, and a task and futures for each would cost more than what they
wait for. While sessions are being read, further connections wait for the next reading, which then
reads the sessions of all of them. Each connection is subscribed to its channels. When the last
channel has confirmed, the connection is ready. All that are ready are welcomed together, in a turn
of the loop of their own, because the hub is still at work.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from ..channels.hub import Hub
from ..channels.pending_subscriptions import ConnectSubscriptions
from ..connections.connection import Connection, Identity
from ..connections.rate_limit import RateLimit
from ..connections.registry import Registry
from ..connections.replay_budget import ReplayBudget
from ..connections.states import State
from ..errors import Disconnect
from ..histogram import SECONDS, Histogram
from ..loop.batching import Batcher
from ..wire import protocol
from ..wire.closecodes import CloseCode
from ..wire.contract import Recover
from ..wire.tokens import Token
from .admission import Admission
from .authenticator import Authenticator

log = logging.getLogger("sockgate.access")

NOT_VALID = "Redis has no such session, or it is of another password"

RecoverMap = Mapping[str, Recover]
"""What a client recovers, by channel."""

_Begun = tuple[Connection, Token, RecoverMap, float]
"""A connect whose session is to be read, and when its token came."""


class ConnectBatcher:
    """Check connections, subscribe them to their channels, and welcome them.

    Args:
        authenticator: reads sessions.
        registry: files the connections whose session Redis has confirmed.
        hub: subscribes them.
        replays: limits what a connection may recover.
        admission: counts the connects that have begun and are not finished.
        frames_of_sources: gets the frame with the token back.
        clock: returns monotonic seconds.
        heartbeat_s: seconds between two heartbeats, for ``connected``.
        on_welcome: is called with each connection that has received ``connected``.
        on_failed: is called with each connection that may not open, and the error.

    ``times``: how long each phase of a connect took.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        registry: Registry,
        hub: Hub,
        replays: ReplayBudget,
        admission: Admission,
        frames_of_sources: RateLimit,
        clock: Callable[[], float],
        *,
        heartbeat_s: float,
        on_welcome: Callable[[Connection], None],
        on_failed: Callable[[Connection, Exception], None],
    ) -> None:
        self._authenticator = authenticator
        self._registry = registry
        self._hub = hub
        self._replays = replays
        self._admission = admission
        self._frames_of_sources = frames_of_sources
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._on_welcome = on_welcome
        self._on_failed = on_failed
        self._batcher: Batcher[_Begun] = Batcher(self._check)
        self._of_tokens = Histogram(SECONDS)
        self._of_sessions = Histogram(SECONDS)
        self._of_channels = Histogram(SECONDS)
        self.times = {
            "token": self._of_tokens,
            "session": self._of_sessions,
            "channels": self._of_channels,
        }
        self._completed: list[ConnectSubscriptions] = []

    def check(self, connection: Connection, token: Token, recover: RecoverMap) -> None:
        """Check a connection, together with all others that wait."""
        now = self._clock()
        self._of_tokens.observe(now - connection.opened_at)
        self._batcher.add((connection, token, recover, now))

    async def _check(self, batch: "list[_Begun]") -> None:
        try:
            claims = [(token.sid, token.uid) for _, token, _, _ in batch]
            identities = await self._authenticator.read_identities(claims)
        except Exception as error:  # noqa: BLE001 -- closes all connections of the batch
            for connection, _, _, _ in batch:
                self._on_failed(connection, error)
            return
        now = self._clock()
        for (connection, _, recover, began_at), identity in zip(batch, identities, strict=True):
            self._of_sessions.observe(now - began_at)
            try:
                self._subscribe(connection, identity, recover, now)
            except Exception as error:  # noqa: BLE001 -- closes this connection alone
                self._on_failed(connection, error)

    def _subscribe(
        self,
        connection: Connection,
        identity: Identity | None,
        recover: RecoverMap,
        read_at: float,
    ) -> None:
        if connection.state is not State.CHECKING:
            return
        if identity is None:
            raise Disconnect(CloseCode.SESSION_UNKNOWN, NOT_VALID)
        self._registry.confirm(connection)
        room = self._replays.room_for(connection)
        pending = ConnectSubscriptions(connection, identity, recover, room, self._complete, read_at)
        for channel, subscription in pending.by_channel().items():
            self._hub.subscribe(connection, channel, subscription)

    def _complete(self, subscriptions: ConnectSubscriptions) -> None:
        if not self._completed:
            asyncio.get_running_loop().call_soon(self._finish_completed)
        self._completed.append(subscriptions)

    def _finish_completed(self) -> None:
        completed, self._completed = self._completed, []
        now = self._clock()
        for subscriptions in completed:
            if subscriptions.connection.state is not State.CHECKING:
                continue
            if subscriptions.error is None:
                self._of_channels.observe(now - subscriptions.read_at)
                self._welcome_or_fail(subscriptions)
            else:
                self._on_failed(subscriptions.connection, subscriptions.error)

    def _welcome_or_fail(self, subscriptions: ConnectSubscriptions) -> None:
        try:
            self._welcome(subscriptions)
        except Exception as error:  # noqa: BLE001 -- closes this connection alone
            self._on_failed(subscriptions.connection, error)

    def _welcome(self, subscriptions: ConnectSubscriptions) -> None:
        connection, identity = subscriptions.connection, subscriptions.identity
        self._registry.leave_unauthenticated(connection)
        results, crowd = subscriptions.results, self._hub.audience.of_arrival(connection.id)
        channels = {
            channel: {
                **results[channel].to_fields(),
                **crowd,
                "pages": self._hub.pages_with(connection, channel),
            }
            for channel in connection.channels
        }
        frame = protocol.connected(
            connection.id,
            identity.uid,
            channels,
            identity.expires_at,
            identity.rights,
            self._heartbeat_s,
        )
        connection.welcome(identity, frame)
        self._admission.end()
        self._frames_of_sources.give_back(connection.source)  # the frame with the token
        self._on_welcome(connection)
        log.debug(
            "event=connected connection=%s user=%s transport=%s address=%s",
            connection.id,
            connection.uid,
            connection.transport.name,
            connection.address,
        )
