"""Free ports of this machine, for servers of development and of tests."""

import errno
import secrets
import socket

HOST = "127.0.0.1"

_PORTS = range(20_000, 32_000)
"""Below those that systems give to outgoing connections, so that nobody takes one meanwhile."""

_TRIES = 100


def free_port() -> int:
    """Return a port of ``HOST`` on which nothing listens.

    Raises:
        OSError: no free port was found.
    """
    for _ in range(_TRIES):
        port = secrets.choice(_PORTS)
        if is_free(HOST, port):
            return port
    raise OSError(f"no free port between {_PORTS.start} and {_PORTS.stop}")


def is_free(host: str, port: int) -> bool:
    """Return whether no program has the port; a host without an address counts as free."""
    try:
        addresses = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)
    except OSError:
        return True
    return all(_can_bind(family, address) for family, _, _, _, address in addresses)


def _can_bind(family: int, address: tuple[object, ...]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True
