"""A response that carries one frame after another, up to a limit.

Strategy: while nothing waits in Tornado's stream, a frame goes straight to the kernel, chunk
included, without a copy, a future or a flush. The rest that the kernel does not take goes through
the stream. Until the stream is empty the response is not active: the session keeps what follows.
So a reader that is too slow overruns only the session's outbox.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from tornado.iostream import StreamClosedError

from ...connections.batch import Batch
from ..framing import Encoding
from .receiver import Receiver

if TYPE_CHECKING:
    from asyncio import Future


class Streaming(Receiver):
    """Carry frames up to ``response_limit``; then the browser can free its memory."""

    prelude: ClassVar[bytes]
    plain: ClassVar[Encoding]
    chunked: ClassVar[Encoding]

    @classmethod
    def refusal(cls, frame: bytes, query: str) -> bytes | None:
        """Write a close frame behind the prelude."""
        return cls.prelude + cls.plain.frame(frame)

    def prepare(self) -> None:
        """Send each frame at once; close after the response in HTTP/1.0."""
        super().prepare()
        self.stream.set_nodelay(True)
        self._stream = self.stream
        self._is_chunked = self.request.version == "HTTP/1.1"
        self._encoding = self.chunked if self._is_chunked else self.plain
        self._encode = self._encoding.batch
        self._room_bytes = self.server.config.response_limit
        if not self._is_chunked:
            self.request.headers["Connection"] = "close"

    async def carry(self, session_id: str, prelude: bytes) -> None:
        """Begin the response, and attach it when the prelude has been sent."""
        if not self.is_admitted(session_id):
            return
        self.begin()
        self.set_header("X-Accel-Buffering", "no")
        self.write(prelude)
        with suppress(StreamClosedError):  # The client has disconnected already.
            await self.flush()
            self.attach(session_id)

    def send(self, batch: Batch) -> None:
        """Send a batch of messages."""
        self._send(batch.encoded(self._encode))

    def send_frame(self, frame: bytes) -> None:
        """Send one SockJS frame."""
        self._send(self._encoding.frame(frame))

    def end(self, frame: bytes) -> None:
        """Send a last frame and finish."""
        self._room_bytes = 0
        self.send_frame(frame)

    def _send(self, body: bytes) -> None:
        stream = self._stream
        if stream.closed():
            self.active = False
            return
        view = memoryview(body)
        sent = self._send_now(view)
        if sent < len(body):
            self._send_later(view[sent:])
        self._room_bytes -= len(body) - self._encoding.overhead_bytes
        if self._room_bytes <= 0:
            self._finish_when_sent()

    def _send_now(self, view: memoryview) -> int:
        try:
            return self._stream.write_to_fd(view)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._stream.close(exc_info=error)
            return len(view)

    def _send_later(self, rest: memoryview) -> None:
        self.active = False
        self._stream.write(rest).add_done_callback(self._on_sent)

    def _on_sent(self, sending: "Future[None]") -> None:
        if self.session is None or sending.exception():
            return
        self.active = True
        self.is_overdue = False
        self.session.flush()

    def _finish_when_sent(self) -> None:
        self.active = False
        self._detach()
        if not self._stream.closed():
            self._stream.write(b"").add_done_callback(self._finish)

    def _finish(self, _: "Future[None]") -> None:
        if self._stream.closed() or self._finished:
            return
        self.finish()
        if not self._is_chunked:
            self._stream.close()
