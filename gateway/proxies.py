"""Who a request really comes from, behind proxies that we trust. Pure.

``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed only when the peer on the socket is a
trusted proxy, and only as far back as trusted proxies wrote them: anybody can begin such a
header.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple


class Client(NamedTuple):
    """The browser's IP address, and the scheme that it used."""

    address: str
    scheme: str


class ProxyPolicy:
    """Which peers may speak for others.

    Args:
        trusted: IP addresses or networks (``10.0.0.0/8``).

    Raises:
        ValueError: one of them is neither.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [
            ip_network(entry, strict=False) for entry in trusted
        ]

    def client_of(self, peer: str, scheme: str, headers: Mapping[str, str]) -> Client:
        """Find the client of a request.

        Args:
            peer: the address on the socket.
            scheme: how the peer spoke to us.
            headers: the request's.
        """
        if not self._networks or not self.is_trusted(peer):
            return Client(peer, scheme)
        forwarded = headers.get("X-Forwarded-Proto", "").split(",")[-1].strip().lower()
        return Client(
            self._nearest_stranger(peer, headers.get("X-Forwarded-For", "")),
            forwarded if forwarded in ("http", "https") else scheme,
        )

    def _nearest_stranger(self, peer: str, forwarded_for: str) -> str:
        nearest = peer
        for candidate in reversed(forwarded_for.split(",")):
            address = candidate.strip()
            if not _is_address(address):
                break
            nearest = address
            if not self.is_trusted(address):
                break
        return nearest

    def is_trusted(self, address: str) -> bool:
        """Tell whether an address is a trusted proxy's."""
        if not _is_address(address):
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self._networks)


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False
