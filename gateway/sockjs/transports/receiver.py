"""Any response that carries frames to a browser."""

from abc import abstractmethod

from ...batch import Batch
from ...errors import Refused
from ..framing import close_frame
from ..handler import Handler
from ..library import PollingTransportBase
from ..service import Browser


class Receiver(Handler, PollingTransportBase):
    """A response that a session gives its frames to, while it is attached.

    ``active`` tells whether it takes a frame now; ``is_overdue``, whether it has taken none
    since the last heartbeat.
    """

    session: Browser | None
    is_overdue = False

    def attach(self, session_id: str) -> None:
        """Find the session that the browser names, or open it, and carry its frames."""
        session = self.server.get_session(session_id)
        try:
            session = session or self.server.open_session(session_id, self)
        except Refused as refusal:
            self.end(close_frame(refusal.code, refusal.code.reason))
        else:
            session.attach(self)

    @abstractmethod
    def give(self, batch: Batch) -> None:
        """Carry messages."""

    @abstractmethod
    def say(self, frame: bytes) -> None:
        """Carry one frame of the protocol."""

    @abstractmethod
    def end(self, frame: bytes) -> None:
        """Carry a last frame and finish."""

    def abort(self) -> None:
        """Drop the browser without another word."""
        self._detach()
        self.stream.close()

    def on_connection_close(self) -> None:
        """End the session when the browser breaks off a response."""
        session = self.session
        if session is not None:
            self._detach()
            session.interrupt()
        super().on_connection_close()

    def begin(self, content_type: str) -> None:
        """Set the headers of a response with frames."""
        self._auto_finish = False
        self.preflight()
        self.handle_session_cookie()
        self.disable_cache()
        self.set_header("Content-Type", content_type)
