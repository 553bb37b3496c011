"""Which exceptions mean that Redis cannot be used, and what to do about them."""

from redis.exceptions import (
    MaxConnectionsError,
    NoPermissionError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

FAILURES = (RedisError, RedisClusterException, OSError)
"""What redis-py raises. ``RedisClusterException`` (no node answers) is no ``RedisError``."""


_NO_FREE_CONNECTION = "No connection available"
"""What redis-py says when a command has waited too long for a connection of the pool."""

OWN_CONNECTIONS_BUSY = (
    "all connections of this process to Redis are busy: it has too little processor time, or Redis "
    "answers slowly"
)


def is_own_limit(error: BaseException) -> bool:
    """Return whether a command found no free connection of this process: Redis has not failed."""
    text = str(error).rstrip(".")
    return isinstance(error, MaxConnectionsError) or text == _NO_FREE_CONNECTION


def cause_of(error: BaseException) -> str:
    """Return the text of an error without its full stop, or its type where it has no text."""
    if is_own_limit(error):
        return OWN_CONNECTIONS_BUSY
    return str(error).rstrip(".") or type(error).__name__


_REFUSALS = (
    *("noperm", "no permissions", "can't run this command", "not allowed", "not permitted"),
    *("unknown command", "unknown redis command", "unknown subcommand", "unknown valkey command"),
    *("not supported", "unsupported", "not available", "disabled"),
)
"""Texts of servers that do not let a user run a command, or do not have it."""


def is_refusal(error: BaseException) -> bool:
    """Return whether the server refuses a command for good, not only now."""
    if isinstance(error, NoPermissionError):
        return True
    text = str(error).lower()
    return isinstance(error, ResponseError) and any(words in text for words in _REFUSALS)


_REMEDIES = (
    (
        ("connections of this process",),
        "give this process more processor time, or raise max_connections in the URL",
    ),
    (("they do not know it",), "correct the name of the service in the URL"),
    (("it is down",), "start the master, or wait until the Sentinels have replaced it"),
    (("command 'sentinel'",), "name the port of the Sentinels in the URL, by default 26379"),
    (("unknown command",), "name a Redis server in the URL; for Sentinels, use redis+sentinel://"),
    (("wrongpass", "noauth", "authentication", "username-password"), "give the URL the password"),
    (("noperm", "no permissions"), "let the Redis user run this command (ACL SETUSER)"),
    (
        ("no sentinel names a master",),
        "start the Sentinels, or correct their hosts and ports in the URL",
    ),
    (
        ("refused", "connect call failed", "no such file", "no node", "not found"),
        "start Redis, or correct the URL",
    ),
    (("name or service", "name resolution", "getaddrinfo"), "correct the host in the URL"),
    (("timeout", "timed out", "too slow"), "check the host and port in the URL, and firewalls"),
    (("db index", "out of range"), "correct the database number at the end of the URL"),
    (("max number of clients",), "raise maxclients in Redis"),
    (("used memory",), "raise maxmemory in Redis, or look what fills it"),
    (("misconf", "errors writing"), "look at the disk of Redis, and at its log"),
    (
        ("noreplicas", "good replicas"),
        "start the replicas of Redis, or lower min-replicas-to-write",
    ),
    (("loading",), "wait until Redis has loaded its data"),
    (("readonly", "read only"), "name the master in the URL, not a replica"),
    (
        # A server ends the link behind the handshake of TLS 1.3; how this is noticed is a race.
        (
            "closed by server",
            "closed by the server",
            "reset by peer",
            "broken pipe",
            "connection lost",
        ),
        "check that Redis runs; with rediss://, give the URL the client's certificate that it asks "
        "for (ssl_certfile, ssl_keyfile)",
    ),
    (("ssl", "tls", "certificate"), "check rediss:// or redis:// in the URL, and the certificate"),
)


def remedy_for(cause: str) -> str:
    """Return what to do about a failure of Redis, by its text; empty: that is not known."""
    text = cause.lower()
    return next((remedy for words, remedy in _REMEDIES if any(w in text for w in words)), "")
