"""Ports for the servers of tests."""

import os
import secrets

from sockgate.conf.defaults.ports import HOST, is_free

_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_SHARE = 12_000 // _WORKERS
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_FIRST = 20_000 + _SHARE * _WORKER

RANGE = range(_FIRST, _FIRST + _SHARE)
"""Below the ephemeral ports, which the kernel gives to outgoing connections. Each process of
pytest-xdist has a range of its own.
"""

_TRIES = 1000
_given: set[int] = set()


def free_port(in_a_row: int = 1) -> int:
    """Return a free port, followed by free ones, and each only once."""
    for _ in range(_TRIES):
        # Hypothesis seeds ``random`` alike for each example, which would repeat the choices.
        first = secrets.choice(RANGE)
        ports = range(first, first + in_a_row)
        if _given.isdisjoint(ports) and all(is_free(HOST, port) for port in ports):
            _given.update(ports)
            return first
    raise AssertionError("no ports are free")
