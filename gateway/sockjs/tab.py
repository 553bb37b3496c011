"""What sockjs-tornado calls a connection: the seam between its session and our endpoint."""

from ..connection import Connection
from ..endpoint import Endpoint
from ..wire.closecodes import CloseCode
from .library import ConnectionInfo, SockJSConnection


class Tab(SockJSConnection):
    """Hand a browser over to the endpoint: opened, received, closed."""

    connection: Connection

    @property
    def _endpoint(self) -> Endpoint:
        endpoint: Endpoint = self.session.server.endpoint
        return endpoint

    def on_open(self, request: ConnectionInfo) -> None:
        """Admit the browser.

        Raises:
            Refused: there is no room.
        """
        self.connection = self._endpoint.opened(self.session, request.ip)

    def on_message(self, message: str) -> None:
        """Take what the browser says."""
        self._endpoint.received(self.connection, message)

    def on_nothing(self) -> None:
        """Count a request that brought no message as if it had brought one."""
        self._endpoint.admits(self.connection)

    def on_close(self) -> None:
        """Say that the browser is gone."""
        code, _ = self.session.close_reason
        self._endpoint.closed(self.connection, code)

    def fail(self, code: CloseCode, cause: str) -> None:
        """Ask for the end of the connection."""
        self._endpoint.close(self.connection, code, cause)
