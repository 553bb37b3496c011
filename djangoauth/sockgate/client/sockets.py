"""WebSockets of the client, on the package ``websockets``."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

try:
    from websockets.asyncio.client import ClientConnection, connect
    from websockets.exceptions import (
        ConnectionClosed,
        InvalidHandshake,
        InvalidProxy,
        InvalidStatus,
        InvalidURI,
    )
except ImportError as error:  # pragma: no cover
    raise ImportError(
        "sockgate.client needs the package websockets: pip install 'sockgate[client]'"
    ) from error

__all__ = [
    "TIMED_OUT",
    "ClientConnection",
    "Close",
    "SocketOptions",
    "close_of",
    "open_socket",
    "send_all",
]

log = logging.getLogger("sockgate.client")

_frames_log = logging.getLogger("sockgate.client.frames")
"""At debug level, ``websockets`` logs every frame, the one with the token too."""
_frames_log.setLevel(logging.INFO)

_CLOSE_TIMEOUT_S = 2.0
_ABNORMAL = 1006


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketOptions:
    """How a WebSocket is opened.

    Args:
        origin: of the page that the client stands for; None: a program, which sends none.
        ssl: for ``wss``; None: Python's default.
        uses_proxy: whether the proxy of the environment is used.
        max_message_bytes: a longer message closes the connection.
    """

    origin: str | None = None
    ssl: SSLContext | None = None
    uses_proxy: bool = True
    max_message_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Close:
    """How a connection ended, or why none was made.

    Args:
        code: a close code, an HTTP status, or 0.
        reason: for people.
        is_attempt: no connection was made; the next attempt may succeed.
    """

    code: int
    reason: str
    is_attempt: bool = False


TIMED_OUT = Close(0, "no answer in time", is_attempt=True)


class _ConnectHere(connect):
    """Follow no redirect, as browsers do not: the token is for this gateway alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the error, so that it is raised."""
        return exc


async def open_socket(url: str, options: SocketOptions) -> ClientConnection:
    """Open a WebSocket; ``close_of`` reads what is raised.

    Args:
        url: of the gateway, ``http(s)`` or ``ws(s)``, without ``/websocket``.
        options: how it is opened.
    """
    more: dict[str, Any] = {"ssl": options.ssl} if options.ssl else {}
    opening = _ConnectHere(
        websocket_url(url),
        origin=options.origin,  # type: ignore[arg-type]
        proxy=True if options.uses_proxy else None,
        open_timeout=None,  # The client has one.
        ping_interval=None,  # The protocol sends pings itself.
        close_timeout=_CLOSE_TIMEOUT_S,
        logger=_frames_log,
        max_size=options.max_message_bytes,
        **more,
    )
    return await opening


def websocket_url(url: str) -> str:
    """Return the address of the raw WebSocket below the URL of a gateway.

    Raises:
        ValueError: the URL is not absolute.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("http", "https", "ws", "wss"):
        raise ValueError(f"{url!r} is not an absolute URL; pass url= to the client")
    return f"{scheme.replace('http', 'ws')}://{rest.rstrip('/')}/websocket"


async def send_all(socket: ClientConnection, texts: "asyncio.Queue[str]") -> None:
    """Send texts until the socket is closed."""
    with suppress(ConnectionClosed):
        while True:
            await socket.send(await texts.get())


def close_of(error: Exception) -> Close:
    """Return how a connection ended that raised an error."""
    match error:
        case ConnectionClosed():
            return _close_frame_of(error)
        case InvalidURI() | InvalidProxy():
            return Close(0, f"the gateway's URL or the proxy cannot be used: {error}")
        case InvalidStatus():
            status = error.response.status_code
            return Close(status, f"the gateway answered HTTP {status}", is_attempt=True)
        case TimeoutError():
            return TIMED_OUT
        case OSError() | InvalidHandshake() | EOFError():
            reason = f"the gateway cannot be reached: {error or type(error).__name__}"
            return Close(_ABNORMAL, reason, is_attempt=True)
        case ValueError():
            return Close(0, str(error))
    log.error("A connection to the gateway has failed unexpectedly", exc_info=error)
    return Close(_ABNORMAL, "the client has failed; its log says why")


def _close_frame_of(error: ConnectionClosed) -> Close:
    # Without a close frame of the gateway, the reason may still be one of ours (1009: too large).
    frame = error.rcvd or error.sent
    if frame is None or (error.rcvd is None and frame.code == 1000):
        return Close(_ABNORMAL, "the connection broke off")
    return Close(frame.code, frame.reason)
