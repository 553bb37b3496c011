"""Which origins may use the gateway. Pure.

An entry of ``SOCKGATE_ORIGINS`` is one origin, or a domain with its subdomains:
``https://*.example.com``, as in Django's ``CSRF_TRUSTED_ORIGINS``.

A browser sends the page's origin (RFC 6454) in ``Origin``, always for WebSocket and for
cross-origin XHR. A script tag (JSONP) and an iframe send no ``Origin``, but mostly a ``Referer``. A
page can suppress the ``Referer``; ``Sec-Fetch-Site`` (Fetch Metadata) then says whether the page is
foreign. Programs and old browsers send none of the three, and are allowed. The token is the
authority; the origin check only prevents a foreign page from using a visitor's browser.

Whatever a stranger sends is cut or refused at ``MAX_ORIGIN_BYTES`` before it is parsed.

Two places check an origin: ``WebSocketAcceptor`` (``websocket/accept.py``) for WebSockets, and
``Handler`` (``sockjs/handler.py``) for every other request.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}

MAX_ORIGIN_BYTES = 512
"""A host has at most 253 characters (RFC 1035), so no browser's origin is as long."""

_TOO_LONG = ""
"""In place of an origin that is too long; it is not an origin."""

_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
"""The values of ``Sec-Fetch-Site`` that refuse a request without ``Origin`` and ``Referer``.

``same-origin`` is a page of ours, and ``none`` is an address that the user typed. ``same-site`` is
another host of the same site, which may be an allowed origin but did not name itself."""


_ANY_SUBDOMAIN = "*."


def normalize_origin(origin: str) -> str:
    """Write an origin as browsers do, in lower case and without a default port or a path.

    Raises:
        ValueError: the text is not ``http(s)://host[:port]``.
    """
    parts = urlsplit(origin.strip().lower())
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        raise ValueError(f"not an origin: {origin!r}")
    if "*" in parts.hostname:
        raise ValueError(f"not one origin: {origin!r}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def domain_of(entry: str) -> str | None:
    """Return the origin of the domain whose subdomains an entry allows; None: it is one origin.

    Raises:
        ValueError: the entry is neither ``http(s)://*.domain[:port]`` nor an origin.
    """
    scheme, _, host = entry.strip().lower().partition("://")
    if not host.startswith(_ANY_SUBDOMAIN):
        normalize_origin(entry)
        return None
    domain = normalize_origin(f"{scheme}://{host.removeprefix(_ANY_SUBDOMAIN)}")
    hostname = urlsplit(domain).hostname or ""
    if "." not in hostname and hostname != "localhost":
        raise ValueError(f"{entry!r} allows every host of {hostname}")
    return domain


def claimed_origin(origin: str | None, referer: str | None) -> str | None:
    """Return what a request says about its page: ``Origin``, or else the start of ``Referer``.

    Args:
        origin: the ``Origin`` header as received; None when absent.
        referer: the ``Referer`` header; its path and query may have any length.

    Returns:
        A text of at most ``MAX_ORIGIN_BYTES``; None when the request says nothing.
    """
    if origin is not None:
        return origin if len(origin) <= MAX_ORIGIN_BYTES else _TOO_LONG
    if referer is None or len(referer) <= MAX_ORIGIN_BYTES:
        return referer
    scheme, _, rest = referer[:MAX_ORIGIN_BYTES].partition("://")
    host, slash, _ = rest.partition("/")
    return f"{scheme}://{host}" if slash else _TOO_LONG


class OriginPolicy:
    """Allow exact origins, and the subdomains of domains.

    Args:
        allowed: entries as ``domain_of`` accepts them.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        domains = {entry: domain_of(entry) for entry in allowed}
        self._domains = frozenset(domain for domain in domains.values() if domain)
        exact = {normalize_origin(entry) for entry, domain in domains.items() if not domain}
        self.allowed = exact | self._domains
        parts = sorted(domain.partition("://") for domain in self._domains)
        self._endings = {
            chosen: tuple(f".{host}" for scheme, _, host in parts if scheme == chosen)
            for chosen in _DEFAULT_PORTS
        }

    def sources(self) -> list[str]:
        """List the allowed origins as sources of a Content-Security-Policy."""
        return sorted([*self.allowed, *map(_with_subdomains, self._domains)])

    def allows(
        self,
        origin: str | None,
        own: str,
        referer: str | None = None,
        fetch_site: str | None = None,
    ) -> bool:
        """Return whether a request may be served.

        Args:
            origin: the ``Origin`` header as received; None when absent.
            own: the origin under which the request arrived, which the gateway's own pages (the
                iframe of SockJS) have.
            referer: the ``Referer`` header; used only without ``Origin``.
            fetch_site: the ``Sec-Fetch-Site`` header; used only without both.
        """
        claimed = claimed_origin(origin, referer)
        if claimed is None:
            return (fetch_site or "").strip().lower() not in _FOREIGN_SITES
        if claimed in self.allowed:
            return True
        normalized = _normalize_or_none(claimed)
        if normalized is None:
            return False
        return (
            normalized in self.allowed
            or normalized == _normalize_or_none(own)
            or (bool(self._domains) and self._is_subdomain(normalized))
        )

    def _is_subdomain(self, origin: str) -> bool:
        scheme, _, host = origin.partition("://")
        return host.endswith(self._endings[scheme])


def _with_subdomains(domain: str) -> str:
    scheme, _, host = domain.partition("://")
    return f"{scheme}://{_ANY_SUBDOMAIN}{host}"


def _normalize_or_none(origin: str) -> str | None:
    try:
        return normalize_origin(origin)
    except ValueError:
        return None
