"""A SockJS session: one client over HTTP, one response after another.

Strategy: frames go straight to the attached response, if it takes them. All others wait in one
bounded outbox. They leave as a single array frame when a response is attached, or when the attached
one is writable again. So a slow reader costs no more than its outbox, and the next response carries
what one could not.

One timer serves three purposes. Without a response it ends the session: the client is gone. With a
response it sends a heartbeat, ``h``. After the end it removes the session.
"""

from ..connections.batch import Batch
from ..connections.outbox import Outbox
from ..errors import Disconnect
from ..http.request_head import user_agent
from ..wire.closecodes import CloseCode
from .adapter import ConnectionAdapter
from .binding import Binding
from .framing import HEARTBEAT_FRAME, OPEN_FRAME, close_frame
from .interfaces import ResponseView, RouterBase
from .library import CLOSED, CLOSING, CONNECTING, OPEN, SockJSSession
from .timers import Timer

INTERRUPTED = (1002, "Connection interrupted")
STILL_OPEN = (2010, "Another connection still open")
GONE = (1006, "Browser is gone")
MOVED = (int(CloseCode.GOING_AWAY), "moved")


class Session(SockJSSession):
    """A SockJS session: the ``Transport`` of one connection.

    ``binding`` checks the secret of requests; it is None for a client without a secret.
    ``handler`` is the attached response. ``state`` is CONNECTING until a response has carried
    ``o``. It is CLOSING from an overrun of the outbox until the lifecycle receives a report.
    """

    server: RouterBase
    handler: ResponseView | None
    conn: ConnectionAdapter
    is_over_http = True

    def __init__(
        self,
        conn: type[ConnectionAdapter],
        server: RouterBase,
        session_id: str,
        expiry: float | None = None,
    ) -> None:
        super().__init__(conn, server, session_id, expiry)
        self.name = self.agent = ""
        self.binding: Binding | None = None
        self._outbox = Outbox(server.config.max_outbox)
        self._is_spared = False
        self._timer = Timer(server.wheel, self._on_timeout)

    def open(self, response: ResponseView) -> None:
        """Open the connection.

        Raises:
            Disconnect: a limit on connections is reached.
        """
        self.name, client = response.name, response.get_conn_info()
        self.agent = user_agent(client.get_header("User-Agent"))
        self.conn.on_open(client)

    def send(self, batch: Batch) -> None:
        """Send frames to the client, or put them into the outbox."""
        response = self.handler
        if response is not None and response.active:
            response.send(batch)
        elif not self.is_closed:
            self._keep(batch)

    @property
    def has_unsent(self) -> bool:
        """Whether frames wait for the client to read."""
        is_busy = self.handler is not None and not self.handler.active
        return is_busy or bool(self._outbox)

    @property
    def unsent_bytes(self) -> int:
        """How much waits for the next response, or for the present one to be writable."""
        return self._outbox.size_bytes

    @property
    def has_unread(self) -> bool:
        """Whether the client has sent something that nobody has read yet."""
        # Each request has a socket of its own, which waits to be accepted.
        return self.server.lifecycle.admission.has_unaccepted

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Send what waits, then the close frame, and end."""
        self._end((code, reason or code.reason))

    def attach(self, response: ResponseView) -> None:
        """Send waiting frames, and those that follow, to this response."""
        if self.handler is not None:
            response.end(close_frame(*STILL_OPEN))
            return
        self.handler = response
        self._is_spared = False
        response.session = self
        if not self.is_closed:
            self._timer.set(self.server.config.heartbeat)
        self.flush()

    def remove_handler(self, handler: ResponseView) -> None:
        """Detach a response, and wait for the next one."""
        self.handler = None
        if not self.is_closed:
            self._timer.set(self.server.config.disconnect_delay)

    def leave(self) -> None:
        """Send what waits, then the close frame: the connection goes on elsewhere."""
        self.state = CLOSED
        self.close_reason = MOVED
        self._timer.set(self.server.config.disconnect_delay)
        self.flush()

    def interrupt(self) -> None:
        """End, because a response was interrupted: how much of it has arrived is unknown."""
        self._end(INTERRUPTED)

    def flush(self) -> None:
        """Send waiting frames to the response, as long as it takes them."""
        for send in (self._send_opening, self._send_messages, self._send_close):
            if self.handler is None or not self.handler.active:
                break
            send(self.handler)

    def on_delete(self, forced: bool) -> None:
        """Free everything when the router removes the session; leave no reference cycle."""
        self._timer.stop()
        self._outbox.clear()
        del self.conn

    def _send_opening(self, response: ResponseView) -> None:
        if self.state == CONNECTING:
            self.state = OPEN
            response.send_frame(OPEN_FRAME)

    def _send_messages(self, response: ResponseView) -> None:
        if self._outbox:
            response.send(Batch(self._outbox.take()))

    def _send_close(self, response: ResponseView) -> None:
        if self.close_reason:
            response.end(close_frame(*self.close_reason))

    def _keep(self, batch: Batch) -> None:
        try:
            for frame in batch.frames:
                self._outbox.put(frame, batch.conflation_key)
        except Disconnect as disconnect:
            self._overrun(disconnect)

    def _overrun(self, disconnect: Disconnect) -> None:
        self.state = CLOSING
        self.close_reason = (disconnect.code, disconnect.code.reason)
        self._outbox.clear()
        self.server.io_loop.add_callback(self.conn.fail, disconnect.code, str(disconnect))

    def _end(self, reason: tuple[int, str]) -> None:
        if self.state == CLOSED:
            return
        self.state = CLOSED
        self.close_reason = reason
        self._timer.set(self.server.config.disconnect_delay)
        self.conn.on_close()
        self.flush()

    def _on_timeout(self) -> None:
        if self.is_closed:
            self._remove()
        elif self.handler is None and self._may_have_asked():
            self._timer.set(self.server.config.disconnect_delay)
        elif self.handler is None:
            self._end(GONE)
            self._remove()
        else:
            self._beat(self.handler)

    def _may_have_asked(self) -> bool:
        """Return whether the next request may have come, and nobody has read it."""
        if self.has_unread:
            return True
        was_spared, self._is_spared = self._is_spared, True
        return self.server.wheel.is_late and not was_spared

    def _beat(self, response: ResponseView) -> None:
        if response.active:
            response.send_frame(HEARTBEAT_FRAME)
        elif response.is_overdue and not self.server.wheel.is_late:
            self.conn.fail(CloseCode.SLOW_CONSUMER, "a response was not read between heartbeats")
        else:
            response.is_overdue = True
        if self.handler is response and not self.is_closed:
            self._timer.set(self.server.config.heartbeat)

    def _remove(self) -> None:
        if self.handler is not None:
            self.handler.abort()
        self.server.remove(self)
