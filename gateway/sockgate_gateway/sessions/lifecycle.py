"""The lifecycle of a connection, whatever its transport: open, receive, close.

A connect goes this way. ``open`` admits the connection and starts its deadline. The first frame is
``connect``: the signature of its token is verified, and its claim to a session is noted.
``ConnectBatcher`` reads the session, files the connection under it, and subscribes it to its
channels. Then ``connected`` is sent. From the claim on, whatever ends the session finds the
connection, so a logout at any moment closes it.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ..channels.hub import Hub
from ..connections.connection import Connection, new_connection_id
from ..connections.deadline import Deadline
from ..connections.journal import Journal
from ..connections.outlet import Transport
from ..connections.rate_limit import RateLimit
from ..connections.registry import Registry
from ..connections.replay_budget import ReplayBudget
from ..connections.sources import source_of
from ..connections.states import State
from ..errors import BrokerUnavailable, Disconnect
from ..loop.timer_wheel import TimerWheel
from ..wire import protocol
from ..wire.closecodes import CloseCode
from ..wire.contract import ClientFrame, Connect
from ..wire.errors import FrameError
from ..wire.limits import MAX_EARLY_FRAMES
from ..wire.qualified_frames import qualify_frame, qualify_recover
from ..wire.recover import check_recover
from ..wire.tenants import tenant_of
from .admission import LONGEST_S, TARGET_S, Admission
from .authenticator import Authenticator
from .connect import ConnectBatcher

log = logging.getLogger("sockgate.access")

BURST_S = 10.0
"""The number of seconds whose frames a client that was silent may send at once."""

CONNECTIONS_PER_OWNER = 10
"""The connections of a user, or of an address without tokens, may send as much as this number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleConfig:
    """Limits and intervals of connections.

    Args:
        connect_timeout_s: how long a connection may take until ``connected`` is sent.
        held_limit_bytes: how many bytes may be held back for a connection.
        max_frames_per_second: for one connection, on average over ``BURST_S`` seconds. A user may
            publish as much, over all connections.
        max_recover: how many positions a ``connect`` may name.
        heartbeat_s: seconds between two heartbeats, for ``connected``.
    """

    connect_timeout_s: float
    held_limit_bytes: int
    max_frames_per_second: float
    max_recover: int
    heartbeat_s: float


