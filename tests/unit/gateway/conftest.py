"""Fixtures of the gateway's unit tests."""

import pytest

from gateway import sessionwatch

from .fakes import Clock
from .house import House


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> House:
    """A worker without sockets, that looks a second time at once."""
    monkeypatch.setattr(sessionwatch, "GRACE_S", 0)
    return House(clock)
