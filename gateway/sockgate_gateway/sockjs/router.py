"""The SockJS router: paths to handlers, and what all handlers share."""

import asyncio
import logging
import re
from collections.abc import Callable

from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler

from ..config.config import Config
from ..connections.connection import Connection
from ..connections.outlet import Transport
from ..http.origins import OriginPolicy
from ..http.refusal_log import RefusalLog
from ..loop.timer_wheel import TimerWheel
from ..sessions.lifecycle import Lifecycle
from .adapter import ConnectionAdapter
from .early_answers import EarlyAnswers
from .iframe import Iframe, Script, read_script
from .interfaces import ResponseView, RouterBase
from .pages import Greeting, Info, Missing, NoUpgrade
from .session import Session
from .transports.eventsource import EventSource
from .transports.htmlfile import HtmlFile
from .transports.jsonp import Jsonp, JsonpSend
from .transports.receiver import Receiver
from .transports.xhr import Xhr, XhrSend
from .transports.xhr_streaming import XhrStreaming
from .unknown_sockjs_sessions import UnknownSockJSSessions

log = logging.getLogger("sockgate.access")

_PART = r"[A-Za-z0-9_~%!$&'()*+,;=:@-]{1,128}"
"""A server id or a session id: a path segment of RFC 3986 without dots."""

_SESSION_PATH = rf"/{_PART}/(?P<session_id>{_PART})/"

_RECEIVERS: dict[str, type[Receiver]] = {
    receiver.name: receiver for receiver in (Xhr, XhrStreaming, EventSource, HtmlFile, Jsonp)
}


class Router(RouterBase):
    """The SockJS service under one prefix. Build it inside the running loop.

    Args:
        config: limits, delays, and the transports to offer.
        lifecycle: opens and closes connections.
        wheel: runs the timers of sessions.
        origins: the allowed origins.
        refusals: logs requests that a wrong configuration refuses.
        unknown_sockjs_sessions: counts requests for SockJS sessions that are not open.

    Raises:
        RuntimeError: no loop is running.
    """

    def __init__(
        self,
        config: Config,
        lifecycle: Lifecycle,
        wheel: TimerWheel,
        origins: OriginPolicy,
        refusals: RefusalLog,
        *,
        unknown_sockjs_sessions: UnknownSockJSSessions,
    ) -> None:
        super().__init__(
            ConnectionAdapter,
            config.prefix,
            {"disconnect_delay": None, "jsessionid": config.jsessionid},
            _running_loop(),
            Session,
        )
        self.config = config
        self.lifecycle = lifecycle
        self.wheel = wheel
        self.origins = origins
        self.refusals = refusals
        self.unknown_sockjs_sessions = unknown_sockjs_sessions
        self.websockets_enabled = "websocket" in config.transports
        self.script = read_script()
        self._stop_library_timers()
        self._transport_urls = [
            (re.escape(config.prefix) + path, handler, {"server": self})
            for path, handler in _routes(config.transports)
        ]

    def early_answers(self, is_own: Callable[[str], bool]) -> EarlyAnswers:
        """Return what answers some requests before the application.

        Args:
            is_own: whether a session of this id is one of this worker.
        """
        return EarlyAnswers(self, _receivers(self.config.transports), is_own)

    def application(self) -> Application:
        """Return a Tornado application that serves these paths and no others."""
        return Application(
            self.urls,
            default_handler_class=Missing,
            default_handler_args={"server": self},
            log_function=_log_request,
        )

    def open_session(self, session_id: str, response: ResponseView) -> Session:
        """Open a new session.

        Raises:
            Disconnect: a limit on connections is reached.
        """
        session: Session = self.create_session(session_id, register=False)
        session.open(response)
        self._sessions.add(session)
        return session

    def take_over(self, session_id: str, secret: str, transport: Transport) -> Connection | None:
        """Move the connection of a session to another transport.

        Returns:
            The connection; None when no open session of this worker has this id and this secret. A
            session without a secret stays where it is.
        """
        session: Session | None = self.get_session(session_id)
        if session is None or session.is_closed or session.binding is None:
            return None
        connection = session.conn.connection
        if not (connection.is_open and session.binding.admits_secret(secret)):
            return None
        connection.move(transport)
        session.leave()
        log.debug("event=moved connection=%s transport=%s", connection.id, transport.name)
        return connection

    def _stop_library_timers(self) -> None:
        self._sessions_cleanup.stop()
        self.stats._callback.stop()


def _running_loop() -> IOLoop:
    asyncio.get_running_loop()  # raises when there is none; Tornado would make another loop
    return IOLoop.current()


def _receivers(transports: tuple[str, ...]) -> dict[str, type[Receiver]]:
    return {name: _RECEIVERS[name] for name in transports if name in _RECEIVERS}


def _routes(transports: tuple[str, ...]) -> list[tuple[str, type[RequestHandler]]]:
    receivers = _receivers(transports)
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
