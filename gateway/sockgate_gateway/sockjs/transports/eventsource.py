"""Server-sent events: ``eventsource`` (SockJS protocol 0.3.3, EventSource)."""

from ..framing import Encoding
from .streaming import Streaming


def _event(frame: bytes) -> bytes:
    """Write an event. sockjs-client decodes its data as a URI, so a percent sign is escaped."""
    return b"data: %b\r\n\r\n" % frame.replace(b"%", b"%25")


class EventSource(Streaming):
    """Stream events. A frame contains no line break."""

    name = "eventsource"
    access_methods = "OPTIONS, GET"
    content_type = "text/event-stream; charset=UTF-8"
    prelude = b"\r\n"
    plain = Encoding(_event)
    chunked = Encoding(_event, is_chunked=True)

    async def get(self, session_id: str) -> None:
        """Stream, with an empty line first, which Opera needs."""
        await self.carry(session_id, self.prelude)

    def head(self, session_id: str) -> None:
        """Answer as to a GET, without opening a session."""
        self.begin()
        self.flush()
        self.finish()
