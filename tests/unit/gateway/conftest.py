"""Fixtures of the gateway's unit tests."""

import pytest

from .fakes import Clock
from .house import House


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(clock: Clock) -> House:
    """A worker without sockets, that looks a second time at once."""
    return House(clock)
