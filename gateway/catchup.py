"""Reading histories for routes that are held: many in one round trip.

Strategy: whichever route falls behind while a reading is under way waits for the next one, which
then takes all that wait, so the batch grows with the load by itself. One that fails may have been
too much for its time (long histories, a slow way), so the next ones take less, until one succeeds.
A route is asked for once Redis has confirmed its subscription, for what is published after the
confirmation is heard, and what was published before is in the history.
"""

import asyncio
import logging
from collections.abc import Sequence
from itertools import islice
from typing import Protocol

from .errors import BrokerUnavailable
from .hub import Hub
from .recovery import Question, Reading
from .route import Route

log = logging.getLogger("gateway.hub")

MAX_BATCH = 256
RETRY_S = 0.2


class History(Protocol):
    """Where histories are read, and subscriptions confirmed."""

    async def read_many(self, questions: Sequence[Question]) -> list[Reading]:
        """Read several channels at once.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """


class Confirmations(Protocol):
    """Who knows whether a channel is subscribed in Redis."""

    async def confirmed(self, channels: tuple[str, ...]) -> None:
        """Wait until Redis has confirmed all these subscriptions.

        Raises:
            BrokerUnavailable: Redis did not confirm in time.
        """


class CatchUp:
    """Let the hub's routes flow again.

    Args:
        hub: tells which routes are held, and settles them.
        history: where they are read.
        subscriber: confirms subscriptions.
    """

    def __init__(self, hub: Hub, history: History, subscriber: Confirmations) -> None:
        self._hub = hub
        self._history = history
        self._subscriber = subscriber
        self._behind: dict[Route, None] = {}
        self._taken: list[Route] = []
        self._at_once = MAX_BATCH
        self._is_failing = False
        self._changed = asyncio.Event()
        hub.on_behind = self._add

    async def run(self) -> None:
        """Serve routes until cancelled."""
        while True:
            await self._changed.wait()
            try:
                await self._serve(self._take(self._at_once))
                self._is_failing = False
                self._at_once = min(2 * self._at_once, MAX_BATCH)
            except BrokerUnavailable as error:
                self._give_up(error)
                await asyncio.sleep(RETRY_S)
            except Exception:
                log.exception("event=history_failed")
                self._give_up(BrokerUnavailable("our own fault"))
                await asyncio.sleep(RETRY_S)

    def _add(self, route: Route) -> None:
        self._behind[route] = None
        self._changed.set()

    def _take(self, count: int) -> list[Route]:
        self._taken = list(islice(self._behind, count))
        for route in self._taken:
            del self._behind[route]
        if not self._behind:
            self._changed.clear()
        return self._taken

    def _give_up(self, error: BrokerUnavailable) -> None:
        """Turn every newcomer away; the routes come back here by themselves."""
        routes = [*self._taken, *self._take(len(self._behind))]
        level = logging.DEBUG if self._is_failing else logging.WARNING
        log.log(level, "event=history_postponed routes=%d cause=%s", len(routes), error)
        self._is_failing = True
        self._at_once = max(self._at_once // 4, 1)
        for route in routes:
            self._hub.give_up(route, error)

    async def _serve(self, routes: list[Route]) -> None:
        await self._subscriber.confirmed(tuple(route.channel for route in routes))
        await self._settle(routes)

    async def _settle(self, routes: list[Route]) -> None:
        # One that fell behind while it was being read may flow again by now.
        questions = {route: route.question() for route in routes if route.is_held}
        asked = {route: question for route, question in questions.items() if question}
        readings = await self._history.read_many(list(asked.values())) if asked else []
        found = dict(zip(asked, readings, strict=True))
        for route in questions:
            self._hub.settle(route, found.get(route))
