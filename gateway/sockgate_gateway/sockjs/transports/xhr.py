"""XHR polling: ``xhr`` and ``xhr_send`` (SockJS protocol 0.3.3, XhrPolling)."""

from ..framing import Encoding
from ..handler import TEXT
from .polling import Polling
from .sender import Sender

JAVASCRIPT = "application/javascript; charset=UTF-8"


def line(frame: bytes) -> bytes:
    """End a frame with a line feed."""
    return frame + b"\n"


class Xhr(Polling):
    """Answer a poll."""

    name = "xhr"
    content_type = JAVASCRIPT
    encoding = Encoding(line)

    def post(self, session_id: str) -> None:
        """Wait for a frame."""
        if self.is_admitted(session_id):
            self.begin()
            self.attach(session_id)


class XhrSend(Sender):
    """Receive messages in the body of a request."""

    def payload(self) -> bytes:
        """Return the body."""
        return self.request.body

    def confirm(self) -> None:
        """Answer 204 as text: some browsers parse an untyped answer as XML, and report an error."""
        self.set_status(204)
        self.set_header("Content-Type", TEXT)
        self.flush()  # or Tornado removes the Content-Type of an empty response
