"""What a tab missed, read over a second connection: a gap only where the gateway says so."""

from signal import SIGCONT, SIGSTOP

import pytest
from redis import Redis

from tests.integration.sequences import publish_in_sequence
from tests.integration.shared.tabs import MAX_PUBLICATION, ROOM, SharedTab, connections
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

STANDSTILL_MS = 6000
"""Longer than the five seconds after which such a tab once received a ``gap``."""


def test_gateway_that_stands_still_during_a_replay_costs_no_gap(open_tab, gateway, publisher):
    away = leave_after(open_tab, gateway, publisher)
    publisher.publish_to(ROOM, "n", "missed", sequenced=True)
    open_tab(ROOM).ready()
    gateway.process.send_signal(SIGSTOP)
    away.page.evaluate("rt.connect()")
    away.page.wait_for_timeout(STANDSTILL_MS)
    gateway.process.send_signal(SIGCONT)
    away.wait(message="missed")
    assert away.messages(ROOM) == ["before", "missed"]
    assert ["gap", ROOM, None] not in away.events("gap")


def test_replay_up_to_a_publication_that_cannot_be_delivered_ends(
    open_tab, gateway, publisher, redis_server
):
    away = leave_after(open_tab, gateway, publisher)
    with Redis.from_url(redis_server.connection_url) as redis:
        publish_in_sequence(redis, ROOM, "x" * MAX_PUBLICATION)
    open_tab(ROOM).ready()
    away.page.evaluate("rt.connect()")
    away.wait(subscribed=ROOM)
    assert away.events("gap") == []
    publisher.publish_to(ROOM, "n", "after", sequenced=True)
    away.wait(message="after")
    assert away.messages(ROOM) == ["before", "after"]
    assert away.events("gap") == [["gap", ROOM, None]]


def leave_after(open_tab, gateway, publisher) -> SharedTab:
    """Return a tab that is closed for now, behind one publication."""
    away = open_tab(ROOM).ready()
    publisher.publish_to(ROOM, "n", "before", sequenced=True)
    away.wait(message="before")
    away.page.evaluate("rt.close()")
    wait_until(lambda: connections(gateway) == 0)
    return away
