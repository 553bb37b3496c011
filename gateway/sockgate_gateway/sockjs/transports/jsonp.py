"""A script for each frame: ``jsonp`` and ``jsonp_send`` (SockJS protocol 0.3.3, JsonPolling)."""

from tornado.httputil import HTTPInputError, parse_body_arguments
from tornado.web import HTTPError

from ..framing import Encoding, script_string
from .callback import find_callback, read_callback
from .polling import Polling
from .sender import Sender
from .xhr import JAVASCRIPT

_FORM = "application/x-www-form-urlencoded"


class Jsonp(Polling):
    """Answer with a script that calls a function of the page."""

    name = "jsonp"
    access_methods = "OPTIONS, GET"
    content_type = JAVASCRIPT
    encoding = Encoding(script_string)

    def get(self, session_id: str) -> None:
        """Wait for a frame."""
        callback = read_callback(self)
        if callback is None or not self.is_admitted(session_id):
            return
        self._callback = callback
        self.begin()
        self.attach(session_id)

    def head(self, session_id: str) -> None:
        """Answer as to a GET, without opening a session."""
        if read_callback(self) is not None:
            self.begin()
            self.flush()
            self.finish()

    def respond(self, body: bytes) -> None:
        """Call the function with this body."""
        super().respond(_call(self._callback, body))

    @classmethod
    def refusal(cls, frame: bytes, query: str) -> bytes | None:
        """Call the function of the page with a close frame."""
        callback = find_callback(query)
        return None if callback is None else _call(callback, cls.encoding.frame(frame))


def _call(callback: bytes, body: bytes) -> bytes:
    """Write a call. The comment keeps the client's choice from being the first bytes."""
    return b"/**/%b(%b);\r\n" % (callback, body)


class JsonpSend(Sender):
    """Receive messages in a form, or as text."""

    def payload(self) -> bytes:
        """Return the field ``d`` of a form, or the body."""
        content_type = self.request.headers.get("Content-Type", "").partition(";")[0]
        if content_type.strip().lower() != _FORM:
            return self.request.body
        return self._read_form().get("d", [b""])[-1]

    def _read_form(self) -> dict[str, list[bytes]]:
        fields: dict[str, list[bytes]] = {}
        try:
            parse_body_arguments(_FORM, self.request.body, fields, {}, self.request.headers)
        except HTTPInputError as error:
            raise HTTPError(400) from error
        return fields

    def confirm(self) -> None:
        """Answer ``ok``: some browsers mishandle an empty answer."""
        self.answer(200, "ok")
