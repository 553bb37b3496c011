"""A response that carries one frame; then the client polls again."""

from ...connections.batch import Batch
from ..framing import Encoding
from .receiver import Receiver


class Polling(Receiver):
    """Wait for a frame, send it, and finish."""

    encoding: Encoding

    @classmethod
    def refusal(cls, frame: bytes, query: str) -> bytes | None:
        """Write a close frame."""
        return cls.encoding.frame(frame)

    def send(self, batch: Batch) -> None:
        """Answer with messages."""
        self.respond(batch.encoded(self.encoding.batch))

    def send_frame(self, frame: bytes) -> None:
        """Answer with a SockJS frame."""
        self.respond(self.encoding.frame(frame))

    def end(self, frame: bytes) -> None:
        """Answer with a last frame."""
        self.send_frame(frame)

    def respond(self, body: bytes) -> None:
        """Finish with this body, unless the client has disconnected.

        In that case Tornado calls ``on_connection_close`` next, which ends the session.
        """
        self.active = False
        if self.stream.closed():
            return
        self._detach()
        self.finish(body)
