"""A store, gateways and clients, and the publications to them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from threading import Lock
from time import monotonic, sleep
from typing import Any

from playwright.async_api import BrowserContext
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from sockgate_gateway.wire.closecodes import CloseCode

from tests.integration.gatewayprocess import NAMES, Django, Gateway
from tests.integration.lines import LINES, NODE_LINES, Line, RawWebSocketLine
from tests.integration.pages import TRANSPORTS, Page
from tests.integration.returning_clients import ReturningClient
from tests.integration.sequences import append_to_sequence
from tests.integration.stores import Store

PADDING = "." + "0" * 16 * 1024
"""Makes a number long, and no other: space would be cut off."""
PUBLISHED_WITHIN_S = 120

Browser = ReturningClient | Page


@dataclass(frozen=True)
class Size:
    """How large a world is."""

    users: int
    public: int
    """Public channels."""
    subscribed: int
    """How many of these each client subscribes to."""
    transports: tuple[type[Line], ...]
    """Of the browsers of each user."""
    nodes: int = 0
    """How many browsers are sockjs-client under Node.js."""
    pages: int = 0
    """How many are pages in Chromium."""
    workers: tuple[int, ...] = (1, 1)
    """Of each gateway."""
    at_once: int = 1
    """How many publications travel together."""
    has_plain: bool = True
    """Whether plain publications are allowed, though none is sent."""


SMALL = Size(users=4, public=3, subscribed=3, transports=LINES, pages=3)
SEQUENCED = replace(SMALL, has_plain=False)
FEW = Size(users=2, public=3, subscribed=3, transports=LINES[:4])
LARGE = Size(
    users=30,
    public=169,
    subscribed=6,
    transports=(*LINES, RawWebSocketLine, RawWebSocketLine, *LINES[2:3]),
    nodes=12,
    pages=12,
    workers=(2, 1),
    at_once=20,
)


class World:
    """Redis, gateways and clients, and the publications so far.

    Args:
        folder: takes logs.
        random: decides what happens.
        size: how much of everything.
        store: Redis.
        chromium: opens pages.

    ``happened`` counts what was done, and ``effects`` what came of it.
    """

    def __init__(
        self, folder: Path, random: Random, size: Size, store: Store, chromium: BrowserContext
    ) -> None:
        self.random = random
        self.size = size
        self.store = store
        self.redis = store.redis
        self.happened: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self.django = Django(self.redis)
        self.tokens = self.log_in()
        self.public = tuple(f"open:{number}" for number in range(size.public))
        users = (f"user:{uid}" for uid in range(size.users))
        self.channels = ("broadcast", *users, *self.public)
        self.published = dict.fromkeys(self.channels, 0)
        self._publishing = Lock()
        self.gateways = [
            self._gateway(folder / f"log{number}", workers)
            for number, workers in enumerate(size.workers)
        ]
        self.browsers = [self._browser(number, chromium) for number in range(self._crowd)]

    def log_in(self) -> list[str]:
        return [self.django.log_in(f"sid{uid}", str(uid), 3000) for uid in range(self.size.users)]

    def publish(self, *channels: str) -> None:
        """Publish the next number of each, again and again until that has worked once."""
        deadline = monotonic() + PUBLISHED_WITHIN_S
        with self._publishing, self.redis.pipeline(transaction=False) as pipeline:
            while not self._is_published(pipeline, channels):
                assert monotonic() < deadline, "nothing can be published"
                sleep(0.05)  # Redis is unavailable; the next attempt may succeed.

    def publish_some(self, count: int) -> None:
        at_once = self.size.at_once
        for _ in range(0, count, at_once):
            self.publish(*self.random.choices(self.channels, k=at_once))

    def publish_everywhere(self) -> None:
        for channel in self.channels:
            self.publish(channel)

    def publish_at_once(self, channels: list[str], redis: Redis, padding: str = "") -> None:
        """Publish in one transaction, again and again until that has worked once."""
        deadline = monotonic() + PUBLISHED_WITHIN_S
        with self._publishing, redis.pipeline(transaction=True) as pipeline:
            while not self._is_published(pipeline, channels, padding):
                assert monotonic() < deadline, "nothing can be published"
                sleep(0.05)  # Redis is unavailable; the next attempt may succeed.

    @contextmanager
    def publishing_paused(self) -> Iterator[None]:
        """Block all publishers meanwhile."""
        with self._publishing:
            yield

    def wanted(self, browser: Browser) -> list[str]:
        """List the channels of a client."""
        uid = self.tokens.index(browser.token)
        return ["broadcast", f"user:{uid}", *browser.public]

    def some_browsers(self, share: int) -> list[Browser]:
        return self.random.sample(self.browsers, len(self.browsers) // share)

    def positions(self, redis: Redis | None = None) -> dict[str, list[Any]]:
        """Read the position of each channel from Redis, or from one server of it."""
        with (redis or self.redis).pipeline(transaction=False) as pipeline:
            for channel in self.channels:
                pipeline.hmget(NAMES.offset(channel), "epoch", "offset")
            positions = zip(self.channels, pipeline.execute(), strict=True)
        return {channel: [(e or b"").decode(), int(o or 0)] for channel, (e, o) in positions}

    def count(self) -> None:
        """Count the effects that show at the end."""
        ends = sum((browser.ends for browser in self.browsers), Counter())
        self.effects += Counter({f"ended with {code}": count for code, count in ends.items()})
        welcomes = sum(browser.times_welcomed for browser in self.browsers)
        self.effects["came back"] += welcomes - len(self.browsers)
        self.effects["links lost"] += self._count_in_logs("event=link_lost")
        self.effects["probes lost"] += self.lost_probes

    @property
    def lost_probes(self) -> int:
        return self._count_in_logs("the probe did not come back")

    @property
    def slow_closes(self) -> int:
        return self._count_in_logs(f" code={CloseCode.SLOW_CONSUMER:d} ")

    def _count_in_logs(self, what: str) -> int:
        """Count a text in the logs of the gateways."""
        return sum(gateway.log.read_text().count(what) for gateway in self.gateways)

    def stop(self) -> None:
        for gateway in self.gateways:
            gateway.stop()

    @property
    def _crowd(self) -> int:
        return len(self.size.transports) * self.size.users

    def _gateway(self, log: Path, workers: int) -> Gateway:
        options = {
            "namespaces": json.dumps(self._namespaces()),
            "drain_timeout": 1,
            "max_outbox": 512 * 1024,
            "workers": workers,
        }
        return Gateway(self.store.url, log, **options).start()

    def _namespaces(self) -> dict[str, dict[str, object]]:
        public: dict[str, object] = {"public": True, "state": "latest"}
        namespaces: dict[str, dict[str, object]] = {"open": public}
        if not self.size.has_plain:
            namespaces |= {"broadcast": {}, "user": {}}
        return {name: {**one, "plain": self.size.has_plain} for name, one in namespaces.items()}

    def _browser(self, number: int, chromium: BrowserContext) -> Browser:
        """Create clients under Node.js first, then pages, then all others."""
        gateway = self.gateways[number % len(self.gateways)]
        token = self.tokens[number // len(self.size.transports)]
        public = tuple(self.random.sample(self.public, self.size.subscribed))
        if number < self.size.nodes:
            return ReturningClient(gateway, token, public, NODE_LINES[number % len(NODE_LINES)])
        if number < self.size.nodes + self.size.pages:
            return Page(chromium, gateway, token, public, TRANSPORTS[number % len(TRANSPORTS)])
        return ReturningClient(
            gateway, token, public, self.size.transports[number % len(self.size.transports)]
        )

    def _is_published(self, pipeline: Pipeline, channels: Iterable[str], padding: str = "") -> bool:
        published = self._add(pipeline, channels, padding)
        try:
            pipeline.execute()
        except RedisError:
            return False
        self.published |= published
        return True

    def _add(
        self, pipeline: Pipeline, channels: Iterable[str], padding: str = ""
    ) -> dict[str, int]:
        """Queue publications, each with its idempotency key; return the last of each channel."""
        published: dict[str, int] = {}
        for channel in channels:
            number = published[channel] = published.get(channel, self.published[channel]) + 1
            text, command = json.dumps(number) + padding, self.store.command_for(channel)
            append_to_sequence(pipeline, channel, text, once=str(number), command=command)
        return published
