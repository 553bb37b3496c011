"""What every request has in common: whose page it comes from, headers, caching, errors."""

import logging
import re
from email.utils import formatdate
from time import time
from types import TracebackType
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream
from tornado.web import HTTPError

from ..origins import normalize
from .library import PreflightHandler
from .service import Service

log = logging.getLogger("gateway.access")

TEXT = "text/plain; charset=UTF-8"
CACHE_S = 365 * 24 * 3600

_SAFE_COOKIE = re.compile(r"[A-Za-z0-9_.!-]{1,128}")


class Handler(PreflightHandler):
    """Answer the pages that may ask, and nobody else."""

    server: Service
    access_methods = "OPTIONS, POST"

    def set_default_headers(self) -> None:
        """Begin every response, errors included."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Vary", "Origin")

    def prepare(self) -> None:
        """Refuse foreign pages before anything is done for them."""
        super().prepare()
        origin, referer = (self.request.headers.get(name) for name in ("Origin", "Referer"))
        if not self.server.origins.allows(origin, self._own(), referer):
            self.server.refusals.tell(referer if origin is None else origin)
            raise HTTPError(403)

    def options(self, *_: str, **__: str) -> None:
        """Answer a CORS preflight."""
        self.enable_cache()
        self.preflight()
        self.set_header("Access-Control-Max-Age", CACHE_S)
        self.set_header("Access-Control-Allow-Methods", self.access_methods)
        self.set_header("Allow", self.access_methods)
        self.set_status(204)

    def preflight(self) -> None:
        """Let the page that asks, by its exact origin, read the response."""
        origin = self.request.headers.get("Origin")
        if origin is None:
            return
        self.set_header("Access-Control-Allow-Origin", origin)
        self.set_header("Access-Control-Allow-Credentials", "true")
        asked_headers = self.request.headers.get("Access-Control-Request-Headers")
        if asked_headers:
            self.set_header("Access-Control-Allow-Headers", asked_headers)

    def enable_cache(self) -> None:
        """Let everybody keep the response for a year."""
        self.set_header("Cache-Control", f"public, max-age={CACHE_S}")
        self.set_header("Expires", formatdate(time() + CACHE_S, usegmt=True))

    def disable_cache(self) -> None:
        """Let nobody keep or change the response."""
        self.set_header(
            "Cache-Control", "no-store, no-cache, no-transform, must-revalidate, max-age=0"
        )

    def handle_session_cookie(self) -> None:
        """Set the cookie by which some balancers find the worker again."""
        if not self.server.cookie_needed:
            return
        cookie = self.cookies.get("JSESSIONID")
        value = cookie.value if cookie and _SAFE_COOKIE.fullmatch(cookie.value) else "dummy"
        if self.request.protocol == "https":
            self.set_cookie("JSESSIONID", value, secure=True, samesite="None")
        else:
            self.set_cookie("JSESSIONID", value)

    def compute_etag(self) -> None:
        """Hash no response that nobody keeps."""

    def answer(self, status: int, text: str = "") -> None:
        """Finish with a short text."""
        self.set_status(status)
        self.set_header("Content-Type", TEXT)
        self.finish(text)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say in a word what is wrong; a method that is not allowed gets no body."""
        if status_code == 405:
            self.set_header("Allow", self.access_methods)
            self.clear_header("Content-Type")
        else:
            self.answer(status_code, self._reason)

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log our own faults, and no address: it names a SockJS session."""
        if not isinstance(value, HTTPError) and typ is not None and value is not None:
            log.error(
                "event=request_failed handler=%s", type(self).__name__, exc_info=(typ, value, tb)
            )

    @property
    def http(self) -> HTTP1Connection:
        """The HTTP connection that the request came over."""
        connection = self.request.connection
        assert isinstance(connection, HTTP1Connection)  # noqa: S101 (we listen to nothing else)
        return connection

    @property
    def stream(self) -> IOStream:
        """The socket's stream."""
        return self.http.stream

    def _own(self) -> str:
        try:
            return normalize(f"{self.request.protocol}://{self.request.headers.get('Host', '')}")
        except ValueError:
            return ""
