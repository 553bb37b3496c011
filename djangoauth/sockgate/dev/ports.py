"""Ports of the servers of development."""

import socket

from ..conf.defaults.ports import is_free

TRIED = 20
"""How many ports after Django's are tried for the gateway."""

_LAST_PORT = 65_535
_WILDCARDS = {"": "127.0.0.1", "0": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def next_free(host: str, port: int) -> int | None:
    """Return the first free port after this one; None: the next ``TRIED`` are in use."""
    after = range(port + 1, min(port + TRIED, _LAST_PORT) + 1)
    return next((number for number in after if is_free(host, number)), None)


def answers(host: str, port: int) -> bool:
    """Return whether a server accepts connections there."""
    try:
        socket.create_connection((_WILDCARDS.get(host, host), port), timeout=1).close()
    except OSError:
        return False
    return True


def replies(host: str, port: int, request: bytes, timeout_s: float) -> bool:
    """Return whether a server sends anything back. A stopped one still accepts connections."""
    try:
        with socket.create_connection((_WILDCARDS.get(host, host), port), timeout_s) as client:
            client.sendall(request)
            return bool(client.recv(1))
    except OSError:
        return False
