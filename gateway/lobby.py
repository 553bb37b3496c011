"""Connections that have not said what they want, or read no answer, and how many there may be.

Strategy: a TCP connection costs memory before any other limit can see it, and may take a while
over its request (slowloris). A browser sends it within a moment; so when the lobby is full,
whoever has stood in it longest makes room for the newest. Who does not read what he has asked
for stands in it, too. A kept-alive connection is back in the lobby between two requests: to lose
it then harms nobody. Those of a trusted proxy share an address; for them only the total holds.
"""

from collections.abc import Callable
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate
from tornado.iostream import IOStream

from .detour import Passage, peer_of
from .proxies import ProxyPolicy, source_of


class Lobby:
    """Whoever waits, in the order of coming.

    Args:
        total: how many may wait.
        per_address: how many of one IP address, or one /64 of IPv6, may wait.
        proxies: whose addresses stand for many.
    """

    def __init__(self, total: int, per_address: int, proxies: ProxyPolicy) -> None:
        self._total = total
        self._per_address = per_address
        self._proxies = proxies
        self._waiting: dict[object, tuple[str, Callable[[], object]]] = {}
        self._by_source: dict[str, dict[object, None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, guest: object, address: str, show_out: Callable[[], object]) -> None:
        """Let somebody wait, and show out whoever must make room.

        Args:
            guest: who waits.
            address: the IP address on the socket.
            show_out: closes the connection.
        """
        self.leave(guest)
        source = source_of(address)
        mates = self._by_source.get(source, {})
        if len(mates) >= self._per_address and not self._proxies.is_trusted(address):
            self._show_out(next(iter(mates)))
        if len(self._waiting) >= self._total:
            self._show_out(next(iter(self._waiting)))
        self._waiting[guest] = source, show_out
        self._by_source.setdefault(source, {})[guest] = None

    def leave(self, guest: object) -> None:
        """Count somebody no more."""
        source, _ = self._waiting.pop(guest, (None, None))
        if source is None:
            return
        mates = self._by_source[source]
        del mates[guest]
        if not mates:
            del self._by_source[source]

    def _show_out(self, guest: object) -> None:
        _, show_out = self._waiting[guest]
        self.leave(guest)
        show_out()


class Usher(HTTPServerConnectionDelegate):
    """Lead every request through the lobby.

    Args:
        onward: serves requests.
        lobby: where they wait until they are complete.
        soon: calls back when those that can be answered at once have been.
    """

    def __init__(
        self,
        onward: HTTPServerConnectionDelegate,
        lobby: Lobby,
        soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self._onward = onward
        self._lobby = lobby
        self._soon = soon

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Let a connection wait for its next request."""
        connection = cast(HTTP1Connection, request_conn)
        address, _ = peer_of(connection)
        self._lobby.enter(server_conn, address, connection.stream.close)
        onward = self._onward.start_request(server_conn, request_conn)
        return _Guest(self, server_conn, connection.stream, onward)

    def on_close(self, server_conn: object) -> None:
        """Note that a client has closed."""
        self._lobby.leave(server_conn)
        self._onward.on_close(server_conn)

    def serve(self, server_conn: object, stream: IOStream) -> None:
        """Let somebody leave the lobby, unless he is answered at once and does not read."""

        def leave() -> None:
            if not stream.writing():
                self._lobby.leave(server_conn)

        self._soon(leave)


class _Guest(Passage):
    """One request; once it is complete, it is served."""

    __slots__ = ("_server_conn", "_stream", "_usher")

    def __init__(
        self, usher: Usher, server_conn: object, stream: IOStream, onward: HTTPMessageDelegate
    ) -> None:
        super().__init__(onward)
        self._usher = usher
        self._server_conn = server_conn
        self._stream = stream

    def finish(self) -> None:
        """Pass on that the request is complete."""
        super().finish()
        self._usher.serve(self._server_conn, self._stream)
