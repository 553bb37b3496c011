"""Reports on their way to Redis: sent at once, and where that fails, again in the background.

Strategy: while Redis answers, the work sends its reports itself. After a failure a thread of the
process sends them instead, until it has caught up: of each progress the newest report alone, which
replaces those before it. So work does not wait for a Redis that is away. One sender at a time has
the reports of a progress, so they stay in order, and the last one arrives. Work that ends waits a
moment for that, and so does the process.
"""

import asyncio
import logging
from threading import Event, Lock
from typing import Any

from sockgate_gateway.wire.names import user_channel
from sockgate_gateway.wire.publish_request import PublishRequest

from ... import conf
from ...redis_clients import pools, redis_errors
from ...tenants import current_tenant
from .. import sending
from ..builder import PublishOptions
from ..dispatch import async_client_for, new_builder, send_one_now
from .background import BACKGROUND
from .records import EVENT, Report, key_of, queue_report, queue_start

WAIT_AT_END_S = 2.0
"""How long work that ends waits for its last report, when Redis is away."""

log = logging.getLogger("sockgate")


class Delivery:
    """The reports of one progress.

    Args:
        uid: who sees it, in the tenant that is current now.
        progress_id: its id.
        ttl_s: how long Redis keeps the record after a report.
    """

    def __init__(self, uid: str, progress_id: str, ttl_s: int) -> None:
        self._id = progress_id
        self._ttl_s = ttl_s
        self._key = key_of(uid, progress_id)
        self._channel = user_channel(uid)
        self._how: PublishOptions = {"sequenced": False, "tenant": current_tenant() or None}
        self._run = self._n = 0
        self._lock = Lock()
        self._newest: Report | None = None
        self._caught_up = Event()
        self._caught_up.set()

    def send(self, report: Report, *, is_last: bool = False) -> None:
        """Send a report, or let the background do it."""
        if not self._is_taken(report, only_if_failing=True):
            try:
                self._write(report)
            except redis_errors.RedisError as error:
                self._fail(report, error)
        if is_last:
            self.wait(WAIT_AT_END_S)

    async def asend(self, report: Report, *, is_last: bool = False) -> None:
        """Do as ``send``."""
        if not self._is_taken(report, only_if_failing=True):
            try:
                await self._awrite(report)
            except redis_errors.RedisError as error:
                self._fail(report, error)
        if is_last and not self._caught_up.is_set():
            await asyncio.to_thread(self.wait, WAIT_AT_END_S)

    def wait(self, timeout_s: float) -> None:
        """Wait until the background has sent the newest report, or has given up."""
        self._caught_up.wait(timeout_s)

    def send_newest(self) -> None:
        """Send what waits for the background; called by its thread alone.

        Raises:
            redis.RedisError: Redis fails or does not answer; it waits further.
        """
        while (report := self._newest) is not None:
            self._write(report)
            with self._lock:
                if self._newest is report:
                    self.give_up()

    def give_up(self) -> None:
        """Forget what waits for the background."""
        self._newest = None
        self._caught_up.set()

    def _is_taken(self, report: Report, *, only_if_failing: bool) -> bool:
        """Leave a report to the background, if that is at work, or must be now."""
        with self._lock:
            is_at_work = self._newest is not None
            if only_if_failing and not (is_at_work or BACKGROUND.is_failing):
                return False
            self._newest = report
            self._caught_up.clear()
        if not is_at_work:
            BACKGROUND.add(self)
        return True

    def _fail(self, report: Report, error: Exception) -> None:
        if BACKGROUND.note_failure():
            log.warning(
                "A progress could not be reported; the work goes on, and so do we: %s", error
            )
        self._is_taken(report, only_if_failing=False)

    # The number of the run comes with the first report that reaches Redis. A report that is sent
    # again has another number, because it may have arrived.
    def _fields(self, report: Report) -> dict[str, Any]:
        self._n += 1
        return report._replace(run=self._run, n=self._n).fields(self._id)

    def _publication(self, fields: dict[str, Any]) -> PublishRequest:
        return new_builder().build(self._channel, EVENT, fields, self._how)

    def _write(self, report: Report) -> None:
        client = pools.records()
        if not self._run:
            with client.pipeline(transaction=False) as pipe:
                queue_start(pipe, self._key, self._ttl_s)
                self._run = pipe.execute()[0]
        fields = self._fields(report)
        with client.pipeline(transaction=False) as pipe:
            queue_report(pipe, self._key, fields, self._ttl_s)
            pipe.execute()
        send_one_now(self._publication(fields))

    async def _awrite(self, report: Report) -> None:
        client = await pools.async_records()
        if not self._run:
            async with client.pipeline(transaction=False) as pipe:
                queue_start(pipe, self._key, self._ttl_s)
                self._run = (await pipe.execute())[0]
        fields = self._fields(report)
        async with client.pipeline(transaction=False) as pipe:
            queue_report(pipe, self._key, fields, self._ttl_s)
            await pipe.execute()
        one = self._publication(fields)
        await sending.asend(await async_client_for([one]), conf.current().names, one)
