"""Which path leads where, and what all requests share."""

import asyncio
import logging
import re
from functools import cached_property
from hashlib import sha256
from secrets import randbits
from typing import Any

from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler

from ..config import Config
from ..endpoint import Endpoint
from ..origins import OriginPolicy
from ..timerwheel import TimerWheel
from .iframe import Iframe, Script, read_script
from .library import SockJSRouter
from .pages import Greeting, Info, Missing, NoUpgrade
from .session import Session
from .tab import Tab
from .transports.eventsource import EventSource
from .transports.htmlfile import HtmlFile
from .transports.jsonp import Jsonp, JsonpSend
from .transports.receiver import Receiver
from .transports.xhr import Xhr, XhrSend
from .transports.xhr_streaming import XhrStreaming

log = logging.getLogger("gateway.access")

_PART = r"[A-Za-z0-9_~%!$&'()*+,;=:@-]{1,128}"
"""A server id or a session id: a path segment of RFC 3986 without dots."""

_SESSION_PATH = rf"/{_PART}/(?P<session_id>{_PART})/"

_RECEIVERS: dict[str, type[Receiver]] = {
    receiver.name: receiver for receiver in (Xhr, XhrStreaming, EventSource, HtmlFile, Jsonp)
}

_MESSAGES_PER_SENDING = 8


class Router(SockJSRouter):
    """The SockJS service under one prefix. Build it inside the running loop.

    Args:
        config: limits, delays, and the transports to offer.
        endpoint: where browsers are handed over.
        wheel: wakes sessions.
        origins: which pages may ask.

    Raises:
        RuntimeError: no loop is running.
    """

    base_url: str | None = None
    """Where browsers shall go on from ``/info``, when not here."""

    def __init__(
        self, config: Config, endpoint: Endpoint, wheel: TimerWheel, origins: OriginPolicy
    ) -> None:
        super().__init__(
            Tab,
            config.prefix,
            {"disconnect_delay": None, "jsessionid": config.jsessionid},
            _running_loop(),
            Session,
        )
        self.config = config
        self.endpoint = endpoint
        self.wheel = wheel
        self.origins = origins
        self.websockets_enabled = "websocket" in config.transports
        self.script = read_script()
        self._silence_timers()
        self._transport_urls = [
            (re.escape(config.prefix) + path, handler, {"server": self})
            for path, handler in _routes(config.transports)
        ]

    @property
    def max_body_bytes(self) -> int:
        """How large a request may be: a few messages of full length, escaped."""
        return _MESSAGES_PER_SENDING * self.config.max_frame

    @cached_property
    def script_url(self) -> str:
        """Where the iframe finds the script, by its content."""
        version = sha256(self.script or b"").hexdigest()[:12]
        return f"{self.config.prefix}/sockjs.js?{version}"

    @cached_property
    def frame_ancestors(self) -> str:
        """Which pages may frame ours, for the Content-Security-Policy."""
        return " ".join(["frame-ancestors 'self'", *sorted(self.origins.allowed)])

    def application(self) -> Application:
        """Make the Tornado application that serves us and nothing else."""
        return Application(
            self.urls,
            default_handler_class=Missing,
            default_handler_args={"server": self},
            log_function=_log_request,
        )

    def info(self) -> dict[str, Any]:
        """Say what is offered (SockJS protocol 0.3.3, InfoTest)."""
        info = {
            "websocket": self.websockets_enabled,
            "cookie_needed": self.cookie_needed,
            "origins": ["*:*"],
            "entropy": randbits(32),
        }
        return info if self.base_url is None else {**info, "base_url": self.base_url}

    def open_session(self, session_id: str, receiver: Receiver) -> Session:
        """Open a session for a browser that we have not met.

        Raises:
            Refused: there is no room for it.
        """
        session: Session = self.create_session(session_id, register=False)
        session.open(receiver)
        self._sessions.add(session)
        return session

    def forget(self, session: Session) -> None:
        """Forget a session that has ended."""
        self._sessions.remove(session.session_id)

    def _silence_timers(self) -> None:
        self._sessions_cleanup.stop()
        self.stats._callback.stop()


def _running_loop() -> IOLoop:
    asyncio.get_running_loop()  # raises when there is none; Tornado would make another loop
    return IOLoop.current()


def _routes(transports: tuple[str, ...]) -> list[tuple[str, type[RequestHandler]]]:
    receivers = {name: _RECEIVERS[name] for name in transports if name in _RECEIVERS}
    routes: dict[str, type[RequestHandler]] = {
        _SESSION_PATH + name: receiver for name, receiver in receivers.items()
    }
    if receivers.keys() - {"jsonp"}:
        routes[_SESSION_PATH + "xhr_send"] = XhrSend
    if "jsonp" in receivers:
        routes[_SESSION_PATH + "jsonp_send"] = JsonpSend
    if "websocket" in transports:
        routes[_SESSION_PATH + "websocket"] = NoUpgrade
    if "rawwebsocket" in transports:
        routes["/websocket"] = NoUpgrade
    return [*routes.items(), *_PAGES.items()]


_PAGES: dict[str, type[RequestHandler]] = {
    "/?": Greeting,
    "/info": Info,
    "/iframe[0-9A-Za-z_.-]*[.]html": Iframe,
    "/sockjs[.]js": Script,
}


def _log_request(handler: RequestHandler) -> None:
    log.debug(
        "event=request handler=%s method=%s status=%d",
        type(handler).__name__,
        handler.request.method,
        handler.get_status(),
    )
