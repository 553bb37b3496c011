"""A script for each frame: ``jsonp`` and ``jsonp_send`` (SockJS protocol 0.3.3, JsonPolling)."""

from ..framing import Encoding, script_string
from .callback import read_callback
from .polling import Polling
from .sender import Sender
from .xhr import JAVASCRIPT

_FORM = "application/x-www-form-urlencoded"


class Jsonp(Polling):
    """Answer with a script that calls a function of the page."""

    name = "jsonp"
    access_methods = "OPTIONS, GET"
    encoding = Encoding(script_string)

    def get(self, session_id: str) -> None:
        """Wait for a frame."""
        callback = read_callback(self)
        if callback is None:
            return
        self._callback = callback
        self.begin(JAVASCRIPT)
        self.attach(session_id)

    def respond(self, body: bytes) -> None:
        """Call the function; the comment keeps a stranger's choice from coming first."""
        super().respond(b"/**/%b(%b);\r\n" % (self._callback, body))


class JsonpSend(Sender):
    """Take messages from a form, or as text."""

    def payload(self) -> bytes:
        """Return the field ``d`` of a form, or the body."""
        content_type = self.request.headers.get("Content-Type", "").partition(";")[0]
        if content_type.strip().lower() != _FORM:
            return self.request.body
        return self.request.body_arguments.get("d", [b""])[-1]

    def confirm(self) -> None:
        """Answer ``ok``: some browsers act strangely on nothing."""
        self.answer(200, "ok")
