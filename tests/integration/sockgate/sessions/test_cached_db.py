import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from sockgate.sessions.cached_db import SessionStore

from tests.integration.sockgate.sessions.behaviour import SessionBehaviour
from tests.integration.sockgate.sessions.mirrored import MirroredIdentity

pytestmark = pytest.mark.integration


class TestBehaviour(SessionBehaviour):
    store = SessionStore

    def test_session_that_is_not_in_the_cache_is_loaded(self, session: SessionStore) -> None:
        session["colour"] = "green"
        session.save()
        cache.clear()
        assert self.store(session.session_key)["colour"] == "green"

    def test_async_session_that_is_not_in_the_cache_is_loaded(self, session: SessionStore) -> None:
        session["colour"] = "green"
        session.save()
        cache.clear()
        loaded = self.store(session.session_key)
        assert async_to_sync(loaded.aget)("colour") == "green"


class TestIdentity(MirroredIdentity):
    store = SessionStore
    replaced = "django.contrib.sessions.backends.cached_db"
