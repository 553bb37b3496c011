"""Many connections at once: read together, ready together, and each failing alone."""

import asyncio

import pytest

from gateway import admission
from gateway.connection import State
from gateway.wire.closecodes import CloseCode
from tests.waiting import turn_loop

from .house import House, Tab


@pytest.fixture
def reads(house: House) -> list[list[str]]:
    """Write down whose sessions were read together."""
    reads: list[list[str]] = []
    read_many = house.broker.read_many

    async def counting(claims):
        reads.append([sid for sid, _ in claims])
        await asyncio.sleep(0)
        return await read_many(claims)

    house.broker.read_many = counting
    return reads


def arrive(house: House, *sids: str) -> list[Tab]:
    tabs = []
    for sid in sids:
        tabs.append(house.attach())
        tabs[-1].shows(house.log_in(sid, f"user of {sid}"))
    return tabs


async def test_those_of_one_turn_are_read_together(house, reads):
    tabs = arrive(house, "a", "b", "c")
    await turn_loop()
    assert reads == [["a", "b", "c"]]
    assert [tab.frames()[0]["user"] for tab in tabs] == ["user of a", "user of b", "user of c"]


async def test_those_who_come_during_a_reading_share_the_next(house, reads):
    arrive(house, "a")
    await asyncio.sleep(0)
    tabs = arrive(house, "b", "c")
    await turn_loop(10)
    assert reads == [["a"], ["b", "c"]]
    assert all(tab.connection.state is State.OPEN for tab in tabs)


async def test_no_reading_is_too_large(house, reads, monkeypatch):
    monkeypatch.setattr(admission, "MAX_BATCH", 2)
    arrive(house, "a", "b", "c")
    await turn_loop(10)
    assert reads == [["a", "b"], ["c"]]


async def test_one_who_is_refused_keeps_no_other_from_being_welcomed(house, reads):
    tabs = arrive(house, "a", "b", "c")
    house.broker.delete_session("b")
    await turn_loop()
    assert [tab.code for tab in tabs] == [None, CloseCode.SESSION_UNKNOWN, None]


async def test_one_who_fails_keeps_no_other_from_being_welcomed(house, caplog):
    join = house.hub.join

    def failing(connection, channel, newcomer=None):
        if connection.sid == "b":
            raise KeyError
        join(connection, channel, newcomer)

    house.hub.join = failing
    tabs = arrive(house, "a", "b", "c")
    await turn_loop()
    assert [tab.code for tab in tabs] == [None, CloseCode.INTERNAL_ERROR, None]
    assert "event=task_failed" in caplog.text


async def test_all_are_refused_when_nothing_can_be_read_and_the_next_are_served(house):
    tabs = arrive(house, "a", "b")
    house.broker.cut()
    await turn_loop()
    assert [tab.code for tab in tabs] == [CloseCode.UNAVAILABLE] * 2
    house.broker.mend()
    (tab,) = arrive(house, "c")
    await turn_loop()
    assert tab.connection.state is State.OPEN


async def test_who_leaves_while_sessions_are_read_joins_nothing(house, reads):
    (tab,) = arrive(house, "a")
    await asyncio.sleep(0)
    tab.leaves()
    await turn_loop()
    assert house.hub.channels() == []
