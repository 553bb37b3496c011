"""A response that carries one frame; then the browser asks again."""

from ...batch import Batch
from ..framing import Encoding
from .receiver import Receiver


class Polling(Receiver):
    """Wait for something to say, say it, and finish."""

    encoding: Encoding

    def give(self, batch: Batch) -> None:
        """Answer with messages."""
        self.respond(batch.encoded(self.encoding.batch))

    def say(self, frame: bytes) -> None:
        """Answer with a frame of the protocol."""
        self.respond(self.encoding.frame(frame))

    def end(self, frame: bytes) -> None:
        """Answer with a last frame."""
        self.say(frame)

    def respond(self, body: bytes) -> None:
        """Finish with this body, unless the browser has gone: then the session will hear of it."""
        self.active = False
        if self.stream.closed():
            return
        self._detach()
        self.finish(body)
