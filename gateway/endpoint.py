"""Where every transport hands over its browser: opened, received, closed.

The way of a connect: ``opened`` admits and starts the deadline; the first frame is a
``connect``; its token is verified; the connection is filed under session and user; the session
is read and the channels are joined (``admission``); the welcome is sent. From the filing on,
whatever ends the session finds the connection, so a logout at any moment is seen by one of the
two.
"""

import logging
import math
from collections import Counter
from collections.abc import Callable, Coroutine
from secrets import token_urlsafe
from typing import Any

from .admission import Admission
from .authenticator import Authenticator
from .background import Background
from .connection import Connection, Identity, State, Transport
from .deadline import Deadline
from .errors import BrokerUnavailable, Refused
from .hub import Hub
from .newcomers import Announcement, Arrival, Standing
from .registry import Registry
from .timerwheel import TimerWheel
from .wire import messages
from .wire.closecodes import CloseCode
from .wire.errors import FrameError

log = logging.getLogger("gateway.access")
auth_log = logging.getLogger("gateway.auth")

BURST_S = 10.0
"""A browser that was silent may say at once what it might have said in so many seconds."""


class Endpoint:
    """The life of connections, whatever their transport.

    Args:
        registry: who is here.
        hub: who hears what.
        authenticator: who is who.
        wheel: for the deadline of the first frame and the end of sessions.
        connect_timeout_s: how long a connection may go without being welcomed.
        held_limit_bytes: how much may wait for a connection while it is being checked.
        max_frames_per_second: how much a browser may say, over ``BURST_S`` seconds.
        max_recover: how many positions a browser may name.
    """

    def __init__(
        self,
        registry: Registry,
        hub: Hub,
        authenticator: Authenticator,
        wheel: TimerWheel,
        connect_timeout_s: float,
        held_limit_bytes: int,
        max_frames_per_second: float = math.inf,
        max_recover: int = 1000,
    ) -> None:
        self.registry = registry
        self.hub = hub
        self.authenticator = authenticator
        self._wheel = wheel
        self._connect_timeout_s = connect_timeout_s
        self._held_limit_bytes = held_limit_bytes
        self._max_recover = max_recover
        self._frame_interval_s = 1 / max_frames_per_second
        self._background = Background()
        self._admission = Admission(
            authenticator, hub, self.replay_limit_bytes, self._ready, self._fail
        )
        self.on_welcome: Callable[[Connection], None] = lambda connection: None
        self.on_frame: Callable[[Connection, messages.ClientFrame], None] = _unanswered
        self.is_draining = False
        self.opened_count: Counter[str] = Counter()
        self.closed_count: Counter[int] = Counter()

    @property
    def replay_limit_bytes(self) -> int:
        """How much of what it missed a connection is given at once: half of what it may hold."""
        return self._held_limit_bytes // 2

    def opened(self, transport: Transport, address: str) -> Connection:
        """Admit a new connection.

        Raises:
            Refused: there is no room.
        """
        if self.is_draining:
            raise Refused(CloseCode.DRAIN)
        self.registry.check_room(address)
        connection = Connection(token_urlsafe(12), transport, address, self._held_limit_bytes)
        self.registry.add(connection)
        self.opened_count[transport.name] += 1
        self._wheel.schedule(Deadline(self, connection), self._connect_timeout_s)
        return connection

    def received(self, connection: Connection, text: str) -> None:
        """Take one frame from a browser."""
        if not self.admits(connection):
            return
        try:
            self._dispatch(connection, messages.read_client_frame(text))
        except FrameError as error:
            self.close(connection, CloseCode.PROTOCOL_ERROR, str(error))
        except Refused as refusal:
            self.close(connection, refusal.code, str(refusal))

    def admits(self, connection: Connection, frames: int = 1) -> bool:
        """Count frames; close a browser that says too much (ITU-T I.371, a leaky bucket)."""
        if connection.state is State.CLOSED:
            return False
        now = self._wheel.clock()
        spent_until = max(connection.spent_until, now) + self._frame_interval_s * frames
        if spent_until - now > BURST_S:
            self.close(connection, CloseCode.FLOOD)
            return False
        connection.spent_until = spent_until
        return True

    def announce(
        self, connection: Connection, channel: str, asked: messages.Subscribe | None = None
    ) -> None:
        """Let an open connection hear a channel, and confirm it when it does."""
        newcomer = Announcement(connection, channel, self.replay_limit_bytes, asked)
        self.hub.join(connection, channel, newcomer)

    def closed(self, connection: Connection, code: int = 1006) -> None:
        """Forget a connection whose transport is gone."""
        if connection.state is State.CLOSED:
            return
        connection.enter(State.CLOSED)
        self.registry.remove(connection)
        self.hub.leave_all(connection)
        self.closed_count[code] += 1
        log.info(
            "event=closed connection=%s user=%s transport=%s code=%d",
            connection.id,
            connection.uid,
            connection.transport.name,
            code,
        )

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        """End a connection, and say why: the code to the browser, the cause to the log."""
        if connection.state is State.CLOSED:
            return
        auth_log.info(
            "event=close connection=%s user=%s code=%d cause=%r",
            connection.id,
            connection.uid,
            code,
            cause or code.reason,
        )
        self.closed(connection, code)
        connection.transport.close(code)

    def _dispatch(self, connection: Connection, frame: messages.ClientFrame) -> None:
        if isinstance(frame, messages.Connect):
            self._connect(connection, frame)
        elif connection.state is not State.OPEN:
            raise Refused(CloseCode.PROTOCOL_ERROR, "the first frame must be a connect")
        else:
            self.on_frame(connection, frame)

    def _connect(self, connection: Connection, frame: messages.Connect) -> None:
        if connection.state is not State.WAITING:
            raise Refused(CloseCode.PROTOCOL_ERROR, "a second connect")
        if len(frame.recover) > self._max_recover:
            raise Refused(CloseCode.PROTOCOL_ERROR, "too many channels to recover")
        token = self.authenticator.read_token(frame.token)
        connection.enter(State.CHECKING)
        self.registry.claim(connection, token.sid, token.uid)
        self._admission.check(connection, token, frame.recover)

    async def identify(self, sid: str, uid: str | None) -> Identity:
        """Read a session.

        Raises:
            Refused: it is not valid, or cannot be read now.
        """
        identity = await self.authenticator.identify(sid, uid)
        if identity is None:
            raise Refused(CloseCode.SESSION_UNKNOWN)
        return identity

    def start(self, work: Coroutine[Any, Any, None], connection: Connection) -> None:
        """Run work for a connection; what it refuses closes the connection."""
        self._background.start(self._guarded(work, connection))

    async def _guarded(self, work: Coroutine[Any, Any, None], connection: Connection) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 -- told to the browser and logged
            self._fail(connection, error)

    def _fail(self, connection: Connection, error: Exception) -> None:
        if isinstance(error, Refused):
            self.close(connection, error.code, str(error))
        elif isinstance(error, BrokerUnavailable):
            self.close(connection, CloseCode.UNAVAILABLE, str(error))
        else:
            log.error("event=task_failed connection=%s", connection.id, exc_info=error)
            self.close(connection, CloseCode.INTERNAL_ERROR)

    def _ready(self, arrival: Arrival) -> None:
        try:
            self._welcome(arrival.connection, arrival.identity, arrival.standings)
        except Exception as error:  # noqa: BLE001 -- told to the browser and logged
            self._fail(arrival.connection, error)

    def _welcome(
        self, connection: Connection, identity: Identity, standings: dict[str, Standing]
    ) -> None:
        self.registry.accept(connection)
        channels = {channel: standings[channel].to_fields() for channel in connection.channels}
        expires = None if identity.expires_at is None else int(identity.expires_at)
        frame = messages.connected(connection.id, identity.uid, channels, expires, identity.rights)
        connection.welcome(identity, frame)
        self.on_welcome(connection)
        log.info(
            "event=connected connection=%s user=%s transport=%s address=%s",
            connection.id,
            connection.uid,
            connection.transport.name,
            connection.address,
        )


def _unanswered(connection: Connection, frame: messages.ClientFrame) -> None:
    connection.send(messages.error("not_supported", "nothing is answered here", frame.id))
