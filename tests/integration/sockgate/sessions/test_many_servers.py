"""The ``redis`` engine with a Redis Cluster, and with Sentinels."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from redis import Redis
from redis.cluster import RedisCluster
from sockgate.access.revocation import revoke_channel, revoke_user
from sockgate.channels.audience import count_connections
from sockgate.channels.namespaces import sync
from sockgate.channels.presence import apresence, presence
from sockgate.checks.redis import check_redis
from sockgate.publishing.async_calls import apublish, apublish_many
from sockgate.publishing.calls import position, publish, publish_many
from sockgate.sessions.redis import SessionStore
from sockgate.users.records import refresh, remove, restore
from sockgate_gateway.wire.names import sid_of
from sockgate_gateway.wire.presence import Present

from tests.integration.clusters import SLOTS, Cluster
from tests.integration.sentinels import Watched, watched
from tests.integration.sockgate.conftest import NAMES
from tests.integration.sockgate.sessions.behaviour import SessionBehaviour

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("service")) as service:
        yield service


def use(settings: Any, url: str) -> Any:
    """Django's settings, with Sockgate on these servers."""
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": url}
    return settings


# redis-py's cluster may leave a connection open when its loop ends; its warning belongs here.
may_leave_a_connection = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def collected() -> Iterator[None]:
    yield
    gc.collect()


@may_leave_a_connection
@pytest.mark.usefixtures("collected")
class TestBehaviourOnCluster(SessionBehaviour):
    store = SessionStore

    @pytest.fixture
    def sockgate(self, nodes: Cluster, settings: Any) -> Any:
        return use(settings, nodes.url)


class TestBehaviourBehindSentinel(SessionBehaviour):
    store = SessionStore

    @pytest.fixture
    def sockgate(self, service: Watched, settings: Any) -> Any:
        return use(settings, service.url)


@may_leave_a_connection
@pytest.mark.usefixtures("collected")
class TestCluster:
    """The other features of the app work on a cluster."""

    @pytest.fixture(autouse=True)
    def sockgate(self, nodes: Cluster, settings: Any) -> Any:
        use(settings, nodes.url)
        settings.SESSION_ENGINE = SessionStore.__module__
        return settings

    @pytest.fixture
    def redis(self, nodes: Cluster) -> Iterator[RedisCluster]:
        with nodes.emptied() as client:
            yield client

    @pytest.fixture
    def alice(self, redis: RedisCluster, transactional_db: None) -> User:
        return User.objects.create_user("alice", password="alice-demo")

    @pytest.fixture
    def session(self, alice: User) -> SessionStore:
        session = SessionStore()
        session[SESSION_KEY] = str(alice.pk)
        session[HASH_SESSION_KEY] = alice.get_session_auth_hash()
        session.save()
        return session

    def test_login_is_recorded_with_its_user(
        self, redis: RedisCluster, session: SessionStore, alice: User
    ) -> None:
        assert redis.exists(NAMES.session(sid_of(str(session.session_key))))
        assert redis.exists(NAMES.user(str(alice.pk)))

    @pytest.mark.parametrize("place", range(len(SLOTS)))
    def test_check_reports_any_node_that_may_evict(self, nodes: Cluster, place: int) -> None:
        with Redis.from_url(nodes.servers[place].connection_url) as node:
            node.config_set("maxmemory-policy", "allkeys-lru")
            assert [message.id for message in check_redis()] == ["sockgate.W105"]
            node.config_set("maxmemory-policy", "noeviction")
        assert list(check_redis()) == []

    def test_login_that_ends_leaves_no_record(
        self, redis: RedisCluster, session: SessionStore, alice: User
    ) -> None:
        sid = sid_of(str(session.session_key))
        session.flush()
        assert not redis.exists(NAMES.session(sid))
        assert redis.zscore(NAMES.user_sessions(str(alice.pk)), sid) is None

    def test_async_login_that_ends_leaves_no_record(
        self, redis: RedisCluster, session: SessionStore
    ) -> None:
        sid = sid_of(str(session.session_key))
        async_to_sync(session.aflush)()
        assert not redis.exists(NAMES.session(sid))

    def test_revoked_user_is_signed_out(
        self, redis: RedisCluster, session: SessionStore, alice: User
    ) -> None:
        revoke_user(alice)
        assert not redis.exists(NAMES.session(sid_of(str(session.session_key))))
        assert not redis.exists(NAMES.user(str(alice.pk)))

    def test_user_records_are_refreshed_and_deleted(self, redis: RedisCluster, alice: User) -> None:
        restore(str(alice.pk), 100)
        refresh([alice.pk, alice.pk + 1])
        assert redis.exists(NAMES.user(str(alice.pk)))
        remove(str(alice.pk))
        assert not redis.exists(NAMES.user(str(alice.pk)))

    def test_channel_is_revoked(self, redis: RedisCluster, alice: User) -> None:
        revoke_channel(alice, "room:7")
        assert redis.hget(NAMES.revoked(str(alice.pk)), "room:7")

    @pytest.mark.parametrize("is_sequenced", [False, True])
    def test_publications_are_sent(self, redis: RedisCluster, is_sequenced: bool) -> None:
        users = range(1, 13)
        publish(1, "news", sequenced=is_sequenced, on_commit=False)
        publish_many(users, "news", sequenced=is_sequenced, on_commit=False)
        async_to_sync(apublish)(1, "news", sequenced=is_sequenced)
        async_to_sync(apublish_many)(users, "news", sequenced=is_sequenced)
        places = [position(f"user:{uid}") for uid in users]
        offsets = [place and place[1] for place in places]
        assert offsets == ([4, *[2] * 11] if is_sequenced else [0] * 12)

    def test_presence_is_summed(self, redis: RedisCluster) -> None:
        for worker in ("one", "two", "three"):
            redis.sadd(NAMES.workers, worker)
            redis.set(NAMES.worker(worker), 1)
            redis.hset(NAMES.presence("room:7", worker), "41", 1)
        expected = Present({"41": 3}, 0)
        assert presence("room:7") == async_to_sync(apresence)("room:7") == expected

    def test_namespaces_are_written(self, redis: RedisCluster, sockgate: Any) -> None:
        policies = {"room": {"presence": True}}
        sockgate.SOCKGATE = {**sockgate.SOCKGATE, "NAMESPACES": policies}
        assert sync()
        assert redis.exists(NAMES.namespaces)

    def test_connections_without_subscribers_are_0(self, redis: RedisCluster) -> None:
        assert count_connections("room:7", 0.1) == 0
