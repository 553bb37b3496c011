"""Reading a whole request in its plainest form, without I/O.

Tornado reads HTTP; this reads no more of it than what every browser sends to open a WebSocket, and
leaves the rest to Tornado: whatever is unusual, ambiguous or incomplete is not refused here, but
not read. So there is nothing that the two could read differently.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_FIELD = rb"[A-Za-z0-9-]+: [!-~](?:[ -~]*[!-~])?"
_PLAIN_GET = re.compile(rb"GET (/[!-~]*) HTTP/1\.1\r\n((?:%b\r\n)*%b)\r\n\r\n" % (_FIELD, _FIELD))
_BODIED = {"content-length", "transfer-encoding"}


class Request(NamedTuple):
    """The head of a request: ``target`` is the path with its query.

    The names of ``headers`` are in lower case, or the mapping does not mind.
    """

    method: str
    target: str
    version: str
    headers: Mapping[str, str]


def read_plain_get(data: bytes) -> Request | None:
    """Read a GET of HTTP/1.1 without a body, of which these are all the bytes.

    Nothing but printable ASCII, in lines that end with CRLF; every header once, and not empty.

    Returns:
        None when it is anything else.
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
    return Request("GET", found[1].decode("ascii"), "HTTP/1.1", headers)
