"""The connection over WebSocket, which needs the package ``websockets``."""

import json
import logging
import socket
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

from .report import StepSkipped
from .tabs import WEBSOCKET, Tab, no_websocket, refused

_frames_log = logging.getLogger("sockgate.doctor.frames")
"""At debug level, ``websockets`` logs every frame, the one with the token too."""
_frames_log.setLevel(logging.INFO)

_PORTS = {"http": 80, "https": 443}


class WebSocketTab(Tab):
    """SockJS over a WebSocket, as sockjs-client opens it."""

    name = WEBSOCKET

    def __init__(self, url: str, origin: str, timeout_s: float) -> None:
        super().__init__(url, origin, timeout_s)
        self._open_sockets = ExitStack()
        self._socket: Any = None

    def open(self) -> None:
        """Open the WebSocket."""
        try:
            from websockets.exceptions import InvalidHandshake, InvalidStatus
            from websockets.sync.client import connect
            from websockets.typing import Origin
        except ImportError as error:
            raise StepSkipped(
                "install the package websockets to try it: pip install 'sockgate[client]'"
            ) from error
        url = f"ws{self._session_url.removeprefix('http')}/websocket"
        try:
            opening = connect(
                url,
                sock=self._connected_socket(),  # With a socket, no redirect is followed.
                origin=Origin(self._origin),
                proxy=None,
                compression=None,
                logger=_frames_log,
                open_timeout=self._timeout_s,
                close_timeout=self._timeout_s,
            )
            self._socket = self._open_sockets.enter_context(opening)
        except InvalidStatus as error:
            status = error.response.status_code
            raise refused(status, self.name, self._url, self._origin) from error
        except (OSError, InvalidHandshake, ValueError) as error:
            raise no_websocket(str(error)) from error

    def send(self, text: str) -> None:
        """Send a message."""
        with self._closing_errors():
            self._socket.send(json.dumps([text]))

    def read_frame(self) -> str:
        """Read a message of the WebSocket."""
        with self._closing_errors():
            return str(self._socket.recv(self._timeout_s))
        return ""

    def close(self) -> None:
        """Close the WebSocket."""
        self._open_sockets.close()

    def _connected_socket(self) -> socket.socket:
        parts = urlsplit(self._url)
        address = (parts.hostname, parts.port or _PORTS[parts.scheme])
        return socket.create_connection(address, self._timeout_s)

    @staticmethod
    def _closing_errors() -> suppress:
        from websockets.exceptions import ConnectionClosed

        return suppress(ConnectionClosed)
