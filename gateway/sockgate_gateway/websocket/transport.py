"""The WebSocket transport of a connection: messages, heartbeats and the closing handshake."""

from collections.abc import Callable
from dataclasses import dataclass

from ..connections.batch import Batch
from ..connections.connection import Connection
from ..connections.outlet import Transport
from ..connections.states import State
from ..errors import Disconnect
from ..loop.timer_wheel import TimerWheel
from ..sessions.lifecycle import Lifecycle
from ..wire.closecodes import CloseCode
from ..wire.contract import Move
from ..wire.errors import FrameError
from ..wire.protocol import MOVED, read_move
from .epoll import Poller
from .frames import (
    CLOSE_INVALID_DATA,
    CLOSE_TOO_BIG,
    FrameReader,
    Message,
    Opcode,
    WebSocketProtocolError,
    encode,
    encode_close,
    read_close,
)
from .framing import Framing
from .stream import Stream

CLOSE_TIMEOUT_S = 2.0
"""How long a client may take to answer a close frame."""

MOST_PINGS = 3
"""The pings that a late worker sends before it closes a silent client."""

LATE_AGAIN_S = 1.0
"""A client whose answer waits to be read is examined again after this time."""

_PING = encode(Opcode.PING, b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketContext:
    """The collaborators and limits that all WebSockets of a worker share.

    Args:
        lifecycle: opens and closes connections, and takes their frames.
        wheel: schedules heartbeats and the end of the closing handshake.
        poller: calls back when a socket is readable.
        heartbeat_s: seconds between two pings.
        max_message_bytes: how long a message of a client may be.
        max_outbox_bytes: how much may wait for one client.
        compression: whether permessage-deflate is accepted.
        take_over: moves the connection of a SockJS session to a WebSocket. The arguments are the
            session's id and its secret; None: there is no such session here.
    """

    lifecycle: Lifecycle
    wheel: TimerWheel
    poller: Poller
    heartbeat_s: float
    max_message_bytes: int
    max_outbox_bytes: int
    take_over: Callable[[str, str, Transport], Connection | None]
    compression: bool = False


class WebSocket:
    """One WebSocket: the ``Transport`` of its connection and the ``StreamHandler`` of its stream.

    Args:
        context: shared by all WebSockets of the worker.
        framing: SockJS or raw.
        address: the client's IP address.

    Raises:
        Disconnect: the worker has no room for another connection.
    """

    __slots__ = (
        "__weakref__",
        "_close_deadline",
        "_connection",
        "_context",
        "_encode",
        "_framing",
        "_is_closing",
        "_late_bytes",
        "_pings",
        "_reader",
        "_stream",
        "agent",
    )

    is_over_http = False

    def __init__(
        self, context: WebSocketContext, framing: Framing, address: str, agent: str = ""
    ) -> None:
        self._prepare(context, framing)
        self.agent = agent
        self._connection: Connection = context.lifecycle.open(self, address)

    def _prepare(self, context: WebSocketContext, framing: Framing) -> None:
        self._context = context
        self._framing = framing
        self._encode = framing.encode
        self._reader = FrameReader(context.max_message_bytes, framing.inflate)
        self._is_closing = False
        self._close_deadline = 0.0
        self._pings = 0
        self._late_bytes = 0
        self._stream: Stream

    @property
    def name(self) -> str:
        """The transport's name."""
        return self._framing.name

    @property
    def has_unsent(self) -> bool:
        """Whether frames wait for the client to read."""
        return self._stream.has_unsent

    @property
    def unsent_bytes(self) -> int:
        """How much waits for the client to read."""
        return self._stream.unsent_bytes

    @property
    def has_unread(self) -> bool:
        """Whether the client has sent something that nobody has read yet."""
        return self._stream.has_unread

    def attach(self, stream: Stream, response: bytes) -> None:
        """Start on a stream: write the response to the handshake, then the open frame."""
        self._stream = stream
        stream.write(response + self._framing.open_frame)
        self._context.wheel.schedule_weakly(self, self._context.heartbeat_s)

    def send(self, batch: Batch) -> None:
        """Send a batch of frames to the client."""
        if self._is_closing:
            return
        encoding = batch.encodings.get(self._encode)  # Mostly another has encoded it before.
        if encoding is None:
            encoding = batch.encode(self._encode)
        self._stream.write(encoding, batch.conflation_key)

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Start the closing handshake with a code and its reason."""
        text = reason or code.reason
        self._start_closing(self._framing.close_frame(code, text) + encode_close(code, text))

    def on_data(self, data: bytes) -> None:
        """Read bytes from the client."""
        self._pings = 0
        if self._is_closing and self._exceeds_late_limit(data):
            self._stream.close()
            return
        try:
            for message in self._reader.feed(data):
                self._handle(message)
        except WebSocketProtocolError as error:
            self._fail(error)

    def on_disconnect(self) -> None:
        """End the connection: the socket was closed or failed."""
        self._is_closing = True
        self._context.lifecycle.transport_closed(self._connection, 1006, "the connection was lost")

    def on_outbox_full(self, refusal: Disconnect) -> None:
        """Close a slow consumer; it receives the close code if it reads again soon."""
        self._stream.discard_unsent()
        self._context.lifecycle.close(self._connection, refusal.code, str(refusal))

    def on_timer(self, now: float) -> None:
        """Send a heartbeat, or close a client that sent nothing since the last one."""
        if self._is_closing:
            if now >= self._close_deadline:  # Else this timer was the heartbeat's.
                self._stream.close()
        elif self._pings:
            self._examine_silence()
        else:
            self._beat()

    def _beat(self) -> None:
        self._pings += 1
        self._stream.write(self._framing.heartbeat_frame + _PING)
        self._context.wheel.schedule_weakly(self, self._context.heartbeat_s)

    def _examine_silence(self) -> None:
        """Close a silent client, unless the silence may be this worker's own.

        After a hang of the process, the answer may wait in the socket. After one of the machine, it
        may still be under way.
        """
        if self._stream.has_unread:
            self._context.wheel.schedule_weakly(self, LATE_AGAIN_S)
        elif self._context.wheel.is_late and self._pings < MOST_PINGS:
            self._beat()
        else:
            self._context.lifecycle.close(self._connection, CloseCode.HEARTBEAT_TIMEOUT)

    def _handle(self, message: Message) -> None:
        if self._is_closing:
            if message.opcode is Opcode.CLOSE:
                self._stream.close()
        elif message.opcode is Opcode.TEXT:
            self._handle_text(message.payload)
        elif message.opcode is Opcode.PING and self._context.lifecycle.allow_frames(
            self._connection
        ):
            self._stream.write(encode(Opcode.PONG, message.payload))
        elif message.opcode in (Opcode.PONG, Opcode.CONTINUATION):
            self._context.lifecycle.allow_frames(self._connection)
        elif message.opcode is Opcode.CLOSE:
            self._handle_close(message.payload)
        elif message.opcode is Opcode.BINARY:
            self._context.lifecycle.close(self._connection, CloseCode.PROTOCOL_ERROR, "binary")

    def _exceeds_late_limit(self, data: bytes) -> bool:
        """Return whether the client sent more than can have been in transit when we closed."""
        self._late_bytes += len(data)
        return self._late_bytes > 2 * self._context.max_message_bytes

    def _handle_text(self, payload: bytes) -> None:
        try:
            frames = self._framing.decode(payload.decode())
        except UnicodeDecodeError as error:
            raise WebSocketProtocolError(CLOSE_INVALID_DATA, "text is not UTF-8") from error
        except FrameError as error:
            # Broken SockJS framing is answered without a frame of SockJS.
            code = CloseCode.PROTOCOL_ERROR
            self._start_closing(encode_close(code, code.reason))
            self._context.lifecycle.close(self._connection, code, str(error))
            return
        if not frames:
            self._context.lifecycle.allow_frames(self._connection)
        for frame in frames:
            move = read_move(frame) if self._connection.state is State.WAITING else None
            if move is None:
                self._context.lifecycle.receive(self._connection, frame)
            else:
                self._move(move)

    def _move(self, move: Move) -> None:
        """Take over the connection of a SockJS session, in place of a new one."""
        lifecycle, waiting = self._context.lifecycle, self._connection
        if not lifecycle.allow_frames(waiting):
            return
        connection = self._context.take_over(move.session, move.secret, self)
        if connection is None:
            lifecycle.close(waiting, CloseCode.GOING_AWAY, "no such session on this worker")
            return
        self._connection = connection
        lifecycle.transport_closed(waiting, 1005, "it carries a moved session", by_client=True)
        self.send(Batch((MOVED,)))

    def _handle_close(self, payload: bytes) -> None:
        code = read_close(payload)
        self._start_closing(encode_close(code) if code != 1005 else encode(Opcode.CLOSE, b""))
        lifecycle, cause = self._context.lifecycle, "the client has closed"
        lifecycle.transport_closed(self._connection, code, cause, by_client=True)

    def _fail(self, error: WebSocketProtocolError) -> None:
        if error.code == CLOSE_TOO_BIG:
            self._context.lifecycle.close(self._connection, CloseCode.MESSAGE_TOO_LARGE)
            return
        self._start_closing(encode_close(error.code, str(error)))
        self._context.lifecycle.transport_closed(self._connection, error.code, str(error))

    def _start_closing(self, close_frames: bytes) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._stream.write(close_frames)
        self._stream.close_when_flushed()
        self._close_deadline = self._context.wheel.clock() + CLOSE_TIMEOUT_S
        self._context.wheel.schedule_weakly(self, CLOSE_TIMEOUT_S)


class RefusedWebSocket(WebSocket):
    """A WebSocket that is closed as soon as it is open, with a time to come back.

    Args:
        context: shared by all WebSockets of the worker.
        framing: SockJS or raw.
        refusal: why no connection is opened.
    """

    __slots__ = ("_refusal",)

    def __init__(self, context: WebSocketContext, framing: Framing, refusal: Disconnect) -> None:
        self._prepare(context, framing)
        self._refusal = refusal

    def attach(self, stream: Stream, response: bytes) -> None:
        """Answer the handshake, and start to close."""
        self._stream = stream
        code, reason = self._refusal.code, self._refusal.reason
        opening = response + self._framing.open_frame + self._framing.close_frame(code, reason)
        self._start_closing(opening + encode_close(code, reason))

    def on_disconnect(self) -> None:
        """Do nothing: there is no connection to end."""

    def on_outbox_full(self, refusal: Disconnect) -> None:
        """Disconnect: the client does not even read its refusal."""
        self._stream.close()

    def _fail(self, error: WebSocketProtocolError) -> None:
        self._stream.close()
