import asyncio

import pytest
from sockgate.client import NotConnected
from sockgate.client.waiters import Waiters


async def test_one_who_waits_no_more_leaves_the_others_waiting() -> None:
    waiters = Waiters()
    other = asyncio.ensure_future(waiters.wait("room:7"))
    with pytest.raises(TimeoutError):
        await waiters.wait("room:7", 0.01)
    assert waiters.resolve("room:7", "subscribed")
    assert await other == "subscribed"
    assert not waiters.resolve("room:7", "again")


async def test_error_is_raised_to_all_who_wait() -> None:
    waiters = Waiters()
    found = [asyncio.ensure_future(waiters.wait(key)) for key in ("a", "b")]
    await asyncio.sleep(0)
    waiters.fail_all(NotConnected("lost"))
    errors = await asyncio.gather(*found, return_exceptions=True)
    assert [type(error) for error in errors] == [NotConnected, NotConnected]
