"""Connections that have not said what they want, and how many of them there may be.

Strategy: a TCP connection costs memory before any other limit can see it, and may take a while
over its request (slowloris). A browser sends it within a moment; so when the lobby is full,
whoever has stood in it longest makes room for the newest. A kept-alive connection is back
in the lobby between two requests: to lose it then harms nobody. Those of a trusted proxy share an
address; for them only the total holds.
"""

from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate

from .detour import Passage, peer_of
from .proxies import ProxyPolicy


class Lobby(HTTPServerConnectionDelegate):
    """Count who waits; pass everything on.

    Args:
        onward: serves requests.
        total: how many may wait.
        per_address: how many of one IP address may wait.
        proxies: whose addresses stand for many.
    """

    def __init__(
        self,
        onward: HTTPServerConnectionDelegate,
        total: int,
        per_address: int,
        proxies: ProxyPolicy,
    ) -> None:
        self._onward = onward
        self._total = total
        self._per_address = per_address
        self._proxies = proxies
        self._waiting: dict[object, HTTP1Connection] = {}
        self._by_address: dict[str, dict[object, None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Let a connection wait for its next request."""
        connection = cast(HTTP1Connection, request_conn)
        self._enter(server_conn, connection)
        return _Guest(self, server_conn, self._onward.start_request(server_conn, request_conn))

    def on_close(self, server_conn: object) -> None:
        """Note that a client has closed."""
        self.leave(server_conn)
        self._onward.on_close(server_conn)

    def leave(self, server_conn: object) -> None:
        """Count a connection no more."""
        connection = self._waiting.pop(server_conn, None)
        if connection is None:
            return
        address, _ = peer_of(connection)
        mates = self._by_address.get(address, {})
        mates.pop(server_conn, None)
        if not mates:
            self._by_address.pop(address, None)

    def _enter(self, server_conn: object, connection: HTTP1Connection) -> None:
        address, _ = peer_of(connection)
        mates = self._by_address.get(address, {})
        if len(mates) >= self._per_address and not self._proxies.is_trusted(address):
            self._show_out(next(iter(mates)))
        if len(self._waiting) >= self._total:
            self._show_out(next(iter(self._waiting)))
        self._waiting[server_conn] = connection
        self._by_address.setdefault(address, {})[server_conn] = None

    def _show_out(self, server_conn: object) -> None:
        connection = self._waiting[server_conn]
        self.leave(server_conn)
        connection.stream.close()


class _Guest(Passage):
    """One request; once it is read, it leaves the lobby."""

    __slots__ = ("_lobby", "_server_conn")

    def __init__(self, lobby: Lobby, server_conn: object, onward: HTTPMessageDelegate) -> None:
        super().__init__(onward)
        self._lobby = lobby
        self._server_conn = server_conn

    def finish(self) -> None:
        """Leave the lobby."""
        self._lobby.leave(self._server_conn)
        super().finish()
