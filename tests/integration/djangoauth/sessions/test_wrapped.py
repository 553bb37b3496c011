from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis

from djangoauth import revoke_user
from tests.integration.djangoauth.sessions.identity import SessionIdentity
from tests.integration.djangoauth.sessions.wrapped import SessionStore

pytestmark = pytest.mark.integration


class TestIdentity(SessionIdentity):
    store = SessionStore

    def test_end_logins_ends_those_of_the_user_alone(self, session: Any, redis: Redis) -> None:
        """It cannot be known how: whoever asks is told, and nothing ends by half."""
        with pytest.raises(NotImplementedError, match="cannot find the sessions"):
            self.store.end_logins("41")

    def test_revoke_user_says_that_it_cannot(self, alice: User) -> None:
        with pytest.raises(NotImplementedError):
            revoke_user(alice)
