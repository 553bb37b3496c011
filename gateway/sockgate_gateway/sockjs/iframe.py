"""The iframe for browsers without CORS: a page of ours, and the script that it loads."""

import logging
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from .pages import Page

log = logging.getLogger("sockgate.access")

SCRIPT_FILE = Path(__file__).parent / "static" / "sockjs.js"
"""Put there by the build of the client; it must be of the version that pages load."""

_INLINE = """
    document.domain = document.domain;
    _sockjs_onload = function(){SockJS.bootstrap_iframe();};
  """

_PAGE = f"""<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script>{_INLINE}</script>
  <script src="%s"></script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>"""

_INLINE_HASH = b64encode(sha256(_INLINE.encode()).digest()).decode()


class CacheablePage(Page):
    """A page that browsers cache, and revalidate by its ETag."""

    access_methods = "OPTIONS, GET"

    def serve(self, content: bytes, content_type: str) -> None:
        """Answer with the content, or with 304 when the browser has it in its cache."""
        self.enable_cache()
        self.set_header("Etag", f'"{sha256(content).hexdigest()[:32]}"')
        if self.check_etag_header():
            self.set_status(304)
            return
        self.set_header("Content-Type", content_type)
        self.finish(content)


class Iframe(CacheablePage):
    """The iframe's page (SockJS protocol 0.3.3, IframePage)."""

    def get(self) -> None:
        """Serve it to the origins that may frame it."""
        self.set_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'self' 'sha256-{_INLINE_HASH}'; "
            f"connect-src 'self'; frame-src 'self'; {self.server.frame_ancestors}",
        )
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        page = _PAGE % self.server.script_url
        self.serve(page.encode(), "text/html; charset=UTF-8")


class Script(CacheablePage):
    """The script: sockjs-client, from the gateway itself."""

    def get(self) -> None:
        """Serve it, if the client has been built."""
        script = self.server.script
        if script is None:
            log.error(
                "event=script_missing cause='the client is not built' file=%s", SCRIPT_FILE.name
            )
            self.answer(404, "The client is not built.")
        else:
            self.serve(script, "application/javascript; charset=UTF-8")


def read_script() -> bytes | None:
    """Read the script; return None when the client has not been built."""
    try:
        return SCRIPT_FILE.read_bytes()
    except FileNotFoundError:
        return None
