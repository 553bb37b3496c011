"""What an open browser asks for, while something changes."""

from typing import Any

from gateway.commands import Commands
from gateway.wire.tokens import Token
from tests.waiting import until

nobody: Any = None


async def test_token_that_is_shown_while_a_group_is_left_gives_it_back_to_nobody(house):
    """His session is read just before, and the answer comes just after, what a change tells."""
    Commands(house.endpoint, house.watch, nobody, nobody, nobody, nobody)
    tab = await house.welcome("sid", "7", "editors")
    late = house.delay_next_reply()
    tab.says({"type": "refresh", "token": house.signer.issue(Token("sid", "7"))})
    await until(late.is_read.is_set)
    house.log_in("sid", "7")
    house.watch.user_changed("7")
    await until(lambda: house.watch._background.is_idle)
    assert "group:editors" not in tab.connection.channels
    late.may_arrive.set()
    await until(lambda: tab.frames()[-1:] and house.endpoint._background.is_idle)
    await until(lambda: house.watch._background.is_idle)
    assert "group:editors" not in tab.connection.channels
