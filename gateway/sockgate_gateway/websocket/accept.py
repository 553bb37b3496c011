"""Accept or refuse a WebSocket, for every path that a request can take."""

import re

from ..errors import Disconnect
from ..http.origins import OriginPolicy, claimed_origin
from ..http.plain_request import Request
from ..http.proxies import Client, ProxyPolicy
from ..http.refusal_log import RefusalLog
from ..http.request_head import asks_for_websocket, user_agent
from ..http.responses import RequestRefused
from .deflate import negotiate
from .framing import DEFLATED, RAW, SOCKJS, Framing
from .handshake import accept_handshake
from .transport import RefusedWebSocket, WebSocket, WebSocketContext


class WebSocketAcceptor:
    """Accept WebSockets.

    Args:
        context: shared by all WebSockets of the worker.
        prefix: the path of SockJS.
        transports: the names of those that are offered.
        origins: the pages that may connect.
        proxies: the peers whose forwarded headers are trusted.
        refusals: logs refused origins.
    """

    def __init__(
        self,
        context: WebSocketContext,
        *,
        prefix: str,
        transports: tuple[str, ...],
        origins: OriginPolicy,
        proxies: ProxyPolicy,
        refusals: RefusalLog,
    ) -> None:
        self.context = context
        self.proxies = proxies
        self._origins = origins
        self._refusals = refusals
        base = re.escape(prefix)
        paths = {
            SOCKJS: base + r"/[^/.]{1,128}/[^/.]{1,128}/websocket",
            RAW: base + r"/websocket",
        }
        self._paths = {f: re.compile(p) for f, p in paths.items() if f.name in transports}

    def framing_for(self, request: Request) -> Framing | None:
        """Return the framing that a request asks for; None when it asks for no WebSocket."""
        if request.method == "HEAD" or not asks_for_websocket(request.headers):
            return None
        path = request.target.partition("?")[0]
        for framing, pattern in self._paths.items():
            if pattern.fullmatch(path):
                return framing
        return None

    def accept(self, request: Request, framing: Framing, client: Client) -> tuple[WebSocket, bytes]:
        """Open a WebSocket.

        Returns:
            The WebSocket, and the response to write before its first frame.

        Raises:
            RequestRefused: the origin is not allowed, the handshake is invalid, or the worker has
                no room.
        """
        self._check_origin(request, client)
        extensions = self._negotiate_extensions(request)
        response = accept_handshake(request, extensions)
        negotiated = DEFLATED[framing] if extensions else framing
        try:
            agent = user_agent(request.headers.get("user-agent"))
            return WebSocket(self.context, negotiated, client.address, agent), response
        except Disconnect as refused:
            if refused.come_back_s:  # A page reads close codes, and no HTTP status.
                return RefusedWebSocket(self.context, negotiated, refused), response
            retry_after = ("Retry-After", "5")
            raise RequestRefused(503, refused.code.reason, retry_after) from refused

    def _negotiate_extensions(self, request: Request) -> str:
        if not self.context.compression:
            return ""
        return negotiate(request.headers.get("sec-websocket-extensions", ""))

    def _check_origin(self, request: Request, client: Client) -> None:
        origin = request.headers.get("origin")
        own = f"{client.scheme}://{request.headers.get('host', '')}"
        site = request.headers.get("sec-fetch-site")
        if not self._origins.allows(origin, own, fetch_site=site):
            self._refusals.log_origin(claimed_origin(origin, None), client.address)
            raise RequestRefused(403, "origin not allowed")
