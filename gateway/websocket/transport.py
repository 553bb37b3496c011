"""A browser on a WebSocket: SockJS framing, or raw.

The same class serves both: they differ in how a batch is encoded, how a message is read, and
what is said at the beginning, at the end and in between; a ``Dialect`` holds those differences.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from ..batch import Batch, sockjs_array
from ..connection import Connection
from ..endpoint import Endpoint
from ..errors import Refused
from ..timerwheel import TimerWheel
from ..wire.closecodes import CloseCode
from ..wire.errors import FrameError
from .deflate import MIN_BYTES, deflate, inflate
from .frames import (
    CLOSE_INVALID_DATA,
    CLOSE_TOO_BIG,
    FrameFailure,
    FrameReader,
    Inflate,
    Message,
    Opcode,
    encode,
    encode_close,
    encode_deflated_text,
    encode_text,
    read_close,
)
from .link import Link
from .poll import Poll

CLOSE_TIMEOUT_S = 2.0
"""How long a browser may take to answer a close frame."""

_messages: msgspec.json.Decoder[list[str]] = msgspec.json.Decoder(list[str])


@dataclass(frozen=True, slots=True)
class Dialect:
    """What SockJS puts on a WebSocket, or what a raw one does without.

    Args:
        name: the transport's name.
        encode: a batch as bytes for the socket.
        decode: the text of a WebSocket message as the frames in it; raises ``FrameError``.
        opening: sent when the WebSocket opens.
        heartbeat: sent now and then, before the ping.
        farewell: said before the close frame.
        inflate: decompresses what the browser sends, where that was negotiated.
    """

    name: str
    encode: Callable[[Batch], bytes]
    decode: Callable[[str], list[str]]
    opening: bytes
    heartbeat: bytes
    farewell: Callable[[CloseCode], bytes]
    inflate: Inflate | None = None


def _encode_sockjs(batch: Batch) -> bytes:
    return encode_text(sockjs_array(batch))


def _encode_sockjs_deflated(batch: Batch) -> bytes:
    return _deflated_text(sockjs_array(batch))


def _encode_raw_deflated(batch: Batch) -> bytes:
    return b"".join([_deflated_text(frame) for frame in batch.frames])


def _deflated_text(payload: bytes) -> bytes:
    if len(payload) < MIN_BYTES:
        return encode_text(payload)
    return encode_deflated_text(deflate(payload))


def _encode_raw(batch: Batch) -> bytes:
    return b"".join([encode_text(frame) for frame in batch.frames])


def _decode_sockjs(text: str) -> list[str]:
    if not text:
        return []
    try:
        return _messages.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise FrameError("not a JSON array of strings") from error


def _decode_raw(text: str) -> list[str]:
    return [text] if text else []


def _farewell_sockjs(code: CloseCode) -> bytes:
    return encode(Opcode.TEXT, b"c" + msgspec.json.encode([int(code), code.reason]))


def _farewell_raw(code: CloseCode) -> bytes:
    return b""


SOCKJS = Dialect(
    name="websocket",
    encode=_encode_sockjs,
    decode=_decode_sockjs,
    opening=encode(Opcode.TEXT, b"o"),
    heartbeat=encode(Opcode.TEXT, b"h"),
    farewell=_farewell_sockjs,
)

RAW = Dialect(
    name="rawwebsocket",
    encode=_encode_raw,
    decode=_decode_raw,
    opening=b"",
    heartbeat=b"",
    farewell=_farewell_raw,
)

DEFLATED = {
    SOCKJS: replace(SOCKJS, encode=_encode_sockjs_deflated, inflate=inflate),
    RAW: replace(RAW, encode=_encode_raw_deflated, inflate=inflate),
}
"""The same, where the browser and we have agreed on compression."""

_PING = encode(Opcode.PING, b"")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all WebSockets of a worker share. Durations in seconds, sizes in bytes."""

    endpoint: Endpoint
    wheel: TimerWheel
    poll: Poll
    heartbeat_s: float
    max_frame: int
    max_outbox: int
    compression: bool = False


