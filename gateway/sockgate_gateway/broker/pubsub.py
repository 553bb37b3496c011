"""The worker's one subscribed connection to Redis, the link.

Strategy: the subscriber makes the link agree with the subscription state. After a broken link it
subscribes every wanted channel again, and the listener is notified once Redis has confirmed them
all. A probe, which the worker publishes to itself, checks the link: a subscription that was
confirmed and then delivers nothing is the one failure that no error reports. Every step on the way
to a link has a timeout, because a frozen server still accepts connections.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from math import inf
from typing import Protocol

from redis.asyncio.connection import AbstractConnection

from ..channels.hub import Received
from ..errors import BrokerUnavailable, OwnConnectionsBusy
from ..histogram import SECONDS, Histogram
from ..loop.background import run_until_one_fails
from ..loop.batching import BatchedCalls
from ..loop.failure_log import FailureLog
from ..loop.hint_log import HintLog, cut
from ..loop.timer_wheel import TimerWheel
from ..redis_servers.errors import FAILURES
from ..wire.addresses import PubSub
from ..wire.names import Names
from .errors import translated_errors
from .link_login import renewals_of
from .pubsub_protocol import Reply, read_replies
from .servers.cluster import ClusterServers
from .servers.single import Servers
from .shards import PublicationReceiver, Shards
from .subscription_state import SubscriptionState

log = logging.getLogger("sockgate.broker")

CHANNELS_PER_COMMAND = 512
LINK_TIMEOUT_S = 5.0
PROBE_INTERVAL_S = 2.0
PROBE_TIMEOUT_S = 5.0
_BARRIER = b"barrier-"
_HINT_FOR_CLASSIC = (
    "it came by PUBLISH, which every node of the cluster passes on: publish it by SPUBLISH, or "
    "with Sockgate and ?pubsub=sharded in its URL of Redis"
)
_RETRY_S = (0.05, 0.1, 0.25, 0.5, 1.0)


class PubSubListener(Protocol):
    """Receives control messages, and the failures of the link."""

    def receive_control(self, raw: bytes) -> None:
        """Receive a control message."""

    def link_lost(self, cause: str = "") -> None:
        """The link is broken; nothing arrives until it is restored."""

    def link_restored(self) -> None:
        """The link works, for the first time or again; earlier publications were missed."""


class Subscriber:
    """Subscribe in Redis to what the subscription state lists.

    Args:
        servers: open the link, and publish the probe.
        state: lists the wanted channels.
        names: of this deployment.
        wheel: for its clock.
        worker: names this worker's probe.

    ``probe_times``: from the publication of a probe until it came back.
    ``classic_publications``: how many came by ``PUBLISH`` where ``SPUBLISH`` arrives, too.
    """

    def __init__(
        self,
        servers: Servers,
        state: SubscriptionState,
        names: Names,
        wheel: TimerWheel,
        worker: str,
    ) -> None:
        self._servers = servers
        self._state = state
        self._clock = wheel.clock
        self._control = names.control.encode()
        self._probe_channel = names.probe(worker).encode()
        self._is_linked = False
        self._links = 0
        self._losses = FailureLog(log, "link_lost", wheel.clock)
        self._unsent_probes = FailureLog(log, "probe_unsent", wheel.clock)
        self._probes: frozenset[bytes] = frozenset()
        self._returned_at: dict[bytes, float] = {}
        self._probed_at = 0.0
        self.probe_times = Histogram(SECONDS)
        self._barriers: dict[bytes, asyncio.Future[None]] = {}
        self._barrier_numbers = count(1)
        self._barrier_calls = BatchedCalls[None, None](self._pass_barrier)
        self._hints = HintLog(log, "classic_publication", wheel.clock)
        self.classic_publications = 0
        self._names = names
        self._shards: Shards | None = None

    @property
    def is_live(self) -> bool:
        """Return whether all probes came back lately on the worker's own subscription."""
        is_probed = self._is_linked and bool(self._probes)
        return is_probed and not self._is_missing_probe(self._clock() - PROBE_TIMEOUT_S)

    @property
    def problem(self) -> str:
        """Say why publications may not arrive now; empty: they do."""
        if self.is_live:
            return "" if self._shards is None else self._shards.outage
        latest = self._losses.latest or self._unsent_probes.latest
        cause = f": {latest}" if latest else ""
        if not self._is_linked:
            return f"no link to Redis{cause}"
        returned_at = [self._returned_at.get(probe, -inf) for probe in self._probes]
        silent_s = self._clock() - min(returned_at, default=-inf)
        return (
            f"no probe yet{cause}" if silent_s == inf else f"no probe for {silent_s:.1f} s{cause}"
        )

    def _is_missing_probe(self, since: float) -> bool:
        return any(self._returned_at.get(probe, -inf) <= since for probe in self._probes)

    @property
    def shard_problems(self) -> list[str]:
        """Say which primaries are away whose sharded publications do not arrive."""
        return [] if self._shards is None else self._shards.problems

    def is_away(self, channel: str) -> bool:
        """Return whether the shard of a channel is away."""
        key = self._names.channel(channel).encode()
        return self._shards is not None and self._shards.is_away(key)

    async def confirmed(self, channels: tuple[str, ...]) -> Mapping[str, BrokerUnavailable]:
        """Wait until Redis has confirmed these channels, as far as it can now.

        The probe finds a link that stays silent, and ends the waiting.

        Returns:
            The channels whose shard is away, and why.

        Raises:
            BrokerUnavailable: the link is down, or was lost.
        """
        missing = self._state.unconfirmed(channels)
        if missing:
            if not self._is_linked:
                raise BrokerUnavailable("no link")
            await self._state.confirmations(missing)
        if self._shards is None:
            return {}
        keys = {self._names.channel(channel).encode(): channel for channel in channels}
        away = await self._shards.unavailable(keys)
        return {keys[key]: error for key, error in away.items()}

    async def synchronize(self) -> None:
        """Wait until everything that was published before this call has been received.

        The reply to a command may arrive before a control message that was published earlier:
        commands and the subscription have different connections. Callers return in the order of
        their calls, so one barrier is under way at a time. Those who come meanwhile share the next.

        Raises:
            BrokerUnavailable: the link is down, or is lost meanwhile.
        """
        await self._barrier_calls.call(None)

    async def _pass_barrier(self, calls: Sequence[None]) -> list[None]:
        if not self._is_linked:
            raise BrokerUnavailable("no link")
        token = b"%s%d" % (_BARRIER, next(self._barrier_numbers))
        arrived = self._barriers[token] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                with translated_errors():
                    await self._servers.client.publish(self._probe_channel, token)
                await arrived
        except TimeoutError as error:
            raise BrokerUnavailable("the subscription is silent") from error
        finally:
            del self._barriers[token]
        return list(calls)

    async def run(self, hub: PublicationReceiver, listener: PubSubListener) -> None:
        """Keep subscribed until cancelled.

        Args:
            hub: receives publications.
            listener: receives control messages, and the failures of the link.
        """
        attempt = 0
        while True:
            links, cause = self._links, ""
            try:
                await self._serve(hub, listener)
            except (*FAILURES, BrokerUnavailable) as error:
                self._losses.failed(error)
                cause = self._losses.latest
            except Exception as error:
                cause = type(error).__name__
                log.exception("event=link_failed")
            listener.link_lost(cause)
            attempt = 0 if self._links > links else attempt + 1
            await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])

    async def _serve(self, hub: PublicationReceiver, listener: PubSubListener) -> None:
        link = await self._open_link()
        try:
            self._is_linked = True
            self._state.start_over()
            self._shards = shards = self._new_shards(hub)
            await run_until_one_fails(
                self._send_changes(link),
                self._probe_repeatedly(link, listener),
                self._receive(link, hub, listener),
                *renewals_of(link),
                *([] if shards is None else [shards.run()]),
            )
        finally:
            await self._close_link(link)

    def _new_shards(self, hub: PublicationReceiver) -> Shards | None:
        servers = self._servers
        if self._names.pubsub is PubSub.CLASSIC or not isinstance(servers, ClusterServers):
            return None
        return Shards(servers, self._names, hub)

    async def _open_link(self) -> AbstractConnection:
        try:
            async with asyncio.timeout(LINK_TIMEOUT_S):
                return await self._servers.open_link()
        except TimeoutError as error:
            cause = f"no connection within {LINK_TIMEOUT_S:g} s (Redis at {self._servers.place})"
            raise BrokerUnavailable(cause) from error

    async def _close_link(self, link: AbstractConnection) -> None:
        self._is_linked = False
        self._probes = frozenset()
        self._unsent_probes.succeeded()
        self._returned_at.clear()
        for arrived in self._barriers.values():
            if not arrived.done():
                arrived.set_exception(BrokerUnavailable("the link was lost"))
        self._state.fail()
        self._shards = None
        await self._servers.close_link(link)

    async def _send_changes(self, link: AbstractConnection) -> None:
        while True:
            await self._state.changed.wait()
            unsubscribe, subscribe = self._state.take_changes()
            if self._shards is not None:
                self._shards.change(unsubscribe, subscribe)
            await _send(link, "UNSUBSCRIBE", list(unsubscribe))
            await _send(link, "SUBSCRIBE", list(subscribe))

    async def _probe_repeatedly(self, link: AbstractConnection, listener: PubSubListener) -> None:
        async with asyncio.timeout(LINK_TIMEOUT_S):
            await self._state.confirmations(self._state.all_unconfirmed())
        probed_at = await self._send_probe(link)
        log.info("event=link_up channels=%d", len(self._state))
        listener.link_restored()
        self._losses.succeeded()
        self._links += 1
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            if self._is_missing_probe(probed_at - (PROBE_TIMEOUT_S - PROBE_INTERVAL_S)):
                raise BrokerUnavailable("the probe did not come back")
            try:
                probed_at = await self._send_probe(link)
            except OwnConnectionsBusy as error:  # It says nothing about the link, which stays.
                self._unsent_probes.failed(error)

    async def _send_probe(self, link: AbstractConnection) -> float:
        sent_at = self._probed_at = self._clock()
        with translated_errors():
            self._probes = await self._servers.probe(link, self._probe_channel)
        self._unsent_probes.succeeded()
        return sent_at

    async def _receive(
        self, link: AbstractConnection, hub: PublicationReceiver, listener: PubSubListener
    ) -> None:
        def handle(replies: Iterator[Reply]) -> None:
            received = self._sort(replies, listener)
            if self._shards is not None:
                self._note_classic(self._shards, received)
            hub.fan_out(received)

        await read_replies(link, handle)

    def _sort(self, replies: Iterator[Reply], listener: PubSubListener) -> list[Received]:
        """Handle probes, control messages and confirmations; return the publications."""
        received: list[Received] = []
        for kind, channel, payload in replies:
            if kind == b"message":
                if channel == self._probe_channel:
                    self._note_probe(payload)
                elif channel == self._control:
                    listener.receive_control(payload)
                else:
                    received.append((channel, payload))
            elif kind == b"subscribe":
                self._state.confirm(channel)
        return received

    def _note_classic(self, shards: Shards, received: list[Received]) -> None:
        """Count what came by ``PUBLISH`` on channels of shards; warn where all should use them."""
        for channel, _ in received:
            if channel not in shards:
                continue
            self.classic_publications += 1
            name = channel.decode()
            namespace = name.rpartition(":")[0]
            if self._names.pubsub is PubSub.SHARDED and self._hints.is_due(name, namespace):
                self._hints.warn("channel=%a", cut(name), hint=_HINT_FOR_CLASSIC)

    def _note_probe(self, payload: bytes) -> None:
        if not payload.startswith(_BARRIER):
            self._returned_at[payload] = now = self._clock()
            self.probe_times.observe(now - self._probed_at)
            return
        arrived = self._barriers.get(payload)
        if arrived is not None and not arrived.done():
            arrived.set_result(None)


async def _send(link: AbstractConnection, command: str, channels: list[bytes]) -> None:
    for start in range(0, len(channels), CHANNELS_PER_COMMAND):
        await link.send_command(command, *channels[start : start + CHANNELS_PER_COMMAND])
