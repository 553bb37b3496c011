"""Which path leads where, and what all requests share."""

import asyncio
import logging
import re

from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler

from ..config import Config
from ..endpoint import Endpoint
from ..origins import OriginPolicy
from ..timerwheel import TimerWheel
from .iframe import Iframe, Script, read_script
from .pages import Greeting, Info, Missing, NoUpgrade
from .refusals import Refusals
from .service import Response, Service
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


class Router(Service):
    """The SockJS service under one prefix. Build it inside the running loop.

    Args:
        config: limits, delays, and the transports to offer.
        endpoint: where browsers are handed over.
        wheel: wakes sessions.
        origins: which pages may ask.

    Raises:
        RuntimeError: no loop is running.
    """

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
        self.refusals = Refusals()
        self.websockets_enabled = "websocket" in config.transports
        self.script = read_script()
        self._silence_timers()
        self._transport_urls = [
            (re.escape(config.prefix) + path, handler, {"server": self})
            for path, handler in _routes(config.transports)
        ]

    def application(self) -> Application:
        """Make the Tornado application that serves us and nothing else."""
        return Application(
            self.urls,
            default_handler_class=Missing,
            default_handler_args={"server": self},
            log_function=_log_request,
        )

    def open_session(self, session_id: str, response: Response) -> Session:
        """Open a session for a browser that we have not met.

        Raises:
            Refused: there is no room for it.
        """
        session: Session = self.create_session(session_id, register=False)
        session.open(response)
        self._sessions.add(session)
        return session

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
