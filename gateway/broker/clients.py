"""How Redis is opened: the one place that knows which kinds of Redis there are."""

from ..wire.addresses import Kind, read_address
from .cluster import ClusterServers
from .sentinel import SentinelServers
from .servers import Servers, SingleServer


def open_servers(url: str) -> Servers:
    """Open Redis; it connects when first used.

    Raises:
        gateway.wire.errors.AddressError: the URL is of no form that is known.
    """
    address = read_address(url)
    if address.kind is Kind.SENTINEL:
        return SentinelServers(address)
    if address.kind is Kind.CLUSTER:
        return ClusterServers(address)
    return SingleServer(address.server_url)
