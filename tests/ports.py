"""Ports for the servers of tests."""

import random
import socket

HOST = "127.0.0.1"
_TRIES = 100


def free_port(in_a_row: int = 1) -> int:
    """Give a port that nobody listens on now, nor on the ones that follow it."""
    if in_a_row == 1:
        with socket.create_server((HOST, 0)) as server:
            return int(server.getsockname()[1])
    for _ in range(_TRIES):
        first = random.randrange(20_000, 30_000)  # below those that the kernel gives
        if all(_is_free(port) for port in range(first, first + in_a_row)):
            return first
    raise AssertionError("no ports are free")


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False
