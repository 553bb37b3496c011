"""What we use of sockjs-tornado 1.0.7, typed; the library itself is not."""

from typing import Any

from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import RequestHandler

CONNECTING: int
OPEN: int
CLOSING: int
CLOSED: int

class ConnectionInfo:
    ip: str
    def get_header(self, name: str) -> str | None: ...

class SockJSConnection:
    session: Any
    def __init__(self, session: Any) -> None: ...
    def on_open(self, request: ConnectionInfo) -> None: ...
    def on_message(self, message: str) -> None: ...
    def on_close(self) -> None: ...

class SockJSSession:
    session_id: str
    server: Any
    handler: Any
    state: int
    conn: Any
    close_reason: tuple[int, str] | None
    def __init__(
        self,
        conn: type[SockJSConnection],
        server: SockJSRouter,
        session_id: str,
        expiry: float | None = None,
    ) -> None: ...
    @property
    def is_closed(self) -> bool: ...
    def on_messages(self, msg_list: list[str]) -> None: ...

class SessionContainer:
    def add(self, session: SockJSSession) -> None: ...
    def remove(self, session_id: str) -> bool: ...

class StatsCollector:
    _callback: PeriodicCallback

class SockJSRouter:
    io_loop: IOLoop
    settings: dict[str, Any]
    stats: StatsCollector
    websockets_enabled: bool
    cookie_needed: bool
    _sessions: SessionContainer
    _sessions_cleanup: PeriodicCallback
    _transport_urls: list[tuple[str, type[RequestHandler], dict[str, Any]]]
    def __init__(
        self,
        connection: type[SockJSConnection],
        prefix: str = "",
        user_settings: dict[str, Any] = ...,
        io_loop: IOLoop | None = None,
        session_kls: type[SockJSSession] | None = None,
    ) -> None: ...
    @property
    def urls(self) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]: ...
    def create_session(self, session_id: str, register: bool = True) -> Any: ...
    def get_session(self, session_id: str) -> Any: ...

class PreflightHandler(RequestHandler):
    def initialize(self, server: Any) -> None: ...
    def enable_cache(self) -> None: ...
    def disable_cache(self) -> None: ...
    def handle_session_cookie(self) -> None: ...
    def preflight(self) -> None: ...

class PollingTransportBase(PreflightHandler):
    name: str
    active: bool
    session: Any
    def get_conn_info(self) -> ConnectionInfo: ...
    def _detach(self) -> None: ...
