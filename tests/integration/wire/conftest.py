"""One Redis-compatible server, and three that are a cluster: the scripts run on both alike."""

from collections.abc import Iterator

import pytest
from redis import Redis, RedisCluster

from tests.integration.clusters import Cluster


@pytest.fixture(params=["server", "cluster"])
def redis(request, redis_server) -> Iterator[Redis | RedisCluster]:
    """A client of either, empty."""
    if request.param == "cluster":
        nodes: Cluster = request.getfixturevalue("nodes")
        with nodes.emptied() as client:
            yield client
        return
    with Redis.from_url(redis_server.connection_url) as client:
        client.flushall()
        yield client
