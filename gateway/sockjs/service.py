"""What the requests of one SockJS service share, and how they and its sessions see each other.

The router knows every request class, and each of them needs the router; a session gives frames to
responses, and responses belong to sessions. Here stands what each may know of the other.
"""

from abc import abstractmethod
from functools import cached_property
from hashlib import sha256
from secrets import randbits
from typing import Any, Protocol

from ..batch import Batch
from ..config import Config
from ..endpoint import Endpoint
from ..origins import OriginPolicy
from ..timerwheel import TimerWheel
from .library import ConnectionInfo, SockJSRouter
from .refusals import Refusals
from .tab import Tab

_MESSAGES_PER_SENDING = 8


class Response(Protocol):
    """What a session knows of the response that carries its frames.

    ``active`` tells whether it takes a frame now; ``is_overdue``, whether it has taken none
    since the last heartbeat.
    """

    name: str
    active: bool
    is_overdue: bool
    session: "Browser | None"

    def get_conn_info(self) -> ConnectionInfo:
        """Tell who asks."""

    def give(self, batch: Batch) -> None:
        """Carry messages."""

    def say(self, frame: bytes) -> None:
        """Carry one frame of the protocol."""

    def end(self, frame: bytes) -> None:
        """Carry a last frame and finish."""

    def abort(self) -> None:
        """Drop the browser without another word."""


class Browser(Protocol):
    """What requests know of the session that they belong to."""

    session_id: str
    conn: Tab

    @property
    def is_closed(self) -> bool:
        """Tell whether it has ended."""

    def attach(self, response: Response) -> None:
        """Let a response carry what the browser has not been given yet, and what follows."""

    def on_messages(self, messages: list[str]) -> None:
        """Take what the browser says."""

    def flush(self) -> None:
        """Give the response all that waits for it."""

    def interrupt(self) -> None:
        """End, because a response broke off."""


class Service(SockJSRouter):
    """One SockJS service, but for its routes. The arguments are those of ``Router``."""

    config: Config
    endpoint: Endpoint
    wheel: TimerWheel
    origins: OriginPolicy
    refusals: Refusals
    script: bytes | None

    base_url: str | None = None
    """Where browsers shall go on from ``/info``, when not here."""

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

    def info(self) -> dict[str, Any]:
        """Say what is offered (SockJS protocol 0.3.3, InfoTest)."""
        info = {
            "websocket": self.websockets_enabled,
            "cookie_needed": self.cookie_needed,
            "origins": ["*:*"],
            "entropy": randbits(32),
        }
        return info if self.base_url is None else {**info, "base_url": self.base_url}

    @abstractmethod
    def open_session(self, session_id: str, response: Response) -> Browser:
        """Open a session for a browser that we have not met.

        Raises:
            Refused: there is no room for it.
        """

    def forget(self, session: Browser) -> None:
        """Forget a session that has ended."""
        self._sessions.remove(session.session_id)