class Lifecycle:
    """Open and close connections, and dispatch their frames.

    Args:
        registry: has all connections of this worker.
        hub: has their subscriptions.
        authenticator: verifies tokens, and reads sessions.
        replays: limits what a connect may recover.
        journal: remembers the ends.
        wheel: closes connections that are not welcomed in time.
        config: limits and intervals.
        on_welcome: is called with each connection that has received ``connected``; nothing is
            delivered to it before ``Connection.resume``.
        on_frame: is called with each frame of an open connection.

    ``refusal`` says why no connect is accepted now; empty: connects are accepted. ``refused_count``
    has the refused connects by reason, ``connect_times`` the times of the others by phase.
    """

    def __init__(
        self,
        registry: Registry,
        hub: Hub,
        authenticator: Authenticator,
        replays: ReplayBudget,
        journal: Journal,
        wheel: TimerWheel,
        *,
        config: LifecycleConfig,
        on_welcome: Callable[[Connection], None],
        on_frame: Callable[[Connection, ClientFrame], None],
    ) -> None:
        self._registry = registry
        self._hub = hub
        self._authenticator = authenticator
        self._journal = journal
        self._wheel = wheel
        self._config = config
        per_second = config.max_frames_per_second
        self._frame_interval_s = 1 / per_second
        self._frames_of_owners = RateLimit(wheel, CONNECTIONS_PER_OWNER * per_second, BURST_S)
        self._frames_of_sources = RateLimit(wheel, CONNECTIONS_PER_OWNER * per_second, BURST_S)
        self._publications = RateLimit(wheel, per_second, BURST_S)
        self.admission = Admission(wheel.clock, wheel.idle.read)
        self._connect_batcher = ConnectBatcher(
            authenticator,
            registry,
            hub,
            replays,
            self.admission,
            self._frames_of_sources,
            wheel.clock,
            heartbeat_s=config.heartbeat_s,
            on_welcome=on_welcome,
            on_failed=self.fail,
        )
        self.on_frame = on_frame
        self.is_draining = False
        self.refusal = ""
        self.connect_times = self._connect_batcher.times
        self.opened_count: Counter[str] = Counter()
        self.refused_count: Counter[str] = Counter()
        self.displaced_count = 0
        self.closed_count: Counter[str] = Counter()

    def check_opening(self, address: str) -> None:
        """Check whether a connection may be opened now, before it has cost anything.

        Args:
            address: of the client.

        Raises:
            Disconnect: the worker is draining, or too many connects wait.
        """
        try:
            self._check_opening(address)
        except Disconnect as refused:
            self.refused_count[refused.refusal] += 1
            raise

    def open(self, transport: Transport, address: str) -> Connection:
        """Admit a new connection.

        Raises:
            Disconnect: as ``check_opening``, or a limit is reached.
        """
        try:
            return self._open(transport, address)
        except Disconnect as refused:
            self.refused_count[refused.refusal] += 1
            raise

    def _open(self, transport: Transport, address: str) -> Connection:
        self._check_opening(address)
        limit_bytes = self._config.held_limit_bytes
        connection = Connection(new_connection_id(), transport, address, limit_bytes)
        connection.opened_at = self._wheel.clock()
        self._make_room(connection.source)
        self._registry.add(connection)
        self.opened_count[transport.name] += 1
        if transport.is_over_http:
            self.admission.open(connection.source)
        timeout_s = self._config.connect_timeout_s
        self._wheel.schedule(Deadline(self, self._wheel, connection, timeout_s), timeout_s)
        return connection

    def _check_opening(self, address: str) -> None:
        if self.is_draining:
            raise Disconnect(CloseCode.DRAIN, refusal="draining")
        if self.admission.waiting:  # A late worker has not read all first frames.
            source = source_of(address)
            unread = self._count_unread(source) if self._wheel.is_late else 0
            self.admission.check(TARGET_S, source, unread)

    def _count_unread(self, source: str) -> int:
        """Count connections in the way of a source whose first frame may wait in its socket."""
        over_http = self.admission.unsent_ahead_of(source)
        return max(self._registry.without_token_ahead_of(source) - over_http, 0)

    @property
    def is_busy(self) -> bool:
        """Whether clients wait for this worker."""
        return self.admission.waiting > 0 or self._wheel.is_late

    def count_unfinished(self) -> int:
        """Count connections that get on without the accept queue, neither open nor closed."""
        unsent = self.admission.unsent  # Their first frame comes through that queue.
        return self.admission.waiting + self._registry.without_token - 2 * unsent

    def receive(self, connection: Connection, text: str) -> None:
        """Dispatch one frame of a client."""
        if not self.allow_frames(connection):
            return
        try:
            self._dispatch(connection, protocol.read_client_frame(text))
        except (FrameError, Disconnect) as error:
            self.fail(connection, error)

    def allow_frames(self, connection: Connection, frames: int = 1) -> bool:
        """Count frames; close a connection that sends too many, alone or with others of its user.

        Frames without a user are counted by address, so a new connection has no new budget.
        """
        if connection.state is State.CLOSED:
            return False
        now = self._wheel.clock()
        # The leaky bucket of ``RateLimit`` in a field of the connection: no call for each frame.
        spent_until = max(connection.spent_until, now) + self._frame_interval_s * frames
        if spent_until - now > BURST_S:
            self.close(connection, CloseCode.FLOOD)
            return False
        connection.spent_until = spent_until
        if connection.is_open:
            is_within = self._frames_of_owners.take(connection.owner, frames)
            code, cause = CloseCode.FLOOD, "too many messages of this user, over all connections"
        else:
            is_within = self._frames_of_sources.take(connection.source, frames)
            code, cause = CloseCode.OVERLOADED, "too many messages without a token of this address"
        if not is_within:
            self.close(connection, code, cause)
        return is_within

    def allow_publication(self, uid: str, frames: int) -> bool:
        """Count a publication as ``frames`` frames of its user; False: over the limit."""
        return self._publications.take(uid, frames)

    def transport_closed(
        self, connection: Connection, code: int, cause: str, *, by_client: bool = False
    ) -> None:
        """Remove a connection whose transport has closed, or has failed, by itself.

        The code of a client is counted as ``client``. So a client neither chooses labels of a
        metric nor imitates a fault of the gateway.
        """
        if connection.state is not State.CLOSED:
            self._remove(connection, code, cause, by_client=by_client)

    def close(
        self, connection: Connection, code: CloseCode, cause: str = "", reason: str = ""
    ) -> None:
        """Close a connection: the client receives code and reason, the log has the cause."""
        if connection.state is State.CLOSED:
            return
        self._remove(connection, code, cause or code.reason).close(code, reason)

    def fail(self, connection: Connection, error: Exception) -> None:
        """Close a connection for which something has failed; log what is our own fault."""
        if isinstance(error, Disconnect):
            if error.refusal:
                self.refused_count[error.refusal] += 1
            self.close(connection, error.code, str(error), error.reason)
        elif isinstance(error, FrameError):
            self.close(connection, CloseCode.PROTOCOL_ERROR, str(error))
        elif isinstance(error, BrokerUnavailable):
            self.close(connection, CloseCode.UNAVAILABLE, str(error))
        else:
            log.error("event=task_failed connection=%s", connection.id, exc_info=error)
            self.close(connection, CloseCode.INTERNAL_ERROR)

    def refuse_all(self, reason: str) -> None:
        """Refuse every connect, and close every connection, for this reason."""
        self.refusal = reason
        self.close_all(CloseCode.UNAVAILABLE, reason)

    def admit_all(self) -> None:
        """Accept connects again."""
        self.refusal = ""

    def close_all(self, code: CloseCode, cause: str = "") -> None:
        """Close every connection."""
        for connection in list(self._registry.connections):
            self.close(connection, code, cause)

    def _remove(
        self, connection: Connection, code: int, cause: str, *, by_client: bool = False
    ) -> Transport:
        """Remove a connection from registry and hub, and return its transport."""
        state, channels = connection.state, connection.channels
        uid, was_open = connection.uid or connection.claimed_uid, connection.is_open
        if state is State.CHECKING:
            self.admission.end()
        elif state is State.WAITING and connection.transport.is_over_http:
            self.admission.close(connection.source)
        transport = connection.release()
        self._registry.remove(connection)
        self._hub.unsubscribe_all(connection)
        self.closed_count["client" if by_client else str(int(code))] += 1
        lived_s = self._wheel.clock() - connection.opened_at
        by = "client" if by_client else "gateway"
        self._journal.ended(
            connection,
            transport,
            uid,
            code,
            by_client=by_client,
            cause=cause,
            was_open=was_open,
            lived_s=lived_s,
            channels=channels,
        )
        log.info(
            "event=closed connection=%s user=%s transport=%s address=%s lived_s=%.1f state=%s "
            "code=%d by=%s cause=%r",
            connection.id,
            connection.uid,
            transport.name,
            connection.address,
            lived_s,
            state.value,
            code,
            by,
            cause,
        )
        return transport

    def _make_room(self, source: str) -> None:
        """Close the connection that is displaced by one more from this source, if any."""
        displaced = self._registry.find_displaced(source)
        if displaced is not None:
            self.displaced_count += 1
            self.close(displaced, CloseCode.OVERLOADED, "made room for a newer connection")

    def _dispatch(self, connection: Connection, frame: ClientFrame) -> None:
        if isinstance(frame, Connect):
            self._connect(connection, frame)
        elif connection.is_open:
            self._answer(connection, frame)
        elif connection.state is State.CHECKING:
            self._keep_early(connection, frame)
        else:
            raise Disconnect(CloseCode.PROTOCOL_ERROR, "the first frame must be a connect")

    def _answer(self, connection: Connection, frame: ClientFrame) -> None:
        tenant = tenant_of(connection.sid or "")
        self.on_frame(connection, qualify_frame(frame, tenant))

    def _keep_early(self, connection: Connection, frame: ClientFrame) -> None:
        """Keep a frame that follows ``connect`` until the connection is live."""
        if connection.waiting_requests >= MAX_EARLY_FRAMES:
            raise Disconnect(CloseCode.PROTOCOL_ERROR, "too many frames before connected")

        def wake() -> None:
            if connection.is_open:
                self._answer(connection, frame)

        connection.wait(wake)

    def _connect(self, connection: Connection, frame: Connect) -> None:
        if connection.state is not State.WAITING:
            raise Disconnect(CloseCode.PROTOCOL_ERROR, "a second connect")
        if len(frame.recover) > self._config.max_recover:
            raise Disconnect(CloseCode.PROTOCOL_ERROR, "too many channels to recover")
        if frame.recover:
            check_recover(frame.recover.values())
        if self.refusal:
            raise Disconnect(CloseCode.UNAVAILABLE, self.refusal, refusal="unavailable")
        token = self._authenticator.read_token(frame.token, connection.source)
        connection.claimed_uid = token.uid
        others = self._registry.count_claimants(token.sid, token.uid)
        if connection.transport.is_over_http:  # It has begun when its session was opened.
            self.admission.note_sent(connection.source)
        else:  # The session with the most waiting connects is refused first.
            self.admission.check(LONGEST_S / (1 + others), connection.source)
            self.admission.begin()
        connection.start_check()
        self._registry.note_token(connection)
        self._registry.claim(connection, token.sid, token.uid)
        recover = frame.recover and qualify_recover(frame.recover, tenant_of(token.sid))
        self._connect_batcher.check(connection, token, recover)