class WebSocket:
    """One WebSocket; the ``Transport`` of its connection and the ``Peer`` of its link."""

    __slots__ = (
        "_connection",
        "_dialect",
        "_encode",
        "_ends_at",
        "_is_closing",
        "_is_quiet",
        "_late_bytes",
        "_link",
        "_reader",
        "_shared",
    )

    def __init__(self, shared: Surroundings, dialect: Dialect, address: str) -> None:
        """Open a connection.

        Raises:
            Refused: the endpoint has no room.
        """
        self._shared = shared
        self._dialect = dialect
        self._encode = dialect.encode
        self._reader = FrameReader(shared.max_frame, dialect.inflate)
        self._is_closing = False
        self._ends_at = 0.0
        self._is_quiet = False
        self._late_bytes = 0
        self._link: Link
        self._connection: Connection = shared.endpoint.opened(self, address)

    @property
    def name(self) -> str:
        """The transport's name."""
        return self._dialect.name

    def attach(self, link: Link, response: bytes) -> None:
        """Begin on a link: answer the handshake, then open."""
        self._link = link
        link.write(response + self._dialect.opening)
        self._shared.wheel.schedule(self, self._shared.heartbeat_s)

    def send(self, batch: Batch) -> None:
        """Give frames to the browser."""
        if self._is_closing:
            return
        encoding = batch.encodings.get(self._encode)  # Mostly another has encoded it before.
        if encoding is None:
            encoding = batch.encode(self._encode)
        self._link.write(encoding, batch.conflation_key)

    def close(self, code: CloseCode) -> None:
        """Say why, then end."""
        self._finish(self._dialect.farewell(code) + encode_close(code, code.reason))

    def on_data(self, data: bytes) -> None:
        """Read what the browser sent."""
        self._is_quiet = False
        if self._is_closing and self._runs_on(data):
            self._link.close()
            return
        try:
            for message in self._reader.feed(data):
                self._take(message)
        except FrameFailure as failure:
            self._fail(failure)

    def on_gone(self) -> None:
        """Note that the browser is gone."""
        self._is_closing = True
        self._shared.endpoint.closed(self._connection)

    def on_stalled(self, refusal: Refused) -> None:
        """Give up a browser that does not read; if it reads on soon, it hears why."""
        self._link.forget_backlog()
        self._shared.endpoint.close(self._connection, refusal.code, str(refusal))

    def on_timer(self, now: float) -> None:
        """Give a sign of life, and expect one since the last time."""
        if self._is_closing:
            self._end(now)
        elif self._is_quiet:
            self._shared.endpoint.close(self._connection, CloseCode.HEARTBEAT_TIMEOUT)
        else:
            self._is_quiet = True
            self._link.write(self._dialect.heartbeat + _PING)
            self._shared.wheel.schedule(self, self._shared.heartbeat_s)

    def _take(self, message: Message) -> None:
        if self._is_closing:
            self._take_while_closing(message)
        elif message.opcode is Opcode.TEXT:
            self._take_text(message.payload)
        elif message.opcode is Opcode.PING and self._shared.endpoint.admits(self._connection):
            self._link.write(encode(Opcode.PONG, message.payload))
        elif message.opcode in (Opcode.PONG, Opcode.CONTINUATION):
            self._shared.endpoint.admits(self._connection)
        elif message.opcode is Opcode.CLOSE:
            self._take_close(message.payload)
        elif message.opcode is Opcode.BINARY:
            self._shared.endpoint.close(self._connection, CloseCode.PROTOCOL_ERROR, "binary")

    def _runs_on(self, data: bytes) -> bool:
        """Tell whether the browser sends more than may have been on its way when we closed."""
        self._late_bytes += len(data)
        return self._late_bytes > 2 * self._shared.max_frame

    def _take_while_closing(self, message: Message) -> None:
        if message.opcode is Opcode.CLOSE:
            self._link.close()

    def _take_text(self, payload: bytes) -> None:
        try:
            frames = self._dialect.decode(payload.decode())
        except UnicodeDecodeError as error:
            raise FrameFailure(CLOSE_INVALID_DATA, "text is not UTF-8") from error
        except FrameError as error:
            self._shared.endpoint.close(self._connection, CloseCode.PROTOCOL_ERROR, str(error))
            return
        if not frames:
            self._shared.endpoint.admits(self._connection)
        for frame in frames:
            self._shared.endpoint.received(self._connection, frame)

    def _take_close(self, payload: bytes) -> None:
        code = read_close(payload)
        self._finish(encode_close(code) if code != 1005 else encode(Opcode.CLOSE, b""))
        self._shared.endpoint.closed(self._connection, code)

    def _fail(self, failure: FrameFailure) -> None:
        if failure.code == CLOSE_TOO_BIG:
            self._shared.endpoint.close(self._connection, CloseCode.MESSAGE_TOO_LARGE)
            return
        self._finish(encode_close(failure.code, str(failure)))
        self._shared.endpoint.closed(self._connection, failure.code)

    def _finish(self, last_words: bytes) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._link.write(last_words)
        self._link.close_when_flushed()
        self._ends_at = self._shared.wheel.clock() + CLOSE_TIMEOUT_S
        self._shared.wheel.schedule(self, CLOSE_TIMEOUT_S)

    def _end(self, now: float) -> None:
        if now >= self._ends_at:  # else it was the heartbeat's turn
            self._link.close()
