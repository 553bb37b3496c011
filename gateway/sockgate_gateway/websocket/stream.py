"""Byte streams of WebSockets: a plain socket, or a Tornado stream for TLS.

Strategy: mostly the kernel takes a whole frame at once, so a frame is passed straight to
``socket.send``. Only the bytes that the kernel does not take wait in an outbox. The outbox, and the
event loop's writer for the socket, exist only while bytes wait.
"""

import asyncio
import select
import socket
from typing import Any, Protocol

from tornado.iostream import IOStream, StreamBufferFullError, StreamClosedError

from ..connections.outbox import Outbox
from ..errors import Disconnect
from ..loop.background import retrieve_result
from ..loop.streams import drop_traceback
from ..wire.closecodes import CloseCode
from .epoll import Poller

READ_BYTES = 16 * 1024


class StreamHandler(Protocol):
    """Receives the events of a stream."""

    def on_data(self, data: bytes) -> None:
        """Bytes have arrived."""

    def on_disconnect(self) -> None:
        """The client has disconnected, or the socket failed."""

    def on_outbox_full(self, refusal: Disconnect) -> None:
        """The client does not read, and its outbox is full."""


class _IgnoreEvents:
    """The handler of a closed stream; without the real one, no reference cycle remains."""

    def on_data(self, data: bytes) -> None:
        """Do nothing."""

    def on_disconnect(self) -> None:
        """Do nothing."""

    def on_outbox_full(self, refusal: Disconnect) -> None:
        """Do nothing."""


_IGNORE_EVENTS = _IgnoreEvents()


class Stream(Protocol):
    """A byte stream to one client."""

    @property
    def unsent_bytes(self) -> int:
        """How much is queued."""

    @property
    def has_unsent(self) -> bool:
        """Whether data is queued."""

    @property
    def has_unread(self) -> bool:
        """Whether the client has sent data, or has left, and nobody has read that yet."""

    def write(self, data: bytes, conflation_key: bytes | None = None) -> None:
        """Send data, or queue it; the handler receives failures in a later turn of the loop.

        Queued data with the same conflation key is replaced.
        """

    def discard_unsent(self) -> None:
        """Discard queued data, except for a chunk that was sent in part."""

    def close_when_flushed(self) -> None:
        """Send the queued data, then close the sending side."""

    def close(self) -> None:
        """Close at once; the handler receives no more events."""


