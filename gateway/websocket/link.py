"""How bytes reach one browser: a socket on the event loop.

Strategy: most of the time the kernel takes a whole frame at once, so a frame goes straight to
``socket.send``. Only what the kernel refuses waits in an outbox, which exists just as long as it
is needed, and only then is the loop asked to tell when the socket is writable.
"""

import asyncio
import socket
from typing import Protocol

from tornado.iostream import IOStream, StreamBufferFullError, StreamClosedError

from ..errors import Refused
from ..outbox import Outbox
from ..wire.closecodes import CloseCode
from .poll import Poll

READ_BYTES = 16 * 1024


class Peer(Protocol):
    """Who is told what happens on the link."""

    def on_data(self, data: bytes) -> None:
        """Bytes have arrived."""

    def on_gone(self) -> None:
        """The other side is gone, or the link failed."""

    def on_stalled(self, refusal: Refused) -> None:
        """The other side does not read; its outbox is full."""


class Link(Protocol):
    """What a transport needs of a link."""

    def write(self, data: bytes, conflation_key: bytes | None = None) -> None:
        """Send, or keep until it can be sent; failures reach the peer in a later turn.

        What waits under the same key is replaced.
        """

    def forget_backlog(self) -> None:
        """Make room for last words: keep no more than what has begun to leave."""

    def close_when_flushed(self) -> None:
        """Send what is kept, then end the sending side."""

    def close(self) -> None:
        """Let go at once; the peer hears nothing more."""


class SocketLink:
    """A plain socket that is ours alone.

    Args:
        sock: connected and non-blocking.
        peer: hears what happens.
        poll: tells when there is something to read.
        limit_bytes: how much may wait for the browser.
    """

    __slots__ = ("_is_ending", "_limit_bytes", "_outbox", "_peer", "_poll", "_sock")

    def __init__(self, sock: socket.socket, peer: Peer, poll: Poll, limit_bytes: int) -> None:
        self._sock = sock
        self._peer = peer
        self._poll = poll
        self._limit_bytes = limit_bytes
        self._outbox: Outbox | None = None
        self._is_ending = False
        poll.add(sock.fileno(), self._readable)

    def write(self, data: bytes, conflation_key: bytes | None = None) -> None:
        """Send, or keep what the kernel does not take."""
        if self._outbox is None:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._poll.loop.call_soon(self._fail)
                return
            if sent == len(data):
                return
            if sent:  # What has begun to leave cannot be replaced.
                data, conflation_key = data[sent:], None
        self._keep(data, conflation_key)

    def forget_backlog(self) -> None:
        """Keep the chunk that has begun to leave."""
        if self._outbox is not None:
            self._outbox.keep_first()

    def close_when_flushed(self) -> None:
        """Send what is kept, then end the sending side."""
        self._is_ending = True
        if self._outbox is None:
            self._end()

    def close(self) -> None:
        """Let go at once."""
        if self._sock.fileno() < 0:
            return
        self._poll.remove(self._sock.fileno())
        if self._outbox is not None:
            self._poll.loop.remove_writer(self._sock.fileno())
        self._sock.close()

    def _keep(self, data: bytes, conflation_key: bytes | None) -> None:
        if self._sock.fileno() < 0:
            return
        if self._outbox is None:
            self._outbox = Outbox(self._limit_bytes)
            self._poll.loop.add_writer(self._sock.fileno(), self._writable)
        try:
            self._outbox.put(data, conflation_key)
        except Refused as refusal:
            self._poll.loop.call_soon(self._peer.on_stalled, refusal)

    def _writable(self) -> None:
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
        self._poll.loop.remove_writer(self._sock.fileno())
        if self._is_ending:
            self._end()

    def _readable(self) -> None:
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._peer.on_data(data)
        else:
            self._fail()

    def _end(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._poll.loop.call_soon(self._fail)

    def _fail(self) -> None:
        if self._sock.fileno() < 0:
            return
        self.close()
        self._peer.on_gone()


class StreamLink:
    """A Tornado stream, for connections whose TLS ends in the gateway.

    The arguments are those of ``SocketLink``, with a stream in place of the socket and the running
    loop in place of the poll. What a stream has taken cannot be replaced, so what may be waits here
    until the stream is empty.
    """

    __slots__ = ("_is_closed", "_loop", "_peer", "_reading", "_replaceable", "_stream")

    def __init__(
        self, stream: IOStream, peer: Peer, loop: asyncio.AbstractEventLoop, limit_bytes: int
    ) -> None:
        self._stream = stream
        self._peer = peer
        self._loop = loop
        self._is_closed = False
        self._replaceable = Outbox(limit_bytes)
        stream.max_write_buffer_size = limit_bytes
        self._reading = loop.create_task(self._read())

    def write(self, data: bytes, conflation_key: bytes | None = None) -> None:
        """Send, or keep: in the stream's buffer, or here."""
        try:
            if conflation_key is not None and self._stream.writing():
                self._replaceable.put(data, conflation_key)
            else:
                self._stream.write(data).add_done_callback(self._written)
        except StreamBufferFullError as error:
            self._stall(Refused(CloseCode.SLOW_CONSUMER, str(error)))
        except Refused as refusal:
            self._stall(refusal)
        except StreamClosedError:
            self._loop.call_soon(self._fail)

    def forget_backlog(self) -> None:
        """Close: what a stream has taken cannot be taken back."""
        self.close()

    def close_when_flushed(self) -> None:
        """Send what is kept, then close."""
        try:
            self._stream.write(b"").add_done_callback(self._flushed)
        except StreamClosedError:
            self._loop.call_soon(self._fail)

    def close(self) -> None:
        """Let go at once."""
        self._is_closed = True
        self._reading.cancel()
        self._stream.close()

    def _stall(self, refusal: Refused) -> None:
        self._loop.call_soon(self._peer.on_stalled, refusal)

    def _written(self, written: "asyncio.Future[None]") -> None:
        _retrieve(written)
        if self._replaceable and not self._is_closed and not self._stream.writing():
            self.write(b"".join(self._replaceable.take()))

    def _flushed(self, written: "asyncio.Future[None]") -> None:
        _retrieve(written)
        self._fail()

    async def _read(self) -> None:
        try:
            while True:
                self._peer.on_data(await self._stream.read_bytes(READ_BYTES, partial=True))
        except StreamClosedError:
            self._fail()

    def _fail(self) -> None:
        if not self._is_closed:
            self.close()
            self._peer.on_gone()


def _retrieve(written: "asyncio.Future[None]") -> None:
    """Look at the outcome of a write; a closed stream is noticed by its reader."""
    if not written.cancelled():
        written.exception()
