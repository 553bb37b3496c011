"""HTTP responses to requests that are refused before they reach a handler. Pure."""

from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

from ..errors import GatewayError


class Answer(NamedTuple):
    """A whole response; ``is_last``: it ends the connection."""

    response: bytes
    is_last: bool


class RequestRefused(GatewayError):
    """A request is refused.

    Args:
        status: the HTTP status.
        reason: the body of the response.
        headers: further headers of the response.
    """

    def __init__(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers

    def response(self, method: str = "GET") -> bytes:
        """Return the whole response, for ``HEAD`` without its body; it ends the connection."""
        body = self.reason.encode()
        # The headers that apply to this connection alone (RFC 9110 section 7.6.1).
        options = ["close", *(name for name, _ in self.headers if name == "Upgrade")]
        headers = [
            ("Date", formatdate(usegmt=True)),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
            ("Connection", ", ".join(options)),
            ("Content-Length", str(len(body))),
            *([("Content-Type", "text/plain; charset=UTF-8")] if body else []),
            *self.headers,
        ]
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            *(f"{name}: {text}" for name, text in headers),
        ]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        return head if method == "HEAD" else head + body
