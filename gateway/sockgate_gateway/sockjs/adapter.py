"""The adapter between a session of sockjs-tornado and the lifecycle of a connection."""

from ..connections.connection import Connection
from ..sessions.lifecycle import Lifecycle
from ..wire.closecodes import CloseCode
from .library import ConnectionInfo, SockJSConnection


class ConnectionAdapter(SockJSConnection):
    """Pass the events of a session to the lifecycle; sockjs-tornado calls this a connection."""

    connection: Connection

    @property
    def _lifecycle(self) -> Lifecycle:
        lifecycle: Lifecycle = self.session.server.lifecycle
        return lifecycle

    def on_open(self, request: ConnectionInfo) -> None:
        """Open the connection.

        Raises:
            Disconnect: a limit on connections is reached.
        """
        self.connection = self._lifecycle.open(self.session, request.ip)

    def on_message(self, message: str) -> None:
        """Pass a frame on."""
        self._lifecycle.receive(self.connection, message)

    def on_empty_request(self) -> None:
        """Count a request without messages as one frame."""
        self._lifecycle.allow_frames(self.connection)

    def on_close(self) -> None:
        """Report that the session has ended."""
        self._lifecycle.transport_closed(self.connection, *self.session.close_reason)

    def fail(self, code: CloseCode, cause: str) -> None:
        """Close the connection."""
        self._lifecycle.close(self.connection, code, cause)
