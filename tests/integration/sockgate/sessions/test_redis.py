from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.exceptions import SessionInterrupted
from redis import Redis
from sockgate.sessions.redis import SessionStore
from sockgate_gateway.wire.names import sid_of

from tests.integration.sockgate.conftest import NAMES
from tests.integration.sockgate.sessions.behaviour import SessionBehaviour
from tests.integration.sockgate.sessions.identity import SessionIdentity

pytestmark = pytest.mark.integration


class TestBehaviour(SessionBehaviour):
    store = SessionStore


class TestIdentity(SessionIdentity):
    store = SessionStore

    def test_cycle_key_of_an_ended_login_does_not_resurrect(
        self, session: Any, redis: Redis
    ) -> None:
        late = SessionStore(session.session_key)
        assert late[SESSION_KEY]
        session.flush()
        with pytest.raises(SessionInterrupted):
            late.cycle_key()
        assert redis.keys(NAMES.session("*")) == []

    def test_acycle_key_of_an_ended_login_does_not_resurrect(
        self, session: Any, redis: Redis
    ) -> None:
        late = SessionStore(session.session_key)
        assert late[SESSION_KEY]
        session.flush()
        with pytest.raises(SessionInterrupted):
            async_to_sync(late.acycle_key)()
        assert redis.keys(NAMES.session("*")) == []

    def test_load_of_an_evicted_record_clears_the_key(self, session: Any, redis: Redis) -> None:
        redis.flushall()
        late = SessionStore(session.session_key)
        assert late.get(SESSION_KEY) is None
        assert late.session_key is None

    @pytest.mark.parametrize(
        ("expiry", "age"),
        [(None, b"1209600"), (500, b"500"), (timedelta(seconds=500), b"0")],
        ids=["default", "seconds", "date"],
    )
    def test_age_counts_from_the_last_use(
        self, session: Any, redis: Redis, expiry: Any, age: bytes
    ) -> None:
        session.set_expiry(expiry)
        session.save()
        assert redis.hget(NAMES.session(sid_of(session.session_key)), "age") == age

    def test_data_is_interchangeable_with_djangos_engines(self, session: Any) -> None:
        assert DatabaseStore().decode(session.encode({"cat": 1})) == {"cat": 1}
