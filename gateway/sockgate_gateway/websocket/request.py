"""Read a whole request in its plainest form. Pure.

This reads only the form in which browsers send a WebSocket handshake. An unusual, ambiguous or
incomplete request is not refused but left to Tornado, so the two cannot read a request differently.
"""

import re
from collections.abc import Mapping

import msgspec

from ..http.header_limits import MAX_HEADER_LINES
from ..http.request_head import HOST

_FIELD = rb"[A-Za-z0-9-]+: [!-~](?:[ -~]*[!-~])?"
_PLAIN_GET = re.compile(
    rb"GET (/[!-~]*) HTTP/1\.1\r\n((?:%b\r\n){0,%d}%b)\r\n\r\n"
    % (_FIELD, MAX_HEADER_LINES - 1, _FIELD)
)
_BODIED = {"content-length", "transfer-encoding"}


class Request(msgspec.Struct, frozen=True, gc=False):
    """The head of a request.

    ``target`` is the path with its query. ``headers`` has names in lower case, or is a mapping that
    ignores case.
    """

    method: str
    target: str
    version: str
    headers: Mapping[str, str]


def read_plain_get(data: bytes) -> Request | None:
    """Read a whole GET request of HTTP/1.1 with a valid host and without a body.

    It must be printable ASCII in at most ``MAX_HEADER_LINES`` lines that end with CRLF. Each header
    occurs once and is not empty.

    Returns:
        The request; None when the data is anything else.
    """
    found = _PLAIN_GET.fullmatch(data)
    if found is None:
        return None
    fields = found[2].decode("ascii").split("\r\n")
    headers = {}
    for field in fields:
        name, _, text = field.partition(": ")
        headers[name.lower()] = text
    if len(headers) < len(fields) or not _BODIED.isdisjoint(headers):
        return None
    if HOST.fullmatch(headers.get("host", "")) is None:
        return None
    return Request("GET", found[1].decode("ascii"), "HTTP/1.1", headers)
