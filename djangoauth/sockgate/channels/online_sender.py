"""Sending the signals ``user_online`` and ``user_offline``.

Strategy: the events are in one Redis Stream with one consumer group. Each is read by one of the
processes that run ``SignalSender``, and removed when the receivers have run. What a killed process
has read and not removed is read again by another one, ``claim_after_s`` later. So an event comes
once, unless a process is killed, or loses Redis, between the receivers and the removal.
"""

import logging
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from socket import gethostname
from time import monotonic
from typing import Any

from django.contrib.auth import get_user_model
from django.db import close_old_connections
from sockgate_gateway.wire.online import GROUP, OnlineKeys
from sockgate_gateway.wire.tenants import tenant_of, without_tenant

from .. import conf
from ..redis_clients import pools, redis_errors
from ..tenants import use_tenant
from .online import user_offline, user_online
from .online_sweep import OnlineSweep

log = logging.getLogger("sockgate")

CLAIM_AFTER_S = 60.0
POLL_S = 0.2
"""How often a process without work asks for events. Redis could let it wait (``BLOCK``), but the
URL may set a shorter timeout, and a stopping process should not wait."""
SWEEP_S = 1.0
RETRY_S = 1.0
IDLE_CONSUMER_MS = 3_600_000
"""How long a consumer may be silent before, if it owes nothing, it is removed from the group."""


@dataclass(frozen=True, slots=True)
class OnlineEvent:
    """A user is online or offline.

    Args:
        event_id: of the entry in the stream.
        uid: qualified by the tenant.
        is_online: whether the user came.
        at_ms: Unix milliseconds.
    """

    event_id: bytes
    uid: str
    is_online: bool
    at_ms: int


class SignalSender:
    """Sends the signals until ``stop`` is called.

    Args:
        claim_after_s: when an event of a process that does not finish it is read again. A receiver
            that takes longer may be called twice.
    """

    def __init__(self, claim_after_s: float = CLAIM_AFTER_S) -> None:
        self._name = f"{gethostname()[:64]}-{token_hex(6)}"
        self._claim_after_ms = int(claim_after_s * 1000)
        self._sweep = OnlineSweep()
        self._swept_at = 0.0
        self._claimed: list[Any] = []
        self._is_stopped = threading.Event()

    def stop(self) -> None:
        """End ``run`` after the present event."""
        self._is_stopped.set()

    def run(self) -> None:
        """Sweep, and send signals, until stopped; a failing Redis is logged and tried again."""
        is_ready = False
        while not self._is_stopped.is_set():
            try:
                if not is_ready:
                    self._join_group()
                    is_ready = True
                self._step()
            except redis_errors.RedisError as error:
                # NOGROUP, too: Redis has lost its data.
                is_ready = False
                log.warning("event=signals_postponed cause=%r", f"{type(error).__name__}: {error}")
                self._is_stopped.wait(RETRY_S)
        self._leave_group()

    def _step(self) -> None:
        if monotonic() - self._swept_at >= SWEEP_S:
            self._sweep.run()
            self._claimed = self._claim()
            self._swept_at = monotonic()
        entries, self._claimed = self._claimed or self._read(), []
        for entry in entries:
            self._send(entry)
        if not entries:
            self._is_stopped.wait(POLL_S)

    def _send(self, entry: Any) -> None:
        event = _read_event(entry)
        if event is not None:
            close_old_connections()
            try:
                _send_signal(event)
            finally:
                close_old_connections()
        self._remove(entry[0])

    # One event at a time: those that wait behind a slow receiver are left to other processes.

    def _read(self) -> list[Any]:
        reply: Any = pools.records().xreadgroup(GROUP, self._name, {_events_key(): ">"}, count=1)
        return list(reply[0][1]) if reply else []

    def _claim(self) -> list[Any]:
        reply: Any = pools.records().xautoclaim(
            _events_key(), GROUP, self._name, self._claim_after_ms, count=1
        )
        return [entry for entry in reply[1] if entry[1]]

    def _remove(self, event_id: bytes) -> None:
        with pools.records().pipeline(transaction=False) as pipe:
            pipe.xack(_events_key(), GROUP, event_id)
            pipe.xdel(_events_key(), event_id)
            pipe.execute()

    def _join_group(self) -> None:
        client: Any = pools.records()
        try:
            client.xgroup_create(_events_key(), GROUP, id="0", mkstream=True)
        except redis_errors.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        for consumer in client.xinfo_consumers(_events_key(), GROUP):
            if not consumer["pending"] and consumer["idle"] > IDLE_CONSUMER_MS:
                client.xgroup_delconsumer(_events_key(), GROUP, consumer["name"])

    def _leave_group(self) -> None:
        """Remove this consumer; with an event that it has not finished, it must stay."""
        client: Any = pools.records()
        try:
            mine = [
                consumer
                for consumer in client.xinfo_consumers(_events_key(), GROUP)
                if consumer["name"].decode() == self._name and not consumer["pending"]
            ]
            if mine:
                client.xgroup_delconsumer(_events_key(), GROUP, self._name)
        except redis_errors.RedisError:
            log.info("event=consumer_kept name=%s", self._name)


def has_sender() -> bool:
    """Return whether a process has asked for events lately.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    client: Any = pools.records()
    try:
        consumers = client.xinfo_consumers(_events_key(), GROUP)
    except redis_errors.ResponseError:  # There is no stream, or no group.
        return False
    return any(consumer["idle"] < CLAIM_AFTER_S * 1000 for consumer in consumers)


def _events_key() -> str:
    return OnlineKeys(conf.current().names).events


def _read_event(entry: Any) -> OnlineEvent | None:
    """Read an entry of the stream; None: it is malformed, and is dropped."""
    event_id, fields = entry
    try:
        return OnlineEvent(
            event_id,
            fields[b"user"].decode(),
            fields[b"is_online"] == b"1",
            int(float(fields[b"at"])),
        )
    except (KeyError, TypeError, ValueError):
        log.warning("event=online_event_dropped id=%s", event_id)
        return None


def _send_signal(event: OnlineEvent) -> None:
    """Call the receivers, of the tenant; what one raises is logged, and the others are called."""
    signal = user_online if event.is_online else user_offline
    tenant = tenant_of(event.uid)
    with _within(tenant):
        replies = signal.send_robust(
            sender=get_user_model(),
            user_id=without_tenant(event.uid),
            tenant=tenant,
            at=datetime.fromtimestamp(event.at_ms / 1000, UTC),
        )
    for receiver, reply in replies:
        if isinstance(reply, Exception):
            log.error("event=receiver_failed receiver=%r", receiver, exc_info=reply)


def _within(tenant: str) -> AbstractContextManager[None]:
    if not tenant or conf.current().tenant is None:
        return nullcontext()
    return use_tenant(tenant)
