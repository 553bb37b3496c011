"""A page that never ends: ``htmlfile`` (SockJS protocol 0.3.3, HtmlFile)."""

from ..framing import Encoding, script_string
from .callback import read_callback
from .streaming import Streaming

_HEAD = b"""<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.%s;
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>"""

_PADDED_BYTES = 1024
"""Internet Explorer runs no script of a shorter page."""


def _script(frame: bytes) -> bytes:
    return b"<script>\np(%b);\n</script>\r\n" % script_string(frame)


class HtmlFile(Streaming):
    """Stream scripts into a page."""

    name = "htmlfile"
    access_methods = "OPTIONS, GET"
    content_type = "text/html; charset=UTF-8"
    plain = Encoding(_script)
    chunked = Encoding(_script, is_chunked=True)

    @classmethod
    def refusal(cls, frame: bytes, query: str) -> bytes | None:
        """Leave it to the handler, which isolates the page."""
        return None

    async def get(self, session_id: str) -> None:
        """Stream into the page's iframe."""
        callback = read_callback(self)
        if callback is None:
            return
        self._isolate()
        await self.carry(session_id, (_HEAD % callback).ljust(_PADDED_BYTES) + b"\r\n\r\n")

    def head(self, session_id: str) -> None:
        """Answer as to a GET, without opening a session."""
        if read_callback(self) is not None:
            self.begin()
            self._isolate()
            self.flush()
            self.finish()

    def _isolate(self) -> None:
        policy = f"default-src 'none'; script-src 'unsafe-inline'; {self.server.frame_ancestors}"
        self.set_header("Content-Security-Policy", policy)
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
