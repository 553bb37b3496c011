"""The links on which the sharded publications of a cluster arrive, one to each primary.

Strategy: Redis sends a sharded publication only to subscribers at the primary of the channel's
slot. So a worker has a link to each primary (``Shard``), with the channels of its slots. All of
them live as long as the worker's own link, which has every channel, too: whatever a program
publishes by a plain ``PUBLISH`` still arrives.

A slot moves: Redis ends the subscriptions of its channels (``sunsubscribe``). Each is asked for
again where it was, and then where the answer ``MOVED`` points. A shard fails: its channels alone
are lost, and are read from the histories once it is linked again. When a primary was replaced,
``ClusterServers.probe`` ends all links, and everything is subscribed again.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from random import random
from time import monotonic
from typing import Any, Protocol

from hiredis import ReplyError
from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot
from redis.exceptions import ResponseError

from ..channels.hub import Received
from ..errors import BrokerUnavailable
from ..loop.background import cancel_tasks, run_until_one_fails
from ..loop.failure_log import FailureLog
from ..redis_servers.credentials import log_refusal
from ..redis_servers.errors import FAILURES, cause_of
from ..wire.names import Names
from .link_login import renewals_of
from .pubsub_protocol import ShardProtocol, read_replies
from .servers.cluster import ClusterServers
from .subscriptions import Subscriptions

log = logging.getLogger("sockgate.broker")

LINK_TIMEOUT_S = 5.0
PING_INTERVAL_S = 2.0
PING_TIMEOUT_S = 5.0
COMMANDS_AT_ONCE = 512
REROUTE_PAUSE_S = 0.05
"""Nodes contradict one another until the last of them has heard of a move."""

LOG_INTERVAL_S = 60.0
"""A cluster that is resharded moves thousands of slots."""

RETRY_S = (0.05, 0.1, 0.25, 0.5, 1.0)


class PublicationReceiver(Protocol):
    """Receives publications, and what happens to their way: the hub."""

    def fan_out(self, received: list[Received]) -> None:
        """Receive the publications of one read, in their order, after its control messages."""

    def part_lost(self, part: str, keys: Iterable[bytes]) -> None:
        """A part of Redis is away, and nothing arrives on these Redis channels."""

    def part_restored(self, part: str) -> None:
        """A part of Redis has answered; earlier publications were missed."""

    def channels_moved(self, keys: Iterable[bytes]) -> None:
        """These Redis channels come from elsewhere from now on; some publications were missed."""


class Shards:
    """Subscribe the channels of a worker at the primaries of their slots.

    Args:
        servers: open the links.
        names: say which Redis channels are sharded.
        receiver: gets publications and losses.
    """

    def __init__(
        self, servers: ClusterServers, names: Names, receiver: PublicationReceiver
    ) -> None:
        self._servers = servers
        self._names = names
        self.receiver = receiver
        self._shards: dict[str, Shard] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._owners: dict[bytes, Shard] = {}
        self._homeless: set[bytes] = set()
        self._moves: list[str] = []
        self._has_homeless = asyncio.Event()
        self._logged_at = -inf

    def __contains__(self, key: bytes) -> bool:
        """Return whether a Redis channel is wanted from its shard."""
        return key in self._owners or key in self._homeless

    @property
    def problems(self) -> list[str]:
        """Say which primaries are away, and why."""
        return [
            f"no link to the primary {shard.name}: {shard.cause}"
            for shard in self._shards.values()
            if shard.cause
        ]

    @property
    def outage(self) -> str:
        """Say why no primary is linked; empty: one is, or none is needed."""
        problems = self.problems
        return problems[0] if problems and len(problems) == len(self._shards) else ""

    def change(self, released: Iterable[bytes], wanted: Iterable[bytes]) -> None:
        """Unsubscribe Redis channels, and subscribe others; those without a shard are left out."""
        for key in released:
            self._homeless.discard(key)
            shard = self._owners.pop(key, None)
            if shard is not None:
                shard.subscriptions.remove(key)
        for key in wanted:
            if self._names.has_shard(key.decode()):
                self._assign(key)

    async def unavailable(self, keys: Iterable[bytes]) -> dict[bytes, BrokerUnavailable]:
        """Wait until Redis has confirmed the channels, as far as it can now.

        Returns:
            The channels that it cannot confirm now, and why.
        """
        missing: dict[Shard, list[bytes]] = {}
        found: dict[bytes, BrokerUnavailable] = {}
        for key in keys:
            shard = self._owners.get(key)
            if shard is not None and key not in shard.subscriptions:
                missing.setdefault(shard, []).append(key)
            elif key in self._homeless:
                found[key] = BrokerUnavailable("its slot moves to another primary")
        for shard, some in missing.items():
            failure = await shard.failure_of(some)
            for key in some:
                if self.is_away(key):
                    found[key] = failure or BrokerUnavailable("its slot moves to another primary")
        return found

    def is_away(self, key: bytes) -> bool:
        """Return whether Redis has not confirmed a channel of a shard."""
        shard = self._owners.get(key)
        return key in self._homeless if shard is None else key not in shard.subscriptions

    async def run(self) -> None:
        """Follow slots that move until cancelled; then close all links."""
        try:
            while True:
                await self._has_homeless.wait()
                self._has_homeless.clear()
                await self._find_homes()
                await asyncio.sleep(REROUTE_PAUSE_S)
        finally:
            await cancel_tasks(self._tasks.values())
            for shard in self._shards.values():
                shard.close()

    def moved(self, shard: "Shard", moves: Mapping[int, str]) -> None:
        """Subscribe the channels of these slots elsewhere; ``1234 host:port`` for each slot."""
        keys = [key for key in shard.subscriptions.all_unconfirmed() if key_slot(key) in moves]
        self._moves += moves.values()
        self._expel(shard, keys)

    async def read_slots(self, shard: "Shard") -> None:
        """Read the slots again after a shard has failed; those of other primaries leave it."""
        try:
            await self._servers.read_slots()
        except FAILURES as error:
            log.debug("event=slots_unread cause=%r", cause_of(error))
            return
        owner = self._servers.owner
        keys = shard.subscriptions.wanted
        self._expel(shard, [key for key in keys if owner(key_slot(key)) != shard.name])

    def is_over(self, shard: "Shard") -> bool:
        """Forget a shard without channels; return whether it had none."""
        if shard.subscriptions.wanted:
            return False
        self._shards.pop(shard.name, None)
        self._tasks.pop(shard.name, None)
        return True

    def _expel(self, shard: "Shard", keys: Iterable[bytes]) -> None:
        for key in keys:
            shard.subscriptions.forget(key)
            del self._owners[key]
            self._homeless.add(key)
        if self._homeless:
            self._has_homeless.set()

    async def _find_homes(self) -> None:
        if monotonic() - self._logged_at > LOG_INTERVAL_S:
            self._logged_at = monotonic()
            log.info("event=slots_moved channels=%d", len(self._homeless))
        moves, self._moves = self._moves, []
        for moved in moves:
            await self._servers.follow(moved)
        if not all(map(self._servers.owner, map(key_slot, self._homeless))):
            try:
                await self._servers.read_slots()
            except FAILURES as error:
                log.debug("event=slots_unread cause=%r", cause_of(error))
        homeless, self._homeless = self._homeless, set()
        for key in homeless:
            self._assign(key)

    def _assign(self, key: bytes) -> None:
        name = self._servers.owner(key_slot(key))
        if not name:
            self._homeless.add(key)
            self._has_homeless.set()
            return
        shard = self._shards.get(name)
        if shard is None:
            shard = self._shards[name] = Shard(name, self._servers, self)
            self._tasks[name] = asyncio.create_task(shard.run(), name=f"shard {name}")
        self._owners[key] = shard
        shard.subscriptions.add(key)


class Shard:
    """One primary, and the subscriptions of the channels in its slots.

    Args:
        name: host and port.
        servers: open the link.
        shards: take channels whose slot has moved.

    ``cause`` says why there is no link; empty: there is one, or the first one is being opened.
    """

    def __init__(self, name: str, servers: ClusterServers, shards: Shards) -> None:
        self.name = name
        self.cause = ""
        self.subscriptions = Subscriptions()
        self._servers = servers
        self._shards = shards
        self._receiver = shards.receiver
        self._answered = asyncio.Event()
        self._is_up = False
        self._losses = FailureLog(log, "shard_lost")

    async def failure_of(self, keys: Iterable[bytes]) -> BrokerUnavailable | None:
        """Wait until Redis has confirmed channels; return why it cannot."""
        if self.cause:
            return BrokerUnavailable(f"no link to the primary {self.name}: {self.cause}")
        try:
            await self.subscriptions.confirmations(keys)
        except BrokerUnavailable as error:
            return error
        return None

    def close(self) -> None:
        """Let nobody wait for a confirmation any more, once the task has ended or never begun."""
        self.cause = "it was closed"
        self.subscriptions.fail()

    async def run(self) -> None:
        """Keep subscribed as long as there are channels."""
        attempt = 0
        while not self._shards.is_over(self):
            self._is_up = False
            try:
                await self._serve()
            except (*FAILURES, BrokerUnavailable) as error:
                self._fail(error)
            except Exception as error:
                log.exception("event=shard_failed node=%s", self.name)
                self._fail(error)
            attempt = 0 if self._is_up else attempt + 1
            # At random, because the links of all workers fail at once.
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)] * (0.5 + random()))  # noqa: S311
            await self._shards.read_slots(self)

    def _fail(self, error: Exception) -> None:
        self.cause = cause_of(error)
        self._losses.failed(error, "node=%s", self.name)

    async def _serve(self) -> None:
        try:
            link = await self._open()
            try:
                await self._use(link)
            finally:
                await self._servers.close_link(link)
        finally:
            self._receiver.part_lost(self.name, self.subscriptions.fail())

    async def _use(self, link: AbstractConnection) -> None:
        self._receiver.part_restored(self.name)
        self.subscriptions.start_over()
        await run_until_one_fails(
            self._send_changes(link), self._ping(link), self._receive(link), *renewals_of(link)
        )

    async def _open(self) -> AbstractConnection:
        try:
            async with asyncio.timeout(LINK_TIMEOUT_S):
                return await self._servers.open_shard(self.name)
        except TimeoutError as error:
            raise BrokerUnavailable(f"no connection within {LINK_TIMEOUT_S:g} s") from error

    async def _send_changes(self, link: AbstractConnection) -> None:
        while True:
            await self.subscriptions.changed.wait()
            unsubscribe, subscribe = self.subscriptions.take_changes()
            await _send(link, "SUNSUBSCRIBE", unsubscribe)
            await _send(link, "SSUBSCRIBE", subscribe)

    async def _ping(self, link: AbstractConnection) -> None:
        """Notice a primary that is frozen, or is cut off: no error reports it."""
        while True:
            self._answered.clear()
            try:
                async with asyncio.timeout(PING_TIMEOUT_S):
                    await link.send_command("PING")
                    await self._answered.wait()
            except TimeoutError as error:
                if not self._answered.is_set():  # It is where this worker itself was late.
                    raise BrokerUnavailable("it does not answer") from error
            if not self._is_up:
                log.info("event=shard_up node=%s", self.name)
            self._is_up, self.cause = True, ""
            self._losses.succeeded()
            await asyncio.sleep(PING_INTERVAL_S)

    async def _receive(self, link: AbstractConnection) -> None:
        def handle(replies: Iterator[Any]) -> None:
            self._receiver.fan_out(self._sort(replies))

        await read_replies(link, handle, ShardProtocol)

    def _sort(self, replies: Iterator[Any]) -> list[Received]:
        """Handle all but publications, and return these."""
        received: list[Received] = []
        ended: list[bytes] = []
        moves: dict[int, str] = {}
        for reply in replies:
            kind = reply[0] if isinstance(reply, list) else reply
            if kind == b"smessage":
                received.append((reply[1], reply[2]))
            elif kind == b"ssubscribe":
                self.subscriptions.confirm(reply[1])
            elif kind == b"sunsubscribe":
                if self.subscriptions.renew(reply[1]):
                    ended.append(reply[1])
            elif isinstance(reply, ReplyError):
                moves |= self._read_error(str(reply))
            elif kind in (b"pong", b"PONG"):
                self._answered.set()
        if ended:
            self._receiver.channels_moved(ended)
        if moves:
            self._shards.moved(self, moves)
        return received

    def _read_error(self, text: str) -> dict[int, str]:
        """Return where a slot has moved to.

        Raises:
            redis.ResponseError: the error is another one, which ends the link.
        """
        word, _, rest = text.partition(" ")
        if word == "WRONGPASS":  # The login is not renewed.
            log_refusal(ResponseError(text))
            return {}
        if word != "MOVED":
            raise ResponseError(text)
        slot, _, place = rest.partition(" ")
        host, _, port = place.rpartition(":")
        host = host or self.name.rpartition(":")[0]
        return {int(slot): f"{slot} {host}:{port}"}


async def _send(link: AbstractConnection, command: str, keys: Iterable[bytes]) -> None:
    """Send a command for each slot: one takes channels of one slot only."""
    by_slot: dict[int, list[bytes]] = {}
    for key in keys:
        by_slot.setdefault(key_slot(key), []).append(key)
    commands: list[list[str | bytes]] = [[command, *some] for some in by_slot.values()]
    for start in range(0, len(commands), COMMANDS_AT_ONCE):
        packed = link.pack_commands(commands[start : start + COMMANDS_AT_ONCE])
        await link.send_packed_command(packed)
