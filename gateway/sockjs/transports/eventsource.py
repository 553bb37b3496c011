"""Server-sent events: ``eventsource`` (SockJS protocol 0.3.3, EventSource)."""

from ..framing import Encoding
from .streaming import Streaming


def _event(frame: bytes) -> bytes:
    return b"data: %b\r\n\r\n" % frame


class EventSource(Streaming):
    """Stream events; a frame holds no line break."""

    name = "eventsource"
    access_methods = "OPTIONS, GET"
    content_type = "text/event-stream; charset=UTF-8"
    prelude = b"\r\n"
    plain = Encoding(_event)
    chunked = Encoding(_event, is_chunked=True)

    async def get(self, session_id: str) -> None:
        """Stream; Opera needs an empty line first."""
        await self.carry(session_id, self.prelude)
