"""Reading the histories of channels that are not live: many in one round trip.

Strategy: a channel that falls behind while histories are being read waits for the next round trip,
which then takes all that wait. So the batch grows with the load by itself. A failure may mean that
the batch was too much for its time (long histories, a slow network), so the next batches are
smaller, until one succeeds. The history of a channel is requested once Redis has confirmed its
subscription: what is published after the confirmation arrives, and what was published before is in
the history. Where Redis cannot confirm some channels now, because their primary is away, these are
postponed, and the others of the batch are read.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from ..errors import BrokerUnavailable
from ..loop.failure_log import FailureLog
from .barrier import Barrier
from .channel import Channel
from .history import HistoryReply, HistoryRequest
from .history_queue import HistoryQueue
from .hub import Hub

log = logging.getLogger("sockgate.hub")

MAX_BATCH = 256
RETRY_S = 0.2


class History(Protocol):
    """The histories in Redis."""

    async def read_many(self, requests: Sequence[HistoryRequest]) -> list[HistoryReply]:
        """Read several channels at once.

        Raises:
            BrokerUnavailable: Redis is not available.
        """


class Confirmations(Barrier, Protocol):
    """The subscriptions that Redis has confirmed."""

    async def confirmed(self, channels: tuple[str, ...]) -> Mapping[str, BrokerUnavailable]:
        """Wait until Redis has confirmed all these subscriptions, as far as it can now.

        Returns:
            The channels that it cannot confirm now, and why.

        Raises:
            BrokerUnavailable: it confirms nothing.
        """


class HistoryReader:
    """Read histories, so that the hub's channels go live.

    Args:
        hub: applies the replies.
        queue: holds the channels that are not live.
        history: reads histories.
        pubsub: confirms subscriptions.
    """

    def __init__(
        self, hub: Hub, queue: HistoryQueue, history: History, pubsub: Confirmations
    ) -> None:
        self._hub = hub
        self._queue = queue
        self._history = history
        self._pubsub = pubsub
        self._taken: list[Channel] = []
        self._batch_size = MAX_BATCH
        self._failures = FailureLog(log, "history_postponed")
        self._resumption: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Serve the queue until cancelled."""
        while True:
            await self._queue.wait()
            self._taken = self._queue.take(self._batch_size)
            try:
                await self._serve(self._taken)
                self._taken = []
                self._failures.succeeded()
                self._batch_size = min(2 * self._batch_size, MAX_BATCH)
            except BrokerUnavailable as error:
                await self._fail(error)
            except Exception:
                log.exception("event=history_failed")
                cause = "an internal error; its traceback is in the log"
                await self._fail(BrokerUnavailable(cause))

    async def _fail(self, error: BrokerUnavailable) -> None:
        """Reject every pending subscription, and read all channels again after a while."""
        channels = [*self._taken, *self._queue.take(len(self._queue))]
        self._failures.failed(error, "channels=%d", len(channels))
        self._batch_size = max(self._batch_size // 4, 1)
        for channel in channels:
            self._hub.history_unavailable(channel, error)
        await asyncio.sleep(RETRY_S)
        self._queue.resume()

    def _postpone(self, channel: Channel, error: BrokerUnavailable) -> None:
        """Reject the pending subscriptions of one channel, and read it again after a while."""
        self._hub.history_unavailable(channel, error)
        if self._resumption is None:
            loop = asyncio.get_running_loop()
            self._resumption = loop.call_later(RETRY_S, self._resume)

    def _resume(self) -> None:
        self._resumption = None
        self._queue.resume()

    async def _serve(self, channels: list[Channel]) -> None:
        wanted = [channel for channel in channels if not channel.is_empty]
        refused = await self._pubsub.confirmed(tuple(channel.name for channel in wanted))
        # A channel that fell behind while it was being read may be live again by now, or empty.
        wanted = [channel for channel in wanted if not (channel.is_live or channel.is_empty)]
        for channel in wanted:
            if error := refused.get(channel.name):
                self._postpone(channel, error)
        behind = {
            channel: channel.history_request() for channel in wanted if channel.name not in refused
        }
        replies = await self._history.read_many(list(behind.values())) if behind else []
        if any(reply.recent for reply in replies):
            # The history may hold what was published after the end of a session: the control
            # message of that end must have been received before any of it is delivered.
            await self._pubsub.synchronize()
        for channel, reply in zip(behind, replies, strict=True):
            self._hub.apply_history(channel, reply)
