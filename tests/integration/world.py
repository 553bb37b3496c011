"""A store, gateways and browsers, and what was published to them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Lock
from time import monotonic, sleep
from typing import Any

from playwright.async_api import BrowserContext
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError

from .gatewayprocess import NAMES, Django, Gateway
from .lines import LINES, NODE_LINES, Line, RawWebSocketLine
from .pages import TRANSPORTS, Page
from .returning import Returning
from .sequences import append_to_sequence
from .stores import Store

PADDING = "." + "0" * 16 * 1024
"""Makes a number long, and no other: space would be cut off."""
PUBLISHED_WITHIN_S = 30

Browser = Returning | Page


@dataclass(frozen=True)
class Size:
    """How large a world is."""

    users: int
    public: int
    """Channels that anyone may hear."""
    heard: int
    """How many of these each browser hears."""
    ways: tuple[type[Line], ...]
    """Of the browsers of each user."""
    nodes: int = 0
    """How many browsers are sockjs-client under Node.js."""
    pages: int = 0
    """How many are pages in Chromium."""
    workers: tuple[int, ...] = (1, 1)
    """Of each gateway."""
    at_once: int = 1
    """How many publications travel together."""


SMALL = Size(users=4, public=3, heard=3, ways=LINES, pages=3)
FEW = Size(users=2, public=3, heard=3, ways=LINES[:4])
LARGE = Size(
    users=30,
    public=169,
    heard=6,
    ways=(*LINES, RawWebSocketLine, RawWebSocketLine, *LINES[2:3]),
    nodes=12,
    pages=12,
    workers=(2, 1),
    at_once=20,
)


class World:
    """What there is.

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
                sleep(0.05)

    def publish_some(self, count: int) -> None:
        at_once = self.size.at_once
        for _ in range(0, count, at_once):
            self.publish(*self.random.choices(self.channels, k=at_once))

    def publish_everywhere(self) -> None:
        for channel in self.channels:
            self.publish(channel)

    def publish_at_once(self, channels: list[str], redis: Redis, padding: str = "") -> None:
        """Publish in one transaction."""
        with self._publishing, redis.pipeline(transaction=True) as pipeline:
            published = self._add(pipeline, channels, padding)
            pipeline.execute()
            self.published |= published

    @contextmanager
    def nobody_publishing(self) -> Iterator[None]:
        """Let all who publish wait meanwhile."""
        with self._publishing:
            yield

    def wanted(self, browser: Browser) -> list[str]:
        """List what a browser hears."""
        uid = self.tokens.index(browser.token)
        return ["broadcast", f"user:{uid}", *browser.public]

    def some_browsers(self, share: int) -> list[Browser]:
        return self.random.sample(self.browsers, len(self.browsers) // share)

    def positions(self) -> dict[str, list[Any]]:
        """Ask Redis where each channel stands."""
        with self.redis.pipeline(transaction=False) as pipeline:
            for channel in self.channels:
                pipeline.hmget(NAMES.offset(channel), "epoch", "offset")
            stands = zip(self.channels, pipeline.execute(), strict=True)
        return {channel: [(e or b"").decode(), int(o or 0)] for channel, (e, o) in stands}

    def count(self) -> None:
        """Count the effects that show at the end."""
        ends = sum((browser.ends for browser in self.browsers), Counter())
        self.effects += Counter({f"ended with {code}": count for code, count in ends.items()})
        welcomes = sum(browser.times_welcomed for browser in self.browsers)
        self.effects["came back"] += welcomes - len(self.browsers)
        self.effects["links lost"] += self._told("event=link_lost")
        self.effects["probes lost"] += self.lost_probes

    @property
    def lost_probes(self) -> int:
        return self._told("the probe did not come back")

    def _told(self, what: str) -> int:
        """Count what the gateways have said in their logs."""
        return sum(gateway.log.read_text().count(what) for gateway in self.gateways)

    def stop(self) -> None:
        for gateway in self.gateways:
            gateway.stop()

    @property
    def _crowd(self) -> int:
        return len(self.size.ways) * self.size.users

    def _gateway(self, log: Path, workers: int) -> Gateway:
        options = {
            "namespaces": '{"open": {"public": true}}',
            "drain_timeout": 1,
            "max_outbox": 512 * 1024,
            "workers": workers,
        }
        return Gateway(self.store.url, log, **options).start()

    def _browser(self, number: int, chromium: BrowserContext) -> Browser:
        """Make one of those who use Node.js, then pages, then all others."""
        gateway = self.gateways[number % len(self.gateways)]
        token = self.tokens[number // len(self.size.ways)]
        public = tuple(self.random.sample(self.public, self.size.heard))
        if number < self.size.nodes:
            return Returning(gateway, token, public, NODE_LINES[number % len(NODE_LINES)])
        if number < self.size.nodes + self.size.pages:
            return Page(chromium, gateway, token, public, TRANSPORTS[number % len(TRANSPORTS)])
        return Returning(gateway, token, public, self.size.ways[number % len(self.size.ways)])

    def _is_published(self, pipeline: Pipeline, channels: Iterable[str]) -> bool:
        published = self._add(pipeline, channels)
        try:
            pipeline.execute()
        except RedisError:
            return False
        self.published |= published
        return True

    def _add(
        self, pipeline: Pipeline, channels: Iterable[str], padding: str = ""
    ) -> dict[str, int]:
        """Let a pipeline publish, each number under its own name; give the last of each channel."""
        published: dict[str, int] = {}
        for channel in channels:
            number = published[channel] = published.get(channel, self.published[channel]) + 1
            append_to_sequence(pipeline, channel, json.dumps(number) + padding, once=str(number))
        return published
