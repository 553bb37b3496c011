"""Clients that count what they receive, and what is published to them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic

from redis import RedisError
from sockgate.client import (
    AsyncClient,
    ConnectionClosed,
    Gap,
    Message,
    SiteSession,
    SocketOptions,
    State,
    StateChanged,
)
from sockgate.publishing.publisher import Publisher

from tests.e2e.stack import ACCOUNTS
from tests.e2e.visitor import Visitor
from tests.waiting import wait_until

SEQUENCED, PLAIN = "drill:numbers", "broadcast"
CHANNELS = (SEQUENCED, PLAIN)
PAUSE_S = 0.1
"""Between two publications on each channel."""


class Publishing:
    """Publish rising numbers on both channels, and remember which were accepted."""

    def __init__(self, url: str) -> None:
        options = "&" if "?" in url else "?"
        self._publisher = Publisher(f"{url}{options}socket_timeout=2")
        self.accepted: dict[str, set[int]] = {channel: set() for channel in CHANNELS}
        self.refused = 0
        self.number = 0
        self._is_over = Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(PAUSE_S):
            self.number += 1
            self._publish(SEQUENCED, idempotency_key=str(self.number))
            self._publish(PLAIN)

    def _publish(self, channel: str, **how: str) -> None:
        try:
            self._publisher.publish_to(channel, "number", self.number, **how)  # type: ignore[arg-type]
        except RedisError:
            self.refused += 1
        else:
            self.accepted[channel].add(self.number)


@dataclass
class Page:
    """One client, and what came to it; times are of ``monotonic``."""

    received: dict[str, dict[int, float]] = field(
        default_factory=lambda: {channel: {} for channel in CHANNELS}
    )
    gaps: dict[str, list[float]] = field(
        default_factory=lambda: {channel: [] for channel in CHANNELS}
    )
    opened_at: float = field(default_factory=monotonic)
    states: list[tuple[float, StateChanged]] = field(default_factory=list)
    duplicates: int = 0
    state: State = State.CONNECTING
    ended: ConnectionClosed | None = None

    @property
    def connected_after_s(self) -> float:
        at = (at for at, change in self.states if change.state is State.CONNECTED)
        return next(at) - self.opened_at

    async def follow(self, client: AsyncClient) -> None:
        await client.subscribe(SEQUENCED, timeout_s=0)
        try:
            async for event in client:
                self._take(event)
        except ConnectionClosed as closed:
            self.ended = closed

    def _take(self, event: object) -> None:
        now = monotonic()
        if isinstance(event, Message) and event.channel in CHANNELS:
            numbers = self.received[event.channel]
            self.duplicates += event.data in numbers
            numbers[event.data] = now
        elif isinstance(event, Gap) and event.channel in CHANNELS:
            self.gaps[event.channel].append(now)
        elif isinstance(event, StateChanged):
            self.state = event.state
            self.states.append((now, event))


class Crowd:
    """Clients of the site's address, in a loop of their own.

    Args:
        origin: of the site.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.pages: list[Page] = []
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def join(self, count: int) -> list[Page]:
        """Let more come, each account in one browser with many pages."""
        cookies = [self._log_in(name) for name in ACCOUNTS]
        more = [Page() for _ in range(count)]
        for number, page in enumerate(more):
            self._loop.call_soon_threadsafe(self._begin, page, cookies[number % len(cookies)])
        self.pages += more
        return more

    def wait_until_connected(self) -> None:
        wait_until(
            lambda: all(page.state is State.CONNECTED for page in self.alive),
            lambda: Counter(page.state for page in self.alive),
        )

    def wait_for(self, number: int) -> None:
        """Wait until every page has a sequenced number, or was told of a gap after it."""
        wait_until(
            lambda: all(max(page.received[SEQUENCED], default=0) >= number for page in self.alive),
            lambda: sorted(max(page.received[SEQUENCED], default=0) for page in self.alive),
        )

    @property
    def alive(self) -> list[Page]:
        return [page for page in self.pages if page.ended is None]

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _log_in(self, name: str) -> dict[str, str]:
        visitor = Visitor(self._origin)
        wait_until(_succeeds(lambda: visitor.log_in(name)))
        return {"sessionid": visitor.session_key}

    def _begin(self, page: Page, cookies: dict[str, str]) -> None:
        task = self._loop.create_task(self._run(page, cookies))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, page: Page, cookies: dict[str, str]) -> None:
        session = SiteSession(self._origin, cookies, uses_proxy=False)
        async with AsyncClient(session, sockets=SocketOptions(uses_proxy=False)) as client:
            await page.follow(client)

    async def _end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)


def _succeeds(attempt: Callable[[], object]) -> Callable[[], bool]:
    def try_it() -> bool:
        try:
            attempt()
        except (AssertionError, OSError):
            return False
        return True

    return try_it
