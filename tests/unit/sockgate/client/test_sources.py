import asyncio
import threading
from threading import Barrier, Event

import pytest
from sockgate.client import CallableSource, CredentialsError, IssuedGrant, IssuedToken

WAIT_S = 10


def token_of(answer):
    return asyncio.run(CallableSource(lambda: answer).fetch_token())


def grant_of(answer):
    return asyncio.run(CallableSource(str, lambda _: answer).fetch_grant("room:7"))


def test_text_is_a_token_without_a_lifetime():
    assert token_of("T1") == IssuedToken("T1")


def test_issued_token_is_returned_as_it_is():
    assert token_of(IssuedToken("T1", 60, "u")) == IssuedToken("T1", 60, "u")


def test_coroutine_functions_are_awaited():
    async def issue():
        return "T1"

    assert asyncio.run(CallableSource(issue).fetch_token()) == IssuedToken("T1")
    assert asyncio.run(CallableSource(lambda: issue()).fetch_token()) == IssuedToken("T1")


@pytest.mark.parametrize("answer", [None, "", 7, {"token": "T1"}])
def test_anything_else_is_no_token(answer):
    with pytest.raises(CredentialsError, match="get_token"):
        token_of(answer)


def test_channel_is_public_without_a_function():
    assert asyncio.run(CallableSource(str).fetch_grant("room:7")) == IssuedGrant(None)


@pytest.mark.parametrize(
    ("answer", "grant"),
    [("G1", IssuedGrant("G1")), (None, IssuedGrant(None)), (IssuedGrant("G1"), IssuedGrant("G1"))],
)
def test_grant_of_a_function(answer, grant):
    assert grant_of(answer) == grant


def test_anything_else_is_no_grant():
    with pytest.raises(CredentialsError, match="get_grant"):
        grant_of(7)


def test_error_of_a_function_is_raised():
    def refuse():
        raise CredentialsError("no", 401, is_final=True)

    with pytest.raises(CredentialsError) as error:
        asyncio.run(CallableSource(refuse).fetch_token())
    assert error.value.is_final


async def test_function_that_blocks_costs_one_thread():
    released = Event()
    source = CallableSource(lambda: "T1" if released.wait(WAIT_S) else "", lambda _: "G1")
    before = set(threading.enumerate())  # A thread of an earlier test may still end.
    for attempt in range(3):
        with pytest.raises(CredentialsError if attempt else TimeoutError) as failed:
            async with asyncio.timeout(0.05):
                await source.fetch_token()
    assert "get_token has not returned from an earlier call" in str(failed.value)
    assert len(set(threading.enumerate()) - before) == 1
    assert await source.fetch_grant("room:7") == IssuedGrant("G1")
    released.set()
    while set(threading.enumerate()) - before:
        await asyncio.sleep(0.01)
    assert await source.fetch_token() == IssuedToken("T1")


async def test_calls_at_the_same_time_do_not_wait_for_each_other():
    both = Barrier(2, timeout=WAIT_S)
    source = CallableSource(str, lambda _: str(both.wait() >= 0))
    grants = await asyncio.gather(source.fetch_grant("room:7"), source.fetch_grant("room:8"))
    assert grants == [IssuedGrant("True")] * 2
