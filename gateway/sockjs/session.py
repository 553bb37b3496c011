"""One browser that travels over HTTP, one response after another.

Strategy: frames go straight to the response that is attached now, if it takes them; all else
waits in one bounded outbox, and leaves as a single array frame when a response comes or the one
at hand can be written to again. So nothing waits anywhere else, a slow reader costs no more than
its outbox, and what one response could not carry goes into the next. The alarm means: no
response attached, the browser is gone; one attached, say ``h``; closed, forget the session.
"""

from ..batch import Batch
from ..errors import Refused
from ..outbox import Outbox
from ..wire.closecodes import CloseCode
from .alarm import Alarm
from .framing import HEARTBEAT_FRAME, OPEN_FRAME, close_frame
from .library import CLOSED, CLOSING, CONNECTING, OPEN, SockJSSession
from .service import Response, Service
from .tab import Tab

INTERRUPTED = (1002, "Connection interrupted")
STILL_OPEN = (2010, "Another connection still open")
GONE = (1006, "Browser is gone")


class Session(SockJSSession):
    """A SockJS session: the ``Transport`` of one connection.

    ``handler`` is the response that is attached now. ``state`` is CONNECTING until a response
    has said ``o``, and CLOSING while the endpoint is still to hear that the outbox has overrun.
    """

    server: Service
    handler: Response | None
    conn: Tab

    def __init__(
        self, conn: type[Tab], server: Service, session_id: str, expiry: float | None = None
    ) -> None:
        super().__init__(conn, server, session_id, expiry)
        self.name = ""
        self._outbox = Outbox(server.config.max_outbox)
        self._alarm = Alarm(server.wheel, self._on_alarm)

    def open(self, response: Response) -> None:
        """Introduce the browser to the endpoint.

        Raises:
            Refused: there is no room for it.
        """
        self.name = response.name
        self.conn.on_open(response.get_conn_info())

    def send(self, batch: Batch) -> None:
        """Give frames to the browser, or keep them for it."""
        response = self.handler
        if response is not None and response.active:
            response.give(batch)
        elif not self.is_closed:
            self._keep(batch)

    def close(self, code: CloseCode) -> None:
        """Say why, after what was sent before, and end."""
        self._end((code, code.reason))

    def attach(self, response: Response) -> None:
        """Let a response carry what the browser has not been given yet, and what follows."""
        if self.handler is not None:
            response.end(close_frame(*STILL_OPEN))
            return
        self.handler = response
        response.session = self
        if not self.is_closed:
            self._alarm.set(self.server.config.heartbeat)
        self.flush()

    def remove_handler(self, handler: Response) -> None:
        """Let go of a response, and wait for the next one."""
        self.handler = None
        if not self.is_closed:
            self._alarm.set(self.server.config.disconnect_delay)

    def interrupt(self) -> None:
        """End, because a response broke off: nobody knows how much of it has arrived."""
        self._end(INTERRUPTED)

    def flush(self) -> None:
        """Give the response all that waits for it: as much as it takes."""
        for give in (self._give_opening, self._give_messages, self._give_farewell):
            if self.handler is None or not self.handler.active:
                break
            give(self.handler)

    def on_delete(self, forced: bool) -> None:
        """Let go of everything, now that the router has forgotten us; leave no circle."""
        self._alarm.stop()
        self._outbox.clear()
        del self.conn

    def _give_opening(self, response: Response) -> None:
        if self.state == CONNECTING:
            self.state = OPEN
            response.say(OPEN_FRAME)

    def _give_messages(self, response: Response) -> None:
        if self._outbox:
            response.give(Batch(self._outbox.take()))

    def _give_farewell(self, response: Response) -> None:
        if self.close_reason:
            response.end(close_frame(*self.close_reason))

    def _keep(self, batch: Batch) -> None:
        try:
            for frame in batch.frames:
                self._outbox.put(frame, batch.conflation_key)
        except Refused as refusal:
            self._overrun(refusal)

    def _overrun(self, refusal: Refused) -> None:
        self.state = CLOSING
        self.close_reason = (refusal.code, refusal.code.reason)
        self._outbox.clear()
        self.server.io_loop.add_callback(self.conn.fail, refusal.code, str(refusal))

    def _end(self, reason: tuple[int, str]) -> None:
        if self.state == CLOSED:
            return
        self.state = CLOSED
        self.close_reason = reason
        self._alarm.set(self.server.config.disconnect_delay)
        self.conn.on_close()
        self.flush()

    def _on_alarm(self) -> None:
        if self.is_closed:
            self._forget()
        elif self.handler is None:
            self._end(GONE)
            self._forget()
        else:
            self._beat(self.handler)

    def _beat(self, response: Response) -> None:
        if response.active:
            response.say(HEARTBEAT_FRAME)
        elif response.is_overdue:
            self.conn.fail(CloseCode.SLOW_CONSUMER, "a response was not read between heartbeats")
        else:
            response.is_overdue = True
        if self.handler is response and not self.is_closed:
            self._alarm.set(self.server.config.heartbeat)

    def _forget(self) -> None:
        if self.handler is not None:
            self.handler.abort()
        self.server.forget(self)
