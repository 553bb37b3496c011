from sockgate.client.events import Message
from sockgate.client.inbox import Inbox

EVENT = Message("news", "x", "user:7")


async def test_inbox_is_full_by_events_and_by_characters() -> None:
    few, small = Inbox(2, 1000), Inbox(1000, 10)
    few.put(EVENT, 1)
    small.put(EVENT, 9)
    assert not few.is_full
    assert not small.is_full
    few.put(EVENT, 1)
    small.put(EVENT, 1)
    assert few.is_full
    assert small.is_full


async def test_reading_makes_room() -> None:
    inbox = Inbox(1000, 10)
    inbox.put(EVENT, 10)
    assert await inbox.get() == EVENT
    assert not inbox.is_full
    assert inbox.is_empty
