"""WebSockets of the client, on the package ``websockets``."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

from .protocol.close import Close

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
class SocketListener:
    """Receives what happens to a socket, in this order: ``opened``, ``received``, ``lost``."""

    opened: Callable[[], None]
    received: Callable[[str], None]
    lost: Callable[[Close], None]


class _ConnectHere(connect):
    """Follow no redirect, as browsers do not: the token is for this gateway alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the error, so that it is raised."""
        return exc


class Socket:
    """One WebSocket: opened, read and written by a task of its own.

    Args:
        url: of the gateway, ``http(s)`` or ``ws(s)``, without ``/websocket``.
        options: how it is opened.
        listener: not called after ``close``.
    """

    def __init__(self, url: str, options: SocketOptions, listener: SocketListener) -> None:
        self._url = url
        self._options = options
        self._listener = listener
        self._texts: asyncio.Queue[str] = asyncio.Queue()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def send(self, text: str) -> None:
        """Send a text, after those before."""
        self._texts.put_nowait(text)

    def close(self) -> "asyncio.Task[None]":
        """Close it; the task that is returned ends when that is done."""
        self._task.cancel()
        return self._task

    async def _run(self) -> None:
        try:
            close = await self._serve(websocket_url(self._url))
        except ValueError as error:
            close = Close(0, str(error))
        except Exception:
            log.exception("A connection to the gateway has failed unexpectedly")
            close = Close(_ABNORMAL, "the client has failed; its log says why")
        self._listener.lost(close)

    async def _serve(self, url: str) -> Close:
        try:
            async with self._connect(url) as connection:
                self._listener.opened()
                return await self._exchange(connection)
        except (InvalidURI, InvalidProxy) as error:
            return Close(0, f"the gateway's URL or the proxy cannot be used: {error}")
        except InvalidStatus as error:
            status = error.response.status_code
            return Close(status, f"the gateway answered HTTP {status}", is_attempt=True)
        except (OSError, TimeoutError, InvalidHandshake, EOFError) as error:
            return Close(_ABNORMAL, _describe(error), is_attempt=True)

    async def _exchange(self, connection: ClientConnection) -> Close:
        sender = asyncio.get_running_loop().create_task(self._send_all(connection))
        try:
            while True:
                message = await connection.recv()
                if isinstance(message, str):
                    self._listener.received(message)
        except ConnectionClosed as error:
            return _close_of(error)
        finally:
            sender.cancel()

    async def _send_all(self, connection: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await connection.send(await self._texts.get())

    def _connect(self, url: str) -> connect:
        more: dict[str, Any] = {"ssl": self._options.ssl} if self._options.ssl else {}
        return _ConnectHere(
            url,
            origin=self._options.origin,  # type: ignore[arg-type]
            proxy=True if self._options.uses_proxy else None,
            open_timeout=None,
            ping_interval=None,  # The protocol sends pings itself.
            close_timeout=_CLOSE_TIMEOUT_S,
            logger=_frames_log,
            max_size=self._options.max_message_bytes,
            **more,
        )


def websocket_url(url: str) -> str:
    """Return the address of the raw WebSocket below the URL of a gateway.

    Raises:
        ValueError: the URL is not absolute.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("http", "https", "ws", "wss"):
        raise ValueError(f"{url!r} is not an absolute URL; pass url= to the client")
    return f"{scheme.replace('http', 'ws')}://{rest.rstrip('/')}/websocket"


def _close_of(error: ConnectionClosed) -> Close:
    # Without a close frame of the gateway, the reason may still be one of ours (1009: too large).
    frame = error.rcvd or error.sent
    if frame is None or (error.rcvd is None and frame.code == 1000):
        return Close(_ABNORMAL, "the connection broke off")
    return Close(frame.code, frame.reason)


def _describe(error: Exception) -> str:
    return f"the gateway cannot be reached: {error or type(error).__name__}"
