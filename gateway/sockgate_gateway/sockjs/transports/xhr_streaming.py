"""XHR streaming: ``xhr_streaming`` (SockJS protocol 0.3.3, XhrStreaming)."""

from ..framing import Encoding
from .streaming import Streaming
from .xhr import JAVASCRIPT, line


class XhrStreaming(Streaming):
    """Stream lines."""

    name = "xhr_streaming"
    content_type = JAVASCRIPT
    prelude = b"h" * 2048 + b"\n"
    plain = Encoding(line)
    chunked = Encoding(line, is_chunked=True)

    async def post(self, session_id: str) -> None:
        """Stream, with a prelude: browsers deliver no response shorter than that."""
        await self.carry(session_id, self.prelude)
