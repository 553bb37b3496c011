"""Many connections at once: read together, ready together, and each failing alone."""

import asyncio

import pytest
from sockgate_gateway.loop import batching
from sockgate_gateway.wire.closecodes import CloseCode

from tests.unit.gateway.memory_worker import FakeClient, MemoryWorker
from tests.waiting import turn_loop


@pytest.fixture
def reads(worker: MemoryWorker) -> list[list[str]]:
    """Write down whose sessions were read together."""
    reads: list[list[str]] = []
    read_many = worker.broker.read_many

    async def counting(claims):
        reads.append([sid for sid, _ in claims])
        await asyncio.sleep(0)  # As a round trip does, it lets other tasks run.
        return await read_many(claims)

    worker.broker.read_many = counting
    return reads


def arrive(worker: MemoryWorker, *sids: str) -> list[FakeClient]:
    clients = []
    for sid in sids:
        clients.append(worker.open_client())
        clients[-1].send_token(worker.log_in(sid, f"user of {sid}"))
    return clients


async def test_connects_of_one_turn_are_read_together(worker, reads):
    clients = arrive(worker, "a", "b", "c")
    await turn_loop()
    assert reads == [["a", "b", "c"]]
    assert [client.frames()[0]["user"] for client in clients] == [
        "user of a",
        "user of b",
        "user of c",
    ]


async def test_connects_during_a_read_share_the_next(worker, reads):
    arrive(worker, "a")
    await turn_loop(1)  # The read of the first has begun.
    clients = arrive(worker, "b", "c")
    await turn_loop(10)
    assert reads == [["a"], ["b", "c"]]
    assert all(client.connection.is_open for client in clients)


async def test_size_of_a_read_is_limited(worker, reads, monkeypatch):
    monkeypatch.setattr(batching, "MAX_BATCH", 2)
    arrive(worker, "a", "b", "c")
    await turn_loop(10)
    assert reads == [["a", "b"], ["c"]]


async def test_refused_connect_does_not_stop_others(worker, reads):
    clients = arrive(worker, "a", "b", "c")
    worker.broker.delete_session("b")
    await turn_loop()
    assert [client.code for client in clients] == [None, CloseCode.SESSION_UNKNOWN, None]


async def test_failed_connect_does_not_stop_others(worker, caplog):
    subscribe = worker.hub.subscribe

    def failing(connection, channel, join):
        if connection.sid == "b":
            raise KeyError
        subscribe(connection, channel, join)

    worker.hub.subscribe = failing
    clients = arrive(worker, "a", "b", "c")
    await turn_loop()
    assert [client.code for client in clients] == [None, CloseCode.INTERNAL_ERROR, None]
    assert "event=task_failed" in caplog.text


async def test_failed_read_refuses_all_its_connects_and_no_later_one(worker):
    clients = arrive(worker, "a", "b")
    worker.broker.cut()
    await turn_loop()
    assert [client.code for client in clients] == [CloseCode.UNAVAILABLE] * 2
    worker.broker.mend()
    (client,) = arrive(worker, "c")
    await turn_loop()
    assert client.connection.is_open


async def test_connection_closed_during_a_read_joins_no_channel(worker, reads):
    (client,) = arrive(worker, "a")
    await turn_loop(1)  # The read has begun.
    client.disconnect()
    await turn_loop()
    assert worker.hub.channels() == []
