"""What browsers send over HTTP: any number of messages in one request."""

from abc import abstractmethod

from ...wire.closecodes import CloseCode
from ..handler import Handler
from ..incoming import Malformed, Misused, exceeds, read_messages
from ..service import Browser


class Sender(Handler):
    """Hand messages over to the session that the browser names.

    A breach of the protocol is answered like any message, and the session closed: a browser
    hears the close code only while it takes its sending to have succeeded.
    """

    def post(self, session_id: str) -> None:
        """Take messages."""
        self.preflight()
        self.handle_session_cookie()
        self.disable_cache()
        session = self.server.get_session(session_id)
        if session is None or session.is_closed:
            self.answer(404)
            return
        try:
            self._receive(session)
        except Malformed as error:
            session.conn.on_nothing()
            self.answer(500, str(error))
        else:
            self.confirm()

    @abstractmethod
    def payload(self) -> bytes:
        """Return the JSON in the request."""

    @abstractmethod
    def confirm(self) -> None:
        """Say that the messages have arrived."""

    def _receive(self, session: Browser) -> None:
        try:
            messages = read_messages(self.payload())
        except Misused as error:
            session.conn.fail(CloseCode.PROTOCOL_ERROR, str(error))
            return
        if exceeds(messages, self.server.config.max_frame):
            session.conn.fail(CloseCode.MESSAGE_TOO_LARGE, "")
        elif messages:
            session.on_messages(messages)
        else:
            session.conn.on_nothing()
