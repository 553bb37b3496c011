"""The base of responses that carry frames to a client."""

from abc import abstractmethod
from typing import ClassVar

from ...connections.batch import Batch
from ...errors import Disconnect
from ..binding import Binding
from ..framing import close_frame
from ..handler import Handler
from ..interfaces import SessionView
from ..library import PollingTransportBase

MAX_BODY_BYTES = 256
"""The body of a receiver is the secret of its session (``binding.py``), or empty."""


class Receiver(Handler, PollingTransportBase):
    """A response that carries the frames of a session while it is attached.

    ``active``: it takes a frame now. ``is_overdue``: it has taken none since the last heartbeat.
    """

    session: SessionView | None
    content_type: ClassVar[str]
    is_overdue = False
    _kept = b""

    @classmethod
    @abstractmethod
    def refusal(cls, frame: bytes, query: str) -> bytes | None:
        """Return the body of a response to the opening of a session that only refuses.

        Args:
            frame: the close frame.
            query: of the request.

        Returns:
            The body; None: the request is unusual, and the handler answers it.
        """

    def is_admitted(self, session_id: str) -> bool:
        """Return whether this is the session's client or a new one; else answer 403."""
        session: SessionView | None = self.server.get_session(session_id)
        if session is None or session.binding is None or self._shows(session.binding):
            return True
        self.preflight()
        self.disable_cache()
        self.answer(403)
        return False

    def attach(self, session_id: str) -> None:
        """Attach to the session of the path; open it when there is none."""
        session: SessionView | None = self.server.get_session(session_id)
        try:
            session = session or self._open(session_id)
        except Disconnect as disconnect:
            self.end(close_frame(disconnect.code, disconnect.reason))
        else:
            session.attach(self)

    def _open(self, session_id: str) -> SessionView:
        session = self.server.open_session(session_id, self)
        session.binding = self._bind()
        return session

    def _bind(self) -> Binding | None:
        if self.request.method == "POST":
            return Binding.of_secret(self._body())
        return Binding.of_ticket(self._ticket())

    def _shows(self, binding: Binding) -> bool:
        if not binding.binds_receivers:
            return True
        if self.request.method == "POST":
            return binding.admits_secret(self._body())
        return binding.admits_ticket(self._ticket())

    def check(self) -> None:
        """Refuse a body that is too long."""
        self._check_length(int(self.request.headers.get("Content-Length", "0")))

    def data_received(self, chunk: bytes) -> None:
        """Collect the body; refuse one that is too long, and drop what follows."""
        if not self._finished:
            self._kept += chunk
            self._check_length(len(self._kept))

    def _check_length(self, length: int) -> None:
        if length > MAX_BODY_BYTES:
            self._kept = b""
            self._is_admitted = False
            self.preflight()
            self.disable_cache()
            self.answer(413, f"The body of this request may have {MAX_BODY_BYTES} bytes.")

    def _body(self) -> str:
        return self._kept.decode("latin-1")

    def _ticket(self) -> str:
        return self.get_query_argument("ticket", "")

    @abstractmethod
    def send(self, batch: Batch) -> None:
        """Send a batch of messages."""

    @abstractmethod
    def send_frame(self, frame: bytes) -> None:
        """Send one SockJS frame."""

    @abstractmethod
    def end(self, frame: bytes) -> None:
        """Send a last frame and finish."""

    def abort(self) -> None:
        """Close the socket without a last frame."""
        self._detach()
        self.stream.close()

    def on_connection_close(self) -> None:
        """End the session when the client interrupts the response."""
        session = self.session
        if session is not None:
            self._detach()
            session.interrupt()
        super().on_connection_close()

    def begin(self) -> None:
        """Set the headers of a response with frames."""
        self._auto_finish = False
        self.preflight()
        self.handle_session_cookie()
        self.disable_cache()
        self.set_header("Content-Type", self.content_type)
