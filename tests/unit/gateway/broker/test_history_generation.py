"""A history that was read while the master was replaced is discarded."""

from typing import Any

import pytest
from sockgate_gateway.broker.history import RedisHistory
from sockgate_gateway.channels.history import HistoryRequest
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.wire.names import Names


class ReplacedServers:
    """A master that may be replaced while it answers."""

    is_sharded = False

    def __init__(self) -> None:
        self.client = self
        self.now = 3
        self.next = 3
        self.arguments: list[Any] = []

    def generation(self) -> int:
        return self.now

    async def execute_command(self, *command: Any) -> list[Any]:
        self.arguments += command
        self.now = self.next
        return [(b"epoch", 7, [], b"12")]


@pytest.fixture
def servers() -> ReplacedServers:
    return ReplacedServers()


@pytest.fixture
def history(servers) -> RedisHistory:
    return RedisHistory(
        servers, Names(), max_publications=100, max_bytes=1000, max_publication_bytes=1000
    )


async def test_generation_is_passed_to_the_script(servers, history):
    (reply,) = await history.read_many([HistoryRequest("user:7")])
    assert reply.position == ("epoch", 7)
    assert servers.arguments[-2:] == [3, 1]
    assert reply.touched == 12


async def test_history_is_discarded_when_the_master_was_replaced_meanwhile(servers, history):
    servers.next = 4
    with pytest.raises(BrokerUnavailable, match="made anew"):
        await history.read_many([HistoryRequest("user:7")])
