"""The client of a request behind trusted proxies. Pure.

``X-Forwarded-For`` and ``X-Forwarded-Proto`` are used only when the peer on the socket is a trusted
proxy, and only as far back as trusted proxies wrote them. A client can begin such a header itself,
with any number of addresses. So only its last ``MAX_FORWARDED_BYTES`` are read.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

import msgspec

from ..connections.sources import read_address

MAX_FORWARDED_BYTES = 512
"""The end of the header: what a dozen proxies write. An address that is cut off is not read."""


class Client(msgspec.Struct, frozen=True, gc=False):
    """The browser's IP address, and the scheme that it used."""

    address: str
    scheme: str


class ProxyPolicy:
    """The peers whose forwarded headers are trusted.

    Args:
        trusted: IP addresses or networks (``10.0.0.0/8``).

    Raises:
        ValueError: an entry is neither.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = [_network(entry, at) for at, entry in enumerate(trusted, 1)]

    def client_of(self, peer: str, scheme: str, headers: Mapping[str, str]) -> Client:
        """Return the client of a request.

        Args:
            peer: the address on the socket.
            scheme: ``http`` or ``https``, as the peer spoke to the gateway.
            headers: the request's headers, with names in lower case or in a mapping that ignores
                case.
        """
        if not self._networks or not self.is_trusted(peer):
            return Client(peer, scheme)
        forwarded = headers.get("x-forwarded-proto", "")[-MAX_FORWARDED_BYTES:]
        return Client(
            self._nearest_untrusted(peer, headers.get("x-forwarded-for", "")),
            _last_scheme(forwarded) or scheme,
        )

    def _nearest_untrusted(self, peer: str, forwarded_for: str) -> str:
        nearest = peer
        candidates = forwarded_for[-MAX_FORWARDED_BYTES:].split(",")
        if len(forwarded_for) > MAX_FORWARDED_BYTES:
            del candidates[0]
        for candidate in reversed(candidates):
            address = candidate.strip()
            if "%" in address or read_address(address) is None:  # A zone may be any text.
                break
            nearest = address
            if not self.is_trusted(address):
                break
        return nearest

    def is_trusted(self, address: str) -> bool:
        """Return whether an address is a trusted proxy's."""
        parsed = read_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def _last_scheme(forwarded: str) -> str:
    """Return what the nearest proxy wrote; empty when it is not a scheme of a page."""
    scheme = forwarded.rpartition(",")[2].strip().lower()
    return scheme if scheme in ("http", "https") else ""


def _network(entry: str, number: int) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        raise ValueError(f"entry {number} is not an IP address or network") from None
