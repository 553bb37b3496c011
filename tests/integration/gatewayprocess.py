"""The gateway as a process on free ports, Django's side of its Redis, and browsers."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from redis import Redis
from sockgate_gateway.wire.control import ControlMessage, write_control
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import read_namespaces
from sockgate_gateway.wire.records import SessionRecord, UserRecord
from sockgate_gateway.wire.tokens import Token, TokenSigner
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.ports import free_port
from tests.waiting import wait_until

KEY = "a signing key of these tests that is long enough"
FRIEND = "https://friend.example"
NAMES = Names()
START_LIMIT_S = 120
ANSWER_LIMIT_S = 60
MOST_WORKERS = 4
"""Each has an ops port of its own, one after the other; before them is that of the host."""


def environment(redis_url: str, **options: object) -> dict[str, str]:
    """Return the environment of a gateway, without this shell's SOCKGATE_ variables."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("SOCKGATE_")}
    ours.pop("PORT", None)
    given = {"redis_url": redis_url, "signing_keys": KEY, "origins": FRIEND, **options}
    return {**ours, **{f"SOCKGATE_{name.upper()}": str(value) for name, value in given.items()}}


def run_to_end(
    variables: dict[str, str], *flags: str, launcher: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a gateway that will not serve."""
    command = [*launcher, sys.executable, "-m", "sockgate_gateway", *flags]
    return subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=START_LIMIT_S
    )


def children(pid: int) -> list[int]:
    """List the children of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_host_child(pid: int) -> bool:
    """Return whether this is the child of a supervisor that answers for the host."""
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "sockgate-host\n"
    except OSError:
        return False


class Gateway:
    """One gateway.

    Args:
        redis_url: its Redis.
        log: the file of its log.
        options: fields of Config.
    """

    def __init__(self, redis_url: str, log: Path, **options: object) -> None:
        self.port, self.host_port = free_port(), free_port(1 + MOST_WORKERS)
        self.ops_port = self.host_port + 1
        self.log = log
        ports = {"port": self.port, "ops_port": self.ops_port}
        self._variables = environment(redis_url, **ports, **options)
        self._workers = int(str(options.get("workers", 1)))
        self.scheme = "wss" if options.get("tls_cert") else "ws"

    def start(self, *launcher: str) -> "Gateway":
        """Start it, by a launcher that receives the gateway's command line, if there is one."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*launcher, sys.executable, "-m", "sockgate_gateway"],
                env=self._variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Stop it, and return its exit status."""
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
        """The name of its one worker in Redis, read from its log."""
        wait_until(lambda: " worker=" in self.log.read_text())
        return self.log.read_text().partition(" worker=")[2].split()[0]

    def ask_ops(self, path: str, worker: int = 0) -> tuple[int, str]:
        """Ask the ops port: status and body."""
        try:
            with urlopen(f"http://127.0.0.1:{self.ops_port + worker}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ask_host(self) -> dict[str, Any]:
        """Ask all workers together whether they are ready."""
        return json.loads(self.ask_ops("/ready", -1)[1])

    def host_metrics(self) -> dict[str, float]:
        """Read the metrics of all workers together."""
        lines = self.ask_ops("/metrics", -1)[1].splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {name: float(value) for name, value in pairs}

    def metric(self, name: str) -> float:
        """Read one metric; 0 when it is not there."""
        lines = self.ask_ops("/metrics")[1].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name + " "))

    def peak_bytes(self) -> int:
        """Return the peak memory of the process."""
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
        """Open a raw WebSocket, and read the ``connected`` frame."""
        async with self.connect(**options) as browser:
            await show(browser, token)
            assert (await receive_frame(browser))["type"] == "connected"
            yield browser

    @asynccontextmanager
    async def subscribed(
        self, channel: str, token: str
    ) -> AsyncIterator[tuple[ClientConnection, str]]:
        """Open a welcomed connection; yield it and the epoch of one of its channels."""
        async with self.connect() as browser:
            await show(browser, token)
            welcome = await receive_frame(browser)
            yield browser, welcome["channels"][channel]["epoch"]

    async def until_ready(self) -> None:
        """Wait until the ops port reports readiness."""
        while not await asyncio.to_thread(lambda: self.is_ready):
            await asyncio.sleep(0.05)  # Each attempt is an HTTP request.

    def _wait_until_ready(self) -> None:
        deadline = monotonic() + START_LIMIT_S
        while not self.is_ready:
            assert self.process.poll() is None, self.log.read_text()
            assert monotonic() < deadline, self.log.read_text()
            sleep(0.05)  # Starting gateways need the processor more than this poll.

    @property
    def is_ready(self) -> bool:
        """Whether all workers are; one that is not refuses connects for the moment."""
        try:
            return all(self.ask_ops("/ready", n)[0] == 200 for n in range(self._workers))
        except (URLError, OSError):
            return False


class Django:
    """Django's part: sessions, tokens, publications, control messages."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def log_in(self, sid: str, uid: str = "7", ttl_s: int = 100) -> str:
        """Write the records of a login, and return a token for it."""
        self.redis.hset(NAMES.session(sid), mapping=SessionRecord(uid, "digest").to_hash())
        self.redis.expire(NAMES.session(sid), ttl_s)
        if uid:
            self.redis.hset(NAMES.user(uid), mapping=UserRecord("digest").to_hash())
        return self.token(sid, uid or None)

    def token(self, sid: str, uid: str | None = "7", *, key: str = KEY, age_s: float = 0) -> str:
        return TokenSigner([key], lambda: time() - age_s).issue(Token(sid, uid))

    def publish(self, channel: str, data: object) -> int:
        return self.redis.publish(NAMES.channel(channel), json.dumps(data))

    def publish_control(self, message: ControlMessage) -> None:
        self.redis.publish(NAMES.control, write_control(message))

    def write_namespaces(self, namespaces: dict[str, Any]) -> None:
        table = read_namespaces(json.dumps(namespaces))
        self.redis.set(NAMES.namespaces, table.to_json())

    def subscribers(self, channel: str) -> int:
        return self.redis.pubsub_numsub(NAMES.channel(channel))[0][1]


async def show(browser: ClientConnection, token: str) -> None:
    await browser.send(json.dumps({"type": "connect", "token": token}))


async def receive_frame(browser: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(ANSWER_LIMIT_S):
        return json.loads(await browser.recv())


async def receive_until(browser: ClientConnection, **wanted: Any) -> dict[str, Any]:
    """Receive frames until one has these fields."""
    while True:
        frame = await receive_frame(browser)
        if wanted.items() <= frame.items():
            return frame


async def receive_publication(browser: ClientConnection) -> tuple[str, Any]:
    frame = await receive_frame(browser)
    return frame["channel"], frame["data"]


async def receive_close(browser: ClientConnection) -> tuple[int, str]:
    """Read on until the gateway closes: code and reason."""
    async with asyncio.timeout(ANSWER_LIMIT_S):
        try:
            while True:
                await browser.recv()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "closed without a close frame"
            return closed.rcvd.code, closed.rcvd.reason
