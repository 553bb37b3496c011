"""How many headers a request may have, and how long each may be that the gateway reads. Pure.

Strategy: a head may have 48 KiB, and parsing a header may cost more than reading it. So each header
has a limit, which holds before it is parsed. A header that a stranger alone writes is refused above
its limit (431). Others grow for good reasons on their way: the address of a page (``Referer``) and
what proxies add are cut (``http/origins.py``, ``http/proxies.py``), and too long a ``Cookie`` is
not read (``sockjs/handler.py``).

Each line costs its own parsing: 48 KiB in lines of four bytes cost ten times one header of 48 KiB.
So lines are counted before any is parsed (``http/server_streams.py``, ``plain_request.py``).
"""

from tornado.httputil import HTTPHeaders

from .origins import MAX_ORIGIN_BYTES
from .responses import RequestRefused

LIMITS_BYTES = {
    "Origin": MAX_ORIGIN_BYTES,
    "Host": 512,
    "Connection": 512,
    "Upgrade": 512,
    "Expect": 64,
    "Transfer-Encoding": 128,
    "Sec-WebSocket-Key": 64,
    "Sec-WebSocket-Version": 64,
    "Sec-WebSocket-Extensions": 1024,
    "Sec-Fetch-Site": 64,
    "Access-Control-Request-Headers": 1024,
    "If-None-Match": 1024,
}
"""By header. ``Content-Length`` is checked with the body (413)."""

MAX_COOKIE_BYTES = 8 * 1024

MAX_HEADER_LINES = 128
"""Of one request. A browser sends about 20, and proxies add about 10."""

_OTHER_LINES = 2
"""The request line, and the empty line at the end."""


def has_too_many_lines(line_ends: int) -> bool:
    """Return whether a head with ``line_ends`` has too many headers."""
    return line_ends > MAX_HEADER_LINES + _OTHER_LINES


_LIMITED = {
    next(iter(HTTPHeaders({name: ""}))): (name, limit) for name, limit in LIMITS_BYTES.items()
}
"""By name as Tornado writes it."""


def check_header_lengths(headers: HTTPHeaders) -> None:
    """Check the length of each header that is parsed.

    Raises:
        RequestRefused: one is too long.
    """
    # The headers that a request has, because Tornado raises an exception for each missing one.
    for name, limit_bytes in map(_LIMITED.__getitem__, filter(_LIMITED.__contains__, headers)):
        if len(headers[name]) > limit_bytes:
            raise RequestRefused(431, f"{name} may have {limit_bytes} bytes.")
