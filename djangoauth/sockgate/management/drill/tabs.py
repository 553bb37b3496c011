"""Simulated tabs: clients that count, and the numbers that they count."""

import asyncio
from collections import Counter
from contextvars import copy_context
from threading import Event as Flag
from threading import Thread
from time import monotonic, time
from typing import Any

from django.http import HttpRequest

from ...access.grants import LiveGrants
from ...client import (
    AsyncClient,
    ConnectionClosed,
    CredentialsError,
    CredentialSource,
    Gap,
    IssuedGrant,
    IssuedToken,
    Message,
    State,
    StateChanged,
    Unsubscribed,
)
from ...client.threads import in_thread
from ...errors import PublicationError
from ...publishing.calls import publish_to
from ...redis_clients import redis_errors
from ..logins import connections_closed, token_of
from .tally import Tally

EVENT = "sockgate-drill"
MAX_CALLS = 8
"""Tokens and grants that are made at a time, each with a connection to the database."""


class OwnLogin:
    """Tokens and grants of a login of the command; ``AUTHORIZE`` is not asked.

    Args:
        request: with the login.
        slots: how many may be made at a time.
    """

    def __init__(self, request: HttpRequest, slots: asyncio.Semaphore) -> None:
        self._request = request
        self._slots = slots

    async def fetch_token(self) -> IssuedToken:
        """Make a token."""
        async with self._slots:
            issued: IssuedToken = await in_thread(token_of, self._request)
        return issued

    async def fetch_grant(self, channel: str) -> IssuedGrant:
        """Make the grant of a channel."""
        async with self._slots:
            issued: IssuedGrant = await in_thread(self._grant, channel)
        return issued

    def _grant(self, channel: str) -> IssuedGrant:
        with connections_closed():
            issued = LiveGrants(self._request).issue(channel)
        if issued is None:
            raise CredentialsError("the login of this command has ended", 401, is_final=True)
        return IssuedGrant(issued.text, issued.expires_in_s)


class Counted:
    """A source whose requests are counted by second.

    Args:
        source: is asked.
        herd: counts.
    """

    def __init__(self, source: CredentialSource, herd: Counter[int]) -> None:
        self._source = source
        self._herd = herd

    async def fetch_token(self) -> IssuedToken:
        """Count, and fetch a token."""
        self._herd[int(monotonic())] += 1
        return await self._source.fetch_token()

    async def fetch_grant(self, channel: str) -> IssuedGrant:
        """Count, and fetch a grant."""
        self._herd[int(monotonic())] += 1
        return await self._source.fetch_grant(channel)


class Tab:
    """One simulated tab.

    Args:
        source: of its tokens and grants.
        url: of the gateway; empty: the site names it.
        channel: on which it counts.
    """

    def __init__(self, source: CredentialSource, url: str, channel: str) -> None:
        self.tally = Tally()
        self.ended = ""
        """Why the tab does not come back."""
        self._client = AsyncClient(source, url=url)
        self._channel = channel

    async def open(self, within_s: float) -> None:
        """Connect and subscribe, while ``count`` runs.

        Raises:
            ClientError, TimeoutError: it does not succeed.
        """
        await self._client.wait_until_connected(within_s)
        await self._client.subscribe(self._channel, timeout_s=within_s)

    async def count(self) -> None:
        """Record what comes until the tab is closed."""
        self._client.connect()
        try:
            async for event in self._client:
                self._note(event)
        except ConnectionClosed as closed:
            self.ended = str(closed)
            self.tally.left(monotonic())

    def _note(self, event: Any) -> None:
        if isinstance(event, StateChanged):
            is_back = event.state is State.CONNECTED
            (self.tally.came if is_back else self.tally.left)(monotonic())
        elif isinstance(event, Unsubscribed) and event.channel == self._channel:
            self.ended = f"{event.code} {event.message}"
            self.tally.left(monotonic())
        elif isinstance(event, Gap) and event.channel == self._channel:
            self.tally.gap()
        elif isinstance(event, Message) and event.event == EVENT:
            self.tally.received(event.data["number"], time() - event.data["sent_at"])

    async def close(self) -> None:
        """Close the tab."""
        await self._client.aclose()


class Numbers:
    """Publishes 1, 2, 3, … in a thread, each until Redis has taken it.

    Args:
        channel: its name.
        rate: numbers a second.
        run: the name of this drill; a number that is sent twice is published once.
    """

    def __init__(self, channel: str, rate: float, run: str) -> None:
        self.last = 0
        self.error: Exception | None = None
        self._channel = channel
        self._pause_s = 1 / rate
        self._run = run
        self._stop = Flag()
        self._thread = Thread(target=copy_context().run, args=(self._publish,), daemon=True)

    def __enter__(self) -> "Numbers":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _publish(self) -> None:
        with connections_closed():
            while not self._stop.wait(self._pause_s):
                try:
                    self._publish_number(self.last + 1)
                except PublicationError as error:
                    self.error = error
                    return

    def _publish_number(self, number: int) -> None:
        data = {"number": number, "sent_at": time()}
        key = f"{self._run}-{number}"
        try:
            publish_to(self._channel, EVENT, data, sequenced=True, idempotency_key=key)
        except redis_errors.RedisError:
            return  # The next turn sends the same number.
        self.last = number
