"""Options of redis-py's connections: timeouts, and what the URL says."""

from typing import Any, NamedTuple

from ..wire.addresses import RedisAddress
from ..wire.secrets import Secret

_SECRETS = ("username", "password", "ssl_password")

PROTOCOL = 2
"""With RESP3, redis-py 8 returns idle connections that Redis has closed."""


class Timeouts(NamedTuple):
    """How long to wait for Redis, in seconds.

    Args:
        connect_s: for a connection.
        reply_s: for a reply.
        sentinel_s: for the connection to a Sentinel, and for its reply.
        is_fixed: the URL cannot change them (``?socket_timeout=1&socket_connect_timeout=1``).
    """

    connect_s: float
    reply_s: float
    sentinel_s: float = 1.0
    is_fixed: bool = False

    def options(self) -> dict[str, Any]:
        """Return the timeouts as options of a redis-py connection."""
        return {"socket_timeout": self.reply_s, "socket_connect_timeout": self.connect_s}


def secrets_of(options: dict[str, Any]) -> dict[str, Secret]:
    """Return the secrets among options of redis-py, which reads them as plain texts."""
    return {name: Secret(options[name]) for name in _SECRETS if options.get(name)}


def read_url(url: str) -> dict[str, Any]:
    """Return what a URL in redis-py's form says, with a masked ``repr`` of its secrets."""
    # Imported here, because Django imports this module for the timeouts alone.
    from redis.connection import parse_url

    options: dict[str, Any] = {**parse_url(url)}  # type: ignore[no-untyped-call]
    return options | secrets_of(options)


def url_options(address: RedisAddress) -> tuple[dict[str, Any], bool]:
    """Return what a URL says about servers that are found by other means, and whether TLS is used.

    Host and port are left out: the Sentinels or the nodes of the cluster name them.
    """
    from redis.connection import SSLConnection

    options = read_url(address.server_url)
    is_tls = options.pop("connection_class", None) is SSLConnection
    del options["host"], options["port"]
    return options, is_tls


def server_options(address: RedisAddress, timeouts: Timeouts) -> dict[str, Any]:
    """Return the options of servers that are found by other means."""
    from_url, is_tls = url_options(address)
    fixed = timeouts.options() if timeouts.is_fixed else {}
    return {"protocol": PROTOCOL, **timeouts.options(), **from_url, **fixed, "ssl": is_tls}


def sentinel_options(address: RedisAddress, timeout_s: float) -> dict[str, Any]:
    """Return the options of connections to Sentinels, whose TLS options are the servers'."""
    from_url, is_tls = url_options(address)
    tls = {name: value for name, value in from_url.items() if name.startswith("ssl_")}
    timeouts = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), timeout_s)
    return {
        "protocol": PROTOCOL,
        "ssl": is_tls,
        **timeouts,
        **tls,
        **dict(address.sentinel_options),
    }
