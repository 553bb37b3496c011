"""Checks of a request's head that hold for every request. Pure.

Tornado makes some of these checks, but only for requests that reach its application. WebSockets and
requests for another worker do not reach it.
"""

import re
from collections.abc import Mapping
from sys import intern

from tornado.httputil import HTTPHeaders, RequestStartLine

from ..wire.inspection import MAX_AGENT_LENGTH
from .header_limits import check_header_lengths
from .responses import RequestRefused

HOST = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]{0,5})?"
)
"""A host with an optional port (RFC 9110 section 7.2)."""

MAX_LENGTH_BYTES = 128
"""Of ``Content-Length``, which proxies may have repeated."""

_ABSOLUTE = re.compile(r"https?://([^/?#]*)([/?].*)?", re.IGNORECASE)


def check_head(
    start_line: RequestStartLine, headers: HTTPHeaders, max_body_bytes: int
) -> RequestStartLine:
    """Check a head, and return its start line with a path as target.

    A target in absolute form (RFC 9112 section 3.2.2) replaces ``Host``.

    Raises:
        RequestRefused: the head is invalid, a header is too long, or the body is too large.
    """
    check_header_lengths(headers)
    _check_host(start_line.version, headers)
    _check_body(start_line.version, headers, max_body_bytes)
    if start_line.path.startswith("/") or start_line.path == "*":
        return start_line
    absolute = _ABSOLUTE.fullmatch(start_line.path)
    if absolute is None or HOST.fullmatch(absolute[1]) is None:
        raise RequestRefused(400, "The request target is neither a path nor a URL.")
    headers["Host"] = absolute[1]
    path = absolute[2] or "/"
    return start_line._replace(path=path if path.startswith("/") else f"/{path}")


def has_body(headers: HTTPHeaders) -> bool:
    """Return whether a body follows a checked head."""
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0").strip("0") != ""


def asks_for_websocket(headers: Mapping[str, str]) -> bool:
    """Return whether ``Upgrade`` lists WebSocket, among other protocols or alone."""
    return lists_token(headers.get("upgrade", ""), "websocket")


def user_agent(header: str | None) -> str:
    """Return the beginning of a user agent; equal ones share their memory."""
    return intern((header or "")[:MAX_AGENT_LENGTH])


def lists_token(header: str, token: str) -> bool:
    """Return whether a comma-separated header lists a token, among others or alone, in any case."""
    listed = header.lower()
    return listed == token or token in map(str.strip, listed.split(","))


def _check_host(version: str, headers: HTTPHeaders) -> None:
    hosts = headers.get_list("Host")
    if not hosts and version == "HTTP/1.0":
        return
    if len(hosts) != 1 or HOST.fullmatch(hosts[0]) is None:
        raise RequestRefused(400, "Exactly one valid Host header is needed.")


def _check_body(version: str, headers: HTTPHeaders, max_body_bytes: int) -> None:
    if "Transfer-Encoding" in headers:
        _check_transfer_encoding(version, headers)
    elif "Content-Length" in headers:
        is_readable = len(headers["Content-Length"]) <= MAX_LENGTH_BYTES
        length = _read_length(headers) if is_readable else ""
        if not 0 < len(length) <= 15 or int(length) > max_body_bytes:
            raise RequestRefused(413, f"A body may have {max_body_bytes} bytes.")


def _check_transfer_encoding(version: str, headers: HTTPHeaders) -> None:
    if "Content-Length" in headers or version != "HTTP/1.1":
        raise RequestRefused(400, "Transfer-Encoding cannot be used here.")
    coding = headers["Transfer-Encoding"].lower()
    if "," in coding:
        raise RequestRefused(400, "Transfer-Encoding names more than one coding.")
    if coding != "chunked":
        raise RequestRefused(501, "The only Transfer-Encoding is chunked.")


def _read_length(headers: HTTPHeaders) -> str:
    """Return the digits, which a proxy may have repeated (RFC 9110 section 8.6)."""
    lengths = {text.strip() for text in headers["Content-Length"].split(",")}
    length = lengths.pop()
    if lengths or not length.isascii() or not length.isdigit():
        raise RequestRefused(400, "Content-Length is not one number.")
    headers["Content-Length"] = length
    return length
