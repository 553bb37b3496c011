"""Who a request really comes from, behind proxies that we trust. Pure.

``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed only when the peer on the socket is a
trusted proxy, and only as far back as trusted proxies wrote them: anybody can begin such a
header.
"""

from collections.abc import Iterable, Mapping
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
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
            headers: the request's; their names in lower case, or the mapping does not mind.
        """
        if not self._networks or not self.is_trusted(peer):
            return Client(peer, scheme)
        forwarded = headers.get("x-forwarded-proto", "").split(",")[-1].strip().lower()
        return Client(
            self._nearest_stranger(peer, headers.get("x-forwarded-for", "")),
            forwarded if forwarded in ("http", "https") else scheme,
        )

    def _nearest_stranger(self, peer: str, forwarded_for: str) -> str:
        nearest = peer
        for candidate in reversed(forwarded_for.split(",")):
            address = candidate.strip()
            if "%" in address or _read_address(address) is None:  # A zone may be any text.
                break
            nearest = address
            if not self.is_trusted(address):
                break
        return nearest

    def is_trusted(self, address: str) -> bool:
        """Tell whether an address is a trusted proxy's."""
        parsed = _read_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def source_of(address: str) -> str:
    """Name whom a limit counts: an address of IPv4, or the /64 that a subscriber of IPv6 has."""
    if ":" not in address:
        return address
    parsed = _read_address(address)
    if isinstance(parsed, IPv6Address):
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return address if parsed is None else str(parsed)


def _read_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
