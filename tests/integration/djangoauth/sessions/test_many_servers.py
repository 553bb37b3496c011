"""The native engine where Redis is a cluster, or the master that Sentinels name."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from redis import Redis
from redis.cluster import RedisCluster

from djangoauth.audience import count_connections
from djangoauth.namespaces import sync
from djangoauth.presence import apresence, presence
from djangoauth.publishing import apublish, apublish_many, position, publish, publish_many
from djangoauth.redis_checks import check_redis
from djangoauth.revocation import revoke_channel, revoke_user
from djangoauth.sessions.redis import SessionStore
from djangoauth.users import forget, heal, refresh
from gateway.wire.names import sid_of
from gateway.wire.presence import Present
from tests.integration.clusters import SLOTS, Cluster
from tests.integration.djangoauth.conftest import NAMES
from tests.integration.djangoauth.sessions.behaviour import SessionBehaviour
from tests.integration.sentinels import Watched, watched

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("service")) as service:
        yield service


def use(settings: Any, url: str) -> Any:
    """Let Django have its Redis there."""
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": url}
    return settings


# redis-py's cluster may forget a connection when its loop ends; no other test shall find it.
forgets_a_connection = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def forgotten() -> Iterator[None]:
    yield
    gc.collect()


@forgets_a_connection
@pytest.mark.usefixtures("forgotten")
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


@forgets_a_connection
@pytest.mark.usefixtures("forgotten")
class TestCluster:
    """What the rest of the app asks of a cluster."""

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

    def test_login_that_ends_leaves_nothing(
        self, redis: RedisCluster, session: SessionStore, alice: User
    ) -> None:
        sid = sid_of(str(session.session_key))
        session.flush()
        assert not redis.exists(NAMES.session(sid))
        assert redis.zscore(NAMES.user_sessions(str(alice.pk)), sid) is None

    def test_async_login_that_ends_leaves_nothing(
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

    def test_user_records_are_refreshed_and_forgotten(
        self, redis: RedisCluster, alice: User
    ) -> None:
        heal(str(alice.pk), 100)
        refresh([alice.pk, alice.pk + 1])
        assert redis.exists(NAMES.user(str(alice.pk)))
        forget(str(alice.pk))
        assert not redis.exists(NAMES.user(str(alice.pk)))

    def test_channel_is_revoked(self, redis: RedisCluster, alice: User) -> None:
        revoke_channel(alice, "room:7")
        assert redis.hget(NAMES.revoked(str(alice.pk)), "room:7")

    @pytest.mark.parametrize("is_sequenced", [False, True])
    def test_publications_are_taken(self, redis: RedisCluster, is_sequenced: bool) -> None:
        users = range(1, 13)
        publish(1, "news", sequenced=is_sequenced, on_commit=False)
        publish_many(users, "news", sequenced=is_sequenced, on_commit=False)
        async_to_sync(apublish)(1, "news", sequenced=is_sequenced)
        async_to_sync(apublish_many)(users, "news", sequenced=is_sequenced)
        places = [position(f"user:{uid}") for uid in users]
        offsets = [place and place[1] for place in places]
        assert offsets == ([4, *[2] * 11] if is_sequenced else [0] * 12)

    def test_presence_is_added_up(self, redis: RedisCluster) -> None:
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

    def test_connections_of_nobody_are_none(self, redis: RedisCluster) -> None:
        assert count_connections("room:7", 0.1) == 0
