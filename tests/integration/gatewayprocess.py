"""The gateway as a process on free ports, Django's side of its Redis, and browsers."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic, time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from redis import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.wire.control import ControlMessage, write_control
from gateway.wire.names import Names
from gateway.wire.records import SessionRecord, UserRecord
from gateway.wire.tokens import Token, TokenSigner
from tests.ports import free_port

KEY = "a signing key of these tests that is long enough"
FRIEND = "https://friend.example"
NAMES = Names()
START_LIMIT_S = 30
ANSWER_LIMIT_S = 20
MOST_WORKERS = 4
"""Each has an ops port of its own, one after the other."""


def environment(redis_url: str, **options: object) -> dict[str, str]:
    """Give the variables of a gateway, and none of this shell's."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("SOCKGATE_")}
    ours.pop("PORT", None)
    given = {"redis_url": redis_url, "signing_keys": KEY, "origins": FRIEND, **options}
    return {**ours, **{f"SOCKGATE_{name.upper()}": str(value) for name, value in given.items()}}


def run_to_end(variables: dict[str, str], *flags: str) -> subprocess.CompletedProcess[str]:
    """Run a gateway that will not serve."""
    command = [sys.executable, "-m", "gateway", *flags]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=30)


class Gateway:
    """One gateway.

    Args:
        redis_url: its Redis.
        log: file for what it says.
        options: fields of Config.
    """

    def __init__(self, redis_url: str, log: Path, **options: object) -> None:
        self.port, self.ops_port = free_port(), free_port(MOST_WORKERS)
        self.log = log
        ports = {"port": self.port, "ops_port": self.ops_port}
        self._variables = environment(redis_url, **ports, **options)
        self.scheme = "wss" if options.get("tls_cert") else "ws"

    def start(self) -> "Gateway":
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway"],
                env=self._variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_ready()
        return self

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Stop it, and give its exit status."""
        if self.process.poll() is None:
            self.terminate()
        try:
            return self.process.wait(ANSWER_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    @property
    def worker(self) -> str:
        """The name of its one worker in Redis, as its log says."""
        return self.log.read_text().partition(" worker=")[2].split()[0]

    def ask_ops(self, path: str, worker: int = 0) -> tuple[int, str]:
        """Ask the ops port: status and body."""
        try:
            with urlopen(f"http://127.0.0.1:{self.ops_port + worker}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str) -> float:
        """Read one metric; 0 when it is not there."""
        lines = self.ask_ops("/metrics")[1].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name + " "))

    def peak_bytes(self) -> int:
        """Give the most memory that the process ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def connect(self, **options: Any) -> connect:
        """Open a raw WebSocket."""
        url = f"{self.scheme}://127.0.0.1:{self.port}/realtime/websocket"
        options = {"compression": None, "proxy": None, "max_size": None, **options}
        return connect(url, **options)

    @asynccontextmanager
    async def welcomed(self, token: str, **options: Any) -> AsyncIterator[ClientConnection]:
        """Open a raw WebSocket and be welcomed."""
        async with self.connect(**options) as browser:
            await show(browser, token)
            assert (await hear(browser))["type"] == "connected"
            yield browser

    def _wait_until_ready(self) -> None:
        deadline = monotonic() + START_LIMIT_S
        while not self.is_ready:
            assert self.process.poll() is None, self.log.read_text()
            assert monotonic() < deadline, self.log.read_text()

    @property
    def is_ready(self) -> bool:
        try:
            return self.ask_ops("/ready")[0] == 200
        except (URLError, OSError):
            return False


class Django:
    """What Django does: sessions, tokens, publications, control messages."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def log_in(self, sid: str, uid: str = "7", ttl_s: int = 100) -> str:
        """Write the records of a login, and give a token for it."""
        self.redis.hset(NAMES.session(sid), mapping=SessionRecord(uid, "digest").to_hash())
        self.redis.expire(NAMES.session(sid), ttl_s)
        if uid:
            self.redis.hset(NAMES.user(uid), mapping=UserRecord("digest").to_hash())
        return self.token(sid, uid or None)

    def token(self, sid: str, uid: str | None = "7", *, key: str = KEY, age_s: float = 0) -> str:
        return TokenSigner([key], lambda: time() - age_s).issue(Token(sid, uid))

    def publish(self, channel: str, data: object) -> int:
        return self.redis.publish(NAMES.channel(channel), json.dumps(data))

    def tell(self, message: ControlMessage) -> None:
        self.redis.publish(NAMES.control, write_control(message))

    def subscribers(self, channel: str) -> int:
        return self.redis.pubsub_numsub(NAMES.channel(channel))[0][1]


async def show(browser: ClientConnection, token: str) -> None:
    await browser.send(json.dumps({"type": "connect", "token": token}))


async def hear(browser: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(ANSWER_LIMIT_S):
        return json.loads(await browser.recv())


async def hear_publication(browser: ClientConnection) -> tuple[str, Any]:
    frame = await hear(browser)
    return frame["channel"], frame["data"]


async def hear_close(browser: ClientConnection) -> tuple[int, str]:
    """Read on until the gateway closes: code and reason."""
    async with asyncio.timeout(ANSWER_LIMIT_S):
        try:
            while True:
                await browser.recv()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "closed without a word"
            return closed.rcvd.code, closed.rcvd.reason
