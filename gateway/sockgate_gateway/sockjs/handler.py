"""The base of all request handlers: origin check, headers, caching, errors."""

import logging
import re
from asyncio import Future
from email.utils import formatdate
from time import time
from types import TracebackType
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream
from tornado.web import HTTPError, RequestHandler, stream_request_body

from ..http.header_limits import MAX_COOKIE_BYTES
from ..http.origins import claimed_origin, normalize_origin
from ..http.request_head import has_body
from ..http.server_streams import linger_on_close
from .interfaces import RouterBase
from .library import PreflightHandler

log = logging.getLogger("sockgate.access")

TEXT = "text/plain; charset=UTF-8"
CACHE_S = 365 * 24 * 3600
NO_CACHE = "no-store, no-cache, no-transform, must-revalidate, max-age=0"

_SAFE_COOKIE = re.compile(r"[A-Za-z0-9_.!-]{1,128}")


@stream_request_body
class Handler(PreflightHandler):
    """Answer only requests from allowed origins.

    Tornado calls ``prepare`` when the head of a request has come, and the handler's method when the
    body is complete.
    """

    server: RouterBase
    access_methods = "OPTIONS, POST"
    _is_admitted = False

    def initialize(self, server: RouterBase) -> None:
        """Break the reference cycle of Tornado's template helpers, which no page of ours uses.

        Tornado breaks it when a response is finished. An interrupted response never is.
        """
        super().initialize(server)
        self._break_cycles()

    def set_default_headers(self) -> None:
        """Begin every response, errors included."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Vary", "Origin")

    def prepare(self) -> None:
        """Check the head, before the body is read."""
        super().prepare()
        self._check_origin()
        self._check_method()
        self.check()
        self._is_admitted = not self._finished

    def check(self) -> None:
        """Check what is special to this handler; answer the request if it is wrong."""

    def data_received(self, chunk: bytes) -> None:
        """Drop a part of a body that this handler does not need."""

    def finish(  # type: ignore[override]  # The library's returns nothing.
        self, chunk: str | bytes | dict[str, Any] | None = None
    ) -> None:
        """Finish; close after the answer when the body is not read."""
        if not self._is_admitted and has_body(self.request.headers):
            self.set_header("Connection", "close")
            linger_on_close(self.stream)
        super().finish(chunk)

    def on_connection_close(self) -> None:
        """Stop waiting for the rest of the body: the client has disconnected."""
        super().on_connection_close()
        RequestHandler.on_connection_close(self)  # The library's own does not call it.
        self.server.io_loop.add_callback(self._forget_body)

    def _forget_body(self) -> None:
        """Break the reference cycle from the failed future, through its error, to the handler."""
        waiting: Future[None] = self.request._body_future
        error = waiting.exception() if waiting.done() else None
        if error is not None:
            error.__traceback__ = None

    def options(self, *_: str, **__: str) -> None:
        """Answer a CORS preflight."""
        self.enable_cache()
        self.preflight()
        self.set_header("Access-Control-Max-Age", CACHE_S)
        self.set_header("Access-Control-Allow-Methods", self.access_methods)
        self.set_header("Allow", self.allowed_methods)
        self.set_status(204)

    def preflight(self) -> None:
        """Allow the page's exact origin to read the response."""
        origin = self.request.headers.get("Origin")
        if origin is None:
            return
        self.set_header("Access-Control-Allow-Origin", origin)
        self.set_header("Access-Control-Allow-Credentials", "true")
        asked_headers = self.request.headers.get("Access-Control-Request-Headers")
        if asked_headers:
            self.set_header("Access-Control-Allow-Headers", asked_headers)

    def enable_cache(self) -> None:
        """Allow caches to keep the response for a year."""
        self.set_header("Cache-Control", f"public, max-age={CACHE_S}")
        self.set_header("Expires", formatdate(time() + CACHE_S, usegmt=True))

    def disable_cache(self) -> None:
        """Forbid caches and proxies to keep or change the response."""
        self.set_header("Cache-Control", NO_CACHE)

    def handle_session_cookie(self) -> None:
        """Set the cookie that some load balancers use to find the same worker again."""
        if not self.server.cookie_needed:
            return
        is_readable = len(self.request.headers.get("Cookie", "")) <= MAX_COOKIE_BYTES
        cookie = self.cookies.get("JSESSIONID") if is_readable else None
        value = cookie.value if cookie and _SAFE_COOKIE.fullmatch(cookie.value) else "dummy"
        if self.request.protocol == "https":
            self.set_cookie("JSESSIONID", value, secure=True, samesite="None")
        else:
            self.set_cookie("JSESSIONID", value)

    def compute_etag(self) -> None:
        """Compute no ETag: these responses are not cached."""

    def answer(self, status: int, text: str = "") -> None:
        """Finish with a short text."""
        self.set_status(status)
        self.set_header("Content-Type", TEXT)
        self.finish(text)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Send the reason as text; send no body with 405."""
        if status_code == 405:
            self.set_header("Allow", self.allowed_methods)
            self.clear_header("Content-Type")
        else:
            self.answer(status_code, self._reason)

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log our own faults, without the URL, which contains a SockJS session id."""
        if not isinstance(value, HTTPError) and typ is not None and value is not None:
            log.error(
                "event=request_failed handler=%s", type(self).__name__, exc_info=(typ, value, tb)
            )

    @property
    def allowed_methods(self) -> str:
        """The methods for ``Allow``. CORS and the SockJS protocol do not list HEAD."""
        return re.sub("GET", "GET, HEAD", self.access_methods)

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

    def _check_origin(self) -> None:
        origin, referer, site = map(
            self.request.headers.get, ("Origin", "Referer", "Sec-Fetch-Site")
        )
        if not self.server.origins.allows(origin, self._own_origin(), referer, site):
            claimed, address = claimed_origin(origin, referer), str(self.request.remote_ip)
            self.server.refusals.log_origin(claimed, address)
            raise HTTPError(403)

    def _check_method(self) -> None:
        method = str(self.request.method).lower()
        if getattr(type(self), method) is getattr(RequestHandler, method):
            raise HTTPError(405)

    def _own_origin(self) -> str:
        try:
            return normalize_origin(
                f"{self.request.protocol}://{self.request.headers.get('Host', '')}"
            )
        except ValueError:
            return ""
