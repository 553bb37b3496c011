"""Requests with messages of the client: any number in one request."""

from abc import abstractmethod

from ...connections.states import State
from ...wire.closecodes import CloseCode
from ..binding import Binding
from ..handler import Handler
from ..interfaces import SessionView
from ..payload import MalformedPayload, exceeds, read_messages, read_secret


class Sender(Handler):
    """Pass messages to the session of the path.

    A message that is too long gets the usual answer, and the session is closed. A client receives
    the close code only when its request has succeeded. A body that is not an array of strings, or a
    request without the secret of a bound session, is refused, and the session goes on.
    """

    def check(self) -> None:
        """Answer 404 when there is no such session."""
        self._body = bytearray()
        if self.request.method == "POST" and self._find_session() is None:
            self._answer_unknown()

    def data_received(self, chunk: bytes) -> None:
        """Collect the body."""
        self._body += chunk

    def on_connection_close(self) -> None:
        """Free the received part of the body: the garbage collector may find the handler late."""
        super().on_connection_close()
        self._body = bytearray()

    def post(self, session_id: str) -> None:
        """Receive messages."""
        self.request.body = bytes(self._body)
        session = self._find_session()
        if session is None:
            self._answer_unknown()
            return
        self._begin()
        try:
            self._receive(session, read_messages(self.payload()))
        except MalformedPayload as error:
            if session.binding is None:
                session.conn.on_empty_request()
            self.answer(500, str(error))

    @abstractmethod
    def payload(self) -> bytes:
        """Return the JSON in the request."""

    @abstractmethod
    def confirm(self) -> None:
        """Answer that the messages were received."""

    def _find_session(self) -> SessionView | None:
        session: SessionView | None = self.server.get_session(self.path_kwargs["session_id"])
        return None if session is None or session.is_closed else session

    def _begin(self) -> None:
        self.preflight()
        self.handle_session_cookie()
        self.disable_cache()

    def _answer_unknown(self) -> None:
        self._begin()
        session_id = self.path_kwargs["session_id"]
        if self.server.get_session(session_id) is None:
            self.server.unknown_sockjs_sessions.count(session_id)
        self.answer(404)

    def _receive(self, session: SessionView, messages: list[str]) -> None:
        if session.binding is None:
            session.binding = _first_binding(session, messages)
        if session.binding is not None and not _show_secret(session.binding, messages):
            self.answer(403)
            return
        self._pass_on(session, messages)
        self.confirm()

    def _pass_on(self, session: SessionView, messages: list[str]) -> None:
        if exceeds(messages, self.server.config.max_frame):
            session.conn.fail(CloseCode.MESSAGE_TOO_LARGE, "")
        elif messages:
            session.on_messages(messages)
        else:
            session.conn.on_empty_request()


def _first_binding(session: SessionView, messages: list[str]) -> Binding | None:
    """Bind a session to the secret in its first frame, if there is one."""
    if not messages or session.conn.connection.state is not State.WAITING:
        return None
    secret = read_secret(messages[0])
    if secret is None:
        return None
    binding = Binding.of_secret(str(secret), binds_receivers=False)
    if binding is None:
        raise MalformedPayload("A secret has 20 to 128 letters, digits, - and _.")
    return binding


def _show_secret(binding: Binding, messages: list[str]) -> bool:
    secrets = [str(read_secret(message)) for message in messages]
    return bool(secrets) and all(map(binding.admits_secret, secrets))
