"""Which exceptions mean that Redis cannot be used, and what to do about them."""

import re

from redis.exceptions import RedisClusterException, RedisError

FAILURES = (RedisError, RedisClusterException, OSError)
"""What redis-py raises. ``RedisClusterException`` (no node answers) is no ``RedisError``."""


_SHOWN_SENTINEL = re.compile(
    r"<redis\..*?host=(?P<host>[^,>]+),port=(?P<port>\d+).*?\)>\)>\)> - (?:network:)?"
)


def cause_of(error: BaseException) -> str:
    """Return the text of an error, or its type where it has no text.

    redis-py shows each Sentinel that does not answer as a client with all its options; only its
    host and port are kept.
    """
    text = str(error) or type(error).__name__
    return _SHOWN_SENTINEL.sub(r"\g<host>:\g<port> ", text) if "<redis." in text else text


_REMEDIES = (
    (
        (" connectionerror", " timeouterror"),
        "start the Sentinels, or correct their hosts and ports in the URL",
    ),
    (("no master found",), "correct the name of the service in the URL: the Sentinels know none"),
    (("command 'sentinel'",), "name the port of the Sentinels in the URL, by default 26379"),
    (("unknown command",), "name a Redis server in the URL; for Sentinels, use redis+sentinel://"),
    (("wrongpass", "noauth", "authentication", "username-password"), "give the URL the password"),
    (("noperm", "no permissions"), "let the Redis user run this command (ACL SETUSER)"),
    (
        ("refused", "connect call failed", "no such file", "no node", "not found"),
        "start Redis, or correct the URL",
    ),
    (("name or service", "name resolution", "getaddrinfo"), "correct the host in the URL"),
    (("timeout", "timed out", "too slow"), "check the host and port in the URL, and firewalls"),
    (("db index", "out of range"), "correct the database number at the end of the URL"),
    (("max number of clients",), "raise maxclients in Redis"),
    (("loading",), "wait until Redis has loaded its data"),
    (("readonly", "read only"), "name the master in the URL, not a replica"),
    (("ssl", "tls", "certificate"), "check rediss:// or redis:// in the URL, and the certificate"),
)


def remedy_for(cause: str) -> str:
    """Return what to do about a failure of Redis, by its text; empty: that is not known."""
    text = cause.lower()
    return next((remedy for words, remedy in _REMEDIES if any(w in text for w in words)), "")
