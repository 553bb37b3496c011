"""Read a whole request in its plainest form. Pure.

This reads only the form in which browsers send a WebSocket handshake, and the requests of SockJS.
An unusual, ambiguous or incomplete request is not refused but left to Tornado, so the two cannot
read a request differently.
"""

import re
from collections.abc import Mapping

import msgspec

from .header_limits import MAX_HEADER_LINES
from .request_head import HOST

_FIELD = rb"[A-Za-z0-9-]+: [!-~](?:[ -~]*[!-~])?"
_PLAIN = re.compile(
    rb"(GET|POST) (/[!-~]*) HTTP/1\.1\r\n((?:%b\r\n){0,%d}%b)\r\n\r\n"
    % (_FIELD, MAX_HEADER_LINES - 1, _FIELD)
)
_LENGTH = re.compile("0|[1-9][0-9]{0,3}")
_LEFT_TO_TORNADO = {"transfer-encoding", "expect"}


class Request(msgspec.Struct, frozen=True, gc=False):
    """The head of a request, whose body has no influence on what is done here.

    ``target`` is the path with its query. ``headers`` has names in lower case, or is a mapping that
    ignores case.
    """

    method: str
    target: str
    version: str
    headers: Mapping[str, str]


def read_plain_request(data: bytes) -> Request | None:
    """Read a whole GET of HTTP/1.1 without a body, or a whole POST with its length.

    The head must be printable ASCII in at most ``MAX_HEADER_LINES`` lines that end with CRLF, with
    a valid host. Each header occurs once and is not empty.

    Returns:
        The request; None when the data is anything else.
    """
    found = _PLAIN.match(data)
    if found is None:
        return None
    fields = found[3].decode("ascii").split("\r\n")
    headers = {}
    for field in fields:
        name, _, text = field.partition(": ")
        headers[name.lower()] = text
    if len(headers) < len(fields) or not _LEFT_TO_TORNADO.isdisjoint(headers):
        return None
    if HOST.fullmatch(headers.get("host", "")) is None:
        return None
    method = found[1].decode("ascii")
    if not _has_whole_body(method, headers, len(data) - found.end()):
        return None
    return Request(method, found[2].decode("ascii"), "HTTP/1.1", headers)


def _has_whole_body(method: str, headers: Mapping[str, str], size_bytes: int) -> bool:
    if method == "GET":
        return size_bytes == 0 and "content-length" not in headers
    length = headers.get("content-length", "")
    return _LENGTH.fullmatch(length) is not None and int(length) == size_bytes
