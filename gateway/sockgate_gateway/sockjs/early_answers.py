"""Answers before a session or a handler exists: ``/info``, and the refusal of an opening.

Strategy: over HTTP a client needs at least four requests until it is welcomed, and Tornado spends
0.6 ms on each. When a crowd returns, a busy worker refuses most of them, some several times. So
these two answers are written from the head of the request alone: for a plain request on a new
connection before Tornado has seen it, and else before Tornado's application does. An unusual
request is left to the handlers, which answer the same.
"""

import re
from collections.abc import Callable, Mapping
from email.utils import formatdate

from tornado.escape import json_encode

from ..errors import Disconnect
from ..http.plain_request import Request
from ..http.proxies import Client
from ..http.request_head import lists_token
from ..http.responses import Answer
from .framing import close_frame
from .handler import NO_CACHE
from .interfaces import RouterBase
from .transports.receiver import Receiver

_JSON = "application/json; charset=UTF-8"


class EarlyAnswers:
    """Answer requests by their head.

    Args:
        server: has the sessions of this worker.
        receivers: the transports that are offered, by name.
        is_own: whether a session of this id is one of this worker.
    """

    def __init__(
        self,
        server: RouterBase,
        receivers: Mapping[str, type[Receiver]],
        is_own: Callable[[str], bool],
    ) -> None:
        self._server = server
        self._receivers = receivers
        self._is_own = is_own
        prefix = re.escape(server.config.prefix)
        self._info_path = server.config.prefix + "/info"
        part = r"[A-Za-z0-9_~-]{1,128}"
        self._opening_path = re.compile(rf"{prefix}/{part}/({part})/({'|'.join(receivers)})")

    def answer(self, request: Request, client: Client) -> Answer | None:
        """Return the answer to a plain request; None: a handler gives it."""
        if request.method == "GET" and request.target.partition("?")[0] == self._info_path:
            return self._info(request, client)
        refusal = self.refusal(request, client)
        return None if refusal is None else Answer(refusal, is_last=True)

    def _info(self, request: Request, client: Client) -> Answer | None:
        if not self._is_simple(request, client):
            return None
        is_last = lists_token(request.headers.get("connection", ""), "close")
        body = json_encode(self._server.info()).encode()
        return Answer(_response(request, _JSON, body, is_last=is_last), is_last)

    def refusal(self, request: Request, client: Client) -> bytes | None:
        """Return the response to the opening of a session that is refused now, or None."""
        path, _, query = request.target.partition("?")
        found = self._opening_path.fullmatch(path)
        if found is None:
            return None
        session_id, receiver = found[1], self._receivers[found[2]]
        if request.method != receiver.access_methods.removeprefix("OPTIONS, "):
            return None
        if not self._is_own(session_id) or self._server.get_session(session_id) is not None:
            return None
        if not self._is_simple(request, client):
            return None
        try:
            self._server.lifecycle.check_opening(client.address)
        except Disconnect as refused:
            body = receiver.refusal(close_frame(refused.code, refused.reason), query)
            return body and _response(request, receiver.content_type, body, is_last=True)
        return None

    def _is_simple(self, request: Request, client: Client) -> bool:
        """Return whether the origin is allowed, and the answer needs no further header."""
        headers = request.headers
        if "access-control-request-headers" in headers:
            return False
        return self._server.origins.allows(
            headers.get("origin"),
            f"{client.scheme}://{headers.get('host', '')}",
            headers.get("referer"),
            headers.get("sec-fetch-site"),
        )


def _response(request: Request, content_type: str, body: bytes, *, is_last: bool) -> bytes:
    """Write a whole response with the headers of ``Handler``."""
    origin = request.headers.get("origin")
    lines = [
        "HTTP/1.1 200 OK",
        f"Content-Type: {content_type}",
        f"Date: {formatdate(usegmt=True)}",
        "X-Content-Type-Options: nosniff",
        "Vary: Origin",
        f"Cache-Control: {NO_CACHE}",
        f"Content-Length: {len(body)}",
    ]
    if is_last:
        lines.append("Connection: close")
    if origin is not None:
        lines.append(f"Access-Control-Allow-Origin: {origin}")
        lines.append("Access-Control-Allow-Credentials: true")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
