"""The worker's one subscription in Redis.

Strategy: the connection to Redis is made to agree with the ledger; after a broken link
everything wanted is subscribed again, and the listener is told once Redis has confirmed it all.
The link is watched by a probe that the worker publishes to itself: a subscription that was
confirmed and then says nothing is the one failure that no error reports. No step on the way
to a link may wait forever either: a server that is frozen still accepts connections.
"""

import asyncio
import logging
from collections.abc import Iterator
from math import inf
from typing import Protocol

from redis.asyncio.connection import AbstractConnection

from ..background import until_one_fails
from ..errors import BrokerUnavailable
from ..hub import Received
from ..timerwheel import TimerWheel
from ..wire.names import Names
from .asking import FAILURES
from .draining import Reply, drain
from .ledger import Ledger
from .servers import Servers

log = logging.getLogger("gateway.broker")

CHANNELS_PER_COMMAND = 512
LINK_TIMEOUT_S = 5.0
PROBE_INTERVAL_S = 2.0
PROBE_TIMEOUT_S = 5.0
_RETRY_S = (0.05, 0.1, 0.25, 0.5, 1.0)


class Listener(Protocol):
    """Who hears what Redis says."""

    def publish(self, received: list[Received]) -> None:
        """Take publications, in their order."""

    def control(self, raw: bytes) -> None:
        """Take a control message."""

    def link_lost(self) -> None:
        """Nothing is heard until the link is restored."""

    def link_restored(self) -> None:
        """The link was lost and is back: whatever was said meanwhile was missed."""


class Subscriber:
    """Hear in Redis what the ledger wants.

    Args:
        servers: give the link, and publish the probe.
        ledger: what is wanted.
        names: of this deployment.
        wheel: tells the time.
        worker: names this worker's probe.
    """

    def __init__(
        self,
        servers: Servers,
        ledger: Ledger,
        names: Names,
        wheel: TimerWheel,
        worker: str,
    ) -> None:
        self._servers = servers
        self._ledger = ledger
        self._clock = wheel.clock
        self._control = names.control.encode()
        self._probe = names.probe(worker).encode()
        self._is_linked = False
        self._links = 0
        self._is_loss_told = False
        self._awaited: frozenset[bytes] = frozenset()
        self._heard_at: dict[bytes, float] = {}

    @property
    def is_live(self) -> bool:
        """Tell whether all probes came back lately on the worker's own subscription."""
        is_probed = self._is_linked and bool(self._awaited)
        return is_probed and not self._is_silent(self._clock() - PROBE_TIMEOUT_S)

    def _is_silent(self, since: float) -> bool:
        """Tell whether a probe was not heard after some moment."""
        return any(self._heard_at.get(mark, -inf) <= since for mark in self._awaited)

    async def confirmed(self, channels: tuple[str, ...]) -> None:
        """Wait until Redis has confirmed these channels.

        A link that stays silent is found by the probe, which ends the waiting.

        Raises:
            BrokerUnavailable: the link is down, or was lost.
        """
        missing = self._ledger.unconfirmed(channels)
        if not missing:
            return
        if not self._is_linked:
            raise BrokerUnavailable("no link")
        await self._ledger.confirmations(missing)

    async def run(self, listener: Listener) -> None:
        """Keep subscribed until cancelled."""
        attempt = 0
        while True:
            links = self._links
            try:
                await self._serve(listener)
            except (*FAILURES, BrokerUnavailable) as error:
                self._log_loss(error)
            except Exception:
                log.exception("event=link_failed")
            self._tell_of_loss(listener)
            attempt = 0 if self._links > links else attempt + 1
            await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])

    def _log_loss(self, error: Exception) -> None:
        level = logging.DEBUG if self._is_loss_told else logging.WARNING
        log.log(level, "event=link_lost cause=%r", str(error) or type(error).__name__)

    def _tell_of_loss(self, listener: Listener) -> None:
        self._is_loss_told = True
        listener.link_lost()

    async def _serve(self, listener: Listener) -> None:
        async with asyncio.timeout(LINK_TIMEOUT_S):
            connection = await self._servers.open_link()
        try:
            self._is_linked = True
            self._ledger.start_over()
            await until_one_fails(
                self._send_changes(connection),
                self._watch(connection, listener),
                self._receive(connection, listener),
            )
        finally:
            await self._let_go(connection)

    async def _let_go(self, connection: AbstractConnection) -> None:
        self._is_linked = False
        self._awaited = frozenset()
        self._heard_at.clear()
        self._ledger.fail()
        await self._servers.close_link(connection)

    async def _send_changes(self, connection: AbstractConnection) -> None:
        while True:
            await self._ledger.changed.wait()
            unsubscribe, subscribe = self._ledger.take_changes()
            await _send(connection, "UNSUBSCRIBE", list(unsubscribe))
            await _send(connection, "SUBSCRIBE", list(subscribe))

    async def _watch(self, connection: AbstractConnection, listener: Listener) -> None:
        async with asyncio.timeout(LINK_TIMEOUT_S):
            await self._ledger.confirmations(self._ledger.unconfirmed_wanted())
        probed_at = await self._send_probe(connection)
        log.info("event=link_up channels=%d", len(self._ledger))
        if self._is_loss_told:
            self._is_loss_told = False
            listener.link_restored()
        self._links += 1
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            if self._is_silent(probed_at - (PROBE_TIMEOUT_S - PROBE_INTERVAL_S)):
                raise BrokerUnavailable("the probe did not come back")
            probed_at = await self._send_probe(connection)

    async def _send_probe(self, connection: AbstractConnection) -> float:
        sent_at = self._clock()
        self._awaited = await self._servers.probe(connection, self._probe)
        return sent_at

    async def _receive(self, connection: AbstractConnection, listener: Listener) -> None:
        def take(replies: Iterator[Reply]) -> None:
            received = self._sort(replies, listener)
            if received:
                listener.publish(received)

        await drain(connection, take)

    def _sort(self, replies: Iterator[Reply], listener: Listener) -> list[Received]:
        """Take what concerns the link itself; return the publications."""
        received: list[Received] = []
        for kind, channel, payload in replies:
            if kind == b"message":
                if channel == self._probe:
                    self._heard_at[payload] = self._clock()
                elif channel == self._control:
                    listener.control(payload)
                else:
                    received.append((channel, payload))
            elif kind == b"subscribe":
                self._ledger.confirm(channel)
        return received


async def _send(connection: AbstractConnection, command: str, channels: list[bytes]) -> None:
    for start in range(0, len(channels), CHANNELS_PER_COMMAND):
        await connection.send_command(command, *channels[start : start + CHANNELS_PER_COMMAND])
