from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis
from sockgate import revoke_user

from tests.integration.sockgate.sessions.identity import SessionIdentity
from tests.integration.sockgate.sessions.wrapped import SessionStore

pytestmark = pytest.mark.integration


class TestIdentity(SessionIdentity):
    store = SessionStore

    def test_end_logins_ends_only_those_of_the_user(self, session: Any, redis: Redis) -> None:
        """The engine cannot find the sessions: the call raises, and no session ends."""
        with pytest.raises(NotImplementedError, match="cannot find the sessions"):
            self.store.end_logins("41")

    def test_revoke_user_raises_for_an_engine_that_cannot(self, alice: User) -> None:
        with pytest.raises(NotImplementedError):
            revoke_user(alice)
