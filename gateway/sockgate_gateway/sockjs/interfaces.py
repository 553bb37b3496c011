"""The interfaces between router, sessions and responses, which use each other.

The router lists every request class, and each of these needs the router. A session sends frames to
responses, and a response belongs to a session. Without these interfaces the imports would be
circular.
"""

from abc import abstractmethod
from functools import cached_property
from hashlib import sha256
from secrets import randbits
from typing import Any, Protocol

from ..config.config import Config
from ..connections.batch import Batch
from ..http.origins import OriginPolicy
from ..http.refusal_log import RefusalLog
from ..loop.timer_wheel import TimerWheel
from ..sessions.lifecycle import Lifecycle
from .adapter import ConnectionAdapter
from .binding import Binding
from .library import ConnectionInfo, SockJSRouter
from .unknown_sockjs_sessions import UnknownSockJSSessions

_FRAMES_PER_REQUEST = 8


class ResponseView(Protocol):
    """A response that carries frames, as its session sees it.

    ``active``: it takes a frame now. ``is_overdue``: it has taken none since the last heartbeat.
    """

    name: str
    active: bool
    is_overdue: bool
    session: "SessionView | None"

    def get_conn_info(self) -> ConnectionInfo:
        """Return the client's address."""

    def send(self, batch: Batch) -> None:
        """Send a batch of messages."""

    def send_frame(self, frame: bytes) -> None:
        """Send one SockJS frame."""

    def end(self, frame: bytes) -> None:
        """Send a last frame and finish."""

    def abort(self) -> None:
        """Close the socket without a last frame."""


class SessionView(Protocol):
    """A session, as its requests see it."""

    session_id: str
    conn: ConnectionAdapter
    binding: Binding | None

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""

    def attach(self, response: ResponseView) -> None:
        """Send waiting frames, and those that follow, to this response."""

    def on_messages(self, messages: list[str]) -> None:
        """Receive messages of the client."""

    def flush(self) -> None:
        """Send waiting frames to the response."""

    def interrupt(self) -> None:
        """End, because a response was interrupted."""


class RouterBase(SockJSRouter):
    """The router without its routes. The arguments are those of ``Router``."""

    config: Config
    lifecycle: Lifecycle
    wheel: TimerWheel
    origins: OriginPolicy
    refusals: RefusalLog
    unknown_sockjs_sessions: UnknownSockJSSessions
    script: bytes | None

    @property
    def max_body_bytes(self) -> int:
        """The largest body of a request: a few frames of full length, escaped."""
        return _FRAMES_PER_REQUEST * self.config.max_frame

    @cached_property
    def script_url(self) -> str:
        """The URL of the iframe's script, with a digest of its content."""
        version = sha256(self.script or b"").hexdigest()[:12]
        return f"{self.config.prefix}/sockjs.js?{version}"

    @cached_property
    def frame_ancestors(self) -> str:
        """The directive of the Content-Security-Policy for origins that may frame our pages."""
        return " ".join(["frame-ancestors 'self'", *self.origins.sources()])

    def info(self) -> dict[str, Any]:
        """Return the answer to ``/info`` (SockJS protocol 0.3.3, InfoTest)."""
        return {
            "websocket": self.websockets_enabled,
            "cookie_needed": self.cookie_needed,
            "origins": ["*:*"],
            "entropy": randbits(32),
        }

    @abstractmethod
    def open_session(self, session_id: str, response: ResponseView) -> SessionView:
        """Open a new session.

        Raises:
            Disconnect: a limit on connections is reached.
        """

    def remove(self, session: SessionView) -> None:
        """Remove a session that has ended."""
        self._sessions.remove(session.session_id)
        self.unknown_sockjs_sessions.add_ended(session.session_id)
