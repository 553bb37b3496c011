"""Fixtures of the gateway's unit tests."""

import pytest

from .fakes import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()
