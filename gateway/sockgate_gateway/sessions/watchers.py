"""Pages of operators that show connections: touched when connections come and go, while they look.

Strategy: such a page is a live one, and asks the workers each time that it is rendered. A question
names the channel of the page. For ``WATCH_S`` from then on, this worker touches that channel when
connections have come or gone, at most every ``TOUCH_S``. At the end it touches once more: a page
that is still there asks again. So nobody polls, and nothing is done while nobody looks.
"""

import logging

from ..errors import BrokerUnavailable
from ..loop.background import BackgroundTasks
from ..loop.timer_wheel import TimerWheel
from ..wire.events import TOUCH_PAYLOAD
from ..wire.publish_request import PublishRequest
from .client_publish import PublicationSink
from .lifecycle import Lifecycle

log = logging.getLogger("sockgate.broker")

TOUCH_S = 2.0
WATCH_S = 60.0
MAX_WATCHED = 32
"""Channels: one of each tenant whose staff look."""


class Watchers:
    """Touch the channels of operators' pages.

    Args:
        lifecycle: counts connections that come and go.
        publisher: publishes touches.
        wheel: has the clock.
    """

    def __init__(self, lifecycle: Lifecycle, publisher: PublicationSink, wheel: TimerWheel) -> None:
        self._lifecycle = lifecycle
        self._publisher = publisher
        self._wheel = wheel
        self._until: dict[str, float] = {}
        self._seen = 0
        self._background = BackgroundTasks()

    def watch(self, channel: str) -> None:
        """Touch a channel for a while from now on."""
        if not self._until:
            self._seen = self._count()
            self._wheel.schedule(self, TOUCH_S)
        elif channel not in self._until and len(self._until) >= MAX_WATCHED:
            del self._until[next(iter(self._until))]
        self._until[channel] = self._wheel.clock() + WATCH_S

    def on_timer(self, now: float) -> None:
        """Touch where there is news, and where the time is over."""
        has_news = self._count() != self._seen
        self._seen = self._count()
        over = [channel for channel, until in self._until.items() if now >= until]
        for channel in self._until if has_news else over:
            self._background.start(self._touch(channel))
        for channel in over:
            del self._until[channel]
        if self._until:
            self._wheel.schedule(self, TOUCH_S)

    def _count(self) -> int:
        lifecycle = self._lifecycle
        return sum(lifecycle.opened_count.values()) + sum(lifecycle.closed_count.values())

    async def _touch(self, channel: str) -> None:
        request = PublishRequest(channel, TOUCH_PAYLOAD, is_touch=True)
        try:
            await self._publisher.publish(request)
        except BrokerUnavailable as error:
            log.debug("event=touch_unsent channel=%s cause=%r", channel, str(error))
