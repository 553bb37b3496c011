"""The last report of a progress arrives, also when Redis was away before it, and at the end."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from redis import Redis
from sockgate import progress, use_tenant
from sockgate.publishing.progress import background, delivery
from sockgate.publishing.progress.background import BACKGROUND, Background
from sockgate.publishing.progress.records import read

from tests.integration.sockgate.conftest import Subscriber
from tests.integration.sockgate.publishing.test_tracked_task import published
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[4]
NOWHERE = "unix:///nowhere/redis.sock"

Away = Callable[[], Any]


@pytest.fixture(autouse=True)
def _project(sockgate: Any, transactional_db: None, monkeypatch: Any) -> Iterator[None]:
    BACKGROUND.reset()
    monkeypatch.setattr(background, "MAX_PAUSE_S", 0.05)
    monkeypatch.setattr("sockgate.publishing.progress.bar.MIN_INTERVAL_S", 0)
    yield
    BACKGROUND.reset()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", pk=1)


@pytest.fixture
def away(sockgate: Any) -> Away:
    """Returns a context in which no Redis answers."""

    @contextmanager
    def away() -> Iterator[None]:
        here = sockgate.SOCKGATE
        sockgate.SOCKGATE = {**here, "REDIS_URL": NOWHERE}
        try:
            yield
        finally:
            sockgate.SOCKGATE = here

    return away


def shown(progress_id: str = "job") -> dict[str, Any]:
    return read("1", [progress_id]).get(progress_id, {})


def is_idle() -> bool:
    return not BACKGROUND.is_failing and BACKGROUND._thread is None


def test_last_report_arrives_though_the_one_before_it_failed(
    alice: User, away: Away, subscriber: Subscriber
) -> None:
    with progress(alice, id="job", total=3) as bar:
        with away():
            bar.advance()
        bar.advance()
    assert (shown()["state"], shown()["done"]) == ("done", 3)
    found = published(subscriber)
    assert found[-1]["state"] == "done"
    numbers = [(one["run"], one["n"]) for one in found]
    assert numbers == sorted(set(numbers))  # Pages drop what is older than what they show.


def test_last_report_arrives_after_the_work_has_ended(
    alice: User, away: Away, subscriber: Subscriber, monkeypatch: Any
) -> None:
    monkeypatch.setattr(delivery, "WAIT_AT_END_S", 0)
    with away():
        for number in range(20):
            with progress(alice, id=f"job{number}", total=3) as bar:
                bar.advance()
    wait_until(is_idle)
    assert {shown(f"job{number}")["state"] for number in range(20)} == {"done"}
    # Only the newest report of each is sent.
    assert [one["state"] for one in published(subscriber)] == ["done"] * 20


def test_asynchronous_work_waits_for_its_last_report(alice: User, away: Away) -> None:
    async def work() -> None:
        async with progress(alice, id="job", total=3) as bar:
            with away():
                await bar.aadvance()
            await bar.aadvance()

    async_to_sync(work)()
    assert (shown()["state"], shown()["done"]) == ("done", 3)


def test_work_is_not_slowed_by_a_redis_that_is_away(
    alice: User, away: Away, monkeypatch: Any
) -> None:
    attempts: list[str] = []
    monkeypatch.setattr(delivery, "WAIT_AT_END_S", 0)
    write = delivery.Delivery._write

    def counted(self: Any, report: Any) -> None:
        attempts.append(__import__("threading").current_thread().name)
        write(self, report)

    monkeypatch.setattr(delivery.Delivery, "_write", counted)
    with away(), progress(alice, total=1000) as bar:
        for _ in bar.track(range(1000)):
            pass
    assert attempts.count("MainThread") == 1
    wait_until(is_idle)


def test_report_goes_to_the_tenant_of_the_work(
    alice: User, away: Away, settings: Any, redis: Redis
) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "TENANT": lambda: "public"}
    with use_tenant("acme"):
        bar = progress(alice, id="job")
    with away(), use_tenant("acme"):
        settings.SOCKGATE = {**settings.SOCKGATE, "TENANT": lambda: "public"}
        bar.start()
    with redis.pubsub() as pubsub:
        pubsub.subscribe("rt/acme:user:1")
        assert pubsub.get_message(timeout=5)
        settings.SOCKGATE = {**settings.SOCKGATE, "TENANT": lambda: "public"}
        bar.finish("done")
        wait_until(is_idle)
        assert pubsub.get_message(timeout=5)


SCRIPT = """
import sys, threading
import django
from django.conf import settings
here = {"REDIS_URL": sys.argv[1]}
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "sockgate"],
    SECRET_KEY="not a secret, only for tests", SOCKGATE={"REDIS_URL": "unix:///nowhere/r.sock"},
)
django.setup()
from sockgate import conf, progress
from sockgate.publishing.progress import delivery
delivery.WAIT_AT_END_S = 0

def come_back():
    settings.SOCKGATE = here
    conf.forget()

with progress(1, id="job"):
    pass
threading.Timer(0.3, come_back).start()
"""


def test_process_that_ends_waits_for_its_last_report(alice: User, redis_server: Any) -> None:
    environ = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *sys.path])
    command = [sys.executable, "-c", SCRIPT, redis_server.connection_url]
    subprocess.run(command, env=environ, check=True, timeout=60)
    assert shown()["state"] == "done"


class Waiting:
    """Something that is sent when the test says so."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.is_dropped = False

    def send_newest(self) -> None:
        if self.error:
            raise self.error

    def give_up(self) -> None:
        self.is_dropped = True

    def wait(self, timeout_s: float) -> None: ...


def test_background_gives_up_after_a_while(caplog: Any) -> None:
    from redis import ConnectionError as RedisConnectionError

    now = [0.0]
    sender, one = Background(lambda: now[0]), Waiting(RedisConnectionError("away"))
    sender.add(one)
    wait_until(lambda: sender.is_failing)
    assert not one.is_dropped
    now[0] += background.GIVE_UP_S
    wait_until(lambda: one.is_dropped)
    assert "given up" in caplog.text


def test_background_goes_on_after_a_failure_of_one(caplog: Any) -> None:
    sender, bad, good = Background(), Waiting(ValueError("x")), Waiting()
    sender.add(bad)
    sender.add(good)
    wait_until(lambda: bad.is_dropped and sender._thread is None)
    assert not good.is_dropped


def test_background_has_a_limit(monkeypatch: Any, caplog: Any) -> None:
    from redis import ConnectionError as RedisConnectionError

    monkeypatch.setattr(background, "MAX_WAITING", 2)
    sender = Background()
    found = [Waiting(RedisConnectionError("away")) for _ in range(4)]
    for one in found:
        sender.add(one)
    assert found[3].is_dropped
    assert not found[0].is_dropped
    sender.reset()
