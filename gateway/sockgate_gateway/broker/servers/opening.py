"""Which class serves which kind of Redis."""

from ...config.config import Config
from ...redis_servers.credentials import RenewedCredentials, load_credentials
from ...wire.addresses import Kind, read_address
from ...wire.names import Names
from .cluster import ClusterServers
from .sentinel import SentinelServers
from .single import Servers, SingleServer


def open_servers(
    url: str,
    names: Names = Names(),  # noqa: B008  (a tuple)
    credentials: RenewedCredentials | None = None,
) -> Servers:
    """Open Redis; it connects when it is first used.

    Raises:
        sockgate_gateway.wire.errors.AddressError: the URL has none of the known forms.
    """
    address = read_address(url)
    if address.kind is Kind.SENTINEL:
        return SentinelServers(address, credentials)
    if address.kind is Kind.CLUSTER:
        return ClusterServers(address, names.link, credentials)
    return SingleServer(address.server_url, names.link, credentials)


def servers_of(config: Config) -> Servers:
    """Open the Redis of a configuration; raises as ``open_servers`` does."""
    path = config.redis_credentials
    credentials = load_credentials(path) if path else None
    return open_servers(config.redis_url, config.names, credentials)
