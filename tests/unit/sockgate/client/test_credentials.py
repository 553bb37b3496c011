"""Fetches of tokens and grants: how many at a time, and what happens to those nobody waits for."""

import asyncio

import pytest
from sockgate.client import CredentialsError, IssuedGrant, IssuedToken
from sockgate.client.credentials import MAX_GRANT_FETCHES, Credentials

from tests.waiting import until


class Source:
    """Answers no request until the test says so."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.tokens = 0
        self.answer = asyncio.Event()

    async def fetch_token(self) -> IssuedToken:
        self.tokens += 1
        number = self.tokens
        await self.answer.wait()
        return IssuedToken(f"T{number}")

    async def fetch_grant(self, channel: str) -> IssuedGrant:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.answer.wait()
        self.running -= 1
        return IssuedGrant(channel)


async def test_few_grants_are_fetched_at_a_time() -> None:
    source = Source()
    credentials = Credentials(source)
    channels = [f"room:{number}" for number in range(MAX_GRANT_FETCHES + 4)]
    found = [asyncio.ensure_future(credentials.grant(channel)) for channel in channels]
    await until(lambda: source.running == MAX_GRANT_FETCHES)
    source.answer.set()
    assert await asyncio.gather(*found) == [IssuedGrant(channel) for channel in channels]
    assert source.most == MAX_GRANT_FETCHES


async def test_fetch_goes_on_without_its_caller_and_serves_the_next() -> None:
    source = Source()
    credentials = Credentials(source)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await credentials.token()
    source.answer.set()
    assert await credentials.token() == IssuedToken("T1")
    assert source.tokens == 1


async def test_refused_token_under_way_is_neither_used_nor_kept() -> None:
    source = Source()
    credentials = Credentials(source)
    former = asyncio.ensure_future(credentials.token())
    await until(lambda: source.tokens == 1)
    credentials.drop()
    fresh = asyncio.ensure_future(credentials.token())
    source.answer.set()
    assert (await former, await fresh) == (IssuedToken("T1"), IssuedToken("T2"))
    assert await credentials.token() == IssuedToken("T2")


async def test_unexpected_error_of_a_source_is_logged_and_may_pass(caplog) -> None:
    class Broken(Source):
        async def fetch_token(self) -> IssuedToken:
            raise ZeroDivisionError

    with pytest.raises(CredentialsError, match="ZeroDivisionError") as failed:
        await Credentials(Broken()).token()
    assert not failed.value.is_final
    assert "failed to return a token" in caplog.text
