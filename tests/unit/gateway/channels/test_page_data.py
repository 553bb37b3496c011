"""What pages say about themselves, and its limits."""

import pytest
from sockgate_gateway.channels.page_data import (
    ENTRY_BYTES,
    MAX_PAGES,
    MAX_USER_BYTES,
    PageData,
)

from tests.unit.gateway.fakes import new_connection

ROOM, UID = "room:7", "1"


@pytest.fixture
def pages() -> PageData:
    return PageData()


def test_page_has_the_data_that_was_set_last(pages):
    page = new_connection()
    assert pages.put(page, ROOM, UID, b"{}")
    assert pages.put(page, ROOM, UID, b'{"x":1}')
    assert pages.of(ROOM, UID) == (b'{"x":1}',)
    assert pages.of("room:8", UID) == pages.of(ROOM, "2") == ()


def test_nothing_is_left_when_data_is_removed(pages):
    one, two = new_connection(), new_connection()
    pages.put(one, ROOM, UID, b"{}")
    pages.put(two, ROOM, UID, b"{}")
    assert pages.put(one, ROOM, UID, b"")
    assert pages.drop(two, ROOM, UID)
    assert not pages.drop(two, ROOM, UID)
    assert not pages
    assert not pages._bytes


def test_pages_of_a_user_on_a_channel_are_limited(pages):
    connections = [new_connection() for _ in range(MAX_PAGES + 1)]
    *some, last = connections
    assert all(pages.put(page, ROOM, UID, b"{}") for page in some)
    assert not pages.put(last, ROOM, UID, b"{}")
    assert pages.put(some[0], ROOM, UID, b'{"x":1}')
    assert pages.put(last, ROOM, "2", b"{}")


def test_data_of_a_user_is_limited_over_all_channels(pages):
    page, data = new_connection(), b"x" * (1024 - ENTRY_BYTES)
    fits = MAX_USER_BYTES // 1024
    assert all(pages.put(page, f"room:{n}", UID, data) for n in range(fits))
    assert not pages.put(page, "room:more", UID, b"{}")
    assert pages.put(page, "room:0", UID, b"{}")
    assert pages.put(page, "room:more", UID, b"{}")


def test_data_of_other_channels_is_dropped(pages):
    page = new_connection()
    for room in ("room:1", "room:2"):
        pages.put(page, room, UID, b"{}")
    pages.keep({("room:2", UID)})
    assert pages.entries() == [("room:2", UID)]
