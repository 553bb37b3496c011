"""Fixtures of the gateway's unit tests."""

import pytest

from tests.unit.gateway.fakes import Clock
from tests.unit.gateway.memory_worker import MemoryWorker


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(clock: Clock) -> MemoryWorker:
    """A worker without sockets, that looks a second time at once."""
    return MemoryWorker(clock)
