"""Which class serves which kind of Redis."""

from ...wire.addresses import Kind, read_address
from ...wire.names import Names
from .cluster import ClusterServers
from .sentinel import SentinelServers
from .single import Servers, SingleServer


def open_servers(url: str, names: Names = Names()) -> Servers:  # noqa: B008  (a tuple)
    """Open Redis; it connects when it is first used.

    Raises:
        sockgate_gateway.wire.errors.AddressError: the URL has none of the known forms.
    """
    address = read_address(url)
    if address.kind is Kind.SENTINEL:
        return SentinelServers(address)
    if address.kind is Kind.CLUSTER:
        return ClusterServers(address, names.link)
    return SingleServer(address.server_url, names.link)
