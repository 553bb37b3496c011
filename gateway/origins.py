"""Which web pages may talk to the gateway. Pure.

A browser names the origin of the page (RFC 6454) in ``Origin``, always for WebSocket and for
cross-origin XHR. A script tag (JSONP) sends none, but mostly a ``Referer``. Programs send
neither, and are admitted: the token is the authority, the origin only keeps a foreign page from
using a visitor's browser.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalize(origin: str) -> str:
    """Write an origin as browsers do: lower case, without a default port or a path.

    Raises:
        ValueError: it is not ``http(s)://host[:port]``.
    """
    parts = urlsplit(origin.strip().lower())
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        raise ValueError(f"not an origin: {origin!r}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


class OriginPolicy:
    """Exact origins; there are no wildcards.

    Args:
        allowed: origins as ``normalize`` accepts them.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = frozenset(normalize(origin) for origin in allowed)

    def allows(self, origin: str | None, own: str, referer: str | None = None) -> bool:
        """Tell whether a request may be served.

        Args:
            origin: the ``Origin`` header as received; ``None`` when absent.
            own: the origin under which the request reached us; the pages that we serve
                ourselves (the iframe of SockJS) have it.
            referer: the ``Referer`` header; looked at only when there is no origin.
        """
        claimed = origin if origin is not None else referer
        if claimed is None or claimed in self.allowed:
            return True
        normal = _normal_or_none(claimed)
        if normal is None:
            return False
        return normal in self.allowed or normal == _normal_or_none(own)


def _normal_or_none(origin: str) -> str | None:
    try:
        return normalize(origin)
    except ValueError:
        return None
