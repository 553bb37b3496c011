"""File descriptors: how many a worker may open, and how many of them browsers may have.

Strategy: every connection takes a descriptor. A process without a free one can neither answer a
health check nor reconnect to Redis. The kernel always assigns the lowest free number, so a ceiling
reserves the highest numbers for operations without counting anything. A browser's connection never
has a number at or above ``browser_ceiling()`` (``acceptor.py``).
"""

import errno
import os
import resource
import socket
from contextlib import suppress
from dataclasses import dataclass

SPARE = 48
"""The highest 48 numbers are for operations, Redis and files; browsers never have one."""

REDIS_SPARE = 24
"""Half of the spare numbers; connections to the ops port never have one either."""

OVERHEAD = 32
"""A worker's other open descriptors: some 20, and more with Redis Cluster."""

MIN_DESCRIPTORS = SPARE + OVERHEAD + 16

UNLIMITED = 2**31
_OPEN_MAX = 10240


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many connections a worker takes.

    Args:
        connections: all connections with a complete handshake.
        unauthenticated: connections without a checked token; as many again may be pending.
    """

    connections: int
    unauthenticated: int

    @property
    def descriptors(self) -> int:
        """Return how many descriptors a worker needs for these."""
        return self.connections + self.unauthenticated + SPARE + OVERHEAD

    def within(self, limit: int) -> "Capacity":
        """Reduce this to a limit of descriptors; pending connections have a quarter at most."""
        if self.descriptors <= limit:
            return self
        browsers = max(limit - SPARE - OVERHEAD, 2)
        pending = max(min(self.unauthenticated, browsers // 4), 1)
        connections = min(self.connections, browsers - pending)
        return Capacity(connections, min(self.unauthenticated, browsers - connections))


def hard_limit() -> int:
    """Return the hard limit of descriptors, up to which a process may raise its soft limit."""
    return _counted(resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def soft_limit() -> int:
    """Return how many descriptors this process may open now."""
    return _counted(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def raise_soft_limit() -> int:
    """Raise the soft limit to the hard limit, where the system permits it.

    Returns:
        The soft limit that applies now.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (hard, _OPEN_MAX):
        # macOS reports an unlimited hard limit, and grants OPEN_MAX.
        with suppress(ValueError, OSError):
            if limit == hard or soft < limit:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            break
    return soft_limit()


def browser_ceiling() -> int:
    """Return the lowest descriptor number that a connection of a browser must not have."""
    return soft_limit() - SPARE


def operations_ceiling() -> int:
    """Return the lowest descriptor number that a connection to the ops port must not have."""
    return soft_limit() - REDIS_SPARE


def open_unix_socket(ceiling: int) -> socket.socket:
    """Open a Unix socket for a browser's request.

    Raises:
        OSError: no descriptor below the ceiling is free.
    """
    sock = socket.socket(socket.AF_UNIX)
    if sock.fileno() >= ceiling:
        sock.close()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return sock


def _counted(limit: int) -> int:
    return UNLIMITED if limit == resource.RLIM_INFINITY else limit
