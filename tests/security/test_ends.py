"""Each end of a session closes its sockets, for every cause, engine and transport.

``python -m tests.security.measure`` runs all of it and writes the table in docs/security.md.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from unittest.mock import PropertyMock, patch

import pytest
from redis import Redis
from sockgate_gateway.wire.names import Names

from tests.security import ends
from tests.security.gateways import Gateway
from tests.security.visits import Tabs, Visit, visit

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

ENGINES = ("redis", "db", "cached_db")


@contextmanager
def lost_control() -> Iterator[None]:
    """Let Django publish control messages on a channel without a gateway."""
    with patch.object(Names, "control", new_callable=PropertyMock, return_value="unused"):
        yield


def cases(found: dict[str, ends.End], short_run: str = "") -> list[Any]:
    """Return a case for each end; with a short run, all others belong to `make soak`."""
    return [
        pytest.param(
            name,
            id=name.replace("`", ""),
            marks=pytest.mark.soak if short_run not in ("", name) else (),
        )
        for name in found
    ]


def measure(
    site: Any,
    tabs: Tabs,
    redis: Redis,
    visitor: Visit,
    cause: str,
    fault: Callable[[], AbstractContextManager[None]],
) -> dict[str, int]:
    """End a session; return for each transport how many ms its socket stayed open."""
    opened = tabs.open_all(visitor.token())
    with fault():
        called_at = time.monotonic()
        ends.ALL[cause](visitor, redis)
        if cause in ends.BY_ITSELF:
            called_at = time.monotonic()
    codes = {watched.wait_for_close().code for watched in opened}
    assert codes <= {4402, 4500}, codes
    return {w.tab.transport: round((w.closed_at - called_at) * 1000) for w in opened}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, site: Any) -> str:
    site.SESSION_ENGINE = f"sockgate.sessions.{request.param}"
    return str(request.param)


@pytest.fixture
def measured(
    site: Any,
    tabs: Tabs,
    redis: Redis,
    engine: str,
    alice: Any,
    record_property: Callable[[str, object], None],
) -> Callable[..., None]:
    """Measure a cause under a fault, and keep the result for the table."""

    def run(cause: str, mode: str, fault: Callable[[], AbstractContextManager[None]]) -> None:
        if cause in ends.OF_ROWS and engine == "redis":
            pytest.skip("this engine has no rows")
        took_ms = measure(site, tabs, redis, visit(alice), cause, fault)
        record_property("measured", (cause, engine, mode, took_ms))

    return run


@pytest.mark.parametrize("cause", cases({**ends.ANNOUNCED, **ends.OF_ROWS, **ends.BY_ITSELF}))
def test_end_closes_every_transport(measured: Callable[..., None], cause: str) -> None:
    measured(cause, "announced", nullcontext)


@pytest.mark.parametrize("cause", cases(ends.UNANNOUNCED))
def test_end_without_a_control_message_is_noticed(
    measured: Callable[..., None], cause: str
) -> None:
    measured(cause, "lost", nullcontext)


@pytest.mark.parametrize("cause", cases({**ends.ANNOUNCED, **ends.OF_ROWS}, "logout"))
def test_end_closes_while_the_gateway_is_cut_off(
    measured: Callable[..., None], gateway: Gateway, cause: str
) -> None:
    measured(cause, "cut", gateway.cut_off)


@pytest.mark.parametrize("cause", cases({**ends.ANNOUNCED, **ends.OF_ROWS}, "`revoke_user`"))
def test_end_closes_when_control_is_lost(measured: Callable[..., None], cause: str) -> None:
    measured(cause, "lost", lost_control)