class SocketStream:
    """A stream on a plain socket.

    Args:
        sock: connected and non-blocking.
        handler: receives the events.
        poller: calls back when the socket is readable.
        limit_bytes: how much may wait for the client.
    """

    __slots__ = ("_handler", "_is_closing", "_limit_bytes", "_outbox", "_poller", "_sock")

    def __init__(
        self, sock: socket.socket, handler: StreamHandler, poller: Poller, limit_bytes: int
    ) -> None:
        self._sock = sock
        self._handler: StreamHandler = handler
        self._poller = poller
        self._limit_bytes = limit_bytes
        self._outbox: Outbox | None = None
        self._is_closing = False
        poller.add(sock.fileno(), self._on_readable)

    @property
    def has_unsent(self) -> bool:
        """Whether data is queued."""
        return self._outbox is not None

    @property
    def unsent_bytes(self) -> int:
        """How much is queued."""
        return self._outbox.size_bytes if self._outbox is not None else 0

    @property
    def has_unread(self) -> bool:
        """Whether something waits to be read."""
        return self._sock.fileno() >= 0 and _is_readable(self._sock.fileno())

    def write(self, data: bytes, conflation_key: bytes | None = None) -> None:
        """Send data; queue the bytes that the kernel does not take."""
        if self._outbox is None:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._poller.loop.call_soon(self._fail)
                return
            if sent == len(data):
                return
            if sent:  # A chunk that was sent in part cannot be replaced.
                self._queue(data[sent:], None, is_rest=True)
                return
        self._queue(data, conflation_key)

    def discard_unsent(self) -> None:
        """Discard queued data, except for a chunk that was sent in part."""
        if self._outbox is not None:
            self._outbox.keep_first()

    def close_when_flushed(self) -> None:
        """Send the queued data, then close the sending side."""
        self._is_closing = True
        if self._outbox is None:
            self._shut_down()

    def close(self) -> None:
        """Close at once."""
        if self._sock.fileno() < 0:
            return
        self._poller.remove(self._sock.fileno())
        if self._outbox is not None:
            self._poller.loop.remove_writer(self._sock.fileno())
            self._outbox = None
        self._sock.close()
        self._handler = _IGNORE_EVENTS

    def _queue(self, data: bytes, conflation_key: bytes | None, *, is_rest: bool = False) -> None:
        if self._sock.fileno() < 0:
            return
        if self._outbox is None:
            self._outbox = Outbox(self._limit_bytes)
            self._poller.loop.add_writer(self._sock.fileno(), self._on_writable)
        try:
            self._outbox.put(data, conflation_key)
        except Disconnect as refusal:
            self._poller.loop.call_soon(self._handler.on_outbox_full, refusal)
            if is_rest:  # A close frame would be read as the rest of this frame.
                self.close()

    def _on_writable(self) -> None:
        outbox = self._outbox
        try:
            while outbox:
                outbox.drop(self._sock.send(outbox.first()))
        except BlockingIOError:
            return
        except OSError:
            self._fail()
            return
        self._outbox = None
        self._poller.loop.remove_writer(self._sock.fileno())
        if self._is_closing:
            self._shut_down()

    def _on_readable(self) -> None:
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._handler.on_data(data)
        else:
            self._fail()

    def _shut_down(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._poller.loop.call_soon(self._fail)

    def _fail(self) -> None:
        if self._sock.fileno() < 0:
            return
        handler = self._handler
        self.close()
        handler.on_disconnect()


class TornadoStream:
    """A stream on a Tornado stream, for connections whose TLS ends in the gateway.

    Data in Tornado's buffer cannot be replaced. So data with a conflation key waits here while that
    buffer is not empty.

    Args:
        stream: connected, after the handshake.
        handler: receives the events.
        loop: the running loop.
        limit_bytes: how much may wait for the client.
    """

    __slots__ = ("_handler", "_is_closed", "_loop", "_reading", "_replaceable", "_stream")

    def __init__(
        self,
        stream: IOStream,
        handler: StreamHandler,
        loop: asyncio.AbstractEventLoop,
        limit_bytes: int,
    ) -> None:
        self._stream = stream
        self._handler: StreamHandler = handler
        self._loop = loop
        self._is_closed = False
        self._replaceable = Outbox(limit_bytes)
        stream.max_write_buffer_size = limit_bytes
        self._reading: asyncio.Task[None] | None = loop.create_task(self._read())

    @property
    def has_unsent(self) -> bool:
        """Whether data is queued."""
        return bool(self._replaceable) or self._stream.writing()

    @property
    def unsent_bytes(self) -> int:
        """How much is queued."""
        buffered = self._stream._total_write_index - self._stream._total_write_done_index
        return self._replaceable.size_bytes + buffered

    @property
    def has_unread(self) -> bool:
        """Whether something waits to be read."""
        return not self._is_closed and _is_readable(self._stream.fileno())

    def write(self, data: bytes, conflation_key: bytes | None = None) -> None:
        """Send data, or queue it in Tornado's buffer or here."""
        try:
            if conflation_key is not None and self._stream.writing():
                self._replaceable.put(data, conflation_key)
            else:
                self._stream.write(data).add_done_callback(self._on_written)
        except StreamBufferFullError as error:
            self._report_full(Disconnect(CloseCode.SLOW_CONSUMER, str(error)))
        except Disconnect as refusal:
            self._report_full(refusal)
        except StreamClosedError:
            self._loop.call_soon(self._fail)

    def discard_unsent(self) -> None:
        """Close, because data in Tornado's buffer cannot be discarded."""
        self.close()

    def close_when_flushed(self) -> None:
        """Send the queued data, then close."""
        try:
            self._stream.write(b"").add_done_callback(self._on_flushed)
        except StreamClosedError:
            self._loop.call_soon(self._fail)

    def close(self) -> None:
        """Close at once."""
        self._is_closed = True
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None  # The traceback of a cancelled task refers to this stream.
        self._stream.close()
        drop_traceback(self._stream)
        self._handler = _IGNORE_EVENTS

    def _report_full(self, refusal: Disconnect) -> None:
        self._loop.call_soon(self._handler.on_outbox_full, refusal)

    def _on_written(self, written: "asyncio.Future[None]") -> None:
        retrieve_result(written)
        if self._replaceable and not self._is_closed and not self._stream.writing():
            self.write(b"".join(self._replaceable.take()))

    def _on_flushed(self, written: "asyncio.Future[None]") -> None:
        retrieve_result(written)
        self._fail()

    async def _read(self) -> None:
        try:
            while True:
                self._handler.on_data(await self._stream.read_bytes(READ_BYTES, partial=True))
        except StreamClosedError:
            self._fail()

    def _fail(self) -> None:
        if not self._is_closed:
            handler = self._handler
            self.close()
            handler.on_disconnect()


def _is_readable(fd: Any) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))
