"""Who gets a WebSocket: decided here, whichever way a request has come."""

import re

from ..errors import Refused
from ..origins import OriginPolicy
from ..proxies import Client, ProxyPolicy
from .deflate import RESPONSE, is_offered
from .handshake import HandshakeRefused, accept, asks_for_websocket
from .request import Request
from .transport import DEFLATED, RAW, SOCKJS, Dialect, Surroundings, WebSocket


class Reception:
    """Answer those who ask for a WebSocket.

    Args:
        shared: what all WebSockets share.
        prefix: the path of SockJS.
        transports: those that are offered.
        origins: which pages may connect.
        proxies: whose forwarded headers are believed.
    """

    def __init__(
        self,
        shared: Surroundings,
        prefix: str,
        transports: tuple[str, ...],
        origins: OriginPolicy,
        proxies: ProxyPolicy,
    ) -> None:
        self.shared = shared
        self.proxies = proxies
        self._origins = origins
        base = re.escape(prefix)
        paths = {
            SOCKJS: base + r"/[^/.]{1,128}/[^/.]{1,128}/websocket",
            RAW: base + r"/websocket",
        }
        self._paths = {d: re.compile(p) for d, p in paths.items() if d.name in transports}

    def dialect_of(self, request: Request) -> Dialect | None:
        """Tell which WebSocket a request asks for, if any."""
        if not asks_for_websocket(request.headers):
            return None
        path = request.target.partition("?")[0]
        return next((d for d, pattern in self._paths.items() if pattern.fullmatch(path)), None)

    def receive(
        self, request: Request, dialect: Dialect, client: Client
    ) -> tuple[WebSocket, bytes]:
        """Open a WebSocket; give it, and the response that tells so.

        Raises:
            HandshakeRefused: it shall not be.
        """
        self._check_origin(request, client)
        extensions = self._agree_on_extensions(request)
        response = accept(request, extensions)
        agreed = DEFLATED[dialect] if extensions else dialect
        try:
            return WebSocket(self.shared, agreed, client.address), response
        except Refused as refused:
            again = ("Retry-After", "5")
            raise HandshakeRefused(503, refused.code.reason, again) from refused

    def _agree_on_extensions(self, request: Request) -> str:
        if not self.shared.compression:
            return ""
        offered = request.headers.get("sec-websocket-extensions", "")
        return RESPONSE if is_offered(offered) else ""

    def _check_origin(self, request: Request, client: Client) -> None:
        origin = request.headers.get("origin")
        if origin is None:
            return
        own = f"{client.scheme}://{request.headers.get('host', '')}".lower()
        if not self._origins.allows(origin, own):
            raise HandshakeRefused(403, "origin not allowed")
