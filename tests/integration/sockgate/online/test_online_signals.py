"""``user_online`` and ``user_offline``: gateways, Redis and ``manage.py sockgate_signals``."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.online import OnlineKeys
from sockgate_gateway.wire.tenants import in_tenant

from tests.integration.clusters import cluster
from tests.integration.gatewayprocess import NAMES, Django, Gateway
from tests.integration.sockgate.online.apps import STUCK
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

KEYS = OnlineKeys(Names())
OTHER = "9"
"""A user whose events mark that everything before them was handled."""


class Site:
    """Processes of ``manage.py sockgate_signals``, and the calls of their receivers.

    Args:
        redis_url: its Redis.
        folder: takes the calls.
    """

    def __init__(self, redis_url: str, folder: Path) -> None:
        self._environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.integration.sockgate.online.settings",
            "ONLINE_REDIS_URL": redis_url,
            "ONLINE_FOLDER": str(folder),
        }
        self._folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, claim_after: float = 60, offline_after: float = 0.5) -> subprocess.Popen[bytes]:
        """Start one more process."""
        command = [sys.executable, "-m", "django", "sockgate_signals", "--claim-after"]
        with (self._folder / "log").open("a") as log:
            process = subprocess.Popen(
                [*command, str(claim_after)],
                env={**self._environ, "ONLINE_AFTER": str(offline_after)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """End all processes as an operator does."""
        self.resume()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(60)

    def calls(self) -> list[str]:
        """Return user and state of each call."""
        return [" ".join(line.split()[1:]) for line in self._lines()]

    def callers(self) -> list[int]:
        """Return the process of each call."""
        return [int(line.split()[0]) for line in self._lines()]

    def _lines(self) -> list[str]:
        path = self._folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def suspend(self) -> None:
        """Let receivers hang."""
        (self._folder / STUCK).touch()

    def resume(self) -> None:
        """Let them end."""
        (self._folder / STUCK).unlink(missing_ok=True)

    def log(self) -> str:
        """Return what the processes have written."""
        return (self._folder / "log").read_text()


@pytest.fixture
def site(redis_server: Any, tmp_path: Path, django: Django) -> Iterator[Site]:
    site = Site(redis_server.connection_url, tmp_path)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def gateway(redis_server: Any, tmp_path_factory: Any) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    gateway = Gateway(redis_server.connection_url, log, presence_signals="yes").start()
    yield gateway
    gateway.stop()


@pytest.fixture(autouse=True)
def registered(gateway: Gateway, django: Django) -> None:
    """Redis was emptied: wait until the gateway has noticed that, and counts its users again."""
    wait_until(lambda: django.redis.exists(NAMES.worker(gateway.worker)))


def is_noted(redis: Redis, uid: str) -> Callable[[], bool]:
    return lambda: bool(redis.sismember(KEYS.online, uid))


async def test_first_page_is_online_and_last_page_is_offline(site, gateway, django):
    site.start()
    token = django.log_in("a", "7")
    async with gateway.welcomed(token):
        async with gateway.welcomed(token):
            wait_until(lambda: site.calls() == ["7 online"])
        async with gateway.welcomed(django.log_in("b", OTHER)):
            wait_until(lambda: f"{OTHER} online" in site.calls())
        wait_until(lambda: f"{OTHER} offline" in site.calls())
        assert site.calls() == ["7 online", f"{OTHER} online", f"{OTHER} offline"]
    wait_until(lambda: site.calls()[-1] == "7 offline")
    assert django.redis.xlen(KEYS.events) == 0
    assert not django.redis.exists(KEYS.online, KEYS.leaving, KEYS.at(gateway.worker))


async def test_visitors_have_no_signals(site, gateway, django):
    site.start()
    async with (
        gateway.welcomed(django.log_in("s", "")),
        gateway.welcomed(django.log_in("a", "7")),
    ):
        wait_until(lambda: site.calls() == ["7 online"])
        assert django.redis.smembers(KEYS.online) == {b"7"}


async def test_page_change_within_the_grace_is_no_event(site, gateway, django):
    site.start(offline_after=60)
    token = django.log_in("a", "7")
    for _ in range(3):
        async with gateway.welcomed(token):
            wait_until(lambda: django.redis.sismember(KEYS.at(gateway.worker), "7"))
            assert not django.redis.zscore(KEYS.leaving, "7")
        wait_until(lambda: django.redis.zscore(KEYS.leaving, "7") is not None)
    async with gateway.welcomed(django.log_in("b", OTHER)):
        wait_until(lambda: f"{OTHER} online" in site.calls())
    assert site.calls() == ["7 online", f"{OTHER} online"]


async def test_killed_worker_takes_its_users_offline_once(
    site, gateway, django, redis_server, tmp_path
):
    doomed = Gateway(redis_server.connection_url, tmp_path / "doomed", presence_signals="yes")
    doomed.start()
    site.start()
    site.start()
    both, only = django.log_in("a", "7"), django.log_in("b", "8")
    async with gateway.welcomed(both), doomed.welcomed(both), doomed.welcomed(only):
        wait_until(lambda: sorted(site.calls()) == ["7 online", "8 online"])
        doomed.process.kill()
        doomed.process.wait()
        django.redis.pexpire(NAMES.worker(doomed.worker), 1)  # As 15 s later.
        wait_until(lambda: "8 offline" in site.calls())
        async with gateway.welcomed(django.log_in("c", OTHER)):
            wait_until(lambda: f"{OTHER} online" in site.calls())
        assert sorted(site.calls()) == ["7 online", "8 offline", "8 online", f"{OTHER} online"]


async def test_users_of_a_worker_that_died_before_the_command_started_are_offline(
    site, gateway, django
):
    """Its set has expired, and nobody has noted its users."""
    django.redis.sadd(KEYS.online, "8")
    site.start()
    wait_until(lambda: site.calls() == ["8 offline"])


async def test_each_event_is_received_by_one_of_two_processes(site, gateway, django):
    for _ in range(2):
        site.start()
    users = [str(number) for number in range(20, 40)]
    for uid in users:
        async with gateway.welcomed(django.log_in(f"s{uid}", uid)):
            wait_until(is_noted(django.redis, uid))
    wanted = sorted(f"{uid} {state}" for uid in users for state in ("online", "offline"))
    wait_until(lambda: len(site.calls()) >= len(wanted))
    assert sorted(site.calls()) == wanted


async def test_event_of_a_process_that_was_killed_is_received_by_another(site, gateway, django):
    site.suspend()
    killed = site.start(claim_after=1)
    async with gateway.welcomed(django.log_in("a", "7")):
        wait_until(lambda: site.callers() == [killed.pid])
        killed.kill()
        killed.wait()
        site.resume()
        other = site.start(claim_after=1)
        wait_until(lambda: site.callers() == [killed.pid, other.pid])
        assert site.calls() == ["7 online", "7 online"]
        wait_until(lambda: django.redis.xlen(KEYS.events) == 0)


async def test_waiting_events_are_left_to_other_processes(site, gateway, django):
    """A receiver that hangs holds one event, and no other."""
    site.suspend()
    slow = site.start()
    async with gateway.welcomed(django.log_in("a", "7")):
        wait_until(lambda: site.callers() == [slow.pid])
        other = site.start()
        async with gateway.welcomed(django.log_in("b", "8")):
            wait_until(lambda: site.callers() == [slow.pid, other.pid])
            site.resume()
            wait_until(lambda: django.redis.xlen(KEYS.events) == 0)
    assert site.calls()[:2] == ["7 online", "8 online"]


async def test_process_that_is_stopped_finishes_its_event(site, gateway, django):
    site.suspend()
    process = site.start()
    async with gateway.welcomed(django.log_in("a", "7")):
        wait_until(lambda: site.calls() == ["7 online"])
        process.terminate()
        site.resume()
        assert process.wait(60) == 0
        assert django.redis.xlen(KEYS.events) == 0
        assert django.redis.xinfo_consumers(KEYS.events, "signals") == []


async def test_receiver_that_fails_is_logged_and_not_called_again(site, gateway, django):
    site.start()
    async with gateway.welcomed(django.log_in("a", "bad")):
        wait_until(lambda: "a receiver that fails" in site.log())
        wait_until(lambda: django.redis.xlen(KEYS.events) == 0)
    wait_until(lambda: site.calls() == ["bad online", "bad offline"])


async def test_command_goes_on_after_redis_lost_its_data(site, gateway, django):
    site.start()
    async with gateway.welcomed(django.log_in("a", "7")):
        wait_until(lambda: site.calls() == ["7 online"])
        django.redis.delete(KEYS.events)
        async with gateway.welcomed(django.log_in("b", "8")):
            wait_until(lambda: site.calls() == ["7 online", "8 online"])


async def test_malformed_event_is_dropped(site, gateway, django):
    django.redis.xadd(KEYS.events, {"user": "7"})
    django.redis.xadd(KEYS.events, {"user": b"\xff", "is_online": 1, "at": 1})
    django.redis.xadd(KEYS.events, {"user": "8", "is_online": 1, "at": "nan"})
    site.start()
    async with gateway.welcomed(django.log_in("a", "7")):
        wait_until(lambda: site.calls() == ["7 online"])
    wait_until(lambda: django.redis.xlen(KEYS.events) == 0)


async def test_tenants_have_users_of_the_same_name(site, gateway, django):
    site.start()
    one, two = in_tenant("acme", "7"), in_tenant("corp", "7")
    django.log_in(in_tenant("acme", "s"), one)
    django.log_in(in_tenant("corp", "s"), two)
    first = django.token(in_tenant("acme", "s"), one)
    second = django.token(in_tenant("corp", "s"), two)
    async with gateway.welcomed(first):
        wait_until(lambda: site.calls() == ["7 online acme"])
        async with gateway.welcomed(second):
            wait_until(lambda: site.calls() == ["7 online acme", "7 online corp"])
        wait_until(lambda: site.calls()[-1] == "7 offline corp")


async def test_gateway_without_the_option_notes_nobody(django, redis_server, tmp_path):
    plain = Gateway(redis_server.connection_url, tmp_path / "log").start()
    try:
        async with plain.welcomed(django.log_in("a", "7")):
            wait_until(lambda: django.redis.hexists(NAMES.presence("broadcast", plain.worker), "7"))
            assert not django.redis.exists(KEYS.online, KEYS.events)
    finally:
        plain.stop()


async def test_signals_on_a_cluster(tmp_path):
    """All keys are in one slot, whichever node has it."""
    with cluster(tmp_path / "nodes") as nodes, nodes.emptied() as redis:
        site, both = Site(nodes.url, tmp_path), Django(redis)
        gateway = Gateway(nodes.url, tmp_path / "gateway", presence_signals="yes").start()
        try:
            site.start()
            async with gateway.welcomed(both.log_in("a", "7")):
                wait_until(lambda: site.calls() == ["7 online"])
            wait_until(lambda: site.calls() == ["7 online", "7 offline"])
        finally:
            site.stop()
            gateway.stop()


def test_command_names_the_setting_that_is_missing(site, monkeypatch, settings):
    from django.core.management import CommandError, call_command

    with pytest.raises(CommandError, match="PRESENCE_SIGNALS"):
        call_command("sockgate_signals")
