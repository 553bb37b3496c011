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


def credentials_of(config: Config) -> RenewedCredentials | None:
    """Return what ``SOCKGATE_REDIS_CREDENTIALS`` names; None: the URL has the credentials."""
    path = config.redis_credentials
    return load_credentials(path) if path else None
