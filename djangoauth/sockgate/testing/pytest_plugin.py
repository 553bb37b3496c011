"""The fixtures for pytest, which pytest loads by the entry point ``pytest11``."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .fixtures import Publications
    from .realtime import Realtime


@pytest.fixture
def publications() -> "Iterator[Publications]":
    """Capture the publications of a test, which are not sent."""
    from .fixtures import publications_of_test

    with publications_of_test() as captured:
        yield captured


@pytest.fixture(scope="session")
def _realtime_servers() -> Iterator[Any]:
    from .servers import live_servers

    yield live_servers()
    live_servers().stop()


@pytest.fixture
def realtime(request: pytest.FixtureRequest, _realtime_servers: Any) -> "Iterator[Realtime]":
    """Return tabs and outages, with the real gateway on a real Valkey."""
    from .realtime import realtime_of_test

    has_site = "live_server" in request.fixturenames
    url = request.getfixturevalue("live_server").url if has_site else ""
    if not has_site and request.config.pluginmanager.has_plugin("django"):
        request.getfixturevalue("db")
    with realtime_of_test(_realtime_servers, url) as realtime:
        yield realtime


def pytest_runtest_setup(item: Any) -> None:
    """Empty ``memory://`` before each test."""
    # Where this module is not imported, nothing is stored. A project that does not use Sockgate has
    # this plugin, too, and pays nothing for it.
    if "sockgate.redis_clients.memory" in sys.modules:
        from .memory import forget_memory_of_site

        forget_memory_of_site()
